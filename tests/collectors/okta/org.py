"""A small Okta organisation: tokens, pages by ``Link`` headers, rate limits, and errors in Okta's words."""

import json
import re
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from annexa.demo.loopback import Answer, Asked
from tests.collectors.okta.proofs import NotProvenError, Proven
from tests.collectors.rest.rules import Faulty, Matcher, Rules

API_TOKEN = "00api-token-secret"
CLIENT = "0oa1annexa"
KEY_ID = "annexa-1"
ENVELOPES = {
    "/api/v1/iam/assignees/users": "value",
    "/api/v1/iam/roles": "roles",
    "/api/v1/iam/resource-sets": "resource-sets",
    "/api/v1/domains": "domains",
}
"""Lists that come in an object, with the key that they have there."""


@dataclass
class Org:
    """Answers requests; see :mod:`tests.collectors.okta.estate` for what it holds.

    Attributes:
        lists: path → elements. A question mark and a filter or type may follow the path.
        objects: path → answer.
        page: elements on a page, at most.
        base: its own address, for links.
        public_key: of the service app.
        granted: scopes of the service app.
        lasts: seconds that its access tokens say they last.
        narrowed: scopes that are left out of tokens without a word but the answer's ``scope``.
        dpop: whether the service app requires DPoP; Okta then wants a nonce where tokens are given.
        asking: the proofs that came with requests for tokens.
        showing: the proofs that came with tokens.
        bound: token → the thumbprint of the key that it is bound to.
    """

    lists: dict[str, list[Any]] = field(default_factory=dict)
    objects: dict[str, dict[str, Any]] = field(default_factory=dict)
    page: int = 2
    base: str = ""
    public_key: RSAPublicKey | None = None
    granted: frozenset[str] = frozenset()
    lasts: int = 3600
    narrowed: frozenset[str] = frozenset()
    dpop: bool = False
    asking: Proven = field(default_factory=lambda: Proven(nonce="nonce-1"))
    showing: Proven = field(default_factory=Proven)
    bound: dict[str, str] = field(default_factory=dict)
    rules: Rules = field(default_factory=Rules)
    tokens: dict[str, frozenset[str]] = field(default_factory=dict)
    assertions: set[str] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, asked: Asked) -> Answer | None:
        return self.rules.answer(asked, lambda: self._right(asked))

    def revoke(self) -> None:
        """Make every access token that was given invalid."""
        self.tokens.clear()

    def _right(self, asked: Asked) -> Answer:
        if asked.path == "/oauth2/v1/token":
            with self._lock:
                return self._token(asked)
        with self._lock:
            refused = self._refusal(asked)
        if refused is not None:
            return refused
        if asked.path in self.objects:
            return reply(200, self.objects[asked.path])
        elements = self._elements(asked)
        if elements is None:
            return error(404, "E0000007", f"Not found: Resource not found: {asked.path} (Resource)")
        return self._page(asked, elements)

    def _refusal(self, asked: Asked) -> Answer | None:
        kind, _, secret = asked.headers.get("authorization", "").partition(" ")
        if kind == "SSWS" and secret == API_TOKEN:
            return None
        if kind not in ("Bearer", "DPoP") or secret not in self.tokens:
            return error(401, "E0000011", "Invalid token provided")
        if secret not in self.bound:
            return None if kind == "Bearer" else challenge("invalid_token", "The token is not bound.")
        if kind == "Bearer":
            return challenge("invalid_token", "The token is bound to a key.")
        try:
            thumbprint = self.showing.check(asked, self.base, secret)
        except NotProvenError as why:
            return challenge(why.code, str(why), self.showing.nonce)
        if thumbprint != self.bound[secret]:
            return challenge("invalid_token", "The token is bound to another key.")
        return None

    def _elements(self, asked: Asked) -> list[Any] | None:
        for name in ("filter", "type"):
            if name in asked.query and f"{asked.path}?{asked.query[name]}" in self.lists:
                return self.lists[f"{asked.path}?{asked.query[name]}"]
        return self.lists.get(asked.path)

    def _page(self, asked: Asked, elements: list[Any]) -> Answer:
        start = int(asked.query.get("after", "0"))
        end = start + min(int(asked.query.get("limit", "200")), self.page)
        following = re.sub(r"[?&]after=\d+", "", asked.target)
        following += f"{'&' if '?' in following else '?'}after={end}"
        links = [("Link", f'<{self.base}{asked.target}>; rel="self"')]
        if asked.path in ENVELOPES:
            body: Any = {ENVELOPES[asked.path]: elements[start:end]}
            if end < len(elements):
                body["_links"] = {"next": {"href": self.base + following}}
            return reply(200, body)
        if end < len(elements):
            links.append(("Link", f'<{self.base}{following}>; rel="next"'))
        return reply(200, elements[start:end], *links)

    def _token(self, asked: Asked) -> Answer:
        form = dict(pair.split("=", 1) for pair in asked.body.decode().split("&"))
        assert self.public_key is not None
        try:
            claims = jwt.decode(
                form["client_assertion"], self.public_key, ["RS256"], audience=f"{self.base}/oauth2/v1/token"
            )
        except jwt.PyJWTError as problem:
            return oauth_error(401, "invalid_client", f"The client_assertion token is wrong: {problem}")
        known = jwt.get_unverified_header(form["client_assertion"])["kid"] == KEY_ID
        if (
            not known
            or claims["iss"] != CLIENT
            or claims["sub"] != CLIENT
            or claims["exp"] - time.time() > 3600
        ):
            return oauth_error(401, "invalid_client", "The client_assertion is of nobody who is known.")
        if claims["jti"] in self.assertions:
            return oauth_error(401, "invalid_client", "The client_assertion token has been used already.")
        self.assertions.add(claims["jti"])
        thumbprint = ""
        if self.dpop:
            try:
                thumbprint = self.asking.check(asked, self.base)
            except NotProvenError as why:
                return oauth_error(400, why.code, str(why), ("DPoP-Nonce", self.asking.nonce))
        scopes = frozenset(form["scope"].split("+"))
        if not scopes <= self.granted:
            return oauth_error(400, "invalid_scope", "One or more scopes are not granted to the client.")
        token = f"access-{uuid.uuid4()}"
        scopes -= self.narrowed
        self.tokens[token] = scopes
        body = {"access_token": token, "token_type": "Bearer", "expires_in": self.lasts}
        body["scope"] = " ".join(sorted(scopes))
        if thumbprint:
            self.bound[token] = thumbprint
            body["token_type"] = "DPoP"
        return reply(200, body)


