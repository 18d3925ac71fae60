"""``annexa export csv`` and ``jsonl``: the rows of the read commands, and those of a period."""

import csv
import datetime as dt
import io
import json
import re
import stat
from pathlib import Path
from typing import Any

import pytest

from annexa.exports.rows import KEYS, PERIOD_KEYS
from tests.annexa.exports.conftest import HOSTILE, PERIOD
from tests.annexa.sample_store import CHECK, ESCAPE, FORMULA, fill
from tests.annexa.support_cli import Sandbox


def exported(sandbox: Sandbox, *arguments: str) -> list[dict[str, Any]]:
    ran = sandbox.ask("export", "jsonl", *arguments)
    assert ran.code == 0, ran
    return [json.loads(line) for line in ran.out.splitlines()]


def parsed(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


@pytest.mark.parametrize(
    ("what", "command"),
    [
        ("findings", ("findings",)),
        ("controls", ("status",)),
        ("gaps", ("gaps",)),
        ("resources", ("evidence", "list")),
    ],
)
def test_a_moment_has_the_rows_of_the_command_that_reads_it(
    sandbox: Sandbox, what: str, command: tuple[str, ...]
) -> None:
    shown = sandbox.ask(*command, "--format", "json", "--as-of", "2026-03-02").json
    found = exported(sandbox, "--what", what, "--as-of", "2026-03-02")
    assert sorted(map(str, found)) == sorted(map(str, shown))
    assert found


@pytest.mark.parametrize("what", KEYS)
@pytest.mark.parametrize("arguments", [(), ("--period", PERIOD)])
def test_rows_have_the_keys_that_an_empty_table_has(
    sandbox: Sandbox, tmp_path: Path, what: str, arguments: tuple[str, ...]
) -> None:
    header = KEYS[what] + (PERIOD_KEYS[what] if arguments else ())
    found = exported(sandbox, "--what", what, *arguments)
    assert {frozenset(row) for row in found} == {frozenset(header)}
    if what == "findings":
        ran = sandbox.ask("export", "csv", *arguments, "--check", "no.such.check")
        assert ran.out == ",".join(header) + "\n"


def test_a_period_has_every_finding_that_held_within_it_with_its_end(sandbox: Sandbox) -> None:
    rows = exported(sandbox, "--period", PERIOD, "--check", CHECK, "--resource", "letters")
    told = [
        (row["outcome"], *(row[key][:10] for key in ("first_seen", "last_seen", "ended"))) for row in rows
    ]
    first, last = "2026-03-02", "2026-03-04"
    assert told == [("fail", first, first, last), ("pass", last, last, "")]
    assert [row["pruned"] for row in rows] == [False, False]


def test_a_period_tells_on_how_many_days_a_control_was_evidenced(sandbox: Sandbox) -> None:
    rows = {row["control"]: row for row in exported(sandbox, "--what", "controls", "--period", PERIOD)}
    assert len(rows) == 93
    assert (rows["8.24"]["evidenced_days"], rows["8.24"]["days"]) == (2, 5)
    assert rows["8.24"]["status"] == "not_satisfied"


def test_a_period_tells_how_long_a_gap_lasted(sandbox: Sandbox) -> None:
    (row,) = [
        row
        for row in exported(sandbox, "--what", "gaps", "--period", PERIOD)
        if row["call"] == "kms:ListKeys"
    ]
    assert (row["first_seen"][:10], row["last_seen"][:10]) == ("2026-03-02", "2026-03-04")
    assert (row["ended"], row["collections"]) == ("", 2)


def test_what_retention_let_go_is_said_and_never_a_pass(tmp_path: Path) -> None:
    sandbox = Sandbox.make(tmp_path)
    now = dt.datetime.now(dt.UTC)
    fill(sandbox.config, now - dt.timedelta(days=20))
    fill(sandbox.config, now - dt.timedelta(days=10), letters="aws:kms")
    fill(sandbox.config, now)
    assert sandbox.ask("prune", "--keep", "5d", "--reason", "policy 4.2", "--by", "Ada").code == 0
    period = f"{(now - dt.timedelta(days=19)).date()}..{now.date()}"
    letters = exported(sandbox, "--period", period, "--check", CHECK, "--resource", "letters")
    pruned, passed, again = letters
    assert [row["outcome"] for row in letters] == ["fail", "pass", "fail"]
    assert (pruned["pruned"], pruned["observed"]) == (True, None)
    assert "by Ada: policy 4.2" in pruned["reason"]
    assert (passed["pruned"], again["pruned"]) == (False, False)
    then = (now - dt.timedelta(days=15)).date().isoformat()
    shown = sandbox.ask("findings", "--check", CHECK, "--resource", "letters", "--as-of", then)
    assert "retention let it go" in " ".join(shown.out.split())


def test_statements_of_every_kind_are_rows_of_the_same_keys(sandbox: Sandbox) -> None:
    rows = {row["kind"]: row for row in exported(sandbox, "--what", "statements")}
    assert rows.keys() == {"attestation", "waiver", "exclusion"}
    assert rows["attestation"]["text"] == HOSTILE
    assert rows["attestation"]["by"] == "ciso@example.com"
    assert rows["attestation"]["files"][0]["name"] == HOSTILE
    assert (rows["waiver"]["by"], rows["waiver"]["check"]) == ("cfo", CHECK)
    assert {row["state"] for row in rows.values()} == {"in_force"}


def test_no_cell_is_a_formula_and_no_name_is_lost(sandbox: Sandbox) -> None:
    for arguments in ((), ("--period", PERIOD), ("--what", "statements")):
        ran = sandbox.ask("export", "csv", *arguments)
        cells = [cell for row in parsed(ran.out) for cell in row.values()]
        assert not [cell for cell in cells if cell[:1] in ("=", "+", "-", "@")]
    names = {row["resource_name"] for row in parsed(sandbox.ask("export", "csv").out)}
    assert {"'" + FORMULA, ESCAPE} <= names


def test_filters_choose_findings_and_nothing_else(sandbox: Sandbox) -> None:
    rows = exported(sandbox, "--control", "8.24", "--outcome", "fail")
    assert rows
    assert all("8.24" in row["controls"] and row["outcome"] == "fail" for row in rows)
    ran = sandbox.ask("export", "csv", "--what", "gaps", "--control", "8.24")
    assert (ran.code, ran.out) == (1, "")
    assert "without the options that choose findings" in ran.err


def test_a_file_is_written_whole_and_for_its_owner_only(sandbox: Sandbox, tmp_path: Path) -> None:
    out = tmp_path / "findings.csv"
    assert sandbox.ask("export", "csv", "--out", str(out)).code == 0
    assert out.read_text(encoding="utf-8") == sandbox.ask("export", "csv").out
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [out]


def test_a_file_is_overwritten_only_by_force(sandbox: Sandbox, tmp_path: Path) -> None:
    out = tmp_path / "findings.jsonl"
    out.write_text("mine", encoding="utf-8")
    refused = sandbox.ask("export", "jsonl", "--out", str(out))
    assert refused.code == 1
    assert "exists" in refused.err
    assert "--force" in refused.err
    assert out.read_text(encoding="utf-8") == "mine"
    assert sandbox.ask("export", "jsonl", "--out", str(out), "--force").code == 0
    assert out.read_text(encoding="utf-8").startswith("{")


def test_a_place_that_cannot_be_written_is_named(sandbox: Sandbox, tmp_path: Path) -> None:
    ran = sandbox.ask("export", "csv", "--out", str(tmp_path / "no" / "such" / "file.csv"))
    assert ran.code == 1
    assert "No such file or directory" in ran.err


@pytest.mark.parametrize("form", ["csv", "xlsx", "oscal"])
def test_a_disk_that_is_full_leaves_no_file_and_is_said(sandbox: Sandbox, tmp_path: Path, form: str) -> None:
    # SQLite itself needs 32 KB beside the database.
    ran = sandbox.run("export", form, "--out", str(tmp_path / "out"), largest_file=40_000)
    assert ran.code == 1, ran
    assert "File too large" in ran.err
    assert "Traceback" not in ran.err
    assert [path for path in tmp_path.iterdir() if path.is_file()] == []


@pytest.mark.parametrize(
    "arguments",
    [
        ("--as-of", "2026-03-02", "--period", PERIOD),
        ("--as-of", "2026-03-01"),
        ("--period", "2026-02-01..2026-02-02"),
        ("--period", "2026-02-01"),
    ],
)
def test_a_time_that_cannot_be_answered_for_is_refused(
    sandbox: Sandbox, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    ran = sandbox.ask("export", "csv", *arguments, "--out", str(tmp_path / "x.csv"))
    assert (ran.code, list(tmp_path.iterdir())) == (1, [])
    assert ran.err


def test_the_same_question_to_the_same_record_gives_the_same_bytes(sandbox: Sandbox) -> None:
    for what in KEYS:
        once, again = (
            sandbox.ask("export", "jsonl", "--what", what, "--period", PERIOD).out for _ in range(2)
        )
        assert once == again


def test_the_keys_that_exports_add_are_documented() -> None:
    page = (Path(__file__).parents[3] / "docs" / "exports.md").read_text(encoding="utf-8")
    output = (Path(__file__).parents[3] / "docs" / "output.md").read_text(encoding="utf-8")
    documented = set(re.findall(r"`(\w+)`", page)) | set(re.findall(r"`(\w+)`", output))
    added = {key for keys in PERIOD_KEYS.values() for key in keys} | {*KEYS["statements"]}
    assert added <= documented
