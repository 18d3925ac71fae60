"""Intervals say exactly what each run saw, cost nothing while nothing changes, and never guess."""

import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import store.keyed_tree
from store.model import Finding, Outcome, Report, Scope
from store.record import DATABASE, Record
from store.tree import node_hash
from store.verify import verify
from tests.store.conftest import (
    DENIED,
    KIND,
    PRIVATE,
    REGION,
    SCOPE,
    UNREAD,
    Checks,
    Clock,
    Play,
    document,
    steps_taken,
    verdict,
)

Rows = Callable[[str], list[tuple[Any, ...]]]

STATE = """SELECT r.resource_id, {columns}, i.opened, i.closed FROM {table} i
           JOIN resource r ON r.id = i.resource_pk ORDER BY i.opened, r.resource_id"""
CONTENT = STATE.format(table="content", columns="i.hash")
FINDINGS = STATE.format(table="finding", columns="i.check_id, i.outcome, i.reason, i.since")
COLLECTIONS = """SELECT c.id, s.complete FROM collection c
    JOIN collection_state s ON s.id = c.state_id ORDER BY c.id"""
MANIFESTS = """SELECT s.manifest FROM collection c
    JOIN collection_state s ON s.id = c.state_id ORDER BY c.id"""

PUBLIC = {"public": True}
CLOSED = {"public": False}
NAMED = ("aws.s3.bucket.named", 1)


def intervals(rows: Rows, resource_id: str = "a") -> list[tuple[int, int | None]]:
    return [(opened, closed) for found, _, opened, closed in rows(CONTENT) if found == resource_id]


def outcomes(rows: Rows) -> dict[tuple[str, str], tuple[str, str, int]]:
    """Return (resource, check) → (outcome, reason, since) of the findings that stand."""
    return {(row[0], row[1]): row[2:5] for row in rows(FINDINGS) if row[-1] is None}


# Content.


def test_a_resource_seen_first_opens_an_interval(play: Play, rows: Rows) -> None:
    play.run({"a": CLOSED})
    assert intervals(rows) == [(1, None)]


def test_a_resource_seen_unchanged_keeps_its_interval(play: Play, rows: Rows) -> None:
    for _ in range(3):
        play.run({"a": CLOSED})
    assert intervals(rows) == [(1, None)]


def test_a_change_closes_one_interval_and_opens_the_next(play: Play, rows: Rows) -> None:
    play.run({"a": CLOSED})
    play.run({"a": PUBLIC})
    assert intervals(rows) == [(1, 2), (2, None)]


def test_a_complete_collection_without_the_resource_closes_its_interval(play: Play, rows: Rows) -> None:
    play.run({"a": CLOSED, "b": CLOSED})
    play.run({"b": CLOSED})
    assert intervals(rows) == [(1, 2)]


def test_a_resource_that_comes_back_opens_another_interval(play: Play, rows: Rows) -> None:
    for contents in ({"a": CLOSED}, {}, {"a": CLOSED}):
        play.run(contents)
    assert intervals(rows) == [(1, 2), (3, None)]


def test_an_incomplete_collection_closes_nothing_that_it_did_not_see(play: Play, rows: Rows) -> None:
    play.run({"a": CLOSED, "b": CLOSED})
    play.run({"b": PUBLIC}, complete=False)
    assert intervals(rows, "a") == [(1, None)]
    assert intervals(rows, "b") == [(1, 2), (2, None)]


def test_what_an_incomplete_collection_left_open_is_closed_by_the_next_complete_one(
    play: Play, rows: Rows
) -> None:
    play.run({"a": CLOSED})
    play.run({}, complete=False)
    play.run({})
    assert intervals(rows) == [(1, 3)]


def test_scopes_types_and_regions_do_not_touch_one_another(play: Play, rows: Rows) -> None:
    play.run({"a": CLOSED})
    play.run({}, region="eu-north-1")
    play.run({}, kind="aws.s3.access_point")
    play.run({}, scope=Scope("aws", "222233334444", "test"))
    assert intervals(rows) == [(1, None)]


def test_it_is_counted_what_appeared_changed_and_went(play: Play) -> None:
    assert play.run({"a": 1, "b": 1, "c": 1}).changed == 3
    assert play.run({"a": 1, "b": 1, "c": 1}).changed == 0
    assert play.run({"a": 1, "b": 2, "d": 1}).changed == 3
    assert play.run({"b": 3}, complete=False).changed == 1


