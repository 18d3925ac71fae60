"""A proxy in front of a directory that knows enough of LDAP to let single searches go wrong.

It reads messages by their length (X.690), and matches a search by bytes that it holds.
"""

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from types import TracebackType

Fault = Callable[[bytes], bytes | None]
"""Takes the message's number, encoded, and returns what goes back; None keeps the client waiting."""

SEARCH = 0x63


def result(code: int, message: str = "") -> Fault:
    """Answer a search with a result, and no entries."""

    def answer(number: bytes) -> bytes:
        words = message.encode()
        done = b"\x0a\x01" + bytes([code]) + b"\x04\x00\x04" + _length(len(words)) + words
        return _tagged(0x30, number + _tagged(0x65, done))

    return answer


def raw(content: bytes) -> Fault:
    """Answer with bytes, and hang up."""
    return lambda number: content


def another_operation(number: bytes) -> bytes:
    """Answer a search with the result of a bind."""
    return _tagged(0x30, number + _tagged(0x61, b"\x0a\x01\x00\x04\x00\x04\x00"))


def half_an_entry(number: bytes) -> bytes:
    """Answer with an entry as far as its middle."""
    entry = _tagged(0x64, _tagged(0x04, b"uid=half,dc=example,dc=org") + _tagged(0x30, b""))
    whole = _tagged(0x30, number + entry)
    return whole[: len(whole) // 2]


def hold(number: bytes) -> None:
    """No answer."""


class LdapProxy:
    """The proxy, for as long as the ``with`` block lasts.

    Attributes:
        matching: what a search must hold to go wrong.
        fault: how it goes wrong; None lets everything through.
        passing: so many matching searches pass first, on each connection.
        hang_up: whether the connection ends after the fault.
    """

    def __init__(self, port: int) -> None:
        self._upstream = port
        self._server = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.matching: bytes = b""
        self.fault: Fault | None = None
        self.passing = 0
        self.hang_up = False
        self._stopping = threading.Event()

    @property
    def port(self) -> int:
        port: int = self._server.getsockname()[1]
        return port

    @property
    def url(self) -> str:
        return f"ldap://127.0.0.1:{self.port}"

    @contextlib.contextmanager
    def broken(
        self, matching: bytes, fault: Fault, *, passing: int = 0, hang_up: bool = False
    ) -> Iterator[None]:
        """Let the searches that hold some bytes go wrong."""
        self.matching, self.passing, self.hang_up, self.fault = matching, passing, hang_up, fault
        try:
            yield
        finally:
            self.fault = None

    def __enter__(self) -> "LdapProxy":
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        self._server.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._server.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        passed = 0
        with client, socket.create_connection(("127.0.0.1", self._upstream)) as upstream:
            threading.Thread(target=_pump, args=(upstream, client), daemon=True).start()
            with contextlib.suppress(OSError):
                for message in _messages(client):
                    fault = self.fault
                    if fault is None or not _is_search(message) or self.matching not in message:
                        upstream.sendall(message)
                        continue
                    if passed < self.passing:
                        passed += 1
                        upstream.sendall(message)
                        continue
                    answer = fault(_number(message))
                    if answer is None:
                        self._stopping.wait(30)
                        return
                    client.sendall(answer)
                    if self.hang_up:
                        client.shutdown(socket.SHUT_RDWR)
                        return


def _pump(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)


def _messages(client: socket.socket) -> Iterator[bytes]:
    waiting = b""
    while data := client.recv(65536):
        waiting += data
        while (size := _size(waiting)) is not None and len(waiting) >= size:
            yield waiting[:size]
            waiting = waiting[size:]


def _size(data: bytes) -> int | None:
    """Return the whole length of the first message; None while that cannot be told."""
    if len(data) < 2:
        return None
    if data[1] < 0x80:
        return 2 + data[1]
    more = data[1] & 0x7F
    return None if len(data) < 2 + more else 2 + more + int.from_bytes(data[2 : 2 + more], "big")


def _body(message: bytes) -> bytes:
    start = 2 if message[1] < 0x80 else 2 + (message[1] & 0x7F)
    return message[start:]


def _number(message: bytes) -> bytes:
    body = _body(message)
    return body[: 2 + body[1]]


def _is_search(message: bytes) -> bool:
    body = _body(message)
    return body[2 + body[1]] == SEARCH


def _tagged(tag: int, content: bytes) -> bytes:
    return bytes([tag]) + _length(len(content)) + content


def _length(size: int) -> bytes:
    return bytes([size]) if size < 0x80 else b"\x82" + size.to_bytes(2, "big")
