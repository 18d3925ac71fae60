"""Retention: what ended goes, what the present rests on stays, and every other absence is named."""

import datetime as dt
import io
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from store import query
from store.canonical import canonical
from store.coverage import Period, coverage
from store.difference import document_changes, finding_changes, resource_changes
from store.errors import StoreError
from store.evidence import Evidence, evidence
from store.files import keep, path_of
from store.history import history
from store.instant import rfc3339
from store.prune import Pruned, cutoff, prune
from store.record import DATABASE, Record
from store.retention import PrunedError
from store.schema import blob
from store.statement import AttachedFile, Attestation, Hold, State, Withdrawal
from store.statements import remove_pruned_files
from store.verify import verify
from tests.independent_verifier import Verifier
from tests.store.conftest import DENIED, LIST_DENIED, REGION, Play, tamper

START = dt.datetime(2026, 1, 1, 12, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)
OTHER_REGION = "us-east-1"
CONTENTS: list[dict[str, Any]] = [
    {"public": n % 2 == 0, "canary": f"canary-number-{n}-sings"} for n in range(4)
]


class SetClock:
    """Stands still until it is set."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> dt.datetime:
        return self.now


@dataclass
class Stage:
    """A record with its clock, and runs played on it."""

    record: Record
    clock: SetClock
    play: Play

    def run(self, contents: dict[str, Any], after: dt.timedelta = DAY, **more: Any) -> None:
        self.clock.now += after
        self.play.run(contents, **more)

    def prune(self, age: dt.timedelta, **more: Any) -> Pruned:
        return prune(self.record, rfc3339(self.clock.now - age), "the policy", "Ann", **more)

    def problems(self) -> str:
        return "\n".join(f"{found.where}: {found.message}" for found in verify(self.record).problems)


@contextmanager
def staged(folder: Path) -> Iterator[Stage]:
    clock = SetClock()
    with Record.writer(folder, clock) as record:
        yield Stage(record, clock, Play(record))


@pytest.fixture
def stage(bare: Path) -> Iterator[Stage]:
    with staged(bare) as found:
        yield found


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    return tmp_path / "bare"


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Path]:
    """Stores that begin with the clock of this module."""
    first = tmp_path_factory.mktemp("first") / "store"
    with Record.writer(first, SetClock()):
        pass
    folder = tmp_path_factory.mktemp("many")
    return lambda: Path(shutil.copytree(first, Path(tempfile.mkdtemp(dir=folder)) / "store"))


def raw(folder: Path) -> bytes:
    """Every byte of the store's database, the write-ahead log included."""
    return b"".join(path.read_bytes() for path in sorted(folder.glob(f"{DATABASE}*")))


# For any history.


@dataclass(frozen=True)
class Step:
    """A run, and how old what is pruned after it must be, in days; 0 for no pruning."""

    hours: int
    contents: dict[str, Any]
    complete: bool
    region: str
    prune: int


STEPS = st.lists(
    st.builds(
        Step,
        st.integers(1, 60),
        st.dictionaries(st.sampled_from("abc"), st.sampled_from([*CONTENTS, DENIED]), max_size=3),
        st.sampled_from([True, True, False]),
        st.sampled_from([REGION, REGION, OTHER_REGION]),
        st.sampled_from([0, 0, 1, 2, 5]),
    ),
    min_size=2,
    max_size=8,
)


def present(record: Record) -> list[Any]:
    """Everything that can be asked about now."""
    shown = [found for row in list(query.resources(record)) for found in evidence(record, row[1])]
    return [
        list(query.findings(record)),
        list(query.resources(record)),
        query.gaps(record),
        query.latest_collections(record),
        [found for found in shown if found.current],
    ]


def outcomes(record: Record, at: str) -> list[tuple[Any, ...]]:
    """What is kept of a moment for ever; names of resources go with their documents."""
    found = query.findings(record, at)
    return [
        *((f.check, f.resource_id, f.region, f.outcome) for f in found),
        *(
            (kind, key, scope, region, digest)
            for kind, key, _, scope, region, digest in query.resources(record, at)
        ),
    ]