def test_it_is_counted_which_findings_appeared_changed_and_went(play: Play) -> None:
    assert play.run({"a": CLOSED, "b": CLOSED, "c": CLOSED}).findings_changed == 3
    assert play.run({"a": CLOSED, "b": CLOSED, "c": CLOSED}).findings_changed == 0
    assert play.run({"a": CLOSED, "b": PUBLIC, "d": CLOSED}).findings_changed == 3


# Findings.


def test_a_finding_holds_since_the_collection_that_first_gave_its_outcome(play: Play, rows: Rows) -> None:
    play.run({"a": {"public": True, "n": 1}})
    play.run({"a": {"public": True, "n": 2}})
    play.run({"a": {"public": True, "n": 3}})
    assert outcomes(rows) == {("a", PRIVATE[0]): ("fail", "", 1)}


def test_another_outcome_holds_since_now(play: Play, rows: Rows) -> None:
    for content in (PUBLIC, CLOSED, PUBLIC):
        play.run({"a": content})
    assert outcomes(rows) == {("a", PRIVATE[0]): ("fail", "", 3)}


def test_a_new_version_of_a_check_keeps_since_when_its_outcome_is_the_same(play: Play, rows: Rows) -> None:
    play.run({"a": PUBLIC}, checks=((PRIVATE[0], 1),))
    play.run({"a": PUBLIC}, checks=((PRIVATE[0], 2),))
    assert outcomes(rows) == {("a", PRIVATE[0]): ("fail", "", 1)}
    assert len(rows(FINDINGS)) == 2


def test_findings_of_a_check_that_is_no_longer_applied_are_closed(play: Play, rows: Rows) -> None:
    play.run({"a": PUBLIC}, checks=(PRIVATE, NAMED))
    play.run({"a": PUBLIC}, checks=(NAMED,))
    assert outcomes(rows).keys() == {("a", NAMED[0])}


def test_findings_go_with_their_resource(play: Play, rows: Rows) -> None:
    play.run({"a": PUBLIC})
    play.run({})
    assert outcomes(rows) == {}


def test_a_detail_that_was_denied_is_unknown_and_not_a_pass(play: Play, rows: Rows) -> None:
    play.run({"a": CLOSED})
    play.run({"a": DENIED})
    outcome, reason, since = outcomes(rows)["a", PRIVATE[0]]
    assert (outcome, since) == ("unknown", 2)
    assert "AccessDenied" in reason


def test_what_an_incomplete_collection_did_not_see_is_unknown_with_the_reason(play: Play, rows: Rows) -> None:
    play.run({"a": CLOSED, "b": PUBLIC})
    play.run({"b": PUBLIC}, complete=False)
    assert outcomes(rows) == {
        ("a", PRIVATE[0]): ("unknown", UNREAD, 2),
        ("b", PRIVATE[0]): ("fail", "", 1),
        ("", PRIVATE[0]): ("unknown", UNREAD, 2),
    }


def test_a_list_that_was_never_read_is_itself_unknown(play: Play, rows: Rows) -> None:
    play.run({}, complete=False)
    assert outcomes(rows) == {("", PRIVATE[0]): ("unknown", UNREAD, 1)}


def test_after_an_incomplete_collection_everything_is_judged_again(play: Play, rows: Rows) -> None:
    play.run({"a": CLOSED, "b": PUBLIC})
    play.run({}, complete=False)
    play.run({"a": CLOSED, "b": PUBLIC})
    assert outcomes(rows) == {("a", PRIVATE[0]): ("pass", "", 3), ("b", PRIVATE[0]): ("fail", "", 3)}


def test_the_first_finding_on_a_series_itself_is_kept_where_nothing_else_changed(
    play: Play, rows: Rows, record: Record
) -> None:
    play.run({"a": CLOSED})
    uid, run_id, keys = play.begin((PRIVATE, NAMED))
    writer = record.collection(run_id, uid, SCOPE, KIND, REGION)
    [kept] = writer.keep([document("a", CLOSED)])
    assert not kept.changed
    writer.judge([Finding(*key, "", Outcome.FAIL) for key in keys], keys)
    at = "2026-01-01T00:00:00.000Z"
    assert writer.finish(Report(True, [], at, at), "00" * 32, keys).findings_changed == 2
    record.finish_run(run_id, "complete", {})
    assert outcomes(rows)["", NAMED[0]][0] == "fail"
    assert verify(record).problems == []


