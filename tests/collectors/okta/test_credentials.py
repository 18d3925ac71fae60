"""API tokens, and access tokens of a service app over a real socket."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as generate_ec
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from annexa.demo.loopback import Answer, Asked
from annexa.plugin import CallError, CollectorError, Target
from collectors.okta.collector import OktaCollector
from collectors.rest.client_assertion import load_private_key
from tests.collectors.okta.conftest import Okta
from tests.collectors.okta.org import CLIENT, refuse, throttle
from tests.collectors.rest.rules import Rule, at

TOKEN = "/oauth2/v1/token"


@pytest.fixture
def granted(okta: Okta) -> Iterator[OktaCollector]:
    """A collector whose service app has all scopes."""
    collector = okta.collector(okta.service_app())
    okta.org.granted = frozenset(collector.permissions(collector.resource_types()).grants)
    yield collector
    okta.org.rules.clear()
    okta.org.narrowed = frozenset()
    okta.org.lasts = 3600


def token_requests(okta: Okta) -> int:
    return len([each for each in okta.server.asked if each.path == TOKEN])


def refusal(collector: OktaCollector) -> str:
    with pytest.raises(CollectorError) as caught:
        collector.discover()
    return str(caught.value)


def test_an_api_token_is_sent_as_okta_wants_it(okta: Okta) -> None:
    (scope,) = okta.collector().discover().scopes
    assert scope.attributes["principal"] == "user 00u1"
    assert okta.server.asked[-1].headers["authorization"].startswith("SSWS ")


def test_without_an_api_token(okta: Okta, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OKTA_API_TOKEN")
    assert "OKTA_API_TOKEN is not set" in refusal(okta.collector())


def test_an_api_token_that_cannot_be_one(okta: Okta, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OKTA_API_TOKEN", "SSWS 00abc")
    message = refusal(okta.collector())
    assert "is no API token" in message
    assert "00abc" not in message


def test_a_revoked_api_token_stops_the_run_with_what_to_do(
    okta: Okta, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OKTA_API_TOKEN", "00revoked")
    with pytest.raises(CollectorError) as caught:
        okta.collector().discover()
    assert "E0000011" in str(caught.value)
    assert "made anew" in caught.value.hint
    assert "00revoked" not in str(caught.value)


def test_a_service_app_signs_in_with_its_key(okta: Okta, granted: OktaCollector) -> None:
    (scope,) = granted.discover().scopes
    assert scope.attributes["principal"] == f"service app {CLIENT}"
    assert granted.missing(granted.permissions(granted.resource_types()).grants) == []


def test_one_token_serves_a_whole_run(okta: Okta, granted: OktaCollector) -> None:
    before = token_requests(okta)
    (scope,) = granted.discover().scopes
    for kind in ("okta.users.user", "okta.groups.group"):
        assert list(granted.collect(scope, Target(kind, "")))
    assert token_requests(okta) == before + 1


def test_a_token_that_ends_in_the_middle_of_a_list_is_replaced(okta: Okta, granted: OktaCollector) -> None:
    (scope,) = granted.discover().scopes
    collection = granted.collect(scope, Target("okta.users.user", ""))
    documents = iter(collection)
    next(documents)
    okta.org.revoke()
    assert len(list(documents)) == 4
    assert collection.report.complete


def test_a_token_is_replaced_before_it_ends(okta: Okta, granted: OktaCollector) -> None:
    okta.org.lasts = 60
    before = token_requests(okta)
    granted.discover()
    assert token_requests(okta) > before + 1


def test_scopes_that_are_missing_are_named_and_the_rest_is_read(okta: Okta, granted: OktaCollector) -> None:
    okta.org.granted -= {"okta.logStreams.read", "okta.devices.read"}
    (scope,) = granted.discover().scopes
    wanted = granted.permissions(granted.resource_types()).grants
    assert granted.missing(wanted) == ["okta.devices.read", "okta.logStreams.read"]
    assert len(list(granted.collect(scope, Target("okta.users.user", "")))) == 5


def test_a_token_with_fewer_scopes_than_were_asked_for(okta: Okta, granted: OktaCollector) -> None:
    okta.org.narrowed = frozenset({"okta.apps.read", "okta.domains.read"})
    lines = {line.name: line for line in granted.diagnose()}
    assert not lines["permissions"].ok
    assert "2 of" in lines["permissions"].message
    assert "okta.apps.read, okta.domains.read" in lines["permissions"].message


def test_scopes_are_granted_as_asked_for_where_the_answer_names_none(
    okta: Okta, granted: OktaCollector
) -> None:
    def silent(asked: Asked, right: Callable[[], Answer | None]) -> Answer:
        answer = right()
        assert answer is not None
        body = {key: value for key, value in json.loads(answer.body).items() if key != "scope"}
        return replace(answer, body=json.dumps(body).encode())

    okta.org.rules.append(Rule(at(TOKEN), silent))
    assert granted.missing(granted.permissions(granted.resource_types()).grants) == []


def test_no_scope_at_all(okta: Okta, granted: OktaCollector) -> None:
    okta.org.granted = frozenset()
    message = refusal(granted)
    assert "none of the scopes" in message
    assert "annexa permissions okta" in message


def test_a_key_that_okta_does_not_know(okta: Okta, granted: OktaCollector) -> None:
    del granted
    section = okta.service_app() | {"key_id": "other"}
    assert "invalid_client" in refusal(okta.collector(section))


def test_a_token_endpoint_that_is_busy_is_a_gap_and_no_wrong_credential(
    okta: Okta, granted: OktaCollector
) -> None:
    okta.org.rules.append(Rule(at(TOKEN), throttle(lambda: 0)))
    found = granted.discover()
    assert found.scopes == ()
    assert found.gaps[0].code == "E0000047"


def test_a_token_endpoint_that_says_something_else(okta: Okta, granted: OktaCollector) -> None:
    okta.org.rules.append(Rule(at(TOKEN), refuse(403, "E0000006", "You do not have permission")))
    assert "E0000006" in refusal(granted)


def jwk(key: RSAPrivateKey) -> dict[str, Any]:
    return dict(jwt.algorithms.RSAAlgorithm.to_jwk(key, as_dict=True))


def test_a_key_may_be_a_jwk(
    okta: Okta, granted: OktaCollector, private_key: RSAPrivateKey, tmp_path: Path
) -> None:
    del granted
    path = tmp_path / "key.json"
    path.write_text(json.dumps(jwk(private_key)))
    section = okta.service_app() | {"private_key_file": str(path)}
    assert okta.collector(section).discover().scopes


def test_an_elliptic_key_serves_too(tmp_path: Path) -> None:
    key = generate_ec(SECP256R1())
    path = tmp_path / "key.json"
    path.write_text(json.dumps(jwt.algorithms.ECAlgorithm.to_jwk(key, as_dict=True)))
    assert load_private_key(path).private_numbers() == key.private_numbers()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"-----BEGIN PRIVATE KEY-----\n",
        b"{}",
        b"[]",
        b'{"kty": "oct", "k": "c2VjcmV0"}',
        b"{ not json",
    ],
)
def test_a_file_without_a_private_key(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "key"
    path.write_bytes(content)
    with pytest.raises(CallError) as caught:
        load_private_key(path)
    assert caught.value.code == "NoCredentials"


def test_a_public_key_is_no_private_one(private_key: RSAPrivateKey, tmp_path: Path) -> None:
    path = tmp_path / "public.json"
    path.write_text(json.dumps(jwt.algorithms.RSAAlgorithm.to_jwk(private_key.public_key(), as_dict=True)))
    with pytest.raises(CallError, match="no private"):
        load_private_key(path)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(CallError, match="cannot be read"):
        load_private_key(tmp_path / "nowhere")
