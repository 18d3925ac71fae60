"""Partial responses: what the query parameter ``fields`` of Google's APIs leaves of an answer.

Source: https://developers.google.com/workspace/admin/directory/v1/guides/performance#partial-response.
"""

import re
from collections.abc import Iterator
from typing import Any

Mask = dict[str, "Mask"]
"""Field → what is kept of it; an empty mask keeps all."""

_TOKEN = re.compile(r"[A-Za-z]\w*|[(),/]")


def parse(text: str) -> Mask:
    """Read ``kind,users(id,name/fullName)``.

    Raises:
        ValueError: it has another form.
    """
    tokens = _TOKEN.findall(text)
    if "".join(tokens) != text:
        raise ValueError(f"{text!r} is no selection of fields")
    mask, rest = _fields(tokens)
    if rest:
        raise ValueError(f"{text!r} goes on after its end")
    return mask


def kept(value: Any, mask: Mask) -> Any:
    """Return what a mask leaves of a value."""
    if not mask:
        return value
    if isinstance(value, list):
        return [kept(each, mask) for each in value]
    return {name: kept(value[name], inner) for name, inner in mask.items() if name in value}


def paths(mask: Mask, before: str = "") -> Iterator[str]:
    """Yield every path that a mask names, from the root of the answer."""
    for name, inner in mask.items():
        yield before + name
        yield from paths(inner, f"{before}{name}.")


def _fields(tokens: list[str]) -> tuple[Mask, list[str]]:
    mask: Mask = {}
    while True:
        name, inner, tokens = _field(tokens)
        mask[name] = inner
        if not tokens or tokens[0] != ",":
            return mask, tokens
        tokens = tokens[1:]


def _field(tokens: list[str]) -> tuple[str, Mask, list[str]]:
    name, tokens = tokens[0], tokens[1:]
    if tokens[:1] == ["/"]:
        below, inner, tokens = _field(tokens[1:])
        return name, {below: inner}, tokens
    if tokens[:1] == ["("]:
        found, tokens = _fields(tokens[1:])
        if tokens[:1] != [")"]:
            raise ValueError("a bracket is not closed")
        return name, found, tokens[1:]
    return name, {}, tokens
