"""Collecting an account with the ordinary command: what is read, what is kept, and what it costs."""

import signal
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

import collectors.aws
from annexa.demo.loopback import Answer
from annexa.demo.server import MotoServer, reset
from annexa.rows import finding_rows
from collectors.definition import load_resource_types
from mappings.person import PERSON, SCOPE
from store import query
from store.evidence import Evidence
from store.evidence import evidence as find_evidence
from store.record import Record
from tests.annexa.conftest import Annexa, stand_ins
from tests.answers import Upstream
from tests.estates.small import ACCOUNT, BLOCKED, BUCKETS, INSTANCES, REGION, TABLES, USERS, Small
from tests.faults import FaultProxy, Rule, on
from tests.recogniser import Request

Row = dict[str, Any]

TYPES = (
    "aws.cloudtrail.*trail",
    "aws.cloudwatch.alarm",
    "aws.ec2.instance",
    "aws.ec2.security_group",
    "aws.efs.file_system",
    "aws.iam.*",
    "aws.kms.key",
    "aws.s3.bucket",
)
"""Types of which, with a little help, moto can be read without a gap."""


@dataclass(frozen=True)
class First:
    """A store into which the account was collected once, by the command itself."""

    annexa: Annexa
    summary: Row
    err: str
    requests: int


@pytest.fixture(scope="module")
def first(proxy: FaultProxy, tmp_path_factory: pytest.TempPathFactory) -> First:
    """The account, collected for the first time. Tests that change anything take a copy."""
    annexa = Annexa(tmp_path_factory.mktemp("collected"))
    annexa.configure(proxy.endpoint, *TYPES)
    ran = annexa.run("collect", "--format", "json")
    assert ran.code == 0, ran
    return First(annexa, ran.json, ran.err, len(proxy.requests))


@pytest.fixture
def again(first: First, tmp_path: Path) -> Annexa:
    """A copy of the store, to go on from."""
    return first.annexa.copy(tmp_path / "again")


@pytest.fixture(autouse=True)
def mended(proxy: FaultProxy) -> None:
    """Before each test the endpoint works as it should."""
    proxy.rules[:] = stand_ins()


def held(annexa: Annexa) -> dict[str, str]:
    """Return identifier → content hash of what is known to exist."""
    with Record.open(annexa.store) as record:
        return {resource_id: key for _, resource_id, _, _, _, key in query.resources(record)}


def findings(annexa: Annexa) -> dict[tuple[str, str], Row]:
    """Return (check, resource) → finding."""
    with Record.open(annexa.store) as record:
        return {(row["check"], row["resource_id"]): row for row in finding_rows(record)}


def outcomes(annexa: Annexa) -> dict[tuple[str, str], str]:
    """Return (check, resource) → outcome."""
    return {key: row["outcome"] for key, row in findings(annexa).items()}


def evidence(annexa: Annexa, resource: str) -> Evidence:
    """Return the newest version of a resource."""
    with Record.open(annexa.store) as record:
        (found,) = find_evidence(record, resource)
        return found


def arn(bucket: str) -> str:
    """Return how a bucket is identified."""
    return f"arn:aws:s3:::{bucket}"


# --- the run, as the command tells of it ---------------------------------------------------------


def test_a_run_that_read_everything_exits_with_0_and_says_what_it_did(first: First) -> None:
    summary = first.summary
    assert summary.keys() == {
        "run",
        "status",
        "exit_code",
        "collections",
        "resources",
        "gaps",
        "findings",
        "changed",
        "bytes_written",
        "duration_s",
        "size",
        "root",
        "notices",
    }
    assert (summary["status"], summary["exit_code"], summary["gaps"]) == ("complete", 0, 0)
    assert summary["resources"] == summary["changed"] == len(held(first.annexa))
    assert sum(summary["findings"].values()) == len(findings(first.annexa))
    assert summary["findings"]["pass"] > 0 < summary["findings"]["fail"]
    assert summary["findings"]["error"] == 0
    assert summary["bytes_written"] > 0 < summary["duration_s"]


def test_progress_is_not_shown_where_there_is_no_terminal(first: First) -> None:
    assert first.err == ""


