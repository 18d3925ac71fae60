"""One request over a real socket: what counts as an answer, and what is said of the rest."""

import gzip
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
import trustme

from annexa.demo.loopback import HANG_UP, Answer, Answering, Asked, Loopback
from annexa.plugin import CallError, Request
from collectors.rest.operation import Ask
from collectors.rest.paging import LinkHeader, LinkInBody, TokenInBody
from collectors.rest.service import Service
from collectors.rest.transport import RestTransport, new_client
from tests.collectors.conftest import Certified

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
THINGS = Request("api:GET /things/{name}", {"name": "one", "version": "1"}, "")


class Tokens:
    """Gives token 0, and the next one whenever one is refused."""

    def __init__(self, last: int = 9) -> None:
        self.number = 0
        self.last = last

    def authorization(self, refused: str = "") -> str:
        if refused == f"Bearer secret-{self.number}" and self.number < self.last:
            self.number += 1
        return f"Bearer secret-{self.number}"


def reply(status: int, body: Any, *headers: tuple[str, str]) -> Answer:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Answer(status, headers, content)


@contextmanager
def serving(answering: Answering, **more: Any) -> Iterator[tuple[RestTransport, Loopback]]:
    options = {key: more.pop(key) for key in ("longest", "largest") if key in more}
    with Loopback(answering) as server:
        service = replace(Service(server.url, Tokens(), LinkInBody("nextLink")), **more)
        with new_client(1, 0.4, "annexa/test") as client:
            yield RestTransport({"api": service}, client, lambda: NOW, **options), server


def failure(answering: Answering, **more: Any) -> CallError:
    with serving(answering, **more) as (transport, _), pytest.raises(CallError) as caught:
        transport.send(THINGS)
    return caught.value


def test_an_answer_with_all_that_is_known_of_it() -> None:
    body = {"name": "one", "nextLink": None}
    with serving(lambda _: reply(200, body, ("x-request-id", "r-1"))) as (transport, server):
        answer = transport.send(THINGS)
        assert answer.endpoint == server.url
    assert answer.body == {"name": "one"}
    assert answer.next_token is None
    assert answer.received == NOW
    assert answer.request_id == "r-1"
    assert answer.provider_time is not None
    assert abs(answer.provider_time - datetime.now(UTC)) < timedelta(seconds=5)
    (asked,) = server.asked
    assert asked.target == "/things/one?version=1"
    assert asked.headers["authorization"] == "Bearer secret-0"
    assert asked.headers["user-agent"] == "annexa/test"


def test_a_post_sends_its_body() -> None:
    with serving(lambda asked: reply(200, json.loads(asked.body))) as (transport, server):
        answer = transport.send(Request("api:POST /query", {"body": {"ask": 1}}, ""))
    assert answer.body == {"ask": 1}
    assert server.asked[0].headers["content-type"] == "application/json"


def test_a_packed_answer_and_one_with_a_byte_order_mark() -> None:
    packed = gzip.compress(b'\xef\xbb\xbf{"name": "one"}')
    with serving(lambda _: reply(200, packed, ("Content-Encoding", "gzip"))) as (transport, _):
        assert transport.send(THINGS).body == {"name": "one"}


def test_an_array_is_found_under_the_name_that_the_service_gives_it() -> None:
    with serving(lambda _: reply(200, [{"a": 1}])) as (transport, _):
        assert transport.send(THINGS).body == {"items": [{"a": 1}]}


def test_half_a_surrogate_pair_is_taken_as_it_comes() -> None:
    with serving(lambda _: reply(200, b'{"name": "\\ud800"}')) as (transport, _):
        assert transport.send(THINGS).body == {"name": "\ud800"}


# What is no answer.


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b" \n", "empty"),
        (b"<html>Sign in</html>", "not JSON"),
        (b'{"name": "on', "not JSON"),
        (b"null", "NoneType"),
        (b'"text"', "str"),
        (b"\xff\xfe", "not JSON"),
        (b"[" * 100_000 + b"]" * 100_000, "nested too deeply"),
    ],
)
def test_a_success_without_an_answer_is_malformed(content: bytes, words: str) -> None:
    error = failure(lambda _: reply(200, content))
    assert error.code == "MalformedAnswer"
    assert words in error.message
    assert error.retryable


