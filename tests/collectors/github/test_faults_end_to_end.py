"""What GitHub does not tell is never ``pass`` and never ``fail``, whichever read fails and however."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.annexa.conftest import Annexa
from tests.annexa.fault_matrix import Definitions, State, decided, named, needing
from tests.collectors.github import estate
from tests.collectors.github.conftest import Served, environment, served
from tests.collectors.github.github import TOKEN, error
from tests.collectors.github.test_github_conformance import refuse
from tests.collectors.rest.rules import Faulty, Matcher, Rule, at, break_off, hold, send

TYPES = (
    "github.actions.policy",
    "github.org.identity",
    "github.org.member",
    "github.org.owner",
    "github.org.settings",
    "github.org.webhook",
    "github.repo.deploy-key",
    "github.repo.repository",
    "github.security.secret-alert",
)

_WEBHOOKS = "github:GET /orgs/{org}/hooks"
_KEYS = "github:GET /repos/{owner}/{repo}/keys"
_PROTECTION = "github:GET /repos/{owner}/{repo}/branches/{branch}/protection"
_GRAPHQL = "graphql:POST /graphql"
_WORKFLOW = "github:GET /orgs/{org}/actions/permissions/workflow"
CALLS: dict[str, Matcher] = {
    _WEBHOOKS: at("/hooks"),
    _KEYS: at("/keys"),
    _WORKFLOW: at("/actions/permissions/workflow"),
    _PROTECTION: at("/protection"),
    _GRAPHQL: at("/graphql"),
    "github:GET /orgs/{org}/secret-scanning/alerts": at("/secret-scanning/alerts"),
}
"""Lists, one of them with parents, and details."""

FAULTS: dict[str, tuple[Faulty, str]] = {
    # how it fails → the code that the gaps give
    "denied": (refuse(error(403, "Resource not accessible by integration")), "NotAccessible"),
    "hidden": (refuse(error(404, "Not Found")), "NotFound"),
    "throttled for ever": (
        refuse(error(429, "You have exceeded a secondary rate limit.", ("Retry-After", "0"))),
        "SecondaryRateLimit",
    ),
    "no answer in time": (hold, "Timeout"),
    "malformed": (send(200, b"<!doctype html><p>Sign in", "text/html"), "MalformedAnswer"),
    "truncated": (break_off, "MalformedAnswer"),
    "token revoked": (refuse(error(401, "Bad credentials")), "BadCredentials"),
}

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def github(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One organisation for all that follows."""
    with environment(), served(tmp_path_factory.mktemp("github")) as organisation:
        yield organisation


@pytest.fixture(scope="module")
def good(github: Served, tmp_path_factory: pytest.TempPathFactory) -> Annexa:
    """A store in which everything was read."""
    annexa = Annexa(tmp_path_factory.mktemp("good"))
    annexa.environment |= {"GITHUB_TOKEN": TOKEN}
    configure(annexa, github)
    annexa.collect()
    return annexa


