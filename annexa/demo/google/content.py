"""What lives at one address of an API: a list, an aggregated list, or one object."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Element = dict[str, Any]

PLACES = ("global", "regions/europe-west1", "zones/europe-west1-b", "zones/europe-west1-c")
"""Places that every aggregated list speaks of."""


@dataclass(frozen=True)
class Listed:
    """A list.

    Attributes:
        key: where the elements are; an empty list has no such key.
        more: what each page says besides, such as ``unreachable``.
    """

    key: str
    elements: Sequence[Element] = ()
    more: Mapping[str, Any] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.elements)

    def page(self, start: int, end: int) -> Element:
        """Return what one page holds."""
        shown = list(self.elements[start:end])
        return {**({self.key: shown} if shown else {}), **self.more}


@dataclass(frozen=True)
class Aggregated:
    """A list across zones and regions: each page speaks of every place.

    Attributes:
        key: where the elements of a place are.
        places: place, such as ``zones/europe-west1-b`` → its elements.
        unreachable: places that did not answer.
    """

    key: str
    places: Mapping[str, Sequence[Element]] = field(default_factory=dict)
    unreachable: tuple[str, ...] = ()

    def __len__(self) -> int:
        return sum(len(elements) for elements in self.places.values())

    def page(self, start: int, end: int) -> Element:
        """Return what one page holds."""
        flat = [(place, each) for place, elements in self.places.items() for each in elements][start:end]
        items: dict[str, Any] = {place: _empty(place) for place in (*PLACES, *self.places)}
        for place in self.unreachable:
            items[place] = _warning("UNREACHABLE", f"The scope '{place}' could not be reached.", place)
        for place, element in flat:
            items[place] = {self.key: [*items[place].get(self.key, []), element]}
        return {"items": items, **({"unreachables": list(self.unreachable)} if self.unreachable else {})}


@dataclass(frozen=True)
class One:
    """One object."""

    body: Element


Content = Listed | Aggregated | One


def _empty(place: str) -> Element:
    return _warning("NO_RESULTS_ON_PAGE", f"There are no results for scope '{place}' on this page.", place)


def _warning(code: str, message: str, place: str) -> Element:
    return {"warning": {"code": code, "message": message, "data": [{"key": "scope", "value": place}]}}
