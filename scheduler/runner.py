"""Running a plan: documents are read, kept and judged, collection by collection."""

import datetime as dt
import itertools
import secrets
import threading
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from collectors.contract import Collector, Discovery
from mappings.account import AccountDefinition
from mappings.check import Check
from mappings.person import PERSON
from scheduler.judgement import (
    CheckSet,
    Judge,
    judge_documents,
    judge_unread,
    judge_whole_scope,
    needed_of,
    unread_findings,
)
from scheduler.people import match_people
from scheduler.plan import Job, Selection, plan
from scheduler.readers import Batch, read
from store import query
from store.collection_writer import CollectionWriter, Kept
from store.errors import CollectorError
from store.instant import rfc3339
from store.model import Document, Gap, Report, Scope
from store.record import Record

DISCOVERY = "discovery"
"""The scope under which it is kept what a provider's discovery found and could not read."""


@dataclass(slots=True)
class RunResult:
    """What a run did.

    Attributes:
        status: ``complete``, ``gaps``, ``interrupted`` or ``failed``.
        collections: how many collections were acknowledged.
        gaps: how many calls could not be read.
        findings: outcome → how many findings stand after the run.
        changed: resources that appeared, changed or went.
        bytes_written: by how much the store grew.
        size, root: of the log after the run.
        notices: what of signing, copying and timestamping the checkpoint has to be tried again.
    """

    run: str
    status: str = "complete"
    collections: int = 0
    resources: int = 0
    gaps: int = 0
    findings: dict[str, int] = field(default_factory=dict)
    changed: int = 0
    bytes_written: int = 0
    duration_s: float = 0.0
    size: int = 0
    root: str = ""
    notices: list[str] = field(default_factory=list)

    def summary(self) -> dict[str, Any]:
        return {
            "collections": self.collections,
            "resources": self.resources,
            "gaps": self.gaps,
            "findings": self.findings,
            "changed": self.changed,
        }


@dataclass(slots=True)
class _ScopeState:
    left: int = 0
    unread: dict[str, str] = field(default_factory=dict)
    collected: set[str] = field(default_factory=set)


def new_run_id(now: dt.datetime) -> str:
    """Return a run's name: its start, so that names sort, and enough chance to be unique."""
    return f"{now:%Y%m%dT%H%M%SZ}-{secrets.token_hex(4)}"


