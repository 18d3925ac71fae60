"""A service app that requires DPoP: every token and every request is proven, and what is not is refused."""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as generate_ec

from annexa.demo.loopback import Answer, Asked
from annexa.plugin import CallError, CollectorError, Target
from collectors.okta.collector import OktaCollector
from collectors.okta.credentials import ServiceAppTokens
from collectors.okta.possession import Proofs
from collectors.okta.settings import OktaSettings
from tests.collectors.okta.conftest import Okta
from tests.collectors.okta.org import CLIENT, challenge, oauth_error
from tests.collectors.okta.proofs import NotProvenError, Proven
from tests.collectors.rest.rules import Rule, at

TOKEN = "/oauth2/v1/token"
USERS = Target("okta.users.user", "")
URL = "https://example.okta.com/api/v1/users"
Right = Callable[[], Answer | None]


@pytest.fixture
def bound(okta: Okta) -> Iterator[OktaCollector]:
    """A collector whose service app requires DPoP."""
    collector = okta.collector(okta.service_app())
    okta.org.granted = frozenset(collector.permissions(collector.resource_types()).grants)
    okta.org.dpop = True
    yield collector
    okta.org.rules.clear()


def read(collector: OktaCollector) -> int:
    (scope,) = collector.discover().scopes
    collection = collector.collect(scope, USERS)
    found = len(list(collection))
    assert collection.report.complete, collection.report.gaps
    return found


def refusal(collector: OktaCollector) -> str:
    with pytest.raises(CollectorError) as caught:
        collector.discover()
    return str(caught.value)


def changed(**more: str) -> Callable[[Asked, Right], Answer]:
    """The right answer of the token endpoint, with other values."""

    def fault(asked: Asked, right: Right) -> Answer:
        answer = right()
        assert answer is not None
        return replace(answer, body=json.dumps(json.loads(answer.body) | more).encode())

    return fault


# --- what the organisation sees -------------------------------------------------------------------


def test_users_are_read_with_a_token_that_is_bound(okta: Okta, bound: OktaCollector) -> None:
    assert read(bound) == 5
    shown = [each for each in okta.server.asked if each.path.startswith("/api/")]
    assert {each.headers["authorization"].partition(" ")[0] for each in shown} == {"DPoP"}
    assert len(okta.org.showing.accepted) == len(shown)


def test_one_key_proves_all_and_is_not_the_service_app_s(okta: Okta, bound: OktaCollector) -> None:
    read(bound)
    assert okta.org.showing.keys == okta.org.asking.keys
    assert len(okta.org.asking.keys) == 1
    section = okta.service_app()
    assert read(okta.collector(section)) == 5
    assert len(okta.org.asking.keys) == 2, "each run makes a key of its own"


def test_the_nonce_of_the_token_endpoint_is_taken_up(okta: Okta, bound: OktaCollector) -> None:
    bound.discover()
    asked = [each for each in okta.server.asked if each.path == TOKEN]
    assert len(asked) == 2
    assert [each["nonce"] for each in okta.org.asking.accepted] == [okta.org.asking.nonce]


def test_a_next_token_needs_no_second_try(okta: Okta, bound: OktaCollector) -> None:
    bound.discover()
    before = len([each for each in okta.server.asked if each.path == TOKEN])
    okta.org.revoke()
    bound.discover()
    assert len([each for each in okta.server.asked if each.path == TOKEN]) == before + 1


def test_an_app_that_does_not_require_it_is_given_a_bearer_s_token(okta: Okta, bound: OktaCollector) -> None:
    okta.org.dpop = False
    assert read(bound) == 5
    assert "dpop" not in okta.server.asked[-1].headers


# --- in mid-run -----------------------------------------------------------------------------------


