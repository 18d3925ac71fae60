"""Client credentials before an authorisation server that others wrote, found by its discovery."""

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from annexa.demo.loopback import Answer, Asked
from annexa.plugin import CollectorError
from tests.collectors.conftest import Certified
from tests.collectors.openid_provider import Client, OpenIdProvider
from tests.collectors.rest.rules import Rule
from tests.collectors.scim.conftest import Scim, refuse
from tests.collectors.scim.service import TOKEN, USERS

SECRET = "a secret: with % + and /"
USER = "scim.directory.user"


@pytest.fixture
def section(
    scim: Scim, openid_provider: OpenIdProvider, certified: Certified, monkeypatch: pytest.MonkeyPatch
) -> Iterator[dict[str, Any]]:
    """The keys of ``[scim]`` that lead to the provider, in front of a service that takes its tokens only."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certified.authority))
    monkeypatch.setenv("SCIM_CLIENT_SECRET", SECRET)
    scopes = frozenset({"scim.read", "openid"})
    openid_provider.clients["annexa"] = Client("annexa", "client_secret_basic", SECRET, scopes=scopes)

    def gate(asked: Asked, right: Callable[[], Answer | None]) -> Answer | None:
        token = asked.headers["authorization"].removeprefix("Bearer ")
        if "scim.read" not in openid_provider.tokens.get(token, ()):
            return refuse(401, "The token is not good, or not any more.")(asked, right)
        asked.headers["authorization"] = f"Bearer {TOKEN}"  # the one that the server behind knows
        return right()

    scim.proxy.rules[:] = [Rule(lambda asked: True, gate)]
    found = httpx.get(f"{openid_provider.url}/.well-known/openid-configuration").json()
    assert "client_secret_basic" in found["token_endpoint_auth_methods_supported"]
    yield {
        "credential": "oauth",
        "token_url": found["token_endpoint"],
        "client_id": "annexa",
        "scope": "scim.read",
    }
    scim.proxy.rules.clear()


def refusal(scim: Scim, section: dict[str, Any]) -> CollectorError:
    with pytest.raises(CollectorError) as caught:
        scim.collector(**section).discover()
    return caught.value


def test_accounts_are_read_with_the_provider_s_token(
    scim: Scim, section: dict[str, Any], openid_provider: OpenIdProvider
) -> None:
    documents, report = scim.read(USER, **section)
    assert report.complete
    assert len(documents) == USERS
    assert list(openid_provider.tokens.values()) == [{"scim.read"}]


def test_a_token_that_is_taken_back_in_mid_list_is_replaced(
    scim: Scim, section: dict[str, Any], openid_provider: OpenIdProvider
) -> None:
    collector = scim.collector(**section)
    scope = collector.discover().scopes[0]
    collection = collector.collect(scope, collector.targets(scope, [USER])[0])
    documents = iter(collection)
    next(documents)
    openid_provider.tokens.clear()
    assert len(list(documents)) == USERS - 1
    assert collection.report.complete


def test_a_client_that_is_removed_in_mid_list_leaves_a_gap(
    scim: Scim, section: dict[str, Any], openid_provider: OpenIdProvider
) -> None:
    collector = scim.collector(**section)
    scope = collector.discover().scopes[0]
    collection = collector.collect(scope, collector.targets(scope, [USER])[0])
    documents = iter(collection)
    next(documents)
    openid_provider.tokens.clear()
    openid_provider.clients.clear()
    list(documents)
    assert not collection.report.complete
    assert [gap.code for gap in collection.report.gaps] == ["CredentialsFailed"]
    assert "invalid_client" in collection.report.gaps[0].message


def test_a_secret_that_is_wrong(scim: Scim, section: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCIM_CLIENT_SECRET", "another")
    error = refusal(scim, section)
    assert "invalid_client" in str(error)
    assert "[scim]" in error.hint
    assert "another" not in str(error)


def test_a_client_that_is_not_known(scim: Scim, section: dict[str, Any]) -> None:
    assert "does not exist" in str(refusal(scim, section | {"client_id": "nobody"}))


def test_a_scope_that_the_provider_does_not_have(
    scim: Scim, section: dict[str, Any], openid_provider: OpenIdProvider
) -> None:
    openid_provider.scopes = ["openid"]
    assert "invalid_scope" in str(refusal(scim, section))


def test_a_token_for_less_than_was_asked_for_is_refused_by_the_service_and_said(
    scim: Scim, section: dict[str, Any]
) -> None:
    assert "not good" in str(refusal(scim, section | {"scope": "openid"}))


def test_the_doctor_says_what_is_wrong_and_what_to_do(
    scim: Scim, section: dict[str, Any], openid_provider: OpenIdProvider
) -> None:
    openid_provider.clients.clear()
    line = scim.collector(**section).diagnose()[0]
    assert (line.name, line.ok) == ("credentials", False)
    assert "invalid_client" in line.message
    assert "[scim]" in line.hint
