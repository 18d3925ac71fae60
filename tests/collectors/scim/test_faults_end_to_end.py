"""What a SCIM service does not tell is never ``pass`` and never ``fail``, and nobody is taken for gone."""

import json
from pathlib import Path

import pytest

from tests.annexa.conftest import Annexa
from tests.annexa.fault_matrix import State
from tests.collectors.rest.rules import Faulty, Rule, at, break_off, hold, send
from tests.collectors.scim.conftest import Scim, refuse
from tests.collectors.scim.service import TOKEN

pytestmark = pytest.mark.slow

USER = "scim.directory.user"
CONFIG = "scim.service.config"

FAULTS: dict[str, tuple[Faulty, str]] = {
    # how it fails → the code that the gap gives
    "denied": (refuse(403, "Not permitted."), "403"),
    "throttled for ever": (refuse(429, "Too many requests.", Retry_After="0"), "429"),
    "no answer in time": (hold, "Timeout"),
    "malformed": (send(200, b"<!doctype html><p>Sign in", "text/html"), "MalformedAnswer"),
    "another answer": (send(200, b'{"message": "Sign in"}'), "MalformedAnswer"),
    "cut off": (break_off, "MalformedAnswer"),
    "token revoked": (refuse(401, "It was taken back."), "401"),
}


@pytest.fixture
def annexa(scim: Scim, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Annexa:
    """A folder whose configuration names the service."""
    monkeypatch.setenv("TEST_SCIM_TOKEN", TOKEN)
    scim.proxy.rules.clear()
    made = Annexa(tmp_path / "annexa")
    settings = scim.settings(read_timeout=2)
    lines = "\n".join(f"{key} = {json.dumps(value)}" for key, value in settings.items())
    made.config.write_text(f'[store]\npath = "store"\n[scim]\n{lines}\n', encoding="utf-8")
    return made


@pytest.mark.parametrize("place", ["first page", "later page"])
@pytest.mark.parametrize("name", FAULTS)
def test_a_list_that_fails_is_a_gap_and_nothing_is_judged_by_it(
    annexa: Annexa, scim: Scim, name: str, place: str
) -> None:
    assert annexa.collect_here().status == "complete"
    whole = State.of(annexa)
    fault, code = FAULTS[name]
    users = at("/Users")
    rule = Rule(lambda asked: users(asked) and (place == "first page" or "startIndex" in asked.query), fault)
    scim.proxy.rules.append(rule)
    summary = annexa.summary_here()
    scim.proxy.rules.clear()
    broken = State.of(annexa)
    assert summary["exit_code"] == 2
    assert {(gap["call"], gap["code"]) for gap in broken.gaps} == {("scim:GET /Users", code)}
    assert broken.resources == whole.resources, "somebody was taken for gone"
    passing = {key for key, outcome in broken.outcomes.items() if outcome == "pass"}
    assert passing <= {key for key, outcome in whole.outcomes.items() if outcome == "pass"}
    unread = {key: outcome for key, outcome in broken.outcomes.items() if key[0].startswith(USER)}
    assert "unknown" in unread.values()
    if place == "first page":
        assert set(unread.values()) == {"unknown"}
    same = {key for key in whole.outcomes if key[0].startswith(CONFIG)}
    assert same
    assert {key: broken.outcomes[key] for key in same} == {key: whole.outcomes[key] for key in same}
    assert annexa.collect_here().status == "complete"
    assert State.of(annexa).gaps == []
    assert annexa.verify_here().ok
