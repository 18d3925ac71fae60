"""Which projects and organisations are found, with Google's own client over REST and gRPC on loopback."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from annexa.demo.loopback import HANG_UP, Answer, Loopback
from annexa.plugin import Discovery, Scope
from collectors.gcp.discovery import ProjectDiscovery
from collectors.gcp.resource_manager import Clients, ResourceManager
from collectors.ratelimit import RateLimiter
from collectors.retry import Retrier, RetryPolicy
from store.errors import CollectorError
from tests.collectors.conftest import Certified
from tests.collectors.gcp.conftest import Google
from tests.collectors.gcp.hierarchy import GrpcServer
from tests.collectors.gcp.identity import ACCOUNT, error, new_key, reply
from tests.collectors.rest import rules
from tests.collectors.rest.rules import Rule, at

NOW = "2026-01-15T12:00:00Z"
ORGANIZATION = "organizations/1001"


@pytest.fixture
def estate(google: Google) -> Google:
    """An organisation with folders two deep, a project that is shut down, and one outside."""
    here = google.hierarchy
    here.organization("1001", "example.com")
    here.folder("2001", "Shops", ORGANIZATION)
    here.folder("2002", "Europe", "folders/2001")
    here.project("3001", "audit-home", "Audit", ORGANIZATION)
    here.project("3002", "shop-one", "Shop", "folders/2001")
    here.project("3003", "shop-europe", "", "folders/2002")
    here.project("3004", "old-shop", "Old", "folders/2001", state="DELETE_REQUESTED")
    here.project("3005", "lone-project", "Lone", "")
    return google


def discovery(
    google: Google, clients: Callable[[], Clients] | None = None, **section: Any
) -> ProjectDiscovery:
    settings = google.settings(**section)
    tokens = google.tokens(**section)
    policy = RetryPolicy(attempts=settings.retries, base=0.001)

    def retrier() -> Retrier:
        return Retrier(policy, RateLimiter(), threading.Event().wait)

    return ProjectDiscovery(
        settings, tokens, ResourceManager(settings, tokens, retrier, clients), lambda: NOW
    )


def ids(found: Discovery, kind: str = "project") -> list[str]:
    return sorted(scope.id for scope in found.scopes if scope.attributes["kind"] == kind)


def codes(found: Discovery) -> set[tuple[str, str]]:
    return {(gap.resource_id, gap.code) for gap in found.gaps}


# What is found.


def test_everything_that_can_be_seen_is_found(estate: Google) -> None:
    found = discovery(estate).discover()
    assert ids(found) == ["audit-home", "lone-project", "shop-europe", "shop-one"]
    assert ids(found, "organization") == ["1001"]
    assert codes(found) == {("gcp:old-shop", "ProjectDeleteRequested")}


def test_what_a_project_says_of_itself(estate: Google) -> None:
    found = {scope.id: scope for scope in discovery(estate).discover().scopes}
    assert found["shop-one"] == Scope(
        provider="gcp",
        id="shop-one",
        name="Shop",
        attributes={
            "kind": "project",
            "partition": "googleapis.com",
            "project_number": "3002",
            "organization": "1001",
            "principal": f"service account {ACCOUNT}",
        },
    )
    assert found["shop-europe"].name == "shop-europe", "without a name of its own"


def test_what_an_organisation_says_of_itself(estate: Google) -> None:
    (found,) = [scope for scope in discovery(estate).discover().scopes if scope.id == "1001"]
    assert found.name == "example.com"
    assert found.attributes == {
        "kind": "organization",
        "partition": "googleapis.com",
        "organization": "1001",
        "principal": f"service account {ACCOUNT}",
    }


def test_a_project_outside_of_organisations_has_none(estate: Google) -> None:
    found = {scope.id: scope for scope in discovery(estate).discover().scopes}
    assert found["lone-project"].attributes["organization"] == ""


def test_the_way_up_to_the_organisation_is_asked_for_once(estate: Google) -> None:
    discovery(estate).discover()
    asked = [each.path for each in estate.server.asked if "/folders/" in each.path]
    assert sorted(asked) == ["/cloudresourcemanager/v3/folders/2001", "/cloudresourcemanager/v3/folders/2002"]


def test_a_folder_that_may_not_be_seen_bars_the_way_up_and_nothing_else(estate: Google) -> None:
    estate.hierarchy.denied.add("folders/2001")
    found = {scope.id: scope for scope in discovery(estate).discover().scopes}
    assert found["shop-europe"].attributes["organization"] == ""
    assert found["audit-home"].attributes["organization"] == "1001"


def test_what_is_excluded_is_not_missed(estate: Google) -> None:
    found = discovery(estate, exclude=["old-*", "lone-project"]).discover()
    assert ids(found) == ["audit-home", "shop-europe", "shop-one"]
    assert found.gaps == ()


def test_the_same_is_found_over_grpc(estate: Google) -> None:
    over_rest = discovery(estate).discover()
    with GrpcServer(estate.hierarchy) as server:
        assert discovery(estate, server.clients).discover() == over_rest


def test_a_refusal_has_the_same_name_over_grpc(estate: Google) -> None:
    with GrpcServer(estate.hierarchy) as server:
        over_grpc = discovery(estate, server.clients, projects=["no-such-project"]).discover()
    assert over_grpc == discovery(estate, projects=["no-such-project"]).discover()


def test_an_organisation_that_is_about_to_go_is_a_gap(estate: Google) -> None:
    estate.hierarchy.nodes[ORGANIZATION]["state"] = "DELETE_REQUESTED"
    found = discovery(estate).discover()
    assert ids(found, "organization") == []
    assert ("gcp:1001", "OrganizationDeleteRequested") in codes(found)


# What the settings name.


def test_projects_that_are_named(estate: Google) -> None:
    found = discovery(estate, projects=["shop-one", "lone-project"]).discover()
    assert ids(found) == ["lone-project", "shop-one"]
    assert ids(found, "organization") == []
    assert found.gaps == ()


def test_a_project_that_is_named_and_cannot_be_seen_is_a_gap(estate: Google) -> None:
    found = discovery(estate, projects=["shop-one", "no-such-project"]).discover()
    assert ids(found) == ["shop-one"]
    assert codes(found) == {("gcp:no-such-project", "PERMISSION_DENIED")}
    assert "roles/browser" in found.gaps[0].message


def test_a_project_that_is_named_and_shut_down_is_a_gap(estate: Google) -> None:
    found = discovery(estate, projects=["shop-one", "old-shop"]).discover()
    assert codes(found) == {("gcp:old-shop", "ProjectDeleteRequested")}
    assert "gcloud projects undelete old-shop" in found.gaps[0].message


def test_the_projects_below_a_folder_at_any_depth(estate: Google) -> None:
    found = discovery(estate, folders=["2001"]).discover()
    assert ids(found) == ["shop-europe", "shop-one"]
    assert {scope.attributes["organization"] for scope in found.scopes} == {"1001"}
    assert codes(found) == {("gcp:old-shop", "ProjectDeleteRequested")}


def test_an_organisation_and_the_projects_below_it(estate: Google) -> None:
    found = discovery(estate, organizations=["1001"], exclude=["old-shop"]).discover()
    assert ids(found, "organization") == ["1001"]
    assert ids(found) == ["audit-home", "shop-europe", "shop-one"]
    assert found.gaps == ()


def test_what_is_named_in_several_ways_is_found_once(estate: Google) -> None:
    several = discovery(estate, organizations=["1001"], folders=["2001", "2002"], projects=["shop-europe"])
    found = several.discover()
    assert ids(found) == ["audit-home", "shop-europe", "shop-one"]
    assert len(found.gaps) == 1


def test_a_folder_whose_content_may_not_be_listed_is_a_gap_and_the_rest_goes_on(estate: Google) -> None:
    estate.hierarchy.closed.add("folders/2002")
    found = discovery(estate, organizations=["1001"], exclude=["old-shop"]).discover()
    assert ids(found) == ["audit-home", "shop-one"]
    assert {(gap.call, gap.code) for gap in found.gaps} == {
        ("cloudresourcemanager:GET /v3/projects", "PERMISSION_DENIED"),
        ("cloudresourcemanager:GET /v3/folders", "PERMISSION_DENIED"),
    }
    assert all("folders/2002" in gap.message for gap in found.gaps)


def test_an_organisation_that_may_not_be_seen_is_a_gap(estate: Google) -> None:
    found = discovery(estate, organizations=["1009"], projects=["shop-one"]).discover()
    assert ids(found) == ["shop-one"]
    assert ("gcp:1009", "PERMISSION_DENIED") in codes(found)


def test_no_project_at_all_is_a_gap_and_not_an_empty_estate(google: Google) -> None:
    found = discovery(google).discover()
    assert found.scopes == ()
    assert codes(found) == {("", "NoProjects")}


# What goes wrong.


def test_an_api_that_is_not_enabled_is_a_gap_with_google_s_words(estate: Google) -> None:
    said = "Cloud Resource Manager API has not been used in project 1234 before or it is disabled."
    estate.rules.append(
        Rule(
            at("/projects:search"),
            lambda asked, right: error(403, "PERMISSION_DENIED", said, "SERVICE_DISABLED"),
        )
    )
    found = discovery(estate).discover()
    assert ids(found) == []
    assert codes(found) == {("", "SERVICE_DISABLED")}
    assert found.gaps[0].message == said


def test_a_later_page_that_fails_leaves_no_half_list(estate: Google) -> None:
    def later(asked: Any) -> bool:
        return "projects:search" in asked.path and "pageToken" in asked.query

    estate.rules.append(Rule(later, lambda asked, right: error(500, "INTERNAL", "Internal error.")))
    found = discovery(estate).discover()
    assert ids(found) == []
    assert codes(found) == {("", "INTERNAL")}


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (error(503, "UNAVAILABLE", "Try later."), "UNAVAILABLE"),
        (error(429, "RESOURCE_EXHAUSTED", "Quota.", "RATE_LIMIT_EXCEEDED"), "RATE_LIMIT_EXCEEDED"),
        (reply(200, ["no object"]), "MalformedAnswer"),
        (reply(200, {"message": "Accept the terms of this hotspot."}), "MalformedAnswer"),
        (reply(200, {"error": {"code": 403}}), "MalformedAnswer"),
        (reply(204, {}), "MalformedAnswer"),
        (Answer(200, (("Content-Type", "text/html"),), b"<html>"), "MalformedAnswer"),
        (HANG_UP, "ConnectionFailed"),
    ],
)
def test_what_may_pass_is_tried_again(estate: Google, answer: Any, code: str) -> None:
    rule = Rule(at("/projects:search"), lambda asked, right: answer, times=2)
    estate.rules.append(rule)
    assert len(ids(discovery(estate, retries=3).discover())) == 4
    rule.times = None
    found = discovery(estate, retries=2).discover()
    assert ids(found) == []
    assert codes(found) == {("", code)}


def test_an_answer_that_breaks_off_is_none(estate: Google) -> None:
    estate.rules.append(Rule(at("/projects:search"), rules.break_off))
    found = discovery(estate).discover()
    assert ids(found) == []
    assert codes(found) == {("", "MalformedAnswer")}


def test_nobody_is_followed_elsewhere(estate: Google) -> None:
    away = Answer(302, (("Location", "http://localhost:1/"),), b"")
    estate.rules.append(Rule(at("/projects:search"), lambda asked, right: away))
    assert codes(discovery(estate).discover()) == {("", "Redirected")}


def test_an_answer_that_does_not_come_is_not_waited_for(estate: Google) -> None:
    estate.rules.append(Rule(at("/projects:search"), rules.hold))
    found = discovery(estate, read_timeout=0.2).discover()
    assert codes(found) == {("", "Timeout")}


def test_a_page_token_that_comes_twice_ends_the_list(estate: Google) -> None:
    body = {"projects": [], "nextPageToken": "again"}
    estate.rules.append(Rule(at("/projects:search"), lambda asked, right: reply(200, body)))
    assert codes(discovery(estate).discover()) == {("", "RepeatedToken")}


# Credentials.


def test_a_token_that_expires_on_the_way_is_replaced(estate: Google) -> None:
    estate.identity.lives = 2
    assert len(ids(discovery(estate).discover())) == 4
    assert len(estate.identity.issued) > 2


def test_a_wrong_key_ends_it_with_a_hint(estate: Google) -> None:
    with pytest.raises(CollectorError, match="Invalid JWT Signature") as caught:
        discovery(estate, credentials_file=estate.service_account(new_key())).discover()
    assert "[gcp]" in caught.value.hint


def test_a_token_that_google_never_takes_ends_it(estate: Google) -> None:
    estate.identity.lives = 0
    with pytest.raises(CollectorError, match="ACCESS_TOKEN_EXPIRED"):
        discovery(estate).discover()


def test_the_quota_counts_where_the_settings_say(estate: Google) -> None:
    discovery(estate, quota_project="audit-quota").discover()
    asked = [each for each in estate.server.asked if "/v3/" in each.path]
    assert {each.headers["x-goog-user-project"] for each in asked} == {"audit-quota"}


@pytest.fixture
def secured(estate: Google, certified: Certified) -> Iterator[Loopback]:
    with Loopback(estate, certified.server) as server:
        yield server


def test_certificates_are_checked(
    estate: Google, secured: Loopback, certified: Certified, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert codes(discovery(estate, endpoint_url=secured.url).discover()) == {("", "TlsFailed")}
    monkeypatch.setenv("SSL_CERT_FILE", str(certified.authority))
    assert len(ids(discovery(estate, endpoint_url=secured.url).discover())) == 4