def ask_everything(record: Record, moments: list[str]) -> None:
    """No question about the past may fail, or take what was let go for nothing."""
    for at in moments:
        for found in query.findings(record, at):
            assert not found.pruned or "retention let it go" in found.reason
            assert found.observed or found.pruned or found.reason
        for _, gap in query.gaps(record, at):
            assert gap.code != query.PRUNED or "retention let it go" in gap.message
        for change in resource_changes(record, moments[0], at):
            if change.change == "changed":
                with suppress(PrunedError):
                    document_changes(record, change.before, change.after)
        for moved in finding_changes(record, moments[0], at):
            assert moved.reason is not None
    for resource_id in {row[1] for at in moments for row in query.resources(record, at)}:
        for versions in history(record, resource_id):
            for version in versions:
                assert bool(version.pruned) != bool(version.document.content or version.document.gaps)
        for at in moments:
            for one in shown_at(record, resource_id, at):
                assert ("document" in one.pruned) != bool(one.document.content or one.document.gaps)
                assert ("report" in one.pruned) != bool(one.report)
    days = coverage(record, Period(START.date(), START.date() + 40 * DAY))
    assert all(gap.reason for gap in days.undecided)


def shown_at(record: Record, resource_id: str, at: str) -> list[Evidence]:
    try:
        return evidence(record, resource_id, at)
    except PrunedError:
        raise
    except StoreError:
        return []  # it was not known by then


def allowed(record: Record, before: str) -> set[str]:
    """The canaries of versions that are open, or ended later."""
    with record.engine.connect() as connection:
        rows = connection.exec_driver_sql(
            "SELECT c.hash FROM content c LEFT JOIN collection e ON e.id = c.closed "
            "WHERE e.id IS NULL OR e.finished >= ?",
            (before,),
        )
        bodies = [record.blobs.get(connection, row[0]).decode() for row in rows]
    return {one["canary"] for one in CONTENTS for body in bodies if one["canary"] in body}


@settings(max_examples=6, deadline=None)
@given(steps=STEPS)
def test_pruning_leaves_the_present_the_outcomes_and_a_record_that_verifies(
    fresh: Callable[[], Path], steps: list[Step]
) -> None:
    folder = fresh()
    with staged(folder) as stage:
        record, moments, limit = stage.record, list[str](), ""
        for step in steps:
            stage.run(
                step.contents, step.hours * dt.timedelta(hours=1), complete=step.complete, region=step.region
            )
            moments.append(rfc3339(stage.clock.now))
            if step.prune:
                before, past = present(record), [outcomes(record, at) for at in moments]
                stage.prune(step.prune * DAY)
                assert present(record) == before
                assert [outcomes(record, at) for at in moments] == past
                limit = max(limit, rfc3339(stage.clock.now - step.prune * DAY))
                kept = allowed(record, limit)
                for content in CONTENTS:
                    assert content["canary"] in kept or content["canary"].encode() not in raw(folder)
                assert stage.prune(step.prune * DAY).entry is None, "there is nothing left to prune"
        assert stage.problems() == ""
        ask_everything(record, moments)
    assert Verifier(folder).run() == []


# What goes and what stays.


def test_what_ended_goes_and_is_named_by_an_entry(stage: Stage) -> None:
    stage.run({"a": CONTENTS[0], "b": CONTENTS[1]})
    stage.run({"a": CONTENTS[2], "b": CONTENTS[1]})
    stage.run({"a": CONTENTS[2], "b": CONTENTS[1]}, 10 * DAY)
    done = stage.prune(5 * DAY)
    # The report of every run is the same here, so that the last one still needs it.
    assert (done.documents, done.reports, done.findings) == (1, 0, 1)
    assert done.removed == 2
    [versions] = history(stage.record, "a")
    assert [bool(version.pruned) for version in versions] == [True, False]
    assert f"log entry {done.entry}, by Ann: the policy" in versions[0].pruned
    assert versions[1].changes is None


def test_a_report_goes_when_the_next_collection_has_come(stage: Stage) -> None:
    gap = LIST_DENIED
    stage.run({"a": CONTENTS[0]}, gaps=(gap,))
    stage.run({"a": CONTENTS[0]})
    stage.run({"a": CONTENTS[0]}, 10 * DAY)
    assert stage.prune(5 * DAY).reports == 1
    [(_, told)] = query.gaps(stage.record, rfc3339(START + DAY))
    assert (told.code, told.message.split(";")[0]) == ("Pruned", "it had 1 gap")


