"""What the bind account must be able to read, computed from what the definitions ask for."""

from collections.abc import Iterable

from collectors.contract import Permissions
from collectors.definition import Call, ResourceType

_NOTE = (
    "The first document is for OpenLDAP: put the account's own name for BIND_DN and your database for "
    "{1}mdb, and run `ldapmodify -c -Y EXTERNAL -H ldapi:/// -f FILE` as root. Of attributes whose schema or "
    "overlay your server does not have it says so and goes on. The second is for Active Directory."
)

_OF_OVERLAYS = ("memberOf", "pwd", "shadow", "authTimestamp")
"""How attributes begin that a server knows by an overlay or a schema that it may not have."""

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
    documents = (_openldap(directory), _active_directory(active))
    return Permissions(grants(read), documents, suffix=".txt", note=_NOTE)


def _attributes(types: Iterable[ResourceType]) -> list[str]:
    return _names(call for definition in types for call in definition.calls())


def _names(calls: Iterable[Call]) -> list[str]:
    return sorted({name for call in calls for name in call.with_.get("attributes", ())}, key=str.lower)


def _openldap(types: Iterable[ResourceType]) -> str:
    # The root DSE is of no database: who reads it is decided elsewhere, and usually anybody may.
    calls = [call for each in types for call in each.calls() if call.with_.get("base") != ""]
    names = _names(calls)
    extra = [name for name in names if name.startswith(_OF_OVERLAYS)]
    plain = [name for name in names if name not in extra]
    # slapd.access(5): entry is the pseudo-attribute that a search must be allowed to read, or the entry is
    # left out without a word. Passwords are kept from the account, whatever others may do with them. A rule
    # with a name that the server does not know is refused as a whole: what may be unknown has one of its own.
    rules = [
        "to attrs=userPassword " + 'by dn.exact="BIND_DN" none by * break',
        *(
            f"to attrs={each} " + 'by dn.exact="BIND_DN" read by * break'
            for each in (",".join(["entry", "children", "hasSubordinates", *plain]), *extra)
        ),
    ]
    changes = [("olcAccess", rule) for rule in rules]
    changes.append(("olcLimits", 'dn.exact="BIND_DN" size.pr=10000 size.prtotal=unlimited'))
    return "\n".join(
        f"dn: olcDatabase={{1}}mdb,cn=config\nchangetype: modify\nadd: {name}\n{name}: {{0}}{value}\n"
        for name, value in changes
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
