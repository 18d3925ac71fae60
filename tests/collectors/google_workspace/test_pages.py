"""Pages of Google's that are odd: blank ones in between, and ones that lead back to themselves."""

from typing import Any

import pytest

from annexa.demo.loopback import Answer, Asked
from annexa.plugin import Target
from store.model import Document
from tests.collectors.gcp.identity import reply
from tests.collectors.google_workspace import estate
from tests.collectors.google_workspace.conftest import Served
from tests.collectors.rest.rules import Faulty, Rule, at

POLICIES = "/v1/policies"
USERS = "/directory/v1/users"


def first(asked: Asked) -> bool:
    return "pageToken" not in asked.query


def blank(**more: Any) -> Faulty:
    """A page without a single element, after which the list begins."""
    return lambda asked, right: reply(200, {**more, "nextPageToken": "0"})


def endless(asked: Asked, right: Any) -> Answer | None:
    """Each page says that the next one is itself."""
    return reply(200, {"policies": [], "nextPageToken": "again"})


@pytest.fixture
def served(google: Served) -> Any:
    yield google
    google.workspace.rules.clear()


def collect(google: Served, kind: str) -> tuple[list[Document], Any]:
    collector = google.collector()
    (scope,) = collector.discover().scopes
    collection = collector.collect(scope, Target(f"google_workspace.{kind}", ""))
    return list(collection), collection.report


def test_a_blank_page_of_policies_is_not_the_end_of_them(served: Served) -> None:
    served.workspace.rules.append(Rule(lambda asked: at(POLICIES)(asked) and first(asked), blank()))
    (found,), report = collect(served, "settings.security")
    assert len(found.content["password"]) == 2
    assert report.gaps == []


def test_a_blank_page_of_users_is_not_the_end_of_them(served: Served) -> None:
    page = blank(kind="admin#directory#users")
    served.workspace.rules.append(Rule(lambda asked: at(USERS)(asked) and first(asked), page))
    found, report = collect(served, "directory.user")
    assert len(found) == estate.USERS
    assert report.complete


def test_pages_that_lead_back_to_themselves_are_a_gap(served: Served) -> None:
    served.workspace.rules.append(Rule(at(POLICIES), endless))
    (found,), report = collect(served, "settings.security")
    assert "password" not in found.content
    assert report.gaps
