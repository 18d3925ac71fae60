"""Calls of the form ``ldap:SEARCH subtree``, and the few others that a directory is asked."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from collectors.ldap import values
from collectors.ldap.failures import refusal
from collectors.ldap.filters import filled
from collectors.ldap.members import (
    CHAIN,
    GROUPS,
    MEMBER_ATTRIBUTES,
    GroupIndex,
    Groups,
    groups_of,
    named_only,
    transitive,
)
from collectors.ldap.session import Session, Sessions, domain_scope_control
from collectors.transport import Answer, CallError, Request

SCOPES = {"base": "BASE", "onelevel": "LEVEL", "subtree": "SUBTREE"}
"""The word of a call → what ldap3 calls it."""

PARAMETERS = frozenset({"base", "filter", "attributes", "required"})
"""What a search takes; every other parameter fills a ``<place>`` of the filter."""

NEVER_ASKED = frozenset(
    {
        "userpassword",
        "unicodepwd",
        "dbcspwd",
        "ntpwdhistory",
        "lmpwdhistory",
        "supplementalcredentials",
        "ms-mcs-admpwd",
        "mslaps-password",
        "mslaps-encryptedpassword",
        "mslaps-encryptedpasswordhistory",
        "mslaps-encrypteddsrmpassword",
        "mslaps-encrypteddsrmpasswordhistory",
        "msds-managedpassword",
        "msds-managedpasswordpreviousid",
        "msds-managedpasswordid",
        "msfve-recoverypassword",
        "msfve-keypackage",
        "sambantpassword",
        "sambalmpassword",
        "sambapasswordhistory",
        "pwdhistory",
        "krbprincipalkey",
        "krb5key",
        "olcrootpw",
        "trustauthincoming",
        "trustauthoutgoing",
        "currentvalue",
        "priorvalue",
        "oathsecret",
        "*",
        "+",
    }
)
"""Attributes, in lower case, that hold passwords or keys, and the signs that would ask for all there are."""

_SUCCESS = 0
_SIZE_LIMIT = 4
_PAGED = "1.2.840.113556.1.4.319"
_MOST_RANGES = 10_000
_MOST_PAGES = 100_000
_RANGE = re.compile(r"(?P<name>[^;]+);range=(?P<first>\d+)-(?P<last>\d+|\*)", re.IGNORECASE)


@dataclass(frozen=True)
class NextPage:
    """Where a list goes on: on the same connection, which it keeps."""

    number: int
    cookie: bytes = field(repr=False)
    session: Session = field(repr=False, compare=False)


class LdapTransport:
    """Sends the calls of one directory; see :class:`collectors.transport.Transport`.

    Args:
        sessions: bound connections.
        anonymous: opens a connection that is not bound.
        clock: returns the time, with a time zone.
        page_size: entries on a page.
        domain_scope: whether the server takes the control that keeps a search in its own naming context.
    """

    def __init__(
        self,
        sessions: Sessions,
        anonymous: Callable[[], Session],
        clock: Callable[[], datetime],
        page_size: int,
        *,
        domain_scope: bool = False,
    ) -> None:
        self._sessions = sessions
        self._anonymous = anonymous
        self._clock = clock
        self._page_size = page_size
        self._controls = [domain_scope_control()] if domain_scope else None
        self._groups = GroupIndex(self._read_groups)

    def send(self, request: Request) -> Answer:
        """Send one request, once.

        Raises:
            CallError: there is no usable answer.
        """
        verb, _, word = request.call.removeprefix("ldap:").partition(" ")
        if verb == "SEARCH" and word in SCOPES:
            return self._search(word, request.parameters, request.token)
        if verb == "ANONYMOUS" and word in SCOPES:
            return self._anonymously(word, request.parameters)
        if request.call == "ldap:MEMBERS transitive":
            return self._members(request.parameters)
        if request.call == "ldap:MEMBERS unseen":
            return self._unseen(request.parameters)
        if request.call == "ldap:CONNECTION":
            with self._sessions.lent() as session:
                return self._answer(session.tls(), session)
        raise CallError("UnknownOperation", f"there is no call {request.call!r}")

    def _search(self, word: str, parameters: Mapping[str, Any], token: NextPage | None) -> Answer:
        asked = _Asked.of(parameters)
        if token is not None and token.session.broken:
            # Only the connection that gave the page before knows where it ended.
            raise CallError(
                "PageLost", "the connection broke within the list, and another cannot go on with it"
            )
        session = token.session if token is not None else self._sessions.take()
        cookie, ended = b"", True
        try:
            result, response = session.search(
                asked.base,
                SCOPES[word],
                asked.filter,
                asked.attributes,
                controls=self._controls,
                page=None if word == "base" else (self._page_size, token.cookie if token else b""),
            )
            if result["result"] != _SUCCESS:
                raise refusal(result, asked.where)
            cookie = _cookie(result)
            ended = not cookie
            found = [
                self._entry(each, asked, session) for each in response if each["type"] == "searchResEntry"
            ]
            body = {"entries": found}
            number = token.number + 1 if token is not None else 1
            following = None if ended else NextPage(number, cookie, session)
            left_out = _references(response, asked) or _lacking(found, asked)
            return self._answer(body, session, following, left_out)
        except CallError as error:
            if token is not None and not session.broken and error.retryable:
                ended = False  # the same connection may be asked for the same page again
                raise
            if token is not None or not ended:
                session.close()  # a list that was begun would keep the server's state
            ended = True
            if token is not None:
                # Only the connection that gave the page before knows where it ended.
                raise CallError(
                    error.code, f"{error.message}; the list cannot go on", status=error.status
                ) from error
            raise
        finally:
            if ended:
                self._sessions.give(session)

    def _anonymously(self, word: str, parameters: Mapping[str, Any]) -> Answer:
        asked = _Asked.of(parameters)
        session = self._anonymous()
        try:
            result, response = session.search(
                asked.base,
                SCOPES[word],
                asked.filter,
                asked.attributes,
                controls=self._controls,
                size_limit=1,
            )
            found = [{"dn": each["dn"]} for each in response if each["type"] == "searchResEntry"]
            # One entry is all that was asked for: that there are more is no fault.
            if result["result"] != _SUCCESS and not (result["result"] == _SIZE_LIMIT and found):
                raise refusal(result, asked.where)
            return self._answer({"entries": found}, session)
        finally:
            session.close()

    def _members(self, parameters: Mapping[str, Any]) -> Answer:
        base, group = _base_and_group(parameters)
        found = transitive(self._groups.below(base), group)
        with self._sessions.lent() as session:
            return self._answer({"entries": found}, session)

    def _unseen(self, parameters: Mapping[str, Any]) -> Answer:
        """Find the members that Active Directory names, and shows no entry of: those of other domains."""
        base, group = _base_and_group(parameters)
        found = [
            *self.whole("base", {"base": group, "attributes": ["member"]}),
            *self.whole("subtree", {"base": base, "filter": CHAIN, "group": group, "attributes": ["member"]}),
        ]
        entries = [{"dn": name, "attributes": {}, "flags": {}} for name in named_only(found)]
        with self._sessions.lent() as session:
            return self._answer({"entries": entries}, session)

    def _read_groups(self, base: str) -> Groups:
        asked = {"base": base, "filter": GROUPS, "attributes": MEMBER_ATTRIBUTES}
        return groups_of(self.whole("subtree", asked))

    def whole(self, word: str, asked: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Return the entries of a search that is no list of its own.

        Args:
            word: of :data:`SCOPES`.

        Raises:
            CallError: it was not read to its end.
        """
        entries: list[dict[str, Any]] = []
        token = None
        for _ in range(_MOST_PAGES):
            answer = self._search(word, asked, token)
            if answer.left_out:
                raise CallError("LeftOut", answer.left_out)
            entries += answer.body["entries"]
            token = answer.next_token
            if token is None:
                return entries
        raise CallError("TooManyPages", f"the search goes on after {_MOST_PAGES} pages")

    def _entry(self, raw: Mapping[str, Any], asked: "_Asked", session: Session) -> dict[str, Any]:
        attributes: dict[str, list[str]] = {}
        for described, found in raw["raw_attributes"].items():
            part = _RANGE.fullmatch(described)
            name = asked.spelt(part["name"] if part else described.partition(";")[0])
            whole = list(found)
            if part is not None and part["last"] != "*":
                whole += self._rest(raw["dn"], part["name"], int(part["last"]) + 1)
            if whole:
                attributes.setdefault(name, []).extend(values.text(name, each) for each in whole)
        # Values are a set: servers give them in any order, and a change of order is none of the directory.
        attributes = {name: sorted(found) for name, found in attributes.items()}
        bits = {name: values.flags(name, found) for name, found in attributes.items()}
        return {
            "dn": raw["dn"],
            "attributes": attributes,
            "flags": {name: found for name, found in bits.items() if found is not None},
        }

    def _rest(self, dn: str, name: str, start: int) -> list[bytes]:
        """Return the values from the ``start``-th on: Active Directory gives long lists in ranges."""
        rest: list[bytes] = []
        with self._sessions.lent() as session:
            for _ in range(_MOST_RANGES):
                result, response = session.search(
                    dn, "BASE", "(objectClass=*)", [f"{name};range={start}-*"], controls=self._controls
                )
                if result["result"] != _SUCCESS:
                    raise refusal(result, f"{name} from {start} on of {dn}")
                last, found = _ranged(response, name, start, dn)
                rest += found
                if last is None:
                    return rest
                start = last + 1
        raise CallError("TooManyPages", f"{name} of {dn} does not end")

    def _answer(
        self,
        body: dict[str, Any],
        session: Session,
        following: NextPage | None = None,
        left_out: str = "",
    ) -> Answer:
        return Answer(
            body=body,
            next_token=following,
            received=self._clock(),
            endpoint=session.address.url,
            left_out=left_out,
        )


