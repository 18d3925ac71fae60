"""Active Directory, as far as its contract is published: [MS-ADTS], https://learn.microsoft.com/openspecs.

What an entry holds is given in the form in which people read it, and answered in the bytes in which a domain
controller keeps it. Of the rules for matching it has those that a reader of accounts needs.
"""

import re
import struct
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from annexa.demo.ber import Element
from annexa.demo.ldap_server import Entry, RefusedError, Search
from collectors.ldap.members import key
from collectors.ldap.values import NEVER, known

_EPOCH = datetime(1601, 1, 1, tzinfo=UTC)
_BIT_AND = "1.2.840.113556.1.4.803"
_IN_CHAIN = "1.2.840.113556.1.4.1941"
_AND, _OR, _NOT, _EQUAL, _PRESENT, _EXTENSIBLE = 0xA0, 0xA1, 0xA2, 0xA3, 0x87, 0xA9
_RULE, _ATTRIBUTE, _ASSERTED = 0x81, 0x82, 0x83
_BASE, _LEVEL = 0, 1

_NO_OBJECT = (32, "0000208D: NameErr: DSID-0310028C, problem 2001 (NO_OBJECT), data 0, best match of: ''")
_BIND_FIRST = (
    "000004DC: LdapErr: DSID-0C090A5C, comment: In order to perform this operation a successful bind must be "
    "completed on the connection., data 0, v4563"
)
_NO_BIND = (1, _BIND_FIRST)
_WRONG = (
    49,
    "80090308: LdapErr: DSID-0C090439, comment: AcceptSecurityContext error, data 52e, v4563",
)

_PERSON = ("top", "person", "organizationalPerson", "user")
_CLASSES = {
    "user": ("person", _PERSON),
    "computer": ("computer", (*_PERSON, "computer")),
    "msDS-GroupManagedServiceAccount": (
        "msDS-GroupManagedServiceAccount",
        (*_PERSON, "computer", "msDS-GroupManagedServiceAccount"),
    ),
}
"""Class → how its category is called, and the classes that it comes from."""


