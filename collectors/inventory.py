"""The seam to a provider's inventory service, which keeps resources of many types and scopes in one place.

It serves in one of two ways: its elements stand for those of a list (:class:`Inventory`), or it says
independently of the list how many there are (:class:`Census`).
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from collectors.definition import ResourceType
from collectors.ledger import CallTally, Ledger
from collectors.transport import CallError
from store.model import Scope


@dataclass(frozen=True, slots=True)
class Element:
    """One resource as the inventory keeps it.

    Attributes:
        item: what the list would give of it.
        contents: what else was read of it, by the names that details have for it
            (:attr:`collectors.definition.Detail.inventory`); where there is none, what stands for that.
    """

    item: Any
    contents: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Holding:
    """What an inventory has of one type in one scope; it was read to its end.

    Attributes:
        elements: to be iterated once; raises CallError if what was read is no longer to be had.
        read: notes of the read that served this holding and others: endpoints, times, and the moment of
            which the inventory tells.
        tallies: the calls of that read, with the elements of this holding and the pages that they were on.
        unread: contents that could not be read, each with the reason; details ask for them themselves.
    """

    elements: Iterator[Element]
    read: Ledger
    tallies: tuple[CallTally, ...]
    unread: Mapping[str, str] = field(default_factory=dict)


class Inventory(Protocol):
    """Gives the elements of lists from what it read once for many of them; called from many threads."""

    def holding(self, definition: ResourceType, scope: Scope) -> Holding:
        """Return what there is of a type in a scope, reading the inventory if nobody has yet.

        Raises:
            CallError: the inventory could not be read to its end; the list must be asked instead.
        """
        ...

    def common(self, definition: ResourceType, content: str, value: Any) -> Any:
        """Return what is the same of a value whether it came from the inventory or from a call.

        Args:
            content: what the detail calls it; "" for an element.
        """
        ...


@dataclass(frozen=True, slots=True)
class Comparison:
    """A list beside an independent count of what it should give.

    Attributes:
        call: what was asked for the count.
        counted: how many there are; None where there is no count.
        missed: why the list is not taken for whole; None where nothing speaks against it.
        reason: why there is no count.
    """

    call: str
    counted: int | None
    missed: CallError | None = None
    reason: str = ""

    def told(self) -> dict[str, Any]:
        """Return it as it goes into the evidence."""
        reason = {"reason": self.reason} if self.reason else {}
        return {"source": self.call, "counted": self.counted, **reason}


class Census(Protocol):
    """Counts what lists should give, by another way than the lists; called from many threads."""

    def compare(self, definition: ResourceType, scope: Scope, ids: Collection[str]) -> Comparison:
        """Compare what was read of a type in a scope with a count. Never raises.

        Args:
            ids: of the resources that the list gave, in the form in which they are kept.
        """
        ...
