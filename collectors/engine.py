"""The engine: reads one resource type as its definition says, and never raises for what it meets."""

import hashlib
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import orjson

from collectors.caller import MOST_PAGES, Caller
from collectors.collection import Collection
from collectors.contract import Progress, ProgressState, Target, Tools
from collectors.definition import ListCall, ResourceType
from collectors.details import Details
from collectors.inventory import Census, Holding, Inventory
from collectors.ledger import Ledger
from collectors.listing import Listing, Row
from collectors.ratelimit import RateLimiter
from collectors.resource import Reading, ResourceReader
from collectors.retry import Retrier, RetryPolicy
from collectors.shared import SharedAnswers
from collectors.transport import CallError, Transport
from store.instant import rfc3339
from store.model import Document, Gap, Report, Scope

_PROGRESS_SECONDS = 0.2
_NOTHING: Mapping[str, Any] = {}

_Found = tuple[Row, Mapping[str, Any]]
"""What reading a resource begins with: its row, and what an inventory gave of it already."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Who reads, for the evidence.

    Attributes:
        collector: the collector's name.
        version: the collector's version.
        principal: the identity that the provider sees; never a secret.
    """

    collector: str
    version: str
    principal: str = ""


class Engine:
    """Reads the resource types of one scope, several at a time if asked to.

    Args:
        transport: sends the calls of this scope.
        limiter: the scope's token buckets.
        concurrency: calls in flight; default is what the tools say.
        most_pages: pages after which a list is given up, as a gap.
        canonical_id: brings a resource's id into the one form in which it is kept, for providers that
            write the same id in several ways.
        inventory: gives the elements of types that name what it calls them; their lists are asked where
            it cannot be read.
        census: counts the resources of types that name what it calls them, beside their lists.
    """

    def __init__(
        self,
        scope: Scope,
        transport: Transport,
        tools: Tools,
        identity: Identity,
        *,
        limiter: RateLimiter | None = None,
        retry: RetryPolicy | None = None,
        concurrency: int | None = None,
        most_pages: int = MOST_PAGES,
        sleep: Callable[[float], bool] | None = None,
        canonical_id: Callable[[str], str] = str,
        inventory: Inventory | None = None,
        census: Census | None = None,
    ) -> None:
        self._scope = scope
        self._inventory = inventory
        self._census = census
        self._tools = tools
        self._identity = identity
        self._canonical_id = canonical_id
        self._sleep = sleep or tools.cancelled.wait
        retrier = Retrier(retry or RetryPolicy(), limiter or RateLimiter(), self._sleep)
        self._concurrency = concurrency or tools.concurrency
        self._caller = Caller(transport, retrier, self._concurrency, tools.clock, most_pages)
        self._shared = SharedAnswers()

    def collect(self, definition: ResourceType, target: Target) -> Collection:
        """Return the collection of one resource type; nothing is asked before it is iterated."""
        return Collection(lambda report: self.read(definition, target, report), self._tools.clock)

    def read(self, definition: ResourceType, target: Target, report: Report) -> Iterator[Document]:
        """Yield the documents and fill the report; what a collection is made of."""
        return _Run(self, definition, target, report).documents()