def test_the_run_ends_where_verification_arrives(first: First) -> None:
    ran = first.annexa.run("verify", "--format", "json")
    assert ran.code == 0
    expected = {"ok": True, "size": first.summary["size"], "root": first.summary["root"], "problems": []}
    assert {key: ran.json[key] for key in expected} == expected


def test_a_run_with_gaps_exits_with_2_whatever_else_it_found(annexa: Annexa, small: Small) -> None:
    annexa.configure(small.endpoint, "aws.iam.user", "aws.s3.bucket")
    ran = annexa.run("collect", "--format", "json", "--fail-on", "low")
    assert ran.code == 2, ran
    assert ran.json["status"] == "gaps"
    assert ran.json["gaps"] == len(USERS)
    assert ran.json["findings"]["fail"] > 0


# --- what was read -------------------------------------------------------------------------------


def test_every_resource_is_there(first: First) -> None:
    names: dict[str, set[str]] = {}
    with Record.open(first.annexa.store) as record:
        for kind, _, name, scope, _, _ in query.resources(record):
            assert scope == (SCOPE if kind == PERSON else ACCOUNT)
            names.setdefault(kind, set()).add(name)
    assert names["aws.s3.bucket"] == set(BUCKETS)
    assert names["aws.iam.user"] == set(USERS)
    assert names[PERSON] == set(USERS) & names[PERSON]
    assert names["aws.iam.group"] == {"staff"}
    assert names["aws.iam.role"] == {"app", "open"}
    assert len(names["aws.iam.policy"]) == 1
    assert names["aws.cloudtrail.trail"] == {"everything"}
    assert len(names["aws.ec2.instance"]) == INSTANCES
    assert len(names["aws.kms.key"]) == len(names["aws.efs.file_system"]) == 2


def test_a_document_holds_the_answer_of_every_call_that_its_type_defines(first: First) -> None:
    definition = load_resource_types([Path(collectors.aws.__file__).parent])["aws.s3.bucket"]
    for bucket in BUCKETS:
        found = evidence(first.annexa, arn(bucket))
        assert found.current
        assert found.document.content.keys() == {"item", *definition.detail}
        assert found.document.gaps == {}
        calls = {call["call"] for call in found.report["provenance"]["calls"]}
        assert calls == {call.call for call in definition.calls()}


def test_a_document_says_who_read_it_when_and_with_what(first: First) -> None:
    (row,) = first.annexa.rows("evidence", "show", "aws.s3.bucket/acme-archive")
    provenance = row["provenance"]
    assert provenance["collector"]["name"] == "aws"
    assert provenance["principal"].startswith(f"arn:aws:sts::{ACCOUNT}:")
    assert provenance["end_reached"] is True
    assert row["collection"]["run"] == first.summary["run"]
    assert row["collection"]["resources"] == len(BUCKETS)
    assert _moment(row["collection"]["started"]) <= _moment(row["collection"]["finished"])


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    assert moment.tzinfo is not None
    return moment


def test_what_is_true_of_the_account_is_what_is_found(first: First) -> None:
    found = outcomes(first.annexa)
    encrypted = "aws.s3.bucket.encrypted-with-kms"
    assert found[encrypted, arn("acme-archive")] == "pass"
    assert found[encrypted, arn("acme-trail")] == "fail"
    trail = f"arn:aws:cloudtrail:{REGION}:{ACCOUNT}:trail/everything"
    assert found["aws.cloudtrail.trail.log-file-validation", trail] == "pass"
    assert found["aws.cloudtrail.trail.encrypted-with-kms", trail] == "fail"
    assert found["aws.cloudtrail.trail.organization-trail-exists", ""] == "fail"


TABLES_IN_PAGES = """
[[resource]]
type   = "aws.paged.table"
title  = "Table, listed in pages of two"
region = "regional"
id     = "arn:{partition}:dynamodb:{region}:{account}:table/{item}"
name   = "{item}"
[resource.list]
call  = "dynamodb:ListTables"
with  = { Limit = 2 }
items = "TableNames"
"""


