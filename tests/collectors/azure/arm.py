"""Azure Resource Manager and the part of Entra ID that gives tokens, as far as their contract is published.

It refuses what Azure refuses: a missing or unknown API version, a token that it did not give or that has
expired, a subscription or resource that is not there. Lists come in pages with a ``nextLink``.
"""

import base64
import json
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

from tests.answers import Answer
from tests.collectors.rest.loopback import Asked

TENANT = "11111111-2222-3333-4444-555555555555"
OBJECT = "22222222-aaaa-bbbb-cccc-dddddddddddd"
CLIENT = "33333333-aaaa-bbbb-cccc-dddddddddddd"
SECRET = "entra-client-secret"

Matcher = Callable[[Asked], bool]
Faulty = Callable[[Asked, Callable[[], Answer]], Answer | None]
"""Makes the answer, from the right one if it likes; None keeps the client waiting."""


@dataclass
class Rule:
    """Which requests go wrong, and how.

    Attributes:
        times: so many at most; None is for ever.
        after: so many matching requests pass first.
    """

    matches: Matcher
    fault: Faulty
    times: int | None = None
    after: int = 0
    seen: int = field(default=0, init=False)

    def takes(self, asked: Asked) -> bool:
        if not self.matches(asked):
            return False
        self.seen += 1
        return self.seen > self.after and (self.times is None or self.seen <= self.after + self.times)


@dataclass
class Kind:
    """What lives at one path.

    Attributes:
        versions: the API versions that know it.
        content: a list of resources, or one resource.
        absent: the error code and message where it is not there.
        method: how it is asked for.
        link: what the address of the next page is called.
    """

    versions: tuple[str, ...]
    content: Any
    absent: tuple[str, str] = ("ResourceNotFound", "The resource was not found.")
    method: str = "GET"
    link: str = "nextLink"


class Arm:
    """Answers requests; see :class:`tests.collectors.rest.loopback.Loopback`.

    Attributes:
        places: path in lower case → what is there.
        page: resources on a page.
        rules: the first that takes a request decides.
        lives: requests that a token is good for; None is for ever.
        issued: tokens given out.
    """

    def __init__(self, page: int = 2) -> None:
        self.places: dict[str, Kind] = {}
        self.page = page
        self.rules: list[Rule] = []
        self.lives: int | None = None
        self.issued: list[str] = []
        self.base = ""
        self._left: dict[str, int | None] = {}
        self._lock = threading.Lock()

    def put(self, path: str, content: Any, *versions: str) -> None:
        """Place a list or a resource; None is a path where nothing is."""
        self.places[path.lower()] = Kind(versions, content)

    def put_query(self, path: str, content: list[Any], *versions: str) -> None:
        """Place what a query by POST finds."""
        self.places[path.lower()] = Kind(versions, content, method="POST", link="@odata.nextLink")

    def expire(self) -> None:
        """Let every token given so far be good for nothing."""
        self._left = dict.fromkeys(self._left, 0)

    def __call__(self, asked: Asked) -> Answer | None:
        if "/oauth2/" in asked.path or asked.path.endswith("/.well-known/openid-configuration"):
            return self._entra(asked)
        with self._lock:
            rule = next((each for each in self.rules if each.takes(asked)), None)
        return rule.fault(asked, lambda: self._arm(asked)) if rule else self._arm(asked)

    def _entra(self, asked: Asked) -> Answer:
        if asked.method == "GET":
            base = f"{self.base}/{TENANT}"
            return reply(
                200,
                {
                    "issuer": f"{base}/v2.0",
                    "token_endpoint": f"{base}/oauth2/v2.0/token",
                    "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
                    "device_authorization_endpoint": f"{base}/oauth2/v2.0/devicecode",
                    "jwks_uri": f"{base}/discovery/v2.0/keys",
                },
            )
        form = {name: values[0] for name, values in parse_qs(asked.body.decode()).items()}
        if form.get("client_id") != CLIENT or not (
            form.get("client_secret") == SECRET or "client_assertion" in form
        ):
            said = "AADSTS7000215: Invalid client secret provided."
            return reply(
                401, {"error": "invalid_client", "error_description": said, "error_codes": [7000215]}
            )
        token = _jwt({"aud": form["scope"].removesuffix("/.default")})
        self.issued.append(token)
        self._left[token] = self.lives
        return reply(
            200, {"token_type": "Bearer", "expires_in": 3599, "ext_expires_in": 3599, "access_token": token}
        )

    def _arm(self, asked: Asked) -> Answer:
        refused = self._unauthorized(asked.headers.get("authorization", ""))
        if refused is not None:
            return refused
        version = asked.query.get("api-version")
        if version is None:
            return error(400, "MissingApiVersionParameter", "The api-version query parameter is required.")
        kind = self.places.get(asked.path.lower())
        if kind is None or asked.method != kind.method:
            return error(404, "ResourceNotFound", f"The resource {asked.path!r} was not found.")
        if version not in kind.versions:
            return error(
                400, "NoRegisteredProviderFound", f"No provider is registered for API version {version!r}."
            )
        if kind.content is None:
            return error(400, *kind.absent)
        return self._page(asked, kind) if isinstance(kind.content, list) else reply(200, kind.content)

    def _page(self, asked: Asked, kind: Kind) -> Answer:
        content = kind.content
        start = int(asked.query.get("$skiptoken") or 0)
        end = start + self.page
        body: dict[str, Any] = {"value": content[start:end]}
        if end < len(content):
            query = f"api-version={asked.query['api-version']}&%24skiptoken={end}"
            body[kind.link] = f"{self.base}{quote(urlsplit(asked.target).path, safe='/%')}?{query}"
        return reply(200, body)

    def _unauthorized(self, authorization: str) -> Answer | None:
        token = authorization.removeprefix("Bearer ")
        with self._lock:
            left = self._left.get(token, -1)
            if left is None:
                return None
            if left > 0:
                self._left[token] = left - 1
                return None
        if left == 0:
            return error(401, "ExpiredAuthenticationToken", "The access token expiry is in the past.")
        return error(401, "InvalidAuthenticationToken", "The access token is invalid.")


