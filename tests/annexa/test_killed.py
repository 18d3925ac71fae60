"""Killed at any moment: the store opens, verifies, and the next run completes."""

import contextlib
import datetime as dt
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest
import sqlalchemy as sa

from annexa.commands.collect import collect
from annexa.workspace import Workspace
from collectors.contract import Tools
from scheduler.plan import Selection
from scheduler.runner import Runner
from store import query, schema
from store.backup import backup
from store.instant import rfc3339
from store.prune import prune
from store.record import Record
from store.verify import verify
from tests.annexa.conftest import Annexa
from tests.annexa.test_growth import CHECKS, HeapCollector
from tests.estates.small import Small
from tests.faults import FaultProxy
from tests.store.conftest import Play

pytestmark = pytest.mark.slow

TYPES = ("aws.cloudtrail.*trail", "aws.iam.group", "aws.iam.role", "aws.kms.key")
THINGS = 150
GENERATIONS = 30
START, DAY = dt.datetime(2020, 1, 1, tzinfo=dt.UTC), dt.timedelta(days=1)


def collect_account(folder: Path) -> Iterator[None]:
    """Collect the account that the folder's configuration names, again and again."""
    workspace = Workspace.load(folder / "annexa.toml")
    for check in workspace.checks.values():
        assert check.rules
    yield
    while True:
        with workspace.writing() as record:
            collect(workspace, record, threading.Event(), trigger="killed", only=TYPES)


def collect_things(folder: Path) -> Iterator[None]:
    """Collect things that are all others each time, again and again."""
    yield
    for salt in count(time.time_ns()):
        with Record.writer(folder / "store") as record:
            settings = {"count": THINGS, "salt": salt}
            collector = HeapCollector(settings, Tools(redaction_key=record.redaction_key()))
            Runner(record, [collector], CHECKS, {"heap": Selection()}).run("killed")


def prune_things(folder: Path) -> Iterator[None]:
    """Let go of one generation after another of what :func:`generations` has made."""
    yield
    while True:
        with Record.writer(folder / "store", lambda: START + GENERATIONS * DAY) as record:
            prune(record, _generation(record), "to be killed", "test")


def generations(store: Path) -> None:
    """Play a run a day in which everything changes."""
    now = START
    with Record.writer(store, lambda: now) as record:
        play = Play(record)
        for number in range(GENERATIONS):
            now = START + number * DAY
            play.run({f"r{n}": {"public": False, "words": f"{n} on day {number}"} for n in range(20)})


def _generation(record: Record) -> str:
    """Return up to when the next pruning is to go."""
    with record.engine.connect() as connection:
        done = connection.exec_driver_sql("SELECT count(*) FROM log WHERE kind = 'prune'").scalar_one()
    return rfc3339(START + min(done + 2, GENERATIONS - 3) * DAY)


def back_up(folder: Path) -> Iterator[None]:
    """Make backups, again and again."""
    yield
    while True:
        backup(folder / "store", folder / "backups" / f"{time.time_ns()}", {})


JOBS: dict[str, Callable[[Path], Iterator[None]]] = {
    "account": collect_account,
    "things": collect_things,
    "prune": prune_things,
    "backup": back_up,
}


def main() -> None:
    """Fork a collecting process whenever asked to.

    Loading Annexa takes longer than most of the runs that are killed; here it is loaded once.
    """
    job = JOBS[sys.argv[1]](Path(sys.argv[2]))
    next(job)
    for _ in sys.stdin:
        child = os.fork()
        if not child:
            next(job)
        print(child, flush=True)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


class Victims:
    """Processes that collect until they are killed."""

    def __init__(self, forker: "subprocess.Popen[str]") -> None:
        self._forker = forker

    def kill_one(self, after: float, written: Path | None = None) -> None:
        """Let a process collect for so many seconds and kill it.

        Args:
            written: wait on until this file is next written to, since that is when most can go wrong.
        """
        assert self._forker.stdin is not None
        assert self._forker.stdout is not None
        print(file=self._forker.stdin, flush=True)
        victim = int(self._forker.stdout.readline())
        time.sleep(after)
        if written is not None:
            _await_write(written)
        os.kill(victim, signal.SIGKILL)
        assert int(self._forker.stdout.readline()) == -signal.SIGKILL, "it must not have ended by itself"


def _await_write(path: Path, patience: float = 1.0) -> None:
    def state() -> tuple[int, int]:
        with contextlib.suppress(FileNotFoundError):
            found = path.stat()
            return found.st_size, found.st_mtime_ns
        return 0, 0

    before, end = state(), time.monotonic() + patience
    while state() == before and time.monotonic() < end:
        time.sleep(0.0001)