def test_an_answer_that_breaks_off() -> None:
    error = failure(lambda _: Answer(200, (), b'{"name": "one"}', cut=5))
    assert (error.code, error.retryable) == ("MalformedAnswer", True)


def test_a_body_that_is_not_packed_as_it_says() -> None:
    error = failure(lambda _: reply(200, b"plain", ("Content-Encoding", "gzip")))
    assert error.code == "MalformedAnswer"


def test_an_answer_that_is_too_large_is_not_read_to_its_end() -> None:
    error = failure(
        lambda _: reply(200, gzip.compress(b" " * 1_000_000), ("Content-Encoding", "gzip")), largest=1_000
    )
    assert error.code == "AnswerTooLong"
    assert "longer than 1000 bytes" in error.message


def test_an_answer_that_drips_for_ever() -> None:
    error = failure(lambda _: reply(200, {"name": "one"}), longest=-1.0)
    assert (error.code, error.retryable) == ("Timeout", True)


def test_no_answer_in_time() -> None:
    error = failure(lambda _: None)
    assert (error.code, error.retryable) == ("Timeout", True)


def test_nobody_there() -> None:
    with serving(lambda _: None) as (_, server):
        gone = server.url
    with new_client(1, 1, "annexa/test") as client, pytest.raises(CallError) as caught:
        RestTransport({"api": Service(gone, None, LinkHeader())}, client, lambda: NOW).send(THINGS)
    assert (caught.value.code, caught.value.retryable) == ("ConnectionFailed", True)


def test_a_server_that_nobody_vouches_for(
    certified: Certified, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    other = tmp_path / "other.pem"
    trustme.CA().cert_pem.write_to_path(str(other))
    monkeypatch.setenv("SSL_CERT_FILE", str(other))
    with (
        Loopback(lambda _: reply(200, {}), certified.server) as server,
        new_client(1, 1, "annexa/test") as client,
    ):
        transport = RestTransport({"api": Service(server.url, None, LinkHeader())}, client, lambda: NOW)
        with pytest.raises(CallError, match="certificate") as caught:
            transport.send(THINGS)
        assert server.asked == []
    assert (caught.value.code, caught.value.retryable) == ("TlsFailed", False)


def test_no_content_has_a_code_of_its_own_that_a_definition_may_name() -> None:
    assert failure(lambda _: reply(204, b"")).code == "NoContent"


def test_an_answer_that_is_not_ready_is_none() -> None:
    assert failure(lambda _: reply(202, {"status": "InProgress"})).code == "MalformedAnswer"


def test_what_the_service_does_not_take_for_an_answer() -> None:
    def check(ask: Ask, body: dict[str, Any]) -> None:
        raise CallError("MalformedAnswer", f"{ask.path} {sorted(body)}")

    assert failure(lambda _: reply(200, {"b": 1}), check=check).message == "/things/one ['b']"


@pytest.mark.parametrize("call", ["other:GET /a", "api:PATCH /a", "api:GET /{"])
def test_a_call_that_nobody_knows(call: str) -> None:
    with serving(lambda _: None) as (transport, _), pytest.raises(CallError) as caught:
        transport.send(Request(call, {}, ""))
    assert caught.value.code == "UnknownOperation"


# Errors.


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        (
            {"error": {"code": "AuthorizationFailed", "message": "No role."}},
            "AuthorizationFailed",
            "No role.",
        ),
        ({"code": "BadRequest", "message": "No metric."}, "BadRequest", "No metric."),
        ({"error": {"code": None, "message": None}}, "403", "Forbidden"),
        ({"error": "denied"}, "403", "Forbidden"),
        ([1], "403", "Forbidden"),
        (b"<html>", "403", "Forbidden, with a page of HTML"),
        (b"", "403", "Forbidden"),
    ],
)
def test_an_error_in_the_provider_s_words(body: Any, code: str, message: str) -> None:
    error = failure(lambda _: reply(403, body))
    assert (error.code, error.message, error.status) == (code, message, 403)
    assert not error.retryable


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_what_may_pass_is_worth_asking_again(status: int) -> None:
    error = failure(lambda _: reply(status, {}))
    assert error.retryable
    assert error.throttled == (status == 429)


