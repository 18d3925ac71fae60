"""Findings as OCSF Compliance Findings (class 2003 of schema.ocsf.io), one event each.

Importers keep one result for an asset and a requirement, and the last one that they read wins. So
findings are folded: one event for each resource and control, with the worst of its checks.
"""

import datetime as dt
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import orjson

from annexa import __version__
from annexa.exports.subject import Subject, by_subject
from annexa.rows import Row
from mappings.controls import Control
from store.model import OUTCOME_RANK, SEVERITY_RANK, Outcome, Severity

SCHEMA_VERSION = "1.8.0"
STANDARDS = ("ISO/IEC 27001:2022 Annex A", "ISO/IEC 27002:2022")

_CLASS, _CATEGORY = 2003, 2
_CREATE, _CLOSE = (1, "Create"), (3, "Close")
_STATUS = {
    Outcome.PASS: (1, "Pass"),
    Outcome.FAIL: (3, "Fail"),
    Outcome.UNKNOWN: (0, "Unknown"),
    Outcome.ERROR: (99, "Error"),
    Outcome.NOT_APPLICABLE: (99, "Not Applicable"),
}
_SEVERITY = {
    Severity.CRITICAL: (5, "Critical"),
    Severity.HIGH: (4, "High"),
    Severity.MEDIUM: (3, "Medium"),
    Severity.LOW: (2, "Low"),
}
_INFORMATIONAL = (1, "Informational")
_SETTLED = (Outcome.PASS, Outcome.NOT_APPLICABLE)
_CLOUDS = {
    "aws": ("AWS", 10, "AWS Account"),
    "azure": ("Azure", 13, "Azure Subscription"),
    "gcp": ("GCP", 11, "GCP Project"),
}
_OTHER_ACCOUNT = (99, "Other")
_RULE, _REGULAR_FILE, _SHA_256, _TARGET = 1, 1, 3, 1
_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "urn:annexa:ocsf")
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)

Event = dict[str, Any]


def folded(rows: Iterable[Row], controls: Mapping[str, Control], only: str = "") -> Iterator[Event]:
    """Yield one event for each resource and control.

    Args:
        rows: findings in the order :data:`store.query.BY_RESOURCE`.
        only: a control; the others are left out.
    """
    for subject, found in by_subject(rows):
        named = {number for row in found for number in row["controls"]}
        for number, control in controls.items():
            if number in named and only in ("", number):
                yield _folded(subject, [row for row in found if number in row["controls"]], control)


def unfolded(rows: Iterable[Row]) -> Iterator[Event]:
    """Yield one event for each finding, with every control that its check bears on."""
    for row in rows:
        requirements = [f"A.{number}" for number in row["controls"]]
        event = _event(Subject.of(row), [row], row["check"], row["title"])
        event["finding_info"]["analytic"] = {
            "uid": row["check"],
            "name": row["title"],
            "version": row["check_digest"],
            "type_id": _RULE,
            "type": "Rule",
        }
        event["compliance"] |= {"requirements": requirements}
        if len(requirements) == 1:
            event["compliance"]["control"] = requirements[0]
        yield _identified(event)


def _folded(subject: Subject, rows: Sequence[Row], control: Control) -> Event:
    event = _event(subject, rows, control.annex_a, f"{control.annex_a} {control.title}")
    event["compliance"] |= {
        "control": control.annex_a,
        "requirements": [control.annex_a],
        "desc": control.title,
        "category": control.theme.value,
    }
    return _identified(event)


def _event(subject: Subject, rows: Sequence[Row], about: str, title: str) -> Event:
    """Return what all events have.

    Args:
        rows: findings on the subject; the worst decide.
        about: a control or a check.
    """
    worst = min((Outcome(row["outcome"]) for row in rows), key=OUTCOME_RANK.__getitem__)
    deciding = [row for row in rows if row["outcome"] == worst]
    status_id, status = _STATUS[worst]
    severity_id, severity = _severity(deciding, worst)
    over = all(row.get("ended") for row in deciding)
    activity_id, activity = _CLOSE if over else _CREATE
    last = max(_milliseconds(row["last_seen"]) for row in deciding)
    # A finding on a whole scope is concluded after what it rests on was read.
    first = min(last, *(_milliseconds(row["first_seen"]) for row in deciding))
    time = max(_milliseconds(row.get("ended") or row["last_seen"]) for row in rows)
    details = list(dict.fromkeys(filter(None, map(_detail, deciding))))
    waived = [row["waived"] for row in deciding if row.get("waived")]
    event = {
        "activity_id": activity_id,
        "activity_name": activity,
        "category_uid": _CATEGORY,
        "category_name": "Findings",
        "class_uid": _CLASS,
        "class_name": "Compliance Finding",
        "type_uid": _CLASS * 100 + activity_id,
        "type_name": f"Compliance Finding: {activity}",
        "time": time,
        "severity_id": severity_id,
        "severity": severity,
        "status_code": worst.value,
        "status_detail": "; ".join(details),
        "message": f"{title}: {subject.name}: {status}",
        "comment": "; ".join(dict.fromkeys(map(_waiver, waived))),
        "metadata": {
            "version": SCHEMA_VERSION,
            "profiles": ["cloud"],
            "product": {"name": "Annexa", "vendor_name": "Annexa", "version": __version__},
        },
        "finding_info": {
            "uid": _uid([*subject.key, about]),
            "title": title,
            "types": ["Compliance"],
            "created_time": first,
            "first_seen_time": first,
            "last_seen_time": last,
        },
        "compliance": {
            "standards": list(STANDARDS),
            "status_id": status_id,
            "status": status,
            "status_code": worst.value,
            "status_details": details,
            "checks": [_check(row) for row in rows],
        },
        "cloud": _cloud(subject),
        "resources": [_resource(subject)],
        "evidences": _evidences(rows),
        "unmapped": {
            "outcome": worst.value,
            "waived": waived,
            "pruned": any(row["observed"] is None for row in rows),
            "limits": list(dict.fromkeys(row["limits"] for row in rows if row["limits"])),
            "equivalents": sorted({other for row in rows for other in row["equivalents"]}),
        },
    }
    if worst not in _SETTLED:
        event["remediation"] = {"desc": "\n".join(dict.fromkeys(row["remediation"] for row in deciding))}
    return {key: value for key, value in event.items() if value not in ("", [])}


