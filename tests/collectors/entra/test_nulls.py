"""Graph writes null where there is nothing: rules take it neither for a value nor for a reason."""

import datetime as dt
from pathlib import Path
from typing import Any

import pytest

import mappings
from mappings.check import load_checks
from mappings.evaluate import judge
from store.model import Document, Outcome

NOW = dt.datetime(2026, 6, 1, tzinfo=dt.UTC)
CHECKS = load_checks([Path(mappings.__file__).parent / "checks" / "entra"])
INCIDENT = {"severity": "low", "createdDateTime": "2026-05-01T00:00:00Z"}
HOLDER = {"roleDefinitionId": "62e90394-69f5-4237-9190-012177145e10", "principalId": "g"}
UNSEEN = {"@odata.type": "#microsoft.graph.user", "id": "a", "userType": None, "onPremisesSyncEnabled": None}


def outcome(check: str, content: dict[str, Any]) -> Outcome:
    found = CHECKS[check]
    assert found.resource is not None
    document = Document(found.resource, "id", "name", "", content)
    (finding,) = judge([found], document, "00", {"provider": "entra", "id": "t", "name": "Contoso"}, NOW)
    return finding.outcome


@pytest.mark.parametrize(
    ("check", "content", "expected"),
    [
        (
            "entra.security.incident.assigned",
            {"item": {**INCIDENT, "assignedTo": None}},
            Outcome.NOT_APPLICABLE,
        ),
        (
            "entra.tenant.secure-score-control.set-aside-with-reason",
            {"item": {"controlStateUpdates": [{"state": "Ignored", "comment": None}]}},
            Outcome.FAIL,
        ),
        (
            "entra.device.managed.no-threat",
            {"item": {"partnerReportedThreatState": None}},
            Outcome.NOT_APPLICABLE,
        ),
        (
            "entra.group.group.public-none",
            {"item": {"groupTypes": ["Unified"], "visibility": None}},
            Outcome.FAIL,
        ),
        (
            "entra.user.sign-in-activity.members-active",
            {
                "item": {
                    "accountEnabled": True,
                    "userType": "Member",
                    "createdDateTime": "2024-01-01T00:00:00Z",
                    "signInActivity": {
                        "lastSignInDateTime": "2026-05-31T00:00:00Z",
                        "lastSuccessfulSignInDateTime": None,
                    },
                }
            },
            Outcome.FAIL,
        ),
        (
            "entra.role.assignment.no-guests",
            {"item": HOLDER, "user": None, "members": [UNSEEN]},
            Outcome.UNKNOWN,
        ),
        (
            "entra.role.assignment.cloud-only",
            {"item": HOLDER, "user": None, "members": [UNSEEN]},
            Outcome.UNKNOWN,
        ),
    ],
)
def test_null_is_what_graph_means_by_it(check: str, content: dict[str, Any], expected: Outcome) -> None:
    assert outcome(check, content) is expected
