"""The conformance kit: proves that a collector stays honest when its provider does not answer well.

Subclass :class:`ConformanceSuite` in a test module and say how to make the collector and how to
break its endpoint; pytest then runs every test of the suite. It needs pytest.
"""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar

import pytest

from annexa.plugin import Collection, Collector, Document, Gap, Report, Scope, Target, Tools
from store.canonical import canonical


class Fault(StrEnum):
    """What an endpoint may do to a call."""

    DENIED = "denied"
    """The principal may not make the call."""
    THROTTLED = "throttled"
    """Every try is refused as too fast, for longer than the collector retries."""
    TIMEOUT = "timeout"
    """No answer comes."""
    SERVER_ERROR = "server_error"
    """HTTP 500 with a page of HTML."""
    TRUNCATED = "truncated"
    """A successful answer that ends in its middle, with a length that fits."""
    BROKEN_OFF = "broken_off"
    """The connection ends in the middle of a successful answer."""
    EMPTY = "empty"
    """A successful answer without a body."""
    NOT_AN_ANSWER = "not_an_answer"
    """HTTP 200 with a page of HTML, as a proxy's sign-in page."""
    WRONG_TYPE = "wrong_type"
    """A successful answer of another type than the provider publishes, as a list instead of an object."""
    EXPIRED = "expired"
    """The credentials have expired."""
    UNKNOWN_OPERATION = "unknown_operation"
    """The endpoint does not know the operation."""


_MUST_BE_MALFORMED = {
    Fault.TRUNCATED,
    Fault.BROKEN_OFF,
    Fault.EMPTY,
    Fault.NOT_AN_ANSWER,
    Fault.WRONG_TYPE,
}


@dataclass(frozen=True)
class Reading:
    """All of one collection."""

    documents: list[Document]
    report: Report

    @property
    def by_id(self) -> dict[str, Document]:
        return {document.id: document for document in self.documents}


