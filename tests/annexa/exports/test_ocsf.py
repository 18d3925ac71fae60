"""``annexa export ocsf``: held against the schema as OCSF publishes it, and against what importers do."""

import datetime as dt
import itertools
import json
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema

from annexa.exports.ocsf import SCHEMA_VERSION, folded, unfolded
from annexa.rows import Row
from mappings.controls import load_controls
from store.model import Outcome
from tests.annexa.exports.conftest import PERIOD
from tests.annexa.sample_store import ACCOUNT, CHECK, ESCAPE, FORMULA, REGION
from tests.annexa.support_cli import Sandbox

Problems = Callable[[dict[str, Any]], list[str]]
_OLDEST = dt.datetime(2001, 9, 10, tzinfo=dt.UTC).timestamp() * 1000
"""In milliseconds; the same in seconds lies in the year 33,000, so no moment can be taken for the other."""


@pytest.fixture(scope="module")
def problems() -> Problems:
    """Says what is wrong with an event: against the strict schema, and in times the schema cannot see."""
    embedded = OcsfJsonSchemaEmbedded(get_ocsf_schema(version=SCHEMA_VERSION))
    name = embedded.lookup_class_name_from_uid(class_uid=2003)
    schema = embedded.get_class_schema(class_name=name, profiles=["cloud"])
    assert schema["additionalProperties"] is False
    validator = Draft202012Validator(schema)

    def say(event: dict[str, Any]) -> list[str]:
        found = [f"{error.json_path}: {error.message}" for error in validator.iter_errors(event)]
        times = {"time": event["time"], **event["finding_info"]}
        return found + [
            f"{key} is in seconds" for key, value in times.items() if key.endswith("time") and value < _OLDEST
        ]

    return say


def exported(sandbox: Sandbox, *arguments: str) -> list[dict[str, Any]]:
    ran = sandbox.ask("export", "ocsf", *arguments)
    assert ran.code == 0, ran
    return [json.loads(line) for line in ran.out.splitlines()]


def row(outcome: str, **more: Any) -> Row:
    return {
        "check": CHECK,
        "title": "Buckets encrypt",
        "outcome": outcome,
        "severity": "high",
        "provider": "aws",
        "scope": ACCOUNT,
        "region": REGION,
        "resource_type": "aws.s3.bucket",
        "resource_id": "arn:aws:s3:::a",
        "resource_name": "a",
        "controls": ["8.24"],
        "equivalents": ["prowler:x"],
        "document": "ab" * 32,
        "observed": {"x": 1},
        "reason": "",
        "first_seen": "2026-03-02T09:00:00.000Z",
        "last_seen": "2026-03-04T09:00:00.123Z",
        "remediation": "Mend it.",
        "limits": "None.",
        "check_digest": "cd" * 32,
        "entry": 7,
        **more,
    }


WAIVED = {"entry": 12, "approver": "cfo", "reason": "until the migration", "until": "2026-12-31"}


@pytest.mark.parametrize("outcome", list(Outcome))
@pytest.mark.parametrize("provider", ["aws", "azure", "gcp", "okta"])
@pytest.mark.parametrize(
    "more",
    [
        {},
        {"reason": "s3:GetBucketEncryption could not be read: AccessDenied"},
        {"waived": WAIVED},
        {"ended": "2026-03-04T10:00:00.000Z", "pruned": True, "observed": None, "reason": None},
        {"resource_id": "", "resource_name": "every bucket", "document": "", "region": ""},
        {"resource_name": FORMULA, "controls": ["8.24", "5.1"]},
    ],
)
def test_every_outcome_is_valid_in_the_strict_schema(
    problems: Problems, outcome: Outcome, provider: str, more: dict[str, Any]
) -> None:
    one = row(outcome.value, provider=provider, **more)
    for event in (*folded([one], load_controls()), *unfolded([one])):
        assert problems(json.loads(json.dumps(event))) == []


