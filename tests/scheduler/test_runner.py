"""Running a plan: what is read is kept and judged, and what could not be read is said to be unknown."""

import datetime as dt
import shutil
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from annexa.plugin import CollectorError, ConfigError, Document, Gap, Report, Scope
from collectors.uninstalled import uninstalled
from mappings.check import Check
from scheduler.plan import Selection
from scheduler.runner import Runner, RunResult
from store import query
from store.model import Outcome
from store.record import Record
from store.verify import verify
from tests.scheduler.memory_collector import (
    AT,
    MemoryCollector,
    check,
    complete,
    document,
    gap,
    incomplete,
    raising,
    scope,
)

_BOOK, _MAP = "memory.shelf.book", "memory.shelf.map"

BOUND = check("memory.shelf.book.bound", "resource.item.Bound", _BOOK)
RECENT = check("memory.shelf.book.recent", "timestamp(resource.item.Read) > now - duration('24h')", _BOOK)
SOME_BOUND = check(
    "memory.shelf.any.some-bound", f"resources['{_BOOK}'].exists(b, b.item.Bound)", "", (_BOOK,)
)
AS_MANY = check(
    "memory.shelf.any.as-many",
    f"resources['{_BOOK}'].size() == resources['{_MAP}'].size()",
    "",
    (_BOOK, _MAP),
)


class _OtherCollector(MemoryCollector):
    provider = "other"


@dataclass
class Shelf:
    """A record and a collector, and runs of the one into the other, an hour apart."""

    path: Path
    collector: MemoryCollector = field(default_factory=MemoryCollector)
    checks: Sequence[Check] = (BOUND,)
    now: dt.datetime = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)

    def run(
        self,
        *more: MemoryCollector,
        selection: Selection = Selection(),  # noqa: B008 - it does not change
        cancelled: threading.Event | None = None,
    ) -> RunResult:
        self.now += dt.timedelta(hours=1)
        collectors = [self.collector, *more]
        for each in collectors:
            each.clock = lambda: self.now
        selections = {each.provider: selection for each in collectors}
        with Record.writer(self.path, lambda: self.now) as record:
            return Runner(record, collectors, self.checks, selections, workers=2, cancelled=cancelled).run(
                "test"
            )

    @property
    def findings(self) -> list[query.FindingRow]:
        with Record.open(self.path) as record:
            return list(query.findings(record))

    @property
    def outcomes(self) -> dict[str, Outcome]:
        """Outcomes by scope, check's last word and resource: ``one/bound/a``."""
        return {
            f"{each.scope}/{each.check.rsplit('.', 1)[1]}/{each.resource_id}": each.outcome
            for each in self.findings
        }

    @property
    def resources(self) -> set[str]:
        with Record.open(self.path) as record:
            return {f"{where}/{name}" for _, _, name, where, _, _ in query.resources(record)} - {""}

    @property
    def last_run(self) -> dict[str, Any]:
        with Record.open(self.path) as record:
            return query.last_run(record) or {}

    @property
    def judged(self) -> list[str]:
        """The checks on whole scopes that the last run judged, as its reports say."""
        with Record.open(self.path) as record:
            provenances = [each["provenance"] for each in query.reports(record, self.last_run["run"])]
        judged = [each["judged"] for each in provenances if "judged" in each]
        assert judged, "no scope was judged as a whole"
        return [name.rsplit(".", 1)[1] for names in judged for name in names]

    def verifies(self) -> bool:
        with Record.open(self.path) as record:
            return verify(record).ok

    def holds(self, scope_id: str, *found: Document, kind: str = _BOOK) -> None:
        """Let a scope hold these documents of a type, all of which can be read."""
        self.collector.readers[scope_id, kind] = complete(found)

    def refuses(self, scope_id: str, kind: str = _BOOK) -> None:
        """Let the list of a type be refused."""
        self.collector.readers[scope_id, kind] = incomplete([], gap("memory:List", "Denied"))


