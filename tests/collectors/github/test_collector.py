"""What the collector reads of an organisation on GitHub, and what it says where it may not."""

from typing import Any

import pytest

from annexa.plugin import Collection, Document, Target, Tools
from collectors.github.collector import GithubCollector
from store.errors import CollectorError, ConfigError
from tests.collectors.github import estate
from tests.collectors.github.conftest import Served
from tests.collectors.github.github import TOKEN, Refused, error
from tests.collectors.rest.rules import Rule, at


def read(collector: GithubCollector, kind: str) -> tuple[dict[str, Document], Collection]:
    """Return the documents by name."""
    with collector.collect(collector.discover().scopes[0], Target(kind, "")) as collection:
        documents = {each.name: each for each in collection}
    return documents, collection


@pytest.fixture
def repositories(github: Served) -> dict[str, Document]:
    documents, collection = read(github.collector(), "github.repo.repository")
    assert collection.report.complete
    return documents


def test_every_type_is_read_whole(github: Served) -> None:
    collector = github.collector(enterprise="example-inc")
    (scope,) = collector.discover().scopes
    kinds = list(collector.resource_types())
    assert len(kinds) >= 18
    gaps = []
    for target in collector.targets(scope, kinds):
        with collector.collect(scope, target) as collection:
            assert all(each.id.lower().startswith(estate.ORG) for each in collection), target
        assert collection.report.complete, (target, collection.report.gaps)
        gaps += collection.report.gaps
    assert gaps == []


def test_the_scope_is_the_organisation_and_says_who_reads(github: Served) -> None:
    (scope,) = github.collector().discover().scopes
    assert (scope.key, scope.name) == ("github:example", "Example Ltd")
    assert scope.attributes == {"organization_id": "42", "principal": "user:mona"}


def test_the_requests_say_which_version_they_mean(github: Served) -> None:
    github.collector().discover()
    headers = github.server.asked[0].headers
    assert headers["x-github-api-version"] == "2022-11-28"
    assert headers["accept"] == "application/vnd.github+json"
    assert headers["authorization"] == f"Bearer {TOKEN}"


def test_an_organisation_that_cannot_be_seen_is_a_gap_and_the_others_go_on(github: Served) -> None:
    found = github.collector(organizations=["hidden", estate.ORG]).discover()
    assert [each.id for each in found.scopes] == [estate.ORG]
    (gap,) = found.gaps
    assert (gap.code, gap.resource_id) == ("NotFound", "github:hidden")
    assert "may not look" in gap.message


