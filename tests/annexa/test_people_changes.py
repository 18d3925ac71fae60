"""Who joined, moved and left, as the runs of a few days found it."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.annexa.support_cli import Sandbox
from tests.scheduler.organisation import Organisation, Person

ANN, BOB, CAT = (Person(name[0], f"{name}@example.com") for name in ("ann", "bob", "cat"))
MEMBERS = ["user:ann@example.com", "user:bob@example.com"]


@pytest.fixture
def box(tmp_path: Path) -> Sandbox:
    return Sandbox.make(tmp_path / "box")


@pytest.fixture
def firm(box: Sandbox) -> Organisation:
    """Ann and Bob work here since before the first run, which is on 2 March."""
    firm = Organisation(box.store, people=[ANN, BOB], members=list(MEMBERS))
    firm.run()
    return firm


def changes(box: Sandbox, *arguments: str, since: str = "2026-03-02") -> list[tuple[str, str, str]]:
    ran = box.ask("people", "changes", "--from", since, *arguments, "--format", "json")
    assert ran.code == 0, ran
    return [(row["name"].partition("@")[0], row["change"], row["provider"]) for row in ran.json]


def row(box: Sandbox, change: str) -> dict[str, object]:
    ran = box.ask("people", "changes", "--from", "2026-03-02", "--only", change, "--format", "json")
    assert len(ran.json) == 1, ran
    found: dict[str, object] = ran.json[0]
    return found


def test_nothing_changed_where_nothing_did(firm: Organisation, box: Sandbox) -> None:
    firm.run()
    assert changes(box) == []
    assert "Nothing changed." in box.ask("people", "changes", "--from", "2026-03-02").out


def test_whoever_was_there_at_the_first_reading_did_not_join_then(firm: Organisation, box: Sandbox) -> None:
    firm.run()
    assert changes(box, since="2026-03-02T00:00:00.001Z") == []


def test_whoever_is_new_joined_and_gained_what_they_got(firm: Organisation, box: Sandbox) -> None:
    firm.people.append(CAT)
    firm.members.append("user:cat@example.com")
    firm.run()
    assert changes(box) == [("cat", "joined", ""), ("cat", "access-gained", "gcp")]


def test_whoever_moved_is_told_with_both_departments(firm: Organisation, box: Sandbox) -> None:
    firm.people[1] = replace(BOB, department="Sales")
    firm.run()
    firm.people[1] = replace(BOB, department="Finance")
    firm.run()
    ran = box.ask("people", "changes", "--from", "2026-03-02", "--only", "moved", "--format", "json")
    assert [(each["from"], each["to"]) for each in ran.json] == [("", "Sales"), ("Sales", "Finance")]


def test_whoever_left_is_told_with_what_they_could_still_reach_and_until_when(
    firm: Organisation, box: Sandbox
) -> None:
    firm.people[1] = replace(BOB, enabled=False)
    firm.run()
    left = row(box, "left")
    assert (left["active_in"], left["access_ended"]) == (["gcp"], None)
    firm.members.remove("user:bob@example.com")
    firm.run()
    assert changes(box) == [("bob", "left", ""), ("bob", "access-ended", "gcp")]
    left, ended = row(box, "left"), row(box, "access-ended")
    assert (left["active_in"], left["access_ended"]) == (["gcp"], ended["at"])
    assert left["after"] < left["at"] == ended["after"] < ended["at"]  # type: ignore[operator]
    assert "still active in gcp, until" in box.ask("people", "changes", "--from", "2026-03-02").out


def test_whoever_is_deleted_everywhere_at_once_left_and_lost_access(firm: Organisation, box: Sandbox) -> None:
    firm.people.pop()
    firm.members.remove("user:bob@example.com")
    firm.run()
    assert changes(box) == [("bob", "left", ""), ("bob", "access-ended", "gcp")]
    assert row(box, "left")["access_ended"] == row(box, "left")["at"]


def test_whoever_comes_back_returned(firm: Organisation, box: Sandbox) -> None:
    firm.people[1] = replace(BOB, enabled=False)
    firm.run()
    firm.people[1] = BOB
    firm.run()
    firm.people.pop()
    firm.members.clear()
    firm.run()
    firm.people.append(BOB)
    firm.run()
    told = [change for name, change, _ in changes(box) if name == "bob"]
    assert told == ["left", "returned", "left", "access-ended", "returned"]


def test_administration_is_gained_and_ended(firm: Organisation, box: Sandbox) -> None:
    firm.owners = ["b"]
    firm.run()
    firm.owners = []
    firm.run()
    assert changes(box, "--only", "admin-gained", "--only", "admin-ended") == [
        ("bob", "admin-gained", "azure"),
        ("bob", "admin-ended", "azure"),
    ]


def test_lists_that_are_denied_make_nobody_leave_or_lose_access(firm: Organisation, box: Sandbox) -> None:
    firm.denied = {"entra.user.user", "gcp.cloudresourcemanager.project"}
    firm.run()
    firm.denied = set()
    firm.run()
    assert changes(box) == []


def test_what_is_read_for_the_first_time_was_there_before(box: Sandbox) -> None:
    firm = Organisation(box.store, people=[ANN], members=list(MEMBERS), off={"gcp"})
    firm.run()
    firm.off = set()
    firm.run()
    assert changes(box) == []


def test_a_directory_that_could_not_be_read_at_first_makes_nobody_join(box: Sandbox) -> None:
    firm = Organisation(box.store, people=[ANN], members=list(MEMBERS), denied={"entra.user.user"})
    firm.run()
    firm.denied = set()
    firm.run()
    assert [change for _, change, _ in changes(box)].count("joined") == 0


def test_what_was_let_go_is_not_passed_over_in_silence(firm: Organisation, box: Sandbox) -> None:
    firm.people.pop()
    firm.members.remove("user:bob@example.com")
    firm.run()
    forget = ("people", "forget", "entra-object-id:b", "--reason", "asked to", "--by", "Ann")
    assert box.ask(*forget).code == 0
    ran = box.ask("people", "changes", "--from", "2026-03-02", "--format", "json")
    assert ran.json == []
    assert "retention let one former document" in ran.err


def test_a_time_that_ends_before_it_begins_is_refused(firm: Organisation, box: Sandbox) -> None:
    ran = box.ask("people", "changes", "--from", "2026-03-04", "--to", "2026-03-03")
    assert ran.code != 0
    assert "--to" in ran.err


def test_that_changes_may_be_missing_is_said_where_a_list_was_denied(
    firm: Organisation, box: Sandbox
) -> None:
    assert box.ask("people", "changes", "--from", "2026-03-02").err == ""
    firm.people.pop()
    firm.denied = {"entra.user.user"}
    firm.run()
    assert "changes may be missing" in box.ask("people", "changes", "--from", "2026-03-02").err
