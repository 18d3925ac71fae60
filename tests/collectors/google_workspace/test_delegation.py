"""Tokens by domain-wide delegation, with a key and without, and what the doctor says of them."""

import json
from collections.abc import Callable

import pytest

from annexa.demo.loopback import Answer, Asked
from annexa.plugin import CallError, Collection, CollectorError, Target, Tools
from collectors.google_workspace.collector import GoogleWorkspaceCollector
from collectors.google_workspace.delegation import NOT_DELEGATED, Delegation
from tests.collectors.gcp.identity import new_key
from tests.collectors.google_workspace import estate
from tests.collectors.google_workspace.conftest import Served
from tests.collectors.google_workspace.delegated import ADMIN, CLIENT_ID, KEYLESS, Delegated
from tests.collectors.rest.rules import Rule, at

USERS = "https://www.googleapis.com/auth/admin.directory.user.readonly"
SECURITY = "https://www.googleapis.com/auth/admin.directory.user.security"
CUSTOMER = "https://www.googleapis.com/auth/admin.directory.customer.readonly"


@pytest.fixture
def fresh(google: Served) -> Served:
    """The customer with everything delegated, and nothing asked yet."""
    google.tokens.delegated = None
    google.tokens.may_sign = True
    google.tokens.lives = None
    google.tokens.scopes.clear()
    google.workspace.rules.clear()
    google.server.asked.clear()
    return google


def collect(collector: GoogleWorkspaceCollector, kind: str) -> Collection:
    scope = collector.discover().scopes[0]
    return collector.collect(scope, Target(f"google_workspace.{kind}", ""))


def all_scopes(google: Served) -> set[str]:
    collector = google.collector()
    return set(collector.permissions(collector.resource_types()).grants)


def test_a_token_is_good_for_the_scopes_that_were_asked_for_and_no_others(fresh: Served) -> None:
    tokens = Delegation(fresh.section()).tokens((USERS,))
    token = tokens.authorization().removeprefix("Bearer ")
    assert fresh.tokens.scopes[token] == {USERS}
    assert tokens.principal().endswith(f" as {ADMIN}")


def test_a_token_is_asked_for_once(fresh: Served) -> None:
    delegation = Delegation(fresh.section())
    assert delegation.tokens((USERS,)).authorization() == delegation.tokens((USERS,)).authorization()
    assert len(fresh.server.asked) == 1


def test_without_a_key_iam_signs(fresh: Served) -> None:
    section = fresh.section(credential="impersonated", impersonate=KEYLESS)
    tokens = Delegation(section).tokens((USERS,))
    token = tokens.authorization().removeprefix("Bearer ")
    assert fresh.tokens.scopes[token] == {USERS}
    assert tokens.principal() == f"service account {KEYLESS} as {ADMIN}"
    assert any(each.path.endswith(f"{KEYLESS}:signJwt") for each in fresh.server.asked)


def test_signing_that_is_denied_says_what_is_missing(fresh: Served) -> None:
    fresh.tokens.may_sign = False
    section = fresh.section(credential="impersonated", impersonate=KEYLESS)
    with pytest.raises(CallError, match=r"iam\.serviceAccounts\.signJwt") as caught:
        Delegation(section).tokens((USERS,)).authorization()
    assert caught.value.code == "CredentialsFailed"


def test_a_scope_that_is_not_delegated_is_named_with_whom_to_delegate_it_to(fresh: Served) -> None:
    fresh.tokens.delegated = {CUSTOMER}
    with pytest.raises(CallError) as caught:
        Delegation(fresh.section()).tokens((SECURITY,)).authorization()
    assert caught.value.code == NOT_DELEGATED
    assert SECURITY in caught.value.message
    assert CLIENT_ID in caught.value.message
    assert not caught.value.retryable


def test_a_scope_that_is_not_delegated_costs_only_what_needs_it(fresh: Served) -> None:
    fresh.tokens.delegated = all_scopes(fresh) - {SECURITY}
    collector = fresh.collector()
    collection = collect(collector, "directory.super-admin")
    documents = list(collection)
    assert len(documents) == 2
    assert collection.report.complete
    assert {gap.code for gap in collection.report.gaps} == {NOT_DELEGATED}
    assert all({"apps", "passwords"} == each.gaps.keys() for each in documents)
    users = collect(collector, "directory.user")
    assert len(list(users)) == estate.USERS
    assert users.report.gaps == []


