"""Azure Resource Manager, as far as its contract is published.

It refuses what Azure refuses: a missing or unknown API version, a token that it did not give or that has
expired, a subscription or resource that is not there. Lists come in pages with a ``nextLink``.
"""

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

from annexa.demo import resource_graph
from annexa.demo.loopback import Answer, Asked
from annexa.demo.sign_in import OBJECT, SignIn, error, reply
from collectors.azure.arm_path import arm_path

__all__ = ["OBJECT", "Arm", "Kind", "Refused", "error", "reply"]


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


class Arm(SignIn):
    """Answers requests; see :class:`annexa.demo.loopback.Loopback`.

    Args:
        secret: the client's secret.
        page: resources on a page.
        whole: what has no place does not exist, so that its lists are empty.

    Attributes:
        places: path in lower case → what is there.
        indexed: path of a list in lower case → ids that Resource Graph has besides those of the list.
    """

    def __init__(
        self, tenant: str, client: str, secret: str, page: int = 100, *, whole: bool = False
    ) -> None:
        super().__init__(tenant, client, secret)
        self.places: dict[str, Kind] = {}
        self.indexed: dict[str, list[str]] = {}
        self.page = page
        self._whole = whole

    def put(self, path: str, content: Any, *versions: str) -> None:
        """Place a list or a resource; None is a path where nothing is."""
        self.places[path.lower()] = Kind(versions, content)

    def put_query(self, path: str, content: list[Any], *versions: str) -> None:
        """Place what a query by POST finds."""
        self.places[path.lower()] = Kind(versions, content, method="POST", link="@odata.nextLink")

    def answer(self, asked: Asked) -> Answer | None:
        """Answer what Resource Manager is asked."""
        refused = self.unauthorized(asked)
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


def _lists(path: str) -> bool:
    form = arm_path(path)
    return form is not None and form.lists
