"""What is read of a tenant, and what is said where it cannot be read."""

import json
from typing import Any

import pytest

from annexa.demo.sign_in import OBJECT
from annexa.plugin import CallError, CollectorError, Tools
from collectors.entra.collector import EntraCollector
from tests.collectors.entra import estate
from tests.collectors.entra.conftest import Entra
from tests.collectors.entra.graph import CLIENT, SECRET, TENANT, later_page, refuse
from tests.collectors.rest.rules import Rule, at, send

_ALL = EntraCollector({}, Tools(redaction_key=b"key")).resource_types()


def test_the_tenant_is_the_scope(entra: Entra) -> None:
    (scope,) = entra.collector().discover().scopes
    assert (scope.provider, scope.id, scope.name) == ("entra", TENANT, "Contoso")
    assert scope.attributes["principal"] == f"{CLIENT} ({OBJECT})"


def test_everything_is_read(entra: Entra) -> None:
    for kind in _ALL:
        documents, report = entra.read(kind)
        assert report.gaps == [], kind
        assert report.complete, kind
        assert documents, kind


def test_tokens_are_for_graph(entra: Entra) -> None:
    entra.collector().discover()
    sign_in = [asked for asked in entra.server.asked if asked.path.endswith("/oauth2/v2.0/token")][-1]
    assert b"scope=https%3A%2F%2Fgraph.microsoft.com%2F.default" in sign_in.body


def test_values_that_enumerations_got_later_are_asked_for(entra: Entra) -> None:
    entra.read("entra.policy.conditional-access")
    assert entra.server.asked[-1].headers["prefer"] == "include-unknown-enum-members"


def test_people_are_read_in_big_pages_and_not_one_by_one(entra: Entra) -> None:
    before = len(entra.server.asked)
    documents, _ = entra.read("entra.user.user")
    asked = [each for each in entra.server.asked[before:] if each.path == "/v1.0/users"]
    assert len(documents) == estate.USERS
    assert len(asked) == 3  # two on each page of the fake
    assert {each.query["$top"] for each in asked} == {"999"}


def test_a_guest_without_an_address_is_a_user_like_any_other(entra: Entra) -> None:
    documents, report = entra.read("entra.user.user")
    (guest,) = [each for each in documents if each.content["item"]["userType"] == "Guest"]
    assert guest.content["item"]["mail"] is None
    assert report.complete


def test_members_of_groups_within_groups_are_named_once(entra: Entra) -> None:
    documents, _ = entra.read("entra.group.group")
    (admins,) = [each for each in documents if each.name == "Admins"]
    members = admins.content["members"]
    assert [each["id"] for each in members] == list(dict.fromkeys(each["id"] for each in members))
    assert len(members) == 4
    (others,) = [each for each in documents if each.name == "Everybody"]
    assert others.content["members"] is None
    assert others.content["owners"] is None


def test_who_holds_a_role_is_looked_up_by_what_it_is(entra: Entra) -> None:
    documents, report = entra.read("entra.role.assignment")
    person, group, application, gone = (each.content for each in documents)
    assert person["user"]["accountEnabled"] is True
    assert person["members"] is None
    assert {each["id"] for each in group["members"]} >= {estate.identifier("a", 1), estate.identifier("a", 4)}
    assert application["user"] is None
    assert gone["user"] is None
    assert person["role"]["displayName"] == "Global Administrator"
    assert report.gaps == []


def test_names_of_roles_are_asked_for_once(entra: Entra) -> None:
    before = len(entra.server.asked)
    entra.read("entra.role.assignment")
    asked = [each.path for each in entra.server.asked[before:] if each.path.endswith("/roleDefinitions")]
    assert len(asked) == 1


def test_whose_application_has_a_permission_is_found_in_one_list(entra: Entra) -> None:
    documents, _ = entra.read("entra.app.graph-permission")
    owners = [each.content["client"]["appOwnerOrganizationId"] for each in documents]
    assert owners == [estate.identifier("f", 1), estate.MICROSOFT]


def test_nothing_of_a_secret_is_kept(entra: Entra) -> None:
    documents, _ = entra.read("entra.app.application")
    kept = json.dumps([each.payload() for each in documents])
    assert estate.HINT not in kept
    assert any("item.passwordCredentials.0.hint" in each.redacted for each in documents)


def test_the_newest_score_is_kept(entra: Entra) -> None:
    (document,), _ = entra.read("entra.tenant.secure-score")
    assert document.content["score"]["id"] == f"{TENANT}_2026-05-01"


def test_the_newest_score_is_kept_in_whatever_order_they_come(entra: Entra) -> None:
    entra.graph.places["/v1.0/security/secureScores"].content.reverse()
    (document,), _ = entra.read("entra.tenant.secure-score")
    assert document.content["score"]["id"] == f"{TENANT}_2026-05-01"


