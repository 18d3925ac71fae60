"""Rows of the machine-readable output: which keys, of which types, and what they say."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest

from annexa.rows import Row, control_row, finding_rows, gap_rows, status_row, statuses
from annexa.workspace import Workspace
from mappings.status import Status
from scheduler.runner import Runner
from store.record import Record
from tests.annexa.sample_store import ACCOUNT, CHECK, FORMULA, REGION, fill
from tests.scheduler.memory_collector import MemoryCollector, check, complete, document

_OUTCOMES = {"pass", "fail", "unknown", "not_applicable", "error"}


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    config = tmp_path_factory.mktemp("rows") / "annexa.toml"
    config.write_text("[aws]\n", encoding="utf-8")
    fill(config)
    return Workspace.load(config)


@pytest.fixture(scope="module")
def record(workspace: Workspace) -> Iterator[Record]:
    with workspace.reading() as record:
        yield record


@pytest.fixture(scope="module")
def findings(record: Record) -> list[Row]:
    return list(finding_rows(record))


def assert_types(row: Row, **types: type) -> None:
    """The row has these keys and no other, and values of these types."""
    assert set(row) == set(types)
    assert not [key for key, value in row.items() if not isinstance(value, types[key])]


def _of(findings: list[Row], name: str) -> Row:
    (row,) = [each for each in findings if (each["check"], each["resource_name"]) == (CHECK, name)]
    return row


def test_findings_have_every_key_with_its_type(findings: list[Row]) -> None:
    texts = (
        "check title outcome severity provider scope region resource_type resource_id resource_name "
        "document reason first_seen last_seen remediation limits check_digest"
    )
    for row in findings:
        assert_types(
            row,
            **dict.fromkeys(texts.split(), str),
            controls=list,
            equivalents=list,
            observed=dict,
            waived=type(None),
        )
        assert row["outcome"] in _OUTCOMES
        assert row["severity"] in {"critical", "high", "medium", "low"}


def test_a_finding_says_what_was_judged_and_why(findings: list[Row]) -> None:
    row = _of(findings, "letters")
    assert (row["outcome"], row["scope"], row["region"]) == ("fail", ACCOUNT, REGION)
    assert row["resource_id"] == "arn:aws:s3:::letters"
    assert "AES256" in str(row["observed"]["encryption"])
    assert len(row["document"]) == len(row["check_digest"]) == 64
    assert row["remediation"]


def test_a_finding_that_a_gap_stands_in_the_way_of_names_the_call(findings: list[Row]) -> None:
    row = _of(findings, "sealed")
    assert (row["outcome"], row["reason"]) == (
        "unknown",
        "s3:GetBucketEncryption could not be read: AccessDenied",
    )


def test_a_finding_on_a_list_that_could_not_be_read_stands_for_all_of_it(findings: list[Row]) -> None:
    rows = [row for row in findings if row["resource_type"] == "aws.kms.key"]
    assert rows
    assert {(row["resource_id"], row["resource_name"], row["outcome"]) for row in rows} == {
        ("", "every aws.kms.key", "unknown")
    }


def test_moments_are_rfc_3339_in_utc(findings: list[Row]) -> None:
    for row in findings:
        for key in ("first_seen", "last_seen"):
            assert row[key].endswith("Z")
            assert dt.datetime.fromisoformat(row[key]).tzinfo == dt.UTC


def test_names_are_given_as_they_are(findings: list[Row]) -> None:
    assert FORMULA in {row["resource_name"] for row in findings}


def test_gaps_have_every_key_and_name_where_they_are(record: Record) -> None:
    rows = {row["call"]: row for row in gap_rows(record)}
    assert set(rows) == {"s3:GetBucketEncryption", "kms:ListKeys"}
    bucket = rows["s3:GetBucketEncryption"]
    keys = "call code message provider scope region resource_type resource_id key at run"
    assert list(bucket) == keys.split()
    assert (bucket["code"], bucket["resource_id"], bucket["key"]) == (
        "AccessDenied",
        "arn:aws:s3:::sealed",
        "encryption",
    )
    assert (rows["kms:ListKeys"]["region"], rows["kms:ListKeys"]["resource_id"]) == (REGION, "")


def test_every_control_has_a_status(record: Record, workspace: Workspace) -> None:
    rows = [status_row(each) for each in statuses(record, workspace.controls, workspace.checks.values(), 8)]
    assert len(rows) == 93
    for row in rows:
        assert_types(
            row,
            control=str,
            title=str,
            theme=str,
            status=str,
            reason=str,
            **{"pass": int},
            fail=int,
            waived=int,
            unknown=int,
            not_applicable=int,
            last_evidence=str,
        )
        assert row["status"] in set(Status)


def test_a_control_with_a_failure_is_not_satisfied(record: Record, workspace: Workspace) -> None:
    (row,) = [
        status_row(each)
        for each in statuses(record, workspace.controls, workspace.checks.values(), 8)
        if each.control.number == "8.24"
    ]
    assert row["status"] == "not_satisfied"
    assert row["fail"] == 3


def test_without_a_record_nothing_is_satisfied(workspace: Workspace) -> None:
    found = statuses(None, workspace.controls, workspace.checks.values(), 8)
    assert {each.status for each in found} <= {Status.NOTHING_TO_ASSESS, Status.NEEDS_ATTESTATION}
    assert Status.NOTHING_TO_ASSESS in {each.status for each in found}


def test_evidence_that_is_out_of_date_satisfies_no_control(workspace: Workspace, tmp_path: Path) -> None:
    nine_days_ago = dt.datetime.now(dt.UTC) - dt.timedelta(days=9)
    technical = next(each for each in workspace.controls.values() if each.evidence == "technical")
    passes = check(
        "memory.shelf.book.any", "true", "memory.shelf.book", controls={technical.number: "shows it"}
    )
    collector = MemoryCollector()
    collector.clock = lambda: nine_days_ago
    collector.readers["one", "memory.shelf.book"] = complete([document("a")])
    with Record.writer(tmp_path / "store", lambda: nine_days_ago) as record:
        Runner(record, [collector], [passes], {}).run("test")

    with Record.open(tmp_path / "store") as record:
        (fresh,) = statuses(record, {technical.number: technical}, [passes], 10)
        (stale,) = statuses(record, {technical.number: technical}, [passes], 8)

    assert (fresh.status, stale.status) == (Status.SATISFIED, Status.INCOMPLETE)
    assert "out of date" in stale.reason


def test_a_control_names_the_checks_that_bear_on_it(workspace: Workspace) -> None:
    one = check("memory.shelf.book.bound", "true", "memory.shelf.book", controls={"8.9": "shows it"})
    other = check("memory.shelf.book.read", "true", "memory.shelf.book", controls={"8.24": "shows it"})
    row = control_row(workspace.controls["8.9"], [one, other])
    assert_types(row, control=str, title=str, theme=str, evidence=str, checks=list, attach=list, summary=str)
    assert row["checks"] == [one.id]
    assert row["evidence"] in {"technical", "partial", "inherited", "manual"}
