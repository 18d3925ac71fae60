"""What Google's answers say when something is wrong, and what to do about it."""

from typing import Any

import pytest

from annexa.plugin import Document, Report, Target
from collectors.google_workspace.answers import check, read_error
from collectors.rest.operation import Ask
from collectors.transport import CallError
from tests.collectors.gcp.identity import error, reply
from tests.collectors.google_workspace import faults
from tests.collectors.google_workspace.conftest import Served
from tests.collectors.rest.rules import Faulty, Rule, at


@pytest.fixture
def sound(google: Served) -> Served:
    """The customer, in which nothing goes wrong yet."""
    google.workspace.rules.clear()
    return google


def read(google: Served, kind: str, **section: Any) -> tuple[list[Document], Report]:
    collector = google.collector(**section)
    scope = collector.discover().scopes[0]
    collection = collector.collect(scope, Target(f"google_workspace.{kind}", ""))
    return list(collection), collection.report


def broken(google: Served, path: str, fault: Faulty, kind: str) -> Report:
    google.workspace.rules.append(Rule(at(path), fault))
    _, report = read(google, kind)
    return report


def test_an_administrator_without_the_privilege(sound: Served) -> None:
    (gap,) = broken(sound, "/roles", faults.DENIED, "directory.role").gaps
    assert gap.code == "forbidden"
    assert "Not Authorized" in gap.message
    assert "annexa permissions google_workspace" in gap.message


def test_an_edition_without_the_api(sound: Served) -> None:
    report = broken(sound, "/devices/mobile", faults.NO_LICENCE, "devices.mobile")
    (gap,) = report.gaps
    assert not report.complete
    assert gap.code == "domainCannotUseApis"
    assert "edition" in gap.message
    assert "[collect] skip" in gap.message


def test_an_api_that_is_not_enabled(sound: Served) -> None:
    off = error(403, "PERMISSION_DENIED", "Alert Center API has not been used.", "SERVICE_DISABLED")
    (gap,) = broken(sound, "/alerts", lambda asked, right: off, "alertcenter.alert").gaps
    assert gap.code == "SERVICE_DISABLED"
    assert "Enable the API" in gap.message


def test_a_quota_that_is_used_up_is_waited_for(sound: Served) -> None:
    throttled = faults.old(403, "quotaExceeded", "Too many concurrent requests.", ("Retry-After", "0"))
    sound.workspace.rules.append(Rule(at("/users"), throttled, times=2))
    documents, report = read(sound, "directory.user", retries=3)
    assert documents
    assert report.complete


def test_a_directory_s_answer_without_its_kind_is_not_a_list_of_nobody(sound: Served) -> None:
    report = broken(sound, "/users", lambda asked, right: reply(200, {}), "directory.user")
    assert not report.complete
    assert [gap.code for gap in report.gaps] == ["MalformedAnswer"]


def test_an_empty_object_of_a_newer_api_is_an_empty_list(sound: Served) -> None:
    documents, report = read(sound, "identity.allowlisted-domain")
    assert (documents, report.complete, report.gaps) == ([], True, [])


def test_a_group_that_is_gone_while_the_groups_are_read(sound: Served) -> None:
    missing = faults.old(404, "notFound", "Domain not found.")
    sound.workspace.rules.append(Rule(at("/groups/v1/groups/helpdesk@example.com"), missing))
    documents, report = read(sound, "groups.group")
    assert len(documents) == 2
    assert [gap.key for gap in report.gaps] == ["settings", "members"]
    assert report.gaps[1].code == "DependsOnGap"


def test_an_error_that_comes_as_a_success() -> None:
    with pytest.raises(CallError) as caught:
        check(Ask("GET", "/v1/policies", ()), {"error": {"code": 500}})
    assert caught.value.code == "MalformedAnswer"


def test_a_message_that_is_known_is_left_as_it_is() -> None:
    body = {"error": {"code": 404, "message": "Gone", "errors": [{"reason": "notFound"}]}}
    assert read_error(body) == ("notFound", "Gone")
    assert read_error({"error": "invalid_grant"}) == ("invalid_grant", "")
    assert read_error(None) == ("", "")
