"""What Graph does not tell is never ``pass`` and never ``fail``, whichever read fails and however."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.annexa.conftest import Annexa
from tests.annexa.fault_matrix import Definitions, State, decided, named, needing
from tests.collectors.conftest import Certified
from tests.collectors.entra import estate, graph
from tests.collectors.entra.conftest import Entra, serving
from tests.collectors.entra.graph import SECRET, TENANT
from tests.collectors.rest.rules import Faulty, Matcher, Rule, at, break_off, hold, send

TYPES = (
    "entra.group.group",
    "entra.policy.authorization",
    "entra.policy.conditional-access",
    "entra.policy.security-defaults",
    "entra.role.assignment",
    "entra.user.registration",
    "entra.user.user",
)

_REGISTRATIONS = "/reports/authenticationMethods/userRegistrationDetails"
_DEFAULTS = "/policies/identitySecurityDefaultsEnforcementPolicy"
_MEMBERS = "graph:GET /v1.0/groups/{id}/transitiveMembers"
CALLS: dict[str, Matcher] = {
    "graph:GET /v1.0/users": graph.later_page("/users"),
    f"graph:GET /v1.0{_REGISTRATIONS}": at(_REGISTRATIONS),
    f"graph:GET /v1.0{_DEFAULTS}": at(_DEFAULTS),
    _MEMBERS: at("/transitiveMembers"),
}
"""The later pages of a list, a report, a policy, and the members of groups."""

FAULTS: dict[str, tuple[Faulty, str]] = {
    # how it fails → the code that the gaps give
    "denied": (graph.refuse(403, "Authorization_RequestDenied"), "Authorization_RequestDenied"),
    "without a licence": (graph.refuse(400, "AadPremiumLicenseRequired"), "AadPremiumLicenseRequired"),
    "throttled for ever": (graph.refuse(429, "TooManyRequests"), "TooManyRequests"),
    "no answer in time": (hold, "Timeout"),
    "malformed": (send(200, b"<!doctype html><p>Sign in", "text/html"), "MalformedAnswer"),
    "truncated": (break_off, "MalformedAnswer"),
    "token expired": (graph.refuse(401, "InvalidAuthenticationToken"), "InvalidAuthenticationToken"),
}

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def tenant(certified: Certified) -> Iterator[Entra]:
    """One tenant for all that follows."""
    with serving(certified) as made:
        yield made


@pytest.fixture(scope="module")
def good(tenant: Entra, certified: Certified, tmp_path_factory: pytest.TempPathFactory) -> Annexa:
    """A store in which everything was read."""
    annexa = Annexa(tmp_path_factory.mktemp("good"))
    annexa.environment |= {"AZURE_CLIENT_SECRET": SECRET, "SSL_CERT_FILE": str(certified.authority)}
    _configure(annexa, tenant, read_timeout=20)
    annexa.collect()
    return annexa


def _configure(annexa: Annexa, tenant: Entra, read_timeout: float) -> None:
    section = tenant.settings(read_timeout=read_timeout)
    lines = "\n".join(f"{key} = {json.dumps(value)}" for key, value in section.items())
    annexa.config.write_text(
        f'[store]\npath = "store"\n[collect]\nonly = {json.dumps(TYPES)}\n[entra]\n{lines}\n',
        encoding="utf-8",
    )


@pytest.fixture(scope="module")
def whole(good: Annexa) -> State:
    """What is known when everything was read."""
    return State.of(good)


@pytest.fixture(scope="module")
def definitions(good: Annexa) -> Definitions:
    """The definitions of what is collected."""
    types = good.workspace.resource_types()
    return Definitions({kind: types[kind] for kind in TYPES}, good.workspace.checks)


@pytest.fixture(scope="module")
def first_page(tenant: Entra) -> set[str]:
    """The users that are known although the later pages of their list fail."""
    return {estate.identifier("a", number) for number in range(tenant.graph.page)}


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
def broken(request: pytest.FixtureRequest, good: Annexa, whole: State, tenant: Entra) -> Broken:
    """Each way to fail in turn."""
    del whole  # which is what is known before anything breaks
    fault, code = FAULTS[request.param]
    tenant.graph.rules[:] = [Rule(matches, fault) for matches in CALLS.values()]
    _configure(good, tenant, read_timeout=0.5 if request.param == "no answer in time" else 20)
    summary = good.collect(code=2)
    state = State.of(good)
    tenant.graph.rules.clear()
    _configure(good, tenant, read_timeout=20)
    good.collect()
    return Broken(code, summary, state, State.of(good), good.verify_here().ok)


def test_a_good_run_leaves_nothing_unknown_for_want_of_an_answer(whole: State) -> None:
    assert whole.gaps == []
    assert decided(whole.outcomes, whole)


def test_the_run_says_that_it_is_incomplete(broken: Broken) -> None:
    assert (broken.summary["status"], broken.summary["exit_code"]) == ("gaps", 2)
    assert broken.summary["gaps"] == len(broken.state.gaps) > 0


@pytest.mark.parametrize("call", CALLS)
def test_the_gap_names_the_call_the_tenant_and_the_code(broken: Broken, call: str) -> None:
    gaps = [gap for gap in broken.state.gaps if gap["call"] == call]
    assert gaps
    assert {gap["scope"] for gap in gaps} == {TENANT}
    assert {gap["code"] for gap in gaps} == {broken.code}
    assert all(gap["message"] and gap["at"] for gap in gaps)


@pytest.mark.parametrize("call", CALLS)
def test_what_needs_the_call_is_unknown(
    broken: Broken, whole: State, definitions: Definitions, first_page: set[str], call: str
) -> None:
    gaps = [gap for gap in broken.state.gaps if gap["call"] == call]
    affected = needing(call, whole, definitions, first_page) | named(gaps, definitions)
    assert decided(affected, whole), "this would show nothing"
    assert decided(affected, broken.state) == {}
    assert {broken.state.outcomes.get(key) for key in decided(affected, whole)} == {"unknown"}


def test_what_was_no_pass_does_not_become_one(broken: Broken, whole: State) -> None:
    passing = {key for key, outcome in broken.state.outcomes.items() if outcome == "pass"}
    assert passing
    assert {key: whole.outcomes.get(key) for key in passing} == dict.fromkeys(passing, "pass")


def test_what_needs_none_of_the_calls_stands(
    broken: Broken, whole: State, definitions: Definitions, first_page: set[str]
) -> None:
    affected = named(broken.state.gaps, definitions).union(
        *(needing(call, whole, definitions, first_page) for call in CALLS)
    )
    stands = whole.outcomes.keys() - affected
    assert {check.split(".")[1] for check, _ in stands} >= {"policy", "role", "user"}
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