class ConformanceSuite:
    """What every collector must do. The endpoint must hold the resources before the tests begin.

    Attributes:
        resource_type: a type of which the endpoint holds ``resources``, over at least two pages.
        resources: how many there are, at least two.
        list_call: the call that lists them, as gaps name it.
        detail: the document key of a call made for each of them, or "" if there is none.
        detail_call: that call, as gaps name it.
        paginated: whether the list has a second page that can fail.
        secrets: values that the endpoint holds in secret fields, and that must not be kept.
        faults: the faults that :meth:`broken` can cause.
    """

    resource_type: ClassVar[str]
    resources: ClassVar[int]
    list_call: ClassVar[str]
    detail: ClassVar[str] = ""
    detail_call: ClassVar[str] = ""
    paginated: ClassVar[bool] = True
    secrets: ClassVar[tuple[str, ...]] = ()
    faults: ClassVar[tuple[Fault, ...]] = tuple(Fault)
    _healthy: ClassVar[Reading]

    def make_collector(self, tools: Tools) -> Collector:
        """Return a new collector that reads the endpoint, with few and short retries."""
        raise NotImplementedError

    def broken(self, fault: Fault, call: str, *, later_page: bool = False) -> AbstractContextManager[None]:
        """Return a context in which the endpoint does this to one call.

        Args:
            call: ``list_call`` or ``detail_call``.
            later_page: only pages after the first go wrong.
        """
        raise NotImplementedError

    def read(self, tools: Tools | None = None) -> Reading:
        """Collect ``resource_type`` in the first scope, in all its targets' first region."""
        with self._collection(tools or Tools(redaction_key=b"conformance")) as collection:
            documents = list(collection)
        return Reading(documents, collection.report)

    def test_what_it_offers(self) -> None:
        collector = self.make_collector(Tools(redaction_key=b"conformance"))
        types = collector.resource_types()
        assert self.resource_type in types
        assert all(kind.startswith(f"{collector.provider}.") for kind in types)
        assert collector.version
        granted = collector.permissions([self.resource_type])
        assert granted.grants
        assert granted.documents
        found = collector.discover()
        assert found.scopes
        assert all(scope.provider == collector.provider for scope in found.scopes)

    def test_reads_everything(self) -> None:
        reading = self.read()
        assert reading.report.complete
        assert reading.report.gaps == []
        assert len(reading.documents) == self.resources, sorted(reading.by_id)
        assert len(reading.by_id) == self.resources, "ids are not unique"
        _check_report(reading.report)
        for document in reading.documents:
            assert document.resource_type == self.resource_type
            assert document.gaps == {}
            canonical(document.payload())
            assert Document.from_payload(document.payload()) == document

    def test_reads_the_same_again(self) -> None:
        first, second = self.read(), self.read()
        assert [d.payload() for d in first.documents] == [d.payload() for d in second.documents]

    def test_keeps_no_secret(self) -> None:
        reading = self.read()
        kept = canonical([[d.payload() for d in reading.documents], reading.report.provenance]).decode()
        for secret in self.secrets:
            assert secret not in kept
        if self.secrets:
            assert any(document.redacted for document in reading.documents)

    def test_list_that_fails(self, fault: Fault) -> None:
        self._require(fault)
        with self.broken(fault, self.list_call):
            reading = self.read()
        assert not reading.report.complete
        _check_report(reading.report)
        gap = _one(gap for gap in reading.report.gaps if gap.call == self.list_call)
        _check_gap(gap, fault)
        assert gap.resource_id == ""

    def test_later_page_that_fails(self, fault: Fault) -> None:
        self._require(fault)
        if not self.paginated:
            pytest.skip("the list has one page")
        with self.broken(fault, self.list_call, later_page=True):
            reading = self.read()
        assert not reading.report.complete
        assert 0 < len(reading.documents) < self.resources, "what was read before must be kept"
        _check_gap(_one(gap for gap in reading.report.gaps if gap.call == self.list_call), fault)

    def test_detail_that_fails(self, fault: Fault) -> None:
        self._require(fault)
        if not self.detail:
            pytest.skip("the type has no details")
        whole = self._whole().by_id
        with self.broken(fault, self.detail_call):
            reading = self.read()
        assert reading.by_id.keys() == whole.keys(), "a resource must not be lost with one of its calls"
        for resource_id, document in reading.by_id.items():
            assert self.detail not in document.content, (
                "a call that was not read must not look like an answer"
            )
            noted = document.gaps[self.detail]
            assert noted["call"] == self.detail_call
            gap = _one(
                gap
                for gap in reading.report.gaps
                if gap.resource_id == resource_id and gap.key == self.detail
            )
            assert gap.code == noted["code"]
            _check_gap(gap, fault)
            unread = document.gaps.keys()
            assert document.content == {
                key: value for key, value in whole[resource_id].content.items() if key not in unread
            }

    def test_stopping_early(self) -> None:
        with self._collection(Tools(redaction_key=b"conformance")) as collection:
            next(iter(collection))
        assert not collection.report.complete
        assert collection.report.finished
        assert collection.report.gaps

    def test_never_begun(self) -> None:
        with self._collection(Tools(redaction_key=b"conformance")) as collection:
            pass
        assert not collection.report.complete
        assert list(collection) == []

    def test_cancelled(self) -> None:
        tools = Tools(redaction_key=b"conformance")
        collector, scope, target = self._first(tools)
        tools.cancelled.set()
        collection = collector.collect(scope, target)
        assert len(list(collection)) < self.resources
        assert not collection.report.complete
        assert collection.report.gaps

    def test_unknown_type_is_a_gap(self) -> None:
        collector, scope, target = self._first(Tools(redaction_key=b"conformance"))
        collection = collector.collect(scope, Target(f"{collector.provider}.no.such-type", target.region))
        assert list(collection) == []
        assert not collection.report.complete
        assert collection.report.gaps

    def _whole(self) -> Reading:
        if "_healthy" not in type(self).__dict__:
            type(self)._healthy = self.read()
        return type(self)._healthy

    def _collection(self, tools: Tools) -> Collection:
        collector, scope, target = self._first(tools)
        return collector.collect(scope, target)

    def _first(self, tools: Tools) -> tuple[Collector, Scope, Target]:
        collector = self.make_collector(tools)
        scope = collector.discover().scopes[0]
        return collector, scope, collector.targets(scope, [self.resource_type])[0]

    def _require(self, fault: Fault) -> None:
        if fault not in self.faults:
            pytest.skip(f"the suite cannot cause {fault}")

    @pytest.fixture(params=list(Fault), ids=str)
    def fault(self, request: pytest.FixtureRequest) -> Fault:
        """Each fault in turn."""
        chosen: Fault = request.param
        return chosen


def _check_report(report: Report) -> None:
    assert report.started
    assert report.finished
    for moment in (report.started, report.finished, *(gap.at for gap in report.gaps)):
        assert datetime.fromisoformat(moment).tzinfo is not None
    assert report.started <= report.finished
    provenance = report.provenance
    assert provenance["collector"]["name"]
    assert provenance["collector"]["version"]
    assert provenance["calls"]
    canonical(provenance)
    canonical(report.gaps_payload())


def _check_gap(gap: Gap, fault: Fault) -> None:
    assert gap.code
    assert gap.message
    assert gap.code != "InternalError", gap.message
    if fault is Fault.TIMEOUT:
        assert gap.code == "Timeout"
    if fault in _MUST_BE_MALFORMED:
        assert gap.code == "MalformedAnswer"


def _one(found: Any) -> Gap:
    gaps: list[Gap] = list(found)
    assert len(gaps) == 1, f"expected one gap, found {gaps}"
    return gaps[0]