def test_somebody_else_is_no_answer(entra: Entra) -> None:
    """A proxy or a batch that mixes up answers must not lend one person's state to another."""
    holder = estate.identifier("a", 0)
    wrong = json.dumps({"@odata.context": "x", "id": estate.identifier("a", 9), "accountEnabled": True})
    entra.graph.rules.append(Rule(at(f"/users/{holder}"), send(200, wrong.encode())))
    documents, _ = entra.read("entra.role.assignment")
    (person,) = [each for each in documents if each.content["item"]["principalId"] == holder]
    assert person.gaps["user"]["code"] == "MalformedAnswer"


def test_a_tenant_without_licences_is_read_as_far_as_it_goes(entra: Entra) -> None:
    entra.graph.premium = False
    people, report = entra.read("entra.user.user")
    assert len(people) == estate.USERS
    assert report.complete
    for kind in ("entra.user.sign-in-activity", "entra.user.registration", "entra.role.eligibility"):
        documents, report = entra.read(kind)
        assert documents == []
        assert not report.complete
        (gap,) = report.gaps
        assert "licence" in gap.message
        assert "[collect] skip" in gap.message


def test_what_is_denied_says_what_to_grant(entra: Entra) -> None:
    entra.graph.denied.add("/applications")
    documents, report = entra.read("entra.app.application")
    assert documents == []
    assert not report.complete
    (gap,) = report.gaps
    assert gap.code == "Authorization_RequestDenied"
    assert "annexa permissions entra" in gap.message


def test_a_denied_group_costs_its_members_and_not_the_group(entra: Entra) -> None:
    entra.graph.denied.add(f"/groups/{estate.identifier('c', 1)}/transitiveMembers")
    documents, report = entra.read("entra.group.group")
    (admins,) = [each for each in documents if each.name == "Admins"]
    assert "members" not in admins.content
    assert admins.gaps["members"]["code"] == "Authorization_RequestDenied"
    assert report.complete


def test_a_token_that_ends_in_the_middle_is_replaced(entra: Entra) -> None:
    entra.graph.lives = 3
    documents, report = entra.read("entra.user.user")
    assert len(documents) == estate.USERS
    assert report.gaps == []


def test_a_revoked_application_is_told_as_such(entra: Entra, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_CLIENT_SECRET", "revoked")
    with pytest.raises(CollectorError, match="AADSTS7000215") as caught:
        entra.collector().discover()
    assert SECRET not in str(caught.value)
    assert "tenant_id" in caught.value.hint


def test_a_token_that_is_not_taken_any_more_is_a_gap(entra: Entra) -> None:
    collector = entra.collector()
    (scope,) = collector.discover().scopes
    entra.graph.rules.append(Rule(at("/users"), refuse(401, "InvalidAuthenticationToken", "Revoked.")))
    (target,) = collector.targets(scope, ["entra.user.user"])
    with collector.collect(scope, target) as collection:
        assert list(collection) == []
    assert collection.report.gaps[0].code == "InvalidAuthenticationToken"
    assert not collection.report.complete


def test_a_throttled_page_is_asked_for_again(entra: Entra) -> None:
    slow = refuse(429, "TooManyRequests", "Slow down.", ("Retry-After", "0"))
    entra.graph.rules.append(Rule(later_page("/users"), slow, times=1))
    documents, report = entra.read("entra.user.user", retries=2)
    assert len(documents) == estate.USERS
    assert report.gaps == []


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b'{"@odata.context": "x"}',
        b'{"@odata.context": "x", "value": null}',
        b'{"@odata.context": "x", "value": ["a"]}',
        b'{"error": {"code": "x"}}',
        b'{"@odata.context": "x", "value": [{"id": "a"}], "error": {"code": "x"}}',
    ],
)
def test_a_list_that_is_none_does_not_mean_nobody(entra: Entra, body: bytes) -> None:
    entra.graph.rules.append(Rule(at("/users"), send(200, body)))
    documents, report = entra.read("entra.user.user")
    assert documents == []
    assert report.gaps[0].code == "MalformedAnswer"
    assert not report.complete


@pytest.mark.parametrize("body", [b"{}", b'{"isEnabled": true}'])
def test_an_object_that_is_no_policy_is_not_taken_for_one(entra: Entra, body: bytes) -> None:
    path = "/policies/identitySecurityDefaultsEnforcementPolicy"
    entra.graph.rules.append(Rule(at(path), send(200, body)))
    (document,), _ = entra.read("entra.policy.security-defaults")
    assert document.gaps["policy"]["code"] == "MalformedAnswer"


@pytest.mark.parametrize("body", [{"value": []}, {"value": [{}]}, {"value": [{"id": ""}]}])
def test_an_answer_that_names_no_tenant_is_refused(entra: Entra, body: dict[str, Any]) -> None:
    with pytest.raises(CallError, match="names no organisation"):
        entra.collector().tenant(body)


def test_a_tenant_without_a_name_has_its_id_for_one(entra: Entra) -> None:
    assert entra.collector().tenant({"value": [{"id": TENANT, "displayName": None}]}).name == TENANT


def test_an_organisation_that_is_denied_is_a_gap(entra: Entra) -> None:
    entra.graph.denied.add("/organization")
    found = entra.collector().discover()
    assert found.scopes == ()
    assert found.gaps[0].code == "Authorization_RequestDenied"
