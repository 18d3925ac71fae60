"""Who members are: identities of single sign-on and verified addresses, read through GraphQL."""

import json
from typing import Any

import pytest

from annexa.demo.loopback import Answer, Asked
from annexa.plugin import Document, Target
from collectors.expression import search
from collectors.github import graphql
from collectors.github.collector import GithubCollector
from tests.collectors.github import estate
from tests.collectors.github.conftest import Served
from tests.collectors.github.failures import refuse
from tests.collectors.github.github import Refused, reply
from tests.collectors.github.test_collector import read
from tests.collectors.rest.rules import Rule, at

_GRAPHQL = at("/graphql")
_ENTERPRISE: dict[str, Any] = {"enterprise": "example-inc"}


def wrong(kind: str, message: str, *headers: tuple[str, str], **more: Any) -> Answer:
    """An error as GraphQL gives it, beside a part of the data."""
    error = {"type": kind, "path": ["organization"], "message": message, **more}
    return reply(200, {"data": {"organization": None}, "errors": [error]}, *headers)


def identities(collector: GithubCollector) -> tuple[dict[str, Document], Any]:
    documents, collection = read(collector, "github.org.identity")
    return documents, collection.report


def members(collector: GithubCollector) -> dict[str, dict[str, Any]]:
    return {name: each.content for name, each in read(collector, "github.org.member")[0].items()}


def test_identities_are_read_page_by_page(github: Served) -> None:
    documents, report = identities(github.collector())
    assert (len(documents), report.complete, report.gaps) == (3, True, [])
    bodies = [json.loads(each.body) for each in github.server.asked if each.path == "/api/graphql"]
    assert [each["variables"] for each in bodies] == [{"org": "example"}, {"org": "example", "after": "Mg=="}]


def test_an_identity_that_nobody_claimed_is_there_without_a_user(github: Served) -> None:
    documents, _ = identities(github.collector())
    users = [each.content["item"]["user"] for each in documents.values()]
    assert [user and user["login"] for user in users] == ["mona", "hubot", None]


def test_members_carry_the_identity_that_is_linked_to_them(github: Served) -> None:
    found = members(github.collector())
    expected = {"databaseId": "1", "nameId": "Mona@example.com", "username": "Mona@example.com"}
    assert found["mona"]["saml"] == expected
    assert found["octo"]["saml"] is None
    assert found["octo"]["verified_domain"]["emails"] == ["octavia@example.com"]


def test_all_members_together_cost_one_list_of_identities(github: Served) -> None:
    members(github.collector())
    assert len([each for each in github.server.asked if each.path == "/api/graphql"]) == 4  # two of two pages


