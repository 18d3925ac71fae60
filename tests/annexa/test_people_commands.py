"""Listing people, finding one, and letting one go, as people use it."""

import os
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from store.record import Record
from store.verify import verify
from tests.annexa.support_cli import Sandbox
from tests.scheduler.organisation import REGISTRATION, USER, Organisation, Person

ANN, BOB = Person("a", "ann@example.com"), Person("b", "bob@example.com", mfa=False)
BOB_ID = "entra-object-id:b"
FORGET = ("people", "forget", BOB_ID, "--reason", "asked to be erased", "--by", "Ann", "--format", "json")


@pytest.fixture
def box(tmp_path: Path) -> Sandbox:
    return Sandbox.make(tmp_path / "box")


@pytest.fixture
def firm(box: Sandbox) -> Organisation:
    """Ann works here, Bob has left and still has access, and nobody knows Eve."""
    firm = Organisation(
        box.store,
        people=[ANN, BOB],
        owners=["a"],
        members=["user:ann@example.com", "user:bob@example.com", "user:eve@elsewhere.org"],
    )
    firm.run()
    firm.people[1] = replace(BOB, enabled=False)
    firm.run()
    return firm


def names(box: Sandbox, *arguments: str) -> list[str]:
    ran = box.ask("people", *arguments, "--format", "json")
    assert ran.code == 0, ran
    return [row["name"] for row in ran.json]


def leave(firm: Organisation) -> None:
    """Bob goes everywhere."""
    firm.people.pop()
    firm.members.remove("user:bob@example.com")
    firm.run()


def test_a_reader_that_leaves_is_no_failure(box: Sandbox) -> None:
    many = [Person(f"p{number}", f"p{number}@example.com") for number in range(60)]
    Organisation(box.store, people=many, owners=[], members=[]).run()
    read, write = os.pipe()
    process = subprocess.Popen(
        [*box.command, "people", "--format", "json"],
        cwd=box.folder,
        env=box.environment,
        stdout=write,
        stderr=subprocess.PIPE,
        text=True,
    )
    os.close(write)
    os.close(read)
    _, said = process.communicate(timeout=60)
    assert (process.returncode, said) == (0, "")


def test_people_are_listed_with_their_accounts(firm: Organisation, box: Sandbox) -> None:
    rows = {row["name"]: row for row in box.ask("people", "--format", "json").json}
    assert rows["ann@example.com"]["directories"] == ["entra"]
    assert rows["ann@example.com"]["access"] == ["azure", "gcp"]
    assert rows["ann@example.com"]["admin_in"] == ["azure"]
    assert rows["bob@example.com"]["left"] is True
    assert rows["bob@example.com"]["active_in"] == ["gcp"]
    assert rows["eve@elsewhere.org"]["in_directory"] is False
    assert "ann@example.com" in box.ask("people").out


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        (("--only", "left"), ["bob@example.com"]),
        (("--only", "orphan"), ["eve@elsewhere.org"]),
        (("--only", "admin", "--only", "active"), ["ann@example.com"]),
        (("--only", "admin", "--only", "left"), []),
        (("--provider", "azure"), ["ann@example.com"]),
        (("--only", "left", "--as-of", "2026-03-02"), []),
    ],
)
def test_people_are_filtered(
    firm: Organisation, box: Sandbox, arguments: tuple[str, ...], found: list[str]
) -> None:
    assert names(box, *arguments) == found


def test_a_person_is_shown_with_the_evidence_of_every_account(firm: Organisation, box: Sandbox) -> None:
    body = box.ask("people", "show", BOB_ID, "--format", "json").json
    assert [account["provider"] for account in body["accounts"]] == ["entra", "gcp"]
    source = body["accounts"][1]["sources"][0]
    shown = box.ask("evidence", "show", source["id"], "--format", "json").json
    assert [row["document"] for row in shown] == [source["document"]]
    text = box.ask("people", "show", BOB_ID).out
    assert "bob@example.com" in text
    assert source["document"][:16] in text


def test_of_whom_it_is_not_known_whether_they_match_is_said(firm: Organisation, box: Sandbox) -> None:
    firm.denied = {REGISTRATION}
    firm.run()
    ran = box.ask("people", "--only", "no-mfa", "--format", "json")
    assert ran.json == []
    assert "of 3 more it is not known whether they match: " in ran.err
    assert "ann@example.com" in ran.err


def test_nobody_is_named_where_all_is_known(firm: Organisation, box: Sandbox) -> None:
    assert box.ask("people", "--only", "left").err == ""


def test_that_a_directory_could_not_be_read_is_said(firm: Organisation, box: Sandbox) -> None:
    firm.denied = {USER}
    firm.run()
    ran = box.ask("people", "--only", "left")
    assert "not all accounts could be read" in ran.err
    assert box.ask("people", "--as-of", "2026-03-03").err == ""


def test_that_nobody_was_ever_matched_is_said(box: Sandbox) -> None:
    Organisation(box.store, off={"entra", "azure", "gcp"}).run()
    assert "no run has collected accounts to its end" in box.ask("people").out


def test_a_person_is_shown_by_an_address_that_nobody_else_has(firm: Organisation, box: Sandbox) -> None:
    assert box.ask("people", "show", "Bob@Example.com", "--format", "json").json["person"] == BOB_ID