class _Run:
    """One collection being read."""

    def __init__(self, engine: Engine, definition: ResourceType, target: Target, report: Report) -> None:
        self._engine = engine
        self._tools = engine._tools
        self._definition = definition
        self._target = target
        self._ledger = Ledger()
        self._stopped = threading.Event()
        self._listing = Listing(
            engine._caller, target.region, self._ledger, self._list_gap, self._message_naming_nobody
        )
        details = Details(
            definition, engine._caller, engine._shared, self._ledger, engine._sleep, self._common
        )
        self._reader = ResourceReader(
            definition,
            target,
            engine._scope,
            details,
            self._tools.redaction_key,
            self._now,
            self._stopped,
            engine._canonical_id,
            self._tools.pseudonyms,
        )
        self._report = report
        self._digests: dict[str, bytes] = {}
        self._ended = False
        self._lost = False
        self._redacted = 0
        self._pseudonymised = 0
        self._more_provenance: dict[str, Any] = {}
        self._told = 0.0

    def documents(self) -> Iterator[Document]:
        """Yield the documents in the order of the list, and fill the report."""
        report = self._report
        self._tell("started")
        try:
            for reading in self._readings():
                document = self._accept(reading)
                if document is not None:
                    yield document
                    self._tell("reading")
            self._ended = self._listing.ended
            report.complete = self._ended and not self._lost and not self._miscounted()
        finally:
            self._stopped.set()
            report.provenance = self._provenance()
            self._tell("done" if report.complete and not report.gaps else "incomplete")

    def _found(self) -> Iterator[_Found]:
        call = self._definition.list
        if call is None:
            yield {}, _NOTHING
            return
        for found in self._held() or self._listed(call):
            if self._tools.cancelled.is_set():
                self._listing.ended = False
                self._list_gap(call.call, CallError("Cancelled", "the run was stopped"))
                return
            yield found

    def _listed(self, call: ListCall) -> Iterator[_Found]:
        for row in self._listing.rows(call, self._reader.scope_values):
            yield ({"item": self._common("", row["item"])} if self._definition.inventory else row), _NOTHING

    def _common(self, content: str, value: Any) -> Any:
        inventory = self._engine._inventory
        if inventory is None or not self._definition.inventory:
            return value
        return inventory.common(self._definition, content, value)

    def _held(self) -> Iterator[_Found] | None:
        """Return what the inventory has; None if the list must be asked."""
        inventory = self._engine._inventory
        if inventory is None or not self._definition.inventory:
            return None
        try:
            holding = inventory.holding(self._definition, self._engine._scope)
        except CallError as error:
            self._more_provenance["inventory"] = {
                "used": False,
                "code": error.code,
                "message": error.message,
            }
            return None
        self._more_provenance["inventory"] = {"used": True, "unread": dict(holding.unread)}
        self._ledger.draw(holding.read, holding.tallies)
        return self._elements(holding)

    def _elements(self, holding: Holding) -> Iterator[_Found]:
        try:
            for element in holding.elements:
                yield {"item": self._common("", element.item)}, element.contents
        except CallError as error:
            self._listing.ended = False
            self._list_gap(holding.tallies[0].call, error)

    def _miscounted(self) -> bool:
        """Say whether a count shows that the list, which came to its end, is not whole."""
        census = self._engine._census
        if census is None or not self._definition.inventory:
            return False
        found = census.compare(self._definition, self._engine._scope, self._digests.keys())
        self._more_provenance["count"] = found.told()
        if found.missed is None:
            return False
        self._list_gap(found.call, found.missed)
        return True

    def _readings(self) -> Iterator[Reading]:
        if not self._definition.detail:
            for row, contents in self._found():
                yield self._reader.read(row, contents)
            return
        concurrency = self._engine._concurrency
        # A pool of its own, and not for longer: a run may have hundreds of scopes.
        pool = ThreadPoolExecutor(concurrency, thread_name_prefix=f"read-{self._engine._scope.id}")
        # A window, so that memory does not grow with the account, in the order of the list.
        window: deque[Future[Reading]] = deque()
        try:
            for row, contents in self._found():
                window.append(pool.submit(self._reader.read, row, contents))
                if len(window) >= 2 * concurrency:
                    yield window.popleft().result()
            while window:
                yield window.popleft().result()
        finally:
            self._stopped.set()
            pool.shutdown(wait=False, cancel_futures=True)

    def _accept(self, reading: Reading) -> Document | None:
        self._report.gaps.extend(reading.gaps)
        document = reading.document
        if document is None:
            self._lost = True
            return None
        digest = _digest(document)
        known = self._digests.setdefault(document.id, digest)
        if known is not digest:
            if known != digest:
                self._duplicate(document)
            return None
        self._redacted += len(document.redacted)
        self._pseudonymised += len(document.pseudonymised)
        return document

    def _duplicate(self, document: Document) -> None:
        call = self._definition.list.call if self._definition.list is not None else ""
        self._report.gaps.append(
            Gap(
                call=call,
                code="DuplicateId",
                message="two resources of this list have one id but differ; the first was kept",
                at=self._now(),
                resource_id=document.id,
                region=self._target.region,
            )
        )

    def _list_gap(self, call: str, error: CallError) -> None:
        message = self._message_naming_nobody(error.message, {})
        self._report.gaps.append(
            Gap(call=call, code=error.code, message=message, at=self._now(), region=self._target.region)
        )

    def _message_naming_nobody(self, message: str, row: Mapping[str, Any]) -> str:
        pseudonyms = self._tools.pseudonyms
        if pseudonyms is None:
            return message
        names: dict[str, str] = {}
        pseudonyms.put_into(dict(row), self._definition.personal, names)
        return pseudonyms.message(message, names)

    def _provenance(self) -> dict[str, Any]:
        identity = self._engine._identity
        return {
            **self._ledger.provenance(),
            **self._more_provenance,
            "principal": identity.principal,
            "end_reached": self._ended,
            "collector": {"name": identity.collector, "version": identity.version},
            "definition": self._definition.digest,
            "redacted": self._redacted,
            **({} if self._tools.pseudonyms is None else {"pseudonymised": self._pseudonymised}),
        }

    def _tell(self, state: ProgressState) -> None:
        now = time.monotonic()
        if state == "reading" and now - self._told < _PROGRESS_SECONDS:
            return
        self._told = now
        self._tools.progress(
            Progress(self._engine._scope.key, self._target, len(self._digests), self._ledger.calls, state)
        )

    def _now(self) -> str:
        return rfc3339(self._tools.clock())


def _digest(document: Document) -> bytes:
    # Not the content hash of the record: only to tell whether two of one list are the same.
    return hashlib.blake2b(
        orjson.dumps(document.payload(), option=orjson.OPT_SORT_KEYS), digest_size=16
    ).digest()
