"""``annexa collect`` with ``[google_workspace]``: collects, judges and records, and says what it lacks."""

import json
from dataclasses import dataclass
from typing import Any

import pytest

from tests.annexa.conftest import Annexa
from tests.annexa.fault_matrix import State
from tests.collectors.conftest import Certified
from tests.collectors.google_workspace import estate, faults
from tests.collectors.google_workspace.conftest import Served
from tests.collectors.google_workspace.delegated import ADMIN
from tests.collectors.google_workspace.faults import later_page
from tests.collectors.rest.rules import Faulty, Matcher, Rule, at, break_off, hold

pytestmark = pytest.mark.slow

_SECURITY = "https://www.googleapis.com/auth/admin.directory.user.security"

CALLS: dict[str, Matcher] = {
    "admin:GET /admin/directory/v1/users": later_page("/users"),
    "admin:GET /admin/directory/v1/users/{userKey}/asps": at("/asps"),
    "cloudidentity:GET /v1/policies": later_page("/policies"),
    "groupssettings:GET /groups/v1/groups/{groupUniqueId}": at("/groups/v1/groups/partners@example.com"),
}
"""Later pages of lists, and details."""

FAULTS: dict[str, tuple[Faulty, str]] = {
    # how it fails → the code that the gaps give
    "denied": (faults.DENIED, "forbidden"),
    "without a licence": (faults.NO_LICENCE, "domainCannotUseApis"),
    "throttled for ever": (faults.THROTTLED, "rateLimitExceeded"),
    "no answer in time": (hold, "Timeout"),
    "malformed": (faults.MALFORMED, "MalformedAnswer"),
    "truncated": (break_off, "MalformedAnswer"),
    "token expired": (faults.EXPIRED, "authError"),
}

TYPES = (
    "google_workspace.alertcenter.alert",
    "google_workspace.devices.device",
    "google_workspace.directory.role",
    "google_workspace.directory.role-assignment",
    "google_workspace.directory.super-admin",
    "google_workspace.directory.user",
    "google_workspace.groups.group",
    "google_workspace.settings.drive",
    "google_workspace.settings.gmail",
    "google_workspace.settings.rules",
    "google_workspace.settings.security",
    "google_workspace.sso.saml-profile",
)

EXPECTED = {
    ("google_workspace.directory.user.super-admin-enrolled", "users/100"): "pass",
    ("google_workspace.directory.user.super-admin-enrolled", "users/101"): "fail",
    ("google_workspace.directory.user.no-rights-when-closed", "users/103"): "fail",
    ("google_workspace.directory.user.was-used", "users/104"): "fail",
    ("google_workspace.directory.user.in-use", "users/105"): "fail",
    ("google_workspace.directory.user.enrolled", "users/106"): "pass",
    ("google_workspace.directory.super-admin.few", ""): "pass",
    ("google_workspace.directory.super-admin.no-app-passwords", "users/100"): "fail",
    ("google_workspace.directory.super-admin.no-app-passwords", "users/101"): "pass",
    ("google_workspace.directory.role.narrow", "roles/2"): "fail",
    ("google_workspace.directory.role-assignment.members-inside", "roleAssignments/52"): "pass",
    ("google_workspace.groups.group.no-outside-members", "groups/g2"): "fail",
    ("google_workspace.groups.group.no-outside-members", "groups/g1"): "not_applicable",
    ("google_workspace.groups.group.not-public", "groups/g2"): "fail",
    ("google_workspace.settings.security.two-step-enforced", "settings/security"): "pass",
    ("google_workspace.settings.security.password-length", "settings/security"): "fail",
    ("google_workspace.settings.security.session-length", "settings/security"): "unknown",
    ("google_workspace.settings.security.no-less-secure-apps", "settings/security"): "pass",
    ("google_workspace.settings.gmail.no-automatic-forwarding", "settings/gmail"): "pass",
    ("google_workspace.settings.drive.outside-sharing-restricted", "settings/drive"): "fail",
    ("google_workspace.settings.rules.no-alert-switched-off", "settings/rules"): "pass",
    ("google_workspace.devices.device.encrypted", "devices/d1"): "fail",
    ("google_workspace.alertcenter.alert.dealt-with", "alerts/a1"): "fail",
    ("google_workspace.sso.saml-profile.strong-key", "inboundSamlSsoProfiles/1"): "pass",
}


def _configure(annexa: Annexa, google: Served, **more: Any) -> None:
    section = google.settings(**more)
    lines = "\n".join(f"{key} = {json.dumps(value)}" for key, value in section.items())
    only = f"[collect]\nonly = {json.dumps(TYPES)}\n"
    text = f'[store]\npath = "store"\n{only}[google_workspace]\n{lines}\n'
    annexa.config.write_text(text, encoding="utf-8")


def _outcomes(state: State) -> dict[tuple[str, str], str]:
    short = f"customers/{estate.CUSTOMER}/"
    return {(check, each.removeprefix(short)): outcome for (check, each), outcome in state.outcomes.items()}