def test_of_several_with_one_address_the_ids_are_told(firm: Organisation, box: Sandbox) -> None:
    firm.people.append(Person("c", "bob@example.com"))
    firm.run()
    ran = box.ask("people", "show", "bob@example.com")
    assert ran.code == 1
    assert BOB_ID in ran.err
    assert "entra-object-id:c" in ran.err


def test_a_person_that_is_not_there_is_said_not_to_be(firm: Organisation, box: Sandbox) -> None:
    ran = box.ask("people", "show", "email:nobody@example.com")
    assert ran.code == 1
    assert "there is no person" in ran.err


def test_of_whoever_went_everywhere_it_is_said_since_when_and_how_to_see_them(
    firm: Organisation, box: Sandbox
) -> None:
    leave(firm)
    ran = box.ask("people", "show", BOB_ID)
    assert ran.code == 1
    assert "since 2026-03-0" in ran.err
    assert "--as-of" in ran.err
    assert box.ask("people", "show", BOB_ID, "--as-of", "2026-03-03").code == 0


@pytest.mark.parametrize("command", ["people", "findings"])
def test_a_provider_that_there_is_not_is_refused(firm: Organisation, box: Sandbox, command: str) -> None:
    ran = box.ask(command, "--provider", "oktaa")
    assert ran.code == 1
    assert "there is no provider 'oktaa'" in ran.err
    assert "google_workspace" in ran.err


def test_a_person_is_found_by_address(firm: Organisation, box: Sandbox) -> None:
    assert names(box, "resolve", "BOB@example.com") == ["bob@example.com"]
    ran = box.ask("people", "resolve", "nobody@example.com")
    assert ran.code == 1
    assert "Nobody is known by" in ran.out


def test_the_holder_of_the_key_finds_a_person_by_address_in_a_store_of_pseudonyms(
    box: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    from collectors.privacy import Pseudonyms

    with Record.writer(box.store) as record:
        pseudonym = Pseudonyms.of_store(record.redaction_key()).of("ann@example.com")
    box.store.rename(box.store.with_suffix(".first"))
    key = (box.store.with_suffix(".first") / "redaction.key").read_text("ascii")
    Organisation(box.store, people=[Person("a", pseudonym)]).run()
    (box.store / "redaction.key").write_text(key, "ascii")
    assert names(box, "resolve", "ann@example.com") == [pseudonym]


def test_whoever_is_still_there_is_not_forgotten(firm: Organisation, box: Sandbox) -> None:
    ran = box.ask(*FORGET)
    assert ran.code == 1
    assert "still has accounts" in ran.err


def test_whoever_is_gone_is_forgotten_and_the_record_still_verifies(firm: Organisation, box: Sandbox) -> None:
    leave(firm)
    before = box.ask("evidence", "show", "b", "--format", "json").json
    assert before[0]["content"]
    would = box.ask(*FORGET, "--dry-run").json
    done = box.ask(*FORGET).json
    assert done["documents"] == would["documents"] > 0
    assert done["entry"] is not None
    after = box.ask("evidence", "show", "b", "--format", "json").json
    assert after[0]["content"] is None
    assert "asked to be erased" in after[0]["pruned"]["document"]
    with Record.open(box.store) as record:
        assert verify(record).problems == []
    assert "ann@example.com" in names(box)
    for past in (("people",), ("people", "resolve", "ann@example.com")):
        ran = box.ask(*past, "--as-of", "2026-03-03", "--format", "json")
        assert "bob@example.com" not in [row["name"] for row in ran.json]
        assert "1 more who were known then are not in this answer" in ran.err
        assert "asked to be erased" in ran.err
    shown = box.ask("people", "show", BOB_ID, "--as-of", "2026-03-03")
    assert shown.code == 1
    assert "nothing is kept any more" in shown.err
    assert box.ask("people", "--as-of", "2026-03-04T12:00:00Z").err == ""


def test_no_byte_of_whoever_is_forgotten_is_left(firm: Organisation, box: Sandbox) -> None:
    leave(firm)
    firm.run()
    assert b"bob@example.com" in everything(box)
    box.ask(*FORGET)
    assert b"bob@example.com" not in everything(box)


def everything(box: Sandbox) -> bytes:
    """Every byte of the store and of what is exported from it about the past."""
    out = box.folder / "findings.csv"
    assert (
        box.ask("export", "csv", "--period", "2026-03-02..2026-03-05", "--out", str(out), "--force").code == 0
    )
    files = [path.read_bytes() for path in box.store.rglob("*") if path.is_file()]
    return b"".join([*files, out.read_bytes()])


def test_what_others_are_in_and_is_current_stays(firm: Organisation, box: Sandbox) -> None:
    leave(firm)
    done = box.ask(*FORGET).json
    kept = [each["resource_id"] for each in done["current"]]
    assert kept == ["//project"]
    assert box.ask("evidence", "show", "//project", "--format", "json").json[0]["content"]


def test_a_hold_keeps_everybody(firm: Organisation, box: Sandbox) -> None:
    leave(firm)
    assert box.ask("hold", "place", "--reason", "a matter", "--by", "Counsel").code == 0
    ran = box.ask(*FORGET)
    assert ran.code == 1
    assert "hold" in ran.err


def test_whoever_never_was_is_not_forgotten(firm: Organisation, box: Sandbox) -> None:
    ran = box.ask("people", "forget", "email:nobody@x", "--reason", "r", "--by", "b")
    assert ran.code == 1
    assert "never was a person" in ran.err