def test_a_new_nonce_in_mid_list_is_taken_up(okta: Okta, bound: OktaCollector) -> None:
    okta.org.showing.renew()
    (scope,) = bound.discover().scopes
    collection = bound.collect(scope, USERS)
    documents = iter(collection)
    next(documents)
    tokens = len(okta.org.tokens)
    okta.org.showing.renew()
    okta.org.asking.renew()
    assert len(list(documents)) == 4
    assert collection.report.complete
    assert okta.org.showing.accepted[-1]["nonce"] == okta.org.showing.nonce
    assert len(okta.org.tokens) == tokens, "a nonce is no reason for another token"


@pytest.mark.parametrize(("path", "of"), [(TOKEN, "asking"), ("/api/v1/org", "showing")])
def test_a_nonce_that_comes_with_a_good_answer_is_used_next(
    okta: Okta, bound: OktaCollector, path: str, of: str
) -> None:
    proven: Proven = getattr(okta.org, of)
    bound.discover()

    def foretell(asked: Asked, right: Right) -> Answer:
        answer = right()
        assert answer is not None
        proven.renew()
        return replace(answer, headers=(*answer.headers, ("DPoP-Nonce", proven.nonce)))

    okta.org.rules.append(Rule(at(path), foretell, times=1))
    okta.org.revoke()
    bound.discover()
    okta.org.revoke()
    before, accepted = len(okta.server.asked), len(okta.org.asking.accepted) + len(okta.org.showing.accepted)
    assert read(bound) == 5
    right = len(okta.org.asking.accepted) + len(okta.org.showing.accepted) - accepted
    assert len(okta.server.asked) - before == right + 1, "only the revoked token was refused"


def test_a_nonce_that_is_always_another_one_ends_in_a_gap(okta: Okta, bound: OktaCollector) -> None:
    (scope,) = bound.discover().scopes

    def another(asked: Asked, right: Right) -> Answer:
        del asked, right
        okta.org.showing.renew()
        return challenge("use_dpop_nonce", "Another nonce.", okta.org.showing.nonce)

    okta.org.rules.append(Rule(at("/api/v1/users"), another))
    before = len(okta.server.asked)
    collection = bound.collect(scope, USERS)
    assert list(collection) == []
    assert [gap.code for gap in collection.report.gaps] == ["use_dpop_nonce"]
    assert len(okta.server.asked) - before <= 6


def test_a_token_that_is_revoked_in_mid_list_is_replaced(okta: Okta, bound: OktaCollector) -> None:
    (scope,) = bound.discover().scopes
    collection = bound.collect(scope, USERS)
    documents = iter(collection)
    next(documents)
    okta.org.revoke()
    assert len(list(documents)) == 4
    assert collection.report.complete
    assert len(okta.org.bound) == 2


# --- what goes wrong ------------------------------------------------------------------------------


def test_a_clock_that_is_wrong_is_said(okta: Okta, bound: OktaCollector) -> None:
    del bound
    section = OktaSettings.model_validate(okta.service_app())
    with httpx.Client() as client:
        tokens = ServiceAppTokens(section, client, ("okta.users.read",), wall=lambda: time.time() - 100)
        with pytest.raises(CallError) as caught:
            tokens.authorization()
    assert "'iat' claim" in caught.value.message
    assert "clock of this machine" in caught.value.message


def test_a_proof_that_the_organisation_refuses_stops_the_run_in_its_words(
    okta: Okta, bound: OktaCollector
) -> None:
    wrong = challenge("invalid_dpop_proof", "'htu' claim in the DPoP proof JWT is invalid.")
    okta.org.rules.append(Rule(at("/api/v1/org"), lambda asked, right: wrong))
    assert "invalid_dpop_proof: 'htu' claim" in refusal(bound)


def test_a_nonce_is_asked_for_a_few_times_only(okta: Okta, bound: OktaCollector) -> None:
    def another(asked: Asked, right: Right) -> Answer:
        del asked, right
        okta.org.asking.renew()
        return oauth_error(400, "use_dpop_nonce", "A nonce.", ("DPoP-Nonce", okta.org.asking.nonce))

    okta.org.rules.append(Rule(at(TOKEN), another))
    before = len(okta.server.asked)
    assert "use_dpop_nonce" in refusal(bound)
    assert len(okta.server.asked) - before <= 3


