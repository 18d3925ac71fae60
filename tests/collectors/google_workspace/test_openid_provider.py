"""A service account's assertion before an authorisation server that others wrote (RFC 7523 §2.1).

What Google asks of it: https://developers.google.com/identity/protocols/oauth2/service-account.
"""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from annexa.plugin import CallError
from collectors.gcp.credentials import GoogleTokens
from collectors.google_workspace.delegation import Delegation
from collectors.google_workspace.settings import GoogleWorkspaceSettings
from tests.collectors.conftest import Certified
from tests.collectors.gcp.identity import new_key
from tests.collectors.google_workspace.conftest import Served
from tests.collectors.google_workspace.delegated import ACCOUNT, ADMIN
from tests.collectors.openid_provider import ASSERTED, Client, OpenIdProvider

USERS = "https://www.googleapis.com/auth/admin.directory.user.readonly"
GROUPS = "https://www.googleapis.com/auth/admin.directory.group.readonly"
GOOGLE = "https://oauth2.googleapis.com/token"


@pytest.fixture
def section(
    google: Served,
    openid_provider: OpenIdProvider,
    certified: Certified,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> GoogleWorkspaceSettings:
    """The section whose service account the provider knows."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certified.authority))
    keys = {"0f": google.tokens.key.public_key()}
    client = Client(ACCOUNT, ASSERTED, keys=keys, subjects=frozenset({ADMIN}))
    openid_provider.clients[ACCOUNT] = client
    openid_provider.audiences = {GOOGLE}
    path = tmp_path / "key.json"
    path.write_text(json.dumps(google.tokens.file(openid_provider.url)))
    return google.section(credentials_file=str(path))


def refused(section: GoogleWorkspaceSettings) -> CallError:
    with pytest.raises(CallError) as caught:
        Delegation(section).tokens((USERS,)).authorization()
    return caught.value


def test_the_assertion_is_found_in_order(
    section: GoogleWorkspaceSettings, openid_provider: OpenIdProvider
) -> None:
    header = Delegation(section).tokens((USERS, GROUPS)).authorization()
    assert header.removeprefix("Bearer ") in openid_provider.tokens
    (asserted,) = openid_provider.asserted
    claims = asserted.claims
    assert (claims["iss"], claims["sub"], claims["aud"]) == (ACCOUNT, ADMIN, GOOGLE)
    assert set(claims["scope"].split()) == {USERS, GROUPS}
    assert 0 < claims["exp"] - claims["iat"] <= 3600


def test_the_service_account_of_google_cloud_signs_for_itself(
    section: GoogleWorkspaceSettings, openid_provider: OpenIdProvider
) -> None:
    assert GoogleTokens(section).authorization().removeprefix("Bearer ") in openid_provider.tokens
    (asserted,) = openid_provider.asserted
    claims = asserted.claims
    assert claims["iss"] == ACCOUNT
    assert "sub" not in claims


def test_the_key_of_somebody_else_is_refused(
    section: GoogleWorkspaceSettings, openid_provider: OpenIdProvider
) -> None:
    openid_provider.clients[ACCOUNT].keys = {"0f": new_key().public_key()}
    error = refused(section)
    assert error.code == "CredentialsFailed"
    assert "invalid_grant" in error.message


def test_a_key_that_was_taken_from_the_account(
    section: GoogleWorkspaceSettings, openid_provider: OpenIdProvider
) -> None:
    openid_provider.clients[ACCOUNT].keys = {"1e": openid_provider.clients[ACCOUNT].keys["0f"]}
    assert "kid" in refused(section).message


def test_an_account_that_is_not_known(
    section: GoogleWorkspaceSettings, openid_provider: OpenIdProvider
) -> None:
    openid_provider.clients.clear()
    assert "does not exist" in refused(section).message


def test_an_assertion_for_somebody_else_is_refused(
    section: GoogleWorkspaceSettings, openid_provider: OpenIdProvider
) -> None:
    openid_provider.audiences.clear()
    assert "'aud'" in refused(section).message


def test_a_clock_that_is_behind_is_told_in_the_provider_s_words(
    section: GoogleWorkspaceSettings, openid_provider: OpenIdProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    del openid_provider
    behind = datetime.now(UTC).replace(tzinfo=None) - timedelta(hours=3)
    monkeypatch.setattr("google.auth._helpers.utcnow", lambda: behind)
    assert "expired" in refused(section).message


def test_an_administrator_who_is_not_delegated(
    section: GoogleWorkspaceSettings, openid_provider: OpenIdProvider
) -> None:
    openid_provider.clients[ACCOUNT].subjects = frozenset({"else@example.com"})
    assert "permission" in refused(section).message


def test_a_token_that_is_refused_is_replaced(
    section: GoogleWorkspaceSettings, openid_provider: OpenIdProvider
) -> None:
    tokens = Delegation(section).tokens((USERS,))
    first = tokens.authorization()
    openid_provider.tokens.clear()
    assert tokens.authorization(refused=first).removeprefix("Bearer ") in openid_provider.tokens


def test_the_doctor_says_what_is_wrong_and_what_to_do(
    google: Served, section: GoogleWorkspaceSettings, openid_provider: OpenIdProvider
) -> None:
    openid_provider.clients.clear()
    more: dict[str, Any] = {"credentials_file": section.credentials_file}
    line = google.collector(**more).diagnose()[0]
    assert (line.name, line.ok) == ("credentials", False)
    assert "does not exist" in line.message
    assert "[google_workspace]" in line.hint