def test_a_report_stays_while_it_is_the_last_to_have_seen_what_is_still_known(stage: Stage) -> None:
    stage.run({"a": CONTENTS[0], "b": CONTENTS[1]}, gaps=(LIST_DENIED,))
    for _ in range(3):
        stage.run({"b": CONTENTS[1]}, complete=False)
    stage.run({"b": CONTENTS[1]}, 10 * DAY, complete=False)
    [before] = evidence(stage.record, "a")
    assert stage.prune(5 * DAY).reports == 0
    assert evidence(stage.record, "a") == [before]
    stage.run({"a": CONTENTS[0], "b": CONTENTS[1]})
    stage.run({"a": CONTENTS[0], "b": CONTENTS[1]}, 10 * DAY)
    assert stage.prune(5 * DAY).reports == 2
    assert stage.problems() == ""


def test_a_dry_run_changes_nothing(stage: Stage, bare: Path) -> None:
    stage.run({"a": CONTENTS[0]})
    stage.run({"a": CONTENTS[1]})
    stage.run({"a": CONTENTS[1]}, 10 * DAY)
    size = stage.record.log_size()
    would = stage.prune(5 * DAY, dry_run=True)
    assert (would.entry, stage.record.log_size()) == (None, size)
    assert CONTENTS[0]["canary"].encode() in raw(bare)
    done = stage.prune(5 * DAY)
    assert (would.documents, would.findings, would.removed) == (done.documents, done.findings, done.removed)


def test_what_was_pruned_may_come_back_and_go_again(stage: Stage) -> None:
    for number in (0, 1, 0, 1):
        stage.run({"a": CONTENTS[number]}, 5 * DAY)
    stage.prune(8 * DAY)
    stage.run({"a": CONTENTS[0]}, 5 * DAY)
    [versions] = history(stage.record, "a")
    assert not versions[0].pruned, "the same content is open again"
    stage.run({"a": CONTENTS[2]}, 5 * DAY)
    stage.run({"a": CONTENTS[2]}, 50 * DAY)
    assert stage.prune(8 * DAY).documents == 2
    assert stage.problems() == ""


def test_the_dictionary_forgets_what_was_pruned(stage: Stage, bare: Path) -> None:
    def many(salt: str) -> dict[str, Any]:
        return {
            f"r{n}": {"public": False, "words": f"{salt} is what they all have in common"} for n in range(300)
        }

    stage.run(many("nightingale"), checks=())
    stage.run(many("blackbird"), checks=())
    stage.run(many("blackbird"), 10 * DAY, checks=())
    assert b"nightingale" in raw(bare)
    assert stage.prune(5 * DAY).documents == 300
    assert b"nightingale" not in raw(bare)
    assert b"blackbird" in raw(bare)
    with stage.record.engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM dictionary").scalar_one() == 1
    assert stage.problems() == ""


def test_a_dictionary_that_too_little_is_left_for_is_dropped(stage: Stage) -> None:
    stage.run({f"r{n}": {"n": n, "words": "what they all have in common"} for n in range(300)}, checks=())
    stage.run({"r1": CONTENTS[0]})
    stage.run({"r1": CONTENTS[0]}, 10 * DAY)
    stage.prune(5 * DAY)
    with stage.record.engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM dictionary").scalar_one() == 0
    stage.run({"r1": CONTENTS[1]})
    assert stage.problems() == ""


# Statements and holds.


def attested(until: str, *files: AttachedFile) -> Attestation:
    return Attestation("5.1", "Ann", "The policy is approved.", "2026-01-01", until, files)


def brought(folder: Path, data: bytes) -> AttachedFile:
    sha256, size = keep(folder, io.BytesIO(data), "minutes.txt")
    return AttachedFile(sha256, size, "minutes.txt", "text/plain")


def test_a_statement_goes_with_its_files_unless_another_still_brings_them(stage: Stage, bare: Path) -> None:
    alone, shared = brought(bare, b"alone"), brought(bare, b"shared")
    stage.record.file(attested("2026-01-05", alone, shared), "root")
    stage.record.file(attested("2026-12-31", shared), "root")
    stage.run({"a": CONTENTS[0]}, 30 * DAY)
    done = stage.prune(10 * DAY)
    assert (done.statements, done.files) == (1, 1)
    assert not path_of(bare, alone.sha256).exists()
    assert path_of(bare, shared.sha256).read_bytes() == b"shared"
    states = [one.state(rfc3339(stage.clock.now)) for one in query.statements(stage.record)]
    assert states == [State.PRUNED, State.IN_FORCE]
    assert stage.problems() == ""


