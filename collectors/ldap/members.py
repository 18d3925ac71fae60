"""Who belongs to a group, groups within groups included, where a directory cannot tell by itself."""

import re
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

MEMBER_ATTRIBUTES = ("member", "uniqueMember")
"""Attributes that hold the names of members, which may be groups themselves."""

GROUPS = "(|(objectClass=groupOfNames)(objectClass=groupOfUniqueNames)(objectClass=groupOfMembers))"

CHAIN = "(memberOf:1.2.840.113556.1.4.1941:=<group>)"
"""Everything in a group, however deep: LDAP_MATCHING_RULE_IN_CHAIN, [MS-ADTS] 3.1.1.3.4.4.3."""

_ESCAPED = re.compile(r"\\(?:((?:[0-9a-fA-F]{2})(?:\\[0-9a-fA-F]{2})*)|(.))", re.DOTALL)
_SIGNS = frozenset('\\,+"<>;= #')

Groups = Mapping[str, tuple[str, ...]]
"""The name of a group, as :func:`key` writes it → its direct members, as the directory writes them."""


def key(dn: str) -> str:
    """Return a name in one form: case, spaces around its parts and ways to escape do not tell names apart.

    RFC 4514 §2.4 has two ways to write a character that would be read as a sign: ``\\,`` and ``\\2c``.
    """
    parts = _ESCAPED.sub(_one_way, dn).lower().split(",")
    return ",".join("=".join(half.strip() for half in part.split("=", 1)) for part in parts)


def _one_way(found: re.Match[str]) -> str:
    text = found[2] or bytes.fromhex(found[1].replace("\\", "")).decode("utf-8", "replace")
    return "".join(f"\\{ord(each):02x}" if each in _SIGNS else each for each in text)


def groups_of(entries: Iterable[Mapping[str, Any]]) -> Groups:
    """Return the groups among entries with their direct members."""
    return {
        key(entry["dn"]): tuple(
            member for name in MEMBER_ATTRIBUTES for member in entry["attributes"].get(name, ()) if member
        )
        for entry in entries
    }


def transitive(groups: Groups, group: str) -> list[dict[str, Any]]:
    """Return the members of a group that are no groups, once each, however deep and in whatever circle.

    Returns:
        ``dn``, ``depth`` (1 is a direct member) and ``via`` (the group that names it), in order of depth.
    """
    found = {member["dn"]: member for member in _walk(groups, group)}
    return list(found.values())


def _walk(groups: Groups, group: str) -> Iterator[dict[str, Any]]:
    seen = {key(group)}
    waiting = deque([(group, 1)])
    while waiting:
        current, depth = waiting.popleft()
        for member in groups.get(key(current), ()):
            if key(member) in seen:
                continue
            seen.add(key(member))
            if key(member) in groups:
                waiting.append((member, depth + 1))
            else:
                yield {"dn": member, "depth": depth, "via": current}


def named_only(entries: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return the members that entries name and that are not among the entries themselves."""
    found = list(entries)
    shown = {key(each["dn"]) for each in found}
    named = {key(name): name for each in found for name in each["attributes"].get("member", ())}
    return sorted(name for short, name in named.items() if short not in shown)


class GroupIndex:
    """The groups below each base, read once for all that ask."""

    def __init__(self, read: Callable[[str], Groups]) -> None:
        self._read = read
        self._lock = threading.Lock()
        self._groups: dict[str, Groups] = {}

    def below(self, base: str) -> Groups:
        """Return the groups; what reading them raises is raised again for each that asks."""
        with self._lock:
            if base not in self._groups:
                self._groups[base] = self._read(base)
            return self._groups[base]
