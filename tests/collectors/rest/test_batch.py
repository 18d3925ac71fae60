"""Requests of several threads as one: each has its own answer, and none has that of the whole."""

import json
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest

from annexa.demo.graph import batched
from annexa.demo.loopback import Answer, Answering, Asked, Loopback
from annexa.plugin import CallError, Request
from collectors.caller import AbsentError, Caller
from collectors.definition import Call
from collectors.ledger import Ledger
from collectors.ratelimit import RateLimiter
from collectors.rest.batch import Batching
from collectors.rest.paging import LinkInBody
from collectors.rest.service import Service
from collectors.rest.transport import RestTransport, new_client
from collectors.retry import Retrier, RetryPolicy
from collectors.transport import Answer as Taken
from tests.collectors.rest.test_transport import NOW, Tokens, reply

CALL = "api:GET /v1.0/things/{id}"
PATIENT = 5.0
"""Seconds that are never waited, because the batch is full before."""
BATCH = "/v1.0/$batch"


def thing(asked: Asked) -> Answer:
    """Things have a name; 3 is denied, 4 is gone."""
    name = asked.path.rpartition("/")[2]
    if name == "3":
        return reply(403, {"error": {"code": "Denied", "message": "Thing 3."}})
    if name == "4":
        return reply(404, {"error": {"code": "NotFound", "message": "Thing 4."}})
    return reply(200, {"id": name, "select": asked.query.get("$select")}, ("x-own", name))


def batches(answering: Callable[[Asked], Answer | None] = thing) -> Answering:
    """A server that takes batches, and answers them and what comes alone in the same way."""

    def answer(asked: Asked) -> Answer | None:
        return batched(asked, answering) if asked.path == BATCH else answering(asked)

    return answer


def responds(change: Callable[[list[dict[str, Any]]], Any]) -> Answering:
    """A server that takes batches and answers them wrongly; what comes alone is answered rightly."""

    def answer(asked: Asked) -> Answer | None:
        if asked.path != BATCH:
            return thing(asked)
        right = batched(asked, thing)
        assert right is not None
        return reply(200, change(json.loads(right.body)["responses"]))

    return answer


@contextmanager
def serving(
    answering: Answering, most: int = 2, linger: float = PATIENT
) -> Iterator[tuple[RestTransport, Loopback]]:
    batching = Batching(BATCH, "/v1.0", frozenset({CALL}), most, linger)
    with Loopback(answering) as server, new_client(1, 2, "annexa/test") as client:
        service = Service(server.url, Tokens(), LinkInBody("next"), batching=batching)
        yield RestTransport({"api": service}, client, lambda: NOW, at_once=2), server


def asking(transport: RestTransport, names: str) -> list[Taken | CallError]:
    """Ask for things at the same time."""

    def send(name: str) -> Taken | CallError:
        try:
            return transport.send(Request(CALL, {"id": name, "$select": "id"}, ""))
        except CallError as error:
            return error

    with ThreadPoolExecutor(len(names)) as pool:
        return list(pool.map(send, names))


def codes(answers: list[Taken | CallError]) -> list[str]:
    return [each.code if isinstance(each, CallError) else each.body["id"] for each in answers]


def paths(server: Loopback) -> list[str]:
    return [each.path for each in server.asked]


def test_what_is_asked_at_once_goes_as_one_and_each_has_its_own_answer() -> None:
    with serving(batches(), most=4) as (transport, server):
        answers = asking(transport, "0125")
    assert codes(answers) == ["0", "1", "2", "5"]
    (asked,) = server.asked
    assert (asked.method, asked.path) == ("POST", BATCH)
    requests = json.loads(asked.body)["requests"]
    assert len({each["id"] for each in requests}) == 4
    assert {each["method"] for each in requests} == {"GET"}
    assert {each["url"] for each in requests} == {f"/things/{name}?%24select=id" for name in "0125"}
    assert asked.headers["authorization"] == "Bearer secret-0"


