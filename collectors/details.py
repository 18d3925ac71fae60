"""Reading the further calls of one resource, each of which adds one key to its document."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from jmespath.exceptions import JMESPathError

from collectors.caller import AbsentError, Caller
from collectors.decode import DecodeError, decode
from collectors.definition import Detail, Prepare, ResourceType
from collectors.expression import EVERYTHING, Lookup, fill, root_keys, search
from collectors.ledger import Ledger
from collectors.plain import without_bytes
from collectors.shared import SharedAnswers
from collectors.template import ABSENT, heads, paths, render
from collectors.transport import CallError

POLL_SECONDS = 120.0
"""How long a ``prepare`` call may take to be done."""

_NOTHING: Mapping[str, Any] = {}
_FIRST_POLL = 0.5
_SLOWEST_POLL = 10.0


@dataclass(frozen=True, slots=True)
class Place:
    """Where details are asked: the region, and the values that templates may name.

    Attributes:
        scope_names: the names among the values that are the same for every resource.
    """

    region: str
    values: Mapping[str, Any]
    scope_names: frozenset[str]


class Details:
    """Reads the details of resources of one type.

    Args:
        shared: answers that serve more than one resource of the scope.
        sleep: waits so many seconds; returns True if the run was cancelled meanwhile.
        common: takes the name of a content that an inventory may give, and an answer with it; returns
            what both have in common.
    """

    def __init__(
        self,
        definition: ResourceType,
        caller: Caller,
        shared: SharedAnswers,
        ledger: Ledger,
        sleep: Callable[[float], bool],
        common: Callable[[str, Any], Any],
    ) -> None:
        self._common = common
        self._caller = caller
        self._shared = shared
        self._ledger = ledger
        self._sleep = sleep
        self._depends = dict(_dependencies(definition))
        self._included: set[int] = set()
        self._including = threading.Lock()

    def read(
        self,
        key: str,
        detail: Detail,
        place: Place,
        failed: Mapping[str, Any],
        contents: Mapping[str, Any] = _NOTHING,
    ) -> Any:
        """Return what to file under the key; null where there is none.

        Args:
            failed: the keys before this one that are gaps.
            contents: what an inventory gave of this resource already.

        Raises:
            CallError: it could not be read; code ``DependsOnGap`` if it needs a key that is one.
        """
        missing = sorted(self._depends[key] & failed.keys())
        if missing:
            raise CallError("DependsOnGap", f"needs {', '.join(missing)}, which could not be read")
        if detail.when is not None and not _truthy(_search(detail.when, place.values)):
            return None
        if detail.inventory and detail.inventory in contents:
            return self._held(detail, place, contents[detail.inventory])
        if detail.each is None:
            return self._answer(detail, place)
        elements = _search(detail.each, place.values)
        if elements is None:
            return []
        return [
            {"each": element, "answer": self._answer(detail, _with_each(place, element))}
            for element in (elements if isinstance(elements, list) else [elements])
        ]

    def _held(self, detail: Detail, place: Place, body: Any) -> Any:
        if render(detail.with_, place.values) is ABSENT:
            return None
        common = self._common(detail.inventory, body)
        return without_bytes(self._finished(detail, place, Lookup(_taken(detail, common))))

    def _answer(self, detail: Detail, place: Place) -> Any:
        parameters = render(detail.with_, place.values)
        prepared = {} if detail.prepare is None else render(detail.prepare.with_, place.values)
        if parameters is ABSENT or prepared is ABSENT:
            return None
        try:
            if self._serves_many(detail, place):
                lookup = self._shared_lookup(detail, place.region, parameters, prepared)
                value = self._finished(detail, place, lookup)
            else:
                body = self._body(detail, place.region, parameters, prepared, self._ledger)
                value = self._finished(detail, place, Lookup(_taken(detail, body)))
        except AbsentError:
            return None
        return without_bytes(value)

    def _serves_many(self, detail: Detail, place: Place) -> bool:
        needs = heads(detail.with_) | (heads(detail.prepare.with_) if detail.prepare else frozenset())
        return needs <= place.scope_names

    def _shared_lookup(
        self, detail: Detail, region: str, parameters: dict[str, Any], prepared: dict[str, Any]
    ) -> Lookup:
        asked = orjson.dumps(parameters, option=orjson.OPT_SORT_KEYS)
        key = (region, detail.call, asked, detail.absent)
        noted: Ledger = self._shared.get(("ledger", key), Ledger)
        try:
            body = self._shared.get(
                ("body", key), lambda: self._body(detail, region, parameters, prepared, noted)
            )
        finally:
            self._include_once(noted)
        kept = "" if _has_template(detail.take) else detail.take
        lookup: Lookup = self._shared.get(
            ("taken", key, kept, detail.decode), lambda: Lookup(_taken(detail, body))
        )
        return lookup

    def _include_once(self, noted: Ledger) -> None:
        with self._including:
            if id(noted) not in self._included:
                self._included.add(id(noted))
                self._ledger.include(noted)

    def _body(
        self,
        detail: Detail,
        region: str,
        parameters: dict[str, Any],
        prepared: dict[str, Any],
        ledger: Ledger,
    ) -> dict[str, Any]:
        if detail.prepare is not None:
            self._prepare(detail.prepare, prepared, region, ledger)
        body = self._caller.whole(detail, parameters, region, ledger)
        return self._common(detail.inventory, body) if detail.inventory else body

    def _prepare(self, prepare: Prepare, parameters: dict[str, Any], region: str, ledger: Ledger) -> None:
        waited, pause = 0.0, _FIRST_POLL
        while not self._is_prepared(prepare, parameters, region, ledger):
            if waited >= POLL_SECONDS:
                raise CallError("PrepareTimeout", f"{prepare.call} was not done after {POLL_SECONDS:.0f} s")
            if self._sleep(pause):
                raise CallError("Cancelled", "the run was stopped")
            waited += pause
            pause = min(_SLOWEST_POLL, pause * 2)

    def _is_prepared(self, prepare: Prepare, parameters: dict[str, Any], region: str, ledger: Ledger) -> bool:
        try:
            answer = self._caller.whole(prepare, parameters, region, ledger)
        except AbsentError:
            raise
        except CallError as error:
            # The gap is filed under the call that this one prepares; it must name the one that failed.
            raise CallError(error.code, f"{prepare.call}: {error.message}", status=error.status) from error
        return _truthy(_search(prepare.until, answer))

    def _finished(self, detail: Detail, place: Place, found: Lookup) -> Any:
        value: Any = found
        if _has_template(detail.take):
            value = _decoded(_picked(detail.take, place, value), detail)
        if detail.pick is not None:
            value = _picked(detail.pick, place, value)
        return value.value if isinstance(value, Lookup) else value


def _has_template(expression: str) -> bool:
    """Say whether an expression differs from resource to resource; JMESPath has braces of its own."""
    return next(paths(expression), None) is not None


def _taken(detail: Detail, body: dict[str, Any]) -> Any:
    """Apply what of take and decode is the same for every resource."""
    if _has_template(detail.take):
        return body
    taken = _search(detail.take, body)
    return taken if detail.decode is None else _decoded(taken, detail)


def _picked(expression: str, place: Place, value: Any) -> Any:
    filled = fill(expression, place.values)
    return None if filled is None or value is None else _search(filled, value)


def _decoded(value: Any, detail: Detail) -> Any:
    try:
        return decode(value, detail.decode) if detail.decode else value
    except DecodeError as error:
        raise CallError("MalformedAnswer", f"{detail.take!r} of the answer {error}") from error


def _search(expression: str, value: Any) -> Any:
    try:
        return value.search(expression) if isinstance(value, Lookup) else search(expression, value)
    except JMESPathError as error:
        raise CallError("MalformedAnswer", f"{expression!r} does not fit the answer: {error}") from error


def _truthy(value: Any) -> bool:
    # JMESPath's own idea of truth: 0 is true.
    return value is not None and value is not False and value not in ("", [], {})


def _with_each(place: Place, element: Any) -> Place:
    return Place(place.region, {**place.values, "each": element}, place.scope_names)


def _dependencies(definition: ResourceType) -> list[tuple[str, frozenset[str]]]:
    found: list[tuple[str, frozenset[str]]] = []
    earlier: set[str] = set()
    for key, detail in definition.detail.items():
        reads = heads([detail.with_, detail.take, detail.pick or ""])
        if detail.prepare is not None:
            reads |= heads(detail.prepare.with_)
        for expression in (detail.when, detail.each):
            if expression is not None:
                reads |= root_keys(expression)
        found.append((key, frozenset(earlier) if EVERYTHING in reads else reads & earlier))
        earlier.add(key)
    return found
