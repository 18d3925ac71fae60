"""Enumerating the resources of one type: page by page, and parent by parent where a type has parents."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import orjson
from jmespath.exceptions import JMESPathError

from collectors.caller import AbsentError, Caller
from collectors.definition import ListCall
from collectors.expression import search
from collectors.ledger import Ledger
from collectors.plain import without_bytes
from collectors.template import ABSENT, render
from collectors.transport import CallError

Row = dict[str, Any]
"""``item``, and ``over`` where the type has parents."""


class Listing:
    """Yields the rows of a list, and remembers whether its end was reached.

    Args:
        on_gap: told of every call that failed: (call, error).
        message: returns a message about what a row leads to, as it may be kept: (message, row).
    """

    def __init__(
        self,
        caller: Caller,
        region: str,
        ledger: Ledger,
        on_gap: Callable[[str, CallError], None],
        message: Callable[[str, Row], str] = lambda text, row: text,
    ) -> None:
        self.ended = True
        self._caller = caller
        self._region = region
        self._ledger = ledger
        self._on_gap = on_gap
        self._message = message

    def rows(self, call: ListCall, values: Mapping[str, Any]) -> Iterator[Row]:
        """Yield ``{"item": …}`` for each element, in the provider's order.

        A page that fails ends its list, and makes ``ended`` false; what was read before stays.
        With parents, the lists of the other parents are still read.
        """
        if call.over is None:
            for item in self._items(call, values):
                yield {"item": item}
            return
        for parent in self.rows(call.over, values):
            over = parent["item"]
            for item in self._items(call, {**values, "over": over}):
                yield {"item": item, "over": over}

    def _items(self, call: ListCall, values: Mapping[str, Any]) -> Iterator[Any]:
        parameters = render(call.with_, values)
        try:
            if parameters is ABSENT:
                raise CallError("MalformedAnswer", f"what it was listed from lacks a value for {call.with_}")
            for page in self._caller.pages(call, parameters, self._region, self._ledger):
                items = _items_of(page, call)
                self._ledger.listed(call.call, call.with_, len(items))
                yield from items
        except AbsentError:
            return
        except CallError as error:
            self.ended = False
            self._on_gap(call.call, self._named(error, parameters, values) if "over" in values else error)

    def _named(self, error: CallError, parameters: Any, values: Mapping[str, Any]) -> CallError:
        asked = "" if parameters is ABSENT else f" (asked with {orjson.dumps(parameters).decode()})"
        message = self._message(error.message + asked, {"over": values["over"]})
        return CallError(error.code, message, status=error.status)


def _items_of(page: dict[str, Any], call: ListCall) -> list[Any]:
    try:
        items = without_bytes(search(call.items, page))
    except JMESPathError as error:
        raise CallError("MalformedAnswer", f"{call.items!r} does not fit the answer: {error}") from error
    if items is None:
        return []
    if isinstance(items, dict):
        return [items]
    if not isinstance(items, list):
        raise CallError("MalformedAnswer", f"{call.items!r} is no list in the answer")
    return items
