"""Writing one collection: staged while it streams, then acknowledged in one transaction.

What has not changed costs nothing: rows are opened and closed only where the new collection
differs from the last. Staging tables are temporary, so a killed run leaves no trace of a
collection that was not acknowledged, other than blobs that the next run will use.
"""

import hashlib
import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from store import log
from store.blobs import Blobs
from store.canonical import canonical
from store.collection_entry import KIND, collection_entry
from store.group_commit import GroupCommit
from store.intervals import (
    STAGES,
    add_resources,
    apply_content,
    apply_findings,
    open_findings,
    prepared,
    run_on,
    stage_unseen,
)
from store.model import Document, Finding, Report, Scope
from store.schema import collection, collection_state, scope, series
from store.tree import root_of

_UNKEPT = itertools.count(-1, -1)
_TIMES = frozenset({"first_request", "last_receipt", "provider_time", "skew_s"})
"""What differs in every run; it is kept with the collection, so that equal reports are one blob."""

_LOOKUP = 200

_SCOPE = sa.select(scope.c.id, scope.c.name).where(
    scope.c.provider == sa.bindparam("provider"), scope.c.external_id == sa.bindparam("external_id")
)
_SERIES = sa.select(series.c.id).where(
    series.c.scope_id == sa.bindparam("scope_id"),
    series.c.resource_type == sa.bindparam("resource_type"),
    series.c.region == sa.bindparam("region"),
)
_LAST_ID = sa.select(sa.func.max(collection.c.id))
_PREVIOUS = (
    sa.select(collection.c.state_id, collection_state)
    .join(collection_state, collection_state.c.id == collection.c.state_id)
    .where(collection.c.series_id == sa.bindparam("series"))
    .order_by(collection.c.id.desc())
    .limit(1)
)


@dataclass(frozen=True, slots=True)
class Kept:
    """A document that was kept: its content hash, and whether it differs from the last known one."""

    hash: str
    changed: bool


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """What a finished collection wrote.

    Attributes:
        resources: how many documents it held.
        changed: how many resources appeared, changed or went.
        findings_changed: how many findings appeared, changed or went.
        seq: its entry in the log.
    """

    resources: int
    changed: int
    findings_changed: int
    seq: int


@dataclass(frozen=True, slots=True)
class _State:
    id: int
    values: dict[str, Any]
    changed: int
    findings_changed: int


