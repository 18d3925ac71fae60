"""Statements on the command line: filed, counted, listed, taken out, withdrawn, and signed over at once."""

import csv
import datetime as dt
import getpass
import hashlib
import io
import shutil
from pathlib import Path
from typing import Any

import pytest

from annexa.commands.collect import Failures, exit_code, failures_from
from annexa.exit_codes import ExitCode
from scheduler.runner import RunResult
from store import files, query
from store.model import Severity
from store.record import Record
from store.statement import Waiver
from tests.annexa.sample_store import ACCOUNT, CHECK, ESCAPE, FORMULA, REGION, fill
from tests.annexa.support_cli import Ran, Sandbox
from tests.independent_verifier import Verifier
from tests.store.conftest import tamper

TODAY = dt.datetime.now(dt.UTC).date()
PAST, SOON, LATER = ((TODAY + dt.timedelta(days=days)).isoformat() for days in (-3, 10, 40))
LETTERS = "arn:aws:s3:::letters"
VOLUMES = "aws.ec2.volume.encrypted"
DATA = b"%PDF-1.7 We have a policy."
SHA256 = hashlib.sha256(DATA).hexdigest()
ATTEST = ("attest", "A.5.1", "--owner", "Ada", "--valid-until", LATER)
WAIVE = ("waive", CHECK, "--reason", "Public letters.", "--approver", "Grace", "--expires", SOON)
EXCLUDE = ("exclude", "7.4", "--justification", "There are no premises.", "--approver", "Grace")


def at(days: int) -> dt.datetime:
    return dt.datetime.combine(TODAY + dt.timedelta(days=days), dt.time(9), dt.UTC)


def copy(box: Sandbox, folder: Path) -> Sandbox:
    shutil.copytree(box.folder, folder / "box")
    return Sandbox.make(folder / "box")


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Sandbox:
    box = Sandbox.make(tmp_path_factory.mktemp("statements") / "box")
    (box.folder / "policy.pdf").write_bytes(DATA)
    fill(box.config)
    return box


@pytest.fixture(scope="module")
def filled_before(tmp_path_factory: pytest.TempPathFactory) -> Sandbox:
    box = Sandbox.make(tmp_path_factory.mktemp("before") / "box")
    fill(box.config, at(-5))
    return box


