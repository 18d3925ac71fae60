"""Calls of the form ``service:METHOD path-template`` over HTTPS."""

import json
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from datetime import datetime
from typing import Any

import httpx
import orjson

from collectors.plain import LARGEST_STREAM
from collectors.rest.batch import Batcher, Batching, Part
from collectors.rest.failures import brief, connection_error, date, refusal
from collectors.rest.operation import Ask, ask, parse
from collectors.rest.paging import BodyCursor, CursorPage, IndexPage, NextPage, StartIndex
from collectors.rest.service import Service, TokenSource
from collectors.transport import Answer, CallError, Request


def new_client(connect_timeout: float, read_timeout: float, user_agent: str) -> httpx.Client:
    """Return a client with a pool of connections, for as many threads as send at once.

    Certificates are checked against the file that ``SSL_CERT_FILE`` names, or the usual authorities.
    Redirects are not followed: none of these APIs needs one, and a token must not go elsewhere.

    Args:
        connect_timeout, read_timeout: seconds.
    """
    return httpx.Client(
        timeout=httpx.Timeout(read_timeout, connect=connect_timeout),
        # The engines decide how many calls are in flight; a connection that waits for nobody is kept.
        limits=httpx.Limits(max_connections=None, max_keepalive_connections=None),
        headers={"User-Agent": user_agent, "Accept": "application/json"},
        follow_redirects=False,
    )


class RestTransport:
    """Sends calls to the services of one provider. It does not retry: the engine does.

    Args:
        services: name, as calls begin with it → service.
        client: may be shared by transports.
        clock: returns the time, with a time zone.
        longest: seconds that one answer may take, however steadily it drips.
        largest: bytes that one answer may have, unpacked.
        at_once: requests under way at once, a batch counting as one; as many as there are threads if None.
    """

    def __init__(
        self,
        services: Mapping[str, Service],
        client: httpx.Client,
        clock: Callable[[], datetime],
        *,
        longest: float = 300.0,
        largest: int = LARGEST_STREAM,
        at_once: int | None = None,
    ) -> None:
        self._services = services
        self._client = client
        self._clock = clock
        self._longest = longest
        self._largest = largest
        self._slots: AbstractContextManager[Any] = (
            nullcontext() if at_once is None else threading.BoundedSemaphore(at_once)
        )
        self._batchers = {
            name: self._batcher(service, service.batching)
            for name, service in services.items()
            if service.batching is not None
        }

    def send(self, request: Request) -> Answer:
        """Send one request, once; twice if the provider no longer takes the token.

        Raises:
            CallError: there is no usable answer.
        """
        name, _, operation = request.call.partition(":")
        service = self._services.get(name)
        if service is None:
            raise CallError("UnknownOperation", f"there is no service {name!r}")
        try:
            asked = ask(parse(operation), request.parameters)
        except ValueError as error:
            raise CallError("UnknownOperation", str(error)) from error
        if isinstance(request.token, BodyCursor):
            asked = replace(asked, body=request.token.within(asked.body))
        url = _address(service, asked, request.token)
        tokens = service.tokens if service.tokens_for is None else service.tokens_for(request.call)
        part = None if request.token is not None else self._by_batch(name, service, request.call, asked, url)
        if part is None:
            with self._slots:
                response, content = self._exchange(service, tokens, asked, url)
        else:
            response, content = self._taken(service, part)
        received = self._clock()
        body = service.form(_body(response.status_code, content, service.array))
        hidden = service.hidden_error(body, response.headers, received)
        if hidden is not None:
            raise hidden
        service.check(asked, body)
        body, following = _paged(service, body, request.token, response)
        return Answer(
            body={key: value for key, value in body.items() if key not in service.pager.keys},
            next_token=following,
            received=received,
            provider_time=date(response.headers.get("date", "")),
            request_id=response.headers.get(service.request_id, ""),
            endpoint=f"{url.scheme}://{url.netloc.decode('ascii')}",
            left_out=service.left_out(body),
            batched=part is not None,
        )

    def _batcher(self, service: Service, batching: Batching) -> Batcher:
        url = httpx.URL(service.base_url + batching.path)

        def post(body: Any) -> tuple[Mapping[str, str], Any]:
            response, content = self._exchange(
                service, service.tokens, Ask("POST", batching.path, (), body), url
            )
            return response.headers, _body(response.status_code, content, service.array)

        return Batcher(batching, post, service.headers, self._slots)

    def _by_batch(self, name: str, service: Service, call: str, asked: Ask, url: httpx.URL) -> Part | None:
        """Return the answer that came with others; None if it is to be asked for alone."""
        batching = service.batching
        if batching is None or asked.method != "GET" or not batching.takes(call, asked.path):
            return None
        part = self._batchers[name].get(url.raw_path.decode("ascii"))
        # A token may run out between two requests of a batch; whoever asks alone gets a new one.
        return None if part is None or part.status == 401 else part

    def _taken(self, service: Service, part: Part) -> tuple[httpx.Response, bytes]:
        whole = {name: part.of_batch[name] for name in ("date", service.request_id) if name in part.of_batch}
        own = {name: value for name, value in part.headers.items() if name != "content-encoding"}
        response = httpx.Response(part.status, headers={**whole, **own})
        self._refuse(service, response, part.content, "")
        return response, part.content

    def _exchange(
        self, service: Service, tokens: TokenSource | None, asked: Ask, url: httpx.URL
    ) -> tuple[httpx.Response, bytes]:
        authorization = tokens.authorization() if tokens is not None else ""
        response, content = self._request(service, asked, url, authorization)
        if response.status_code == 401 and tokens is not None:
            authorization = tokens.authorization(refused=authorization)
            response, content = self._request(service, asked, url, authorization)
        self._refuse(service, response, content, authorization)
        return response, content

    def _refuse(self, service: Service, response: httpx.Response, content: bytes, authorization: str) -> None:
        if response.is_redirect:
            where = response.next_request.url.host if response.next_request else "another address"
            raise CallError("Redirected", f"sent on to {where}; not followed", status=response.status_code)
        if response.status_code >= 400:
            error = refusal(
                response.status_code,
                response.headers,
                content,
                service.read_error(_json_or_none(content)),
                self._clock(),
                service.throttling,
            )
            error.message = _without(error.message, authorization)
            raise error

    def _request(
        self, service: Service, asked: Ask, url: httpx.URL, authorization: str
    ) -> tuple[httpx.Response, bytes]:
        headers = dict(service.headers())
        if authorization:
            headers["Authorization"] = authorization
        # json=None would be no body, and null is none that anybody asks for.
        more: dict[str, Any] = {} if asked.body is None else {"json": asked.body}
        try:
            with self._client.stream(
                asked.method, url, headers=headers, auth=service.auth, **more
            ) as response:
                return response, self._read(response)
        except httpx.HTTPError as error:
            raise connection_error(error) from error
        except httpx.InvalidURL as error:
            raise CallError("InvalidParameters", brief(str(error))) from error

    def _read(self, response: httpx.Response) -> bytes:
        end = time.monotonic() + self._longest
        content = bytearray()
        for chunk in response.iter_bytes():
            content += chunk
            if len(content) > self._largest:
                raise CallError("AnswerTooLong", f"the answer is longer than {self._largest} bytes")
            if time.monotonic() > end:
                raise CallError(
                    "Timeout", f"the answer was not whole after {self._longest:.0f} s", retryable=True
                )
        return bytes(content)