@pytest.mark.parametrize(
    "break_it",
    [
        lambda event: event.update(time=event["time"] // 1000),
        lambda event: event["finding_info"].update(first_seen_time=event["time"] // 1000),
        lambda event: event.update(severity_id=7),
        lambda event: event.update(something="else"),
        lambda event: event["compliance"].update(result="pass"),
        lambda event: event["finding_info"].pop("uid"),
        lambda event: event["cloud"].pop("provider"),
    ],
)
def test_a_wrong_event_would_be_noticed(
    problems: Problems, break_it: Callable[[dict[str, Any]], Any]
) -> None:
    (event,) = folded([row("fail")], load_controls())
    assert problems(event) == []
    break_it(event)
    assert problems(event) != []


@pytest.mark.parametrize(
    "arguments", [(), ("--no-fold",), ("--period", PERIOD), ("--period", PERIOD, "--no-fold")]
)
def test_what_is_exported_of_a_record_is_valid(
    sandbox: Sandbox, problems: Problems, arguments: tuple[str, ...]
) -> None:
    events = exported(sandbox, *arguments)
    assert events
    assert [problem for event in events for problem in problems(event)] == []
    assert max(Counter(event["metadata"]["uid"] for event in events).values()) == 1


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [
        ("pass", (1, "Pass", 1)),
        ("fail", (3, "Fail", 4)),
        ("unknown", (0, "Unknown", 4)),
        ("error", (99, "Error", 4)),
        ("not_applicable", (99, "Not Applicable", 1)),
    ],
)
def test_an_outcome_is_told_as_what_it_is(outcome: str, expected: tuple[int, str, int]) -> None:
    (event,) = folded([row(outcome)], load_controls())
    compliance = event["compliance"]
    assert (compliance["status_id"], compliance["status"], event["severity_id"]) == expected
    assert compliance["status_code"] == outcome


def test_times_are_in_milliseconds() -> None:
    (event,) = folded([row("pass")], load_controls())
    assert event["finding_info"]["first_seen_time"] == 1772442000000
    assert event["time"] == event["finding_info"]["last_seen_time"] == 1772614800123


def test_what_is_concluded_after_it_was_read_was_first_seen_no_later_than_last() -> None:
    concluded = {"first_seen": "2026-03-04T09:00:05.000Z", "last_seen": "2026-03-04T09:00:00.000Z"}
    (event,) = folded([row("pass", **concluded)], load_controls())
    info = event["finding_info"]
    assert info["created_time"] == info["first_seen_time"] == info["last_seen_time"] == event["time"]


def test_a_resource_and_a_requirement_meet_in_one_event_only(sandbox: Sandbox) -> None:
    pairs = Counter(
        (event["resources"][0]["uid"], *event["compliance"]["requirements"]) for event in exported(sandbox)
    )
    assert max(pairs.values()) == 1
    assert all(requirement.startswith("A.") for _, requirement in pairs)


@pytest.mark.parametrize("order", [1, -1])
def test_the_worst_check_decides_whatever_the_order(order: int) -> None:
    rows = [
        row("pass", check="a.pass"),
        row("fail", check="b.fail", severity="low"),
        row("fail", check="c.fail", severity="critical"),
        row("unknown", check="d.unknown"),
    ]
    (event,) = folded(rows[::order], load_controls())
    assert (event["compliance"]["status"], event["severity"]) == ("Fail", "Critical")
    assert {check["uid"]: check["status"] for check in event["compliance"]["checks"]} == {
        "a.pass": "Pass",
        "b.fail": "Fail",
        "c.fail": "Fail",
        "d.unknown": "Unknown",
    }


def test_what_could_not_be_read_is_never_folded_into_a_pass() -> None:
    (event,) = folded([row("pass", check="a"), row("unknown", check="b", reason="denied")], load_controls())
    assert event["compliance"]["status"] == "Unknown"
    assert event["status_detail"] == "b: denied"


def test_a_waived_failure_still_fails_and_says_until_when() -> None:
    (event,) = folded([row("fail", waived=WAIVED)], load_controls())
    assert event["compliance"]["status_id"] == 3
    assert "Waived by cfo until 2026-12-31" in event["comment"]
    assert event["unmapped"]["waived"] == [WAIVED]


def test_what_was_let_go_by_retention_is_said() -> None:
    (event,) = folded([row("fail", observed=None, reason=None)], load_controls())
    assert event["unmapped"]["pruned"] is True
    assert "let go by retention" in event["status_detail"]


def test_a_finding_that_ended_is_closed() -> None:
    (event,) = unfolded([row("fail", ended="2026-03-04T10:00:00.000Z", pruned=False)])
    assert (event["activity_name"], event["type_uid"]) == ("Close", 200303)
    assert event["time"] == 1772618400000


def test_a_finding_keeps_its_identifier_while_events_have_their_own(sandbox: Sandbox) -> None:
    def letters(day: str) -> dict[str, Any]:
        arguments = ("--as-of", day, "--resource", "letters", "--control", "8.24")
        (event,) = exported(sandbox, *arguments)
        return event

    before, after = letters("2026-03-02"), letters("2026-03-04")
    assert before["finding_info"]["uid"] == after["finding_info"]["uid"]
    assert before["metadata"]["uid"] != after["metadata"]["uid"]
    assert letters("2026-03-02") == before


def test_one_event_a_finding_names_every_control(sandbox: Sandbox) -> None:
    rows = sandbox.ask("findings", "--format", "json").json
    events = exported(sandbox, "--no-fold")
    assert len(events) == len(rows)
    told = Counter(tuple(event["compliance"]["requirements"]) for event in events)
    assert told == Counter(tuple(f"A.{number}" for number in row["controls"]) for row in rows)


def test_evidence_is_named_by_its_hash_and_its_entry_in_the_log(sandbox: Sandbox) -> None:
    (event,) = exported(sandbox, "--no-fold", "--check", CHECK, "--resource", "payroll")
    (finding,) = sandbox.ask("findings", "--check", CHECK, "--resource", "payroll", "--format", "json").json
    (evidence,) = event["evidences"]
    assert evidence["file"]["hashes"][0]["value"] == finding["document"]
    assert evidence["data"]["log_entries"] == [finding["entry"]]
    assert event["cloud"]["account"]["uid"] == ACCOUNT
    assert event["resources"][0]["region"] == REGION


def test_names_are_kept_and_cannot_leave_their_line(sandbox: Sandbox) -> None:
    names = {event["resources"][0]["name"] for event in exported(sandbox)}
    assert {FORMULA, ESCAPE} <= names
    assert "\x1b" not in sandbox.ask("export", "ocsf").out


def test_a_part_of_the_checks_cannot_be_folded(sandbox: Sandbox) -> None:
    ran = sandbox.ask("export", "ocsf", "--outcome", "pass")
    assert (ran.code, ran.out) == (1, "")
    assert "--no-fold" in ran.err


@pytest.mark.parametrize("make", [lambda rows: folded(rows, load_controls()), unfolded])
def test_events_come_while_rows_are_read(make: Callable[[Iterator[Row]], Iterator[dict[str, Any]]]) -> None:
    endless = (row("pass", resource_id=f"arn:{number}") for number in itertools.count())
    assert len(list(itertools.islice(make(endless), 3))) == 3


def test_a_whole_account_is_one_asset_whatever_its_checks_look_at() -> None:
    account = {"resource_id": "", "resource_name": "Sample", "region": "", "document": ""}
    rows = [
        row("pass", check="a", resource_type="x.a + x.b", **account),
        row("fail", check="b", resource_type="x.c", **account),
        row("pass", check="c", resource_type="x.a + x.b", **account),
        row("unknown", check="d", resource_type="x.c", **account | {"resource_name": "every x.c"}),
    ]
    whole, listed = folded(rows, load_controls())
    assert (whole["resources"][0]["uid"], whole["resources"][0]["name"]) == (ACCOUNT, "Sample")
    assert (whole["compliance"]["status"], len(whole["compliance"]["checks"])) == ("Fail", 3)
    assert listed["resources"][0]["uid"] == f"aws/{ACCOUNT}/x.c"


def test_what_was_made_anew_in_another_region_is_another_asset() -> None:
    rows = [
        row("pass", check=check, region=region) for check in "ab" for region in ("eu-west-1", "us-east-1")
    ]
    events = list(folded(rows, load_controls()))
    assert [event["resources"][0]["region"] for event in events] == ["eu-west-1", "us-east-1"]


def test_only_the_control_that_is_asked_for_is_folded(sandbox: Sandbox) -> None:
    events = exported(sandbox, "--control", "8.24")
    assert {event["compliance"]["control"] for event in events} == {"A.8.24"}


def test_an_array_holds_the_same_events(sandbox: Sandbox, tmp_path: Path) -> None:
    out = tmp_path / "events.json"
    assert sandbox.ask("export", "ocsf", "--array", "--out", str(out)).code == 0
    assert json.loads(out.read_text("utf-8")) == exported(sandbox)
    assert sandbox.ask("export", "ocsf", "--array", "--scope", "none").json == []