@pytest.fixture(scope="module")
def stated_once(filled: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Sandbox:
    box = copy(filled, tmp_path_factory.mktemp("stated"))
    asked(box, *ATTEST, "--says", f"Signed {ESCAPE}", "--file", "policy.pdf")
    asked(box, *WAIVE, "--resource", LETTERS)
    asked(box, *EXCLUDE)
    return box


@pytest.fixture
def box(filled: Sandbox, tmp_path: Path) -> Sandbox:
    """The sample record, to state things in."""
    return copy(filled, tmp_path)


@pytest.fixture
def before(filled_before: Sandbox, tmp_path: Path) -> Sandbox:
    """The sample record as it was five days ago, and not read since."""
    return copy(filled_before, tmp_path)


@pytest.fixture
def stated(stated_once: Sandbox, tmp_path: Path) -> Sandbox:
    """The sample record with an attestation, a waiver and an exclusion."""
    return copy(stated_once, tmp_path)


def asked(box: Sandbox, *arguments: str) -> Any:
    said = box.ask(*arguments, "--format", "json")
    assert said.code == 0, said
    return said.json


def control(box: Sandbox, number: str, *more: str) -> dict[str, Any]:
    [row] = [row for row in asked(box, "status", *more) if row["control"] == number]
    return dict(row)


def refused(said: Ran, *words: str) -> None:
    assert (said.code, said.out) == (1, ""), said
    told = " ".join(said.err.split())
    assert [word for word in words if word not in told] == [], told


def entries(box: Sandbox) -> list[int]:
    with Record.open(box.store) as record:
        return [one.entry for one in query.statements(record)]


# Attestations.


def test_an_attestation_with_a_file_satisfies_and_is_signed_over_and_verifies(box: Sandbox) -> None:
    told = box.ask(*ATTEST, "--says", "We have a policy.", "--file", "policy.pdf")
    assert told.code == 0, told
    assert f"attestation for 5.1 by Ada until {LATER}." in told.out
    assert told.err == ""
    status = control(box, "5.1")
    assert (status["status"], status["reason"]) == ("satisfied", f"attested by Ada until {LATER}")
    checked = asked(box, "verify")
    assert checked["signed_size"] == checked["size"]
    assert Verifier(box.store).run() == []


def test_a_row_says_who_stands_for_it_and_who_filed_it(box: Sandbox) -> None:
    [row] = asked(box, *ATTEST, "--file", "policy.pdf", "--valid-from", SOON)
    assert (row["by"], row["valid_from"], row["valid_until"]) == ("Ada", SOON, LATER)
    assert row["filed_by"].startswith(f"{getpass.getuser()}@")
    assert (row["state"], row["days_left"]) == ("not_yet", 40)
    assert row["files"] == [
        {"sha256": SHA256, "bytes": len(DATA), "name": "policy.pdf", "media_type": "application/pdf"}
    ]


def test_the_environment_cannot_say_who_filed_it(box: Sandbox) -> None:
    named = Sandbox(box.folder, box.environment | {"LOGNAME": "mallory", "USER": "mallory"})
    [row] = asked(named, *EXCLUDE)
    assert not row["filed_by"].startswith("mallory")


def test_the_type_of_a_file_is_what_it_was_said_to_be(box: Sandbox) -> None:
    (box.folder / "notes.unheard-of").write_bytes(b"x")
    given = asked(box, *ATTEST, "--file", "policy.pdf", "--media-type", "text/html")
    guessed = asked(box, *ATTEST, "--file", "notes.unheard-of")
    assert given[0]["files"][0]["media_type"] == "text/html"
    assert guessed[0]["files"][0]["media_type"] == "application/octet-stream"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((*ATTEST,), ("--file", "--says")),
        ((*ATTEST, "--says", " "), ("--file", "--says")),
        (("attest", "5.99", *ATTEST[2:], "--says", "x"), ("no control '5.99'", "annexa controls list")),
        ((*ATTEST, "--says", "x", "--valid-from", "2999-01-01"), ("before it begins",)),
        ((*ATTEST[:4], "--valid-until", PAST, "--valid-from", PAST, "--says", "x"), ("already", "today")),
        ((*ATTEST[:4], "--valid-until", "soon", "--says", "x"), ("'soon' is no date",)),
        ((*ATTEST[:4], "--valid-until", "2026-02-30", "--says", "x"), ("is no date",)),
        (("attest", "5.1", "--owner", " ", "--valid-until", LATER, "--says", "x"), ("empty owner",)),
        ((*ATTEST, "--file", "nothing.pdf"), ("nothing.pdf cannot be read",)),
        ((*ATTEST, "--file", "policy.pdf", "--file", "."), (". cannot be read, or is no file",)),
        ((*EXCLUDE[:3], " ", "--approver", "Grace"), ("empty justification",)),
        ((*EXCLUDE, "--valid-until", PAST), ("before it begins",)),
        (("withdraw", "0", "--reason", "x", "--by", "Ada"), ("no statement that can be withdrawn",)),
    ],
)
def test_what_cannot_count_is_refused_and_leaves_nothing(
    box: Sandbox, arguments: tuple[str, ...], words: tuple[str, ...]
) -> None:
    refused(box.ask(*arguments), *words)
    assert entries(box) == []
    assert not (box.store / "files").exists()