def _paged(
    service: Service, body: dict[str, Any], page: NextPage | None, response: httpx.Response
) -> tuple[dict[str, Any], NextPage | None]:
    if isinstance(service.pager, StartIndex):
        fresh, following = service.pager.page_after(
            page if isinstance(page, IndexPage | CursorPage) else None, body
        )
        return dict(fresh), following
    return body, service.pager.next_page(body, response)


def _address(service: Service, asked: Ask, page: NextPage | None) -> httpx.URL:
    base = httpx.URL(service.base_url)
    if isinstance(page, str):
        return _next(base, page)
    if isinstance(page, BodyCursor):
        page = None
    if isinstance(page, IndexPage | CursorPage):
        assert isinstance(service.pager, StartIndex)
        page = service.pager.asked_with(page)
    first = httpx.URL(service.base_url + asked.path)
    return first.copy_merge_params([*asked.query, *(page or ())]) if asked.query or page else first


def _next(base: httpx.URL, link: str) -> httpx.URL:
    """Return the address of a next page, if it is where the token may go."""
    try:
        url = base.join(link)
    except httpx.InvalidURL as error:
        raise CallError("MalformedAnswer", "the address of the next page is none") from error
    if _origin(url) != _origin(base) or url.userinfo:
        raise CallError(
            "ForeignLink", f"the next page is said to be at {url.scheme}://{url.host}, which is not followed"
        )
    return url.copy_with(fragment=None)


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port or {"https": 443, "http": 80}.get(url.scheme)


def _body(status: int, content: bytes, array: str) -> dict[str, Any]:
    if status == 204:
        raise CallError("NoContent", "the answer has no content", status=status)
    if status not in (200, 201):
        raise _malformed(f"the status is {status}, which is no answer to a question")
    if not content.strip():
        raise _malformed("the body is empty")
    try:
        body = _json(content)
    except ValueError as error:
        raise _malformed(f"the body is not JSON: {error}") from error
    if isinstance(body, list) and array:
        return {array: body}
    if not isinstance(body, dict):
        raise _malformed(f"the body is a JSON {type(body).__name__}, not an object")
    return body


def _json(content: bytes) -> Any:
    content = content.removeprefix(b"\xef\xbb\xbf")
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError:
        try:
            return json.loads(content.decode("utf-8"))  # takes halves of surrogate pairs
        except RecursionError as error:
            raise ValueError("it is nested too deeply") from error


def _json_or_none(content: bytes) -> Any:
    try:
        return _json(content)
    except ValueError:
        return None


def _without(message: str, authorization: str) -> str:
    """Return a message in which the token does not appear, whatever a provider echoes."""
    token = authorization.rpartition(" ")[2]
    return message.replace(token, "(the token)") if token else message


def _malformed(what: str) -> CallError:
    return CallError("MalformedAnswer", what, retryable=True)
