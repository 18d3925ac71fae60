"""What GitHub does not tell is never ``pass`` and never ``fail``, whichever read fails and however."""

import json
from collections.abc import Iterable, Iterator
from typing import Any

import pytest

from tests.annexa.conftest import Annexa
from tests.annexa.fault_matrix import Definitions, State
from tests.collectors.fault_suite import Endpoint, FaultSuite, by_rules, codes
from tests.collectors.github import estate, failures
from tests.collectors.github.conftest import environment, served
from tests.collectors.github.github import Github
from tests.collectors.rest.rules import Matcher, at

MEMBERS = "github:GET /orgs/{org}/members"
CALLS: dict[str, Matcher] = {
    MEMBERS: lambda asked: asked.path.endswith("/members") and "page" in asked.query,
    "graphql:POST /graphql": at("/graphql"),
    "github:GET /orgs/{org}/hooks": at("/hooks"),
    "github:GET /repos/{owner}/{repo}/keys": at("/keys"),
    "github:GET /orgs/{org}/actions/permissions/workflow": at("/actions/permissions/workflow"),
    "github:GET /repos/{owner}/{repo}/branches/{branch}/protection": at("/protection"),
    "github:GET /orgs/{org}/secret-scanning/alerts": at("/secret-scanning/alerts"),
}
"""The later pages of a list of people, lists, one of them with parents, and details."""

FAILURES = {**failures.FAILURES, "throttled by the status": failures.THROTTLED_BY_STATUS}

pytestmark = pytest.mark.slow


@pytest.fixture(scope="class")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoint]:
    with environment(), served(tmp_path_factory.mktemp("github")) as github:
        yield Endpoint(github.settings, by_rules(github.rules, CALLS, FAILURES), estate.ORG)


class TestGithub(FaultSuite):
    section = "github"
    types = (
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
    calls = tuple(CALLS)
    codes = codes(FAILURES)
    standing = frozenset({"github.actions.", "github.org.", "github.repo."})

    def seen(self, whole: State) -> frozenset[str]:
        del whole
        return frozenset(f"{estate.ORG}/members/{each['id']}" for each in estate.MEMBERS[: Github().page])

    def affected(
        self, call: str, whole: State, definitions: Definitions, gaps: Iterable[Any]
    ) -> set[tuple[str, str]]:
        found = super().affected(call, whole, definitions, gaps)
        if call != MEMBERS:
            return found
        # The same call says who the owners are, and who has no second factor: there it has one page.
        members = whole.resources["github.org.member"] - self.seen(whole)
        return {key for key in found if key[1] in members}

    def test_what_a_good_run_finds(self, whole: State) -> None:
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

    def test_doctor_and_permissions(self, annexa: Annexa) -> None:
        ran = annexa.run("doctor")
        assert ran.code == 0, ran.out + ran.err
        assert "user:mona" in ran.out
        granted = json.loads(annexa.run("permissions", "github").out)
        assert granted["organization_hooks"] == "read"