def test_a_file_that_was_pruned_may_be_brought_again_and_then_must_stay(stage: Stage, bare: Path) -> None:
    stage.record.file(attested("2026-01-05", brought(bare, b"minutes")), "root")
    stage.run({"a": CONTENTS[0]}, 30 * DAY)
    stage.prune(10 * DAY)
    again = brought(bare, b"minutes")
    stage.record.file(attested("2026-12-31", again), "root")
    assert stage.problems() == ""
    path_of(bare, again.sha256).unlink()
    assert f"its file minutes.txt ({again.sha256}) is gone" in stage.problems()


def test_what_a_crash_left_of_pruned_files_the_next_writer_removes(bare: Path) -> None:
    with staged(bare) as stage:
        file = brought(bare, b"minutes")
        stage.record.file(attested("2026-01-05", file), "root")
        stage.run({"a": CONTENTS[0]}, 30 * DAY)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("store.prune.statements.remove_pruned_files", crash)
            with pytest.raises(KeyboardInterrupt):
                stage.prune(10 * DAY)
        assert path_of(bare, file.sha256).exists()
        assert stage.problems() == ""
    with Record.writer(bare, lambda: START + 99 * DAY):
        assert not path_of(bare, file.sha256).exists()


def crash(*_: Any) -> None:
    raise KeyboardInterrupt


def test_what_others_leave_among_the_files_hinders_no_writer(stage: Stage, bare: Path) -> None:
    attached = stage.record.attach(io.BytesIO(b"minutes"), "minutes.txt", "text/plain")
    stray = path_of(bare, attached.sha256).parent / ".DS_Store"
    stray.write_bytes(b"x")
    with stage.record.engine.begin() as connection:
        remove_pruned_files(connection, stage.record.blobs, bare)
    assert stray.exists()


def test_what_is_interrupted_before_it_is_acknowledged_removes_nothing(stage: Stage) -> None:
    stage.run({"a": CONTENTS[0]})
    stage.run({"a": CONTENTS[1]})
    stage.run({"a": CONTENTS[1]}, 10 * DAY)
    before = history(stage.record, "a")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("store.blobs.Blobs.retrain", crash)
        with pytest.raises(KeyboardInterrupt):
            stage.prune(5 * DAY)
    assert history(stage.record, "a") == before
    assert stage.prune(5 * DAY).documents == 1
    assert stage.problems() == ""


def test_a_disk_that_is_full_afterwards_is_said_and_the_removal_stands(stage: Stage, bare: Path) -> None:
    stage.run({"a": CONTENTS[0]})
    stage.run({"a": CONTENTS[1]})
    stage.run({"a": CONTENTS[1]}, 10 * DAY)
    with stage.record.engine.connect() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
    assert stage.prune(5 * DAY).entry is not None
    assert CONTENTS[0]["canary"].encode() not in raw(bare)


