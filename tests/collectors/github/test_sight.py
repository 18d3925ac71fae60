"""A list that may lack something without a word is never taken for whole."""

from typing import Any

import pytest

from annexa.plugin import Target
from collectors.github.collector import GithubCollector
from tests.collectors.github import estate
from tests.collectors.github.conftest import Served
from tests.collectors.github.failures import refuse
from tests.collectors.github.github import reply
from tests.collectors.rest.rules import Rule, at

_UNSHOWN = estate.settings(two_factor_requirement_enabled=None, billing_email=None)


def read(collector: GithubCollector, kind: str) -> tuple[int, bool, list[str]]:
    """Return how many documents there are, whether that is all, and the gaps' messages."""
    with collector.collect(collector.discover().scopes[0], Target(kind, "")) as collection:
        documents = list(collection)
    return len(documents), collection.report.complete, [gap.message for gap in collection.report.gaps]


@pytest.mark.parametrize(
    "kind", ["github.repo.repository", "github.org.member", "github.repo.deploy-key", "github.org.team"]
)
def test_a_token_that_is_no_owner_s_proves_nobody_and_nothing_gone(github: Served, kind: str) -> None:
    github.github.places["/orgs/example"] = _UNSHOWN
    _, complete, messages = read(github.collector(), kind)
    assert not complete
    assert any("token of an owner" in each for each in messages)


def test_what_is_there_is_read_all_the_same(github: Served) -> None:
    github.github.places["/orgs/example"] = _UNSHOWN
    assert read(github.collector(), "github.repo.repository")[0] == len(estate.REPOSITORIES)


def test_an_app_that_was_installed_for_some_repositories_says_so(github: Served) -> None:
    github.github.installations[estate.ORG] = estate.installation(repository_selection="selected")
    _, complete, messages = read(github.app(), "github.repo.repository")
    assert not complete
    assert any("choose all repositories" in each for each in messages)
    assert read(github.app(), "github.org.owner")[1], "members are seen whatever repositories were chosen"


def test_an_app_that_may_not_read_members_proves_nobody_gone(github: Served) -> None:
    github.github.installations[estate.ORG] = estate.installation(permissions={"metadata": "read"})
    assert read(github.app(), "github.repo.repository")[1]
    _, complete, messages = read(github.app(), "github.org.member")
    assert not complete
    assert any("members:read" in each for each in messages)


def test_doctor_names_repositories_that_were_not_chosen(github: Served) -> None:
    github.github.installations[estate.ORG] = estate.installation(repository_selection="selected")
    found = {each.name: each for each in github.app().diagnose()}
    assert "all repositories (example)" in found["permissions"].message


# Successes that cannot be the answer.


@pytest.mark.parametrize(
    "body",
    [{}, {"message": "Sign in"}, {"items": None}, {"items": {}}, {"items": ["mona"]}, [None], ["mona"]],
)
@pytest.mark.parametrize(
    ("kind", "path"),
    [
        ("github.org.member", "/members"),
        ("github.repo.repository", "/repos"),
        ("github.org.webhook", "/hooks"),
        ("github.actions.runner", "/runners"),
        ("github.org.installation", "/installations"),
    ],
)
def test_a_success_without_the_list_is_no_empty_list(github: Served, kind: str, path: str, body: Any) -> None:
    github.rules.append(Rule(at(path), refuse(reply(200, body))))
    count, complete, messages = read(github.collector(), kind)
    assert (count, complete) == (0, False)
    assert messages


def test_a_wrapped_list_that_is_missing_is_no_empty_list(github: Served) -> None:
    github.rules.append(Rule(at("/runners"), refuse(reply(200, {"total_count": 3}))))
    assert read(github.collector(), "github.actions.runner")[:2] == (0, False)


@pytest.mark.parametrize("body", [{}, {"message": "Sign in"}])
def test_a_filter_that_gives_something_else_does_not_clear_members(github: Served, body: Any) -> None:
    def filtered(asked: Any) -> bool:
        return "filter" in asked.query

    github.rules.append(Rule(filtered, refuse(reply(200, body))))
    collector = github.collector()
    with collector.collect(collector.discover().scopes[0], Target("github.org.member", "")) as collection:
        documents = list(collection)
    assert documents
    assert all("without_2fa" in each.gaps for each in documents)


def test_an_organisation_that_was_renamed_is_named_with_what_to_do(github: Served) -> None:
    moved = reply(
        301, {"message": "Moved Permanently"}, ("Location", f"{github.github.base}/organizations/42")
    )
    github.rules.append(Rule(at("/orgs/example"), refuse(moved)))
    (gap,) = github.collector().discover().gaps
    assert gap.code == "Redirected"
    assert "new login" in gap.message


def test_a_refusal_that_says_when_to_come_back_is_throttling(github: Served) -> None:
    busy = reply(403, {"message": "Please wait."}, ("Retry-After", "0"))
    github.rules.append(Rule(at("/teams"), refuse(busy), times=2))
    assert read(github.collector(retries=2), "github.org.team")[1]
