"""Whatever a record went through, its packs verify: changes, gaps, retention, rotation, timestamps."""

import datetime as dt
import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from store import files, log
from store.coverage import Period
from store.errors import PackError, StoreError
from store.intervals import decided_digest
from store.pack.contents import Sample, Selection
from store.query import first_collected
from store.record import Record
from store.retention import PRUNE, removed_root
from store.schema import blob, finding, tombstone
from store.sealing import Sealing
from store.verification.demands import Demands
from tests.independent_pack_verifier import PackVerifier
from tests.store.conftest import DENIED, PRIVATE, Clock
from tests.store.keys import ORIGIN, signer
from tests.store.pack.packing import (
    CLOSED,
    JANUARY,
    KEY,
    NAMED,
    PUBLIC,
    SEALING,
    Forger,
    Held,
    Runs,
    checked,
    choose,
    export,
    named,
    read,
    write_record,
)
from tests.store.tsa import Authority, Server, issue, issue_tsa

DAYS = st.integers(2, 12)
STATES = st.sampled_from((CLOSED, PUBLIC, {"public": True, "n": 1}, DENIED))
RUN = st.fixed_dictionaries(
    {
        "seen": st.dictionaries(st.sampled_from("abcdé🙂"), STATES, max_size=5),
        "complete": st.booleans(),
        "region": st.sampled_from(("eu-west-1", "us-east-1")),
        "checks": st.sampled_from(((PRIVATE,), (PRIVATE, NAMED), (("aws.s3.bucket.private", 2), NAMED))),
        "days": st.integers(0, 3),
    }
)
SELECTION = st.builds(
    lambda days, controls, sample: Selection(
        Period(dt.date(2026, 1, min(days)), dt.date(2026, 1, max(days))), controls, sample=sample
    ),
    st.tuples(DAYS, DAYS),
    st.sampled_from((frozenset[str](), frozenset({"8.3"}), frozenset({"5.9", "7.1"}))),
    st.none() | st.builds(Sample, st.integers(0, 4), st.text(max_size=3)),
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(runs=st.lists(RUN, min_size=1, max_size=7), selection=SELECTION)
def test_a_pack_of_any_history_verifies(
    empty_store: Path, runs: list[dict[str, Any]], selection: Selection
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        store = Path(shutil.copytree(empty_store, Path(folder) / "store"))
        play_all(store, runs)
        path = Path(folder) / "audit.zip"
        if first_day(store) > selection.period.last.isoformat():
            with pytest.raises(PackError, match="nothing of this selection"):
                export(store, path, selection)
            return
        export(store, path, selection)
        assert named(path) == ""
        assert PackVerifier(path).run(str(KEY)) == []


def first_day(store: Path) -> str:
    with Record.open(store) as record:
        return first_collected(record)[:10]


def play_all(store: Path, runs: Iterable[dict[str, Any]]) -> None:
    with Record.writer(store, Clock(), SEALING) as record:
        play = Runs(record)
        for run in runs:
            clock = record.clock
            assert isinstance(clock, Clock)
            clock.now += dt.timedelta(days=run["days"])
            play.run(run["seen"], complete=run["complete"], region=run["region"], checks=run["checks"])


def test_a_clock_that_was_set_back_changes_nothing_of_it(folder: Path, tmp_path: Path) -> None:
    with Record.writer(folder, Clock(), SEALING) as record:
        play = Runs(record)
        for days in (3, 3, -4, 1):
            clock = record.clock
            assert isinstance(clock, Clock)
            clock.now += dt.timedelta(days=days)
            play.run({"a": {"n": days}, "b": PUBLIC})
    for first, last in ((2, 3), (4, 5), (3, 8), (8, 9)):
        period = Period(dt.date(2026, 1, first), dt.date(2026, 1, last))
        path = export(folder, tmp_path / f"{first}.zip", Selection(period))
        assert named(path) == ""
        assert PackVerifier(path).run(str(KEY)) == []


def test_a_log_of_more_than_one_tile(folder: Path, tmp_path: Path) -> None:
    with Record.writer(folder, Clock(), SEALING) as record:
        play = Runs(record)
        for number in range(100):
            play.run({"a": {"n": number // 30}})
    path = export(folder, tmp_path / "a.zip", Selection(Period(dt.date(2026, 1, 1), dt.date(2026, 1, 1))))
    assert {"log/tile/0/000", "log/tile/1/000.p/1"} <= set(read(path))
    assert named(path) == ""
    assert PackVerifier(path).run(str(KEY)) == []


# Retention.


@pytest.fixture
def store(folder: Path) -> Path:
    write_record(folder)
    return folder


def prune(store: Path, before: str, hashes: list[bytes]) -> None:
    """Let payloads go as retention does."""
    with Record.writer(store, Clock(), SEALING) as record:
        with record.engine.begin() as connection:
            body = {
                "at": "2026-02-01T00:00:00.000Z",
                "before": before,
                "removed": len(hashes),
                "root": removed_root(hashes).hex(),
                "policy": "test",
            }
            seq = log.append(connection, record.blobs, PRUNE, body)
            connection.execute(tombstone.insert(), [{"hash": key, "seq": seq} for key in hashes])
            connection.execute(blob.delete().where(blob.c.hash.in_(hashes)))
        record.checkpoint()


def ended_document(store: Path) -> bytes:
    with Record.open(store) as record, record.engine.connect() as connection:
        query = "SELECT hash FROM content WHERE closed IS NOT NULL ORDER BY closed LIMIT 1"
        return bytes(connection.execute(sa.text(query)).scalar_one())


def test_what_retention_let_go_is_listed_with_the_entry_that_says_so(store: Path, tmp_path: Path) -> None:
    key = ended_document(store)
    prune(store, "2026-01-20T00:00:00.000Z", [key, bytes(32)])
    found = choose(store, Selection(JANUARY))
    assert set(found.pruned) == {key.hex()}
    path = export(store, tmp_path / "a.zip")
    assert (named(path), PackVerifier(path).run(str(KEY))) == ("", [])
    assert read(path)["data/tombstones.jsonl"].count(b"\n") == 2, (
        "all that the entry let go: its root is over it"
    )
    forger = Forger(path, tmp_path)
    tombstones = read(path)["data/tombstones.jsonl"].splitlines(keepends=True)
    assert "is not all that this entry let go" in named(
        forger.forge({"data/tombstones.jsonl": tombstones[1]})
    )
    assert "is missing" in named(forger.forge({"data/tombstones.jsonl": None}))


def test_what_still_stands_cannot_have_been_let_go(store: Path, tmp_path: Path) -> None:
    with Record.open(store) as record, record.engine.connect() as connection:
        query = "SELECT hash FROM content WHERE closed IS NULL LIMIT 1"
        key = bytes(connection.execute(sa.text(query)).scalar_one())
    prune(store, "2026-01-20T00:00:00.000Z", [key])
    assert f"{key.hex()}.json: is missing" in named(export(store, tmp_path / "a.zip"))


def test_what_had_not_ended_by_then_cannot_have_been_let_go(store: Path, tmp_path: Path) -> None:
    key = ended_document(store)
    prune(store, "2026-01-02T00:00:00.000Z", [key])
    assert f"{key.hex()}.json: is missing" in named(export(store, tmp_path / "a.zip"))


def test_a_finding_without_what_decided_it_still_counts(store: Path, tmp_path: Path) -> None:
    with Record.open(store) as record, record.engine.connect() as connection:
        row = connection.execute(sa.select(finding).where(finding.c.closed.is_not(None)).limit(1)).one()
    decided = bytes.fromhex(decided_digest(row.observed, row.reason))
    prune(store, "2026-01-20T00:00:00.000Z", [decided])
    with Record.writer(store, Clock(), SEALING) as record, record.engine.begin() as connection:
        change = finding.update().where(finding.c.id == row.id)
        connection.execute(change.values(observed=None, reason=None, decided=decided))
    found = choose(store, Selection(JANUARY))
    assert [one.reason for one in found.findings if one.observed is None] == [None]
    assert named(export(store, tmp_path / "a.zip")) == ""


def test_a_file_and_a_statement_that_were_let_go(store: Path, tmp_path: Path) -> None:
    found = choose(store, Selection(JANUARY))
    waiver = next(one for one in found.statements if one.kind == "waiver")
    withdrawal = next(one for one in found.statements if one.kind == "withdrawal")
    prune(store, "2027-06-01T00:00:00.000Z", [bytes.fromhex(one.digest) for one in (waiver, withdrawal)])
    path = export(store, tmp_path / "a.zip")
    assert named(path) == ""
    assert {one.entry for one in choose(store, Selection(JANUARY)).statements if one.statement is None} == {
        waiver.entry,
        withdrawal.entry,
    }


def test_what_is_gone_without_a_word_is_damage(store: Path) -> None:
    with Record.writer(store, Clock(), SEALING) as record, record.engine.begin() as connection:
        connection.execute(blob.delete().where(blob.c.hash == ended_document(store)))
    with pytest.raises(StoreError, match="is gone from the store"):
        choose(store, Selection(JANUARY))


def test_a_file_that_is_gone_without_a_word_is_damage(store: Path) -> None:
    shutil.rmtree(store / files.FOLDER)
    with pytest.raises(StoreError, match="is gone from the store"):
        choose(store, Selection(JANUARY))


# Keys and times.


def test_a_rotated_key(store: Path, tmp_path: Path) -> None:
    class Rotated(Held):
        def signer(self, name: str) -> Any:
            return signer(name, seed=5)

    with Record.writer(store, Clock(), SEALING) as record:
        record.rotate_key(signer(seed=5))
    with Record.writer(store, Clock(), Sealing(Rotated(), ORIGIN)) as record:
        Runs(record, runs=100).run({"a": CLOSED}, kind="aws.sns.topic")
    path = export(store, tmp_path / "a.zip")
    new = signer(seed=5).key
    assert named(path, Demands(trusted=(KEY, new))) == ""
    assert checked(path, Demands()).log.keys == [str(KEY), str(new)]
    assert "which is not a trusted key" in named(path, Demands(trusted=(new,)))


def test_timestamps(folder: Path, tmp_path: Path) -> None:
    ca = issue("Root", authority=True)
    with Server(Authority(tmp_path / "tsa", issue_tsa(ca))) as server:
        sealing = Sealing(Held(), ORIGIN, timestamp_url=server.url, timestamp_roots=(ca.pem,))
        with Record.writer(folder, Clock(), sealing) as record:
            play = Runs(record)
            for _ in range(2):
                play.day({"a": CLOSED})
                record.publish()
    path = export(folder, tmp_path / "a.zip")
    sizes = choose(folder, Selection(JANUARY)).stamped
    assert len(sizes) == 1
    roots = Demands(trusted=(KEY,), timestamp_roots=(ca.pem,))
    found = checked(path, roots)
    assert (found.log.problems, found.log.timestamps, found.log.stamped_size) == ([], 1, sizes[0])
    other = Demands(trusted=(KEY,), timestamp_roots=(issue("Other", authority=True).pem,))
    assert f"checkpoints/{sizes[0]}.tsr: does not hold" in named(path, other)
    everything = Selection(Period(dt.date(2026, 1, 1), dt.date(2026, 1, 31)))
    whole = export(folder, tmp_path / "b.zip", everything)
    first = min(choose(folder, everything).stamped)
    told = named(Forger(whole, tmp_path).forge({f"checkpoints/{first}.tsr": None}), roots)
    assert "was logged, but is gone" in told