def test_somebody_who_reads_meanwhile_is_said_and_keeps_what_they_read(stage: Stage, bare: Path) -> None:
    stage.run({"a": CONTENTS[0]})
    stage.run({"a": CONTENTS[1]})
    stage.run({"a": CONTENTS[1]}, 10 * DAY)
    with closing(sqlite3.connect(bare / DATABASE, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        rows = reader.execute("SELECT observed FROM finding ORDER BY id").fetchall()
        with stage.record.engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA busy_timeout = 50")
        done = stage.prune(5 * DAY)
        assert reader.execute("SELECT observed FROM finding ORDER BY id").fetchall() == rows
        assert "somebody is reading the store" in done.notices[-1]
    assert stage.prune(5 * DAY).notices == []
    assert CONTENTS[0]["canary"].encode() not in raw(bare)


def test_an_entry_that_lets_go_under_a_hold_is_named(stage: Stage) -> None:
    stage.run({"a": CONTENTS[0]})
    stage.run({"a": CONTENTS[1]})
    stage.run({"a": CONTENTS[1]}, 10 * DAY)
    hold = stage.record.file(Hold("case 7", "Legal", "2026-01-01"), "root")
    with pytest.raises(StoreError, match=rf"hold {hold.entry} by Legal: case 7"):
        stage.prune(5 * DAY)
    with pytest.raises(StoreError, match="hold"):
        stage.prune(5 * DAY, dry_run=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("store.prune._must_be_free", lambda filed, at: None)
        done = stage.prune(5 * DAY)
    assert f"log entry {done.entry}: let payloads go while hold {hold.entry} was in force" in stage.problems()


@pytest.mark.parametrize("until", ["", "2026-01-05"])
def test_a_hold_that_has_ended_forbids_nothing(stage: Stage, until: str) -> None:
    stage.run({"a": CONTENTS[0]})
    hold = stage.record.file(Hold("case 7", "Legal", "2026-01-01", until), "root")
    stage.run({"a": CONTENTS[1]})
    stage.run({"a": CONTENTS[1]}, 10 * DAY)
    if not until:
        stage.record.file(Withdrawal(hold.entry, "settled", "Legal"), "root")
    assert stage.prune(5 * DAY).documents == 1
    assert stage.problems() == ""


def test_a_hold_that_was_placed_by_a_clock_a_little_ahead_forbids_too(stage: Stage) -> None:
    stage.run({"a": CONTENTS[0]})
    stage.record.file(Hold("case 7", "Legal", "2026-01-01"), "root")
    stage.clock.now -= dt.timedelta(seconds=90)
    with pytest.raises(StoreError, match="case 7"):
        stage.prune(5 * DAY)


# What is too young, by the record and not by the clock alone.


@pytest.mark.parametrize("age", [dt.timedelta(), dt.timedelta(hours=23), -DAY])
def test_what_is_younger_than_a_day_is_not_pruned(stage: Stage, age: dt.timedelta) -> None:
    stage.run({"a": CONTENTS[0]})
    with pytest.raises(StoreError, match="too young"):
        stage.prune(age)


def test_a_clock_that_has_jumped_ahead_lets_nothing_more_go(stage: Stage) -> None:
    for number in (0, 1, 1):
        stage.run({"a": CONTENTS[number]}, 10 * DAY)
    newest = stage.clock.now
    stage.clock.now += 700 * DAY
    assert cutoff(stage.record, 400 * DAY) == rfc3339(newest - 400 * DAY)
    with pytest.raises(StoreError, match="too young"):
        stage.prune(400 * DAY)


def test_a_clock_that_has_jumped_ahead_ends_no_hold(stage: Stage) -> None:
    for number in (0, 1, 1):
        stage.run({"a": CONTENTS[number]}, 10 * DAY)
    last = (stage.clock.now + 5 * DAY).date().isoformat()
    stage.record.file(Hold("case 7", "Legal", "2026-01-01", last), "root")
    before = rfc3339(stage.clock.now - 5 * DAY)
    stage.clock.now += 700 * DAY
    with pytest.raises(StoreError, match=f"hold .* by Legal, until {last}: case 7"):
        prune(stage.record, before, "the policy", "Ann")
    stage.run({"a": CONTENTS[1]})
    assert prune(stage.record, before, "the policy", "Ann").documents == 1


def test_a_clock_that_providers_contradict_lets_nothing_go(stage: Stage) -> None:
    stage.run({"a": CONTENTS[0]})
    with stage.record.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE collection SET skew_ms = ?", (-40 * 86_400_000,))
    with pytest.raises(StoreError, match=r"40\.0 days off"):
        stage.prune(5 * DAY)


# Whatever goes otherwise is named.


@pytest.fixture(scope="module")
def pruned_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``a`` had content 0, 1, 0 and has 2; the first two versions were pruned, and 0 came back since."""
    folder = tmp_path_factory.mktemp("pruned") / "store"
    with staged(folder) as stage:
        stage.run({"a": CONTENTS[0]})
        stage.run({"a": CONTENTS[1]})
        stage.run({"a": CONTENTS[3]})
        stage.run({"a": CONTENTS[3]}, 10 * DAY)
        stage.prune(5 * DAY)
        stage.run({"a": CONTENTS[0]})
        stage.run({"a": CONTENTS[2]})
        stage.run({"a": CONTENTS[2]})
    return folder


@pytest.fixture
def pruned(pruned_once: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(pruned_once, tmp_path / "pruned"))


def named(folder: Path) -> str:
    with Record.open(folder) as record:
        found = "\n".join(f"{problem.where}: {problem.message}" for problem in verify(record).problems)
    independent = Verifier(folder).run()
    assert bool(found) == bool(independent), "both verifiers see it, or neither"
    return found


def hash_of(folder: Path, content: dict[str, Any]) -> bytes:
    with Record.open(folder) as record, record.engine.connect() as connection:
        for key in connection.execute(sa.select(blob.c.hash)).scalars().all():
            if canonical(content) in record.blobs.get(connection, key):
                return bytes(key)
    raise AssertionError("it is not there")


def test_a_pruned_record_verifies(pruned: Path) -> None:
    assert named(pruned) == ""


def test_a_document_that_was_never_pruned_is_missed(pruned: Path) -> None:
    assert tamper(pruned, "DELETE FROM blob WHERE hash = ?", hash_of(pruned, CONTENTS[2])) == 1
    assert "resource a: its blob" in named(pruned)


def test_a_document_that_came_back_after_it_was_pruned_is_missed(pruned: Path) -> None:
    assert tamper(pruned, "DELETE FROM blob WHERE hash = ?", hash_of(pruned, CONTENTS[0])) == 1
    assert "resource a: its blob" in named(pruned)


def test_a_finding_that_is_emptied_later_is_missed(pruned: Path) -> None:
    with closing(sqlite3.connect(pruned / DATABASE)) as connection:
        (decided,) = connection.execute("SELECT decided FROM finding WHERE decided IS NOT NULL").fetchone()
    came_back = "observed LIKE '%number-0-%'"
    statement = f"UPDATE finding SET decided = ?, observed = NULL, reason = NULL WHERE {came_back}"
    assert tamper(pruned, statement, decided) == 1
    assert "what decided it is gone" in named(pruned)


def test_a_tombstone_that_was_forged_is_named(pruned: Path) -> None:
    key = hash_of(pruned, CONTENTS[2])
    tamper(pruned, "INSERT INTO tombstone SELECT ?, seq FROM tombstone LIMIT 1", key)
    assert "its tombstones are not those of what it removed" in named(pruned)


def test_a_tombstone_of_an_entry_that_prunes_nothing_is_named(pruned: Path) -> None:
    tamper(pruned, "INSERT INTO tombstone VALUES (?, 2)", hash_of(pruned, CONTENTS[2]))
    assert "tombstone of entry 2: is not in the log" in named(pruned)


def test_a_tombstone_that_is_gone_is_named(pruned: Path) -> None:
    assert tamper(pruned, "DELETE FROM tombstone WHERE rowid = (SELECT min(rowid) FROM tombstone)") == 1
    assert "its tombstones are not those of what it removed" in named(pruned)


def rewrite(folder: Path, change: dict[str, Any]) -> None:
    """Write the entry of the pruning anew, and leave the rest as it is."""
    with Record.writer(folder, lambda: START + 99 * DAY) as record, record.engine.begin() as connection:
        seq, which, entry = connection.exec_driver_sql(
            "SELECT seq, dictionary_id, entry FROM log WHERE kind = 'prune'"
        ).one()
        body = orjson.loads(record.blobs.decompress(connection, which, entry)) | change
        _, data = record.blobs.compress(connection, canonical(body))
        connection.exec_driver_sql("UPDATE log SET entry = ? WHERE seq = ?", (data, seq))


def test_a_moment_that_is_moved_so_that_more_may_be_gone_is_named(pruned: Path) -> None:
    rewrite(pruned, {"before": "2027-01-01T00:00:00.000Z"})
    assert "has another leaf hash" in named(pruned)


def test_an_entry_that_is_gone_is_named(pruned: Path) -> None:
    tamper(pruned, "DELETE FROM log WHERE kind = 'prune'")
    found = named(pruned)
    assert "is missing; the next one is" in found
    assert "is not in the log" in found


def test_an_entry_that_lets_go_of_what_had_not_ended_is_named(stage: Stage) -> None:
    stage.run({"a": CONTENTS[0]})
    stage.run({"a": CONTENTS[1]})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("store.prune._must_be_old", lambda before, latest: None)
        done = stage.prune(-DAY)
    assert f"log entry {done.entry}: let go of what had not ended" in stage.problems()