def test_a_token_of_another_kind_is_refused(okta: Okta, bound: OktaCollector) -> None:
    okta.org.rules.append(Rule(at(TOKEN), changed(token_type="mac")))
    assert "neither" in refusal(bound)


def test_a_bound_token_that_is_said_to_be_a_bearer_s_is_not_taken(okta: Okta, bound: OktaCollector) -> None:
    okta.org.rules.append(Rule(at(TOKEN), changed(token_type="Bearer")))
    message = refusal(bound)
    assert "E0000011" in message
    assert not any(token in message for token in okta.org.tokens)


def test_the_doctor_names_whom_the_token_is_for(okta: Okta, bound: OktaCollector) -> None:
    line = bound.diagnose()[0]
    assert (line.ok, line.message) == (True, f"service app {CLIENT}")


# --- the proofs themselves, and that the check of the tests can tell ------------------------------


def shown(proof: str, target: str = "/api/v1/users?limit=2", method: str = "GET") -> Asked:
    return Asked(method, target.partition("?")[0], target, {}, {"dpop": proof}, b"")


def test_a_proof_names_the_address_without_its_query() -> None:
    proof = Proofs().proof("GET", httpx.URL(f"{URL}?limit=2#top"), "")
    assert jwt.decode(proof, options={"verify_signature": False})["htu"] == URL


def test_a_proof_names_the_address_unescaped_as_okta_compares_it() -> None:
    proof = Proofs().proof("GET", httpx.URL(f"{URL}/ann%40example.com"), "")
    assert Proven().check(shown(proof, "/api/v1/users/ann%40example.com"), "https://example.okta.com")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"method": "POST"}, "htm"),
        ({"url": "https://example.okta.com/api/v1/groups"}, "htu"),
        ({"token": "another"}, "ath"),
        ({"token": ""}, "ath"),
        ({"nonce": "stale"}, "nonce"),
        ({"nonce": ""}, "nonce"),
    ],
)
def test_a_proof_for_something_else_is_refused(change: dict[str, str], said: str) -> None:
    right = {"method": "GET", "url": URL, "nonce": "n", "token": "t"} | change
    proof = Proofs().proof(right["method"], httpx.URL(right["url"]), right["nonce"], right["token"])
    with pytest.raises(NotProvenError, match=said):
        Proven(nonce="n").check(shown(proof), "https://example.okta.com", "t")


def test_a_proof_is_good_once() -> None:
    proof, proven = Proofs().proof("GET", httpx.URL(URL), "", "t"), Proven()
    proven.check(shown(proof), "https://example.okta.com", "t")
    with pytest.raises(NotProvenError, match="already"):
        proven.check(shown(proof), "https://example.okta.com", "t")


def test_a_proof_with_somebody_else_s_signature_is_refused() -> None:
    proof = Proofs().proof("GET", httpx.URL(URL), "", "t")
    claims = jwt.decode(proof, options={"verify_signature": False})
    header = {key: value for key, value in jwt.get_unverified_header(proof).items() if key != "alg"}
    forged = jwt.encode(claims, generate_ec(SECP256R1()), "ES256", headers=header)
    with pytest.raises(NotProvenError, match="not in order"):
        Proven().check(shown(forged), "https://example.okta.com", "t")


def test_two_proofs_are_never_the_same() -> None:
    proofs = Proofs()
    made = {proofs.proof("GET", httpx.URL(URL), "", "t") for _ in range(20)}
    numbers = {jwt.decode(each, options={"verify_signature": False})["jti"] for each in made}
    assert len(numbers) == 20


def test_the_key_of_a_proof_is_a_public_one() -> None:
    header = jwt.get_unverified_header(Proofs().proof("GET", httpx.URL(URL), ""))
    assert header["jwk"].keys() == {"kty", "crv", "x", "y"}
    assert (header["typ"], header["alg"]) == ("dpop+jwt", "ES256")