def test_without_a_good_token_nothing_can_be_done(github: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", "ghp_revoked")
    with pytest.raises(CollectorError, match="BadCredentials") as caught:
        github.collector().discover()
    assert "ghp_revoked" not in str(caught.value)
    monkeypatch.delenv("GITHUB_TOKEN")
    with pytest.raises(CollectorError, match="GITHUB_TOKEN is not set"):
        github.collector().discover()


# Branch protection.


def test_a_branch_without_protection_has_none(repositories: dict[str, Document]) -> None:
    assert repositories["website"].content["protection"] is None
    assert [rule["type"] for rule in repositories["website"].content["rules"]] == ["pull_request"]
    assert repositories["payroll"].content["protection"]["enforce_admins"] == {"enabled": True}


def test_a_protection_that_may_not_be_seen_is_not_none(github: Served) -> None:
    github.github.places["/repos/example/payroll/branches/main/protection"] = Refused(404, "Not Found")
    payroll = read(github.collector(), "github.repo.repository")[0]["payroll"]
    assert "protection" not in payroll.content
    assert payroll.gaps["protection"]["code"] == "NotFound"


def test_a_plan_without_protection_and_rules_proves_that_there_are_none(github: Served) -> None:
    said = "Upgrade to GitHub Pro or make this repository public to enable this feature."
    at_payroll = "/repos/example/payroll"
    github.github.places[f"{at_payroll}/branches/main/protection"] = Refused(403, said)
    github.github.places[f"{at_payroll}/rules/branches/main"] = Refused(403, said)
    github.github.places["/orgs/example/rulesets"] = Refused(
        403, "Upgrade to GitHub Team to enable this feature."
    )
    payroll = read(github.collector(), "github.repo.repository")[0]["payroll"]
    assert (payroll.content["protection"], payroll.content["rules"]) == (None, None)
    documents, collection = read(github.collector(), "github.org.ruleset")
    assert (documents, collection.report.complete) == ({}, True)


def test_an_archived_repository_is_asked_nothing_more(
    github: Served, repositories: dict[str, Document]
) -> None:
    assert repositories["attic"].content["protection"] is None
    assert not [asked for asked in github.server.asked if "/attic/" in asked.path]


def test_code_scanning_is_asked_for_where_it_can_be_on(
    github: Served, repositories: dict[str, Document]
) -> None:
    assert repositories["billing"].content["code_scanning"] is None  # private and without a licence
    assert repositories["website"].content["code_scanning"]["state"] == "configured"
    assert not [asked for asked in github.server.asked if "/billing/code-scanning" in asked.path]


def test_a_licence_that_lacks_is_a_gap_with_github_s_remedy(github: Served) -> None:
    said = "Advanced Security must be enabled for this repository to use code scanning."
    github.github.places["/repos/example/payroll/code-scanning/default-setup"] = Refused(403, said)
    payroll = read(github.collector(), "github.repo.repository")[0]["payroll"]
    assert payroll.gaps["code_scanning"]["code"] == "403"
    documents, collection = read(github.collector(), "github.repo.repository")
    assert said in [gap.message for gap in collection.report.gaps]
    assert documents.keys() == set(estate.REPOSITORIES)


# People.


def test_members_without_a_second_factor_are_found(github: Served) -> None:
    members, _ = read(github.collector(), "github.org.member")
    assert members["octo"].content["without_2fa"]["login"] == "octo"
    assert members["mona"].content["without_2fa"] is None
    filtered = [asked for asked in github.server.asked if asked.query.get("filter") == "2fa_disabled"]
    assert len(filtered) == 1, "one list serves all members"


def test_who_may_not_ask_for_second_factors_is_told_nothing_of_them(github: Served) -> None:
    whole = github.github.places["/orgs/example/members"]
    refusal = Refused(422, "Validation Failed")
    github.github.places["/orgs/example/members"] = lambda query: (
        refusal if "filter" in query else whole(query)
    )
    members, collection = read(github.collector(), "github.org.member")
    assert members.keys() == {"mona", "hubot", "octo"}
    assert all("without_2fa" not in each.content and each.gaps for each in members.values())
    assert collection.report.gaps


def test_members_of_a_team_within_a_team_are_there(github: Served) -> None:
    teams, _ = read(github.collector(), "github.org.team")
    assert {each["login"] for each in teams["engineering"].content["members"]} == {"mona", "hubot", "octo"}
    assert teams["platform"].content["item"]["parent"]["slug"] == "engineering"


def test_an_invitation_without_a_login_is_no_obstacle(github: Served) -> None:
    invitations, _ = read(github.collector(), "github.org.invitation")
    assert invitations["5"].content["item"]["login"] is None


@pytest.mark.parametrize("kind", ["github.org.credential-authorization", "github.org.repository-role"])
def test_what_only_enterprise_has_is_not_asked_of_other_plans(github: Served, kind: str) -> None:
    github.github.places["/orgs/example"] = estate.settings(plan={"name": "team"})
    documents, collection = read(github.collector(), kind)
    assert (documents, collection.report.complete) == ({}, True)


@pytest.mark.parametrize("kind", ["github.org.credential-authorization", "github.org.repository-role"])
def test_a_plan_that_is_not_told_may_be_enterprise(github: Served, kind: str) -> None:
    settings = estate.settings()
    del settings["plan"]
    github.github.places["/orgs/example"] = settings
    assert len(read(github.collector(), kind)[0]) == 1


def test_streams_of_the_audit_log_belong_to_an_enterprise_that_is_named(github: Served) -> None:
    settings, _ = read(github.collector(enterprise="example-inc"), "github.org.settings")
    assert settings["example"].content["audit_streams"][0]["enabled"] is True
    settings, _ = read(github.collector(), "github.org.settings")
    assert settings["example"].content["audit_streams"] is None


# Alerts and secrets.


def test_only_open_alerts_of_weight_are_asked_for(github: Served) -> None:
    found: dict[str, Any] = {}
    for kind in ("secret-alert", "dependabot-alert", "code-alert"):
        found[kind], _ = read(github.collector(), f"github.security.{kind}")
        assert len(found[kind]) == 1
    queries = [asked.query for asked in github.server.asked if asked.path.endswith("/alerts")]
    assert all(query["state"] == "open" for query in queries)
    assert {query.get("severity") for query in queries} == {None, "critical,high", "critical", "high"}
    assert [query["hide_secret"] for query in queries if "hide_secret" in query] == ["true"]


@pytest.mark.parametrize(
    ("kind", "kept_secret"),
    [
        ("github.org.webhook", estate.SECRET),
        ("github.security.secret-alert", estate.LEAKED),
        ("github.org.credential-authorization", "12345678"),
        ("github.repo.repository", "clone-token"),
    ],
)
def test_secrets_are_not_kept(github: Served, kind: str, kept_secret: str) -> None:
    documents, collection = read(github.collector(), kind)
    assert documents
    assert kept_secret not in str([each.payload() for each in documents.values()])
    assert kept_secret not in str(collection.report.provenance)


def test_the_address_of_a_webhook_is_no_name(github: Served) -> None:
    """It may hold a token, and names cannot be let go."""
    documents, _ = read(github.collector(), "github.org.webhook")
    assert documents.keys() == {"webhook 1", "webhook 2"}


# Limits.


def test_a_used_up_hour_is_throttling_and_its_end_is_told(github: Served) -> None:
    exceeded = error(
        403,
        "API rate limit exceeded for user ID 1.",
        ("X-RateLimit-Remaining", "0"),
        ("X-RateLimit-Reset", "4102444800"),
    )
    github.rules.append(Rule(at("/teams"), lambda asked, right: exceeded))
    _, collection = read(github.collector(), "github.org.team")
    (gap,) = collection.report.gaps
    assert (gap.code, collection.report.complete) == ("RateLimit", False)


@pytest.mark.parametrize("status", [403, 429])
def test_a_secondary_limit_is_waited_for(github: Served, status: int) -> None:
    slower = error(status, "You have exceeded a secondary rate limit.", ("Retry-After", "0"))
    github.rules.append(Rule(at("/teams"), lambda asked, right: slower, times=2))
    documents, collection = read(github.collector(retries=2), "github.org.team")
    assert len(documents) == 2
    assert collection.report.gaps == []


@pytest.mark.parametrize(("status", "message"), [(410, "Gone"), (451, "Repository access blocked")])
def test_what_is_withheld_is_a_gap(github: Served, status: int, message: str) -> None:
    github.github.places["/orgs/example/hooks"] = Refused(status, message)
    documents, collection = read(github.collector(), "github.org.webhook")
    assert (documents, collection.report.complete) == ({}, False)
    assert collection.report.gaps[0].code == str(status)


# Settings.


@pytest.mark.parametrize(
    ("section", "words"),
    [
        ({}, "organizations"),
        ({"organizations": []}, "organizations"),
        ({"organizations": ["a/b"]}, "no login"),
        ({"organizations": ["a"], "credential": "app"}, "app_id and private_key_file"),
        ({"organizations": ["a"], "api_url": "http://github.example.com/api/v3"}, "api_url"),
        ({"organizations": ["a"], "token": "ghp_1"}, "token"),
    ],
)
def test_a_section_that_is_wrong_is_named(section: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        GithubCollector(section, Tools(redaction_key=b"key"))