def test_as_many_resources_as_before_need_not_be_the_same(play: Play, rows: Rows) -> None:
    play.run({"a": CLOSED, "b": CLOSED})
    assert play.run({"a": CLOSED, "c": CLOSED}).changed == 2
    assert intervals(rows, "b") == [(1, 2)]
    assert intervals(rows, "c") == [(2, None)]


# Cost.


def test_an_unchanged_run_opens_and_closes_nothing(play: Play, rows: Rows) -> None:
    play.run({f"bucket-{n}": CLOSED for n in range(500)})
    before = rows(CONTENT), rows(FINDINGS), rows("SELECT hash FROM blob")
    done = play.run({f"bucket-{n}": CLOSED for n in range(500)})
    assert (done.resources, done.changed, done.findings_changed) == (500, 0, 0)
    after = rows(CONTENT), rows(FINDINGS), rows("SELECT hash FROM blob")
    assert after[:2] == before[:2]
    assert len(after[2]) - len(before[2]) <= 1, "only the report of the collection may be new"


def test_an_unchanged_run_of_2000_resources_writes_less_than_50_kilobytes(play: Play, record: Record) -> None:
    contents = {
        f"arn:aws:s3:::bucket-{n:06d}": {"public": False, "n": n, "tags": [n] * 20} for n in range(2000)
    }
    play.run(contents)
    play.run(contents)
    with record.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_autocheckpoint = 0")
    before, written = record.size(), written_pages(record)
    play.run(contents)
    assert record.size() - before < 50_000
    assert (written_pages(record) - written) * 4096 < 100_000


def written_pages(record: Record) -> int:
    """Return the pages in the write-ahead log, in which a page counts each time it is written."""
    wal = record.path / f"{DATABASE}-wal"
    return wal.stat().st_size // 4096


def test_what_a_collection_costs_does_not_grow_with_what_others_hold(play: Play, record: Record) -> None:
    contents = {f"bucket-{n}": CLOSED for n in range(300)}
    first, *_, last = (
        steps_taken(record, lambda region=region: play.run(contents, region=region))  # type: ignore[misc]
        for region in ("eu-west-1", "eu-west-2", "eu-west-3", "eu-north-1")
    )
    assert last < 1.2 * first


def test_what_a_change_costs_does_not_grow_with_history(play: Play, record: Record) -> None:
    costs = [
        steps_taken(record, lambda n=n: play.run({f"bucket-{i}": {"n": n} for i in range(100)}))  # type: ignore[misc]
        for n in range(12)
    ]
    assert costs[-1] < 1.5 * costs[2]