def test_the_doctor_names_each_scope_that_lacks(fresh: Served) -> None:
    fresh.tokens.delegated = all_scopes(fresh) - {SECURITY, USERS}
    lines = {line.name: line for line in fresh.collector().diagnose()}
    assert lines["credentials"].ok
    assert estate.CUSTOMER in lines["tenant"].message
    assert not lines["permissions"].ok
    assert SECURITY in lines["permissions"].message
    assert USERS in lines["permissions"].message
    assert CUSTOMER not in lines["permissions"].message


def test_the_doctor_is_content_where_all_are_delegated(fresh: Served) -> None:
    lines = fresh.collector().diagnose()
    assert all(line.ok for line in lines), lines
    assert any("all" in line.message and "granted" in line.message for line in lines)


def test_with_nothing_delegated_the_doctor_still_names_them(fresh: Served) -> None:
    fresh.tokens.delegated = set()
    lines = {line.name: line for line in fresh.collector().diagnose()}
    assert not lines["credentials"].ok
    assert CLIENT_ID in lines["credentials"].message
    assert not lines["permissions"].ok
    with pytest.raises(CollectorError, match="Delegate"):
        fresh.collector().discover()


def test_an_administrator_who_does_not_exist(fresh: Served) -> None:
    with pytest.raises(CollectorError, match="Invalid email or User ID"):
        fresh.collector(admin="nobody@example.com").discover()


def test_a_section_that_names_nobody_does_for_printing_the_scopes() -> None:
    collector = GoogleWorkspaceCollector({}, Tools(redaction_key=b"none"))
    assert collector.permissions(collector.resource_types()).grants
    with pytest.raises(CollectorError, match="set admin"):
        collector.discover()


def test_a_key_that_was_deleted(fresh: Served) -> None:
    collector = fresh.collector()
    other = json.dumps(Delegated(new_key()).file(fresh.server.url))
    (fresh.folder / "service-account.json").write_text(other)
    with pytest.raises(CollectorError, match="Invalid JWT Signature"):
        collector.discover()


def test_a_token_that_ends_in_mid_list_is_replaced(fresh: Served) -> None:
    fresh.tokens.lives = 1
    collection = collect(fresh.collector(), "directory.user")
    assert len(list(collection)) == estate.USERS
    assert collection.report.gaps == []
    assert collection.report.complete


def test_a_delegation_that_is_revoked_in_mid_list_leaves_a_list_that_is_not_whole(fresh: Served) -> None:
    def revoke(asked: Asked, right: Callable[[], Answer | None]) -> Answer | None:
        fresh.tokens.delegated = set()
        return right()

    fresh.tokens.lives = 1
    fresh.workspace.rules.append(Rule(at("/users"), revoke, times=1))
    collection = collect(fresh.collector(), "directory.user")
    assert len(list(collection)) == fresh.workspace.page
    assert not collection.report.complete
    assert [gap.code for gap in collection.report.gaps] == [NOT_DELEGATED]


def test_a_token_without_the_scope_is_no_list_of_nobody(fresh: Served) -> None:
    fresh.tokens.delegated = all_scopes(fresh) - {USERS}
    collection = collect(fresh.collector(), "directory.user")
    assert list(collection) == []
    assert not collection.report.complete
    assert [gap.code for gap in collection.report.gaps] == [NOT_DELEGATED]


@pytest.mark.parametrize(
    ("section", "words"),
    [
        ({"credentials_file": ""}, "needs credentials_file"),
        ({"credential": "impersonated"}, "needs impersonate"),
        ({"impersonate": KEYLESS}, "no use for impersonate"),
        ({"admin": ""}, "needs admin"),
        ({"admin": "nobody"}, "pattern"),
        ({"endpoint_url": "http://elsewhere.example"}, "no https:// address"),
    ],
)
def test_settings_that_do_not_fit(google: Served, section: dict[str, str], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        google.section(**section)


def test_where_services_are_asked() -> None:
    from collectors.google_workspace.settings import GoogleWorkspaceSettings

    section = GoogleWorkspaceSettings(admin=ADMIN, credentials_file="x.json")
    assert section.base_url("admin") == "https://admin.googleapis.com"
    assert section.base_url("groupssettings") == "https://www.googleapis.com"
