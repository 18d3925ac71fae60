"""Settings, the organisation, what doctor and permissions say, and how Okta's own refusals are told."""

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from annexa.demo.loopback import Answer, Asked
from annexa.plugin import Collection, ConfigError, Target, Tools
from collectors.okta.answers import read_error
from collectors.okta.collector import OktaCollector
from tests.collectors.okta import estate
from tests.collectors.okta.conftest import Okta
from tests.collectors.okta.org import later_page, oauth_error, refuse, reply, throttle
from tests.collectors.rest.rules import Faulty, Rule, at

USERS = "/api/v1/users"


def collect(okta: Okta, kind: str, **more: Any) -> Collection:
    collector = okta.collector(**more)
    collection = collector.collect(collector.discover().scopes[0], Target(kind, ""))
    list(collection)
    return collection


@pytest.fixture(autouse=True)
def no_rules(okta: Okta) -> None:
    okta.org.rules.clear()


def always(answer: Answer) -> Faulty:
    return lambda asked, right: answer


# The section of the configuration.


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://example.okta.com", "https"),
        ("https://example-admin.okta.com", "leave -admin out"),
        ("https://example.okta.com/oauth2/default", "address alone"),
        ("https://user:pass@example.okta.com", "address alone"),
        ("https://okta.com", "names no organisation"),
        ("https://192.0.2.1", "no domain"),
        ("example.okta.com", "address alone"),
        ("ftp://localhost", "neither http nor https"),
    ],
)
def test_an_address_that_a_token_must_not_go_to(okta: Okta, url: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        okta.collector({"org_url": url})


@pytest.mark.parametrize(
    "url",
    [
        "https://example.okta.com/",
        "https://Example.oktapreview.com",
        "https://id.example.com",
        "http://localhost:8080",
    ],
)
def test_an_address_that_may_be_asked(okta: Okta, url: str) -> None:
    assert okta.collector({"org_url": url}).services()["okta"].base_url == url.rstrip("/").lower()


def test_a_service_app_needs_its_key(okta: Okta) -> None:
    with pytest.raises(ConfigError, match="client_id and private_key_file and key_id"):
        okta.collector({"org_url": "https://example.okta.com", "credential": "oauth"})


def test_definitions_can_be_looked_at_without_an_address(okta: Okta) -> None:
    collector = OktaCollector({}, Tools(redaction_key=b"k"))
    assert collector.permissions(collector.resource_types()).grants
    with pytest.raises(ConfigError, match="org_url is missing"):
        collector.discover()
    (line,) = collector.diagnose()
    assert not line.ok


def test_published_limits_hold_for_custom_domains_too(okta: Okta) -> None:
    assert not okta.collector({"org_url": "https://id.example.com"}).elsewhere()
    assert okta.collector().elsewhere()


# Discovery, doctor, permissions.


def test_the_organisation_is_the_scope(okta: Okta) -> None:
    (scope,) = okta.collector().discover().scopes
    assert (scope.id, scope.name) == (estate.ORG_ID, "Example Ltd")
    assert scope.attributes["subdomain"] == "example"


def test_an_organisation_that_cannot_be_entered_is_a_gap(okta: Okta) -> None:
    okta.org.rules.append(Rule(at("/api/v1/org"), refuse(403, "E0000006")))
    found = okta.collector().discover()
    assert found.scopes == ()
    assert [gap.code for gap in found.gaps] == ["E0000006"]


def test_a_token_whose_owner_is_not_shown_still_reads(okta: Okta) -> None:
    okta.org.rules.append(Rule(at("/users/me"), refuse(403, "E0000006")))
    (scope,) = okta.collector().discover().scopes
    assert scope.attributes["principal"] == ""


def test_doctor_names_the_organisation_and_the_token_s_owner(okta: Okta) -> None:
    lines = {line.name: line for line in okta.collector().diagnose()}
    assert all(line.ok for line in lines.values())
    assert lines["credentials"].message == "user 00u1"
    assert estate.ORG_ID in lines["tenant"].message


@pytest.mark.parametrize(
    ("role", "ok", "words"),
    [
        ("READ_ONLY_ADMIN", True, "READ_ONLY_ADMIN"),
        ("SUPER_ADMIN", True, "more than reading takes"),
        ("HELP_DESK_ADMIN", False, "only what it shows"),
    ],
)
def test_doctor_tells_a_role_that_shows_only_a_part(okta: Okta, role: str, ok: bool, words: str) -> None:
    okta.org.rules.append(Rule(at("/api/v1/users/00u1/roles"), always(reply(200, [estate.role(role)]))))
    line = next(line for line in okta.collector().diagnose() if line.name == "role")
    assert line.ok == ok
    assert words in line.message


def test_doctor_says_so_where_it_may_not_see_the_role(okta: Okta) -> None:
    okta.org.rules.append(Rule(at("/api/v1/users/00u1/roles"), refuse(403, "E0000006")))
    line = next(line for line in okta.collector().diagnose() if line.name == "role")
    assert line.ok
    assert "not looked at" in line.message


def test_doctor_names_the_scopes_that_are_missing(okta: Okta) -> None:
    collector = okta.collector(okta.service_app())
    wanted = collector.permissions(collector.resource_types()).grants
    okta.org.granted = frozenset(wanted) - {"okta.devices.read"}
    line = next(line for line in collector.diagnose() if line.name == "permissions")
    assert not line.ok
    assert "okta.devices.read" in line.message
    assert "annexa permissions okta" in line.hint


def test_doctor_on_a_token_that_is_no_good(okta: Okta, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OKTA_API_TOKEN", "00revoked")
    (line,) = okta.collector().diagnose()
    assert (line.name, line.ok) == ("credentials", False)
    assert "E0000011" in line.message


def test_permissions_are_scopes_that_read_and_come_from_the_definitions(okta: Okta) -> None:
    collector = okta.collector()
    every = collector.permissions(collector.resource_types())
    assert all(each.startswith("okta.") and each.endswith(".read") for each in every.grants)
    assert json.loads(every.documents[0]) == {"scopes": list(every.grants)}
    assert "Read-Only Administrator" in every.note
    assert collector.permissions(["okta.security.network-zone"]).grants == (
        "okta.networkZones.read",
        "okta.orgs.read",
    )


# Refusals.


def test_a_rate_limit_without_retry_after_is_waited_for(okta: Okta) -> None:
    okta.org.rules.append(Rule(later_page(USERS), throttle(lambda: 1), times=1))
    collection = collect(okta, "okta.users.user", retries=2)
    assert collection.report.complete
    assert collection.report.gaps == []


@pytest.mark.parametrize("minutes", [-10, 10])
def test_a_rate_limit_ends_by_the_clock_of_okta(okta: Okta, minutes: int) -> None:
    okta.org.rules.append(Rule(later_page(USERS), throttle(lambda: 1), times=1))
    wrong = Tools(redaction_key=b"k", clock=lambda: datetime.now(UTC) + timedelta(minutes=minutes))
    collector = okta.collector(tools=wrong, retries=1)
    began = time.monotonic()
    collection = collector.collect(collector.discover().scopes[0], Target("okta.users.user", ""))
    list(collection)
    assert collection.report.gaps == []
    assert 0.05 < time.monotonic() - began < 20


def full_pages(asked: Asked, right: Callable[[], Answer | None]) -> Answer:
    """Pages of 200 without a next link, as Okta has been seen to answer."""
    every = [estate.user(number) for number in range(1000, 1500)]
    ids = [each["id"] for each in every]
    start = ids.index(asked.query["after"]) + 1 if "after" in asked.query else 0
    return reply(200, every[start : start + int(asked.query["limit"])])


def test_a_full_page_without_a_next_link_is_not_the_end(okta: Okta) -> None:
    okta.org.rules.append(Rule(at(USERS), full_pages))
    collector = okta.collector()
    collection = collector.collect(collector.discover().scopes[0], Target("okta.users.user", ""))
    assert len(list(collection)) == 500
    assert collection.report.complete


def test_a_full_page_that_comes_again_ends_the_list(okta: Okta) -> None:
    okta.org.rules.append(Rule(at(USERS), always(reply(200, [estate.user(n) for n in range(1, 201)]))))
    collection = collect(okta, "okta.users.user")
    assert collection.report.complete


def test_a_rate_limit_that_is_far_away_is_a_gap(okta: Okta) -> None:
    okta.org.rules.append(Rule(later_page(USERS), throttle(lambda: 3600)))
    collection = collect(okta, "okta.users.user", retries=5)
    assert not collection.report.complete
    assert [gap.code for gap in collection.report.gaps] == ["E0000047"]


def test_a_feature_that_was_not_bought_is_a_gap_with_its_remedy(okta: Okta) -> None:
    summary = "You do not have permission to access the feature you are requesting"
    okta.org.rules.append(Rule(at("/api/v1/logStreams"), refuse(401, "E0000015", summary)))
    collection = collect(okta, "okta.security.log-stream")
    (gap,) = collection.report.gaps
    assert gap.code == "E0000015"
    assert "[collect] skip" in gap.message
    assert not collection.report.complete


def test_a_role_that_does_not_reach_is_a_gap_with_its_remedy(okta: Okta) -> None:
    okta.org.rules.append(Rule(at("/api/v1/iam/roles"), refuse(403, "E0000006", "No permission")))
    (gap,) = collect(okta, "okta.roles.custom-role").report.gaps
    assert "not granted" in gap.message


@pytest.mark.parametrize(
    ("path", "kind", "body"),
    [
        (USERS, "okta.users.user", {"message": "Sign in at the proxy."}),
        (USERS, "okta.users.user", {"errorCode": "E0000009", "errorSummary": "Internal"}),
        (USERS, "okta.users.user", ["00u1"]),
        ("/api/v1/iam/roles", "okta.roles.custom-role", []),
        ("/api/v1/iam/roles", "okta.roles.custom-role", {"_embedded": {}}),
    ],
)
def test_a_success_that_is_no_answer_is_not_an_empty_list(
    okta: Okta, path: str, kind: str, body: Any
) -> None:
    okta.org.rules.append(Rule(at(path), always(reply(200, body))))
    collection = collect(okta, kind)
    assert not collection.report.complete
    assert {gap.code for gap in collection.report.gaps} == {"MalformedAnswer"}


def test_a_next_page_in_the_body_that_has_no_address(okta: Okta) -> None:
    body = {"roles": [], "_links": {"next": {}}}
    okta.org.rules.append(Rule(at("/api/v1/iam/roles"), always(reply(200, body))))
    assert [gap.code for gap in collect(okta, "okta.roles.custom-role").report.gaps] == ["MalformedAnswer"]


def test_a_next_page_elsewhere_gets_no_token(okta: Okta) -> None:
    link = ("Link", '<https://evil.example/api/v1/users?after=2>; rel="next"')
    okta.org.rules.append(Rule(at(USERS), always(reply(200, [estate.user(1)], link))))
    assert [gap.code for gap in collect(okta, "okta.users.user").report.gaps] == ["ForeignLink"]


def test_the_causes_of_an_error_are_told() -> None:
    body = {
        "errorCode": "E0000001",
        "errorSummary": "Api validation failed: type",
        "errorCauses": [{"errorSummary": "The policy type is not known."}, "?"],
    }
    assert read_error(body) == ("E0000001", "Api validation failed: type; The policy type is not known.")


def test_an_error_of_the_token_endpoint_is_told() -> None:
    answer = oauth_error(400, "invalid_client", "No client.")
    assert read_error(json.loads(answer.body)) == ("invalid_client", "No client.")


@pytest.mark.parametrize("body", [None, [], {}, {"errorCode": 7}])
def test_an_error_without_words(body: Any) -> None:
    assert read_error(body) == ("", "")


def test_the_collector_s_version_is_told() -> None:
    assert OktaCollector.version
