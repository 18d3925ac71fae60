"""A service app of ours before an authorisation server that others wrote."""

import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as generate_ec
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from annexa.demo.loopback import Answer, Asked
from annexa.plugin import CallError, CollectorError, Target
from collectors.okta.collector import OktaCollector
from collectors.okta.credentials import ServiceAppTokens
from collectors.okta.settings import OktaSettings
from tests.collectors.okta.conftest import Okta
from tests.collectors.okta.org import CLIENT, KEY_ID
from tests.collectors.openid_provider import ASSERTED, Client, OpenIdProvider
from tests.collectors.rest.rules import Rule, at

TOKEN = "/oauth2/v1/token"


@pytest.fixture
def signing(okta: Okta, openid_provider: OpenIdProvider, private_key: RSAPrivateKey) -> OpenIdProvider:
    """The organisation whose tokens the provider gives and takes back."""
    wanted = okta.collector().permissions(okta.collector().resource_types()).grants
    openid_provider.audiences = {f"{okta.server.url}{TOKEN}"}
    keys = {KEY_ID: private_key.public_key()}
    openid_provider.clients[CLIENT] = Client(CLIENT, ASSERTED, keys=keys, scopes=frozenset(wanted))
    okta.org.tokens = openid_provider.tokens

    def hand_on(asked: Asked, right: Callable[[], Answer | None]) -> Answer:
        headers = {"Content-Type": asked.headers["content-type"]}
        url = openid_provider.token_endpoint
        answer = httpx.post(url, content=asked.body, headers=headers)
        return Answer(answer.status_code, (("Content-Type", "application/json"),), answer.content)

    okta.org.rules.append(Rule(at(TOKEN), hand_on))
    return openid_provider


def refusal(collector: OktaCollector) -> CollectorError:
    with pytest.raises(CollectorError) as caught:
        collector.discover()
    return caught.value


def test_the_assertion_is_found_in_order(okta: Okta, signing: OpenIdProvider) -> None:
    (scope,) = okta.collector(okta.service_app()).discover().scopes
    assert scope.attributes["principal"] == f"service app {CLIENT}"
    (asserted,) = signing.asserted
    claims = asserted.claims
    assert (claims["iss"], claims["sub"], claims["aud"]) == (CLIENT, CLIENT, f"{okta.server.url}{TOKEN}")
    assert 0 < claims["exp"] - claims["iat"] <= 3600  # Okta takes an hour at most


def test_the_token_is_good_for_all_that_was_asked_for(okta: Okta, signing: OpenIdProvider) -> None:
    okta.collector(okta.service_app()).discover()
    assert set(signing.tokens.values()) == {signing.clients[CLIENT].scopes}


def test_an_assertion_with_an_elliptic_key_is_found_in_order(
    okta: Okta, signing: OpenIdProvider, tmp_path: Path
) -> None:
    key = generate_ec(SECP256R1())
    signing.clients[CLIENT].keys = {KEY_ID: key.public_key()}
    path = tmp_path / "key.pem"
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    section = okta.service_app() | {"private_key_file": str(path)}
    assert okta.collector(section).discover().scopes


def test_every_token_has_an_assertion_of_its_own(okta: Okta, signing: OpenIdProvider) -> None:
    signing.lasts = 60  # renewed at once, and the provider takes no assertion twice
    okta.collector(okta.service_app()).discover()
    assert len(signing.asserted) > 1
    assert len({each.claims["jti"] for each in signing.asserted}) == len(signing.asserted)


def test_a_token_that_is_taken_back_in_mid_list_is_replaced(okta: Okta, signing: OpenIdProvider) -> None:
    collector = okta.collector(okta.service_app())
    (scope,) = collector.discover().scopes
    collection = collector.collect(scope, Target("okta.users.user", ""))
    documents = iter(collection)
    next(documents)
    signing.tokens.clear()
    assert len(list(documents)) == 4
    assert collection.report.complete


def test_an_app_that_is_removed_in_mid_list_leaves_a_gap(okta: Okta, signing: OpenIdProvider) -> None:
    collector = okta.collector(okta.service_app())
    (scope,) = collector.discover().scopes
    collection = collector.collect(scope, Target("okta.users.user", ""))
    documents = iter(collection)
    next(documents)
    signing.tokens.clear()
    signing.clients.clear()
    list(documents)
    assert not collection.report.complete
    assert [gap.code for gap in collection.report.gaps] == ["CredentialsFailed"]
    assert "invalid_client" in collection.report.gaps[0].message


def test_a_scope_that_is_not_granted_costs_only_itself(okta: Okta, signing: OpenIdProvider) -> None:
    wanted = okta.collector().permissions(okta.collector().resource_types()).grants
    signing.scopes = sorted({*wanted} - {"okta.devices.read"})
    assert okta.collector(okta.service_app()).missing(wanted) == ["okta.devices.read"]


def test_the_key_of_somebody_else_is_refused(okta: Okta, signing: OpenIdProvider) -> None:
    signing.clients[CLIENT].keys = {KEY_ID: generate_private_key(65537, 2048).public_key()}
    error = refusal(okta.collector(okta.service_app()))
    assert "invalid_client" in str(error)
    assert "[okta]" in error.hint


@pytest.mark.parametrize(("section", "said"), [({"key_id": "other"}, "kid"), ({"client_id": "no"}, "exist")])
def test_a_client_or_key_that_is_not_known(
    okta: Okta, signing: OpenIdProvider, section: dict[str, str], said: str
) -> None:
    del signing
    assert said in str(refusal(okta.collector(okta.service_app() | section)))


def test_an_assertion_for_somebody_else_is_refused(okta: Okta, signing: OpenIdProvider) -> None:
    signing.audiences = {"https://example.okta.com/oauth2/v1/token"}
    assert "'aud'" in str(refusal(okta.collector(okta.service_app())))


def test_a_clock_that_is_behind_is_told_in_the_provider_s_words(okta: Okta, signing: OpenIdProvider) -> None:
    section = OktaSettings.model_validate(okta.service_app())
    scopes = tuple(sorted(signing.clients[CLIENT].scopes))
    with httpx.Client() as client:
        behind = ServiceAppTokens(section, client, scopes, wall=lambda: time.time() - 7200)
        with pytest.raises(CallError, match="expired") as caught:
            behind.authorization()
    assert caught.value.code == "CredentialsFailed"


def test_the_doctor_says_what_is_wrong_and_what_to_do(okta: Okta, signing: OpenIdProvider) -> None:
    signing.clients.clear()
    line = okta.collector(okta.service_app()).diagnose()[0]
    assert (line.name, line.ok) == ("credentials", False)
    assert "invalid_client" in line.message
    assert "[okta]" in line.hint