class Runner:
    """Runs collections once.

    Args:
        workers: collections read at the same time.
        accounts: how documents tell of accounts; people are matched at the end of a run if there are any.
        fresh_for: for how long the accounts in a list count as they were when it was last read.
        cancelled: set from outside to stop; what was acknowledged stays.
    """

    def __init__(
        self,
        record: Record,
        collectors: Sequence[Collector],
        checks: Iterable[Check],
        selections: Mapping[str, Selection],
        *,
        workers: int = 8,
        accounts: Sequence[AccountDefinition] = (),
        fresh_for: dt.timedelta = dt.timedelta(days=8),
        cancelled: threading.Event | None = None,
    ) -> None:
        self._record = record
        self._collectors = collectors
        self._checks = list(checks)
        self._selections = selections
        self._workers = workers
        self._accounts = accounts
        self._fresh_for = fresh_for
        self._cancelled = cancelled or threading.Event()
        self._scopes: dict[str, _ScopeState] = defaultdict(_ScopeState)
        self._now = record.clock()
        self._result = RunResult(new_run_id(self._now))
        self._run_id = 0
        self._judge = Judge()

    def run(self, trigger: str) -> RunResult:
        """Discover, collect, judge and acknowledge.

        Args:
            trigger: what caused the run, e.g. ``collect`` or ``schedule``.

        Raises:
            CollectorError: no provider could be used at all. The failed run is in the record.
            AnnexaError: the store or a definition is wrong. The run is marked as failed.
        """
        began = time.monotonic()
        size_before = self._record.size()
        self._judge = Judge.register(self._record, self._checks)
        self._run_id = self._record.begin_run(self._result.run, trigger)
        try:
            with self._record.commits.run():
                self._read()
        except KeyboardInterrupt:
            self._cancelled.set()
        except BaseException:
            self._result.status = "failed"
            self._finish(size_before, began)
            raise
        if self._cancelled.is_set():
            self._result.status = "interrupted"
        elif self._result.gaps:
            self._result.status = "gaps"
        return self._finish(size_before, began)

    def _read(self) -> None:
        discoveries = self._discover()
        jobs = plan(self._collectors, discoveries, self._selections)
        # What was left undone because the run is being stopped says nothing of what is there.
        if not self._cancelled.is_set():
            self._mark_unreachable(discoveries, jobs)
            self._mark_narrowed(discoveries, jobs)
        self._collect(jobs)
        if not self._cancelled.is_set():
            self._match_people()

    def _finish(self, size_before: int, began: float) -> RunResult:
        result = self._result
        result.findings = query.outcome_counts(self._record)
        result.size, result.root = self._record.finish_run(self._run_id, result.status, result.summary())
        result.notices = self._record.publish()
        result.bytes_written = max(0, self._record.size() - size_before)
        result.duration_s = round(time.monotonic() - began, 3)
        return result

    def _discover(self) -> dict[str, Discovery]:
        discoveries: dict[str, Discovery] = {}
        failures: list[CollectorError] = []
        for collector in self._collectors:
            started = rfc3339(self._record.clock())
            try:
                found = collector.discover()
            except CollectorError as error:
                failures.append(error)
                at = rfc3339(self._record.clock())
                said = f"{error} {error.hint}".rstrip()
                found = Discovery((), (Gap(f"{collector.provider}:discover", "Unusable", said, at),))
            discoveries[collector.provider] = found
            report = Report(
                complete=not found.gaps,
                gaps=list(found.gaps),
                started=started,
                finished=rfc3339(self._record.clock()),
                provenance={
                    "collector": {"name": collector.provider, "version": collector.version},
                    "scopes": [
                        {"id": scope.id, "name": scope.name, "regions": list(scope.regions)}
                        for scope in found.scopes
                    ],
                },
            )
            writer = self._writer(Scope(collector.provider, DISCOVERY, DISCOVERY), DISCOVERY, "")
            self._acknowledge(writer.finish(report, _NO_CHECKS, {}).resources, report, 0)
        if failures and len(failures) == len(self._collectors):
            self._mark_unreachable(discoveries, [])
            self._match_people()
            raise failures[0]
        return discoveries

    def _collect(self, jobs: Sequence[Job]) -> None:
        for job in jobs:
            self._scopes[job.scope.key].left += 1
        writers: dict[int, CollectionWriter] = {}
        refused: dict[int, list[Gap]] = defaultdict(list)
        try:
            for batch in read(jobs, self._workers, self._cancelled):
                key = id(batch.job)
                if key not in writers:
                    target = batch.job.target
                    writers[key] = self._writer(batch.job.scope, target.resource_type, target.region)
                refused[key] += self._keep(writers[key], batch)
                if batch.report is not None:
                    self._end(writers.pop(key), batch.job, _with_gaps(batch.report, refused.pop(key)))
        finally:
            for writer in writers.values():
                writer.abandon()

    def _keep(self, writer: CollectionWriter, batch: Batch) -> list[Gap]:
        """Keep and judge documents, and return what stands for those that cannot be kept."""
        checks = self._judge.on_type(batch.job.target.resource_type)
        documents = batch.documents
        gaps: list[Gap] = []
        try:
            kept = writer.keep(documents)
        except ValueError:
            documents, kept, gaps = self._keep_singly(writer, batch)
        findings = judge_documents(
            checks,
            documents,
            kept,
            batch.job.scope,
            self._now,
            judged_alike=writer.judged_alike(checks.digest(batch.job.scope)),
        )
        writer.judge(findings, checks.keys)
        return gaps

    def _keep_singly(
        self, writer: CollectionWriter, batch: Batch
    ) -> tuple[tuple[Document, ...], list[Kept], list[Gap]]:
        documents: list[Document] = []
        kept: list[Kept] = []
        gaps: list[Gap] = []
        for document in batch.documents:
            try:
                kept += writer.keep([document])
                documents.append(document)
            except ValueError as error:
                gaps.append(
                    Gap(
                        call="",
                        code="MalformedAnswer",
                        message=f"the document cannot be kept: {error}",
                        at=rfc3339(self._record.clock()),
                        resource_id=document.id,
                        region=batch.job.target.region,
                    )
                )
        return tuple(documents), kept, gaps

    def _end(self, writer: CollectionWriter, job: Job, report: Report) -> None:
        resource_type = job.target.resource_type
        checks = self._judge.on_type(resource_type)
        unread = ""
        if not report.complete:
            findings, unread = judge_unread(checks, report)
            writer.judge(findings, checks.keys)
        done = writer.finish(report, checks.digest(job.scope), checks.keys, unread=unread)
        self._acknowledge(done.resources, report, done.changed)
        state = self._scopes[job.scope.key]
        state.left -= 1
        state.collected.add(resource_type)
        if not report.complete:
            state.unread[resource_type] = f"{resource_type}: {unread}"
        if not state.left:
            self._judge_scope(job.scope, state)

    def _judge_scope(self, scope: Scope, state: _ScopeState) -> None:
        every = self._judge.on_scope(scope.provider)
        writer = self._writer(scope, "", "")
        # Types that were not selected for this run count as they were last known.
        known = query.types_known(self._record, scope.provider, scope.id)
        unread = state.unread | {
            kind: f"{kind}: it could not be read to its end when it was last collected"
            for kind, complete in known.items()
            if not complete and kind not in state.collected
        }
        possible = tuple(check for check in every.checks if known.keys() >= set(check.types))
        checks = CheckSet(possible, every.keys)
        alike = writer.judged_alike(checks.digest(scope))
        new = state.unread.keys() | query.types_changed_since_judged(self._record, scope.provider, scope.id)
        due = [check for check in possible if not alike or check.uses_now or not new.isdisjoint(check.types)]
        started = rfc3339(self._record.clock())
        if due:
            documents: dict[str, list[Document]] = {}
            for kind in {kind for check in due for kind in check.types}:
                found = query.documents(self._record, scope.provider, scope.id, kind)
                documents[kind] = list(needed_of(found, [check for check in due if kind in check.types]))
            writer.judge(judge_whole_scope(due, scope, documents, unread, self._now), checks.keys)
        report = Report(
            complete=not unread,
            started=started,
            finished=rfc3339(self._record.clock()),
            provenance={
                "judged": sorted(check.id for check in due),
                "unread": dict(sorted(unread.items())),
            },
        )
        writer.finish(report, checks.digest(scope), checks.keys, unjudged_stay=True)
        self._result.collections += 1

    def _match_people(self) -> None:
        """Keep and judge who has which accounts, by what is last known of all providers."""
        telling = {definition.type for definition in self._accounts}
        if all(telling.isdisjoint(state.collected) for state in self._scopes.values()):
            return
        matched = match_people(self._record, self._accounts, self._now, self._fresh_for)
        if matched is None:
            return
        writer = self._writer(matched.scope, PERSON, "")
        checks = self._judge.on_type(PERSON)
        alike = writer.judged_alike(checks.digest(matched.scope))
        while documents := list(itertools.islice(matched.documents, _AT_ONCE)):
            kept = writer.keep(documents)
            findings = judge_documents(checks, documents, kept, matched.scope, self._now, judged_alike=alike)
            writer.judge(findings, checks.keys)
        if matched.unread:
            writer.judge(unread_findings(checks, matched.unread), checks.keys)
        done = writer.finish(matched.report, checks.digest(matched.scope), checks.keys, unread=matched.unread)
        self._result.collections += 1
        self._result.resources += done.resources
        self._result.changed += done.changed

    def _mark_unreachable(self, discoveries: Mapping[str, Discovery], jobs: Sequence[Job]) -> None:
        """Say of what was collected before, and could not be reached now, that it was not read."""
        planned = {
            (job.scope.provider, job.scope.id, job.target.resource_type, job.target.region) for job in jobs
        }
        lost: dict[str, Scope] = {}
        for provider, discovery in discoveries.items():
            if not discovery.gaps:
                continue
            selection = self._selections.get(provider, Selection())
            for scope_id, kind, region in sorted(query.known_series(self._record, provider)):
                gap = _gap_for(discovery.gaps, provider, scope_id)
                if kind == DISCOVERY or gap is None or (provider, scope_id, kind, region) in planned:
                    continue
                if not selection.of([kind]):
                    continue
                at = rfc3339(self._record.clock())
                report = Report(gaps=[gap], started=at, finished=at)
                scope = Scope(provider, scope_id, query.scope_name(self._record, provider, scope_id))
                checks = self._judge.on_type(kind)
                writer = self._writer(scope, kind, region)
                findings, unread = judge_unread(checks, report)
                writer.judge(findings, checks.keys)
                writer.finish(report, checks.digest(scope), checks.keys, unread=unread)
                self._result.collections += 1
                lost[scope.key] = scope
                self._scopes[scope.key].collected.add(kind)
                self._scopes[scope.key].unread[kind] = f"{kind}: {unread}"
        for key in lost.keys() - {job.scope.key for job in jobs}:
            self._judge_scope(lost[key], self._scopes[key])

    def _mark_narrowed(self, discoveries: Mapping[str, Discovery], jobs: Sequence[Job]) -> None:
        """Say of regional types in scopes whose regions could not be listed that not all was read.

        A region that was never found may hold what the scope as a whole is judged by.
        """
        for job in jobs:
            kind, scope = job.target.resource_type, job.scope
            found = discoveries[scope.provider].gaps
            gaps = [gap for gap in found if gap.resource_id in (scope.id, scope.key)]
            definition = job.collector.resource_types().get(kind)
            if gaps and definition is not None and definition.region == "regional":
                reason = f"{kind}: the regions could not be listed: {gaps[0].call}: {gaps[0].code}"
                self._scopes[scope.key].unread[kind] = reason

    def _writer(self, scope: Scope, resource_type: str, region: str) -> CollectionWriter:
        return self._record.collection(self._run_id, self._result.run, scope, resource_type, region)

    def _acknowledge(self, resources: int, report: Report, changed: int) -> None:
        self._result.collections += 1
        self._result.resources += resources
        self._result.gaps += len(report.gaps)
        self._result.changed += changed


_NO_CHECKS = "00" * 32
_AT_ONCE = 100


def _with_gaps(report: Report, gaps: list[Gap]) -> Report:
    """Return the report of a collection of which some documents could not be kept."""
    return replace(report, complete=False, gaps=[*report.gaps, *gaps]) if gaps else report


def _gap_for(gaps: Iterable[Gap], provider: str, scope_id: str) -> Gap | None:
    for gap in gaps:
        if gap.resource_id in ("", scope_id, f"{provider}:{scope_id}"):
            return gap
    return None