def test_what_all_members_need_of_a_list_is_taken_from_it_once(
    github: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Braces of JMESPath are no templates: else 50,000 members would read 50,000 identities each."""
    applied: list[str] = []

    def noting(expression: str, value: Any) -> Any:
        applied.append(expression)
        return search(expression, value)

    monkeypatch.setattr("collectors.details.search", noting)
    members(github.collector())
    assert len([each for each in applied if each.startswith("data.organization.saml")]) == 1


def test_a_login_that_changed_between_two_answers_loses_no_identity(github: Served) -> None:
    everyone = github.github.places["/orgs/example/members"]

    def renamed(query: dict[str, str]) -> Any:
        if query.get("filter"):
            return [{**estate.OCTO, "login": "octavia"}]
        return everyone(query)

    github.github.places["/orgs/example/members"] = renamed
    found = members(github.collector())
    assert found["octo"]["without_2fa"] == {"id": "3", "login": "octavia"}


def test_identities_of_the_enterprise_are_read_where_it_is_named(github: Served) -> None:
    linked = [{**estate.identity(4, "octo@example.com", estate.OCTO)}]
    owner = github.github.graph.enterprises["example-inc"]["ownerInfo"]
    owner["samlIdentityProvider"] = {"externalIdentities": linked}
    assert members(github.collector(**_ENTERPRISE))["octo"]["enterprise_saml"]["nameId"] == "octo@example.com"
    assert members(github.collector())["octo"]["enterprise_saml"] is None


def test_managed_users_of_openid_connect_are_known_by_what_was_provisioned(github: Served) -> None:
    owner = github.github.graph.enterprises["example-inc"]["ownerInfo"]
    managed = {**estate.identity(4, "octo@example.com", estate.OCTO), "samlIdentity": None}
    owner["oidcProvider"] = {"externalIdentities": [managed]}
    found = members(github.collector(**_ENTERPRISE))["octo"]
    assert found["enterprise_oidc"]["username"] == "octo@example.com"
    assert found["enterprise_saml"] is None


def test_an_owner_proves_that_there_is_no_single_sign_on(github: Served) -> None:
    github.github.graph.organizations[estate.ORG]["samlIdentityProvider"] = None
    documents, report = identities(github.collector())
    assert (documents, report.complete, report.gaps) == ({}, True, [])
    assert members(github.collector())["mona"]["saml"] is None


def test_to_others_no_single_sign_on_may_be_one_that_is_not_shown(github: Served) -> None:
    organization = github.github.graph.organizations[estate.ORG]
    organization |= {"samlIdentityProvider": None, "viewerCanAdminister": False}
    documents, report = identities(github.collector())
    assert (documents, report.complete) == ({}, False)
    assert report.gaps[0].code == "NotShown"
    assert "token of an owner" in report.gaps[0].message


def test_an_enterprise_shows_itself_to_its_owners_only(github: Served) -> None:
    github.github.graph.enterprises["example-inc"]["ownerInfo"] = None
    documents, collection = read(github.collector(**_ENTERPRISE), "github.org.member")
    assert documents["mona"].gaps["enterprise_saml"]["code"] == "NotShown"
    assert any("read:enterprise" in gap.message for gap in collection.report.gaps)


def test_other_plans_are_not_asked(github: Served) -> None:
    github.github.places["/orgs/example"] = estate.settings(plan={"name": "team"})
    assert identities(github.collector())[1].complete
    assert members(github.collector())["mona"]["saml"] is None
    assert not [each for each in github.server.asked if each.path == "/api/graphql"]


@pytest.mark.parametrize(
    ("answer", "code", "words"),
    [
        (wrong("FORBIDDEN", "Resource not accessible by integration"), "NotAccessible", "annexa permissions"),
        (wrong("FORBIDDEN", "You do not have permission"), "NotAccessible", "annexa permissions"),
        (wrong("INSUFFICIENT_SCOPES", "It requires read:org."), "InsufficientScopes", "add the scope"),
        (wrong("NOT_FOUND", "Could not resolve to an Organization"), "NotFound", "may not look"),
        (
            wrong("FORBIDDEN", "Resource protected by organization SAML enforcement. You must grant …"),
            "SamlEnforced",
            "Configure SSO",
        ),
        (wrong("SOMETHING_NEW", "No."), "SOMETHING_NEW", "No."),
        (reply(200, {"data": {"organization": None}}), "NotFound", "no such organization"),
        (reply(200, {"message": "ok"}), "MalformedAnswer", "neither data nor errors"),
        (reply(200, {"errors": "no"}), "GraphqlError", "without a message"),
    ],
)
def test_an_error_within_a_success_is_a_gap(github: Served, answer: Answer, code: str, words: str) -> None:
    github.rules.append(Rule(_GRAPHQL, refuse(answer)))
    documents, report = identities(github.collector())
    assert (documents, report.complete) == ({}, False)
    assert report.gaps[0].code == code
    assert words in report.gaps[0].message


def test_data_beside_an_error_is_not_taken_for_the_answer(github: Served) -> None:
    def partly(asked: Asked, right: Any) -> Answer:
        body = github.github.graph.answer(asked.body)
        return reply(200, {**body, "errors": [{"type": "FORBIDDEN", "message": "One of them."}]})

    github.rules.append(Rule(_GRAPHQL, partly))
    documents, report = identities(github.collector())
    assert (documents, report.complete) == ({}, False)
    found, _ = read(github.collector(), "github.org.member")
    assert all("saml" not in each.content and "saml" in each.gaps for each in found.values())


def test_an_element_that_github_left_empty_makes_the_list_incomplete(github: Served) -> None:
    def holed(asked: Asked, right: Any) -> Answer:
        body = github.github.graph.answer(asked.body)
        body["data"]["organization"]["samlIdentityProvider"]["externalIdentities"]["nodes"][0] = None
        return reply(200, body)

    github.rules.append(Rule(_GRAPHQL, holed, times=1))
    report = identities(github.collector())[1]
    assert not report.complete
    assert "LeftOut" in {gap.code for gap in report.gaps}


@pytest.mark.parametrize(
    ("info", "code"),
    [
        ({"hasNextPage": True, "endCursor": None}, "MalformedAnswer"),
        ({"hasNextPage": None, "endCursor": "Mg=="}, "MalformedAnswer"),
        ({"hasNextPage": True, "endCursor": "Mg=="}, "RepeatedToken"),
    ],
)
def test_pages_that_lead_nowhere_end_the_list_as_a_gap(
    github: Served, info: dict[str, Any], code: str
) -> None:
    def astray(asked: Asked, right: Any) -> Answer:
        body = github.github.graph.answer(asked.body)
        body["data"]["organization"]["samlIdentityProvider"]["externalIdentities"]["pageInfo"] = info
        return reply(200, body)

    github.rules.append(Rule(_GRAPHQL, astray))
    report = identities(github.collector())[1]
    assert (report.complete, report.gaps[0].code) == (False, code)


def test_a_limit_that_is_used_up_with_http_200_is_waited_for(github: Served) -> None:
    used_up = wrong("RATE_LIMITED", "API rate limit exceeded for user ID 1.", ("Retry-After", "0"))
    github.rules.append(Rule(_GRAPHQL, refuse(used_up), times=2))
    assert identities(github.collector(retries=2))[1].gaps == []


def test_an_hour_that_is_used_up_is_not_waited_for_and_told(github: Served) -> None:
    headers = (("X-RateLimit-Remaining", "0"), ("X-RateLimit-Reset", "4102444800"))
    used_up = reply(200, {"errors": [{"type": "RATE_LIMITED", "message": "Used up."}]})
    used_up = Answer(200, (*headers, ("Content-Type", "application/json")), used_up.body)
    github.rules.append(Rule(_GRAPHQL, refuse(used_up)))
    report = identities(github.collector())[1]
    assert (report.complete, report.gaps[0].code) == (False, "RateLimit")
    assert len([each for each in github.server.asked if each.path == "/api/graphql"]) == 1


def test_a_query_that_took_github_too_long_is_asked_again(github: Served) -> None:
    tired = {"errors": [{"message": "Something went wrong while executing your query. Include `A:1`."}]}
    github.rules.append(Rule(_GRAPHQL, refuse(reply(200, tired)), times=1))
    assert identities(github.collector(retries=2))[1].gaps == []


def test_a_denied_plan_leaves_members_a_gap_and_not_an_empty_list(github: Served) -> None:
    scope = github.collector().discover().scopes[0]
    github.github.places["/orgs/example"] = Refused(404, "Not Found")
    collector = github.collector()
    with collector.collect(scope, Target("github.org.member", "")) as collection:
        assert list(collection) == []
    assert not collection.report.complete


@pytest.mark.parametrize(
    ("rest", "expected"),
    [
        ("https://api.github.com", "https://api.github.com"),
        ("https://api.example.ghe.com", "https://api.example.ghe.com"),
        ("https://github.example.com/api/v3", "https://github.example.com/api"),
    ],
)
def test_graphql_is_beside_rest(rest: str, expected: str) -> None:
    assert graphql.base_url(rest) == expected