def _identified(event: Event) -> Event:
    """Give an event an identifier of its own: the same event has the same one again."""
    event["metadata"]["uid"] = _uid(event)
    return event


def _uid(value: Any) -> str:
    return str(uuid.uuid5(_NAMESPACE, orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()))


def _severity(deciding: Sequence[Row], worst: Outcome) -> tuple[int, str]:
    """Return what it takes to mend it: nothing, where nothing is wrong."""
    if worst in _SETTLED:
        return _INFORMATIONAL
    return _SEVERITY[min((Severity(row["severity"]) for row in deciding), key=SEVERITY_RANK.__getitem__)]


def _detail(row: Row) -> str:
    said = "what decided it was let go by retention" if row["observed"] is None else row["reason"]
    parts = [said, f"until {row['ended']}" if row.get("ended") else ""]
    parts.append(_waiver(row["waived"]) if row.get("waived") else "")
    told = "; ".join(filter(None, parts))
    return f"{row['check']}: {told}" if told else ""


def _waiver(waived: Mapping[str, Any]) -> str:
    until = f" until {waived['until']}" if waived.get("until") else ""
    return (
        f"Waived by {waived['approver']}{until}, and fails nevertheless: {waived['reason']} "
        f"(log entry {waived['entry']})"
    )


def _check(row: Row) -> dict[str, Any]:
    status_id, status = _STATUS[Outcome(row["outcome"])]
    severity_id, severity = _SEVERITY[Severity(row["severity"])]
    return {
        "uid": row["check"],
        "name": row["title"],
        "version": row["check_digest"],
        "status_id": status_id,
        "status": status,
        "severity_id": severity_id,
        "severity": severity,
        "standards": list(STANDARDS),
    }


def _resource(subject: Subject) -> dict[str, Any]:
    found = {
        "uid": subject.id,
        "name": subject.name,
        "type": subject.type,
        "region": subject.region,
        "role_id": _TARGET,
        "role": "Target",
    }
    return {key: value for key, value in found.items() if value != ""}


def _cloud(subject: Subject) -> dict[str, Any]:
    provider, type_id, kind = _CLOUDS.get(subject.provider, (subject.provider, *_OTHER_ACCOUNT))
    found = {
        "provider": provider,
        "account": {"uid": subject.scope, "type_id": type_id, "type": kind},
        "region": subject.region,
    }
    return {key: value for key, value in found.items() if value != ""}


def _evidences(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Return the documents that were judged, with what of them decided anything but a pass."""
    found = []
    for document in dict.fromkeys(row["document"] for row in rows):
        judged = [row for row in rows if row["document"] == document]
        data = {
            "log_entries": sorted({row["entry"] for row in judged}),
            "observed": {
                row["check"]: row["observed"]
                for row in judged
                if len(rows) == 1 or Outcome(row["outcome"]) not in _SETTLED
            },
        }
        item: dict[str, Any] = {"data": data}
        if document:
            item |= {
                "uid": document,
                "name": "The configuration document that was judged, in its canonical form (RFC 8785)",
                "file": {
                    "name": f"{document}.json",
                    "type_id": _REGULAR_FILE,
                    "mime_type": "application/json",
                    "hashes": [{"algorithm_id": _SHA_256, "algorithm": "SHA-256", "value": document}],
                },
            }
        found.append(item)
    return found


def _milliseconds(moment: str) -> int:
    """Return ``timestamp_t``: milliseconds since 1970."""
    return (dt.datetime.fromisoformat(moment) - _EPOCH) // dt.timedelta(milliseconds=1)
