"""Connections to a directory: opened, protected, bound, and lent to one search at a time."""

import ssl
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import ldap3
from ldap3.core.exceptions import LDAPExceptionError
from pyasn1.error import PyAsn1Error

from collectors.ldap.failures import connection_error, refusal
from collectors.ldap.settings import LOOPBACK, Address, LdapSettings
from collectors.transport import CallError

BROKEN = (
    OSError,
    LDAPExceptionError,
    PyAsn1Error,
    ValueError,
    KeyError,
    IndexError,
    TypeError,
    AttributeError,
)
"""What ldap3 raises where a connection breaks, or where what came is no answer: it decodes without a net."""

_DOMAIN_SCOPE = "1.2.840.113556.1.4.1339"
_SUCCESS = 0


class _Tls(ldap3.Tls):
    """TLS as Python itself does it: ldap3 would neither send the server's name nor check addresses."""

    def __init__(self, context: ssl.SSLContext) -> None:
        super().__init__(validate=ssl.CERT_REQUIRED)
        self._own_context = context

    def wrap_socket(self, connection: Any, do_handshake: bool = False) -> None:
        connection.socket = self._own_context.wrap_socket(
            connection.socket, server_hostname=connection.server.host, do_handshake_on_connect=True
        )


def _context(settings: LdapSettings) -> ssl.SSLContext:
    authorities = settings.checked_file("ca_file")
    try:
        context = ssl.create_default_context(cafile=authorities)
    except OSError as error:  # ssl.SSLError is one
        raise CallError("NoCredentials", f"ca_file {authorities} cannot be used: {error}") from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    certificate = settings.checked_file("certificate_file")
    if certificate is not None:
        try:
            context.load_cert_chain(certificate, settings.checked_file("key_file"))
        except OSError as error:
            said = f"certificate_file {certificate} cannot be used: {error}"
            raise CallError("NoCredentials", said) from error
    return context


class Session:
    """One connection. Not for several threads at once.

    Attributes:
        address: the server.
        broken: whether it must not be used again.
    """

    def __init__(self, connection: Any, address: Address) -> None:
        self._connection = connection
        self.address = address
        self.broken = False

    def search(
        self,
        base: str,
        scope: str,
        search_filter: str,
        attributes: Iterable[str],
        *,
        controls: list[Any] | None = None,
        page: tuple[int, bytes] | None = None,
        size_limit: int = 0,
    ) -> tuple[Mapping[str, Any], list[dict[str, Any]]]:
        """Send one search; return its result and what came before it, as ldap3 gives them.

        Args:
            scope: ``BASE``, ``LEVEL`` or ``SUBTREE``, as ldap3 calls them.
            page: entries to a page, and the cookie of the page before.

        Raises:
            CallError: there is no answer.
        """
        paged: dict[str, Any] = (
            {} if page is None else {"paged_size": page[0], "paged_cookie": page[1] or None}
        )
        try:
            _, result, response, _ = self._connection.search(
                base,
                search_filter,
                search_scope=scope,
                attributes=list(attributes) or ["1.1"],
                controls=controls,
                size_limit=size_limit,
                **paged,
            )
        except BROKEN as error:
            self.close()
            raise _search_error(error) from error
        if result.get("type") != "searchResDone":
            self.close()
            raise CallError(
                "MalformedAnswer", f"a search was answered with {result.get('type')}", retryable=True
            )
        return result, response or []

    def who_am_i(self) -> str:
        """Return whom the server takes us for (RFC 4532); "" where it does not say.

        Raises:
            CallError: there is no answer.
        """
        try:
            _, result, _, _ = self._connection.extended("1.3.6.1.4.1.4203.1.11.3")
        except BROKEN as error:
            self.close()
            raise connection_error(error) from error
        value = result.get("responseValue")
        return value.decode("utf-8", "replace") if isinstance(value, bytes) else ""

    def tls(self) -> dict[str, Any]:
        """Return what protects the connection: ``tls``, and where it is on ``version`` and ``cipher``."""
        socket = self._connection.socket
        if not isinstance(socket, ssl.SSLSocket):
            return {"tls": False}
        cipher = socket.cipher()
        return {"tls": True, "version": socket.version(), "cipher": cipher[0] if cipher else ""}

    def close(self) -> None:
        """Close the connection, whatever state it is in."""
        self.broken = True
        try:
            socket = self._connection.socket
            if socket is not None:
                socket.close()
        except OSError:
            return


