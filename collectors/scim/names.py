"""One spelling of attributes: their names are the same in any case, and null is the same as none."""

from collections.abc import Callable, Iterable
from typing import Any

from collectors.transport import CallError

_OF_LISTS = ("totalResults", "startIndex", "itemsPerPage", "nextCursor", "previousCursor")


def one_spelling(names: Iterable[str]) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Return what brings an answer into the spelling of published schemas.

    RFC 7643 §2.1: names of attributes, and the URIs of schemas that stand among them, have no case. §2.5: an
    attribute that is null is not assigned. Names that are not published stay as they are.

    Args:
        names: the published ones, in their spelling.
    """
    published = {each.lower(): each for each in (*names, *_OF_LISTS)}

    def spelt(value: Any) -> Any:
        if isinstance(value, list):
            return [spelt(each) for each in value]
        return of_object(value) if isinstance(value, dict) else value

    def of_object(value: dict[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, inner in value.items():
            name = published.get(key.lower(), key)
            if inner is None:
                continue
            if name in found:
                raise CallError("MalformedAnswer", f"the attribute {name} comes twice, as {key} too")
            found[name] = spelt(inner)
        return found

    return of_object
