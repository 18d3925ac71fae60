"""Rows of what people stated. Their keys are a contract: see ``docs/output.md``."""

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import asdict

import click

from annexa.output import Column, Row
from annexa.workspace import Workspace
from mappings.check import Check
from mappings.controls import Control
from mappings.stated import pruned_statements
from store import query
from store.instant import rfc3339, utc_now
from store.record import Record
from store.statement import Attestation, Filed, State, Withdrawal

COLUMNS = (
    Column("entry", "Entry", right=True),
    Column("kind", "Kind"),
    Column("state", "State"),
    Column("subject", "Of", fold=True),
    Column("by", "By", fold=True),
    Column("valid_until", "Until"),
    Column("days_left", "Days left", right=True),
    Column("text", "What was said", fold=True),
)
"""Of a table of :func:`with_subjects`."""

_TEXTS = ("control", "check", "provider", "scope", "resource", "valid_from", "valid_until")


def statement_row(filed: Filed, at: str, controls: Mapping[str, Control]) -> Row:
    """Return one statement; all kinds have the same keys.

    Args:
        at: the moment that its state is of, RFC 3339 in UTC.
        controls: for their titles.
    """
    statement = filed.statement
    said = {key: getattr(statement, key, "") for key in (*_TEXTS, "owner", "approver")}
    text = (getattr(statement, key, "") for key in ("says", "reason", "justification"))
    return {
        "entry": filed.entry,
        "kind": filed.kind,
        "state": filed.state(at).value,
        "control": said["control"],
        "title": controls[said["control"]].title if said["control"] in controls else "",
        "check": said["check"],
        "provider": said["provider"],
        "scope": said["scope"],
        "resource_id": said["resource"],
        "withdraws": statement.entry if isinstance(statement, Withdrawal) else None,
        "by": said["owner"] or said["approver"],
        "text": next(filter(None, text), ""),
        "valid_from": said["valid_from"],
        "valid_until": said["valid_until"],
        "days_left": _days_left(filed, said["valid_until"], at),
        "files": [asdict(file) for file in statement.files] if isinstance(statement, Attestation) else [],
        "at": filed.at,
        "filed_by": filed.filed_by,
        "digest": filed.digest,
        "withdrawn": filed.withdrawn,
        "withdrawn_by": filed.withdrawn_by,
    }


def bears_on(row: Row, control: str, checks: Mapping[str, Check]) -> bool:
    """Say whether a statement is about a control, or waives one of its checks."""
    check = checks.get(row["check"])
    return row["control"] == control or (check is not None and control in check.controls)


def statements_on(record: Record, workspace: Workspace, control: str, at: str | None) -> list[Row]:
    """Return the statements about a control and the waivers on its checks, withdrawals left out.

    Args:
        at: for which moment, RFC 3339 in UTC; None is now.
    """
    moment = at or rfc3339(utc_now())
    rows = (statement_row(one, moment, workspace.controls) for one in query.statements(record, at))
    return [row for row in rows if bears_on(row, control, workspace.checks)]


def say_pruned(filed: Iterable[Filed], since: str) -> None:
    """Say on standard error that statements are not in an answer, because retention let them go.

    Args:
        since: the first moment that the answer is about, RFC 3339 in UTC.
    """
    if number := pruned_statements(filed, since):
        click.echo(
            f"annexa: {number} of what people stated may have counted, but retention let it go: it is not in "
            "this answer; `annexa statements --state pruned` lists it.",
            err=True,
        )


def with_subjects(rows: Iterable[Row]) -> list[Row]:
    """Return rows as tables show them."""
    return [row | {"subject": subject(row)} for row in rows]


def subject(row: Row) -> str:
    """Say in a few words what a statement is about."""
    if row["withdraws"] is not None:
        return f"entry {row['withdraws']}"
    if row["control"]:
        return f"{row['control']} {row['title']}".rstrip()
    if not row["check"]:
        return ""
    where = " ".join(filter(None, (row["provider"], row["scope"])))
    return f"{row['check']} on {row['resource_id'] or 'every resource'}{f' in {where}' if where else ''}"


def _days_left(filed: Filed, until: str, at: str) -> int | None:
    if not until or filed.state(at) not in (State.IN_FORCE, State.NOT_YET):
        return None
    return (dt.date.fromisoformat(until) - dt.date.fromisoformat(at[:10])).days
