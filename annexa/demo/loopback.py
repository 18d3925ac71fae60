"""An HTTP server on loopback whose answers a function decides, with or without TLS."""

import contextlib
import select
import socket
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from urllib.parse import parse_qs, unquote, urlsplit


@dataclass(frozen=True)
class Answer:
    """What goes back.

    Attributes:
        cut: send only so many bytes of the body, although its whole length was announced, and hang up.
    """

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    cut: int | None = None


@dataclass(frozen=True)
class Asked:
    """A request as it arrived.

    Attributes:
        path: decoded.
        target: path and query as they were sent.
        query: the last value of each name.
        headers: by lower-case name.
    """

    method: str
    path: str
    target: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes


HANG_UP = Answer(0, (), b"")
"""Stands for closing the connection without a word."""

Answering = Callable[[Asked], Answer | None]
"""Makes the answer; None keeps the client waiting."""


class Loopback:
    """The server, for as long as the ``with`` block lasts.

    Attributes:
        asked: what arrived, in order.
    """

    def __init__(self, answering: Answering, tls: ssl.SSLContext | None = None) -> None:
        self.answering = answering
        self.asked: list[Asked] = []
        self.stopping = threading.Event()
        self._tls = tls
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.loopback = self
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)

    @property
    def url(self) -> str:
        scheme = "http" if self._tls is None else "https"
        return f"{scheme}://localhost:{self._server.server_address[1]}"

    def __enter__(self) -> "Loopback":
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
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
    loopback: Loopback

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: clients that give up are what is being tested."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # headers and body in one packet, or each answer waits for an acknowledgement
    server: _Server

    def _handle(self) -> None:
        parts = urlsplit(self.path)
        query = {name: values[-1] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
        asked = Asked(
            self.command,
            unquote(parts.path),
            self.path,
            query,
            {name.lower(): value for name, value in self.headers.items()},
            self.rfile.read(int(self.headers.get("Content-Length") or 0)),
        )
        loopback = self.server.loopback
        loopback.asked.append(asked)
        answer = loopback.answering(asked)
        if answer is HANG_UP:
            self.close_connection = True
            return
        if answer is None:
            self._hold()
            return
        self.send_response(answer.status)  # with a Date, as every provider sends
        for name, value in answer.headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body[: answer.cut])
        if answer.cut is not None:
            self.close_connection = True

    def _hold(self) -> None:
        self.close_connection = True
        while not self.server.loopback.stopping.is_set():
            readable, _, _ = select.select([self.connection], [], [], 0.1)
            with contextlib.suppress(OSError, ValueError):
                if readable and not self._peek():
                    return

    def _peek(self) -> bytes:
        connection = self.connection
        return (
            connection.recv(1)
            if isinstance(connection, ssl.SSLSocket)
            else connection.recv(1, socket.MSG_PEEK)
        )

    do_GET = do_POST = do_PUT = do_DELETE = _handle  # noqa: N815

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""
