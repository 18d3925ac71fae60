"""A record on a temporary folder, a clock that ticks by itself, and runs played in one call each."""

import datetime as dt
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from store.canonical import digest
from store.collection_writer import Acknowledged
from store.instant import rfc3339
from store.model import Document, Finding, Gap, Outcome, Report, Scope
from store.record import DATABASE, Record

if TYPE_CHECKING:
    from tests.store.verification.everything import Everything

SCOPE = Scope("aws", "111122223333", "production")
KIND = "aws.s3.bucket"
REGION = "eu-west-1"
PRIVATE = ("aws.s3.bucket.private", 1)
"""A check, and the version of its rule: fails a resource whose content says that it is public."""

DENIED = object()
"""Stands for the content of a resource whose detail could not be read."""

LIST_DENIED = Gap("s3:ListBuckets", "AccessDenied", "no", "2026-01-01T00:00:00.000Z")
UNREAD = "the list could not be read to its end: s3:ListBuckets: AccessDenied"

Checks = tuple[tuple[str, int], ...]


class Clock:
    """Ticks one second each time it is asked."""

    def __init__(self) -> None:
        self.now = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)

    def __call__(self) -> dt.datetime:
        self.now += dt.timedelta(seconds=1)
        return self.now


def document(resource_id: str, content: Any, kind: str = KIND) -> Document:
    """Return a document with ``content`` as its ``item``, or with a gap in its place."""
    if content is DENIED:
        gaps = {"item": {"call": "s3:GetBucketAcl", "code": "AccessDenied"}}
        return Document(kind, resource_id, f"name of {resource_id}", REGION, {}, gaps)
    return Document(kind, resource_id, f"name of {resource_id}", REGION, {"item": content})


def verdict(found: Document) -> tuple[Outcome, str]:
    """Judge as :data:`PRIVATE` does."""
    if found.gaps:
        return Outcome.UNKNOWN, "s3:GetBucketAcl could not be read: AccessDenied"
    public = isinstance(found.content["item"], dict) and found.content["item"].get("public")
    return (Outcome.FAIL if public else Outcome.PASS), ""


@dataclass
class Play:
    """Plays runs on a record, one collection each, as the runner does it."""

    record: Record
    runs: int = 0
    seen: list[dict[str, str]] = field(default_factory=list)

    def run(
        self,
        contents: Mapping[str, Any],
        *,
        complete: bool = True,
        gaps: tuple[Gap, ...] = (),
        checks: Checks = (PRIVATE,),
        scope: Scope = SCOPE,
        kind: str = KIND,
        region: str = REGION,
    ) -> Acknowledged:
        """Play a whole run that sees ``contents``: resource id → content."""
        uid, run_id, keys = self.begin(checks)
        done = self.collect(uid, run_id, keys, contents, complete, gaps, scope, kind, region)
        self.record.finish_run(run_id, "complete" if complete else "gaps", {"resources": done.resources})
        return done

    def begin(self, checks: Checks = (PRIVATE,)) -> tuple[str, int, dict[tuple[str, str], int]]:
        """Play a run's beginning only: a crash follows."""
        self.runs += 1
        keys = self.record.register_checks(
            (check_id, {"id": check_id, "version": version}) for check_id, version in checks
        )
        uid = f"run-{self.runs}"
        return uid, self.record.begin_run(uid, "test"), keys

    def collect(
        self,
        uid: str,
        run_id: int,
        keys: dict[tuple[str, str], int],
        contents: Mapping[str, Any],
        complete: bool = True,
        gaps: tuple[Gap, ...] = (),
        scope: Scope = SCOPE,
        kind: str = KIND,
        region: str = REGION,
    ) -> Acknowledged:
        """Play one collection of a run."""
        digests = digest([list(key) for key in sorted(keys)])
        writer = self.record.collection(run_id, uid, scope, kind, region)
        alike = writer.judged_alike(digests)
        started = rfc3339(self.record.clock())
        documents = [document(resource_id, content, kind) for resource_id, content in contents.items()]
        kept = writer.keep(documents)
        self.seen.append({doc.id: keep.hash for doc, keep in zip(documents, kept, strict=True)})
        for doc, keep in zip(documents, kept, strict=True):
            if keep.changed or not alike:
                outcome, reason = verdict(doc)
                writer.judge(
                    [
                        Finding(check_id, applied, doc.id, outcome, doc.content, reason, keep.hash)
                        for check_id, applied in keys
                    ],
                    keys,
                )
        if not complete:
            gaps = gaps or (LIST_DENIED,)
            unread = [Finding(*key, "", Outcome.UNKNOWN, reason=UNREAD) for key in keys]
            writer.judge(unread, keys)
        report = Report(
            complete,
            list(gaps),
            started,
            rfc3339(self.record.clock()),
            {"calls": [{"call": "s3:ListBuckets", "items": len(documents)}]},
        )
        return writer.finish(report, digests, keys, unread="" if complete else UNREAD)


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with nothing in it but its name; copy it, which is faster than migrating anew."""
    path = tmp_path_factory.mktemp("empty") / "store"
    with Record.writer(path, Clock()):
        pass
    return path


@pytest.fixture(scope="session")
def everything(empty_store: Path, tmp_path_factory: pytest.TempPathFactory) -> "Everything":
    """A record with everything in it, closed."""
    from tests.store.verification.everything import write_everything

    beside = tmp_path_factory.mktemp("everything")
    return write_everything(Path(shutil.copytree(empty_store, beside / "store")), beside)


@pytest.fixture
def folder(empty_store: Path, tmp_path: Path) -> Path:
    """The folder of a store that is empty and closed."""
    return Path(shutil.copytree(empty_store, tmp_path / "store"))


@pytest.fixture
def record(folder: Path) -> Iterator[Record]:
    """An empty record, open for writing."""
    with Record.writer(folder, Clock()) as opened:
        yield opened


@pytest.fixture
def play(record: Record) -> Play:
    return Play(record)


@pytest.fixture
def rows(record: Record) -> Callable[..., list[tuple[Any, ...]]]:
    """Read the record's tables as they are."""

    def read(statement: str) -> list[tuple[Any, ...]]:
        with record.engine.connect() as connection:
            return [tuple(row) for row in connection.exec_driver_sql(statement)]

    return read


def tamper(folder: Path, statement: str, *values: Any) -> int:
    """Change a closed store behind Annexa's back, and return how many rows changed."""
    with closing(sqlite3.connect(folder / DATABASE)) as connection, connection:
        connection.execute("PRAGMA synchronous = off")
        return connection.execute(statement, values).rowcount


def steps_taken(record: Record, act: Callable[[], object]) -> int:
    """Count the steps that the database takes, which unlike time are always the same."""
    steps = 0

    def count() -> int:
        nonlocal steps
        steps += 1
        return 0

    with record.engine.connect() as connection:
        database = connection.connection.driver_connection
    assert isinstance(database, sqlite3.Connection)
    database.set_progress_handler(count, 100)
    act()
    database.set_progress_handler(None, 0)
    return steps
