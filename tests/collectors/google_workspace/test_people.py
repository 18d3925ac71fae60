"""Who administers, as the people view knows it: by a role of one's own, or by a group that holds one."""

import datetime as dt
from typing import Any

import pytest

from mappings.account import BUILT_IN_ACCOUNTS, load_accounts
from mappings.reading_accounts import Known, read_accounts
from store.model import Document

NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
USER = "google_workspace.directory.user"
ASSIGNMENT = "google_workspace.directory.role-assignment"
DEFINITIONS = [each for each in load_accounts([BUILT_IN_ACCOUNTS]) if each.provider == "google_workspace"]
BY_GROUP = {"assigneeType": "group", "assignedTo": "g1"}


def user(**more: Any) -> Known:
    item = {"id": "1", "primaryEmail": "ann@example.com", "isAdmin": False, "isDelegatedAdmin": False, **more}
    return _known(USER, {"item": item})


def assignment(item: dict[str, Any], **more: Any) -> Known:
    gaps = {"members": {"call": "members", "code": "forbidden"}} if not more else {}
    return _known(ASSIGNMENT, {"item": item, **more}, gaps)


def _known(kind: str, content: dict[str, Any], gaps: dict[str, Any] | None = None) -> Known:
    return Known("google_workspace", "C1", Document(kind, "id", "name", "", content, gaps=gaps or {}), "00")


def administers(*found: Known, unread: bool = False) -> bool | None:
    documents: dict[str, list[Known]] = {ASSIGNMENT: []}
    for each in found:
        documents.setdefault(each.document.resource_type, []).append(each)
    lists = [("google_workspace", "C1", ASSIGNMENT)] if unread else []
    (account,) = read_accounts(DEFINITIONS, documents, NOW, lists).found.values()
    said: bool | None = account.known["admin"]
    return said


def test_who_is_in_a_group_that_holds_a_role_administers() -> None:
    assert (
        administers(user(), assignment(BY_GROUP, members=[{"id": "2"}, {"id": "1", "type": "USER"}])) is True
    )


def test_who_holds_a_role_administers() -> None:
    assert administers(user(), assignment({"assigneeType": "user", "assignedTo": "1"}, members=None)) is True


@pytest.mark.parametrize("members", [None, [{"id": "2", "type": "USER"}], [{"id": "1", "type": "GROUP"}]])
def test_who_holds_none_does_not(members: list[dict[str, str]] | None) -> None:
    assert administers(user(), assignment(BY_GROUP, members=members)) is False


def test_what_the_user_says_holds_whatever_the_roles_say() -> None:
    assert administers(user(isAdmin=True)) is True


@pytest.mark.parametrize(
    "held",
    [assignment(BY_GROUP), assignment(BY_GROUP, members=[{"id": "C1", "type": "CUSTOMER"}])],
    ids=["members that could not be read", "everybody"],
)
def test_nobody_is_known_not_to_administer_where_the_members_are_not_known(held: Known) -> None:
    assert administers(user(), held) is None
    assert administers(user(isDelegatedAdmin=True), held) is True


def test_nobody_is_known_not_to_administer_where_roles_could_not_be_read() -> None:
    assert administers(user(), unread=True) is None
