"""Google's REST APIs over a make-believe estate, all at one origin: ``/{service}{path}``.

It refuses what Google refuses: tokens that it did not give, methods and parameters that the discovery
documents do not have, projects that are not there, services that are not enabled, permissions that were not
granted.
"""

import base64
import binascii
import json
import re
from datetime import UTC, datetime

from annexa.demo.google import routes
from annexa.demo.google.content import Aggregated, Content, Listed, One
from annexa.demo.google.estate import Estate, Query
from annexa.demo.google.inventory import Inventory
from annexa.demo.google.reply import (
    info,
    no_such_method,
    permission_denied,
    refusal,
    reply,
    service_disabled,
)
from annexa.demo.google.tokens import Tokens
from annexa.demo.loopback import Answer, Asked
from collectors.gcp.methods import Method
from store.instant import rfc3339

TOKEN_PATH = "/oauth2/token"
MOST_PERMISSIONS = 100
"""How many permissions one test may name."""

_OWNER = re.compile(r"/(projects|apps|folders|organizations)/([^/:]+)")
_EVERY = "-"
_SIZES = ("pageSize", "maxResults")
_DEFAULT_SIZE = 500


class Google:
    """Answers requests; see :class:`annexa.demo.loopback.Loopback`.

    Args:
        page: the most elements on a page.

    Attributes:
        withheld: permissions that the principal lacks.
    """

    def __init__(self, estate: Estate, page: int = _DEFAULT_SIZE) -> None:
        self.estate = estate
        self.page = page
        self.tokens = Tokens()
        self.withheld: set[str] = set()
        self._inventory = Inventory(estate)

    def __call__(self, asked: Asked) -> Answer | None:
        """Answer one request."""
        if asked.path == TOKEN_PATH and asked.method == "POST":
            return self.tokens.answer(asked.body)
        return self.answer(asked)

    def answer(self, asked: Asked) -> Answer | None:
        """Answer what an API is asked."""
        service, path, query = self.estate.parts(asked.target)
        refused = self.tokens.refusal(service, asked.headers.get("authorization", ""))
        return refused or self._answer(service, asked.method, path, query, asked.body)

    def _answer(self, service: str, verb: str, path: str, query: Query, body: bytes) -> Answer:
        method = routes.method_at(service, verb, path)
        content = self._content(service, path, query)
        if method is None and content is None:
            return self._unknown(service, path)
        refused = self._barred(service, path, query)
        if refused is None and method is not None:
            refused = _misasked(service, method, query) or self._withheld(service, method, path)
        if refused is not None:
            return refused
        if path.endswith(":testIamPermissions"):
            return self._tested(service, body)
        if content is None and method is not None:
            content = _nothing(method)
        if content is None:
            return _not_found(service, path)
        if isinstance(content, One):
            return reply(200, content.body)
        return self._page(service, path, query, content)

    def _content(self, service: str, path: str, query: Query) -> Content | None:
        if service == "cloudasset" and path.startswith("/v1/") and path.endswith("/assets"):
            parent = path.removeprefix("/v1/").removesuffix("/assets")
            content = query.get("contentType", [""])[-1]
            read_time = query.get("readTime", [rfc3339(datetime.now(UTC))])[-1]
            return self._inventory.assets(parent, query.get("assetTypes", []), content, read_time)
        return self.estate.find(service, path, query)

    def _barred(self, service: str, path: str, query: Query) -> Answer | None:
        """Refuse what belongs to nobody who is there, or to a project that has not enabled the service."""
        kind, name = _owner(path, query)
        if not name or name == _EVERY:
            return None
        if kind not in ("projects", "apps"):
            there = self.estate.hierarchy.named(f"{kind}/{name}") is not None
            return None if there else _denied(service, f"{kind}/{name}")
        project = self.estate.hierarchy.project(name)
        if project is None:
            return _denied(service, f"projects/{name}")
        enabled = service in project.services or service == "cloudresourcemanager"
        return None if enabled else service_disabled(service, project.number)

    def _withheld(self, service: str, method: Method, path: str) -> Answer | None:
        if method.permission not in self.withheld:
            return None
        return permission_denied(service, method.permission, path.removeprefix("/"))

    def _unknown(self, service: str, path: str) -> Answer:
        return _denied(service, path) if service == "cloudresourcemanager" else no_such_method()

    def _tested(self, service: str, body: bytes) -> Answer:
        named = json.loads(body or b"{}").get("permissions", [])
        if len(named) > MOST_PERMISSIONS:
            return refusal(service, 400, f"Request contains more than {MOST_PERMISSIONS} permissions.")
        held = [each for each in named if each not in self.withheld]
        return reply(200, {"permissions": held} if held else {})

    def _page(self, service: str, path: str, query: Query, content: Listed | Aggregated) -> Answer:
        try:
            asked = next((int(query[name][-1]) for name in _SIZES if name in query), 0)
            start = _offset(path, query.get("pageToken", [""])[-1])
        except (ValueError, binascii.Error):
            return refusal(service, 400, "Invalid page token or size.")
        end = start + min(asked or self.page, self.page)
        body = content.page(start, end)
        return reply(200, {**body, "nextPageToken": _token(path, end)} if end < len(content) else body)


def _owner(path: str, query: Query) -> tuple[str, str]:
    """Return what a request is about, such as a project: its kind and its name, "" where it is nobody's."""
    found = _OWNER.search(path)
    return (found[1], found[2]) if found else ("projects", query.get("project", [""])[-1])


def _nothing(method: Method) -> Content | None:
    """Return what Google answers where nothing was made yet; None where that is an error."""
    if routes.aggregates(method):
        return Aggregated("")
    if routes.lists(method):
        return Listed("")
    return One({"etag": "ACAB"}) if method.id.endswith(".getIamPolicy") else None


def _misasked(service: str, method: Method, query: Query) -> Answer | None:
    """Refuse parameters that the method does not have, and the want of those that it requires."""
    for name in method.required:
        if name not in query:
            return refusal(service, 400, f"Required parameter: {name}", reason="required")
    for name in query.keys() - {*method.query} - routes.SYSTEM_PARAMETERS:
        said = f'Unknown name "{name}": Cannot bind query parameter.'
        violation = {"description": f"Invalid JSON payload received. {said}"}
        detail = {"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": [violation]}
        return refusal(service, 400, f"Invalid JSON payload received. {said}", details=[detail])
    return None


def _denied(service: str, name: str) -> Answer:
    details = [info("CONSUMER_INVALID", service=f"{service}.googleapis.com", consumer=name)]
    return refusal(service, 403, f"Permission denied on resource {name}.", details=details)


def _not_found(service: str, path: str) -> Answer:
    if service == "appengine":  # its words are what tells "no application" from other errors
        application = path.removeprefix("/v1/apps/").partition("/")[0]
        return refusal(service, 404, f"Could not find Application '{application}'.")
    return refusal(service, 404, f"Resource '{path.removeprefix('/')}' was not found.")


def _token(path: str, start: int) -> str:
    return base64.urlsafe_b64encode(f"{start} {path}".encode()).decode()


def _offset(path: str, token: str) -> int:
    if not token:
        return 0
    start, _, of = base64.urlsafe_b64decode(token).decode().partition(" ")
    if of != path:
        raise ValueError("the token is another list's")
    return int(start)
