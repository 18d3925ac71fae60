"""What Okta does not tell is never ``pass`` and never ``fail``, and nobody is taken for gone."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from tests.annexa.conftest import Annexa
from tests.annexa.fault_matrix import Definitions, State, decided, named, needing
from tests.collectors.conftest import Certified
from tests.collectors.okta import estate, org
from tests.collectors.okta.conftest import Okta, environment, served
from tests.collectors.okta.org import API_TOKEN
from tests.collectors.rest.rules import Faulty, Matcher, Rule, at, break_off, hold, send

TYPES = (
    "okta.authenticators.authenticator",
    "okta.groups.group",
    "okta.policies.authentication",
    "okta.policies.password",
    "okta.roles.administrator",
    "okta.security.network-zone",
    "okta.security.threat-insight",
    "okta.users.user",
)

CALLS: dict[str, Matcher] = {
    "okta:GET /api/v1/users": org.later_page("/api/v1/users"),
    "okta:GET /api/v1/iam/assignees/users": org.later_page("/api/v1/iam/assignees/users"),
    "okta:GET /api/v1/zones": at("/api/v1/zones"),
    "okta:GET /api/v1/threats/configuration": at("/threats/configuration"),
    "okta:GET /api/v1/users/{userId}/roles": at("/roles"),
    "okta:GET /api/v1/authenticators/{authenticatorId}/methods": at("/methods"),
    "okta:GET /api/v1/policies/{policyId}/rules": at("/rules"),
}
"""The later pages of two lists of people, a list, a setting, and details."""

FAULTS: dict[str, tuple[Faulty, str]] = {
    # how it fails → the code that the gaps give
    "denied": (org.refuse(403, "E0000006"), "E0000006"),
    "not bought": (org.refuse(401, "E0000015"), "E0000015"),
    "throttled for ever": (org.throttle(lambda: 0), "E0000047"),
    "no answer in time": (hold, "Timeout"),
    "malformed": (send(200, b"<!doctype html><p>Sign in", "text/html"), "MalformedAnswer"),
    "another answer": (send(200, b'{"message": "Sign in"}'), "MalformedAnswer"),
    "truncated": (break_off, "MalformedAnswer"),
    "token revoked": (org.refuse(401, "E0000011"), "E0000011"),
}

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def okta(certified: Certified, private_key: RSAPrivateKey, key_file: Path) -> Iterator[Okta]:
    """One organisation for all that follows."""
    with environment(certified), served(certified, private_key, key_file) as organisation:
        yield organisation


@pytest.fixture(scope="module")
def good(okta: Okta, certified: Certified, tmp_path_factory: pytest.TempPathFactory) -> Annexa:
    """A store in which everything was read."""
    annexa = Annexa(tmp_path_factory.mktemp("good"))
    annexa.environment |= {"OKTA_API_TOKEN": API_TOKEN, "SSL_CERT_FILE": str(certified.authority)}
    _configure(annexa, okta, read_timeout=20)
    annexa.collect()
    return annexa


def _configure(annexa: Annexa, okta: Okta, read_timeout: float) -> None:
    lines = "\n".join(
        f"{key} = {json.dumps(value)}" for key, value in okta.settings(read_timeout=read_timeout).items()
    )
    annexa.config.write_text(
        f'[store]\npath = "store"\n[collect]\nonly = {json.dumps(TYPES)}\n[okta]\n{lines}\n',
        encoding="utf-8",
    )


@pytest.fixture(scope="module")
def whole(good: Annexa) -> State:
    """What is known when everything was read."""
    return _state(good)


@pytest.fixture(scope="module")
def definitions(good: Annexa) -> Definitions:
    """The definitions of what is collected."""
    types = good.workspace.resource_types()
    return Definitions({kind: types[kind] for kind in TYPES}, good.workspace.checks)


def _state(annexa: Annexa) -> State:
    """What is known of Okta itself, and who is known; what follows for people is tested elsewhere."""
    every = State.of(annexa)
    findings = [row for row in every.findings if row["check"].startswith("okta.")]
    return State(findings, [row for row in every.gaps if row["provider"] == "okta"], every.resources)


FIRST_PAGE = {"00u1", "00u2"}
"""The people who are known although the later pages of their lists fail."""


@dataclass(frozen=True)
class Broken:
    """A run in which all of ``CALLS`` failed in one way, after a run in which none did.

    Attributes:
        summary: what the command printed; it exited with 2.
        after: the state after the next run, which exited with 0.
    """

    code: str
    summary: dict[str, Any]
    state: State
    after: State
    verified: bool


@pytest.fixture(scope="module", params=FAULTS)
def broken(request: pytest.FixtureRequest, good: Annexa, whole: State, okta: Okta) -> Broken:
    """Each way to fail in turn."""
    del whole  # which is what is known before anything breaks
    fault, code = FAULTS[request.param]
    okta.org.rules[:] = [Rule(matches, fault) for matches in CALLS.values()]
    _configure(good, okta, read_timeout=0.5 if request.param == "no answer in time" else 20)
    summary = good.collect(code=2)
    state = _state(good)
    okta.org.rules.clear()
    _configure(good, okta, read_timeout=20)
    good.collect()
    return Broken(code, summary, state, _state(good), good.verify_here().ok)


def test_a_good_run_leaves_nothing_unknown_for_want_of_an_answer(whole: State) -> None:
    assert whole.gaps == []
    assert decided(whole.outcomes, whole)


@pytest.mark.parametrize("call", CALLS)
def test_each_call_is_one_that_something_needs(whole: State, definitions: Definitions, call: str) -> None:
    affected = needing(call, whole, definitions, FIRST_PAGE)
    assert decided(affected, whole), "the tests below would show nothing"


def test_the_run_says_that_it_is_incomplete(broken: Broken) -> None:
    assert (broken.summary["status"], broken.summary["exit_code"]) == ("gaps", 2)
    assert broken.summary["gaps"] == len(broken.state.gaps) > 0


@pytest.mark.parametrize("call", CALLS)
def test_the_gap_names_the_call_the_organisation_and_the_code(broken: Broken, call: str) -> None:
    gaps = [gap for gap in broken.state.gaps if gap["call"] == call]
    assert gaps
    assert {gap["scope"] for gap in gaps} == {estate.ORG_ID}
    assert {gap["code"] for gap in gaps} == {broken.code}
    assert all(gap["message"] and gap["at"] for gap in gaps)


@pytest.mark.parametrize("call", CALLS)
def test_what_needs_the_call_is_unknown(
    broken: Broken, whole: State, definitions: Definitions, call: str
) -> None:
    affected = needing(call, whole, definitions, FIRST_PAGE)
    assert decided(affected, broken.state) == {}
    assert {broken.state.outcomes.get(key) for key in decided(affected, whole)} == {"unknown"}


def test_what_was_no_pass_does_not_become_one(broken: Broken, whole: State) -> None:
    passing = {key for key, outcome in broken.state.outcomes.items() if outcome == "pass"}
    assert passing
    assert {key: whole.outcomes.get(key) for key in passing} == dict.fromkeys(passing, "pass")


def test_what_needs_none_of_the_calls_stands(broken: Broken, whole: State, definitions: Definitions) -> None:
    affected = named(broken.state.gaps, definitions).union(
        *(needing(call, whole, definitions, FIRST_PAGE) for call in CALLS)
    )
    stands = whole.outcomes.keys() - affected
    assert {check.split(".")[1] for check, _ in stands} >= {"authenticators", "policies", "users"}
    assert {key: broken.state.outcomes.get(key) for key in stands} == {
        key: whole.outcomes[key] for key in stands
    }


def test_nobody_is_taken_for_gone(broken: Broken, whole: State) -> None:
    assert broken.state.resources == whole.resources


def test_the_next_run_is_whole_again(broken: Broken, whole: State) -> None:
    assert broken.after.gaps == []
    assert broken.after.outcomes == whole.outcomes
    assert broken.after.resources == whole.resources


def test_the_record_verifies_afterwards(broken: Broken) -> None:
    assert broken.verified
