"""What a directory says of itself in its root DSE (RFC 4512 §5.1), and the scopes that follow from it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from collectors.definition import Call
from collectors.ldap.settings import Kind, LdapSettings
from collectors.transport import CallError
from store.model import Scope

ROOT = Call.model_validate(
    {
        "call": "ldap:SEARCH base",
        "with": {
            "base": "",
            "attributes": [
                "objectClass",
                "namingContexts",
                "defaultNamingContext",
                "configurationNamingContext",
                "rootDomainNamingContext",
                "supportedCapabilities",
                "supportedControl",
                "dnsHostName",
            ],
        },
    }
)

_ACTIVE_DIRECTORY = "1.2.840.113556.1.4.800"
_DOMAIN_SCOPE = "1.2.840.113556.1.4.1339"

KIND_READS: Mapping[Kind, frozenset[str]] = {
    "active_directory": frozenset({"", "active_directory"}),
    "openldap": frozenset({"", "standard", "openldap"}),
    "generic": frozenset({"", "standard"}),
}
"""Kind of directory → the ``scope`` of the resource types that are read of it."""


@dataclass(frozen=True)
class Directory:
    """A server's root DSE.

    Attributes:
        kind: what directory it is.
        attributes: name → values.
    """

    kind: Kind
    attributes: Mapping[str, list[str]]

    @classmethod
    def of(cls, answer: Mapping[str, Any], settings: LdapSettings) -> "Directory":
        """Read the answer of :data:`ROOT`.

        Raises:
            CallError: ``MalformedAnswer``, if it is no root DSE.
        """
        entries = answer.get("entries")
        if not isinstance(entries, list) or len(entries) != 1:
            raise CallError(
                "MalformedAnswer", "the server shows no root DSE: the account must be able to read it"
            )
        attributes = entries[0]["attributes"]
        return cls(settings.kind if settings.kind != "auto" else _kind(attributes), attributes)

    @property
    def domain_scope(self) -> bool:
        """Whether searches can be kept within one naming context."""
        return _DOMAIN_SCOPE in self.attributes.get("supportedControl", ())

    def bases(self, settings: LdapSettings) -> list[str]:
        """Return what is read, one scope each; empty where the root DSE does not say."""
        if settings.base_dn:
            return [settings.base_dn]
        default = self.attributes.get("defaultNamingContext", [])
        return default[:1] or [each for each in self.attributes.get("namingContexts", []) if "=" in each]

    def first(self, name: str) -> str:
        """Return the first value of an attribute, "" where there is none."""
        return next(iter(self.attributes.get(name, ())), "")

    def scope(self, base: str, more: Mapping[str, str]) -> Scope:
        """Return the scope of a base.

        Args:
            more: further facts; those that are empty are left out.
        """
        facts = {
            "base": base,
            "kind": self.kind,
            "domain": domain_of(base),
            "configuration": self.first("configurationNamingContext"),
            **more,
        }
        return Scope(
            "ldap",
            base,
            domain_of(base) or base,
            attributes={key: value for key, value in facts.items() if value},
        )


def domain_of(dn: str) -> str:
    """Return the domain that a name ends with (RFC 2247), "" where it has none."""
    parts = [re.fullmatch(r"\s*dc\s*=\s*(.+?)\s*", each, re.IGNORECASE) for each in dn.split(",")]
    return ".".join(part[1] for part in parts if part is not None).lower()


def _kind(attributes: Mapping[str, list[str]]) -> Kind:
    if _ACTIVE_DIRECTORY in attributes.get("supportedCapabilities", ()):
        return "active_directory"
    if any(each.lower() == "openldaprootdse" for each in attributes.get("objectClass", ())):
        return "openldap"
    return "generic"