def _jwt(claims: dict[str, Any]) -> str:
    def part(value: dict[str, Any]) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    more = {"tid": TENANT, "oid": OBJECT, "appid": CLIENT, "exp": int(time.time()) + 3599}
    return f"{part({'alg': 'RS256', 'typ': 'JWT'})}.{part({**claims, **more, 'uti': uuid.uuid4().hex})}.c2ln"


def reply(status: int, body: Any, *headers: tuple[str, str]) -> Answer:
    """An answer in JSON."""
    named = (
        ("Content-Type", "application/json; charset=utf-8"),
        ("x-ms-request-id", str(uuid.uuid4())),
        *headers,
    )
    return Answer(status, named, json.dumps(body).encode())


def error(status: int, code: str, message: str, *headers: tuple[str, str]) -> Answer:
    """An error as Resource Manager writes it."""
    return reply(status, {"error": {"code": code, "message": message}}, *headers)


def at(path: str) -> Matcher:
    """Requests whose path ends so, in any case; of every page."""
    return lambda asked: asked.path.lower().endswith(path.lower())


def later_page(path: str) -> Matcher:
    """Pages after the first."""
    return lambda asked: at(path)(asked) and "$skiptoken" in asked.query


def refuse(status: int, code: str, message: str = "No.", *headers: tuple[str, str]) -> Faulty:
    """Every time the same error."""
    return lambda asked, right: error(status, code, message, *headers)


def send(status: int, body: bytes, content_type: str = "application/json") -> Faulty:
    """Every time the same bytes."""
    return lambda asked, right: Answer(status, (("Content-Type", content_type),), body)


def hold(asked: Asked, right: Callable[[], Answer]) -> None:
    """No answer."""


def break_off(asked: Asked, right: Callable[[], Answer]) -> Answer:
    """The right answer as far as its middle; then the connection ends."""
    answer = right()
    return Answer(answer.status, answer.headers, answer.body, cut=len(answer.body) // 2)
