"""What could not be read of GCP is never ``pass``, whichever read it is and however it fails."""

from dataclasses import dataclass
from typing import Any

import pytest

from scheduler.runner import RunResult
from tests.annexa.conftest import Annexa
from tests.annexa.fault_matrix import State, decided
from tests.collectors.gcp import estate, google
from tests.collectors.gcp.conftest import Gcp
from tests.collectors.gcp.test_end_to_end import configured
from tests.collectors.rest.rules import Faulty, Matcher, Rule, at, break_off, hold, send

pytestmark = pytest.mark.slow

BUCKET = "gcp.storage.bucket"
FIREWALL = "gcp.compute.firewall"
"""Another type, which stands whatever happens to buckets."""

READS: dict[str, tuple[Matcher, str]] = {
    # which read fails → its requests, and its call as gaps name it
    "list": (at("/storage/v1/b"), "storage:GET /storage/v1/b"),
    "later page": (google.later_page("/storage/v1/b"), "storage:GET /storage/v1/b"),
    "detail": (at("/iam"), "storage:GET /storage/v1/b/{bucket}/iam"),
}
FAULTS: dict[str, tuple[Faulty, str]] = {
    # how it fails → the code that the gaps give
    "denied": (google.deny(), "IAM_PERMISSION_DENIED"),
    "throttled for ever": (google.throttle(), "RATE_LIMIT_EXCEEDED"),
    "no answer in time": (hold, "Timeout"),
    "malformed": (send(200, b"<!doctype html><title>Sign in</title>", "text/html"), "MalformedAnswer"),
    "cut off": (break_off, "MalformedAnswer"),
    "token expired": (google.expire(), "ACCESS_TOKEN_EXPIRED"),
}
BY_COMMAND = {("list", "denied"), ("later page", "cut off"), ("detail", "token expired")}
"""What the command itself meets, in a process of its own; the rest meets it in this one, which is faster."""

FIRST_PAGE = {f"//storage.googleapis.com/{estate.PROJECT}-{number}" for number in range(2)}


@pytest.fixture(scope="module")
def good(gcp: Gcp, tmp_path_factory: pytest.TempPathFactory) -> Annexa:
    """A store in which everything was read."""
    only = f'only = ["{BUCKET}", "{FIREWALL}"]'
    annexa = configured(gcp, tmp_path_factory.mktemp("good"), only, read_timeout=0.7)
    annexa.collect()
    return annexa


@pytest.fixture(scope="module")
def whole(good: Annexa) -> State:
    """What is known when everything was read."""
    return State.of(good)


@dataclass(frozen=True)
class Broken:
    """A run in which one read failed, after a run in which none did.

    Attributes:
        affected: the findings, as (check, resource), that cannot be judged without it.
    """

    call: str
    code: str
    summary: dict[str, Any]
    state: State
    affected: set[tuple[str, str]]
    healed: RunResult
    after: State
    verified: bool


@pytest.fixture(
    scope="module",
    params=[(read, fault) for read in READS for fault in FAULTS],
    ids=lambda each: f"{each[0]}, {each[1]}",
)
def broken(request: pytest.FixtureRequest, good: Annexa, whole: State, gcp: Gcp) -> Broken:
    """Each read failing in each way."""
    read, fault = request.param
    matches, call = READS[read]
    faulty, code = FAULTS[fault]
    gcp.google.rules.append(Rule(matches, faulty))
    summary = good.collect(code=2) if request.param in BY_COMMAND else good.summary_here()
    state = State.of(good)
    gcp.google.rules.clear()
    healed = good.collect_here()
    return Broken(
        call,
        code,
        summary,
        state,
        affected(good, whole, read),
        healed,
        State.of(good),
        good.verify_here().ok,
    )


def affected(annexa: Annexa, whole: State, read: str) -> set[tuple[str, str]]:
    """Return the findings, as (check, resource), that need a read."""
    checks = [check for check in annexa.workspace.checks.values() if check.resource == BUCKET]
    if read == "detail":
        checks = [check for check in checks if check.keys is None or "iam" in check.keys]
    unread = whole.resources[BUCKET] - (FIRST_PAGE if read == "later page" else set())
    return {(check.id, each) for check in checks for each in unread}


def test_a_good_run_decides_everything(whole: State) -> None:
    assert whole.gaps == []
    assert len(whole.resources[BUCKET]) == estate.BUCKETS
    assert set(whole.outcomes.values()) >= {"pass", "fail"}
    assert {key for key, outcome in whole.outcomes.items() if outcome == "unknown"} == set()


@pytest.mark.parametrize("read", READS)
def test_each_read_is_one_that_something_needs(good: Annexa, whole: State, read: str) -> None:
    needing = decided(affected(good, whole, read), whole)
    assert set(needing.values()) == {"pass", "fail"}, "the tests below would show nothing"


def test_the_run_says_that_it_is_incomplete(broken: Broken) -> None:
    assert broken.summary["status"] == "gaps"
    assert broken.summary["exit_code"] == 2
    assert broken.summary["gaps"] == len(broken.state.gaps) > 0


def test_the_gap_names_call_scope_and_code(broken: Broken) -> None:
    assert {gap["call"] for gap in broken.state.gaps} == {broken.call}
    assert {gap["scope"] for gap in broken.state.gaps} == {estate.PROJECT}
    assert {gap["code"] for gap in broken.state.gaps} == {broken.code}
    assert all(gap["message"] and gap["at"] for gap in broken.state.gaps)


def test_what_needs_the_read_is_unknown(broken: Broken, whole: State) -> None:
    assert decided(broken.affected, broken.state) == {}
    assert {broken.state.outcomes[key] for key in decided(broken.affected, whole)} == {"unknown"}


def test_nothing_becomes_a_pass(broken: Broken, whole: State) -> None:
    passing = {key for key, outcome in broken.state.outcomes.items() if outcome == "pass"}
    assert passing <= {key for key, outcome in whole.outcomes.items() if outcome == "pass"}


def test_what_does_not_need_the_read_stands(broken: Broken, whole: State) -> None:
    stands = whole.outcomes.keys() - broken.affected
    together = {key for key in stands if key[1] == ""}
    assert stands - together
    for key in stands - together:
        assert broken.state.outcomes[key] == whole.outcomes[key], key


def test_no_resource_is_taken_for_gone(broken: Broken, whole: State) -> None:
    assert broken.state.resources == whole.resources


def test_the_next_run_is_whole_again(broken: Broken, whole: State) -> None:
    assert broken.healed.status == "complete"
    assert broken.after.gaps == []
    assert broken.after.outcomes == whole.outcomes
    assert broken.after.resources == whole.resources


def test_the_record_verifies_afterwards(broken: Broken) -> None:
    assert broken.verified