def test_a_list_is_read_to_its_last_page(annexa: Annexa, proxy: FaultProxy) -> None:
    (annexa.folder / "own").mkdir()
    (annexa.folder / "own" / "paged.toml").write_text(TABLES_IN_PAGES, encoding="utf-8")
    annexa.configure(proxy.endpoint, "aws.paged.table", more='[definitions]\nfolders = ["own"]')
    before = proxy.count("dynamodb", "ListTables")
    assert annexa.summary_here()["resources"] == len(TABLES)
    assert proxy.count("dynamodb", "ListTables") - before == 3
    assert {name.rpartition("/")[2] for name in held(annexa)} == set(TABLES)


def test_global_services_are_read_once_and_regional_ones_once_a_region(
    annexa: Annexa, proxy: FaultProxy
) -> None:
    annexa.configure(
        proxy.endpoint, "aws.iam.*", "aws.kms.key", "aws.s3.bucket", regions=(REGION, "us-east-1")
    )
    del proxy.requests[:]
    assert annexa.collect_here().status == "complete"
    assert proxy.count("s3", "ListBuckets") == 1
    assert proxy.count("s3", "GetBucketPolicy") == len(BUCKETS)
    assert proxy.count("iam", "GetAccountSummary") == 1
    assert proxy.count("iam", "ListMFADevices") == len(USERS)
    assert {each.region for each in proxy.requests if each.service == "kms"} == {REGION, "us-east-1"}
    assert proxy.count("kms", "ListKeys") == 2


def test_a_call_that_answers_for_many_resources_is_made_once(annexa: Annexa, proxy: FaultProxy) -> None:
    annexa.configure(proxy.endpoint, "aws.iam.account", "aws.iam.role", "aws.iam.user")
    del proxy.requests[:]
    assert annexa.collect_here().status == "complete"
    assert proxy.count("iam", "GetCredentialReport") == 1
    assert proxy.count("iam", "ListRoles") == 1


# --- the second time -----------------------------------------------------------------------------


def test_an_unchanged_account_changes_nothing(first: First, again: Annexa) -> None:
    before = findings(again)
    summary = again.collect()
    assert summary["changed"] == 0
    assert summary["resources"] == first.summary["resources"]
    assert summary["findings"] == first.summary["findings"]
    assert summary["bytes_written"] < 100_000
    assert held(again) == held(first.annexa)
    after = findings(again)
    assert after.keys() == before.keys()
    for key, row in after.items():
        assert row["outcome"] == before[key]["outcome"]
        assert row["first_seen"] == before[key]["first_seen"]
        assert _moment(row["last_seen"]) > _moment(before[key]["last_seen"])


def test_the_scope_of_an_unchanged_account_is_judged_only_by_rules_that_read_the_clock(
    first: First, again: Annexa
) -> None:
    checks = again.workspace.checks
    assert _judged_as_a_whole(first.annexa)
    again.collect_here()
    assert all(checks[check].uses_now for check in _judged_as_a_whole(again))


def _judged_as_a_whole(annexa: Annexa) -> list[str]:
    with Record.open(annexa.store) as record:
        run = query.last_run(record)
        assert run is not None
        reports = list(query.reports(record, run["run"]))
    (judged,) = [r["provenance"]["judged"] for r in reports if "judged" in r["provenance"]]
    found: list[str] = judged
    return found


def test_a_changed_bucket_changes_one_resource(again: Annexa, small: Small) -> None:
    before, found = held(again), outcomes(again)
    s3, name = small.client("s3"), "acme-trail"
    s3.put_public_access_block(Bucket=name, PublicAccessBlockConfiguration=BLOCKED)
    try:
        summary = again.summary_here()
    finally:
        s3.delete_public_access_block(Bucket=name)
    assert summary["changed"] == 1
    after = held(again)
    assert {resource for resource in after if after[resource] != before[resource]} == {arn(name)}
    now = outcomes(again)
    differing = {key for key in now.keys() | found.keys() if now.get(key) != found.get(key)}
    assert differing == {("aws.s3.bucket.public-access-blocked", arn(name))}
    assert now["aws.s3.bucket.public-access-blocked", arn(name)] == "pass"
    assert evidence(again, arn(name)).document.content["public_access_block"] == BLOCKED