@contextlib.contextmanager
def victims(job: str, folder: Path, environment: dict[str, str]) -> Iterator[Victims]:
    script = "from tests.annexa.test_killed import main; main()"
    with subprocess.Popen(
        [sys.executable, "-c", script, job, str(folder)],
        cwd=Path(__file__).parents[2],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as forker:
        yield Victims(forker)
        assert forker.stdin is not None
        forker.stdin.close()


class Witness:
    """Looks at a store after each kill."""

    def __init__(self, store: Path) -> None:
        self._store = store
        self._acknowledged: dict[tuple[str, str], int] = {}
        self.killed: set[str] = set()

    def look(self) -> None:
        """The store opens and verifies, and nothing that was acknowledged before is lost."""
        with Record.open(self._store) as record:
            verification = verify(record)
            assert verification.problems == []
            found = {(row.resource_type, row.region): row.seq for row in query.latest_collections(record)}
            assert all(found.get(key, -1) >= seq for key, seq in self._acknowledged.items())
            self._acknowledged = found
            self.killed |= {uid for uid, status in _runs(record) if status == "running"}

    def look_at_the_end(self) -> None:
        """Every run that was killed is interrupted, in the log too, which verification compares."""
        self.look()
        with Record.open(self._store) as record:
            runs = dict(_runs(record))
        assert self.killed
        assert {runs[uid] for uid in self.killed} == {"interrupted"}
        assert "running" not in runs.values()


def _runs(record: Record) -> list[tuple[str, str]]:
    with record.engine.connect() as connection:
        rows = connection.execute(sa.select(schema.run.c.uid, schema.run.c.status))
        return [(row.uid, row.status) for row in rows]


def test_fifty_collections_of_an_account_are_killed(annexa: Annexa, proxy: FaultProxy, small: Small) -> None:
    annexa.configure(proxy.endpoint, *TYPES)
    assert annexa.collect_here().status == "complete"
    begun = time.monotonic()
    assert annexa.collect_here().status == "complete"
    usual = time.monotonic() - begun
    moments, kms = random.Random(50), small.client("kms")
    witness = Witness(annexa.store)
    witness.look()
    with victims("account", annexa.folder, annexa.environment) as killing:
        for attempt in range(50):
            tags = [{"TagKey": "attempt", "TagValue": f"{attempt}"}]
            kms.tag_resource(KeyId=small.key, Tags=tags)
            written = annexa.store / "record.db-wal" if attempt % 2 else None
            killing.kill_one(moments.uniform(0, usual), written)
            witness.look()
    result = annexa.collect_here()
    assert result.status == "complete"
    assert result.resources
    witness.look_at_the_end()
    assert len(witness.killed) > 10, "enough of the processes were killed in the middle of a run"


def test_fifteen_collections_in_which_everything_changes_are_killed(annexa: Annexa) -> None:
    with Record.writer(annexa.store):
        pass
    moments = random.Random(15)
    witness = Witness(annexa.store)
    with victims("things", annexa.folder, annexa.environment) as killing:
        for attempt in range(15):
            written = annexa.store / "record.db-wal" if attempt % 2 else None
            killing.kill_one(moments.uniform(0, 0.3), written)
            witness.look()
    with Record.writer(annexa.store) as record:
        collector = HeapCollector({"count": THINGS}, Tools(redaction_key=record.redaction_key()))
        result = Runner(record, [collector], CHECKS, {"heap": Selection()}).run("test")
    assert result.status == "complete"
    assert result.resources == result.changed == THINGS
    witness.look_at_the_end()
    assert len(witness.killed) > 6


def test_a_store_whose_making_was_killed_is_made_by_the_next_run(annexa: Annexa) -> None:
    moments = random.Random(10)
    with victims("things", annexa.folder, annexa.environment) as killing:
        for _ in range(10):
            killing.kill_one(moments.uniform(0, 0.15))
    with Record.writer(annexa.store) as record:
        collector = HeapCollector({"count": THINGS}, Tools(redaction_key=record.redaction_key()))
        assert Runner(record, [collector], CHECKS, {"heap": Selection()}).run("test").status == "complete"
        assert verify(record).problems == []


def test_what_is_killed_while_it_prunes_loses_nothing_else(annexa: Annexa) -> None:
    generations(annexa.store)
    moments = random.Random(12)
    with victims("prune", annexa.folder, annexa.environment) as killing:
        for _ in range(6):
            killing.kill_one(moments.uniform(0.2, 1))
            with Record.open(annexa.store) as record:
                assert verify(record).problems == []
    with Record.writer(annexa.store, lambda: START + GENERATIONS * DAY) as record:
        done = prune(record, rfc3339(START + (GENERATIONS - 2) * DAY), "the rest", "test")
        assert 0 < done.documents < 20 * (GENERATIONS - 3), "some were let go before"
        assert verify(record).problems == []


def test_what_is_killed_while_it_is_copied_is_no_backup(annexa: Annexa) -> None:
    with Record.writer(annexa.store) as record:
        Play(record).run({f"r{n}": {"public": False, "number": n} for n in range(100)})
    moments = random.Random(8)
    with victims("backup", annexa.folder, annexa.environment) as killing:
        for _ in range(6):
            killing.kill_one(moments.uniform(0.05, 0.5))
    made = list((annexa.folder / "backups").iterdir())
    whole = [path for path in made if not path.name.startswith(".")]
    assert len(whole) < len(made)
    for path in whole[-3:]:
        with Record.open(path) as record:
            assert verify(record).problems == []


def test_the_command_itself_is_killed(annexa: Annexa, proxy: FaultProxy) -> None:
    annexa.configure(proxy.endpoint, *TYPES)
    moments = random.Random(3)
    for _ in range(3):
        with annexa.start("collect") as process:
            time.sleep(moments.uniform(0.8, 2.2))
            process.kill()
    summary = annexa.collect()
    assert summary["status"] == "complete"
    assert annexa.run("verify").code == 0
