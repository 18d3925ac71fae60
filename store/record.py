"""The record: a folder with the database, its keys, and the one way to write to it."""

import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import sqlalchemy as sa

from store import clock as clocks
from store import log, statements
from store.blobs import Blobs
from store.canonical import canonical, digest
from store.checkpoints import on_demand, rotate, sign_kept, signer_of
from store.collection_writer import CollectionWriter
from store.cosigning import add_cosignatures
from store.database import (
    engine_for,
    migrate,
    newer_schema,
    schema_version,
    store_errors,
    unwritable,
    writer_lock,
)
from store.errors import StoreError
from store.files import keep
from store.group_commit import GroupCommit
from store.instant import Clock, rfc3339, utc_now
from store.intervals import STAGING
from store.model import Scope
from store.note import Signer
from store.note_key import NoteKey
from store.publication import publish
from store.schema import HEAD, check, meta, run, scope, series
from store.sealing import Sealing
from store.statement import AttachedFile, Filed, Statement

DATABASE = "record.db"
REDACTION_KEY = "redaction.key"
_KEY_BYTES = 32
_BATCH_BYTES = 60_000
_SERIES = (
    sa.select(series.c.id)
    .join(scope, scope.c.id == series.c.scope_id)
    .where(
        scope.c.provider == sa.bindparam("provider"),
        scope.c.external_id == sa.bindparam("scope"),
        series.c.resource_type == sa.bindparam("type"),
        series.c.region == sa.bindparam("region"),
    )
)