def test_a_deleted_bucket_is_closed_and_may_come_back(again: Annexa, small: Small) -> None:
    s3, name = small.client("s3"), "acme-passing"
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
    assert again.collect_here("aws.s3.bucket").changed == 1
    content = held(again)[arn(name)]
    assert any(resource == arn(name) for _, resource in outcomes(again))

    s3.delete_bucket(Bucket=name)
    summary = again.summary_here("aws.s3.bucket")
    assert summary["changed"] == 1
    assert summary["resources"] == len(BUCKETS)
    assert arn(name) not in held(again)
    assert not any(resource == arn(name) for _, resource in outcomes(again))
    found = evidence(again, arn(name))
    assert (found.current, found.hash) == (False, content)

    s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
    try:
        assert again.collect_here("aws.s3.bucket").changed == 1
    finally:
        s3.delete_bucket(Bucket=name)
    assert evidence(again, arn(name)).current
    assert again.verify_here().ok


# --- stopping ------------------------------------------------------------------------------------


def slow(request: Request, upstream: Upstream) -> Answer:
    """Take a while."""
    time.sleep(0.3)
    return upstream()


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_the_run_and_keeps_what_was_acknowledged(
    number: signal.Signals, first: First, again: Annexa, proxy: FaultProxy
) -> None:
    proxy.rules[:] = [Rule(on("s3"), slow), *stand_ins()]
    del proxy.requests[:]
    with again.start("collect", "--format", "json") as process:
        while not proxy.count("s3", "GetBucketPolicy"):
            assert process.poll() is None
            time.sleep(0.02)
        refused = again.run("collect")
        process.send_signal(number)
        out, err = process.communicate(timeout=30)
    assert process.returncode == 130, err
    assert '"status": "interrupted"' in out
    assert "Stopping" in err
    assert "Traceback" not in err
    assert (refused.code, "another Annexa" in refused.err) == (1, True), "one writer at a time"
    assert again.verify_here().ok
    assert held(again) == held(first.annexa)
    assert outcomes(again) == outcomes(first.annexa)

    proxy.rules[:] = stand_ins()
    assert again.summary_here()["changed"] == 0
    assert again.verify_here().ok


# --- an account with nothing in it ---------------------------------------------------------------


@dataclass(frozen=True)
class Empty:
    """Everything that is known of an account in which nothing was ever made."""

    controls: list[Row]
    findings: list[Row]


@pytest.fixture(scope="module")
def empty(first: First, server: MotoServer, tmp_path_factory: pytest.TempPathFactory) -> Empty:
    """An account in which nothing was ever made, collected with every type; takes the server for itself."""
    del first
    reset(server.endpoint, 1)
    annexa = Annexa(tmp_path_factory.mktemp("empty"))
    annexa.configure(server.endpoint)
    assert annexa.collect_here().resources
    return Empty(annexa.rows("status"), annexa.rows("findings"))


@pytest.mark.slow
def test_an_empty_account_has_nothing_to_assess(empty: Empty) -> None:
    assert len(empty.controls) == 93
    without = [row for row in empty.controls if not row["pass"] + row["fail"] + row["unknown"]]
    assert {row["status"] for row in without} == {"nothing_to_assess", "needs_attestation"}


@pytest.mark.slow
def test_an_empty_account_satisfies_only_what_it_was_born_with(empty: Empty) -> None:
    # moto's accounts are born with an instance of IAM Identity Center, which is what 5.16 asks for, and with
    # an event bus that lets nobody in, which is what there is of 5.14.
    assert {row["control"] for row in empty.controls if row["status"] == "satisfied"} <= {"5.14", "5.16"}


@pytest.mark.slow
def test_nothing_that_is_absent_satisfies_a_control(empty: Empty) -> None:
    satisfied = {row["control"] for row in empty.controls if row["status"] == "satisfied"}
    for row in empty.findings:
        if row["outcome"] == "pass" and satisfied.intersection(row["controls"]):
            counted = sum(value for key, value in row["observed"].items() if key.endswith(".count"))
            assert row["document"] or counted, row["check"]
