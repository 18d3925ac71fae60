"""Bad input ends with one clear message, exit code 1, no traceback, and nothing lost."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import pytest

from annexa.demo.server import MotoServer
from store.record import Record
from store.verify import verify
from tests.annexa.sample_store import REGION
from tests.annexa.support_cli import Ran, Sandbox

_UNREACHABLE = "http://localhost:9"

_OWN_CHECK = """
[[check]]
id = "aws.s3.bucket.ours"
title = "Buckets are ours"
resource = "aws.s3.bucket"
passes = "resource.name.startsWith('ours-')"
severity = "low"
controls = { "5.9" = "shows that the owner can be told from the name" }
remediation = "Name the bucket anew."
limits = "A name says nothing of the content."
references = ["https://example.com/"]
"""
_OWN_TYPE = """
[[resource]]
type = "aws.s3.shelf"
title = "Shelf"
region = "global"
id = "{item.Name}"
name = "{item.Name}"
list = { call = "s3:ListBuckets", items = "Buckets" }
"""


def assert_told(said: Ran, *words: str) -> None:
    """It ended with 1 and at most two lines, which name all that the person needs."""
    assert said.code == 1, said
    assert said.out == ""
    assert 1 <= len(said.err.splitlines()) <= 2, said.err
    assert "Traceback" not in said.err
    assert not [word for word in words if word not in said.err], said.err


# --- the configuration --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ("[aws\n", ("annexa.toml", "line 1")),
        ("[store]\npath = 'a\n", ("annexa.toml", "end of document")),
        ("[stroe]\n", ("annexa.toml", "[stroe]", "Did you mean [store]?")),
        ("[store]\npth = 'x'\n", ("annexa.toml", "store.pth", "unknown key", "annexa init --print")),
        (
            "[collect]\nworkers = 'many'\n",
            ("annexa.toml", "collect.workers", "integer", "annexa init --print"),
        ),
        ("[aws]\nreigons = ['x']\n", ("annexa.toml", "aws: reigons", "unknown key", "config.example.toml")),
        ("[aws]\nretries = 'often'\n", ("annexa.toml", "aws: retries", "integer")),
        ("[aws]\nrole_arn = 'annexa'\n", ("annexa.toml", "aws: role_arn", "pattern")),
        ("[collect]\n", ("annexa.toml", "no provider is turned on", "[aws]")),
        (
            "[checks.params.'aws.no.check']\ndays = 1\n[aws]\n",
            ("annexa.toml", "checks.params", "aws.no.check", "annexa checks list"),
        ),
        (
            "[definitions]\nfolders = ['nowhere']\n[aws]\n",
            ("annexa.toml", "definitions.folders", "nowhere", "Create it"),
        ),
    ],
)
def test_a_wrong_configuration_is_told_by_collect(
    tmp_path: Path, config: str, words: tuple[str, ...]
) -> None:
    sandbox = Sandbox.make(tmp_path, config, endpoint=_UNREACHABLE)
    assert_told(sandbox.ask("collect"), *words)


@pytest.mark.parametrize(
    ("schedule", "words"),
    [
        ("cron = '* * * * *'\nevery_minutes = 5\n", ("schedule", "either 'cron' or 'every_minutes'")),
        ("cron = '15 25 * * *'\n", ("schedule.cron", "25", '"15 4 * * *"')),
        ("cron = '15 4 * *'\n", ("schedule.cron", "five fields")),
        (
            "cron = '15 4 * * *'\ntimezone = 'Europe/Berln'\n",
            ("schedule.timezone", "Europe/Berln", "Europe/Berlin"),
        ),
        ("", ("schedule", "'cron' or 'every_minutes'")),
    ],
)
def test_a_wrong_schedule_is_told_by_the_daemon_at_its_start(
    tmp_path: Path, schedule: str, words: tuple[str, ...]
) -> None:
    sandbox = Sandbox.make(tmp_path, f"[schedule]\n{schedule}[aws]\n", endpoint=_UNREACHABLE)
    assert_told(sandbox.run("daemon"), "annexa.toml", *words)


def test_a_configuration_that_is_not_there_is_told(tmp_path: Path) -> None:
    sandbox = Sandbox.make(tmp_path, None)
    assert_told(sandbox.ask("status"), "no annexa.toml", str(tmp_path), "annexa init", "--config")
    assert_told(sandbox.ask("--config", "other.toml", "status"), "other.toml", "--config")


def test_a_configuration_that_is_already_there_is_not_overwritten(tmp_path: Path) -> None:
    sandbox = Sandbox.make(tmp_path, "# mine\n")
    assert_told(sandbox.ask("init"), "annexa.toml exists already", "remove it")
    assert sandbox.config.read_text(encoding="utf-8") == "# mine\n"


# --- AWS ----------------------------------------------------------------------------------------


def test_a_wrong_region_is_told_with_the_nearest(tmp_path: Path) -> None:
    sandbox = Sandbox.make(tmp_path, "[aws]\nregions = ['eu-centrall-1']\n", endpoint=_UNREACHABLE)
    assert_told(
        sandbox.ask("collect"), "annexa.toml", "aws.regions", "eu-centrall-1", "Did you mean eu-central-1"
    )


def test_a_missing_profile_is_told_with_those_there_are(tmp_path: Path) -> None:
    (tmp_path / "aws-config").write_text("[profile audit]\nregion = eu-west-1\n", encoding="utf-8")
    sandbox = Sandbox.make(tmp_path, "[aws]\nprofile = 'adit'\n")
    assert_told(
        sandbox.ask("collect"), "annexa.toml", "aws.profile", "adit", "audit", "aws configure --profile"
    )


def test_missing_credentials_are_told(tmp_path: Path) -> None:
    sandbox = Sandbox.make(tmp_path, "[aws]\n")
    assert_told(sandbox.ask("collect"), "no AWS credentials", "AWS_PROFILE", "aws sso login")


# --- the store ----------------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["collect", "daemon"])
@pytest.mark.parametrize("path", ["a-file", "a-file/below"])
def test_a_store_that_cannot_be_written_is_told(tmp_path: Path, path: str, command: str) -> None:
    (tmp_path / "a-file").write_text("mine\n", encoding="utf-8")
    sandbox = Sandbox.make(
        tmp_path, f"[store]\npath = '{path}'\n[schedule]\nevery_minutes = 5\n[aws]\n", endpoint=_UNREACHABLE
    )
    assert_told(
        sandbox.run(command), str(tmp_path / path), "cannot be written", "write access", "[store] path"
    )
    assert (tmp_path / "a-file").read_text(encoding="utf-8") == "mine\n"


def test_a_store_that_is_not_there_is_told(tmp_path: Path) -> None:
    sandbox = Sandbox.make(tmp_path)
    for command in (("status",), ("findings",), ("gaps",), ("verify",), ("evidence", "list")):
        assert_told(sandbox.ask(*command), str(sandbox.store), "no store", "annexa init", "annexa collect")


def test_a_store_that_is_none_is_told_and_left_alone(tmp_path: Path) -> None:
    sandbox = Sandbox.make(tmp_path)
    sandbox.store.mkdir()
    (sandbox.store / "record.db").write_bytes(b"This is no database.\n" * 100)
    for command in ("status", "verify", "collect"):
        said = sandbox.ask(command)
        assert_told(said, str(sandbox.store), "not a database", "backup")
    assert (sandbox.store / "record.db").read_bytes().startswith(b"This is no database.")


def test_a_store_that_is_being_written_is_told(tmp_path: Path) -> None:
    sandbox = Sandbox.make(tmp_path, endpoint=_UNREACHABLE)
    with Record.writer(sandbox.store):
        assert_told(sandbox.ask("collect"), str(sandbox.store), "another Annexa process", "Wait")


# --- definitions --------------------------------------------------------------------------------


def _own(folder: Path, text: str) -> Sandbox:
    (folder / "own").mkdir()
    (folder / "own" / "ours.toml").write_text(text, encoding="utf-8")
    return Sandbox.make(folder, "[definitions]\nfolders = ['own']\n[aws]\n", endpoint=_UNREACHABLE)


_WRONG_CHECKS = {
    "no TOML": (_OWN_CHECK + "severity = \n", ("line",)),
    "an unknown key": (
        _OWN_CHECK + "remdiation = 'x'\n",
        ("aws.s3.bucket.ours", "remdiation", "unknown key"),
    ),
    "a missing key": (_OWN_CHECK.replace("severity", "# severity"), ("aws.s3.bucket.ours", "severity")),
    "a wrong severity": (_OWN_CHECK.replace('"low"', '"lowest"'), ("severity", "'critical'")),
    "a rule that does not parse": (
        _OWN_CHECK.replace("startsWith('ours-')", "startsWith("),
        ("aws.s3.bucket.ours", "passes", "does not compile"),
    ),
    "a rule that reads what there is not": (
        _OWN_CHECK.replace("resource.name", "resourse.name"),
        ("aws.s3.bucket.ours", "passes", "resourse"),
    ),
    "a rule that is no question": (
        _OWN_CHECK.replace("resource.name.startsWith('ours-')", "1 + 1"),
        ("aws.s3.bucket.ours", "passes", "not a boolean"),
    ),
    "an id that there is": (
        _OWN_CHECK.replace("aws.s3.bucket.ours", "aws.s3.bucket.encrypted-with-kms"),
        ("aws.s3.bucket.encrypted-with-kms", "already defined", "Rename"),
    ),
    "no table": ("check = 1\n", ("[[check]]",)),
}


@pytest.mark.parametrize(("text", "words"), _WRONG_CHECKS.values(), ids=_WRONG_CHECKS.keys())
def test_a_wrong_check_is_told_before_anything_is_collected(
    tmp_path: Path, text: str, words: tuple[str, ...]
) -> None:
    assert_told(_own(tmp_path, text).ask("collect"), "ours.toml", *words)


_WRONG_TYPES = {
    "an unknown key": (_OWN_TYPE + "regoin = 'global'\n", ("aws.s3.shelf", "regoin", "unknown key")),
    "no JMESPath": (_OWN_TYPE.replace('"Buckets"', '"Buckets["'), ("aws.s3.shelf", "list.items", "JMESPath")),
    "a type that there is": (
        _OWN_TYPE.replace("s3.shelf", "s3.bucket"),
        ("aws.s3.bucket", "already defined"),
    ),
}


@pytest.mark.parametrize(("text", "words"), _WRONG_TYPES.values(), ids=_WRONG_TYPES.keys())
def test_a_wrong_resource_type_is_told(tmp_path: Path, text: str, words: tuple[str, ...]) -> None:
    assert_told(_own(tmp_path, text).ask("permissions", "aws"), "ours.toml", *words)


def test_lint_names_what_only_the_provider_knows_to_be_wrong(tmp_path: Path) -> None:
    misspelt = _OWN_CHECK.replace("resource.name.startsWith('ours-')", "resource.encription != null")
    example = """
