"""Rows of the machine-readable output. Their keys are a contract: see ``docs/output.md``."""

import dataclasses
import datetime as dt
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from mappings.check import Check
from mappings.controls import Control
from mappings.stated import pruned_statements, stated_of_controls
from mappings.status import ControlStatus, Judged, control_statuses
from mappings.waivers import Accepted, Waivers
from store import query
from store.instant import rfc3339, utc_now
from store.model import Gap, Outcome
from store.record import Record
from store.tallies import Tally, tallies

Row = dict[str, Any]


def standing_findings(
    record: Record, at: str | None = None, order: str = query.BY_CHECK
) -> Iterator[query.FindingRow]:
    """Yield every finding as it stands; one on a whole scope is as old as the oldest it looked at."""
    read = query.last_read(record, at)
    for found in query.findings(record, at, order):
        yield dataclasses.replace(found, last_seen=last_seen(found, read))


def finding_rows(record: Record, at: str | None = None, order: str = query.BY_CHECK) -> Iterator[Row]:
    """Yield every finding as it stands, with the check as it was applied.

    Args:
        at: for which moment, as :mod:`store.query` takes it; None is now.
        order: as :func:`store.query.findings` takes it.
    """
    waivers = waivers_in_force(record, at)
    for found in standing_findings(record, at, order):
        yield finding_row(found, waivers)


def finding_row(found: query.FindingRow, waivers: Waivers) -> Row:
    """Return one finding, with the check as it was applied."""
    body = found.check_body
    return {
        "check": found.check,
        "title": body["title"],
        "outcome": found.outcome.value,
        "severity": body["severity"],
        "provider": found.provider,
        "scope": found.scope,
        "region": found.region,
        "resource_type": found.resource_type or " + ".join(body["resources"]),
        "resource_id": found.resource_id,
        "resource_name": found.resource_name or _stand_in(found),
        "controls": list(body["controls"]),
        "equivalents": body["equivalents"],
        "document": found.document,
        "observed": found.observed,
        "reason": found.reason,
        "pruned": found.pruned,
        "first_seen": found.first_seen,
        "last_seen": found.last_seen,
        "remediation": body["remediation"],
        "limits": body["limits"],
        "check_digest": found.check_digest,
        "entry": found.entry,
        "waived": _waived(waiver_of(waivers, found)),
    }


def waivers_in_force(record: Record, at: str | None = None) -> Waivers:
    """Return the waivers as they count at a moment; None is now."""
    return Waivers(query.statements(record, at), rfc3339(_moment(at)))


def waiver_of(waivers: Waivers, found: query.FindingRow | Tally) -> Accepted | None:
    """Return the waiver that covers a finding, or several that are counted together, if they fail."""
    if found.outcome is not Outcome.FAIL:
        return None
    return waivers.covering(found.check, found.provider, found.scope, found.resource_id)


def statuses(
    record: Record | None,
    controls: dict[str, Control],
    checks: Iterable[Check],
    stale_after_days: float,
    at: str | None = None,
) -> list[ControlStatus]:
    """Work out the status of every control as it stands; without a record nothing was collected.

    Args:
        at: for which moment, as :mod:`store.query` takes it; None is now.
    """
    filed = query.statements(record, at) if record is not None else []
    moment = _moment(at)
    judged = _judged(record, Waivers(filed, rfc3339(moment)), at) if record is not None else iter(())
    checked = Counter(control for check in checks for control in check.controls)
    stale_before = rfc3339(moment - dt.timedelta(days=stale_after_days))
    return control_statuses(
        controls,
        judged,
        checked,
        stale_before,
        stated_of_controls(filed, rfc3339(moment)),
        pruned_statements(filed, rfc3339(moment)),
    )


def status_row(status: ControlStatus) -> Row:
    """Return one control's status."""
    return {
        "control": status.control.number,
        "title": status.control.title,
        "theme": status.control.theme,
        "status": status.status.value,
        "reason": status.reason,
        "pass": status.passed,
        "fail": status.failed,
        "waived": status.waived,
        "unknown": status.unknown,
        "not_applicable": status.not_applicable,
        "last_evidence": status.last_evidence,
    }


def control_row(control: Control, checks: Iterable[Check]) -> Row:
    """Return one control with the checks that bear on it."""
    return {
        "control": control.number,
        "title": control.title,
        "theme": control.theme,
        "evidence": control.evidence,
        "checks": [check.id for check in checks if control.number in check.controls],
        "attach": list(control.attach),
        "summary": control.summary,
    }


def gap_rows(record: Record, at: str | None = None) -> Iterator[Row]:
    """Yield every gap of the latest collections."""
    for collection, gap in query.gaps(record, at):
        yield gap_row(collection, gap)


def gap_row(collection: query.CollectionRow, gap: Gap) -> Row:
    """Return one gap of a collection."""
    return {
        "call": gap.call,
        "code": gap.code,
        "message": gap.message,
        "provider": collection.provider,
        "scope": collection.scope,
        "region": gap.region or collection.region,
        "resource_type": collection.resource_type,
        "resource_id": gap.resource_id,
        "key": gap.key,
        "at": gap.at,
        "run": collection.run,
    }


def resource_rows(record: Record, at: str | None = None) -> Iterator[Row]:
    """Yield every resource as last known."""
    for kind, resource_id, name, scope, region, document in query.resources(record, at):
        yield {
            "resource_type": kind,
            "resource_id": resource_id,
            "resource_name": name,
            "scope": scope,
            "region": region,
            "document": document,
        }


def every(resource_type: str) -> str:
    """Return what stands for the name where the resources of a type could not be listed."""
    return f"every {resource_type}"


def _judged(record: Record, waivers: Waivers, at: str | None) -> Iterator[Judged]:
    read = query.last_read(record, at)
    for found in tallies(record, at, waivers.resources):
        covering = waiver_of(waivers, found)
        expired = None
        if covering is None and found.outcome is Outcome.FAIL:
            expired = waivers.expired(found.check, found.provider, found.scope, found.resource_id)
        yield Judged(
            found.check,
            tuple(found.check_body["controls"]),
            found.outcome,
            last_seen(found, read),
            found.number,
            waived_until=covering.waiver.valid_until if covering else "",
            waiver_expired=expired.waiver.valid_until if expired else "",
        )


def _waived(accepted: Accepted | None) -> Row | None:
    if accepted is None:
        return None
    waiver = accepted.waiver
    return {
        "entry": accepted.entry,
        "approver": waiver.approver,
        "reason": waiver.reason,
        "until": waiver.valid_until,
    }


def _moment(at: str | None) -> dt.datetime:
    """Return the moment, but none that is yet to come: today is asked for by its end."""
    return min(utc_now(), dt.datetime.fromisoformat(at)) if at else utc_now()


def last_seen(found: query.FindingRow | Tally, read: dict[tuple[str, str, str], str]) -> str:
    """Return when the oldest of what a finding rests on was last read."""
    seen = [read.get((found.provider, found.scope, kind), "") for kind in found.check_body["resources"]]
    return min(seen, default=found.last_seen)


def _stand_in(found: query.FindingRow) -> str:
    if not found.resource_type:
        return found.scope_name
    return every(found.resource_type) if not found.resource_id else ""
