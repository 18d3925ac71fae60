"""The command line as scripts and people meet it: what it prints, where, and how it ends."""

import csv
import io
import json
import os
import pkgutil
import pty
import re
import select
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import click
import pytest

import annexa.commands
from annexa.cli import annexa as root
from annexa.demo.server import MotoServer
from tests.annexa.sample_store import ACCOUNT, CHECK, ESCAPE, FORMULA, REGION, fill
from tests.annexa.support_cli import Ran, Sandbox
from tests.faults import FaultProxy, Rule, deny, on, timeout

_ESCAPES = re.compile(r"[\x1b\x9b]")
_COLOURS = re.compile(r"\x1b\[(\d+;)*(3[0-8]|4[0-8]|9[0-7])(;\d+)*m")
_WRITES = {
    *("init", "demo", "daemon", "checkpoint", "export", "attest", "waive", "exclude", "withdraw"),
    *("hold place", "hold release", "statements file"),
}

_READS = (
    ("findings",),
    ("status",),
    ("status", "--framework", "soc2"),
    ("controls", "list"),
    ("controls", "coverage"),
    ("controls", "show", "8.24"),
    ("checks", "list"),
    ("checks", "show", CHECK),
    ("evidence", "list"),
    ("evidence", "show", "payroll"),
    ("evidence", "history", "payroll"),
    ("gaps",),
    ("verify",),
    ("permissions", "aws"),
    ("privacy", "fields"),
)


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Sandbox:
    sandbox = Sandbox.make(tmp_path_factory.mktemp("sample"))
    fill(sandbox.config)
    return sandbox


@pytest.fixture(scope="module")
def printed(sample: Sandbox) -> dict[tuple[str, ...], Ran]:
    """Every read command, once as JSON."""
    return {command: sample.ask(*command, "--format", "json") for command in _READS}


def _rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


def _assert_types(row: dict[str, Any], **types: type) -> None:
    """The row has at least these keys, with values of these types."""
    assert set(types) <= set(row)
    assert not {key: row[key] for key in types if not isinstance(row[key], types[key])}


# --- the outermost door -------------------------------------------------------------------------


def test_the_version_is_told_without_loading_anything_heavy(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "annexa", "--version"],
        cwd=tmp_path,
        env=Sandbox.make(tmp_path).environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert re.fullmatch(r"annexa \d+\.\d+\.\d+\n", done.stdout)
    loaded = {line.rpartition("|")[2].strip().split(".")[0] for line in done.stderr.splitlines()}
    assert "annexa" in loaded
    assert not loaded & {"boto3", "botocore", "sqlalchemy", "pydantic", "rich", "click", "cel_expr_python"}


def test_help_lists_every_command(sample: Sandbox) -> None:
    modules = {module.name for module in pkgutil.iter_modules(annexa.commands.__path__)}
    said = sample.run("--help")
    assert said.code == 0
    assert set(re.findall(r"^  (\w+)  +\S", said.out.partition("Commands:")[2], re.MULTILINE)) == modules


def test_without_a_command_help_is_shown_as_a_usage_error(sample: Sandbox) -> None:
    said = sample.run()
    assert said.code == 1
    assert "Commands:" in said.err
    assert said.out == ""


@pytest.mark.parametrize(
    ("arguments", "suggestion"),
    [
        (("fidings",), "findings"),
        (("controls", "shw"), "show"),
        (("findings", "--outcme", "fail"), "--outcome"),
    ],
)
def test_a_misspelt_word_is_answered_with_the_nearest(
    sample: Sandbox, arguments: tuple[str, ...], suggestion: str
) -> None:
    said = sample.run(*arguments)
    assert said.code == 1
    assert suggestion in said.err
    assert said.out == ""


