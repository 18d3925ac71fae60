"""Which checks judge what, and that they judge no more than has changed."""

import datetime as dt
from pathlib import Path

import pytest

from annexa.plugin import Document, Report, Scope
from mappings.check import Check
from mappings.evaluate import scope_view
from scheduler.judgement import (
    CheckSet,
    Judge,
    judge_documents,
    judge_unread,
    judge_whole_scope,
    unread_reason,
)
from store.collection_writer import Kept
from store.errors import DefinitionError
from store.model import Finding, Outcome
from store.record import Record
from tests.scheduler.memory_collector import check, document, gap

_BOOK, _MAP = "memory.shelf.book", "memory.shelf.map"
_NOW = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
_SCOPE = Scope("memory", "one", "One", ("north",), {"partition": "paper"})

BOUND = check("memory.shelf.book.bound", "resource.item.Bound", _BOOK)
RECENT = check("memory.shelf.book.recent", "timestamp(resource.item.Read) > now - duration('24h')", _BOOK)
IN_PART = check(
    "memory.shelf.book.in-part", "params.part == scope.partition", _BOOK, params={"part": "paper"}
)
MAPPED = check("memory.shelf.map.mapped", "true", _MAP)
SOME = check("memory.shelf.any.some", f"resources['{_BOOK}'].size() > 0", "", (_BOOK,))
OTHER = check("other.shelf.any.some", f"resources['{_BOOK}'].size() > 0", "", (_BOOK,))


def _judged(
    checks: list[Check], documents: list[Document], changed: list[bool], *, alike: bool
) -> dict[tuple[str, str], Outcome]:
    found = judge_documents(
        CheckSet(tuple(checks), {}),
        documents,
        [Kept("ab" * 32, each) for each in changed],
        _SCOPE,
        _NOW,
        judged_alike=alike,
    )
    return {(each.check.rsplit(".", 1)[1], each.resource_id): each.outcome for each in found}


def test_a_document_that_changed_is_judged_by_every_check() -> None:
    changed = document("a", Bound=True, Read="2026-02-28T12:00:00Z")
    assert _judged([BOUND, RECENT], [changed], [True], alike=True) == {
        ("bound", "a"): Outcome.PASS,
        ("recent", "a"): Outcome.PASS,
    }


def test_a_document_that_did_not_change_is_judged_only_by_rules_that_read_the_clock() -> None:
    unchanged = document("a", Bound=True, Read="2026-02-01T12:00:00Z")
    assert _judged([BOUND, RECENT], [unchanged], [False], alike=True) == {("recent", "a"): Outcome.FAIL}


def test_every_document_is_judged_by_checks_that_it_was_not_judged_by_before() -> None:
    unchanged = document("a", Bound=True)
    assert _judged([BOUND], [unchanged], [False], alike=False) == {("bound", "a"): Outcome.PASS}


def test_each_document_is_looked_at_by_itself() -> None:
    both = [document("a", Bound=True), document("b", Bound=True)]
    assert _judged([BOUND], both, [False, True], alike=True) == {("bound", "b"): Outcome.PASS}


def test_a_rule_sees_the_scope_and_its_parameters() -> None:
    found = [document("a")]
    assert _judged([IN_PART], found, [True], alike=False) == {("in-part", "a"): Outcome.PASS}
    other = IN_PART.with_params({"part": "cloth"})
    assert _judged([other], found, [True], alike=False) == {("in-part", "a"): Outcome.FAIL}


def test_a_finding_names_the_document_that_was_judged_and_what_decided_it() -> None:
    (found,) = judge_documents(
        CheckSet((BOUND,), {}),
        [document("a", Bound=True)],
        [Kept("ab" * 32, True)],
        _SCOPE,
        _NOW,
        judged_alike=False,
    )
    assert found == Finding(BOUND.id, BOUND.digest, "a", Outcome.PASS, {"item.Bound": True}, "", "ab" * 32)


# --- what could not be read ---------------------------------------------------------------------


