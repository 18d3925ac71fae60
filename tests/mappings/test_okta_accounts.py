"""What Okta tells of people: second factors, administrators by themselves and by groups, and leavers."""

from typing import Any

import pytest

from mappings.account import BUILT_IN_ACCOUNTS, AccountDefinition, load_accounts
from mappings.people import match
from mappings.reading_accounts import Account, Known, read_accounts
from store.model import Document
from tests.mappings.conftest import NOW

BUILT_IN = load_accounts([BUILT_IN_ACCOUNTS])
DENIED = {"call": "okta:GET /x", "code": "E0000006"}
USERS, FACTORS, ADMINISTRATORS, GROUPS = (
    "okta.users.user",
    "okta.users.factors",
    "okta.roles.administrator",
    "okta.groups.group",
)


def known(kind: str, content: dict[str, Any], *gaps: str) -> Known:
    return Known("okta", "org", Document(kind, "id", "x", "", content, dict.fromkeys(gaps, DENIED)), "00")


def user(name: str, kind: str = USERS, status: str = "ACTIVE", **profile: Any) -> Known:
    item = {"id": name, "status": status, "profile": {"login": f"{name}@example.com", **profile}}
    return known(kind, {"item": item})


def factors(name: str, *kinds: str, kind: str = FACTORS) -> Known:
    found = [{"factorType": each, "status": "ACTIVE"} for each in kinds]
    return known(kind, {"item": {"id": name}, "user": {"status": "ACTIVE"}, "factors": found})


def administrator(name: str, *kinds: str) -> Known:
    return factors(name, *kinds, kind=ADMINISTRATORS)


def group(*members: str, roles: list[str] | None = None) -> Known:
    return known(
        GROUPS,
        {
            "roles": None if roles is None else [{"type": each} for each in roles],
            "members": [{"id": each, "status": "ACTIVE"} for each in members] if roles else None,
        },
    )


def read(*found: Known, lists: tuple[str, ...] = (), unread: str = "") -> dict[str, Account]:
    """Read accounts; ``lists`` were read and are empty."""
    documents: dict[str, list[Known]] = {kind: [] for kind in lists}
    for each in found:
        documents.setdefault(each.document.resource_type, []).append(each)
    missing = [("okta", "org", unread)] if unread else []
    return {each.key: each for each in read_accounts(BUILT_IN, documents, NOW, missing).found.values()}


@pytest.mark.parametrize(
    ("kinds", "mfa"),
    [(("push",), True), (("sms",), True), (("email",), False), (("question", "email"), False), ((), False)],
)
def test_a_second_factor_is_more_than_an_address_or_a_question(kinds: tuple[str, ...], mfa: bool) -> None:
    found = read(user("a"), factors("a", *kinds), lists=(ADMINISTRATORS, GROUPS))
    assert found["a"].known["mfa"] is mfa


@pytest.mark.parametrize(("kinds", "mfa"), [(("webauthn",), True), ((), False)])
def test_factors_of_administrators_are_known_where_those_of_everybody_are_left_out(
    kinds: tuple[str, ...], mfa: bool
) -> None:
    found = read(user("a"), user("b"), administrator("a", *kinds), lists=(GROUPS,))
    assert found["a"].known["mfa"] is mfa
    assert found["b"].known["mfa"] is None


def test_who_is_no_administrator_keeps_the_second_factor_that_is_known_where_roles_are_denied() -> None:
    found = read(user("a"), user("b"), factors("a"), factors("b", "push"), lists=(GROUPS,))
    assert [found[each].known["mfa"] for each in ("a", "b")] == [False, True]
    assert found["a"].known["admin"] is None


def test_an_administrator_whose_factors_could_not_be_read_is_known_by_the_other_list() -> None:
    unread = known(ADMINISTRATORS, {"item": {"id": "a"}}, "factors")
    assert read(user("a"), unread, factors("a", "push"), lists=(GROUPS,))["a"].known["mfa"] is True
    assert read(user("a"), unread, lists=(GROUPS,))["a"].known["mfa"] is None


def test_a_list_of_administrators_that_broke_off_settles_nothing() -> None:
    found = read(user("a"), administrator("a"), lists=(GROUPS,), unread=ADMINISTRATORS)
    assert found["a"].known["mfa"] is None


def test_members_of_groups_with_roles_are_administrators() -> None:
    found = read(
        user("a"),
        user("b"),
        group("a", roles=["ORG_ADMIN"]),
        group(),
        group(roles=[]),
        lists=(ADMINISTRATORS,),
    )
    assert [found[each].known["admin"] for each in ("a", "b")] == [True, False]


def test_who_administers_is_not_known_where_groups_were_not_read() -> None:
    found = read(user("a"), user("b"), administrator("b"))
    assert [found[each].known["admin"] for each in ("a", "b")] == [None, True]


def test_a_group_whose_roles_could_not_be_read_leaves_open_who_administers() -> None:
    denied = known(GROUPS, {"members": None}, "roles")
    found = read(user("a"), denied, lists=(ADMINISTRATORS,))
    assert found["a"].known["admin"] is None


def test_a_leaver_is_known_by_the_employee_number() -> None:
    gone = user("a", "okta.users.deactivated", "DEPROVISIONED", employeeNumber="7")
    item = {"id": "e", "userPrincipalName": "renamed@example.com", "accountEnabled": True}
    entra = {"item": {**item, "userType": "Member", "assignedLicenses": [], "employeeId": "7"}}
    still = Known("entra", "t", Document("entra.user.user", "e", "x", "", entra), "00")
    (person,) = match(read(gone, still).values())
    assert {each.provider for each in person.accounts} == {"okta", "entra"}


@pytest.mark.parametrize("value", ["False", "false", 0])
def test_an_account_of_scim_that_is_switched_off_in_words_is_left_open(value: Any) -> None:
    item = {"item": {"id": "1", "userName": "a@example.com", "active": value}}
    found = read(Known("scim", "s", Document("scim.directory.user", "1", "x", "", item), "00"))
    assert found["1"].known["active"] is None


@pytest.mark.parametrize("wrong", [{"settles": ["guest"]}, {"settles": ["admin"]}])
def test_only_what_facts_tell_and_nothing_else_stands_for_can_settle(wrong: dict[str, Any]) -> None:
    facts = {
        "type": FACTORS,
        "kind": "facts",
        "of": USERS,
        "admin": "true",
        "otherwise": {"admin": False},
        "identifier": [{"kind": "okta-id", "value": "resource.item.id"}],
    }
    with pytest.raises(ValueError, match="'settles' is for"):
        AccountDefinition.model_validate({**facts, **wrong})