@pytest.fixture(scope="module")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store that has its tables, since making them takes longer than most tests."""
    path = tmp_path_factory.mktemp("empty") / "store"
    with Record.writer(path, lambda: dt.datetime(2026, 1, 1, tzinfo=dt.UTC)):
        return path


@pytest.fixture
def shelf(empty_store: Path, tmp_path: Path) -> Iterator[Shelf]:
    shelf = Shelf(Path(shutil.copytree(empty_store, tmp_path / "store")))
    yield shelf
    assert shelf.verifies()


def test_a_run_keeps_and_judges_what_it_reads(shelf: Shelf) -> None:
    shelf.holds("one", document("a", Bound=True), document("b", Bound=False), document("c"))

    result = shelf.run()

    assert result.status == "complete"
    assert (result.resources, result.changed, result.gaps) == (3, 3, 0)
    assert (result.findings["pass"], result.findings["fail"], result.findings["unknown"]) == (1, 1, 1)
    assert shelf.outcomes == {
        "one/bound/a": Outcome.PASS,
        "one/bound/b": Outcome.FAIL,
        "one/bound/c": Outcome.UNKNOWN,
    }


def test_the_run_is_in_the_record(shelf: Shelf) -> None:
    result = shelf.run()
    assert shelf.last_run["run"] == result.run
    assert (shelf.last_run["status"], shelf.last_run["trigger"]) == ("complete", "test")


def test_an_unchanged_run_moves_only_what_was_last_seen(shelf: Shelf) -> None:
    shelf.holds("one", document("a", Bound=True))
    shelf.run()
    (before,) = shelf.findings

    result = shelf.run()

    (after,) = shelf.findings
    assert result.changed == 0
    assert after.first_seen == before.first_seen
    assert after.document == before.document


def test_a_changed_resource_is_judged_again(shelf: Shelf) -> None:
    shelf.holds("one", document("a", Bound=True), document("b", Bound=True))
    shelf.run()
    shelf.holds("one", document("a", Bound=False), document("b", Bound=True))

    assert shelf.run().changed == 1
    assert shelf.outcomes == {"one/bound/a": Outcome.FAIL, "one/bound/b": Outcome.PASS}


def test_what_a_complete_list_no_longer_has_is_gone(shelf: Shelf) -> None:
    shelf.holds("one", document("a", Bound=True), document("b", Bound=True))
    shelf.run()
    shelf.holds("one", document("a", Bound=True))

    shelf.run()

    assert shelf.resources == {"one/a"}
    assert shelf.outcomes == {"one/bound/a": Outcome.PASS}


def test_what_an_incomplete_list_does_not_have_is_kept_and_unknown(shelf: Shelf) -> None:
    shelf.holds("one", document("a", Bound=True), document("b", Bound=True))
    shelf.run()
    shelf.collector.readers["one", _BOOK] = incomplete([document("a", Bound=True)], gap(code="Throttled"))

    result = shelf.run()

    assert (result.status, result.gaps) == ("gaps", 1)
    assert shelf.resources == {"one/a", "one/b"}
    assert shelf.outcomes["one/bound/a"] is Outcome.PASS
    assert shelf.outcomes["one/bound/b"] is Outcome.UNKNOWN


def test_a_list_that_could_not_be_read_has_a_finding_that_says_why(shelf: Shelf) -> None:
    shelf.refuses("one")
    shelf.run()
    (found,) = shelf.findings
    assert (found.outcome, found.resource_id) == (Outcome.UNKNOWN, "")
    assert found.reason == "the list could not be read to its end: memory:List: Denied"


def test_that_finding_goes_when_the_list_can_be_read(shelf: Shelf) -> None:
    shelf.refuses("one")
    shelf.run()
    shelf.holds("one", document("a", Bound=True))
    shelf.run()
    assert shelf.outcomes == {"one/bound/a": Outcome.PASS}


def test_an_empty_list_gives_no_findings(shelf: Shelf) -> None:
    assert shelf.run().status == "complete"
    assert shelf.findings == []


def test_a_collection_that_breaks_does_not_end_the_run(shelf: Shelf) -> None:
    shelf.collector.types = (_BOOK, _MAP)
    shelf.collector.readers["one", _BOOK] = raising([document("a", Bound=True)], ValueError("broken"))
    shelf.holds("one", document("m", _MAP), kind=_MAP)

    result = shelf.run()

    assert result.status == "gaps"
    assert shelf.resources == {"one/a", "one/m"}
    assert shelf.outcomes == {"one/bound/a": Outcome.PASS, "one/bound/": Outcome.UNKNOWN}


@pytest.mark.parametrize(
    "wrong",
    [
        [document("a", Bound=True), document("a", Bound=False)],
        [document("a", Bound=True), document("b", Bound=float("nan"))],
        [document("a", Bound=True), document("b", Bound={1, 2})],
        [document("a", Bound=True), document("b", Bound=2**60)],
    ],
    ids=["one id twice", "no number", "no JSON", "too large a number"],
)
def test_documents_that_cannot_be_kept_are_a_gap_and_do_not_end_the_run(
    shelf: Shelf, wrong: list[Document]
) -> None:
    shelf.collector.types = (_BOOK, _MAP)
    shelf.collector.readers["one", _BOOK] = complete(wrong)
    shelf.holds("one", document("m", _MAP), kind=_MAP)

    result = shelf.run()

    assert (result.status, result.gaps) == ("gaps", 1)
    assert "one/m" in shelf.resources
    assert shelf.outcomes["one/bound/"] is Outcome.UNKNOWN


# --- discovery ----------------------------------------------------------------------------------


def test_a_provider_that_cannot_be_used_fails_the_run_and_the_record_says_so(shelf: Shelf) -> None:
    shelf.collector.refuses = CollectorError("no credentials", "Sign in.")
    with pytest.raises(CollectorError, match="no credentials"):
        shelf.run()
    assert shelf.last_run["status"] == "failed"


def test_a_collector_that_is_not_installed_is_a_gap_with_the_remedy(shelf: Shelf) -> None:
    missing = uninstalled("other", CollectorError("httpx is missing.", "Run pip install 'annexa[other]'."))
    with Record.writer(shelf.path) as record:
        result = Runner(record, [shelf.collector, missing], shelf.checks, {}, workers=2).run("test")
    assert result.status == "gaps"
    assert result.collections > 1
    with Record.open(shelf.path) as record:
        ((_, gap),) = query.gaps(record)
    assert (gap.call, gap.code) == ("other:discover", "Unusable")
    assert gap.message == "httpx is missing. Run pip install 'annexa[other]'."


def test_a_provider_that_cannot_be_used_leaves_the_others_alone(shelf: Shelf) -> None:
    other = _OtherCollector()
    other.refuses = CollectorError("no credentials", "Sign in.")
    shelf.holds("one", document("a", Bound=True))

    result = shelf.run(other)

    assert (result.status, result.gaps) == ("gaps", 1)
    assert shelf.outcomes == {"one/bound/a": Outcome.PASS}


def test_a_configuration_that_names_what_is_not_there_ends_the_run(shelf: Shelf) -> None:
    shelf.collector.refuses = ConfigError("there is no region 'nowhere'")
    with pytest.raises(ConfigError, match="nowhere"):
        shelf.run()
    assert shelf.last_run["status"] == "failed"


def test_a_provider_that_can_no_longer_be_used_leaves_nothing_passed(shelf: Shelf) -> None:
    shelf.checks = (BOUND, SOME_BOUND)
    shelf.holds("one", document("a", Bound=True))
    shelf.run()
    shelf.collector.refuses = CollectorError("no credentials", "Sign in.")

    with pytest.raises(CollectorError):
        shelf.run()

    assert set(shelf.outcomes.values()) == {Outcome.UNKNOWN}
    assert shelf.resources == {"one/a"}


@pytest.mark.parametrize("resource_id", ["memory:two", "two", ""], ids=["key", "id", "the list of scopes"])
def test_a_scope_that_cannot_be_entered_becomes_unknown_and_keeps_its_resources(
    shelf: Shelf, resource_id: str
) -> None:
    shelf.collector.scopes = (scope("one"), scope("two"))
    shelf.holds("one", document("a", Bound=True))
    shelf.holds("two", document("b", Bound=True))
    shelf.run()
    shelf.collector.scopes = (scope("one"),)
    shelf.collector.gaps = (gap("memory:Enter", "Denied", resource_id),)

    result = shelf.run()

    assert (result.status, result.gaps) == ("gaps", 1)
    assert shelf.resources == {"one/a", "two/b"}
    assert shelf.outcomes["one/bound/a"] is Outcome.PASS
    assert shelf.outcomes["two/bound/b"] is Outcome.UNKNOWN
    assert any(
        "memory:Enter: Denied" in (each.reason or "") for each in shelf.findings if each.scope == "two"
    )


def test_a_scope_that_cannot_be_entered_is_unknown_as_a_whole(shelf: Shelf) -> None:
    shelf.checks = (SOME_BOUND,)
    shelf.collector.scopes = (scope("one"), scope("two"))
    for each in ("one", "two"):
        shelf.holds(each, document("a", Bound=True))
    shelf.run()
    assert shelf.outcomes == {"one/some-bound/": Outcome.PASS, "two/some-bound/": Outcome.PASS}
    shelf.collector.scopes = (scope("one"),)
    shelf.collector.gaps = (gap("memory:Enter", "Denied", "memory:two"),)

    shelf.run()

    assert shelf.outcomes == {"one/some-bound/": Outcome.PASS, "two/some-bound/": Outcome.UNKNOWN}


def test_a_scope_that_can_be_entered_again_is_judged_again(shelf: Shelf) -> None:
    shelf.checks = (BOUND, SOME_BOUND)
    shelf.holds("one", document("a", Bound=True))
    shelf.run()
    shelf.collector.scopes, shelf.collector.gaps = (), (gap("memory:Enter", "Denied", "memory:one"),)
    shelf.run()
    shelf.collector.scopes, shelf.collector.gaps = (scope("one"),), ()

    assert shelf.run().status == "complete"
    assert shelf.outcomes == {"one/bound/a": Outcome.PASS, "one/some-bound/": Outcome.PASS}


def test_a_scope_that_is_gone_without_a_gap_is_left_as_it_was(shelf: Shelf) -> None:
    shelf.collector.scopes = (scope("one"), scope("two"))
    shelf.holds("two", document("b", Bound=True))
    shelf.run()
    shelf.collector.scopes = (scope("one"),)
    assert shelf.run().status == "complete"
    assert shelf.outcomes == {"two/bound/b": Outcome.PASS}


def test_regions_that_are_no_longer_found_become_unknown_and_so_does_their_scope(shelf: Shelf) -> None:
    shelf.checks = (BOUND, SOME_BOUND)
    shelf.collector.regional = frozenset({_BOOK})
    shelf.collector.scopes = (scope("one", regions=("north", "south")),)
    for region in ("north", "south"):
        found = document(f"in-{region}", region=region, Bound=region == "south")
        shelf.collector.readers["one", _BOOK, region] = complete([found])
    shelf.run()
    assert shelf.outcomes["one/some-bound/"] == "pass"
    shelf.collector.scopes = (scope("one", regions=("north",)),)
    shelf.collector.gaps = (gap("memory:ListRegions", "Denied", "memory:one"),)

    shelf.run()

    assert shelf.outcomes["one/bound/in-north"] == "fail"
    assert shelf.outcomes["one/bound/in-south"] == "unknown"
    assert shelf.outcomes["one/some-bound/"] == "unknown"


# --- selection ----------------------------------------------------------------------------------


def test_types_that_are_not_selected_are_neither_read_nor_touched(shelf: Shelf) -> None:
    shelf.collector.types = (_BOOK, _MAP)
    shelf.holds("one", document("a", Bound=True))
    shelf.holds("one", document("m", _MAP), kind=_MAP)
    shelf.run()
    (before,) = shelf.findings
    shelf.collector.asked.clear()
    shelf.holds("one", document("a", Bound=False))

    shelf.run(selection=Selection(only=(_MAP,)))

    assert shelf.collector.asked == [("one", _MAP, "")]
    assert shelf.findings == [before]


def test_types_that_are_not_selected_stay_as_they_are_when_a_scope_cannot_be_entered(shelf: Shelf) -> None:
    shelf.collector.types = (_BOOK, _MAP)
    shelf.holds("one", document("a", Bound=True))
    shelf.run()
    shelf.collector.scopes, shelf.collector.gaps = (), (gap("memory:Enter", "Denied", "memory:one"),)

    shelf.run(selection=Selection(skip=(_BOOK,)))

    assert shelf.outcomes == {"one/bound/a": Outcome.PASS}


# --- judging a scope as a whole -----------------------------------------------------------------


def test_something_that_must_exist_fails_where_a_complete_list_is_empty(shelf: Shelf) -> None:
    shelf.checks = (SOME_BOUND,)
    shelf.run()
    assert shelf.outcomes == {"one/some-bound/": Outcome.FAIL}


def test_something_that_must_exist_is_unknown_where_its_list_could_not_be_read(shelf: Shelf) -> None:
    shelf.checks = (SOME_BOUND,)
    shelf.refuses("one")
    shelf.run()
    assert shelf.outcomes == {"one/some-bound/": Outcome.UNKNOWN}


def test_a_whole_scope_is_judged_again_only_where_something_changed(shelf: Shelf) -> None:
    shelf.checks = (SOME_BOUND, check("memory.shelf.any.maps", "true", "", (_MAP,)))
    shelf.collector.types = (_BOOK, _MAP)
    shelf.run()
    assert shelf.judged == ["maps", "some-bound"]
    shelf.run()
    assert shelf.judged == []

    shelf.holds("one", document("a", Bound=True))
    shelf.run()

    assert shelf.judged == ["some-bound"]
    assert shelf.outcomes["one/some-bound/"] is Outcome.PASS


def test_a_whole_scope_is_judged_again_when_a_check_changed(shelf: Shelf) -> None:
    shelf.checks = (SOME_BOUND,)
    shelf.run()
    shelf.checks = (check(SOME_BOUND.id, SOME_BOUND.passes, "", (_BOOK,), severity="low"),)
    shelf.run()
    assert shelf.judged == ["some-bound"]


def test_a_whole_scope_is_judged_when_all_of_its_types_were_collected(shelf: Shelf) -> None:
    shelf.checks = (AS_MANY,)
    shelf.collector.types = (_BOOK, _MAP)
    shelf.run(selection=Selection(only=(_BOOK,)))
    assert shelf.outcomes == {}
    shelf.run()
    assert shelf.outcomes == {"one/as-many/": Outcome.PASS}


def test_a_part_that_was_collected_is_judged_with_the_rest_as_it_was_last_known(shelf: Shelf) -> None:
    shelf.checks = (AS_MANY,)
    shelf.collector.types = (_BOOK, _MAP)
    shelf.run()
    assert shelf.outcomes == {"one/as-many/": Outcome.PASS}
    shelf.holds("one", document("a"))

    shelf.run(selection=Selection(only=(_BOOK,)))

    assert shelf.outcomes == {"one/as-many/": Outcome.FAIL}


def test_what_changed_in_a_run_that_was_interrupted_is_judged_in_the_next(shelf: Shelf) -> None:
    shelf.checks = (SOME_BOUND,)
    shelf.collector.types = (_BOOK, _MAP)
    shelf.run()
    shelf.holds("one", document("a", Bound=True))
    _interrupt_at(shelf, _MAP)

    shelf.holds("one", kind=_MAP)
    shelf.run()

    assert shelf.resources == {"one/a"}
    assert shelf.outcomes == {"one/some-bound/": Outcome.PASS}


# --- the clock, and the checks ------------------------------------------------------------------


def test_a_rule_that_reads_the_clock_is_judged_in_every_run(shelf: Shelf) -> None:
    shelf.checks = (RECENT,)
    shelf.holds("one", document("a", Read=shelf.now.isoformat()))
    shelf.run()
    assert shelf.outcomes == {"one/recent/a": Outcome.PASS}
    shelf.now += dt.timedelta(days=2)

    assert shelf.run().changed == 0
    assert shelf.outcomes == {"one/recent/a": Outcome.FAIL}


def test_a_changed_check_judges_what_did_not_change(shelf: Shelf) -> None:
    shelf.holds("one", document("a", Bound=True))
    shelf.run()
    shelf.checks = (check(BOUND.id, "!resource.item.Bound", _BOOK),)
    shelf.run()
    assert shelf.outcomes == {"one/bound/a": Outcome.FAIL}


def test_the_findings_of_a_check_that_is_no_longer_applied_go(shelf: Shelf) -> None:
    shelf.checks = (BOUND, SOME_BOUND)
    shelf.holds("one", document("a", Bound=True))
    shelf.run()
    shelf.checks = ()
    shelf.run()
    assert shelf.outcomes == {}


# --- being stopped ------------------------------------------------------------------------------


def _interrupt_at(shelf: Shelf, kind: str) -> RunResult:
    """Run, and be stopped while a type is read; what comes before it is acknowledged first."""
    cancelled, before = threading.Event(), len(shelf.collector.types) - 1

    def stop_when_the_others_are_acknowledged(report: Report) -> Iterator[Document]:
        deadline = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=10)
        while _acknowledged(shelf.path, shelf.last_run["run"]) < 1 + before:
            assert dt.datetime.now(dt.UTC) < deadline
        cancelled.set()
        yield document("never kept", kind)
        report.complete = True

    shelf.collector.readers["one", kind] = stop_when_the_others_are_acknowledged
    return shelf.run(cancelled=cancelled)


def _acknowledged(path: Path, run: str) -> int:
    with Record.open(path) as record:
        return sum(each.run == run for each in query.latest_collections(record))


def test_a_run_that_is_stopped_keeps_what_it_had_acknowledged(shelf: Shelf) -> None:
    shelf.collector.types = (_BOOK, _MAP)
    shelf.holds("one", document("a", Bound=True))

    result = _interrupt_at(shelf, _MAP)

    assert result.status == "interrupted"
    assert shelf.last_run["status"] == "interrupted"
    assert shelf.resources == {"one/a"}
    assert shelf.outcomes == {"one/bound/a": Outcome.PASS}


def test_the_run_after_one_that_was_stopped_completes(shelf: Shelf) -> None:
    shelf.collector.types = (_BOOK, _MAP)
    shelf.holds("one", document("a", Bound=True))
    _interrupt_at(shelf, _MAP)
    shelf.holds("one", document("m", _MAP), kind=_MAP)

    assert shelf.run().status == "complete"
    assert shelf.resources == {"one/a", "one/m"}


def test_a_run_that_is_stopped_before_it_begins_reads_nothing(shelf: Shelf) -> None:
    cancelled = threading.Event()
    cancelled.set()
    assert shelf.run(cancelled=cancelled).status == "interrupted"
    assert shelf.collector.asked == []


def test_a_gap_in_the_time_of_discovery_is_listed_with_the_others(shelf: Shelf) -> None:
    shelf.collector.gaps = (Gap("memory:Enter", "Denied", "no", AT, "memory:two"),)
    shelf.run()
    with Record.open(shelf.path) as record:
        assert [each.call for _, each in query.gaps(record)] == ["memory:Enter"]


def test_scopes_of_one_number_at_two_providers_are_two(shelf: Shelf) -> None:
    other = _OtherCollector()
    other.scopes = (Scope("other", "one", "one"),)
    other.readers["one", _BOOK] = complete([document("b", Bound=False)])
    shelf.holds("one", document("a", Bound=True))
    shelf.run(other)
    assert {(each.provider, each.resource_id) for each in shelf.findings} == {("memory", "a"), ("other", "b")}
