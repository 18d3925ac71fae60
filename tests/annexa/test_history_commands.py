"""The past on the command line: as-of, history, differences and periods."""

import datetime as dt
from pathlib import Path
from typing import Any

import pytest

from tests.annexa.sample_store import fill
from tests.annexa.support_cli import Sandbox

FIRST = dt.datetime(2026, 3, 2, 9, tzinfo=dt.UTC)
LAST = dt.datetime(2026, 3, 4, 9, tzinfo=dt.UTC)


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Sandbox:
    made = Sandbox.make(tmp_path_factory.mktemp("history"))
    for moment in (FIRST, LAST):
        fill(made.config, moment)
    return made


def asked(sandbox: Sandbox, *arguments: str) -> Any:
    said = sandbox.ask(*arguments, "--format", "json")
    assert said.code == 0, said
    return said.json


@pytest.mark.parametrize(
    "command",
    [
        ("findings",),
        ("gaps",),
        ("evidence", "list"),
        ("evidence", "show", "payroll"),
        ("controls", "show", "8.24"),
    ],
)
def test_as_of_a_day_answers_with_what_was_known_at_its_end(
    sandbox: Sandbox, command: tuple[str, ...]
) -> None:
    [then, *_] = asked(sandbox, *command, "--as-of", "2026-03-02")
    assert "2026-03-04" not in str(then)
    assert asked(sandbox, *command, "--as-of", "2026-03-04") == asked(sandbox, *command)


def test_status_as_of_a_moment_counts_what_was_fresh_then(sandbox: Sandbox) -> None:
    rows = asked(sandbox, "status", "--as-of", "2026-03-02T12:00:00+01:00")
    assert max(row["last_evidence"] for row in rows).startswith("2026-03-02T09:00")


@pytest.mark.parametrize(
    "arguments",
    [
        ("status", "--as-of", "2026-03-01"),
        ("findings", "--as-of", "2026-03-02T08:59:59Z"),
        ("diff", "--from", "2026-03-01"),
        ("status", "--period", "2026-02-01..2026-03-01"),
    ],
)
def test_before_the_first_collection_nothing_is_answered(
    sandbox: Sandbox, arguments: tuple[str, ...]
) -> None:
    said = sandbox.ask(*arguments)
    assert (said.code, said.out) == (1, "")
    assert "nothing had been collected" in said.err
    assert "2026-03-02T09:00:00.000Z" in said.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("status", "--as-of", "yesterday"), "neither a date"),
        (("status", "--as-of", "2026-02-30"), "neither a date"),
        (("status", "--as-of", "2026-03-02T12:00:00"), "neither a date"),
        (("status", "--as-of", "9999-01-01"), "in the future"),
        (("status", "--period", "2026-03-04"), "not a period"),
        (("status", "--period", "2026-03-04..2026-03-02"), "is after"),
        (("status", "--period", "2026-03-02..2026-03-04", "--as-of", "2026-03-04"), "does not go together"),
        (("diff", "--from", "2026-03-04", "--to", "2026-03-02"), "later than"),
    ],
)
def test_what_is_no_date_is_refused(sandbox: Sandbox, arguments: tuple[str, ...], message: str) -> None:
    said = sandbox.ask(*arguments)
    assert (said.code, said.out) == (1, "")
    assert message in " ".join(said.err.split())


def test_a_period_counts_days(sandbox: Sandbox) -> None:
    rows = {row["control"]: row for row in asked(sandbox, "status", "--period", "2026-03-01..2026-03-05")}
    row = rows["8.24"]
    assert (row["days"], row["evidenced_days"], row["failed_days"], row["gap_days"]) == (5, 2, 4, 4)
    assert row["unevidenced"] == [
        "2026-03-01..2026-03-01",
        "2026-03-03..2026-03-03",
        "2026-03-05..2026-03-05",
    ]
    assert "s3:GetBucketEncryption could not be read: AccessDenied" in {gap["reason"] for gap in row["gaps"]}
    table = sandbox.ask("status", "--period", "2026-03-01..2026-03-05")
    assert table.code == 0
    assert "AccessDenied" in "".join(table.out.split())


def test_a_history_gives_versions(sandbox: Sandbox) -> None:
    [row] = asked(sandbox, "evidence", "history", "payroll")
    assert (row["first_seen"][:10], row["last_seen"][:10]) == ("2026-03-02", "2026-03-04")
    assert (row["ended"], row["end"], row["returned"], row["changes"]) == ("", "", False, [])
    assert "still so" in sandbox.ask("evidence", "history", "payroll").out


def test_where_nothing_changed_nothing_differs(sandbox: Sandbox) -> None:
    assert asked(sandbox, "diff", "--from", "2026-03-02", "--to", "2026-03-04", "--kind", "resource") == []
    said = sandbox.ask("diff", "--from", "2026-03-02", "--to", "2026-03-03", "--kind", "finding")
    assert said.out == "Nothing differs.\n"


def test_without_a_store_it_says_what_to_do(tmp_path: Path) -> None:
    said = Sandbox.make(tmp_path).ask("diff", "--from", "2026-03-02")
    assert said.code == 1
    assert "annexa collect" in said.err
