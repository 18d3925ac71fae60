"""What is published of the fields of Azure's resources, to catch misspelt ones.

``fields.json`` is made from Microsoft's management libraries, by
``tests/collectors/azure/generate_fields.py``.
A *form* in it is ``string``, ``boolean``, ``integer``, ``number``, ``any``, ``[form]`` for a list, ``{form}``
for a map, or the name of a type; ``any`` is also what is said where nothing is known.
"""

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

ANY = "any"

_SCALARS: dict[str, tuple[type, ...]] = {
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, float),
    "string": (str,),
}


@cache
def _published() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(Path(__file__).with_name("fields.json").read_text(encoding="utf-8"))
    return found


def form_of(kind: tuple[str, ...]) -> str:
    """Return the form of a resource of a kind."""
    form: str = _published()["kinds"].get("/".join(kind).lower(), ANY)
    return form


def list_of(form: str) -> str:
    """Return the form of a list of something."""
    return f"[{form}]"


def missing(form: str, path: str) -> str:
    """Say which part of a dotted path does not exist; "" if all do, as far as is known.

    Args:
        path: keys joined by dots; ``*`` is every element or key, a number one element.
    """
    for part in path.split("."):
        if form == ANY:
            return ""
        if form[0] == "[":
            if part != "*" and not part.isdecimal():
                return f"{part!r} is asked of a list"
            form = form[1:-1]
        elif form[0] == "{":
            form = form[1:-1]
        elif form in _SCALARS:
            return f"{part!r} is asked of a {form}"
        elif part == "*":
            form = ANY
        else:
            fields = _published()["types"][form]
            if part not in fields:
                return f"no field {part!r}; there are {', '.join(sorted(fields))}"
            form = fields[part]
    return ""


def mismatches(path: str, form: str, value: Any) -> Iterator[str]:
    """Yield what of a value does not fit a form.

    Args:
        path: what to call the value.
    """
    if form == ANY or value is None:
        return
    if form[0] == "[" or isinstance(value, list):
        if form[0] != "[" or not isinstance(value, list):
            yield f"{path}: {value!r}, where the answer has {_described(form)}"
            return
        for i, inner in enumerate(value):
            yield from mismatches(f"{path}[{i}]", form[1:-1], inner)
    elif form in _SCALARS:
        if not isinstance(value, _SCALARS[form]) or (isinstance(value, bool) and form != "boolean"):
            yield f"{path}: {value!r}, where the answer has {_described(form)}"
    elif not isinstance(value, dict):
        yield f"{path}: {value!r}, where the answer has {_described(form)}"
    else:
        for key, inner in value.items():
            if form[0] == "{":
                yield from mismatches(f"{path}.{key}", form[1:-1], inner)
                continue
            fields = _published()["types"][form]
            if key in fields:
                yield from mismatches(f"{path}.{key}", fields[key], inner)
            else:
                yield f"{path}: no field {key!r}; there are {', '.join(sorted(fields))}"


def leaves(form: str, path: str, within: tuple[str, ...] = ()) -> Iterator[str]:
    """Yield the path of every scalar that a form leads to; a type within itself is not entered again."""
    if form == ANY or form in _SCALARS:
        yield path
    elif form[0] in "[{":
        yield from leaves(form[1:-1], f"{path}.*", within)
    elif form not in within:
        for key, inner in _published()["types"][form].items():
            yield from leaves(inner, f"{path}.{key}", (*within, form))


def _described(form: str) -> str:
    return "a list" if form[0] == "[" else f"a {form}" if form in _SCALARS else "an object"
