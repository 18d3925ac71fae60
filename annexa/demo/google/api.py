"""Google's REST APIs over a make-believe estate, all at one origin: ``/{service}{path}``.

It refuses what Google refuses: tokens that it did not give, methods and parameters that the discovery
documents do not have, projects that are not there, services that are not enabled, permissions that were not
granted.
"""

import base64
import binascii
import json

from annexa.demo.google import routes
from annexa.demo.google.content import Aggregated, Content, Listed, One
from annexa.demo.google.estate import Estate, Query
from annexa.demo.google.hierarchy import Project
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

TOKEN_PATH = "/oauth2/token"
MOST_PERMISSIONS = 100
"""How many permissions one test may name."""

_READ_TIME = "2026-01-01T00:00:00Z"
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
        self._inventory = Inventory(estate, _READ_TIME)

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
        refused = self._barred(service, path, query) or (
            _misasked(service, method, query) if method else None
        )
        if refused is not None:
            return refused
        if method is not None and method.permission in self.withheld:
            return permission_denied(service, method.permission, path.removeprefix("/"))
        if path.endswith(":testIamPermissions"):
            return self._tested(service, body)
        if content is None and method is not None:
            content = _nothing(method)
        if content is None:
            return _not_found(service, path)
        return (
            reply(200, content.body)
            if isinstance(content, One)
            else self._page(service, path, query, content)
        )

    def _content(self, service: str, path: str, query: Query) -> Content | None:
        if service == "cloudasset" and path.startswith("/v1/") and path.endswith("/assets"):
            parent = path.removeprefix("/v1/").removesuffix("/assets")
            kinds = query.get("contentType", ["CONTENT_TYPE_UNSPECIFIED"])
            return self._inventory.assets(parent, query.get("assetTypes", []), kinds[-1])
        return self.estate.find(service, path, query)

    def _barred(self, service: str, path: str, query: Query) -> Answer | None:
        """Refuse what belongs to a project or organisation that is not there, or has the service disabled."""
        named = path.split("/")
        for kind in ("projects", "apps", "organizations"):
            if kind not in named[:-1] and not (kind == "projects" and query.get("project")):
                continue
            name = named[named.index(kind) + 1] if kind in named[:-1] else query["project"][-1]
            name = name.partition(":")[0]
            if kind == "organizations":
                return (
                    None
                    if name in self.estate.hierarchy.organizations
                    else _denied(service, f"organizations/{name}")
                )
            if name not in ("-", ""):
                return self._disabled(service, self.estate.hierarchy.project(name), name)
        return None

    def _disabled(self, service: str, project: Project | None, name: str) -> Answer | None:
        if project is None:
            return _denied(service, f"projects/{name}")
        enabled = service in project.services or service == "cloudresourcemanager"
        return None if enabled else service_disabled(service, project.number)

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
    if service == "appengine":
        return refusal(service, 404, f"Could not find Application {path.split('/')[3]!r}.")
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
