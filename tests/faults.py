"""A reverse proxy on loopback that breaks the answers of an AWS endpoint, as a network or AWS might.

A test puts it between the collector and moto, and says in rules which requests go wrong and how:

    with FaultProxy(moto.endpoint, [Rule(on("s3", "GetBucketPolicy"), deny())]) as proxy:
        ...  # collect with AWS_ENDPOINT_URL=proxy.endpoint
        assert proxy.count("s3", "GetBucketPolicy") == 40
"""

import contextlib
import select
import socket
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from urllib.parse import urlsplit

from annexa.demo.loopback import Answer
from tests.answers import (
    Fault,
    deny,
    empty,
    error,
    expired_token,
    html,
    mistype,
    throttle,
    timeout,
    truncate,
    unknown_operation,
)
from tests.recogniser import Operation, Request, recognise

__all__ = [
    "Answer",
    "Fault",
    "FaultProxy",
    "Matcher",
    "Operation",
    "Request",
    "Rule",
    "anything",
    "deny",
    "empty",
    "error",
    "expired_token",
    "html",
    "later_page",
    "mistype",
    "on",
    "throttle",
    "timeout",
    "truncate",
    "unknown_operation",
]

_HOP_BY_HOP = frozenset({"connection", "keep-alive", "transfer-encoding", "content-length"})


Matcher = Callable[[Request], bool]


@dataclass
class Rule:
    """Which requests go wrong, and how.

    Attributes:
        times: so many at most; ``None`` is for ever.
        after: so many matching requests pass first.
        seen: how many have matched.
        applied: how many of them went wrong.
    """

    matches: Matcher
    fault: Fault
    times: int | None = None
    after: int = 0
    seen: int = field(default=0, init=False)
    applied: int = field(default=0, init=False)

    def takes(self, request: Request) -> bool:
        """Count a request, and say whether it is to go wrong."""
        if not self.matches(request):
            return False
        self.seen += 1
        if self.seen <= self.after or (self.times is not None and self.applied >= self.times):
            return False
        self.applied += 1
        return True


def on(service: str, operation: str | None = None, region: str | None = None) -> Matcher:
    """Requests of a service, of one operation, or of one operation in one region."""

    def matches(request: Request) -> bool:
        called = request.called
        return (
            called.service == service
            and operation in (None, called.operation)
            and region in (None, called.region)
        )

    return matches


def anything(_: Request) -> bool:
    """Every request."""
    return True


def later_page(service: str, operation: str) -> Matcher:
    """The pages of a list after its first one. ``Rule(after=1)`` lets the second page pass, and so on."""
    named = on(service, operation)
    return lambda request: named(request) and request.is_later_page


class FaultProxy:
    """The proxy, for as long as the ``with`` block lasts.

    Attributes:
        rules: the first that takes a request decides; may be changed while the proxy runs.
        requests: what was asked, in the order of arrival.
    """

    def __init__(self, upstream: str, rules: Sequence[Rule] = ()) -> None:
        self.rules = list(rules)
        self.requests: list[Operation] = []
        self.stopping = threading.Event()
        parts = urlsplit(upstream)
        self._upstream = (parts.hostname or "localhost", parts.port or 80)
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.proxy = self

    @property
    def endpoint(self) -> str:
        """The URL that goes into ``AWS_ENDPOINT_URL``."""
        return f"http://localhost:{self._server.server_address[1]}"

    def count(self, service: str, operation: str | None = None) -> int:
        """How many requests of a service, or of one operation, have arrived."""
        return sum(
            called.service == service and operation in (None, called.operation)
            for called in list(self.requests)
        )

    def answer(self, request: Request) -> Answer | None:
        """Apply the first rule that takes the request, or pass it on."""
        with self._lock:
            self.requests.append(request.called)
            rule = next((each for each in self.rules if each.takes(request)), None)
        return rule.fault(request, lambda: self._pass_on(request)) if rule else self._pass_on(request)

    def _pass_on(self, request: Request) -> Answer:
        connection = HTTPConnection(*self._upstream, timeout=60)
        try:
            connection.putrequest(request.method, request.target, skip_host=True, skip_accept_encoding=True)
            for name, value in request.headers.items():
                if name not in _HOP_BY_HOP:
                    connection.putheader(name, value)
            connection.putheader("Content-Length", str(len(request.body)))
            connection.endheaders(request.body)
            response = connection.getresponse()
            kept = tuple(pair for pair in response.getheaders() if pair[0].lower() not in _HOP_BY_HOP)
            return Answer(response.status, kept, response.read())
        finally:
            connection.close()

    def __enter__(self) -> "FaultProxy":
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stopping.set()
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128
    proxy: FaultProxy

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: clients that give up are what is being tested."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def _handle(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        answer = self.server.proxy.answer(recognise(self.command, self.path, headers, body))
        if answer is None:
            self._hold()
            return
        self.send_response_only(answer.status)
        for name, value in answer.headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body[: answer.cut])
        if answer.cut is not None:
            self.close_connection = True

    def _hold(self) -> None:
        self.close_connection = True
        while not self.server.proxy.stopping.is_set():
            readable, _, _ = select.select([self.connection], [], [], 0.1)
            with contextlib.suppress(OSError):
                if readable and not self.connection.recv(1, socket.MSG_PEEK):
                    return

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = do_PATCH = _handle  # noqa: N815

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""
