"""Reading a SCIM service: pages that move, accounts, groups, credentials and what cannot be read."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from annexa.demo.loopback import Answer, Asked, Loopback
from collectors.rest.published import published
from collectors.scim.reader import ServiceReader
from store.errors import CollectorError
from tests.collectors.rest.rules import Rule, at
from tests.collectors.scim.conftest import Scim, refuse
from tests.collectors.scim.service import TOKEN, USERS

USER = "scim.directory.user"
GROUP = "scim.directory.group"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"

Right = Callable[[], Answer | None]


@pytest.fixture(autouse=True)
def whole(scim: Scim) -> None:
    """No test inherits the rules of another."""
    scim.proxy.rules.clear()


def changed(change: Callable[[dict[str, Any]], None]) -> Callable[[Asked, Right], Answer]:
    """Return the right answer with its JSON changed."""

    def faulty(asked: Asked, right: Right) -> Answer:
        answer = right()
        assert answer is not None
        body = json.loads(answer.body)
        change(body)
        return replace(answer, body=json.dumps(body).encode())

    return faulty


def later(asked: Asked) -> bool:
    return asked.path.endswith("/Users") and "startIndex" in asked.query


# --- pages ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("page_size", [2, 3, 6, 7, 200])
def test_a_list_is_read_to_its_end_whatever_the_page(scim: Scim, page_size: int) -> None:
    documents, report = scim.read(USER, page_size=page_size)
    assert report.complete, report.gaps
    assert set(documents) == set(scim.server.users)


def test_a_service_that_gives_fewer_than_were_asked_for_is_asked_on(scim: Scim) -> None:
    scim.proxy.rules.append(
        Rule(at("/Users"), changed(lambda body: body.update(Resources=body["Resources"][:2])))
    )
    documents, report = scim.read(USER, page_size=200)
    assert report.complete
    assert len(documents) == USERS


def test_a_service_that_gives_one_at_a_time_is_asked_on(scim: Scim) -> None:
    scim.proxy.rules.append(
        Rule(at("/Users"), changed(lambda body: body.update(Resources=body["Resources"][:1])))
    )
    documents, report = scim.read(USER)
    assert report.complete
    assert len(documents) == USERS


def test_an_account_deleted_between_pages_is_a_gap_and_no_silent_hole(scim: Scim) -> None:
    whole, _ = scim.read(USER)
    order = list(whole)

    def shrink(asked: Asked, right: Right) -> Answer:
        # As if the first account had gone: every other one moves up by one place.
        answer = right()
        assert answer is not None
        body = json.loads(answer.body)
        start = int(asked.query["startIndex"])
        wanted = order[1:][start - 1 : start + 2]
        body.update(
            totalResults=len(order) - 1, Resources=[{"id": each, "userName": each} for each in wanted]
        )
        return replace(answer, body=json.dumps(body).encode())

    scim.proxy.rules.append(Rule(later, shrink))
    documents, report = scim.read(USER)
    assert not report.complete
    assert [gap.code for gap in report.gaps] == ["ListChanged"]
    assert len(documents) == 3


def test_an_account_made_between_pages_costs_nothing(scim: Scim) -> None:
    made: list[str] = []

    def grow(asked: Asked, right: Right) -> Answer | None:
        made.append(scim.server.user("late@example.org"))
        return right()

    try:
        scim.proxy.rules.append(Rule(later, grow, times=1))
        documents, report = scim.read(USER)
    finally:
        for each in made:
            scim.server.delete(f"Users/{each}")
    assert report.complete
    assert set(documents) >= set(scim.server.users)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda body: body.update(Resources=[]), "ListChanged"),
        (lambda body: body.pop("Resources"), "ListChanged"),
        (lambda body: body.pop("totalResults"), "MalformedAnswer"),
        (lambda body: body.update(totalResults="7"), "MalformedAnswer"),
        (lambda body: body.update(startIndex=1), "MalformedAnswer"),
    ],
)
def test_a_page_that_does_not_fit_is_a_gap(
    scim: Scim, change: Callable[[dict[str, Any]], None], code: str
) -> None:
    scim.proxy.rules.append(Rule(later, changed(change)))
    _, report = scim.read(USER)
    assert not report.complete
    assert [gap.code for gap in report.gaps] == [code]


def test_a_list_that_is_empty_against_its_own_number_is_a_gap(scim: Scim) -> None:
    scim.proxy.rules.append(Rule(at("/Users"), changed(lambda body: body.update(Resources=[]))))
    documents, report = scim.read(USER)
    assert documents == {}
    assert [gap.code for gap in report.gaps] == ["ListEndedEarly"]


@pytest.mark.parametrize("page_size", [2, 3, 200])
def test_a_list_that_gives_some_twice_and_others_never_is_a_gap(scim: Scim, page_size: int) -> None:
    def repeat(asked: Asked, right: Right) -> Answer:
        # The elements come in another order each time, as from a service that sorts by nothing.
        answer = right()
        assert answer is not None
        body = json.loads(answer.body)
        body["Resources"][-1] = body["Resources"][0]
        return replace(answer, body=json.dumps(body).encode())

    scim.proxy.rules.append(Rule(at("/Users"), repeat))
    documents, report = scim.read(USER, page_size=page_size)
    assert len(documents) < USERS
    assert not report.complete
    assert {gap.code for gap in report.gaps} <= {"ListChanged", "RepeatedToken"}


def by_cursor(size: int, total: bool = True, lose: int = 0) -> Callable[[Asked, Right], Answer]:
    """Answer as a service that pages by cursor alone (RFC 9865 §2)."""
    every: list[dict[str, Any]] = [{"id": f"c{number}", "userName": f"c{number}"} for number in range(7)]

    def faulty(asked: Asked, right: Right) -> Answer:
        del right
        assert "startIndex" not in asked.query
        start = int(asked.query.get("cursor", "0"))
        body: dict[str, Any] = {"Resources": every[start : start + size - (lose if start else 0)]}
        if start + size < len(every):
            body["nextCursor"] = str(start + size)
        if total:
            body["totalResults"] = len(every)
        return Answer(200, (("Content-Type", "application/scim+json"),), json.dumps(body).encode())

    return faulty


@pytest.mark.parametrize("total", [True, False])
def test_a_service_that_pages_by_cursor_is_read_to_its_end(scim: Scim, total: bool) -> None:
    scim.proxy.rules.append(Rule(at("/Users"), by_cursor(3, total)))
    documents, report = scim.read(USER)
    assert report.complete, report.gaps
    assert len(documents) == 7


def test_a_cursor_that_ends_before_the_list_does_is_a_gap(scim: Scim) -> None:
    scim.proxy.rules.append(Rule(at("/Users"), by_cursor(3, lose=1)))
    _, report = scim.read(USER)
    assert [gap.code for gap in report.gaps] == ["ListEndedEarly"]


# --- what is read ---------------------------------------------------------------------------------


def test_accounts_have_their_enterprise_extension(scim: Scim) -> None:
    documents, _ = scim.read(USER)
    assert documents[scim.server.users[1]].content["item"][ENTERPRISE]["department"] == "Sales"


def test_accounts_without_e_mail_are_read(scim: Scim) -> None:
    documents, _ = scim.read(USER)
    assert not documents[scim.server.users[0]].content["item"].get("emails")


def test_names_of_attributes_have_no_case_and_null_is_none(scim: Scim) -> None:
    def shout(value: Any) -> Any:
        if isinstance(value, list):
            return [shout(each) for each in value]
        if isinstance(value, dict):
            return {key.upper(): shout(inner) for key, inner in value.items()}
        return value

    def faulty(asked: Asked, right: Right) -> Answer:
        answer = right()
        assert answer is not None
        body = json.loads(answer.body)
        for each in body["Resources"]:
            each["title"] = None
        return replace(answer, body=json.dumps(shout(body)).encode())

    plain, _ = scim.read(USER)
    scim.proxy.rules.append(Rule(at("/Users"), faulty))
    loud, report = scim.read(USER)
    assert report.complete, report.gaps
    assert {each: found.content for each, found in loud.items()} == {
        each: found.content for each, found in plain.items()
    }


def test_an_attribute_that_comes_twice_is_a_gap(scim: Scim) -> None:
    def twice(body: dict[str, Any]) -> None:
        body["Resources"][2] |= {"active": False, "Active": True}

    scim.proxy.rules.append(Rule(at("/Users"), changed(twice)))
    _, report = scim.read(USER)
    assert [(gap.code, "active comes twice" in gap.message) for gap in report.gaps] == [
        ("MalformedAnswer", True)
    ]


def test_groups_name_their_members(scim: Scim) -> None:
    documents, report = scim.read(GROUP)
    assert report.complete
    members = documents[scim.server.groups["admins"]].content["item"]["members"]
    assert [each["value"] for each in members] == scim.server.users[:2]


@pytest.mark.parametrize(
    ("kind", "number"),
    [("scim.service.config", 1), ("scim.service.resource-type", 2), ("scim.service.schema", 3)],
)
def test_the_service_says_what_it_can_do(scim: Scim, kind: str, number: int) -> None:
    documents, report = scim.read(kind)
    assert report.complete, report.gaps
    assert len(documents) == number


@pytest.mark.parametrize("kind", [USER, GROUP, "scim.service.config", "scim.service.resource-type"])
def test_answers_have_the_fields_of_the_published_schema(scim: Scim, kind: str) -> None:
    documents, _ = scim.read(kind)
    definition = scim.collector().resource_types()[kind]
    for document in documents.values():
        assert published(ServiceReader.folder).document_problems(definition, document.content) == []


# --- credentials ----------------------------------------------------------------------------------


def test_a_revoked_token_is_said_plainly(scim: Scim, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_SCIM_TOKEN", "an-old-token")
    scim.proxy.rules.append(Rule(at("/ServiceProviderConfig"), refuse(401, "The token was revoked.")))
    with pytest.raises(CollectorError, match="revoked"):
        scim.collector().discover()


def test_a_token_that_is_not_there_is_said_plainly(scim: Scim, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TEST_SCIM_TOKEN")
    with pytest.raises(CollectorError, match="TEST_SCIM_TOKEN is not set"):
        scim.collector().discover()


def test_too_many_results_are_a_gap_with_the_services_own_words(scim: Scim) -> None:
    scim.proxy.rules.append(Rule(at("/Users"), refuse(400, "More than 1000 match.", "tooMany")))
    _, report = scim.read(USER)
    assert [(gap.code, gap.message) for gap in report.gaps] == [("tooMany", "More than 1000 match.")]


def test_client_credentials_fetch_a_token_and_another_one_when_it_ends(
    scim: Scim, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEST_SCIM_SECRET", "client-secret")
    asked: list[Asked] = []

    def give(request: Asked) -> Answer:
        asked.append(request)
        body = {"access_token": TOKEN, "token_type": "Bearer", "expires_in": 3600}
        return Answer(200, (("Content-Type", "application/json"),), json.dumps(body).encode())

    with Loopback(give) as endpoint:
        more = {
            "credential": "client_secret_basic",
            "token_url": f"{endpoint.url}/token",
            "client_id": "annexa",
            "client_secret_env": "TEST_SCIM_SECRET",
        }
        scim.proxy.rules.append(Rule(at("/Users"), refuse(401, "expired"), times=1))
        documents, report = scim.read(USER, **more)
    assert report.complete
    assert len(documents) == USERS
    assert len(asked) == 2
    assert b"grant_type=client_credentials" in asked[0].body
    assert asked[0].headers["authorization"].startswith("Basic ")


def test_a_secret_that_is_refused_does_not_get_into_the_message(
    scim: Scim, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEST_SCIM_SECRET", "client-secret")
    body = json.dumps({"error": "invalid_client", "error_description": "client-secret is wrong"}).encode()
    with Loopback(lambda asked: Answer(401, (("Content-Type", "application/json"),), body)) as endpoint:
        collector = scim.collector(
            credential="client_secret_basic",
            token_url=endpoint.url,
            client_id="annexa",
            client_secret_env="TEST_SCIM_SECRET",
        )
        with pytest.raises(CollectorError, match="invalid_client") as raised:
            collector.discover()
    assert "client-secret" not in str(raised.value)


def test_a_token_of_a_kind_that_is_not_known_is_not_used(scim: Scim, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_SCIM_SECRET", "client-secret")
    body = json.dumps({"access_token": TOKEN, "token_type": "DPoP"}).encode()
    with Loopback(lambda asked: Answer(200, (("Content-Type", "application/json"),), body)) as endpoint:
        collector = scim.collector(
            credential="client_secret_post",
            token_url=endpoint.url,
            client_id="annexa",
            client_secret_env="TEST_SCIM_SECRET",
        )
        with pytest.raises(CollectorError, match="DPoP"):
            collector.discover()


def test_doctor_names_the_service(scim: Scim) -> None:
    lines = {line.name: line for line in scim.collector().diagnose()}
    assert lines["tenant"].ok
    assert lines["credentials"].ok


def test_doctor_asks_for_people_because_the_services_configuration_takes_no_credentials(scim: Scim) -> None:
    scim.proxy.rules.append(Rule(at("/Users"), refuse(401, "The token is not known.")))
    (line,) = scim.collector().diagnose()
    assert (line.name, line.ok) == ("credentials", False)
    assert "users cannot be read" in line.message
    assert "[scim.services]" in line.hint
