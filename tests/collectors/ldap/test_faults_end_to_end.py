"""What a directory does not show is never ``pass`` and never ``fail``, and nobody is taken for gone."""

import json
from pathlib import Path

import pytest

from tests.annexa.conftest import Annexa
from tests.annexa.fault_matrix import State
from tests.collectors.ldap.conftest import Ldap
from tests.collectors.ldap.directory import PASSWORD, needs_slapd
from tests.collectors.ldap.proxy import Fault, hold, raw, result

pytestmark = [needs_slapd, pytest.mark.slow]

USER = "ldap.directory.user"
POLICY = "ldap.openldap.password-policy"

FAULTS: dict[str, tuple[Fault, bool, str]] = {
    # how it fails → what goes back, whether the connection ends then, and the code that the gap gives
    "denied": (result(50, "no access"), False, "insufficientAccessRights"),
    "size limit": (result(4), False, "sizeLimitExceeded"),
    "busy": (result(51, "busy"), False, "busy"),
    "no answer in time": (hold, False, "Timeout"),
    "malformed": (raw(b"<!doctype html><p>Sign in"), True, "MalformedAnswer"),
    "cut off": (raw(b""), True, "MalformedAnswer"),
    "elsewhere": (result(10), False, "ReferralNotFollowed"),
    "signed out": (result(49, "expired"), False, "invalidCredentials"),
}


@pytest.fixture
def annexa(ldap: Ldap, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Annexa:
    """A store in which everything was read."""
    monkeypatch.setenv("TEST_LDAP_PASSWORD", PASSWORD)
    made = Annexa(tmp_path / "annexa")
    lines = "\n".join(f"{key} = {json.dumps(value)}" for key, value in ldap.settings(read_timeout=1).items())
    made.config.write_text(f'[store]\npath = "store"\n[ldap]\n{lines}\n', encoding="utf-8")
    with made.workspace.writing():
        pass
    return made


@pytest.mark.parametrize("place", ["first page", "later page"])
@pytest.mark.parametrize("name", FAULTS)
def test_a_list_that_fails_is_a_gap_and_nothing_is_judged_by_it(
    annexa: Annexa, ldap: Ldap, name: str, place: str
) -> None:
    assert annexa.collect_here().status == "complete"
    whole = State.of(annexa)
    fault, hang_up, code = FAULTS[name]
    passing = 1 if place == "later page" else 0
    with ldap.proxy.broken(b"inetOrgPerson", fault, passing=passing, hang_up=hang_up):
        summary = annexa.summary_here()
    broken = State.of(annexa)
    assert summary["exit_code"] == 2
    assert {(gap["call"], gap["code"]) for gap in broken.gaps} == {("ldap:SEARCH subtree", code)}
    assert broken.resources == whole.resources, "somebody was taken for gone"
    passing_now = {key for key, outcome in broken.outcomes.items() if outcome == "pass"}
    assert passing_now <= {key for key, outcome in whole.outcomes.items() if outcome == "pass"}
    unread = {key: outcome for key, outcome in broken.outcomes.items() if key[0].startswith(USER)}
    assert "unknown" in unread.values()
    if place == "first page":
        assert set(unread.values()) == {"unknown"}
    same = {key for key in whole.outcomes if key[0].startswith(POLICY)}
    assert same
    assert {key: broken.outcomes[key] for key in same} == {key: whole.outcomes[key] for key in same}
    assert annexa.collect_here().status == "complete"
    assert State.of(annexa).gaps == []
    assert annexa.verify_here().ok