class Record:
    """An open record.

    Use :meth:`open` to read and :meth:`writer` to write.
    """

    def __init__(
        self, path: Path, engine: sa.Engine, clock: Clock = utc_now, sealing: Sealing | None = None
    ) -> None:
        self.path = path
        self.engine = engine
        self.clock = clock
        self.sealing = sealing
        self.blobs = Blobs()
        self.commits = GroupCommit(engine)
        self._notices: list[str] = []

    @classmethod
    @contextmanager
    def open(cls, path: Path) -> "Iterator[Record]":
        """Open a record for reading.

        Raises:
            StoreError: there is none, it cannot be read, or its schema is another.
        """
        database = path / DATABASE
        if not database.is_file():
            raise StoreError(f"there is no store at {path}", "Run `annexa init`, then `annexa collect`.")
        with store_errors(path):
            engine = engine_for(database, read_only=True)
            try:
                with engine.connect() as connection:
                    version = schema_version(connection)
                if version != HEAD:
                    raise newer_schema(version)
                yield cls(path, engine)
            finally:
                engine.dispose()

    @classmethod
    @contextmanager
    def writer(
        cls,
        path: Path,
        clock: Clock = utc_now,
        sealing: Sealing | None = None,
        *,
        accept_clock: tuple[str, str] | None = None,
    ) -> "Iterator[Record]":
        """Open a record for writing, making it if there is none, as its only writer.

        A run that a crash left unfinished is marked as interrupted, and what a crash left of files
        that were pruned is removed.

        Args:
            sealing: what becomes of checkpoints; without it they are kept, but nobody signs them.
            accept_clock: why the clock is right though the log is ahead of it, and who says so.

        Raises:
            StoreError: it cannot be written, another process is writing it, or the clock has jumped back.
        """
        create_folder(path)
        with writer_lock(path / DATABASE), store_errors(path):
            engine = engine_for(path / DATABASE)
            try:
                migrate(engine)
                record = cls(path, engine, clock, sealing)
                record._prepare(accept_clock)
                yield record
            finally:
                engine.dispose()

    def _prepare(self, accept_clock: tuple[str, str] | None) -> None:
        with self.engine.begin() as connection:
            self.blobs.load(connection)
            for statement in STAGING:
                connection.exec_driver_sql(statement)
            at = rfc3339(self.clock())
            if accept_clock is None:
                clocks.must_not_be_behind(connection, self.blobs, at)
            else:
                clocks.accept(connection, self.blobs, at, *accept_clock)
            if connection.execute(sa.select(meta.c.value).where(meta.c.key == "store_id")).first() is None:
                store_id = secrets.token_hex(16)
                connection.execute(meta.insert(), {"key": "store_id", "value": store_id})
                log.append(connection, self.blobs, "store", {"store": store_id, "at": at})
            for row in connection.execute(sa.select(run).where(run.c.status == "running")).all():
                self._log_run(connection, row.uid, "interrupted", at, {})
                connection.execute(
                    run.update().where(run.c.id == row.id).values(status="interrupted", finished=at)
                )
            statements.remove_pruned_files(connection, self.blobs, self.path)

    def redaction_key(self) -> bytes:
        """Return the key of the digests that stand for secrets, making it on first use.

        Raises:
            StoreError: the key file cannot be read or written.
        """
        path = self.path / REDACTION_KEY
        try:
            if not path.exists():
                # Written beside and renamed, so that a crash cannot leave an empty key behind.
                draft = path.with_suffix(".new")
                draft.unlink(missing_ok=True)
                draft.touch(mode=0o600, exist_ok=False)
                draft.write_text(secrets.token_hex(_KEY_BYTES) + "\n", encoding="ascii")
                draft.replace(path)
            key = bytes.fromhex(path.read_text(encoding="ascii").strip())
            if len(key) != _KEY_BYTES:
                raise ValueError(f"a key of {_KEY_BYTES} bytes is needed; this one has {len(key)}")
            return key
        except (OSError, ValueError) as error:
            raise StoreError(
                f"{path}: {error}", "Restore the key from a backup; without it a change cannot be told."
            ) from error

    def size(self) -> int:
        """Return how many bytes the database uses, the write-ahead log's new pages included."""
        with self.engine.connect() as connection:
            pages, free, page_size = (
                int(connection.exec_driver_sql(f"pragma {name}").scalar_one())
                for name in ("page_count", "freelist_count", "page_size")
            )
        return (pages - free) * page_size

    def log_size(self) -> int:
        """Return how many entries the log has."""
        with self.engine.connect() as connection:
            return log.state(connection).size

    def begin_run(self, uid: str, trigger: str) -> int:
        """Open a run and return its row's id."""
        at = rfc3339(self.clock())
        with self.engine.begin() as connection:
            self._log_run(connection, uid, "started", at, {"trigger": trigger})
            inserted = connection.execute(
                run.insert().returning(run.c.id),
                {"uid": uid, "started": at, "status": "running", "trigger": trigger},
            )
            return int(inserted.scalar_one())

    def finish_run(self, run_id: int, status: str, summary: Mapping[str, Any]) -> tuple[int, str]:
        """Close a run and keep a checkpoint, signed where the record is sealed.

        A key that cannot be used does not fail the run: :meth:`publish` says so.

        Returns:
            the log's size and root.
        """
        at = rfc3339(self.clock())
        with self.engine.begin() as connection:
            signer = self._signer(connection, at)
            if self.blobs.train(connection):
                log.name_dictionary(connection, self.blobs, at)
            uid = connection.execute(sa.select(run.c.uid).where(run.c.id == run_id)).scalar_one()
            self._log_run(connection, uid, "finished", at, {"status": status, "summary": dict(summary)})
            ended = {"status": status, "finished": at, "summary": canonical(dict(summary)).decode()}
            connection.execute(run.update().where(run.c.id == run_id).values(ended))
            size, root = log.keep_checkpoint(connection, at)
            if signer is not None:
                with self._unsigned_on_error():
                    sign_kept(connection, self.blobs, signer)
        return size, root

    def checkpoint(self) -> int:
        """Keep and sign a checkpoint now, if the log has grown, and sign what is unsigned.

        Returns:
            the size of the newest checkpoint.

        Raises:
            StoreError: it cannot be signed.
        """
        with self.engine.begin() as connection:
            return on_demand(connection, self.blobs, self._sealed(), rfc3339(self.clock()))

    def rotate_key(self, new: Signer) -> int:
        """Let another key take over; see :func:`store.checkpoints.rotate`."""
        with self.engine.begin() as connection:
            return rotate(connection, self.blobs, self._sealed(), new, rfc3339(self.clock()))

    def add_cosignatures(self, data: bytes, witnesses: Sequence[NoteKey]) -> tuple[int, list[str]]:
        """Take a witness's answer; see :func:`store.cosigning.add_cosignatures`."""
        with self.engine.begin() as connection:
            return add_cosignatures(connection, self.blobs, data, witnesses, rfc3339(self.clock()))

    def file(self, statement: Statement, filed_by: str) -> Filed:
        """File what somebody states; see :func:`store.statements.file`."""
        with self.engine.begin() as connection:
            return statements.file(connection, self.blobs, statement, filed_by, rfc3339(self.clock()))

    def attach(self, source: BinaryIO, name: str, media_type: str) -> AttachedFile:
        """Keep a file that a statement is to bring; see :func:`store.files.keep`."""
        sha256, size = keep(self.path, source, name)
        return AttachedFile(sha256, size, name, media_type)

    def publish(self) -> list[str]:
        """Have the newest checkpoint cosigned, write it to where it is to go, and have it timestamped.

        Returns:
            what did not succeed and will be tried again: nothing of it fails a run.
        """
        notices, self._notices = self._notices, []
        if self.sealing is None:
            return notices
        if self.sealing.witness_urls:
            # Before the copies are made, which are best made with cosignatures.
            from store.witnessing import cosign

            notices += cosign(self.engine, self.blobs, self.sealing, lambda: rfc3339(self.clock()))
        with self.engine.connect() as connection:
            notices += publish(connection, self.path, self.sealing.copy_to)
        if self.sealing.timestamp_url:
            # The libraries that it takes are loaded only where there is an authority.
            from store.stamping import stamp

            notices += stamp(self.engine, self.blobs, self.sealing, lambda: rfc3339(self.clock()))
        return notices

    def _sealed(self) -> Sealing:
        if self.sealing is None:
            raise StoreError("no signing key is configured")
        return self.sealing

    def _signer(self, connection: sa.Connection, at: str) -> Signer | None:
        if self.sealing is not None:
            with self._unsigned_on_error():
                return signer_of(connection, self.blobs, self.sealing, at)
        return None

    @contextmanager
    def _unsigned_on_error(self) -> Iterator[None]:
        try:
            yield
        except StoreError as error:
            self._notices.append(f"the checkpoint is not signed: {error}. {error.hint}".rstrip())

    def register_checks(self, checks: Iterable[tuple[str, dict[str, Any]]]) -> dict[tuple[str, str], int]:
        """Keep checks as they are applied.

        Args:
            checks: (check id, check as applied); the check's digest is the digest of the latter.

        Returns:
            (check id, digest) → row id.
        """
        wanted = {(check_id, digest(body)): canonical(body) for check_id, body in checks}
        with self.engine.begin() as connection:
            known = {
                (row.check_id, row.digest.hex()): int(row.id) for row in connection.execute(sa.select(check))
            }
            fresh = {key: body for key, body in wanted.items() if key not in known}
            self.blobs.put(connection, {bytes.fromhex(key[1]): body for key, body in fresh.items()})
            for check_id, applied in fresh:
                inserted = connection.execute(
                    check.insert().returning(check.c.id),
                    {"check_id": check_id, "digest": bytes.fromhex(applied)},
                )
                known[check_id, applied] = int(inserted.scalar_one())
            if fresh:
                at = rfc3339(self.clock())
                for some in _batches([list(key) for key in sorted(fresh)]):
                    log.append(connection, self.blobs, "checks", {"at": at, "checks": some})
        return {key: known[key] for key in wanted}

    def collection(
        self, run_id: int, run_uid: str, scope_: Scope, resource_type: str, region: str
    ) -> CollectionWriter:
        """Begin to write one collection; nothing of it counts until it is finished."""
        key = {"provider": scope_.provider, "scope": scope_.id, "type": resource_type, "region": region}
        with self.engine.connect() as connection:
            series_pk = connection.execute(_SERIES, key).scalar()
        return CollectionWriter(
            self.engine, self.commits, self.blobs, run_id, run_uid, scope_, resource_type, region, series_pk
        )

    def _log_run(
        self, connection: sa.Connection, uid: str, event: str, at: str, more: dict[str, Any]
    ) -> None:
        log.append(connection, self.blobs, "run", {"run": uid, "event": event, "at": at, **more})


def _batches(pairs: list[list[str]]) -> Iterator[list[list[str]]]:
    """Divide what is to be logged, because an entry has a largest size."""
    batch: list[list[str]] = []
    size = 0
    for pair in pairs:
        length = len(canonical(pair)) + 1
        if batch and size + length > _BATCH_BYTES:
            yield batch
            batch, size = [], 0
        batch.append(pair)
        size += length
    if batch:
        yield batch


def create_folder(path: Path) -> None:
    """Make the store's folder, readable by its owner only.

    Raises:
        StoreError: it cannot be made.
    """
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise unwritable(path, error) from error