def test_a_file_that_is_too_large_is_refused_and_not_kept(
    box: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "LARGEST_FILE", 10)
    refused(box.ask(*ATTEST, "--file", "policy.pdf"), "policy.pdf has more than")
    assert entries(box) == []
    assert [path for path in (box.store / "files").rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("arguments", [(*ATTEST, "--says", "x"), (*WAIVE, "--all-resources"), EXCLUDE])
def test_a_statement_makes_no_store(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    empty = Sandbox.make(tmp_path / "empty")
    refused(empty.ask(*arguments), "there is no store")
    assert not empty.store.exists()


def test_a_statement_that_nobody_can_sign_is_filed_and_says_so(box: Sandbox) -> None:
    assert box.ask("checkpoint").code == 0
    (box.store / "signing.key").unlink()
    told = box.ask(*EXCLUDE)
    assert told.code == 0
    assert "Filed as log entry" in told.out
    assert "it is filed, but its checkpoint is not signed" in told.err
    assert len(entries(box)) == 1
    assert control(box, "7.4")["status"] == "excluded"


# Waivers.


def test_a_waiver_by_name_takes_a_failure_out_of_what_counts_and_leaves_it_a_failure(box: Sandbox) -> None:
    before = control(box, "8.24")
    [row] = asked(box, *WAIVE, "--resource", "letters")
    assert (row["check"], row["resource_id"], row["by"]) == (CHECK, LETTERS, "Grace")
    after = control(box, "8.24")
    assert (after["fail"], after["waived"]) == (before["fail"] - 1, 1)
    [finding] = asked(box, "findings", "--waived")
    assert (finding["outcome"], finding["resource_id"]) == ("fail", LETTERS)
    assert finding["waived"] == {
        "entry": row["entry"],
        "approver": "Grace",
        "reason": "Public letters.",
        "until": SOON,
    }
    rest = asked(box, "findings", "--not-waived")
    assert len(rest) + 1 == len(asked(box, "findings"))
    assert {each["waived"] for each in rest} == {None}


def test_a_column_for_waivers_is_there_only_where_there_are_any(box: Sandbox) -> None:
    commands = (("findings", "--check", CHECK), ("status",))
    assert [("Waived" in box.ask(*command).out) for command in commands] == [False, False]
    box.ask(*WAIVE, "--resource", LETTERS)
    for command in commands:
        assert "Waived" in box.ask(*command).out
    rows = list(csv.DictReader(io.StringIO(box.ask("findings", "--format", "csv").out)))
    assert [row["resource_name"] for row in rows if row["waived"]] == ["letters"]


def test_one_waiver_is_filed_for_each_resource(box: Sandbox) -> None:
    volumes = [f"arn:aws:ec2:{REGION}:{ACCOUNT}:volume/{each}" for each in ("vol-1", "vol-2")]
    named = [argument for each in (*volumes, FORMULA) for argument in ("--resource", each)]
    rows = asked(box, "waive", VOLUMES, *WAIVE[2:], *named)
    assert [row["resource_id"] for row in rows] == volumes
    assert len(asked(box, "findings", "--waived")) == 2


def test_a_waiver_for_all_resources_covers_them_in_its_scope_only(box: Sandbox) -> None:
    asked(box, "waive", VOLUMES, *WAIVE[2:], "--all-resources", "--scope", ACCOUNT)
    assert {row["check"] for row in asked(box, "findings", "--waived")} == {VOLUMES}
    assert len(asked(box, "findings", "--waived")) == 2


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (WAIVE, ("--resource", "--all-resources")),
        ((*WAIVE, "--resource", LETTERS, "--all-resources"), ("--resource", "--all-resources")),
        (
            ("waive", "aws.s3.bucket.encrypted-with-kmz", *WAIVE[2:], "--all-resources"),
            ("there is no check", f"Did you mean {CHECK}"),
        ),
        ((*WAIVE, "--resource", "lettres"), ("has not judged any resource 'lettres'", "letters")),
        ((*WAIVE, "--resource", ""), ("has not judged any resource",)),
        ((*WAIVE, "--resource", LETTERS, "--scope", "999"), ("has judged nothing in 999",)),
        ((*WAIVE, "--all-resources", "--provider", "azure"), ("has judged nothing in azure",)),
        ((*WAIVE[:-1], PAST, "--resource", LETTERS), ("before it begins",)),
    ],
)
def test_a_waiver_that_would_never_match_is_refused(
    box: Sandbox, arguments: tuple[str, ...], words: tuple[str, ...]
) -> None:
    refused(box.ask(*arguments), *words)
    assert entries(box) == []


def test_fail_on_does_not_count_what_is_waived(box: Sandbox) -> None:
    def counted() -> Failures:
        with Record.open(box.store) as record:
            return failures_from(record, Severity.LOW)

    before = counted()
    asked(box, *WAIVE, "--resource", LETTERS)
    assert counted() == Failures(before.counted - 1, 1)
    assert before.waived == 0
    assert exit_code(RunResult("x"), Failures(0, 3)) is ExitCode.COMPLETE
    assert exit_code(RunResult("x"), Failures(1, 3)) is ExitCode.FINDINGS


# Exclusions and withdrawals.


def test_an_excluded_control_keeps_its_counts_and_says_who_decided(box: Sandbox) -> None:
    before = control(box, "8.24")
    asked(box, "exclude", "8.24", *EXCLUDE[2:])
    after = control(box, "8.24")
    assert (after["status"], after["reason"]) == ("excluded", "There are no premises. (approved by Grace)")
    assert after["fail"] == before["fail"] > 0
    requirements = asked(box, "status", "--framework", "soc2", "--status", "not_satisfied")
    assert not [row for row in requirements if row["controls"] == ["8.24"]]