@dataclass
class Domain:
    """A domain; see :class:`annexa.demo.ldap_server.Directory`.

    Attributes:
        base: its name.
        root: what the root DSE says.
        reader: the account that may bind: its name and password.
    """

    base: str
    root: Mapping[str, Sequence[str]]
    reader: tuple[str, str]
    _names: dict[str, str] = field(default_factory=dict)
    _entries: dict[str, dict[str, list[bytes]]] = field(default_factory=dict)
    _hidden: set[str] = field(default_factory=set)

    def put(self, name: str, attributes: Mapping[str, str | Sequence[str]]) -> None:
        """Place an entry.

        Args:
            attributes: name → value or values, as text; ``objectClass`` is the most special class alone.
        """
        found = {each: [text] if isinstance(text, str) else [*text] for each, text in attributes.items()}
        (kind,) = found.get("objectClass", ["container"])
        category, classes = _CLASSES.get(kind, (kind, ("top", kind)))
        found["objectClass"] = [*classes]
        found["objectCategory"] = [category]
        found.setdefault("cn", [name.partition(",")[0].partition("=")[2]])
        found.setdefault("objectGUID", [str(uuid.uuid5(uuid.NAMESPACE_X500, key(name)))])
        if kind == "group" and "objectSid" in found:
            found["primaryGroupToken"] = [found["objectSid"][0].rpartition("-")[2]]
        self._names[key(name)] = name
        self._entries[key(name)] = {
            each: [encoded(each, text) for text in values] for each, values in found.items()
        }

    def hide(self, name: str) -> None:
        """Let the reader see neither an entry nor what is below it."""
        self._hidden.add(key(name))

    def bind(self, name: str, password: str) -> str:
        """Return who that is, as a domain controller says it."""
        if (name.lower(), password) != (self.reader[0].lower(), self.reader[1]):
            raise RefusedError(*_WRONG)
        account, _, domain = name.partition("@")
        return f"u:{domain.partition('.')[0].upper()}\\{account}"

    def search(self, asked: Search) -> list[Entry]:
        """Return what is found, in the order of the entries."""
        if not asked.base and asked.scope == _BASE:
            return [
                ("", _asked(asked.attributes, {name: [*map(str.encode, v)] for name, v in self.root.items()}))
            ]
        if not asked.who:
            raise RefusedError(*_NO_BIND)
        base = key(asked.base)
        if self._is_hidden(base) or not any(_within(each, base) for each in self._entries):
            raise RefusedError(*_NO_OBJECT)
        return [
            (self._names[name], _asked(asked.attributes, self._whole(name)))
            for name in self._entries
            if _in_scope(name, base, asked.scope)
            and not self._is_hidden(name)
            and self._matches(name, asked.filter)
        ]

    def _is_hidden(self, name: str) -> bool:
        return any(_within(name, each) for each in self._hidden)

    def _whole(self, name: str) -> dict[str, list[bytes]]:
        """Return the attributes of an entry with the groups that name it."""
        groups = [
            self._names[group].encode() for group, members in self._members().items() if name in members
        ]
        return self._entries[name] | ({"memberOf": groups} if groups else {})

    def _members(self) -> dict[str, set[str]]:
        return {
            name: {key(each.decode()) for each in entry["member"]}
            for name, entry in self._entries.items()
            if "member" in entry
        }

    def _chain(self, group: str) -> set[str]:
        members = self._members()
        found: set[str] = set()
        waiting = {group}
        while waiting:
            new = members.get(waiting.pop(), set()) - found
            found |= new
            waiting |= new
        return found

    def _matches(self, name: str, asked: Element) -> bool:
        match asked.tag:
            case tag if tag == _AND:
                return all(self._matches(name, each) for each in asked.parts)
            case tag if tag == _OR:
                return any(self._matches(name, each) for each in asked.parts)
            case tag if tag == _NOT:
                return not self._matches(name, asked.parts[0])
            case tag if tag == _PRESENT:
                return bool(_asked([asked.text], self._whole(name)))
            case tag if tag == _EQUAL:
                attribute, value = asked.parts
                return self._equal(name, attribute.text, value.content)
            case tag if tag == _EXTENSIBLE:
                given = {part.tag: part for part in asked.parts}
                return self._extended(
                    name, given[_RULE].text, given[_ATTRIBUTE].text, given[_ASSERTED].content
                )
        raise RefusedError(18, "this filter is not offered")

    def _equal(self, name: str, attribute: str, value: bytes) -> bool:
        if known().syntax.get(attribute) == "sid" and value.startswith(b"S-"):
            value = encoded(attribute, value.decode())
        found = _asked([attribute], self._whole(name))
        return value.lower() in [each.lower() for each in next(iter(found.values()), [])]

    def _extended(self, name: str, rule: str, attribute: str, value: bytes) -> bool:
        if rule == _IN_CHAIN and attribute == "memberOf":
            return name in self._chain(key(value.decode()))
        if rule == _BIT_AND:
            found = next(iter(_asked([attribute], self._entries[name]).values()), [])
            return any(int(each) & int(value) == int(value) for each in found)
        raise RefusedError(18, f"the matching rule {rule} is not offered")


def _asked(names: Iterable[str], attributes: Mapping[str, list[bytes]]) -> dict[str, list[bytes]]:
    wanted = {name.lower() for name in names}
    return {name: values for name, values in attributes.items() if name.lower() in wanted and values}


def _within(name: str, base: str) -> bool:
    return name == base or name.endswith(f",{base}")


def _in_scope(name: str, base: str, scope: int) -> bool:
    if scope == _BASE:
        return name == base
    return name.partition(",")[2] == base if scope == _LEVEL else _within(name, base)


def encoded(name: str, text: str) -> bytes:
    """Return a value in the bytes in which a domain controller keeps it.

    Args:
        text: as :func:`collectors.ldap.values.text` writes it; flags by their names, with spaces between.
    """
    bits = known().flags.get(name)
    if bits is not None and not re.fullmatch(r"-?\d+", text):
        return str(
            struct.unpack("<i", struct.pack("<I", sum(bits[each] for each in text.split())))[0]
        ).encode()
    match known().syntax.get(name):
        case "filetime":
            return str(_ticks(name, text)).encode()
        case "interval":
            return str(-(2**63) if text == NEVER else -int(text.removesuffix("s")) * 10_000_000).encode()
        case "time":
            return datetime.fromisoformat(text).astimezone(UTC).strftime("%Y%m%d%H%M%S.0Z").encode()
        case "guid":
            return uuid.UUID(text).bytes_le
        case "sid":
            _, revision, authority, *parts = text.split("-")
            head = bytes([int(revision), len(parts)]) + int(authority).to_bytes(6, "big")
            return head + struct.pack(f"<{len(parts)}I", *map(int, parts))
    return text.encode()


def _ticks(name: str, text: str) -> int:
    if text == NEVER:
        return 2**63 - 1 if name == "accountExpires" else 0
    return (datetime.fromisoformat(text) - _EPOCH) // timedelta(microseconds=1) * 10
