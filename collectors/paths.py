"""Wildcard paths into documents: ``item.Environment.Variables.*``, where ``*`` is every key or element."""

import re
from collections.abc import Callable
from typing import Any, Final


class _Delete:
    pass


DELETE: Final = _Delete()
"""What a change returns to remove the value."""

_OTHER_THAN = re.compile(r"\*\[(?P<field>\w*)!=(?P<values>[^\]]+)\]")
_STEP = re.compile(r"[^.\[]+(?:\[[^\]]*\])?")

Change = Callable[[Any], Any]
"""Takes a value and returns its replacement, the value itself to leave it, or ``DELETE``."""


def change_at(document: dict[str, Any], path: str, change: Change) -> tuple[dict[str, Any], list[str]]:
    """Change every value that a path leads to.

    The document is left as it is: documents share parts (a parent, an answer that serves many).

    Args:
        path: keys joined by dots; ``*`` is every key of an object or element of a list, a number
            one element, ``*[field!=a|b]`` every element whose field is neither, ``*[!=a|b]`` every key
            that is neither. What the document does not have is passed over, and so is null.

    Returns:
        the changed document, which shares with the old one what did not change, and the concrete
        paths that were changed.
    """
    touched: list[str] = []
    return _change(document, steps(path), "", change, touched), touched


def steps(path: str) -> list[str]:
    """Return the steps of a path, in order."""
    return _STEP.findall(path)


def _change(container: Any, parts: list[str], prefix: str, change: Change, touched: list[str]) -> Any:
    part, rest = parts[0], parts[1:]
    result = container
    # From the last element on, so that removing one does not move those still to come.
    for key in reversed(_keys(container, part)):
        value = container[key]
        if rest:
            replacement = _change(value, rest, f"{prefix}{key}.", change, touched)
        elif value is None:
            continue
        else:
            replacement = change(value)
            if replacement is not value:
                touched.append(f"{prefix}{key}")
        if replacement is value:
            continue
        if result is container:
            result = container.copy()
        if replacement is DELETE:
            del result[key]
        else:
            result[key] = replacement
    return result


def _keys(container: Any, part: str) -> list[Any]:
    if isinstance(container, dict):
        if part == "*":
            return list(container)
        other = _OTHER_THAN.fullmatch(part)
        if other is not None and not other["field"]:
            spared = other["values"].split("|")
            return [key for key in container if key not in spared]
        return [part] if part in container else []
    if isinstance(container, list):
        if part == "*":
            return list(range(len(container)))
        if part.isdecimal():
            return [int(part)] if int(part) < len(container) else []
        return _others(container, part)
    return []


def _others(elements: list[Any], part: str) -> list[int]:
    wanted = _OTHER_THAN.fullmatch(part)
    if wanted is None or not wanted["field"]:
        return []
    spared = wanted["values"].split("|")
    return [
        i
        for i, element in enumerate(elements)
        if not isinstance(element, dict) or element.get(wanted["field"]) not in spared
    ]