def configure(annexa: Annexa, github: Served, read_timeout: float = 20) -> None:
    """Write the configuration that leads to the organisation."""
    section = github.settings(read_timeout=read_timeout)
    lines = "\n".join(f"{key} = {json.dumps(value)}" for key, value in section.items())
    annexa.config.write_text(
        f'[store]\npath = "store"\n[collect]\nonly = {json.dumps(TYPES)}\n[github]\n{lines}\n',
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
def broken(request: pytest.FixtureRequest, good: Annexa, whole: State, github: Served) -> Broken:
    """Each way to fail in turn."""
    del whole  # which is what is known before anything breaks
    fault, code = FAULTS[request.param]
    github.rules[:] = [Rule(matches, fault) for matches in CALLS.values()]
    configure(good, github, read_timeout=0.5 if request.param == "no answer in time" else 20)
    summary = good.collect(code=2)
    state = State.of(good)
    github.rules.clear()
    configure(good, github)
    good.collect()
    return Broken(code, summary, state, State.of(good), good.verify_here().ok)


def test_a_good_run_leaves_nothing_unknown_for_want_of_an_answer(whole: State) -> None:
    assert whole.gaps == []
    outcomes = {(row["check"], row["resource_name"]): row["outcome"] for row in whole.findings}
    assert outcomes["github.org.settings.two-factor-required", estate.ORG] == "pass"
    assert outcomes["github.org.settings.base-permission", estate.ORG] == "fail"
    assert outcomes["github.org.settings.no-forks-of-private-repositories", estate.ORG] == "unknown"
    assert outcomes["github.org.member.two-factor", "octo"] == "fail"
    assert whole.outcomes["github.org.owner.number", ""] == "pass"
    assert outcomes["github.repo.repository.reviewed", "payroll"] == "pass"
    assert outcomes["github.repo.repository.reviewed", "website"] == "pass"
    assert outcomes["github.repo.repository.reviewed", "billing"] == "fail"
    assert outcomes["github.repo.repository.reviewed", "attic"] == "not_applicable"
    assert outcomes["github.actions.policy.token-reads", estate.ORG] == "pass"


@pytest.mark.parametrize("call", CALLS)
def test_each_call_is_one_that_something_needs(whole: State, definitions: Definitions, call: str) -> None:
    assert affected_by(call, whole, definitions), "the tests below would show nothing"


def affected_by(call: str, whole: State, definitions: Definitions) -> dict[tuple[str, str], str]:
    """Return what was decided, and cannot be without a call."""
    if call == _PROTECTION:  # archived repositories are not asked for it
        asked = {each for each in whole.resources["github.repo.repository"] if "/attic" not in each}
        reading = definitions.reading("github.repo.repository", "protection")
        return decided({(check.id, each) for check in reading for each in asked}, whole)
    return decided(needing(call, whole, definitions), whole)


def test_the_run_says_that_it_is_incomplete(broken: Broken) -> None:
    assert (broken.summary["status"], broken.summary["exit_code"]) == ("gaps", 2)
    assert broken.summary["gaps"] == len(broken.state.gaps) > 0


@pytest.mark.parametrize("call", CALLS)
def test_the_gap_names_the_call_the_organisation_and_the_code(broken: Broken, call: str) -> None:
    gaps = [gap for gap in broken.state.gaps if gap["call"] == call]
    assert gaps
    assert {gap["scope"] for gap in gaps} == {estate.ORG}
    assert {gap["code"] for gap in gaps} == {broken.code}
    assert all(gap["message"] and gap["at"] for gap in gaps)


@pytest.mark.parametrize("call", CALLS)
def test_what_needs_the_call_is_unknown(
    broken: Broken, whole: State, definitions: Definitions, call: str
) -> None:
    affected = affected_by(call, whole, definitions)
    assert {broken.state.outcomes.get(key) for key in affected} == {"unknown"}


def test_what_was_no_pass_does_not_become_one(broken: Broken, whole: State) -> None:
    passing = {key for key, outcome in broken.state.outcomes.items() if outcome == "pass"}
    assert passing
    assert {key: whole.outcomes.get(key) for key in passing} == dict.fromkeys(passing, "pass")


def test_what_needs_none_of_the_calls_stands(broken: Broken, whole: State, definitions: Definitions) -> None:
    affected = named(broken.state.gaps, definitions).union(
        *(needing(call, whole, definitions) for call in CALLS)
    )
    stands = whole.outcomes.keys() - affected
    assert {check.split(".")[1] for check, _ in stands} >= {"actions", "org", "repo"}
    assert {key: broken.state.outcomes.get(key) for key in stands} == {
        key: whole.outcomes[key] for key in stands
    }


def test_nobody_and_nothing_is_taken_for_gone(broken: Broken, whole: State) -> None:
    assert broken.state.resources == whole.resources


def test_the_next_run_is_whole_again(broken: Broken, whole: State) -> None:
    assert broken.after.gaps == []
    assert broken.after.outcomes == whole.outcomes
    assert broken.after.resources == whole.resources


def test_the_record_verifies_afterwards(broken: Broken) -> None:
    assert broken.verified


def test_members_of_a_page_that_does_not_come_are_not_taken_for_gone(
    good: Annexa, github: Served, whole: State
) -> None:
    def later(asked: Any) -> bool:
        return asked.path.endswith("/members") and "page" in asked.query

    github.rules[:] = [Rule(later, refuse(error(502, "Server Error")))]
    good.collect(code=2)
    state = State.of(good)
    github.rules.clear()
    assert state.resources["github.org.member"] == whole.resources["github.org.member"]
    first = {f"{estate.ORG}/members/{each['id']}" for each in estate.MEMBERS[: github.github.page]}
    unread = whole.resources["github.org.member"] - first
    assert {state.outcomes["github.org.member.two-factor", each] for each in unread} == {"unknown"}
    good.collect()


def test_doctor_and_permissions(good: Annexa) -> None:
    ran = good.run("doctor")
    assert ran.code == 0, ran.out + ran.err
    assert "user:mona" in ran.out
    granted = json.loads(good.run("permissions", "github").out)
    assert granted["organization_hooks"] == "read"