def reply(status: int, body: Any, *headers: tuple[str, str]) -> Answer:
    """JSON with the headers that Okta sends."""
    more = (
        ("Content-Type", "application/json"),
        ("x-okta-request-id", "req-1"),
        ("X-Rate-Limit-Limit", "600"),
        ("X-Rate-Limit-Remaining", "599"),
        ("X-Rate-Limit-Reset", str(int(time.time()) + 60)),
    )
    own = {name.lower() for name, _ in headers}
    kept = tuple(each for each in more if each[0].lower() not in own)
    return Answer(status, (*kept, *headers), json.dumps(body).encode())


def error(status: int, code: str, summary: str, *headers: tuple[str, str]) -> Answer:
    """An error of the management API."""
    body = {
        "errorCode": code,
        "errorSummary": summary,
        "errorLink": code,
        "errorId": "oae1",
        "errorCauses": [],
    }
    return reply(status, body, *headers)


def oauth_error(status: int, code: str, description: str, *headers: tuple[str, str]) -> Answer:
    """An error of the token endpoint."""
    return reply(status, {"error": code, "error_description": description}, *headers)


def challenge(code: str, description: str, nonce: str = "") -> Answer:
    """What the management API says of a bound token or its proof: all of it is in a header."""
    said = f'DPoP algs="RS256 ES256", error="{code}", error_description="{description}"'
    headers = [("WWW-Authenticate", said), *([("DPoP-Nonce", nonce)] if nonce else [])]
    status = 400 if code == "invalid_dpop_proof" else 401
    return error(status, "E0000011", "Invalid token provided", *headers)


def refuse(status: int, code: str, summary: str = "No.", *headers: tuple[str, str]) -> Faulty:
    """Every time the same error."""
    return lambda asked, right: error(status, code, summary, *headers)


def throttle(seconds: Callable[[], float]) -> Faulty:
    """Too many requests, until so many seconds from now; there is no ``Retry-After``, as with Okta."""

    def fault(asked: Asked, right: Callable[[], Answer | None]) -> Answer:
        end = ("X-Rate-Limit-Reset", str(int(time.time() + seconds())))
        summary = "API call exceeded rate limit due to too many requests."
        return error(429, "E0000047", summary, ("X-Rate-Limit-Remaining", "0"), end)

    return fault


def first_page(path: str) -> Matcher:
    """The first page of a list."""
    return lambda asked: asked.path == path and "after" not in asked.query


def later_page(path: str) -> Matcher:
    """Every page of a list but the first."""
    return lambda asked: asked.path == path and "after" in asked.query
