"""What the bind account must be able to read, computed from what the definitions ask for."""

from collections.abc import Iterable

from collectors.contract import Permissions
from collectors.definition import Call, ResourceType

_NOTE = (
    "The first document is for OpenLDAP (cn=config; put the lines before your own), the second for "
    "Active Directory. Put the account's own name for BIND_DN."
)

# What Authenticated Users do not read by default.
# https://learn.microsoft.com/en-us/windows-server/identity/ad-ds/get-started/adac/fine-grained-password-policies
# https://learn.microsoft.com/en-us/windows-server/identity/laps/laps-concepts-overview
_NOT_BY_DEFAULT = {
    "ldap.ad.password-policy": "Read all properties of what is in CN=Password Settings Container,CN=System: "
    "by default only Domain Admins see fine-grained password policies. "
    'dsacls "CN=Password Settings Container,CN=System,BASE" /I:T /G "BIND_DN:GR"',
    "ldap.ad.computer": "Read ms-Mcs-AdmPwdExpirationTime and msLAPS-PasswordExpirationTime of computers, "
    "and nothing else of LAPS: the attributes with the passwords are confidential, and must stay so.",
}


def grants(types: Iterable[ResourceType]) -> tuple[str, ...]:
    """Return ``read <attribute>`` for everything that is asked for, and ``search entry``."""
    names = _attributes(types)
    return tuple(sorted({"search entry", *(f"read {name}" for name in names)}))


def document(types: Iterable[ResourceType]) -> Permissions:
    """Return the permissions, for the directories that have their own way to say them."""
    read = list(types)
    directory = [each for each in read if each.scope != "active_directory"]
    active = [each for each in read if each.scope in ("", "active_directory")]
    documents = (_openldap(_attributes(directory)), _active_directory(active))
    return Permissions(grants(read), documents, suffix=".txt", note=_NOTE)


def _attributes(types: Iterable[ResourceType]) -> list[str]:
    calls: list[Call] = [call for definition in types for call in definition.calls()]
    return sorted({name for call in calls for name in call.with_.get("attributes", ())}, key=str.lower)


def _openldap(attributes: list[str]) -> str:
    # slapd.access(5): the password itself stays for authentication only; entry is the pseudo-attribute that a
    # search must be allowed to read, or the entry is left out without a word.
    names = ",".join(["entry", "children", "hasSubordinates", *attributes])
    return "\n".join(
        [
            "dn: olcDatabase={1}mdb,cn=config",
            "changetype: modify",
            "add: olcAccess",
            "olcAccess: {0}to attrs=userPassword by self write by anonymous auth by * none",
            f"olcAccess: {{1}}to attrs={names} " + 'by dn.exact="BIND_DN" read by * break',
            "-",
            "add: olcLimits",
            'olcLimits: {0}dn.exact="BIND_DN" size.pr=10000 size.prtotal=unlimited',
            "",
        ]
    )


def _active_directory(types: list[ResourceType]) -> str:
    more = [_NOT_BY_DEFAULT[each.type] for each in types if each.type in _NOT_BY_DEFAULT]
    return "\n".join(
        [
            "A member of Domain Users, without any other group, reads these attributes by default:",
            *(f"  {name}" for name in _attributes(types)),
            "Where the default was taken away (List Object mode, denied read), grant Read to BIND_DN.",
            "What takes more than that:",
            *(f"  {each}" for each in more or ["nothing"]),
            "",
        ]
    )
