"""What Azure does not tell is never ``pass`` and never ``fail``, whichever read fails and however."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.annexa.conftest import Annexa
from tests.annexa.fault_matrix import Definitions, State, decided, named, needing
from tests.collectors.azure import arm, estate
from tests.collectors.azure.arm import SECRET, Rule
from tests.collectors.azure.conftest import Azure, environment, served
from tests.collectors.conftest import Certified
from tests.collectors.rest.rules import Faulty, Matcher

TYPES = (
    "azure.authorization.policy-assignment",
    "azure.keyvault.vault",
    "azure.management.group",
    "azure.network.security-group",
    "azure.policyinsights.policy-state",
    "azure.sql.server",
    "azure.storage.account",
    "azure.storage.container",
)

_IN = "/subscriptions/{subscriptionId}/providers"
_ACCOUNTS = f"arm:GET {_IN}/Microsoft.Storage/storageAccounts"
_QUERY = "/Microsoft.PolicyInsights/policyStates/latest/queryResults"
CALLS: dict[str, Matcher] = {
    _ACCOUNTS: arm.later_page("/storageAccounts"),
    f"arm:GET {_IN}/Microsoft.Network/networkSecurityGroups": arm.at("/networkSecurityGroups"),
    f"arm:POST {_IN}{_QUERY}": arm.at(_QUERY),
    "arm:GET {+id}/blobServices/default": arm.at("/blobServices/default"),
    "arm:GET {+id}/auditingSettings/default": arm.at("/auditingSettings/default"),
}
"""The later pages of a list that another one hangs on, a list, a query, and details."""

FAULTS: dict[str, tuple[Faulty, str]] = {
    # how it fails → the code that the gaps give
    "denied": (arm.refuse(403, "AuthorizationFailed"), "AuthorizationFailed"),
    "throttled for ever": (
        arm.refuse(429, "SubscriptionRequestsThrottled"),
        "SubscriptionRequestsThrottled",
    ),
    "no answer in time": (arm.hold, "Timeout"),
    "malformed": (arm.send(200, b"<!doctype html><p>Sign in", "text/html"), "MalformedAnswer"),
    "truncated": (arm.break_off, "MalformedAnswer"),
    "token expired": (arm.refuse(401, "ExpiredAuthenticationToken"), "ExpiredAuthenticationToken"),
}

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def azure(certified: Certified) -> Iterator[Azure]:
    """One tenant for all that follows."""
    with environment(certified), served(certified) as tenant:
        yield tenant


@pytest.fixture(scope="module")
def good(azure: Azure, certified: Certified, tmp_path_factory: pytest.TempPathFactory) -> Annexa:
    """A store in which everything was read."""
    annexa = Annexa(tmp_path_factory.mktemp("good"))
    annexa.environment |= {"AZURE_CLIENT_SECRET": SECRET, "SSL_CERT_FILE": str(certified.authority)}
    _configure(annexa, azure, read_timeout=20)
    annexa.collect()
    return annexa


def _configure(annexa: Annexa, azure: Azure, read_timeout: float) -> None:
    section = azure.settings(exclude=[estate.DISABLED], read_timeout=read_timeout)
    lines = "\n".join(f"{key} = {json.dumps(value)}" for key, value in section.items())
    annexa.config.write_text(
        f'[store]\npath = "store"\n[collect]\nonly = {json.dumps(TYPES)}\n[azure]\n{lines}\n',
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
def first_page(whole: State, azure: Azure) -> set[str]:
    """The accounts that are known although the later pages of their list fail, and what is in them."""
    parts = tuple(f"/storageaccounts/account{number}" for number in range(azure.arm.page))
    found = whole.resources["azure.storage.account"] | whole.resources["azure.storage.container"]
    return {each for each in found if each.endswith(parts) or any(f"{part}/" in each for part in parts)}


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
def broken(request: pytest.FixtureRequest, good: Annexa, whole: State, azure: Azure) -> Broken:
    """Each way to fail in turn."""
    del whole  # which is what is known before anything breaks
    fault, code = FAULTS[request.param]
    azure.arm.rules[:] = [Rule(matches, fault) for matches in CALLS.values()]
    _configure(good, azure, read_timeout=0.5 if request.param == "no answer in time" else 20)
    summary = good.collect(code=2)
    state = State.of(good)
    azure.arm.rules.clear()
    _configure(good, azure, read_timeout=20)
    good.collect()
    return Broken(code, summary, state, State.of(good), good.verify_here().ok)


def test_a_good_run_leaves_nothing_unknown_for_want_of_an_answer(whole: State) -> None:
    assert whole.gaps == []
    assert decided(whole.outcomes, whole)


@pytest.mark.parametrize("call", CALLS)
def test_each_call_is_one_that_something_needs(
    whole: State, definitions: Definitions, first_page: set[str], call: str
) -> None:
    affected = needing(call, whole, definitions, first_page)
    assert decided(affected, whole), "the tests below would show nothing"


def test_the_run_says_that_it_is_incomplete(broken: Broken) -> None:
    assert (broken.summary["status"], broken.summary["exit_code"]) == ("gaps", 2)
    assert broken.summary["gaps"] == len(broken.state.gaps) > 0


@pytest.mark.parametrize("call", CALLS)
def test_the_gap_names_the_call_the_subscription_and_the_code(broken: Broken, call: str) -> None:
    gaps = [gap for gap in broken.state.gaps if gap["call"] == call]
    assert gaps
    assert {gap["scope"] for gap in gaps} == {estate.SUBSCRIPTION}
    assert {gap["code"] for gap in gaps} == {broken.code}
    assert all(gap["message"] and gap["at"] for gap in gaps)


@pytest.mark.parametrize("call", CALLS)
def test_what_needs_the_call_is_unknown(
    broken: Broken, whole: State, definitions: Definitions, first_page: set[str], call: str
) -> None:
    affected = needing(call, whole, definitions, first_page)
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
    assert {check.split(".")[1] for check, _ in stands} >= {"keyvault", "management", "storage"}
    assert {key: broken.state.outcomes.get(key) for key in stands} == {
        key: whole.outcomes[key] for key in stands
    }


def test_no_resource_is_taken_for_gone(broken: Broken, whole: State) -> None:
    assert broken.state.resources == whole.resources


def test_the_next_run_is_whole_again(broken: Broken, whole: State) -> None:
    assert broken.after.gaps == []
    assert broken.after.outcomes == whole.outcomes
    assert broken.after.resources == whole.resources


def test_the_record_verifies_afterwards(broken: Broken) -> None:
    assert broken.verified