@dataclass(frozen=True)
class _Asked:
    """A search, with its filter filled in.

    Attributes:
        required: attributes that every entry has; one that comes without them was not shown whole.
    """

    base: str
    filter: str
    attributes: tuple[str, ...]
    required: tuple[str, ...]

    @classmethod
    def of(cls, parameters: Mapping[str, Any]) -> "_Asked":
        attributes = tuple(parameters.get("attributes", ()))
        forbidden = sorted(each for each in attributes if each.lower() in NEVER_ASKED)
        if forbidden:
            raise CallError("InvalidParameters", f"{', '.join(forbidden)} is never asked for")
        base = parameters.get("base")
        if not isinstance(base, str):
            raise CallError("InvalidParameters", "the base has no value")
        return cls(
            base,
            filled(parameters.get("filter", "(objectClass=*)"), parameters),
            attributes,
            tuple(parameters.get("required", ())),
        )

    @property
    def where(self) -> str:
        return f"searching {self.base or 'the root DSE'} for {self.filter}"

    def spelt(self, name: str) -> str:
        """Return a name as it was asked for: servers answer in a case of their own."""
        return next((each for each in self.attributes if each.lower() == name.lower()), name)


def _base_and_group(parameters: Mapping[str, Any]) -> tuple[str, str]:
    base, group = parameters.get("base"), parameters.get("group")
    if not isinstance(base, str) or not isinstance(group, str):
        raise CallError("InvalidParameters", "the base or the group has no value")
    return base, group