[[check.example]]
expect = "pass"
document = { encryption = [{ ApplyServerSideEncryptionByDefault = { SSEAlgoritm = "aws:kms" } }] }
"""
    said = _own(tmp_path, misspelt + example).ask("checks", "lint", "--format", "json")
    assert (said.code, said.err) == (1, "")
    problems = {row["message"] for row in said.json if row["subject"] == "aws.s3.bucket.ours"}
    for words in ("resource.encription", "SSEAlgoritm", "no example that expects 'fail'", "'unknown'"):
        assert any(words in problem for problem in problems), problems


def test_lint_runs_examples_as_documents_are_kept(tmp_path: Path) -> None:
    """A rule that reads the value of a secret would judge the digest that stands for it."""
    text = _OWN_CHECK.replace("aws.s3.bucket", "aws.lambda.function").replace(
        "resource.name.startsWith('ours-')", "resource.item.Environment.Variables['MODE'] == 'strict'"
    )
    example = """
[[check.example]]
expect = "pass"
document = { item = { Environment = { Variables = { MODE = "strict" } } } }
"""
    said = _own(tmp_path, text + example).ask("checks", "lint", "--format", "json")
    problems = {row["message"] for row in said.json if row["subject"] == "aws.lambda.function.ours"}
    assert "example 1 (pass): gives fail" in problems


# --- a full disk --------------------------------------------------------------------------------

_COLLECTING = f"""
[collect]
only = ["aws.sqs.queue"]
[aws]
regions = ["{REGION}"]
retries = 1
"""


@pytest.fixture(scope="module")
def sqs() -> Iterator[Any]:
    with MotoServer() as server:
        session: Any = boto3.Session("key", "secret", region_name=REGION)
        yield session.client("sqs", endpoint_url=server.endpoint)


def test_a_store_that_may_only_be_read_is_told_and_left_alone(tmp_path: Path, sqs: Any) -> None:
    with _tiny_disk(tmp_path / "disk", 8_000_000) as mounted:
        if not mounted:
            pytest.skip("this machine does not let us mount")
        config = f"[store]\npath = 'disk/store'\n{_COLLECTING}"
        sandbox = Sandbox.make(tmp_path, config, endpoint=sqs.meta.endpoint_url)
        assert sandbox.ask("collect").code == 0
        subprocess.run(["mount", "-o", "remount,ro", str(tmp_path / "disk")], check=True)

        assert_told(sandbox.ask("collect"), str(tmp_path / "disk" / "store"), "ead-only", "write access")
        assert sandbox.ask("verify").code == 0

        subprocess.run(["mount", "-o", "remount,rw", str(tmp_path / "disk")], check=True)
        assert _verifies(tmp_path / "disk" / "store")


@contextmanager
def _tiny_disk(folder: Path, size: int) -> Iterator[bool]:
    """Mount so much memory over a folder; yields whether this machine lets us."""
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)], capture_output=True, check=False
    )
    try:
        yield mounted.returncode == 0
    finally:
        if mounted.returncode == 0:
            subprocess.run(["umount", str(folder)], check=True)


def _verifies(store: Path) -> int:
    """How many log entries the record has, all of which verify."""
    with Record.open(store) as record:
        found = verify(record)
    assert found.ok, found.problems
    return found.size


def _queues(sqs: Any, number: int) -> None:
    for each in range(number):
        sqs.create_queue(QueueName=f"queue-{each}")


def test_a_disk_that_is_full_is_told_and_loses_nothing(tmp_path: Path, sqs: Any) -> None:
    _queues(sqs, 1)
    with _tiny_disk(tmp_path / "disk", 8_000_000) as mounted:
        if not mounted:
            pytest.skip("this machine does not let us mount; the test of the largest file stands for it")
        sandbox = Sandbox.make(
            tmp_path, f"[store]\npath = 'disk/store'\n{_COLLECTING}", endpoint=sqs.meta.endpoint_url
        )
        store = tmp_path / "disk" / "store"
        assert sandbox.ask("collect").code == 0
        before = _verifies(store)
        rubbish = _fill_up(tmp_path / "disk")
        _queues(sqs, 100)

        assert_told(sandbox.run("collect"), str(store), "full", "Free some space", "is safe")

        assert _verifies(store) >= before
        rubbish.unlink()
        assert sandbox.ask("collect").code == 0
        assert _verifies(store) > before


def _fill_up(folder: Path) -> Path:
    """Leave 64 KiB of a disk; returns what takes the rest."""
    rubbish = folder / "rubbish"
    rubbish.write_bytes(bytes(shutil.disk_usage(folder).free - 64 * 1024))
    return rubbish


def test_a_file_that_may_grow_no_further_is_told_and_loses_nothing(tmp_path: Path, sqs: Any) -> None:
    _queues(sqs, 1)
    sandbox = Sandbox.make(tmp_path, _COLLECTING, endpoint=sqs.meta.endpoint_url)
    assert sandbox.ask("collect").code == 0
    before = _verifies(sandbox.store)
    _queues(sqs, 100)

    said = sandbox.run("collect", largest_file=100 * 1024)

    assert_told(said, str(sandbox.store), "failed")
    assert _verifies(sandbox.store) >= before
    assert sandbox.ask("collect").code == 0
    assert _verifies(sandbox.store) > before


def test_a_store_that_cannot_even_be_made_is_told(tmp_path: Path) -> None:
    sandbox = Sandbox.make(tmp_path, _COLLECTING, endpoint=_UNREACHABLE)

    said = sandbox.run("collect", largest_file=8 * 1024)

    assert_told(said, str(sandbox.store), "failed")
    assert sandbox.ask("collect").code == 2
    assert _verifies(sandbox.store) > 0