@pytest.fixture(scope="module")
def annexa(google: Served, certified: Certified, tmp_path_factory: pytest.TempPathFactory) -> Annexa:
    made = Annexa(tmp_path_factory.mktemp("annexa"))
    made.environment["SSL_CERT_FILE"] = str(certified.authority)
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "GOOGLE_APPLICATION_CREDENTIALS"):
        made.environment.pop(name, None)
    _configure(made, google)
    return made


@pytest.fixture(scope="module")
def whole(annexa: Annexa) -> State:
    """What is known when everything was read."""
    row = annexa.collect()
    assert (row["status"], row["gaps"]) == ("complete", 0)
    return State.of(annexa)


@dataclass(frozen=True)
class Broken:
    """A run in which all of ``CALLS`` failed in one way, after a run in which none did."""

    code: str
    summary: dict[str, Any]
    state: State
    verified: bool


@pytest.fixture(scope="module", params=FAULTS)
def broken(request: pytest.FixtureRequest, annexa: Annexa, whole: State, google: Served) -> Broken:
    """Each way to fail in turn; afterwards everything is read again."""
    del whole  # which is what is known before anything breaks
    fault, code = FAULTS[request.param]
    google.workspace.rules[:] = [Rule(matches, fault) for matches in CALLS.values()]
    _configure(annexa, google, read_timeout=0.5 if request.param == "no answer in time" else 20)
    summary = annexa.collect(code=2)
    state = State.of(annexa)
    google.workspace.rules.clear()
    _configure(annexa, google)
    annexa.collect()
    return Broken(code, summary, state, annexa.verify_here().ok)


def test_a_run_is_collected_judged_and_recorded(annexa: Annexa, whole: State) -> None:
    found = _outcomes(whole)
    assert {key: found.get(key) for key in EXPECTED} == EXPECTED
    assert annexa.run("verify").code == 0


def test_the_gaps_name_the_call_the_customer_and_the_code(broken: Broken) -> None:
    assert (broken.summary["status"], broken.summary["exit_code"]) == ("gaps", 2)
    for call in CALLS:
        gaps = [gap for gap in broken.state.gaps if gap["call"] == call]
        assert gaps, call
        assert {gap["scope"] for gap in gaps} == {estate.CUSTOMER}
        assert {gap["code"] for gap in gaps} <= {broken.code, "DependsOnGap"}
        assert all(gap["message"] and gap["at"] for gap in gaps)


def test_what_was_not_read_is_unknown(broken: Broken) -> None:
    found = _outcomes(broken.state)
    expected = {
        ("google_workspace.directory.user.enrolled", "users/106"),
        ("google_workspace.directory.super-admin.no-app-passwords", "users/100"),
        ("google_workspace.settings.security.two-step-enforced", "settings/security"),
        ("google_workspace.settings.gmail.no-automatic-forwarding", "settings/gmail"),
        ("google_workspace.groups.group.not-public", "groups/g2"),
        ("google_workspace.groups.group.no-outside-members", "groups/g2"),
    }
    assert {key: found.get(key) for key in expected} == dict.fromkeys(expected, "unknown")


def test_what_was_no_pass_does_not_become_one(broken: Broken, whole: State) -> None:
    passing = {key for key, outcome in broken.state.outcomes.items() if outcome == "pass"}
    assert passing
    assert {key: whole.outcomes.get(key) for key in passing} == dict.fromkeys(passing, "pass")


def test_nobody_is_taken_for_gone(broken: Broken, whole: State) -> None:
    assert broken.state.resources == whole.resources


def test_what_needs_none_of_the_calls_stands(broken: Broken, whole: State) -> None:
    stands = {key for key in whole.outcomes if key[0].split(".")[1] in ("alertcenter", "devices", "sso")}
    assert stands
    assert {key: broken.state.outcomes.get(key) for key in stands} == {
        key: whole.outcomes[key] for key in stands
    }


def test_the_next_run_is_whole_again_and_the_record_verifies(
    broken: Broken, annexa: Annexa, whole: State
) -> None:
    after = State.of(annexa)
    assert (after.gaps, after.outcomes, after.resources) == ([], whole.outcomes, whole.resources)
    assert broken.verified


def test_doctor_and_permissions(annexa: Annexa, google: Served) -> None:
    ran = annexa.run("doctor")
    assert ran.code == 0, ran.out + ran.err
    assert ADMIN in " ".join(ran.out.split())
    printed = annexa.run("permissions", "google_workspace").out
    scopes = set(printed.strip().split(","))
    assert _SECURITY in scopes
    google.tokens.delegated = scopes - {_SECURITY}
    try:
        ran = annexa.run("doctor")
    finally:
        google.tokens.delegated = None
    assert ran.code != 0
    assert "directory.user.security" in "".join(ran.out.split())