def _cookie(result: Mapping[str, Any]) -> bytes:
    control = (result.get("controls") or {}).get(_PAGED)
    cookie = control["value"]["cookie"] if control else b""
    return cookie if isinstance(cookie, bytes) else b""


def _ranged(
    response: Iterable[Mapping[str, Any]], name: str, start: int, dn: str
) -> tuple[int | None, list[bytes]]:
    """Return the last index of a range, None where it goes to the end, and its values."""
    for entry in response:
        for described, found in entry.get("raw_attributes", {}).items():
            part = _RANGE.fullmatch(described)
            if part is None or part["name"].lower() != name.lower() or int(part["first"]) != start:
                continue
            if part["last"] == "*":
                return None, list(found)
            if int(part["last"]) >= start and found:
                return int(part["last"]), list(found)
    raise CallError("MalformedAnswer", f"{name} of {dn} breaks off before its {start}th value")


def _references(response: Iterable[Mapping[str, Any]], asked: _Asked) -> str:
    places = [str(uri) for each in response if each["type"] == "searchResRef" for uri in each["uri"]]
    if not places:
        return ""
    return (
        f"part of {asked.base} is held by {', '.join(places[:3])}, which is not followed: "
        "collect from that server as well, or narrow base_dn"
    )


def _lacking(found: Iterable[Mapping[str, Any]], asked: _Asked) -> str:
    short = [each for each in found if not each["attributes"].keys() >= set(asked.required)]
    if not short:
        return ""
    missing = sorted(set(asked.required) - short[0]["attributes"].keys())
    return (
        f"{len(short)} entries came without {', '.join(missing)}, as {short[0]['dn']}: each has it, "
        "so the account may not read it; grant what `annexa permissions ldap` prints"
    )