def test_an_answer_says_that_it_came_with_others_and_when() -> None:
    with serving(batches()) as (transport, server):
        (answer, _) = asking(transport, "01")
        assert isinstance(answer, Taken)
        assert answer.endpoint == server.url
    assert answer.batched
    assert answer.body == {"id": "0", "select": "id"}
    assert answer.provider_time is not None
    assert abs(answer.provider_time - datetime.now(UTC)).total_seconds() < 5


def test_no_more_go_as_one_than_the_provider_takes() -> None:
    with serving(batches(), most=4) as (transport, server):
        assert codes(asking(transport, "01256789")) == list("01256789")
    assert [len(json.loads(each.body)["requests"]) for each in server.asked] == [4, 4]


def test_what_nobody_accompanies_goes_alone() -> None:
    with serving(batches(), linger=0.01) as (transport, server):
        (answer,) = asking(transport, "0")
    assert isinstance(answer, Taken)
    assert not answer.batched
    assert paths(server) == ["/v1.0/things/0"]


def test_what_is_refused_within_a_batch_costs_the_others_nothing() -> None:
    with serving(batches(), most=4) as (transport, server):
        answers = asking(transport, "0345")
    assert codes(answers) == ["0", "Denied", "NotFound", "5"]
    assert isinstance(answers[1], CallError)
    assert (answers[1].status, answers[1].message, answers[1].retryable) == (403, "Thing 3.", False)
    assert paths(server) == [BATCH]


def test_one_that_is_throttled_says_for_how_long_and_comes_again() -> None:
    slow = [reply(429, {"error": {"code": "TooMany", "message": "x"}}, ("Retry-After", "7"))]
    with serving(batches(lambda asked: slow.pop() if slow and "/1" in asked.path else thing(asked))) as (
        transport,
        _,
    ):
        _, error = asking(transport, "01")
        assert isinstance(error, CallError)
        assert (error.throttled, error.retry_after, error.status) == (True, 7, 429)
        assert codes(asking(transport, "01")) == ["0", "1"]


def test_a_next_page_is_asked_for_alone() -> None:
    def paged(asked: Asked) -> Answer:
        return reply(200, {"id": "0"} if "page=2" in asked.target else {"id": "0", "next": "0?page=2"})

    with serving(batches(paged)) as (transport, server):
        first, _ = asking(transport, "01")
        assert isinstance(first, Taken)
        assert "next" not in first.body
        assert first.next_token == "0?page=2"
        transport.send(Request(CALL, {"id": "0"}, "", f"{server.url}/v1.0/things/0?page=2"))
    assert server.asked[-1].method == "GET"


def test_a_token_that_ran_out_within_a_batch_is_replaced() -> None:
    def expired(asked: Asked) -> Answer:
        if asked.path.endswith("/1") and asked.headers["authorization"] == "Bearer secret-0":
            return reply(401, {"error": {"code": "Expired", "message": "x"}})
        return thing(asked)

    with serving(batches(expired)) as (transport, server):
        assert codes(asking(transport, "01")) == ["0", "1"]
    assert "Bearer" not in server.asked[0].body.decode()


@pytest.mark.parametrize(
    "change",
    [
        lambda found: {},
        lambda found: {"responses": None},
        lambda found: {"responses": found[1:]},
        lambda found: {"responses": [*found, found[0]]},
        lambda found: {"responses": [found[0], found[0]]},
        lambda found: {"responses": [*found, {**found[0], "id": "9"}]},
        lambda found: {"responses": [found[0], {**found[1], "id": "9"}]},
        lambda found: {"responses": [found[0], {**found[1], "id": 1}]},
        lambda found: {"responses": [found[0], {**found[1], "status": "200"}]},
        lambda found: {"responses": [found[0], {**found[1], "headers": ["a"]}]},
        lambda found: {"responses": [found[0], "text"]},
        lambda found: {"error": {"code": "NotFound", "message": "x"}},
        lambda found: b"<html>Sign in</html>",
    ],
)
def test_a_batch_that_is_not_answered_in_full_answers_nobody(change: Any) -> None:
    with serving(responds(change)) as (transport, server):
        first, second = asking(transport, "01")
        for error in (first, second):
            assert isinstance(error, CallError)
            assert (error.code, error.retryable) == ("MalformedAnswer", True)
        assert first is not second
        assert codes(asking(transport, "01")) == ["0", "1"], "whoever tries again is asked for alone"
    assert sorted(paths(server)[1:]) == ["/v1.0/things/0", "/v1.0/things/1"]


