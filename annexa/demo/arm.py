"""Azure Resource Manager and the part of Entra ID that gives tokens, as far as their contract is published.

It refuses what Azure refuses: a missing or unknown API version, a token that it did not give or that has
expired, a subscription or resource that is not there. Lists come in pages with a ``nextLink``.
"""

import base64
import json
import threading
import time
import uuid
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

from annexa.demo import resource_graph
from annexa.demo.loopback import Answer, Asked
from collectors.azure.arm_path import arm_path

OBJECT = "22222222-aaaa-bbbb-cccc-dddddddddddd"


@dataclass
class Kind:
    """What lives at one path.

    Attributes:
        versions: the API versions that know it; empty for all.
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


@dataclass
class Refused:
    """What the client may not read."""

    code: str
    message: str


class Arm:
    """Answers requests; see :class:`annexa.demo.loopback.Loopback`.

    Args:
        secret: the client's secret.
        page: resources on a page.
        whole: what has no place does not exist, so that its lists are empty.

    Attributes:
        places: path in lower case → what is there.
        indexed: path of a list in lower case → ids that Resource Graph has besides those of the list.
        lives: requests that a token is good for; None is for ever.
        issued: tokens given out.
        base: its own URL.
    """

    def __init__(
        self, tenant: str, client: str, secret: str, page: int = 100, *, whole: bool = False
    ) -> None:
        self.places: dict[str, Kind] = {}
        self.indexed: dict[str, list[str]] = {}
        self.page = page
        self.tenant = tenant
        self.client = client
        self.lives: int | None = None
        self.issued: list[str] = []
        self.base = ""
        self._secret = secret
        self._whole = whole
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
        return self.answer(asked)

    def _entra(self, asked: Asked) -> Answer:
        if asked.method == "GET":
            base = f"{self.base}/{self.tenant}"
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
        if form.get("client_id") != self.client or not (
            form.get("client_secret") == self._secret or "client_assertion" in form
        ):
            said = "AADSTS7000215: Invalid client secret provided."
            return reply(
                401, {"error": "invalid_client", "error_description": said, "error_codes": [7000215]}
            )
        token = self._jwt(form["scope"].removesuffix("/.default"))
        self.issued.append(token)
        self._left[token] = self.lives
        return reply(
            200, {"token_type": "Bearer", "expires_in": 3599, "ext_expires_in": 3599, "access_token": token}
        )

    def answer(self, asked: Asked) -> Answer | None:
        """Answer what Resource Manager is asked."""
        refused = self._unauthorized(asked.headers.get("authorization", ""))
        if refused is not None:
            return refused
        version = asked.query.get("api-version")
        if version is None:
            return error(400, "MissingApiVersionParameter", "The api-version query parameter is required.")
        if asked.method == "POST" and asked.path.lower() == resource_graph.PATH:
            return self._graph(asked)
        kind = self.places.get(asked.path.lower())
        if kind is None and self._whole and _lists(asked.path):
            return reply(200, {"value": []})
        if kind is None or asked.method != kind.method:
            return error(404, "ResourceNotFound", f"The resource {asked.path!r} was not found.")
        if kind.versions and version not in kind.versions:
            return error(
                400, "NoRegisteredProviderFound", f"No provider is registered for API version {version!r}."
            )
        if kind.content is None:
            return error(400, *kind.absent)
        if isinstance(kind.content, Refused):
            return error(403, kind.content.code, kind.content.message)
        return self._page(asked, kind) if isinstance(kind.content, list) else reply(200, kind.content)

    def _graph(self, asked: Asked) -> Answer:
        wanted = json.loads(asked.body)
        lists = {
            path: [str(each.get("id", "")) for each in kind.content] + self.indexed.get(path, [])
            for path, kind in self.places.items()
            if isinstance(kind.content, list)
        }
        try:
            found = resource_graph.rows(wanted["query"], wanted["subscriptions"], lists)
        except ValueError as wrong:
            return error(400, "BadRequest", f"InvalidQuery: {wrong}")
        return reply(200, resource_graph.page(found, wanted["options"]))

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

    def _jwt(self, audience: str) -> str:
        said = {"tid": self.tenant, "oid": OBJECT, "appid": self.client, "exp": int(time.time()) + 3599}
        body = _part({"aud": audience, **said, "uti": uuid.uuid4().hex})
        return f"{_part({'alg': 'RS256', 'typ': 'JWT'})}.{body}.c2ln"


def _lists(path: str) -> bool:
    form = arm_path(path)
    return form is not None and form.lists


def _part(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


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