def test_a_list_that_was_not_read_to_its_end_makes_every_check_on_it_unknown() -> None:
    found, reason = judge_unread(CheckSet((BOUND, RECENT), {}), Report(gaps=[gap("memory:List", "Denied")]))
    assert reason == "the list could not be read to its end: memory:List: Denied"
    assert [(each.check, each.outcome, each.resource_id, each.reason) for each in found] == [
        (BOUND.id, Outcome.UNKNOWN, "", reason),
        (RECENT.id, Outcome.UNKNOWN, "", reason),
    ]


@pytest.mark.parametrize(
    ("gaps", "reason"),
    [
        ([], "the list could not be read to its end"),
        (
            [gap("memory:GetCover", "Denied", "a", "cover"), gap("memory:List", "Throttled")],
            "the list could not be read to its end: memory:List: Throttled",
        ),
        (
            [gap("memory:GetCover", "Denied", "a", "cover")],
            "the list could not be read to its end: memory:GetCover: Denied",
        ),
        ([gap("", "InternalError")], "the list could not be read to its end: InternalError"),
    ],
    ids=["without a gap", "the list's own gap first", "another's", "without a call"],
)
def test_why_a_list_was_not_read_is_said_in_one_sentence(gaps: list, reason: str) -> None:  # type: ignore[type-arg]
    assert unread_reason(Report(gaps=gaps)) == reason


def test_a_whole_scope_is_unknown_where_a_list_that_the_check_reads_is() -> None:
    (found,) = judge_whole_scope([SOME], _SCOPE, {_BOOK: [document("a")]}, {_BOOK: "not read"}, _NOW)
    assert (found.outcome, found.reason) == (Outcome.UNKNOWN, "not read")


def test_a_whole_scope_is_judged_where_another_list_could_not_be_read() -> None:
    (found,) = judge_whole_scope([SOME], _SCOPE, {_BOOK: [document("a")]}, {_MAP: "not read"}, _NOW)
    assert (found.outcome, found.observed) == (Outcome.PASS, {f"{_BOOK}.count": 1})


# --- which checks, and whether they are the same as before -----------------------------------------


def test_checks_are_sorted_by_what_they_judge(tmp_path: Path) -> None:
    with Record.writer(tmp_path / "store") as record:
        judge = Judge.register(record, [BOUND, RECENT, MAPPED, SOME, OTHER])

    assert judge.on_type(_BOOK).checks == (BOUND, RECENT)
    assert judge.on_type(_MAP).checks == (MAPPED,)
    assert judge.on_type("memory.shelf.none").checks == ()
    assert judge.on_scope("memory").checks == (SOME,)
    assert judge.on_scope("other").checks == (OTHER,)
    assert judge.on_scope("none").checks == ()


def test_a_rule_that_does_not_compile_is_told_before_anything_is_read(tmp_path: Path) -> None:
    broken = check("memory.shelf.book.broken", "resource.item.(", _BOOK)
    with (
        Record.writer(tmp_path / "store") as record,
        pytest.raises(DefinitionError, match="does not compile"),
    ):
        Judge.register(record, [BOUND, broken])


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (CheckSet((BOUND,), {}).digest(_SCOPE), CheckSet((BOUND, RECENT), {}).digest(_SCOPE)),
        (
            CheckSet((IN_PART,), {}).digest(_SCOPE),
            CheckSet((IN_PART.with_params({"part": "cloth"}),), {}).digest(_SCOPE),
        ),
        (
            CheckSet((BOUND,), {}).digest(_SCOPE),
            CheckSet((BOUND,), {}).digest(Scope("memory", "one", "One", ("north", "south"))),
        ),
    ],
    ids=["another check", "another parameter", "another fact of the scope"],
)
def test_what_judging_depends_on_is_in_the_digest(one: str, other: str) -> None:
    assert one != other


def test_the_digest_does_not_depend_on_what_the_record_calls_the_checks() -> None:
    assert CheckSet((BOUND,), {}).digest(_SCOPE) == CheckSet((BOUND,), {("x", "y"): 1}).digest(_SCOPE)


def test_a_scope_is_seen_with_its_facts() -> None:
    assert scope_view(_SCOPE) == {
        "provider": "memory",
        "id": "one",
        "name": "One",
        "regions": ["north"],
        "partition": "paper",
    }
