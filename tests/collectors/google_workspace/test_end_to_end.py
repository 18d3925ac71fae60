"""``annexa collect`` with ``[google_workspace]``: collects, judges and records, and says what it lacks."""

from collections.abc import Iterable
from typing import Any

import pytest

from tests.annexa.conftest import Annexa
from tests.annexa.fault_matrix import Definitions, State
from tests.collectors.conftest import Certified
from tests.collectors.fault_suite import Endpoint, FaultSuite, by_rules, codes
from tests.collectors.google_workspace import estate, faults
from tests.collectors.google_workspace.conftest import Served
from tests.collectors.google_workspace.delegated import ADMIN
from tests.collectors.google_workspace.faults import later_page
from tests.collectors.rest.failures import Failure
from tests.collectors.rest.rules import Matcher, at

pytestmark = pytest.mark.slow

_SECURITY = "https://www.googleapis.com/auth/admin.directory.user.security"

USERS = "admin:GET /admin/directory/v1/users"
USER = "google_workspace.directory.user"
CALLS: dict[str, Matcher] = {
    USERS: later_page("/users"),
    "admin:GET /admin/directory/v1/users/{userKey}/asps": at("/asps"),
    "cloudidentity:GET /v1/policies": later_page("/policies"),
    "groupssettings:GET /groups/v1/groups/{groupUniqueId}": lambda asked: "/groups/v1/groups/" in asked.path,
}
"""Later pages of lists, and details."""

FAILURES = {**faults.FAILURES, "without a licence": Failure(faults.NO_LICENCE, "domainCannotUseApis")}

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


def _outcomes(state: State) -> dict[tuple[str, str], str]:
    short = f"customers/{estate.CUSTOMER}/"
    return {(check, each.removeprefix(short)): outcome for (check, each), outcome in state.outcomes.items()}


class TestGoogleWorkspace(FaultSuite):
    section = "google_workspace"
    types = TYPES
    calls = tuple(CALLS)
    codes = codes(FAILURES)
    standing = frozenset(f"google_workspace.{each}." for each in ("alertcenter", "devices", "sso"))

    @pytest.fixture(scope="class")
    @classmethod
    def endpoint(cls, google: Served, certified: Certified) -> Endpoint:
        del certified
        breaking = by_rules(google.workspace.rules, CALLS, FAILURES)
        return Endpoint(google.settings, breaking, estate.CUSTOMER)

    def seen(self, whole: State) -> frozenset[str]:
        users = sorted(whole.resources[USER])
        return frozenset(users[:3])  # as many as come on a page

    def affected(
        self, call: str, whole: State, definitions: Definitions, gaps: Iterable[Any]
    ) -> set[tuple[str, str]]:
        found = super().affected(call, whole, definitions, gaps)
        if call != USERS:
            return found
        # The same call lists the super administrators, who fit on one page.
        users = whole.resources[USER] - self.seen(whole)
        return {key for key in found if key[1] in users}

    def test_what_a_good_run_finds(self, annexa: Annexa, whole: State) -> None:
        found = _outcomes(whole)
        assert {key: found.get(key) for key in EXPECTED} == EXPECTED
        assert annexa.run("verify").code == 0

    def test_doctor_and_permissions(self, annexa: Annexa, google: Served) -> None:
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