def _commands(
    group: click.Group, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from _commands(command, (*path, name))
        else:
            yield (*path, name), command


def test_every_read_command_takes_a_format() -> None:
    formats = {
        path: tuple(parameter.type.choices)
        for path, command in _commands(root)
        for parameter in command.params
        if "--format" in parameter.opts and isinstance(parameter.type, click.Choice)
    }
    expected = {path for path, _ in _commands(root) if _WRITES.isdisjoint({path[0], " ".join(path)})}
    assert expected <= formats.keys()
    assert set(formats.values()) == {("table", "json", "csv")}


def test_the_read_commands_tried_here_are_all_there_are() -> None:
    known = {path for path, _ in _commands(root) if _WRITES.isdisjoint({path[0], " ".join(path)})}
    tried = {path for path in known for command in _READS if command[: len(path)] == path}
    assert known - tried == {
        ("collect",),
        ("diff",),
        ("doctor",),
        ("checks", "lint"),
        ("hold", "list"),
        ("people", "changes"),
        ("people", "forget"),
        ("people", "changes"),
        ("people", "resolve"),
        ("people", "show"),
        ("statements", "show"),
        ("prune",),
        ("backup",),
    }


# --- JSON ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", _READS, ids=" ".join)
def test_json_is_all_that_is_printed(printed: dict[tuple[str, ...], Ran], command: tuple[str, ...]) -> None:
    said = printed[command]
    assert (said.code, said.err) == (0, "")
    assert said.json


def test_findings_as_json_keep_the_contract(printed: dict[tuple[str, ...], Ran]) -> None:
    texts = (
        "check title outcome severity provider scope region resource_type resource_id resource_name "
        "document reason first_seen last_seen"
    )
    for row in printed[("findings",)].json:
        _assert_types(
            row, **dict.fromkeys(texts.split(), str), controls=list, equivalents=list, observed=dict
        )


def test_the_status_as_json_keeps_the_contract(printed: dict[tuple[str, ...], Ran]) -> None:
    rows = printed[("status",)].json
    assert len(rows) == 93
    for row in rows:
        _assert_types(
            row,
            **dict.fromkeys(("control", "title", "theme", "status", "reason", "last_evidence"), str),
            **dict.fromkeys(("pass", "fail", "unknown", "not_applicable"), int),
        )


def test_controls_as_json_keep_the_contract(printed: dict[tuple[str, ...], Ran]) -> None:
    rows = printed[("controls", "list")].json
    assert len(rows) == 93
    for row in rows:
        _assert_types(
            row, **dict.fromkeys(("control", "title", "theme", "evidence"), str), checks=list, attach=list
        )
    assert {row["evidence"] for row in rows} == {"technical", "partial", "inherited", "manual"}


def test_a_verification_as_json_keeps_the_contract(printed: dict[tuple[str, ...], Ran]) -> None:
    row = printed[("verify",)].json
    _assert_types(row, ok=bool, size=int, root=str, problems=list)
    assert row["ok"]
    assert re.fullmatch("[0-9a-f]{64}", row["root"])


# --- CSV ----------------------------------------------------------------------------------------


def test_csv_has_the_keys_of_json_and_as_many_rows(
    sample: Sandbox, printed: dict[tuple[str, ...], Ran]
) -> None:
    for command in (("findings",), ("status",), ("gaps",), ("evidence", "list")):
        said = sample.ask(*command, "--format", "csv")
        assert (said.code, said.err) == (0, "")
        rows, expected = _rows(said.out), printed[command].json
        assert [list(row) for row in rows] == [list(row) for row in expected]


def test_evidence_gives_a_spreadsheet_no_formula(
    sample: Sandbox, printed: dict[tuple[str, ...], Ran]
) -> None:
    assert FORMULA in {row["resource_name"] for row in printed[("findings",)].json}
    names = {row["resource_name"] for row in _rows(sample.ask("findings", "--format", "csv").out)}
    assert "'" + FORMULA in names
    assert not {name for name in names if name.startswith(("=", "+", "-", "@"))}


# --- terminals, pipes ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "command",
    [("findings",), ("status",), ("controls", "show", "8.24"), ("evidence", "show", "payroll"), ("verify",)],
    ids=" ".join,
)
def test_what_goes_to_no_terminal_has_no_escape_codes(sample: Sandbox, command: tuple[str, ...]) -> None:
    said = sample.run(*command)
    assert said.code == 0
    assert said.out
    assert not _ESCAPES.search(said.out + said.err)