@pytest.mark.parametrize("status", [400, 403, 404, 405, 409, 410, 501])
def test_what_will_not_pass_is_not(status: int) -> None:
    assert not failure(lambda _: reply(status, {})).retryable


@pytest.mark.parametrize(
    ("name", "value", "seconds"),
    [
        ("Retry-After", "17", 17.0),
        ("Retry-After", "soon", None),
        ("x-ms-retry-after-ms", "1500", 1.5),
    ],
)
def test_how_long_the_provider_asks_to_wait(name: str, value: str, seconds: float | None) -> None:
    assert failure(lambda _: reply(429, {}, (name, value))).retry_after == seconds


@pytest.mark.parametrize(("seconds", "wait"), [(30, 30.0), (-30, 0.0)])
def test_a_moment_to_wait_for_is_one_of_the_provider_s_clock(seconds: int, wait: float) -> None:
    # Ours stands at NOW, as far from the provider's as it may be.
    moment = datetime.now(UTC) + timedelta(seconds=seconds)
    error = failure(lambda _: reply(429, {}, ("Retry-After", format_datetime(moment, usegmt=True))))
    assert error.retry_after == pytest.approx(wait, abs=2)


def test_a_long_message_is_cut_and_on_one_line() -> None:
    message = failure(lambda _: reply(400, {"code": "Bad", "message": "word \n" * 1_000})).message
    assert len(message) <= 500
    assert "\n" not in message


# Tokens.


def test_a_token_that_is_refused_once_is_replaced() -> None:
    def answering(asked: Asked) -> Answer:
        return reply(200, {"a": 1}) if asked.headers["authorization"] == "Bearer secret-1" else reply(401, {})

    with serving(answering) as (transport, server):
        assert transport.send(THINGS).body == {"a": 1}
        assert transport.send(THINGS).body == {"a": 1}
    assert len(server.asked) == 3


def test_a_second_refusal_is_the_answer() -> None:
    with serving(lambda _: reply(401, {"error": {"code": "Expired", "message": "Old."}})) as (
        transport,
        server,
    ):
        with pytest.raises(CallError) as caught:
            transport.send(THINGS)
        assert len(server.asked) == 2
    assert (caught.value.code, caught.value.status, caught.value.retryable) == ("Expired", 401, False)


def test_a_token_that_the_provider_echoes_is_not_repeated() -> None:
    error = failure(lambda asked: reply(400, {"code": "Bad", "message": asked.headers["authorization"]}))
    assert "secret" not in str(error)


def test_a_redirect_is_not_followed() -> None:
    with Loopback(lambda _: reply(200, {"stolen": True})) as other:
        where = ("Location", f"{other.url}/things")
        error = failure(lambda _: reply(302, b"", where))
        assert other.asked == []
    assert error.code == "Redirected"
    assert "localhost" in error.message


def test_a_redirect_to_nowhere_is_malformed() -> None:
    assert failure(lambda _: reply(302, b"", ("Location", "http://[::1"))).code == "MalformedAnswer"


def test_a_server_that_hangs_up() -> None:
    error = failure(lambda _: HANG_UP)
    assert (error.code, error.retryable) == ("ConnectionClosed", True)


# Pages.


def test_a_next_link_is_followed_with_the_token() -> None:
    def answering(asked: Asked) -> Answer:
        if "skip" in asked.query:
            return reply(200, {"value": [2]})
        return reply(200, {"value": [1], "nextLink": f"{server.url}/things/one?version=1&skip=%24a"})

    with serving(answering) as (transport, server):
        first = transport.send(THINGS)
        second = transport.send(replace(THINGS, token=first.next_token))
    assert (first.body, second.body, second.next_token) == ({"value": [1]}, {"value": [2]}, None)
    assert server.asked[1].target == "/things/one?version=1&skip=%24a"
    assert server.asked[1].headers["authorization"] == "Bearer secret-0"