class CollectionWriter:
    """Writes one collection of one resource type in one scope and region.

    A collection with an empty resource type holds the judgements on the scope as a whole.

    Args:
        series_pk: the series' row; None if none of its collections has been acknowledged yet.
    """

    def __init__(
        self,
        engine: sa.Engine,
        commits: GroupCommit,
        blobs: Blobs,
        run_id: int,
        run_uid: str,
        scope: Scope,
        resource_type: str,
        region: str,
        series_pk: int | None,
    ) -> None:
        self._engine = engine
        self._commits = commits
        self._blobs = blobs
        self._run_id = run_id
        self._run_uid = run_uid
        self._scope = scope
        self._resource_type = resource_type
        self._region = region
        self._series = next(_UNKEPT) if series_pk is None else series_pk
        self._previous = self._last_collection()
        self._saw_changes = False
        self._staged = False

    def judged_alike(self, checks: str) -> bool:
        """Say whether unchanged documents were last judged completely by the same checks.

        Args:
            checks: digest over everything that judging depends on besides documents and clock.
        """
        last = self._previous
        return last is not None and bool(last.complete) and last.checks == bytes.fromhex(checks)

    def keep(self, documents: Sequence[Document]) -> list[Kept]:
        """Keep documents; repeat with further ones as they arrive.

        Raises:
            ValueError: a document has no canonical form, or two of the collection have one id. None
                of these documents is kept then; others may follow.
        """
        payloads = [canonical(document.payload()) for document in documents]
        hashes = [hashlib.sha256(payload).digest() for payload in payloads]
        with self._engine.begin() as connection:
            self._begin_stage(connection)
            known = self._open_hashes(connection, [document.id for document in documents])
            changed = [known.get(doc.id) != key for doc, key in zip(documents, hashes, strict=True)]
            self._blobs.put(
                connection,
                {key: data for key, data, new in zip(hashes, payloads, changed, strict=True) if new},
            )
            if documents:
                try:
                    connection.exec_driver_sql(
                        "INSERT INTO stage_content VALUES (?, ?, ?, ?, ?)",
                        [
                            (self._series, doc.id, doc.name, doc.region, key)
                            for doc, key in zip(documents, hashes, strict=True)
                        ],
                    )
                except sa.exc.IntegrityError as error:
                    raise ValueError("two resources of one collection have the same id") from error
        self._staged = True
        self._saw_changes = self._saw_changes or any(changed)
        return [Kept(key.hex(), new) for key, new in zip(hashes, changed, strict=True)]

    def judge(self, findings: Iterable[Finding], check_pks: dict[tuple[str, str], int]) -> None:
        """Keep findings on documents of this collection, or on the collection itself."""
        rows = [
            (
                self._series,
                finding.resource_id,
                finding.check,
                check_pks[finding.check, finding.check_digest],
                finding.outcome.value,
                finding.reason,
                canonical(finding.observed).decode(),
                bytes.fromhex(finding.document) if finding.document else None,
            )
            for finding in findings
        ]
        if rows:
            with self._engine.begin() as connection:
                self._begin_stage(connection)
                connection.exec_driver_sql(
                    "INSERT INTO stage_finding VALUES (?, ?, ?, ?, ?, ?, ?, ?, NULL)", rows
                )
            self._staged = True

    def finish(
        self,
        report: Report,
        checks: str,
        check_pks: dict[tuple[str, str], int],
        *,
        unread: str = "",
        unjudged_stay: bool = False,
    ) -> Acknowledged:
        """Acknowledge the collection: durable once this returns, or within a run, soon after.

        Args:
            checks: see :meth:`judged_alike`.
            check_pks: the checks that apply to this type; findings of other checks are closed.
            unread: why resources that an incomplete collection did not see are ``unknown``.
            unjudged_stay: findings without a document that were not judged now still hold.
        """
        with self._commits.acknowledging(), self._engine.begin() as connection:
            self._keep_series(connection)
            pk = self._next_id(connection)
            state = self._state(connection, pk, report, checks, check_pks, unread, unjudged_stay)
            seq = self._log(connection, pk, report, state)
            if self._staged:
                self._discard_stage(connection)
        return Acknowledged(state.values["resources"], state.changed, state.findings_changed, seq)

    def abandon(self) -> None:
        """Forget what was staged."""
        with self._engine.begin() as connection:
            self._discard_stage(connection)

    def _keep_series(self, connection: sa.Connection) -> None:
        scope_key = {"provider": self._scope.provider, "external_id": self._scope.id}
        known = connection.execute(_SCOPE, scope_key).first()
        if known is None or known.name != self._scope.name:
            named = {"provider": self._scope.provider, "scope": self._scope.id, "name": self._scope.name}
            log.append(connection, self._blobs, "scope", named)
        if known is None:
            scope_pk = int(
                connection.execute(
                    scope.insert().returning(scope.c.id), {**scope_key, "name": self._scope.name}
                ).scalar_one()
            )
        else:
            scope_pk = int(known.id)
            if known.name != self._scope.name:
                connection.execute(scope.update().where(scope.c.id == scope_pk).values(name=self._scope.name))
        self._adopt(connection, self._series_of(connection, scope_pk))

    def _series_of(self, connection: sa.Connection, scope_pk: int) -> int:
        key = {"scope_id": scope_pk, "resource_type": self._resource_type, "region": self._region}
        found = connection.execute(_SERIES, key).scalar()
        if found is not None:
            return int(found)
        return int(connection.execute(series.insert().returning(series.c.id), key).scalar_one())

    def _adopt(self, connection: sa.Connection, series_pk: int) -> None:
        if series_pk != self._series:
            for table in STAGES if self._staged else ():
                run_on(
                    connection,
                    self._series,
                    f"UPDATE {table} SET series_id = :pk WHERE series_id = :series",
                    pk=series_pk,
                )
            self._series = series_pk

    def _next_id(self, connection: sa.Connection) -> int:
        return int(connection.execute(_LAST_ID).scalar() or 0) + 1

    def _state(
        self,
        connection: sa.Connection,
        pk: int,
        report: Report,
        checks: str,
        check_pks: dict[tuple[str, str], int],
        unread: str,
        unjudged_stay: bool,
    ) -> "_State":
        previous = self._previous
        alike = previous is not None and bool(previous.complete) and report.complete
        resources = self._count(connection, "stage_content")
        manifest = None
        if not report.complete:
            self._begin_stage(connection)
            self._staged = True
            stage_unseen(connection, self._series, check_pks, unread)
            manifest = self._keep_json(connection, [list(pair) for pair in self._seen(connection)])
        # As many as before, and each as before: these are the same.
        same = alike and not self._saw_changes and resources == previous.resources
        judged = self._count(connection, "stage_finding")
        changed, findings_changed = 0, 0
        if not same or judged:
            add_resources(connection, self._series)
        if not same:
            changed = apply_content(connection, self._series, pk, report.complete)
        # Most of an account is empty in most regions: nothing there can have changed.
        if not same or resources or judged or not self.judged_alike(checks):
            findings_changed = apply_findings(connection, self._series, pk, check_pks, unjudged_stay)
        content_root = (
            previous.content_root
            if alike and not changed
            else root_of(canonical(list(pair)) for pair in self._seen(connection))
        )
        findings_root = (
            previous.findings_root
            if previous is not None and not findings_changed
            else root_of(canonical(row) for row in open_findings(connection, self._series))
        )
        provenance = {key: value for key, value in report.provenance.items() if key not in _TIMES}
        values = {
            "complete": report.complete,
            "resources": resources,
            "gaps": len(report.gaps),
            "content_root": content_root,
            "findings_root": findings_root,
            "checks": bytes.fromhex(checks),
            "report": self._keep_json(connection, {"provenance": provenance, "gaps": report.gaps_payload()}),
            "manifest": manifest,
        }
        if previous is not None and all(previous._mapping[key] == value for key, value in values.items()):
            return _State(previous.state_id, values, changed, findings_changed)
        inserted = connection.execute(
            collection_state.insert().returning(collection_state.c.id), {"series_id": self._series, **values}
        )
        return _State(int(inserted.scalar_one()), values, changed, findings_changed)

    def _log(self, connection: sa.Connection, pk: int, report: Report, state: "_State") -> int:
        skew = report.provenance.get("skew_s")
        values = {
            "started": report.started,
            "finished": report.finished,
            "provider_time": report.provenance.get("provider_time"),
            "skew_ms": None if skew is None else round(skew * 1000),
        }
        entry = collection_entry(
            {
                "uid": self._run_uid,
                "provider": self._scope.provider,
                "external_id": self._scope.id,
                "region": self._region,
                "resource_type": self._resource_type,
                **values,
                **state.values,
            }
        )
        seq = log.append(connection, self._blobs, KIND, entry, keep=False)
        connection.execute(
            collection.insert(),
            {
                "id": pk,
                "run_id": self._run_id,
                "series_id": self._series,
                "state_id": state.id,
                "seq": seq,
                **values,
            },
        )
        return seq

    def _keep_json(self, connection: sa.Connection, value: Any) -> bytes:
        data = canonical(value)
        key = hashlib.sha256(data).digest()
        self._blobs.put(connection, {key: data})
        return key

    def _seen(self, connection: sa.Connection) -> Iterator[tuple[str, str]]:
        rows = connection.execute(
            prepared(
                "SELECT resource_id, hash FROM stage_content WHERE series_id = :series ORDER BY resource_id"
            ),
            {"series": self._series},
        )
        for resource_id, key in rows:
            yield resource_id, key.hex()

    def _open_hashes(self, connection: sa.Connection, ids: Sequence[str]) -> dict[str, bytes]:
        query = sa.text(
            """SELECT r.resource_id, c.hash FROM resource r
               JOIN content c ON c.resource_pk = r.id AND c.closed IS NULL
               WHERE r.series_id = :series AND r.resource_id IN :ids"""
        ).bindparams(sa.bindparam("ids", expanding=True))
        found: dict[str, bytes] = {}
        for i in range(0, len(ids), _LOOKUP):
            rows = connection.execute(query, {"series": self._series, "ids": list(ids[i : i + _LOOKUP])})
            found.update((resource_id, key) for resource_id, key in rows)
        return found

    def _last_collection(self) -> Any:
        if self._series < 0:
            return None
        with self._engine.connect() as connection:
            return connection.execute(_PREVIOUS, {"series": self._series}).first()

    def _begin_stage(self, connection: sa.Connection) -> None:
        """Clear what a writer that was not finished may have left, before anything is staged."""
        if not self._staged:
            self._discard_stage(connection)

    def _discard_stage(self, connection: sa.Connection) -> None:
        for table in STAGES:
            run_on(connection, self._series, f"DELETE FROM {table} WHERE series_id = :series")

    def _count(self, connection: sa.Connection, table: str) -> int:
        if not self._staged:
            return 0
        statement = prepared(f"SELECT count(*) FROM {table} WHERE series_id = :series")
        return int(connection.execute(statement, {"series": self._series}).scalar_one())