def test_a_table_shows_a_hostile_name_harmlessly(sample: Sandbox) -> None:
    said = sample.run("findings", "--type", "aws.ec2.volume")
    assert ESCAPE.replace("\x1b", r"\x1b") in said.out


def _on_a_terminal(sandbox: Sandbox, *arguments: str, **variables: str) -> str:
    ours, theirs = pty.openpty()
    environment = sandbox.environment | {"TERM": "xterm-256color", "COLUMNS": "120"} | variables
    process = subprocess.Popen(
        [*sandbox.command, *arguments], cwd=sandbox.folder, env=environment, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    said = b""
    while select.select([ours], [], [], 30)[0]:
        try:
            read = os.read(ours, 65536)
        except OSError:  # how Linux says that the other end is closed
            break
        if not read:
            break
        said += read
    os.close(ours)
    assert process.wait(30) == 0
    return said.decode()


def test_a_terminal_gets_colours_unless_it_wants_none(sample: Sandbox) -> None:
    assert _COLOURS.search(_on_a_terminal(sample, "findings"))
    assert not _COLOURS.search(_on_a_terminal(sample, "findings", NO_COLOR="1"))


@pytest.mark.parametrize(
    "arguments",
    [
        ("findings",),
        ("findings", "--format", "json"),
        ("findings", "--format", "csv"),
        ("evidence", "show", "payroll"),
    ],
    ids=" ".join,
)
def test_a_reader_that_leaves_is_no_failure(sample: Sandbox, arguments: tuple[str, ...]) -> None:
    read, write = os.pipe()
    process = subprocess.Popen(
        [*sample.command, *arguments],
        cwd=sample.folder,
        env=sample.environment,
        stdout=write,
        stderr=subprocess.PIPE,
        text=True,
    )
    os.close(write)
    os.close(read)
    _, said = process.communicate(timeout=60)
    assert (process.returncode, said) == (0, "")


# --- what single commands show --------------------------------------------------------------------


def test_the_status_of_another_framework_is_that_of_its_controls(
    printed: dict[tuple[str, ...], Ran],
) -> None:
    status = {row["control"]: row["status"] for row in printed[("status",)].json}
    rows = printed[("status", "--framework", "soc2")].json
    assert {row["framework"] for row in rows} == {"soc2"}
    for row in rows:
        _assert_types(row, requirement=str, status=str, controls=list)
        assert row["status"] in {status[control] for control in row["controls"]}
    assert any(row["status"] == "not_satisfied" for row in rows)


def test_a_framework_that_there_is_not_is_told_with_those_there_are(sample: Sandbox) -> None:
    said = sample.run("status", "--framework", "soc3")
    assert said.code == 1
    assert "soc2" in said.err
    assert said.out == ""


def test_status_is_filtered_by_status_and_theme(sample: Sandbox) -> None:
    rows = sample.ask(
        "status", "--status", "not_satisfied", "--theme", "technological", "--format", "json"
    ).json
    assert {row["status"] for row in rows} == {"not_satisfied"}
    assert {row["theme"] for row in rows} == {"technological"}


def test_a_control_is_shown_by_either_of_its_numbers(sample: Sandbox) -> None:
    (row,) = sample.ask("controls", "show", "A.8.24", "--format", "json").json
    assert [row] == sample.ask("controls", "show", "8.24", "--format", "json").json
    assert (row["control"], row["status"]) == ("8.24", "not_satisfied")
    (result,) = [each for each in row["results"] if each["check"] == CHECK]
    assert (result["pass"], result["fail"], result["unknown"]) == (1, 1, 1)
    assert result["shows"]


@pytest.mark.parametrize("number", ["9.9", "A.4.1", "x"])
def test_a_control_that_there_is_not_is_told(sample: Sandbox, number: str) -> None:
    said = sample.run("controls", "show", number)
    assert said.code == 1
    assert number in said.err
    assert said.out == ""


@pytest.mark.parametrize(
    "arguments",
    [
        ("--outcome", "fail"),
        ("--outcome", "fail", "--outcome", "pass"),
        ("--severity", "critical"),
        ("--control", "8.24"),
        ("--provider", "aws"),
        ("--scope", ACCOUNT),
        ("--region", REGION),
        ("--check", CHECK),
        ("--type", "aws.kms.key"),
        ("--resource", "payroll"),
        ("--resource", "arn:aws:s3:::payroll"),
        ("--control", "8.24", "--outcome", "unknown", "--type", "aws.s3.bucket"),
    ],
    ids=" ".join,
)
def test_findings_are_filtered(
    sample: Sandbox, printed: dict[tuple[str, ...], Ran], arguments: tuple[str, ...]
) -> None:
    keys = {
        "control": ("controls",),
        "type": ("resource_type",),
        "resource": ("resource_id", "resource_name"),
    }
    wanted: dict[str, set[str]] = {}
    for option, value in zip(arguments[::2], arguments[1::2], strict=True):
        wanted.setdefault(option.removeprefix("--"), set()).add(value)

    def admits(row: dict[str, Any]) -> bool:
        return all(
            any(
                values & set(row[key] if isinstance(row[key], list) else [row[key]])
                for key in keys.get(name, (name,))
            )
            for name, values in wanted.items()
        )

    expected = [row for row in printed[("findings",)].json if admits(row)]
    assert expected
    assert sample.ask("findings", *arguments, "--format", "json").json == expected


def test_the_worst_findings_come_first(sample: Sandbox, printed: dict[tuple[str, ...], Ran]) -> None:
    outcomes, severities = (
        ("fail", "unknown", "error", "pass", "not_applicable"),
        ("critical", "high", "medium", "low"),
    )
    rows = printed[("findings",)].json
    order = [(outcomes.index(row["outcome"]), severities.index(row["severity"])) for row in rows]
    assert order == sorted(order)
    assert sample.ask("findings", "--limit", "2", "--format", "json").json == rows[:2]


def test_findings_that_do_not_exist_are_an_empty_answer(sample: Sandbox) -> None:
    said = sample.ask("findings", "--scope", "999999999999", "--format", "json")
    assert (said.code, said.json) == (0, [])


@pytest.mark.parametrize("resource", ["arn:aws:s3:::sealed", "sealed", "aws.s3.bucket/sealed"])
def test_evidence_is_found_by_identifier_name_or_type(sample: Sandbox, resource: str) -> None:
    (row,) = sample.ask("evidence", "show", resource, "--format", "json").json
    assert (row["resource_id"], row["scope"], row["region"]) == ("arn:aws:s3:::sealed", ACCOUNT, REGION)
    assert row["content"] == {"item": {"Name": "sealed"}}
    assert row["gaps"]["encryption"]["code"] == "AccessDenied"
    assert row["provenance"]["calls"]
    assert row["current"] is True


def test_evidence_that_there_is_not_is_told(sample: Sandbox) -> None:
    said = sample.run("evidence", "show", "nobody")
    assert said.code == 1
    assert "'nobody'" in said.err
    assert said.out == ""


def test_evidence_is_listed_by_type(sample: Sandbox) -> None:
    rows = sample.ask("evidence", "list", "--type", "aws.ec2.volume", "--format", "json").json
    assert {row["resource_name"] for row in rows} == {FORMULA, ESCAPE}


def test_gaps_name_the_call_the_code_and_the_place(printed: dict[tuple[str, ...], Ran]) -> None:
    found = {(row["call"], row["code"], row["scope"], row["region"]) for row in printed[("gaps",)].json}
    assert found == {
        ("s3:GetBucketEncryption", "AccessDenied", ACCOUNT, REGION),
        ("kms:ListKeys", "AccessDeniedException", ACCOUNT, REGION),
    }


def test_the_permissions_are_a_policy_that_only_reads(printed: dict[tuple[str, ...], Ran]) -> None:
    found = printed[("permissions", "aws")].json
    policies = [json.loads(document) for document in found["documents"]]
    assert {policy["Version"] for policy in policies} == {"2012-10-17"}
    statements = [statement for policy in policies for statement in policy["Statement"]]
    actions = [action for statement in statements for action in statement["Action"]]
    assert sorted(actions) == found["grants"]
    assert {(each["Effect"], each["Resource"]) for each in statements} == {("Allow", "*")}
    assert all(re.fullmatch("[A-Za-z0-9]*", statement["Sid"]) for statement in statements)
    assert len(actions) == len(set(actions)) > 200
    assert not [each for each in actions if not re.fullmatch(r"[a-z0-9-]+:[A-Za-z0-9]+", each)]
    assert {each for each in actions if not re.match(r"[^:]+:(Get|List|Describe|BatchGet)[A-Z]", each)} <= {
        "apigateway:GET",
        "iam:GenerateCredentialReport",
    }
    assert not {
        "s3:GetObject",
        "secretsmanager:GetSecretValue",
        "ssm:GetParameter",
        "ssm:GetParameters",
    } & set(actions)


def test_permissions_follow_the_selection(tmp_path: Path) -> None:
    sandbox = Sandbox.make(tmp_path, '[collect]\nonly = ["aws.sqs.*"]\n[aws]\nregions = ["eu-central-1"]\n')
    (statement,) = sandbox.ask("permissions", "aws").json["Statement"]
    assert {action.split(":")[0] for action in statement["Action"]} == {"sqs"}


def test_permissions_that_exceed_one_policy_are_written_as_several(tmp_path: Path) -> None:
    sandbox = Sandbox.make(tmp_path)
    ran = sandbox.ask("permissions", "aws", "--out", "policies")
    files = [tmp_path / line for line in ran.out.splitlines()]
    assert len(files) > 1
    assert f"Attach all {len(files)}" in ran.err
    assert {json.loads(path.read_text())["Version"] for path in files} == {"2012-10-17"}


# --- exit codes ---------------------------------------------------------------------------------

_COLLECTING = """
[collect]
only = ["aws.sqs.queue", "aws.sns.topic"]
[aws]
regions = ["eu-central-1"]
retries = 1
read_timeout = 1
"""


@pytest.fixture(scope="module")
def moto() -> Iterator[str]:
    with MotoServer() as server:
        session: Any = boto3.Session("key", "secret", region_name=REGION)
        session.client("sqs", endpoint_url=server.endpoint).create_queue(QueueName="orders")
        session.client("sns", endpoint_url=server.endpoint).create_topic(Name="news")
        yield server.endpoint


@pytest.fixture(scope="module")
def collecting(tmp_path_factory: pytest.TempPathFactory, moto: str) -> Sandbox:
    return Sandbox.make(tmp_path_factory.mktemp("collecting"), _COLLECTING, endpoint=moto)


def test_a_complete_run_ends_with_0_and_keeps_the_contract(collecting: Sandbox) -> None:
    said = collecting.run("collect", "--format", "json")
    assert (said.code, said.err) == (0, "")
    row = said.json
    _assert_types(
        row,
        run=str,
        findings=dict,
        duration_s=float,
        **dict.fromkeys(("exit_code", "collections", "resources", "gaps", "changed", "bytes_written"), int),
    )
    assert (row["exit_code"], row["resources"], row["gaps"]) == (0, 2, 0)
    assert set(row["findings"]) == {"pass", "fail", "unknown", "not_applicable", "error"}


def test_findings_at_or_above_the_limit_end_with_3(collecting: Sandbox) -> None:
    said = collecting.run("collect", "--fail-on", "low")
    assert said.code == 3
    assert "complete" in said.out
    severities = {
        row["severity"] for row in collecting.ask("findings", "--outcome", "fail", "--format", "json").json
    }
    assert severities
    assert "critical" not in severities
    assert collecting.run("collect", "--fail-on", "critical").code == 0


def test_waived_failures_do_not_end_with_3_and_are_said_to_be_there(
    collecting: Sandbox, tmp_path: Path
) -> None:
    assert collecting.run("collect").code == 0
    shutil.copytree(collecting.folder, tmp_path / "waived")
    waived = Sandbox(tmp_path / "waived", collecting.environment)
    failing = waived.ask("findings", "--outcome", "fail", "--format", "json").json
    for check in {row["check"] for row in failing}:
        accepted = ("--all-resources", "--reason", "Known.", "--approver", "Grace", "--expires", "2999-12-31")
        assert waived.ask("waive", check, *accepted).code == 0
    said = waived.run("collect", "--fail-on", "low")
    assert said.code == 0
    assert f"--fail-on leaves out failures that are waived: {len(failing)}." in said.err


def test_a_run_with_gaps_ends_with_2_whatever_it_found(tmp_path: Path, moto: str) -> None:
    with FaultProxy(moto, [Rule(on("sns", "ListTopics"), deny())]) as proxy:
        sandbox = Sandbox.make(tmp_path, _COLLECTING, endpoint=proxy.endpoint)
        said = sandbox.run("collect", "--fail-on", "low", "--format", "json")
    assert (said.code, said.json["exit_code"], said.json["gaps"]) == (2, 2, 1)
    (gap,) = sandbox.ask("gaps", "--format", "json").json
    assert gap["call"] == "sns:ListTopics"


def test_a_usage_error_ends_with_1(sample: Sandbox) -> None:
    assert sample.run("findings", "--outcome", "maybe").code == 1
    assert sample.run("findings", "--limit", "0").code == 1
    assert sample.run("controls", "show").code == 1


def test_a_record_that_was_changed_ends_with_4(tmp_path: Path) -> None:
    sandbox = Sandbox.make(tmp_path)
    fill(sandbox.config)
    connection = sqlite3.connect(sandbox.store / "record.db")
    with connection:
        connection.execute("UPDATE finding SET outcome = 'pass' WHERE outcome = 'fail'")
    connection.close()

    said = sandbox.run("verify", "--format", "json")

    assert (said.code, said.json["ok"]) == (4, False)
    assert all(set(problem) >= {"where", "message"} for problem in said.json["problems"])
    assert said.json["problems"]


def test_a_run_that_is_interrupted_ends_with_130(tmp_path: Path, moto: str) -> None:
    with FaultProxy(moto, [Rule(on("sns", "ListTopics"), timeout())]) as proxy:
        sandbox = Sandbox.make(tmp_path, _COLLECTING, endpoint=proxy.endpoint)
        process = subprocess.Popen(
            [*sandbox.command, "collect"],
            cwd=sandbox.folder,
            env=sandbox.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        deadline = time.monotonic() + 30
        while not proxy.count("sns", "ListTopics"):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=30)

    assert process.returncode == 130
    assert "what was acknowledged is kept" in said
    assert "Traceback" not in said
    assert sandbox.run("verify").code == 0
    gaps = sandbox.run("gaps")
    assert "everything that was asked for" not in gaps.out
    for said_by in (gaps, sandbox.run("status")):
        assert "did not get to its end" in said_by.err


def test_progress_is_shown_on_a_terminal(collecting: Sandbox) -> None:
    assert "collections, " in _on_a_terminal(collecting, "collect")