@pytest.mark.parametrize(
    "link",
    [
        "https://evil.example/things",
        "//evil.example/things",
        "http://localhost@evil.example/things",
        "http://user@localhost:{port}/things",
        "https://localhost:{port}/things",
        "http://localhost:1/things",
        "http://localhost.evil.example:{port}/things",
        "file:///etc/passwd",
        "http://127.0.0.1:{port}/things",
    ],
)
def test_a_next_link_that_leads_elsewhere_is_not_followed(link: str) -> None:
    with serving(lambda _: reply(200, {})) as (transport, server):
        port = server.url.rsplit(":", 1)[1]
        with pytest.raises(CallError) as caught:
            transport.send(replace(THINGS, token=link.replace("{port}", port)))
        assert server.asked == []
    assert caught.value.code == "ForeignLink"


@pytest.mark.parametrize("link", [5, {"href": "/x"}, ["/x"], True])
def test_a_next_link_that_is_no_text_is_malformed(link: Any) -> None:
    assert failure(lambda _: reply(200, {"nextLink": link})).code == "MalformedAnswer"


@pytest.mark.parametrize("key", ["nextLink", "@odata.nextLink", "@nextLink"])
def test_a_next_link_may_have_one_of_several_names(key: str) -> None:
    pager = LinkInBody("nextLink", ("@odata.nextLink", "@nextLink"))
    body = {"value": [1], key: "/things/one?skip=1"}
    with serving(lambda _: reply(200, body), pager=pager) as (transport, _):
        answer = transport.send(THINGS)
    assert (answer.body, answer.next_token) == ({"value": [1]}, "/things/one?skip=1")


def test_two_next_links_in_one_answer_are_malformed() -> None:
    body = {"value": [], "nextLink": "/a", "@nextLink": "/b"}
    assert failure(lambda _: reply(200, body), pager=LinkInBody("nextLink", ("@nextLink",))).code == (
        "MalformedAnswer"
    )


def test_a_relative_next_link_stays_at_home() -> None:
    with serving(lambda _: reply(200, {})) as (transport, server):
        transport.send(replace(THINGS, token="/things?page=2"))
    assert server.asked[0].target == "/things?page=2"


def test_a_token_of_the_body_goes_into_the_query() -> None:
    def answering(asked: Asked) -> Answer:
        following = {} if "pageToken" in asked.query else {"nextPageToken": "a&b"}
        return reply(200, {"items": [1], **following})

    with serving(answering, pager=TokenInBody("nextPageToken", "pageToken")) as (transport, server):
        first = transport.send(THINGS)
        assert transport.send(replace(THINGS, token=first.next_token)).next_token is None
    assert server.asked[1].query == {"version": "1", "pageToken": "a&b"}


def test_a_link_header() -> None:
    def answering(asked: Asked) -> Answer:
        link = ("Link", f'<{server.url}/things?page=2>; rel="next", <{server.url}/things?page=9>; rel="last"')
        return reply(200, [1], *(() if "page" in asked.query else (link,)))

    with serving(answering, pager=LinkHeader()) as (transport, server):
        first = transport.send(THINGS)
        assert transport.send(replace(THINGS, token=first.next_token)).next_token is None
    assert server.asked[1].target == "/things?page=2"


def test_the_client_reads_where_the_environment_says_which_authorities_count(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere/ca.pem")
    with pytest.raises((OSError, httpx.HTTPError)):
        new_client(1, 1, "annexa/test")


def test_a_call_may_have_tokens_of_its_own() -> None:
    kept = {THINGS.call: Tokens(), "api:GET /others": Tokens(last=0)}
    kept["api:GET /others"].number = 7

    with serving(lambda asked: reply(200, {"name": "one"}), tokens_for=kept.__getitem__) as (
        transport,
        server,
    ):
        transport.send(THINGS)
        transport.send(Request("api:GET /others", {}, ""))
    assert [each.headers["authorization"] for each in server.asked] == ["Bearer secret-0", "Bearer secret-7"]


def test_a_token_of_a_call_s_own_is_replaced_when_it_is_refused() -> None:
    def answer(asked: Asked) -> Answer:
        good = asked.headers["authorization"] == "Bearer secret-1"
        return reply(200, {"name": "one"}) if good else reply(401, {"error": {"code": "Expired"}})

    tokens = Tokens()
    with serving(answer, tokens_for=lambda _: tokens) as (transport, server):
        assert transport.send(THINGS).body == {"name": "one"}
    assert len(server.asked) == 2