def test_what_is_withdrawn_no_longer_counts_and_stays_on_record(box: Sandbox) -> None:
    [row] = asked(box, *EXCLUDE)
    told = box.ask("withdraw", str(row["entry"]), "--reason", "We moved in.", "--by", "Ada")
    assert f"withdrawal of {row['entry']} by Ada" in " ".join(told.out.split())
    assert control(box, "7.4")["status"] != "excluded"
    [listed] = asked(box, "statements")
    assert (listed["state"], listed["days_left"]) == ("withdrawn", None)
    [withdrawal] = asked(box, "statements", "--kind", "withdrawal")
    assert (withdrawal["withdraws"], withdrawal["text"]) == (row["entry"], "We moved in.")
    assert listed["withdrawn_by"] == withdrawal["entry"]
    refused(box.ask("withdraw", str(row["entry"]), "--reason", "x", "--by", "x"), "was withdrawn on")
    assert asked(box, "verify")["ok"]


# Lists.


def test_statements_are_listed_with_their_state_and_the_days_left(stated: Sandbox) -> None:
    rows = asked(stated, "statements")
    assert [(row["kind"], row["state"], row["days_left"]) for row in rows] == [
        ("attestation", "in_force", 40),
        ("waiver", "in_force", 10),
        ("exclusion", "in_force", None),
    ]
    assert len({tuple(row) for row in rows}) == 1, "all kinds have the same keys"
    assert [row["kind"] for row in asked(stated, "statements", "--kind", "waiver")] == ["waiver"]
    assert asked(stated, "statements", "--state", "expired") == []
    assert [row["kind"] for row in asked(stated, "statements", "--control", "8.24")] == ["waiver"]
    assert asked(stated, "statements", "--as-of", PAST) == []
    table = stated.ask("statements").out
    assert "Ada" in table
    assert "\x1b" not in table


def test_all_of_one_is_shown_and_steers_no_terminal(stated: Sandbox) -> None:
    [first, *_] = asked(stated, "statements")
    assert asked(stated, "statements", "show", str(first["entry"])) == [first]
    told = stated.ask("statements", "show", str(first["entry"]))
    assert "policy.pdf" in told.out
    assert "\x1b" not in told.out
    refused(stated.ask("statements", "show", "0"), "log entry 0 is no statement")


def test_a_spreadsheet_runs_nothing_that_was_stated(box: Sandbox) -> None:
    asked(box, *ATTEST, "--says", FORMULA)
    [row] = csv.DictReader(io.StringIO(box.ask("statements", "--format", "csv").out))
    assert row["text"] == f"'{FORMULA}"


def test_a_control_is_shown_with_what_was_stated_of_it_and_of_its_checks(stated: Sandbox) -> None:
    [policies] = asked(stated, "controls", "show", "5.1")
    [cryptography] = asked(stated, "controls", "show", "8.24")
    assert [row["kind"] for row in policies["statements"]] == ["attestation"]
    assert [row["kind"] for row in cryptography["statements"]] == ["waiver"]
    [result] = [row for row in cryptography["results"] if row["check"] == CHECK]
    assert (result["fail"], result["waived"], result["pass"]) == (0, 1, 1)
    told = stated.ask("controls", "show", "8.24").out
    assert "What was stated" in told
    assert stated.ask("controls", "show", "5.1").code == 0


# Files.


def test_a_file_is_taken_out_as_it_was_brought(stated: Sandbox) -> None:
    told = stated.ask("statements", "file", SHA256.upper(), "--out", "copy.pdf")
    assert told.code == 0, told
    assert (stated.folder / "copy.pdf").read_bytes() == DATA
    assert not (stated.folder / "copy.pdf").stat().st_mode & 0o111


def test_nothing_is_overwritten_by_a_file_that_is_taken_out(stated: Sandbox) -> None:
    (stated.folder / "copy.pdf").write_text("mine")
    refused(stated.ask("statements", "file", SHA256, "--out", "copy.pdf"), "is there already")
    (stated.folder / "link").symlink_to("elsewhere")
    refused(stated.ask("statements", "file", SHA256, "--out", "link"), "is there already")
    assert (stated.folder / "copy.pdf").read_text() == "mine"
    assert not (stated.folder / "elsewhere").exists()


def test_a_file_that_was_changed_is_not_taken_out(stated: Sandbox) -> None:
    files.path_of(stated.store, SHA256).write_bytes(DATA[:-1] + b"!")
    refused(stated.ask("statements", "file", SHA256, "--out", "copy.pdf"), "not the file that was filed")
    assert not (stated.folder / "copy.pdf").exists()
    files.path_of(stated.store, SHA256).unlink()
    refused(stated.ask("statements", "file", SHA256, "--out", "copy.pdf"), "is gone")