def _search_error(error: Exception) -> CallError:
    if type(error).__name__ in ("LDAPInvalidFilterError", "LDAPInvalidDnError", "LDAPAttributeError"):
        return CallError("InvalidParameters", str(error))
    return connection_error(error)


def open_session(settings: LdapSettings, *, anonymous: bool = False) -> Session:
    """Connect to the first server that answers, and bind.

    Args:
        anonymous: do not bind.

    Raises:
        CallError: none answers, or the credentials are refused.
    """
    context = _context(settings)
    failed: CallError | None = None
    for address in settings.addresses:
        try:
            return _open(settings, address, context, anonymous=anonymous)
        except CallError as error:
            if not error.retryable:
                raise
            failed = error
    assert failed is not None
    raise failed


def _open(settings: LdapSettings, address: Address, context: ssl.SSLContext, *, anonymous: bool) -> Session:
    server = ldap3.Server(
        address.host,
        port=address.port,
        use_ssl=address.tls,
        tls=_Tls(context),
        get_info=ldap3.NONE,
        connect_timeout=settings.connect_timeout,
    )
    try:
        # What ldap3 does by itself is off: it would follow referrals, guess at encodings, read schemas.
        connection: Any = ldap3.Connection(
            server,
            client_strategy=ldap3.SAFE_SYNC,
            auto_referrals=False,
            auto_range=False,
            auto_encode=False,
            auto_escape=False,
            check_names=False,
            receive_timeout=settings.read_timeout,
            **({} if anonymous else _credentials(settings)),
        )
        connection.open(read_server_info=False)
        if settings.starttls and not address.tls:
            connection.start_tls(read_server_info=False)
        session = Session(connection, address)
        if not anonymous:
            _require_protection(session, address)
            _bind(session, connection)
    except CallError:
        raise
    except BROKEN as error:
        raise connection_error(error) from error
    return session


def _require_protection(session: Session, address: Address) -> None:
    if not session.tls()["tls"] and address.host not in LOOPBACK:
        session.close()
        raise CallError("TlsFailed", "the connection is in the clear: nothing is sent over it")


def _bind(session: Session, connection: Any) -> None:
    _, result, _, _ = connection.bind(read_server_info=False)
    if result["result"] != _SUCCESS:
        session.close()
        raise refusal(result)


def _credentials(settings: LdapSettings) -> dict[str, Any]:
    if settings.credential == "simple":
        return {"authentication": ldap3.SIMPLE, "user": settings.bind_dn, "password": settings.password()}
    mechanism = ldap3.EXTERNAL if settings.credential == "sasl-external" else ldap3.KERBEROS
    return {"authentication": ldap3.SASL, "sasl_mechanism": mechanism, "sasl_credentials": ()}


class Sessions:
    """Lends sessions: one that is idle, or a new one.

    A server answers the pages of one list on one connection only, so a list keeps its session to the end.

    Args:
        open_one: opens a session.
    """

    def __init__(self, open_one: Callable[[], Session]) -> None:
        self._open = open_one
        self._idle: list[Session] = []
        self._lock = threading.Lock()

    def take(self) -> Session:
        """Return a session that nobody else has.

        Raises:
            CallError: none can be opened.
        """
        with self._lock:
            if self._idle:
                return self._idle.pop()
        return self._open()

    def give(self, session: Session) -> None:
        """Take a session back. Where it broke, the idle ones are as old, and have most likely ended too."""
        with self._lock:
            if not session.broken:
                self._idle.append(session)
                return
            idle, self._idle = self._idle, []
        for each in idle:
            each.close()

    @contextmanager
    def lent(self) -> Iterator[Session]:
        """Lend a session for as long as the ``with`` block lasts."""
        session = self.take()
        try:
            yield session
        finally:
            self.give(session)


def domain_scope_control() -> Any:
    """Return the control that keeps a search in its own naming context ([MS-ADTS] 3.1.1.3.4.1.4)."""
    return (_DOMAIN_SCOPE, False, None)