def test_a_run_in_which_one_of_many_changes_adds_few_hashes_to_what_verifying_takes(
    play: Play, record: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = 0

    def counted(left: bytes, right: bytes) -> bytes:
        nonlocal made
        made += 1
        return node_hash(left, right)

    def hashes() -> int:
        nonlocal made
        made = 0
        assert verify(record).problems == []
        return made

    monkeypatch.setattr(store.keyed_tree, "node_hash", counted)
    for number in range(2):
        play.run({f"bucket-{n}": {"n": number if n == 100 else 0} for n in range(256)})
    before = hashes()
    for number in range(2, 12):
        play.run({f"bucket-{n}": {"n": number if n == 100 else 0} for n in range(256)})
    assert hashes() - before <= 10 * 2 * 2 * 8
    assert made < 2 * before


# Any history.


@dataclass(frozen=True)
class Step:
    """One run: what it sees, whether to the end, and by which checks it judges."""

    contents: dict[str, Any]
    complete: bool
    checks: Checks


@dataclass
class Model:
    """What must be known after each run, in the plainest terms."""

    known: dict[str, str] = field(default_factory=dict)
    findings: dict[tuple[str, str], tuple[str, str, int]] = field(default_factory=dict)

    def after(self, number: int, step: Step, seen: dict[str, str]) -> "Model":
        known = dict(seen) if step.complete else {**self.known, **seen}
        now: dict[tuple[str, str], tuple[str, str]] = {}
        for check_id, _ in step.checks:
            for resource_id in known:
                if resource_id in seen:
                    outcome, reason = verdict(document(resource_id, step.contents[resource_id]))
                    now[resource_id, check_id] = (outcome.value, reason)
                else:
                    now[resource_id, check_id] = (Outcome.UNKNOWN.value, UNREAD)
            if not step.complete:
                now["", check_id] = (Outcome.UNKNOWN.value, UNREAD)
        findings = {}
        for key, (outcome_, reason) in now.items():
            before = self.findings.get(key)
            since = before[2] if before is not None and before[0] == outcome_ else number
            findings[key] = (outcome_, reason, since)
        return Model(known, findings)


contents = st.sampled_from([CLOSED, PUBLIC, {"public": True, "n": 2}, DENIED])
versions = st.sampled_from([1, 2])
steps = st.builds(
    Step,
    st.dictionaries(st.sampled_from("abcd"), contents, max_size=4),
    st.sampled_from([True, True, False]),
    st.fixed_dictionaries({}, optional={PRIVATE[0]: versions, NAMED[0]: versions}).map(
        lambda found: tuple(found.items())
    ),
)


@pytest.fixture(scope="module")
def histories(empty_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Path]:
    folder = tmp_path_factory.mktemp("histories")
    return lambda: Path(shutil.copytree(empty_store, Path(tempfile.mkdtemp(dir=folder)) / "store"))


@settings(max_examples=40, deadline=None)
@given(history=st.lists(steps, min_size=1, max_size=8))
def test_for_any_history_the_intervals_say_what_each_run_saw(
    histories: Callable[[], Path], history: list[Step]
) -> None:
    with Record.writer(histories(), Clock()) as record:
        play, models = Play(record), [Model()]
        for number, step in enumerate(history, 1):
            play.run(step.contents, complete=step.complete, checks=step.checks)
            models.append(models[-1].after(number, step, play.seen[-1]))
        assert verify(record).problems == []
        with record.engine.connect() as connection:
            content = [tuple(row) for row in connection.exec_driver_sql(CONTENT)]
            findings = [tuple(row) for row in connection.exec_driver_sql(FINDINGS)]
            collections = list(connection.exec_driver_sql(COLLECTIONS))
            manifests = list(connection.exec_driver_sql(MANIFESTS))
            for (number, complete), (manifest,), seen, model in zip(
                collections, manifests, play.seen, models[1:], strict=True
            ):
                known = {row[0]: row[1].hex() for row in content if _open_at(number, row)}
                assert known == model.known
                if complete:
                    assert known == seen
                else:
                    assert dict(orjson.loads(record.blobs.get(connection, manifest))) == seen
                standing = {(row[0], row[1]): row[2:5] for row in findings if _open_at(number, row)}
                assert standing == model.findings


@settings(max_examples=25, deadline=None)
@given(history=st.lists(steps, min_size=1, max_size=6))
def test_for_any_history_only_a_complete_collection_ends_a_resource(
    histories: Callable[[], Path], history: list[Step]
) -> None:
    with Record.writer(histories(), Clock()) as record:
        play = Play(record)
        for step in history:
            play.run(step.contents, complete=step.complete, checks=step.checks)
        with record.engine.connect() as connection:
            content = list(connection.exec_driver_sql(CONTENT))
    opened = {(row[0], row[2]) for row in content}
    for resource_id, _, _, closed in content:
        if closed is not None and (resource_id, closed) not in opened:
            assert history[closed - 1].complete
            assert resource_id not in history[closed - 1].contents


@settings(max_examples=25, deadline=None)
@given(history=st.lists(steps, max_size=4), last=steps)
def test_for_any_history_the_same_run_again_changes_nothing(
    histories: Callable[[], Path], history: list[Step], last: Step
) -> None:
    with Record.writer(histories(), Clock()) as record:
        play = Play(record)
        for step in [*history, last]:
            play.run(step.contents, complete=step.complete, checks=step.checks)
        again = play.run(last.contents, complete=last.complete, checks=last.checks)
    assert (again.changed, again.findings_changed) == (0, 0)


def test_several_collections_may_be_written_in_turns(play: Play, rows: Rows, record: Record) -> None:
    uid, run_id, keys = play.begin()
    play.collect(uid, run_id, keys, {"a": CLOSED}, region=REGION)
    one = record.collection(run_id, uid, SCOPE, "aws.x.one", "")
    other = record.collection(run_id, uid, SCOPE, "aws.x.other", "")
    one.keep([document("1", 1, "aws.x.one")])
    other.keep([document("1", 1, "aws.x.other"), document("2", 2, "aws.x.other")])
    one.keep([document("2", 2, "aws.x.one")])
    one.abandon()
    at = "2026-01-01T00:00:00.000Z"
    assert other.finish(Report(True, [], at, at), "00" * 32, {}).resources == 2
    record.finish_run(run_id, "complete", {})
    assert len(rows(CONTENT)) == 3
    assert verify(record).problems == []


def _open_at(number: int, row: tuple[Any, ...]) -> bool:
    opened, closed = row[-2:]
    return opened <= number and (closed is None or closed > number)