@pytest.mark.parametrize("name", ["0" * 64, "../../annexa.toml", "x"])
def test_only_files_that_a_statement_brought_are_taken_out(stated: Sandbox, name: str) -> None:
    refused(stated.ask("statements", "file", name, "--out", "copy"), "no statement brought a file")


def test_verify_names_a_file_that_was_changed(stated: Sandbox) -> None:
    files.path_of(stated.store, SHA256).write_bytes(DATA[:-1] + b"!")
    told = stated.ask("verify", "--format", "json")
    assert told.code == 4
    assert "policy.pdf" in told.json["problems"][0]["message"]
    assert Verifier(stated.store).run() != []


# The past.


def test_a_waiver_counts_for_its_days_and_its_end_is_said_and_seen_as_of_each(before: Sandbox) -> None:
    accepted = Waiver(CHECK, "aws", ACCOUNT, LETTERS, "On purpose.", "Grace", PAST, PAST)
    with Record.writer(before.store, lambda: at(-4)) as record:
        record.file(accepted, "root@host")
    days = [(TODAY - dt.timedelta(days=back)).isoformat() for back in (4, 3, 2)]
    assert [control(before, "8.24", "--as-of", day)["waived"] for day in days] == [0, 1, 0]
    assert [asked(before, "statements", "--as-of", day)[0]["state"] for day in days] == [
        "not_yet",
        "in_force",
        "expired",
    ]
    assert f"a waiver expired on {PAST}" in control(before, "8.24", "--as-of", days[-1])["reason"]
    assert len(asked(before, "findings", "--waived", "--as-of", days[1])) == 1
    changes = asked(before, "diff", "--from", days[0], "--to", days[1], "--kind", "statement")
    assert [(row["change"], row["before"], row["after"]) for row in changes] == [
        ("changed", "not_yet", "in_force")
    ]
    [ended] = asked(before, "diff", "--from", days[1], "--to", days[2], "--kind", "statement")
    assert (ended["change"], ended["after"]) == ("gone", "expired")


def test_a_difference_shows_what_was_stated_and_what_ended(before: Sandbox) -> None:
    [row] = asked(before, *EXCLUDE)
    [appeared] = asked(before, "diff", "--from", PAST, "--kind", "statement")
    assert (appeared["change"], appeared["before"], appeared["after"]) == ("appeared", "", "in_force")
    assert (appeared["statement"], appeared["entry"], appeared["control"]) == (
        "exclusion",
        row["entry"],
        "7.4",
    )
    changes = {row["control"]: row for row in asked(before, "diff", "--from", PAST, "--kind", "control")}
    changed = changes["7.4"]
    assert (changed["before"], changed["after"]) == ("needs_attestation", "excluded")
    assert "exclusion" in before.ask("diff", "--from", PAST, "--kind", "statement").out
    [withdrawn] = asked(before, "withdraw", str(row["entry"]), "--reason", "x", "--by", "x")
    assert asked(before, "diff", "--from", PAST, "--kind", "statement") == [], "it came and went in between"
    [gone] = asked(before, "diff", "--from", row["at"], "--kind", "statement")
    assert (gone["change"], gone["before"], gone["after"]) == ("gone", "in_force", "withdrawn")
    assert gone["entry"] != withdrawn["entry"]


def test_a_period_counts_the_days_that_were_attested_and_excluded(before: Sandbox) -> None:
    asked(before, *ATTEST, "--says", "We have a policy.", "--valid-from", PAST)
    asked(before, *EXCLUDE)
    rows = {row["control"]: row for row in asked(before, "status", "--period", f"{PAST}..{TODAY}")}
    policies, premises = rows["5.1"], rows["7.4"]
    assert (policies["days"], policies["attested_days"], policies["unevidenced_days"]) == (4, 1, 3), (
        "it counts from its filing on"
    )
    assert (premises["excluded_days"], premises["attested_days"], premises["unevidenced_days"]) == (1, 0, 4)
    assert before.ask("status", "--period", f"{PAST}..{TODAY}").code == 0


def test_a_statement_that_is_damaged_is_an_error_and_named_by_verify(stated: Sandbox) -> None:
    assert tamper(stated.store, "UPDATE log SET entry = x'00' WHERE kind = 'waiver'") == 1
    refused(stated.ask("status"), "is damaged", "annexa verify")
    assert stated.ask("verify").code == 4
