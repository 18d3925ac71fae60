"""An inventory that fails costs nothing where lists can be read, and is no empty estate."""

import pytest

from annexa.demo.loopback import Asked
from annexa.plugin.testing import Fault
from tests.annexa.conftest import Annexa
from tests.annexa.fault_matrix import State, decided
from tests.collectors.gcp.conftest import Gcp
from tests.collectors.gcp.failures import FAILURES
from tests.collectors.gcp.test_end_to_end import configured
from tests.collectors.gcp.test_faults_end_to_end import BUCKET, FIREWALL, READS, affected
from tests.collectors.rest.rules import Matcher, Rule

pytestmark = pytest.mark.slow


def asks(content: str, later: bool = False) -> Matcher:
    """Requests for this content of the inventory, or for its pages after the first."""

    def matches(asked: Asked) -> bool:
        return asked.query.get("contentType") == content and (not later or "pageToken" in asked.query)

    return matches


PARTS = {
    # which part of the inventory fails → its requests, and the read that then serves
    "resources": (asks("RESOURCE"), "list"),
    "later page": (asks("RESOURCE", later=True), "list"),
    "policies": (asks("IAM_POLICY"), "detail"),
}
CAUSES = (Fault.DENIED, Fault.NOT_AN_ANSWER, Fault.BROKEN_OFF, Fault.WRONG_TYPE, Fault.TIMEOUT)


@pytest.fixture(scope="module")
def good(gcp: Gcp, tmp_path_factory: pytest.TempPathFactory) -> Annexa:
    """A store in which everything was read, from the inventory."""
    only = f'only = ["{BUCKET}", "{FIREWALL}"]'
    annexa = configured(gcp, tmp_path_factory.mktemp("good"), only, read_timeout=0.7, inventory="auto")
    annexa.collect_here()
    asked = {each.path.split("/")[1] for each in gcp.server.asked}
    assert "cloudasset" in asked
    assert "storage" not in asked
    return annexa


@pytest.fixture(scope="module")
def whole(good: Annexa) -> State:
    """What is known when everything was read."""
    return State.of(good)


@pytest.mark.parametrize("cause", CAUSES)
@pytest.mark.parametrize("part", PARTS)
def test_the_lists_serve_where_the_inventory_fails(
    part: str, cause: str, good: Annexa, whole: State, gcp: Gcp
) -> None:
    gcp.google.rules.append(Rule(PARTS[part][0], FAILURES[cause].fault))
    gcp.server.asked.clear()
    summary = good.summary_here()
    gcp.google.rules.clear()
    assert summary["exit_code"] == 0
    assert any(each.path.startswith("/storage/") for each in gcp.server.asked)
    state = State.of(good)
    assert state.gaps == []
    assert state.outcomes == whole.outcomes
    assert state.resources == whole.resources


@pytest.mark.parametrize("cause", CAUSES)
@pytest.mark.parametrize("part", PARTS)
def test_what_neither_gives_is_unknown(part: str, cause: str, good: Annexa, whole: State, gcp: Gcp) -> None:
    matches, read = PARTS[part]
    gcp.google.rules.extend(Rule(each, FAILURES[cause].fault) for each in (matches, READS[read][0]))
    summary = good.summary_here()
    gcp.google.rules.clear()
    assert summary["exit_code"] == 2
    state = State.of(good)
    needing = affected(good, whole, read)
    assert {gap["call"] for gap in state.gaps} == {READS[read][1]}
    assert decided(needing, state) == {}
    assert {state.outcomes[key] for key in decided(needing, whole)} == {"unknown"}
    assert state.resources == whole.resources
    assert good.summary_here()["exit_code"] == 0
    assert State.of(good).outcomes == whole.outcomes
