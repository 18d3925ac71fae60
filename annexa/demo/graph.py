"""Microsoft Graph, as far as its contract is published.

It refuses what Graph refuses: a token that it did not give or that has expired, what the application may not
read, a page that is too long, and what takes a licence that the tenant does not have. Lists come in pages
with an ``@odata.nextLink``, and only with the fields that were selected. Several requests may come as one.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

from annexa.demo.loopback import Answer, Asked
from annexa.demo.sign_in import SignIn, error, reply

BATCH = "/v1.0/$batch"

_LONGEST_PAGE = 999
_LARGEST_BATCH = 20
_UNLICENSED = ("AadPremiumLicenseRequired", "The tenant needs an AAD Premium 2 license.")
_NOT_PREMIUM = (
    "Authentication_RequestFromNonPremiumTenantOrB2CTenant",
    "Neither tenant is B2C or tenant doesn't have premium license",
)


@dataclass(frozen=True)
class Placed:
    """What lives at one path.

    Attributes:
        content: a list of objects, or one object.
        premium: whether it takes a licence.
    """

    content: Any
    premium: bool


@dataclass(frozen=True)
class Refused:
    """What the application may not read."""

    status: int
    code: str
    message: str


class Graph(SignIn):
    """Answers requests; see :class:`annexa.demo.loopback.Loopback`.

    Args:
        secret: the application's secret.
        page: objects on a page, at most.

    Attributes:
        places: path → what is there.
        denied: paths that the application has no permission for.
        premium: whether the tenant has licences.
    """

    expired = ("InvalidAuthenticationToken", "Lifetime validation failed, the token is expired.")

    def __init__(self, tenant: str, client: str, secret: str, page: int = 100) -> None:
        super().__init__(tenant, client, secret)
        self.places: dict[str, Placed] = {}
        self.denied: set[str] = set()
        self.premium = True
        self.page = page

    def put(self, path: str, content: Any, *, premium: bool = False) -> None:
        """Place a list or an object."""
        self.places[f"/v1.0{path}"] = Placed(content, premium)

    def answer(self, asked: Asked) -> Answer | None:
        """Answer what Graph is asked."""
        refused = self.unauthorized(asked)
        if refused is not None:
            return refused
        if asked.path == BATCH and asked.method == "POST":
            return batched(asked, self.answer)
        placed = self.places.get(asked.path)
        if placed is None:
            return error(404, "Request_ResourceNotFound", f"Resource {asked.path!r} does not exist.")
        if asked.path.removeprefix("/v1.0") in self.denied:
            return error(403, "Authorization_RequestDenied", "Insufficient privileges.")
        if isinstance(placed.content, Refused):
            return error(placed.content.status, placed.content.code, placed.content.message)
        if not self.premium and placed.premium:
            return error(400, *_UNLICENSED)
        if not self.premium and "signInActivity" in asked.query.get("$select", ""):
            return error(403, *_NOT_PREMIUM)
        if int(asked.query.get("$top", 1)) > _LONGEST_PAGE:
            return error(400, "Request_UnsupportedQuery", "Invalid page size specified.")
        context = f"{self.base}/v1.0/$metadata#{asked.path.removeprefix('/v1.0/')}"
        if isinstance(placed.content, list):
            return self._page(asked, placed.content, context)
        return reply(200, {"@odata.context": f"{context}/$entity", **_selected(placed.content, asked)})

    def _page(self, asked: Asked, content: list[Any], context: str) -> Answer:
        start = int(asked.query.get("$skiptoken", 0))
        end = start + min(self.page, int(asked.query.get("$top", _LONGEST_PAGE)))
        body: dict[str, Any] = {
            "@odata.context": context,
            "value": [_selected(each, asked) for each in content[start:end]],
        }
        if end < len(content):
            parts = urlsplit(asked.target)
            query = [pair for pair in parse_qsl(parts.query) if pair[0] != "$skiptoken"]
            link = urlencode([*query, ("$skiptoken", str(end))], quote_via=quote)
            body["@odata.nextLink"] = f"{self.base}{parts.path}?{link}"
        return reply(200, body)


def _selected(each: dict[str, Any], asked: Asked) -> dict[str, Any]:
    wanted = asked.query.get("$select")
    if wanted is None:
        return each
    expanded = asked.query.get("$expand", "").partition("(")[0]
    kept = {*wanted.split(","), expanded}
    return {key: value for key, value in each.items() if key in kept or key.startswith("@odata.")}


def batched(asked: Asked, answer: Callable[[Asked], Answer | None]) -> Answer | None:
    """Answer several requests as one, each as it would be answered alone.

    Args:
        answer: answers one of them; where that is no whole answer, the batch is none.
    """
    requests = json.loads(asked.body).get("requests") or []
    names = {each["id"].lower() for each in requests}
    if not 0 < len(requests) <= _LARGEST_BATCH or len(names) != len(requests):
        return error(400, "BadRequest", "Invalid batch payload format.")
    answers = [(each["id"], answer(_inner(each, asked))) for each in requests]
    given = [(name, each) for name, each in answers if each is not None and each.status]
    if len(given) < len(answers):
        return next(each for _, each in answers if each is None or not each.status)
    responses = [_response(name, each) for name, each in reversed(given)]
    whole = reply(200, {"responses": responses})
    broken = any(each.cut is not None for _, each in given)
    return Answer(200, whole.headers, whole.body, cut=len(whole.body) // 2 if broken else None)


def paths(asked: Asked) -> list[str]:
    """Return the paths that are asked for: of a batch, those of its requests."""
    if asked.path != BATCH:
        return [asked.path]
    return [_inner(each, asked).path for each in json.loads(asked.body)["requests"]]


def _inner(request: dict[str, Any], asked: Asked) -> Asked:
    target = "/v1.0/" + request["url"].lstrip("/")
    parts = urlsplit(target)
    headers = {"authorization": asked.headers.get("authorization", "")}
    headers |= {name.lower(): value for name, value in request.get("headers", {}).items()}
    return Asked(request["method"], unquote(parts.path), target, dict(parse_qsl(parts.query)), headers, b"")


def _response(name: str, answer: Answer) -> dict[str, Any]:
    response: dict[str, Any] = {"id": name, "status": answer.status, "headers": dict(answer.headers)}
    if answer.body:
        response["body"] = _decoded(answer.body)
    return response


def _decoded(content: bytes) -> Any:
    try:
        return json.loads(content)
    except ValueError:
        return content.decode("utf-8", "replace")
