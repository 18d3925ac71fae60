"""GitHub's APIs on loopback, as far as their contract is published.

It refuses what GitHub refuses: a request without ``User-Agent``, an API version that is none, a token that it
did not give or that has ended, an App's proof that its key did not sign. What has no place is "Not Found", as
is what may not be seen. Lists come in pages with a ``Link`` header.
"""

import base64
import json
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode, urlsplit

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from annexa.demo.loopback import Answer, Asked
from tests.collectors.github.graph import Graph

TOKEN = "ghp_token-of-an-owner"
VERSIONS = ("2022-11-28", "2026-03-10")
_LONGEST_PROOF = 600

Content = Any
Asking = Callable[[dict[str, str]], Content]
"""Makes content from the query."""


@dataclass
class Refused:
    """What GitHub does not give."""

    status: int
    message: str
    more: tuple[tuple[str, str], ...] = ()


@dataclass
class Github:
    """Answers requests; see :class:`annexa.demo.loopback.Loopback`.

    Attributes:
        places: path → list, object, what wraps a list (:class:`Wrapped`), :class:`Refused`, or a function of
            the query that gives one of these.
        page: resources on a page, whatever is asked for.
        app_key: the public key of the App.
        app_id: its id.
        installations: organisation → what GitHub says of the installation.
        lives: how long an App's token lives.
        uses: requests that an App's token is good for; None is any number.
        tokens: each token with the requests that are left to it.
        scopes: what classic tokens may do; None for tokens without scopes.
        base: its own URL, with its path, that of GitHub Enterprise Server.
        graph: answers GraphQL.
    """

    places: dict[str, Content] = field(default_factory=dict)
    page: int = 2
    app_key: rsa.RSAPublicKey | None = None
    app_id: str = "4711"
    installations: dict[str, dict[str, Any]] = field(default_factory=dict)
    lives: timedelta = timedelta(hours=1)
    uses: int | None = None
    tokens: dict[str, int | None] = field(default_factory=lambda: {TOKEN: None})
    scopes: str | None = "admin:enterprise, admin:org, admin:org_hook, repo"
    base: str = ""
    graph: Graph = field(default_factory=Graph)
    issued: list[str] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, asked: Asked) -> Answer | None:
        if not asked.headers.get("user-agent"):
            return error(403, "Request forbidden by administrative rules.")
        if asked.headers.get("x-github-api-version") not in VERSIONS:
            return error(400, "The API version that was asked for is not supported.")
        path = asked.path.removeprefix(urlsplit(self.base).path)
        if path == "/app" or path.startswith("/app/") or re.fullmatch(r"/orgs/[^/]+/installation", path):
            return self._as_app(asked, path)
        with self._lock:
            refused = self._unauthorized(asked.headers.get("authorization", ""))
        if refused is not None:
            return refused
        if (asked.method, asked.path) == ("POST", "/api/graphql"):
            return reply(200, self.graph.answer(asked.body))
        content = self.places.get(path)
        if callable(content):
            content = content(asked.query)
        if content is None or asked.method != "GET":
            return error(404, "Not Found")
        if isinstance(content, Refused):
            return error(content.status, content.message, *content.more)
        return self._answer(asked, path, content)

    def _answer(self, asked: Asked, path: str, content: Content) -> Answer:
        more = () if self.scopes is None else (("X-OAuth-Scopes", self.scopes),)
        if isinstance(content, Wrapped):
            part, link = self._part(asked, path, content.elements)
            return reply(200, {"total_count": len(content.elements), content.key: part}, *link, *more)
        if isinstance(content, list):
            part, link = self._part(asked, path, content)
            return reply(200, part, *link, *more)
        return reply(200, content, *more)

    def _part(self, asked: Asked, path: str, elements: list[Any]) -> tuple[list[Any], tuple[Any, ...]]:
        size = min(int(asked.query.get("per_page", "30")), 100, self.page)
        number = int(asked.query.get("page", "1"))
        start, end = (number - 1) * size, number * size
        if end >= len(elements):
            return elements[start:end], ()
        following = urlencode({**asked.query, "page": number + 1})
        return elements[start:end], (("Link", f'<{self.base}{path}?{following}>; rel="next"'),)

    def _unauthorized(self, authorization: str) -> Answer | None:
        token = authorization.removeprefix("Bearer ")
        left = self.tokens.get(token, 0)
        if left == 0:
            return error(401, "Bad credentials")
        if left is not None:
            self.tokens[token] = left - 1
        return None

    def _as_app(self, asked: Asked, path: str) -> Answer:
        wrong = self._not_the_app(asked.headers.get("authorization", "").removeprefix("Bearer "))
        if wrong:
            return error(401, wrong)
        if path == "/app":
            return reply(200, {"id": int(self.app_id), "slug": "annexa", "name": "Annexa"})
        found = re.fullmatch(r"/orgs/([^/]+)/installation", path)
        if found and asked.method == "GET":
            installation = self.installations.get(found[1])
            return error(404, "Not Found") if installation is None else reply(200, installation)
        found = re.fullmatch(r"/app/installations/(\d+)/access_tokens", path)
        known = [each for each in self.installations.values() if found and str(each["id"]) == found[1]]
        if not known or asked.method != "POST":
            return error(404, "Not Found")
        token = f"ghs_{len(self.issued)}"
        self.issued.append(token)
        self.tokens[token] = self.uses
        ends = (datetime.now(UTC) + self.lives).strftime("%Y-%m-%dT%H:%M:%SZ")
        permissions = known[0]["permissions"]
        return reply(201, {"token": token, "expires_at": ends, "permissions": permissions})

    def _not_the_app(self, proof: str) -> str:
        parts = proof.split(".")
        if len(parts) != 3 or self.app_key is None:
            return "A JSON web token could not be decoded"
        head, claims = json.loads(_decoded(parts[0])), json.loads(_decoded(parts[1]))
        try:
            signed = f"{parts[0]}.{parts[1]}".encode()
            self.app_key.verify(_decoded(parts[2]), signed, padding.PKCS1v15(), hashes.SHA256())
        except InvalidSignature:
            return "A JSON web token could not be decoded"
        now = time.time()
        if head != {"alg": "RS256", "typ": "JWT"} or claims.get("iss") != self.app_id:
            return "A JSON web token could not be decoded"
        if not now < claims["exp"] <= now + _LONGEST_PROOF:
            return "'Expiration time' claim ('exp') is too far in the future"
        return "" if claims["iat"] <= now else "'Issued at' claim ('iat') must be in the past"


@dataclass
class Wrapped:
    """A list within an object."""

    key: str
    elements: list[Any]


def _decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def reply(status: int, body: Any, *headers: tuple[str, str]) -> Answer:
    """An answer in JSON."""
    named = (
        ("Content-Type", "application/json; charset=utf-8"),
        ("X-GitHub-Request-Id", "AAAA:1111:2222:3333:4444"),
        ("X-RateLimit-Limit", "5000"),
        ("X-RateLimit-Remaining", "4999"),
        *headers,
    )
    return Answer(status, named, json.dumps(body).encode())


def error(status: int, message: str, *headers: tuple[str, str]) -> Answer:
    """An error as GitHub writes it."""
    body = {"message": message, "documentation_url": "https://docs.github.com/rest", "status": str(status)}
    named = (("Content-Type", "application/json; charset=utf-8"), *headers)
    return Answer(status, named, json.dumps(body).encode())