@pytest.mark.parametrize("body", [None, "<html>", "{}", 5])
def test_a_success_within_a_batch_that_is_no_object_is_malformed(body: Any) -> None:
    def change(found: list[dict[str, Any]]) -> Mapping[str, Any]:
        return {"responses": [{**each, "body": body} if each["id"] == "1" else each for each in found]}

    with serving(responds(change)) as (transport, _):
        answers = asking(transport, "01")
    assert sorted(type(each).__name__ for each in answers) == ["Answer", "CallError"]
    (error,) = [each for each in answers if isinstance(each, CallError)]
    assert (error.code, error.retryable) == ("MalformedAnswer", True)


@pytest.mark.parametrize("status", [500, 503, 429])
def test_a_batch_that_fails_is_the_failure_of_each_and_never_an_absence(status: int) -> None:
    body = {"error": {"code": "NotFound", "message": "x"}}
    failing = [reply(status, body, ("Retry-After", "3"))] * 2

    def answer(asked: Asked) -> Answer | None:
        return failing.pop() if asked.path == BATCH and failing else batches()(asked)

    call = Call.model_validate({"call": CALL, "with": {"id": "x"}, "absent": ["NotFound"]})
    with serving(answer) as (transport, _), ThreadPoolExecutor(2) as pool:
        retrier = Retrier(RetryPolicy(attempts=1, throttled_factor=1), RateLimiter(), lambda _: False)
        caller = Caller(transport, retrier, 4, lambda: NOW)

        def read(name: str) -> CallError:
            with pytest.raises(CallError) as caught:
                caller.whole(call, {"id": name}, "", Ledger())
            return caught.value

        for error in pool.map(read, "01"):
            assert not isinstance(error, AbsentError)
            assert (error.code, error.status, error.retryable) == ("BatchFailed", status, True)
            assert (error.throttled, error.retry_after) == (status == 429, 3)


@pytest.mark.parametrize("status", [400, 403, 404, 405, 302])
def test_where_batches_are_not_taken_everything_is_asked_for_alone(status: int) -> None:
    refused = reply(status, {"error": {"code": "NotFound", "message": "x"}}, ("Location", "/elsewhere"))
    with serving(lambda asked: refused if asked.path == BATCH else thing(asked), most=4) as (
        transport,
        server,
    ):
        assert codes(asking(transport, "0134")) == ["0", "1", "Denied", "NotFound"]
        assert codes(asking(transport, "01")) == ["0", "1"]
    assert paths(server).count(BATCH) == 1


def test_a_request_that_holds_up_its_batch_is_the_only_one_that_fails_in_the_end() -> None:
    def slow(asked: Asked) -> Answer | None:
        return None if asked.path.endswith("/1") else thing(asked)

    with serving(batches(slow)) as (transport, _):
        assert codes(asking(transport, "01")) == ["Timeout", "Timeout"]
        assert codes(asking(transport, "01")) == ["0", "Timeout"]


def test_the_record_tells_how_many_answers_came_in_batches() -> None:
    ledger = Ledger()
    call = Call.model_validate({"call": CALL, "with": {"id": "{item.id}"}})
    with serving(batches(), most=3, linger=1.0) as (transport, _), ThreadPoolExecutor(3) as pool:
        caller = Caller(transport, Retrier(RetryPolicy(), RateLimiter(), lambda _: False), 4, lambda: NOW)
        list(pool.map(lambda name: caller.whole(call, {"id": name}, "", ledger), "012"))
        caller.whole(call, {"id": "5"}, "", ledger)
    (tally,) = ledger.provenance()["calls"]
    assert (tally["call"], tally["count"], tally["pages"], tally["batched"]) == (CALL, 4, 4, 3)


def test_half_a_surrogate_pair_is_taken_as_it_comes() -> None:
    content = b'{"id": "\\ud800"}'
    with serving(batches(lambda asked: Answer(200, (), content))) as (transport, _):
        assert codes(asking(transport, "01")) == ["\ud800"] * 2
