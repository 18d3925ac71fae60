"""Client credentials before an authorisation server that others wrote, found by its discovery."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as generate_ec
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from annexa.demo.loopback import Answer, Asked
from annexa.plugin import CollectorError
from tests.collectors.conftest import Certified
from tests.collectors.openid_provider import ASSERTED, Client, OpenIdProvider
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
        "credential": "client_secret_basic",
        "client_secret_env": "SCIM_CLIENT_SECRET",
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


@pytest.mark.parametrize("secret", [SECRET, "%41", "a%2Bb", "ü: ß", "a+b c"])
def test_a_secret_of_any_characters_is_told_as_it_is(
    scim: Scim,
    section: dict[str, Any],
    openid_provider: OpenIdProvider,
    monkeypatch: pytest.MonkeyPatch,
    secret: str,
) -> None:
    monkeypatch.setenv("SCIM_CLIENT_SECRET", secret)
    name = "annexa: audit %41"
    for method in ("client_secret_basic", "client_secret_post"):
        openid_provider.clients[name] = Client(name, method, secret, scopes=frozenset({"scim.read"}))
        assert scim.collector(**section | {"client_id": name, "credential": method}).discover().scopes


def test_a_client_that_proves_itself_otherwise_than_it_is_registered(
    scim: Scim, section: dict[str, Any]
) -> None:
    assert "invalid_client" in str(refusal(scim, section | {"credential": "client_secret_post"}))


@pytest.fixture(params=["RS256", "ES256"])
def signed(
    request: pytest.FixtureRequest, section: dict[str, Any], openid_provider: OpenIdProvider, tmp_path: Path
) -> dict[str, Any]:
    """The keys of a client that proves itself by what it signs."""
    key = generate_private_key(65537, 2048) if request.param == "RS256" else generate_ec(SECP256R1())
    path = tmp_path / "key.pem"
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    keys = {"scim-1": key.public_key()}
    openid_provider.clients["signer"] = Client("signer", ASSERTED, keys=keys, scopes=frozenset({"scim.read"}))
    more = {"client_id": "signer", "private_key_file": str(path), "key_id": "scim-1"}
    kept = {key: value for key, value in section.items() if key != "client_secret_env"}
    return kept | more | {"credential": "private_key_jwt"}


def test_a_client_signs_that_it_is_the_one(
    scim: Scim, signed: dict[str, Any], openid_provider: OpenIdProvider
) -> None:
    documents, report = scim.read(USER, **signed)
    assert report.complete
    assert len(documents) == USERS
    claims = openid_provider.asserted[-1].claims
    assert (claims["iss"], claims["sub"], claims["aud"]) == ("signer", "signer", signed["token_url"])


def test_each_token_is_asked_for_with_another_assertion(
    scim: Scim, signed: dict[str, Any], openid_provider: OpenIdProvider
) -> None:
    openid_provider.lasts = 1
    collector = scim.collector(**signed)
    collector.discover()
    time.sleep(1.05)  # a token is kept for a second at least
    collector.discover()
    assert len({each.claims["jti"] for each in openid_provider.asserted}) == 2


def test_a_key_that_the_provider_does_not_know(
    scim: Scim, signed: dict[str, Any], openid_provider: OpenIdProvider
) -> None:
    openid_provider.clients["signer"].keys = {"scim-1": generate_private_key(65537, 2048).public_key()}
    assert "invalid_client" in str(refusal(scim, signed))


def test_a_key_file_that_is_not_there(scim: Scim, signed: dict[str, Any]) -> None:
    assert "cannot be read" in str(refusal(scim, signed | {"private_key_file": "/nowhere/key.pem"}))


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
    assert "[scim.services]" in error.hint
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
    assert "[scim.services]" in line.hint
