"""An LDAP server on loopback, with TLS from the first byte, whose directory is elsewhere (RFC 4511).

It knows what a reader does: bind with a name and a password, ask who one is, and search, page by page.
Everything else it refuses, as a directory refuses what its reader may not do.
"""

import contextlib
import socketserver
import ssl
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol

from annexa.demo.ber import ENUMERATED, SEQUENCE, SET, Element, elements, encoded, number, octets, size

_BIND, _SEARCH, _EXTENDED = 0x60, 0x63, 0x77
_BIND_DONE, _ENTRY, _SEARCH_DONE, _EXTENDED_DONE = 0x61, 0x64, 0x65, 0x78
_CONTROLS, _SIMPLE, _VALUE = 0xA0, 0x80, 0x8B
_PAGED = "1.2.840.113556.1.4.319"
_WHO_AM_I = "1.3.6.1.4.1.4203.1.11.3"
_SUCCESS, _SIZE_LIMIT, _UNWILLING = 0, 4, 53
_LONGEST_PAGE = 1000  # MaxPageSize: [MS-ADTS] 3.1.1.3.4.6


class RefusedError(Exception):
    """What is answered instead of success.

    Attributes:
        code: RFC 4511 §4.1.9.
    """

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class Search:
    """A search as it arrived.

    Attributes:
        scope: 0 is the base alone, 1 what is right below it, 2 the base and all below it.
        attributes: what is asked for.
        who: who asks, "" where nobody said.
    """

    base: str
    scope: int
    filter: Element
    attributes: tuple[str, ...]
    who: str


Entry = tuple[str, dict[str, list[bytes]]]
"""The name of an entry, and of its attributes what was asked for."""


class Directory(Protocol):
    """What a server answers from."""

    def bind(self, name: str, password: str) -> str:
        """Return who that is; refuse it with :class:`RefusedError`."""

    def search(self, asked: Search) -> Sequence[Entry]:
        """Return everything that is found, in an order that stays; refuse it with :class:`RefusedError`."""


class LdapServer:
    """The server, for as long as the ``with`` block lasts."""

    def __init__(self, directory: Directory, tls: ssl.SSLContext) -> None:
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.directory = directory
        self._server.tls = tls

    @property
    def url(self) -> str:
        return f"ldaps://localhost:{self._server.server_address[1]}"

    def __enter__(self) -> "LdapServer":
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False
    directory: Directory
    tls: ssl.SSLContext


class _Handler(socketserver.BaseRequestHandler):
    server: _Server

    def handle(self) -> None:
        with (
            contextlib.suppress(OSError),
            self.server.tls.wrap_socket(self.request, server_side=True) as connection,
        ):
            client = _Client(self.server.directory)
            for message in _messages(connection.recv):
                answer = client.answer(message)
                if answer is None:
                    return
                connection.sendall(answer)


def _messages(receive: Callable[[int], bytes]) -> Iterator[Element]:
    waiting = b""
    while data := receive(65536):
        waiting += data
        while (end := size(waiting)) is not None and len(waiting) >= end:
            yield next(elements(waiting[:end]))
            waiting = waiting[end:]


class _Client:
    """One connection."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory
        self._who = ""

    def answer(self, message: Element) -> bytes | None:
        """Return what goes back; None ends the connection."""
        identifier, request, *controls = message.parts
        match request.tag:
            case tag if tag == _BIND:
                answers = [self._bind(request)]
            case tag if tag == _SEARCH:
                answers = self._search(request, controls)
            case tag if tag == _EXTENDED:
                answers = [self._extended(request)]
            case _:
                return None
        return b"".join(
            encoded(SEQUENCE, encoded(identifier.tag, identifier.content), each) for each in answers
        )

    def _bind(self, request: Element) -> bytes:
        _, name, secret = request.parts
        self._who = ""
        if secret.tag != _SIMPLE:
            return _done(_BIND_DONE, _UNWILLING, "only a name and a password are taken")
        if not name.content and not secret.content:
            return _done(_BIND_DONE, _SUCCESS)
        try:
            self._who = self._directory.bind(name.text, secret.text)
        except RefusedError as refused:
            return _done(_BIND_DONE, refused.code, str(refused))
        return _done(_BIND_DONE, _SUCCESS)

    def _extended(self, request: Element) -> bytes:
        if request.parts[0].text != _WHO_AM_I:
            return _done(_EXTENDED_DONE, _UNWILLING, "that is not offered")
        return _done(_EXTENDED_DONE, _SUCCESS, more=octets(self._who, _VALUE))

    def _search(self, request: Element, controls: list[Element]) -> list[bytes]:
        base, scope, _, limit, _, _, wanted, attributes = request.parts
        names = tuple(each.text for each in attributes.parts)
        try:
            found = self._directory.search(Search(base.text, scope.number, wanted, names, self._who))
        except RefusedError as refused:
            return [_done(_SEARCH_DONE, refused.code, str(refused))]
        page = _page(controls)
        if page is None:
            most = min(limit.number or _LONGEST_PAGE, _LONGEST_PAGE)
            code = _SUCCESS if len(found) <= most else _SIZE_LIMIT
            return [*map(_entry, found[:most]), _done(_SEARCH_DONE, code)]
        start, end = page[1], page[1] + min(page[0] or _LONGEST_PAGE, _LONGEST_PAGE)
        cookie = str(end) if end < len(found) else ""
        value = encoded(SEQUENCE, number(0), octets(cookie))
        control = encoded(SEQUENCE, octets(_PAGED), octets(value))
        return [*map(_entry, found[start:end]), _done(_SEARCH_DONE, _SUCCESS) + encoded(_CONTROLS, control)]


def _page(controls: list[Element]) -> tuple[int, int] | None:
    """Return the size of the page that is asked for and where it begins (RFC 2696); None where none is."""
    for control in controls[0].parts if controls else ():
        name, *more = control.parts
        if name.text == _PAGED:
            wanted, cookie = next(elements(more[-1].content)).parts
            return wanted.number, int(cookie.content or b"0")
    return None


def _entry(found: Entry) -> bytes:
    name, attributes = found
    described = [
        encoded(SEQUENCE, octets(key), encoded(SET, *map(octets, values)))
        for key, values in attributes.items()
    ]
    return encoded(_ENTRY, octets(name), encoded(SEQUENCE, *described))


def _done(tag: int, code: int, message: str = "", more: bytes = b"") -> bytes:
    return encoded(tag, number(code, ENUMERATED), octets(""), octets(message), more)
