"""What differs between two JSON values, path by path."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import orjson

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")


@dataclass(frozen=True, slots=True)
class Change:
    """One difference.

    Attributes:
        path: e.g. ``content.rules[0].CidrIp``; unusual keys are written as ``["key"]``.
        kind: ``added``, ``removed`` or ``changed``.
        before, after: the values; None where there is none.
    """

    path: str
    kind: str
    before: Any
    after: Any


def changes(before: Any, after: Any, path: str = "") -> Iterator[Change]:
    """Yield the differences, deepest paths only.

    Lists are held against each other from both ends, so that one item more or less is one
    difference. The path of what was removed counts as before, all others as after.
    """
    if isinstance(before, dict) and isinstance(after, dict):
        for key in sorted(before.keys() | after.keys()):
            there = f"{path}[{_quoted(key)}]" if not _PLAIN.fullmatch(key) else f"{path}.{key}".lstrip(".")
            if key not in after:
                yield Change(there, "removed", before[key], None)
            elif key not in before:
                yield Change(there, "added", None, after[key])
            else:
                yield from changes(before[key], after[key], there)
    elif isinstance(before, list) and isinstance(after, list):
        yield from _list_changes(before, after, path)
    elif before != after or isinstance(before, bool) != isinstance(after, bool):
        yield Change(path, "changed", before, after)


def _list_changes(before: list[Any], after: list[Any], path: str) -> Iterator[Change]:
    shorter = min(len(before), len(after))
    # As text, because Python takes true for 1.
    one, other = (
        [orjson.dumps(item, option=orjson.OPT_SORT_KEYS) for item in each] for each in (before, after)
    )
    head = next((n for n in range(shorter) if one[n] != other[n]), shorter)
    tail = next((n for n in range(shorter - head) if one[-1 - n] != other[-1 - n]), shorter - head)
    old, new = before[head : len(before) - tail], after[head : len(after) - tail]
    for number in range(max(len(old), len(new))):
        there = f"{path}[{head + number}]"
        if number >= len(new):
            yield Change(there, "removed", old[number], None)
        elif number >= len(old):
            yield Change(there, "added", None, new[number])
        else:
            yield from changes(old[number], new[number], there)


def _quoted(key: str) -> str:
    return '"' + key.replace("\\", "\\\\").replace('"', '\\"') + '"'
