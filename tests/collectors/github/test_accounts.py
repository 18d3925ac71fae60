"""Members belong to people of directories by what was verified, and by nothing else."""

import datetime as dt
from typing import Any

import pytest

from mappings.account import BUILT_IN_ACCOUNTS, load_accounts
from mappings.people import match
from mappings.reading_accounts import Account, Known, read_accounts
from store.model import Document

NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
BUILT_IN = load_accounts([BUILT_IN_ACCOUNTS])

_NOT_LINKED = {"saml": None, "enterprise_saml": None, "enterprise_oidc": None, "verified_domain": None}


def member(gaps: tuple[str, ...] = (), **content: Any) -> Known:
    kept: dict[str, Any] = {
        "item": {"id": 7, "login": "ann-codes", "email": "boss@example.com"},
        **_NOT_LINKED,
        **content,
    }
    missing = {key: {"call": "graphql:POST /graphql", "code": "NotShown"} for key in gaps}
    kept = {key: value for key, value in kept.items() if key not in missing}
    document = Document("github.org.member", "example/members/7", "ann-codes", "", kept, gaps=missing)
    return Known("github", "example", document, "00")


def employee(name: str) -> Known:
    content: dict[str, Any] = {
        "item": {
            "id": f"id-of-{name}",
            "userPrincipalName": name,
            "mail": None,
            "userType": "Member",
            "accountEnabled": True,
            "assignedLicenses": [],
        }
    }
    document = Document("entra.user.user", f"id-of-{name}", name, "", content)
    return Known("entra", "tenant", document, "01")


def accounts(*found: Known) -> list[Account]:
    documents: dict[str, list[Known]] = {}
    for each in found:
        documents.setdefault(each.document.resource_type, []).append(each)
    return list(read_accounts(BUILT_IN, documents, NOW).found.values())


@pytest.mark.parametrize(
    "linked",
    [
        {"saml": {"nameId": "Ann@Example.com", "username": None}},
        {"saml": {"nameId": "00u1", "username": "ann@example.com"}},
        {"enterprise_saml": {"nameId": "ann@example.com", "username": None}},
        {"enterprise_oidc": {"username": "ann@example.com"}},
        {"verified_domain": {"emails": ["ann@example.org", "ann@example.com"]}},
    ],
)
def test_what_was_verified_joins_a_member_to_the_person(linked: dict[str, Any]) -> None:
    (person,) = match(accounts(employee("ann@example.com"), member(**linked)))
    assert {each.provider for each in person.accounts} == {"entra", "github"}


def test_an_address_that_somebody_wrote_about_themselves_joins_nobody() -> None:
    assert len(match(accounts(employee("boss@example.com"), member()))) == 2


def test_a_name_id_that_is_no_address_is_no_address() -> None:
    (account,) = accounts(member(saml={"nameId": "00u1", "username": None}))
    assert account.names == {("github-id", "7"), ("saml-nameid", "00u1")}


def test_what_could_not_be_read_takes_nothing_from_what_could() -> None:
    (account,) = accounts(
        member(gaps=("enterprise_saml",), saml={"nameId": "ann@example.com", "username": None})
    )
    assert ("email", "ann@example.com") in account.names
