"""Templates in definitions: ``{item.Field}`` stands for a value of the document being read."""

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, Final

_TEMPLATE = re.compile(r"\{([A-Za-z_][\w.:\-]*)\}")


class Absent:
    """The kind of :data:`ABSENT`."""

    def __repr__(self) -> str:
        return "ABSENT"

    def __bool__(self) -> bool:
        return False


ABSENT: Final = Absent()
"""What a template gives that has no value, so that null and missing are treated alike."""


def resolve(path: str, values: Mapping[str, Any]) -> Any:
    """Follow a dotted path through objects and, by number, through lists; ABSENT where it ends early."""
    value: Any = values
    for part in path.split("."):
        if isinstance(value, Mapping):
            value = value.get(part)
        elif isinstance(value, list) and part.isdecimal() and int(part) < len(value):
            value = value[int(part)]
        else:
            return ABSENT
        if value is None:
            return ABSENT
    return value


def render(template: Any, values: Mapping[str, Any]) -> Any:
    """Fill in the templates of a string, or of every string within lists and objects.

    A string that is exactly one template becomes its value, of whatever type; within longer
    strings values are written as text. ABSENT if any value is missing or null.
    """
    if isinstance(template, str):
        return _render_text(template, values)
    if isinstance(template, Mapping):
        rendered: dict[str, Any] = {}
        for key, inner in template.items():
            rendered[key] = render(inner, values)
            if rendered[key] is ABSENT:
                return ABSENT
        return rendered
    if isinstance(template, list | tuple):
        elements = [render(inner, values) for inner in template]
        return ABSENT if any(element is ABSENT for element in elements) else elements
    return template


def render_text(template: str, values: Mapping[str, Any]) -> str | None:
    """Fill in a template that must give text, such as an id; None if a value is missing or no scalar."""
    rendered = render(template, values)
    if isinstance(rendered, bool) or not isinstance(rendered, str | int):
        return None
    return str(rendered) or None


def paths(template: Any) -> Iterator[str]:
    """Yield the path of every template within a string, list or object."""
    if isinstance(template, str):
        yield from _paths(template)
    elif isinstance(template, Mapping):
        for inner in template.values():
            yield from paths(inner)
    elif isinstance(template, list | tuple):
        for inner in template:
            yield from paths(inner)


def heads(template: Any) -> frozenset[str]:
    """Return the first parts of all paths: what the template depends on."""
    return frozenset(path.split(".", 1)[0] for path in paths(template))


@lru_cache(maxsize=4096)
def _paths(template: str) -> tuple[str, ...]:
    return tuple(_TEMPLATE.findall(template))


def _render_text(template: str, values: Mapping[str, Any]) -> Any:
    found = _paths(template)
    if not found:
        return template
    if len(found) == 1 and len(template) == len(found[0]) + 2:
        return resolve(found[0], values)
    resolved = {path: resolve(path, values) for path in found}
    if any(value is ABSENT or isinstance(value, dict | list) for value in resolved.values()):
        return ABSENT
    return _TEMPLATE.sub(lambda match: as_text(resolved[match[1]]), template)


def as_text(value: Any) -> str:
    """Write a scalar as it stands in a longer string: booleans as JSON does."""
    return ("true" if value else "false") if isinstance(value, bool) else str(value)
