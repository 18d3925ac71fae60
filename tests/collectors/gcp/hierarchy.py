"""Resource Manager, as far as its contract is published: over REST and over gRPC, from the same estate."""

import json
import re
from collections.abc import Callable
from concurrent import futures
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

import grpc
from google.cloud import resourcemanager_v3 as rm
from google.cloud.resourcemanager_v3.services.folders.transports import FoldersGrpcTransport
from google.cloud.resourcemanager_v3.services.organizations.transports import OrganizationsGrpcTransport
from google.cloud.resourcemanager_v3.services.projects.transports import ProjectsGrpcTransport

from annexa.demo.loopback import Answer, Asked
from collectors.gcp.resource_manager import Clients
from tests.collectors.gcp.identity import error, reply

_GRPC_STATUS = {
    400: grpc.StatusCode.INVALID_ARGUMENT,
    403: grpc.StatusCode.PERMISSION_DENIED,
    404: grpc.StatusCode.NOT_FOUND,
}


@dataclass
class Hierarchy:
    """Organisations, folders and projects.

    Attributes:
        nodes: name (``organizations/1``) → the resource as the API gives it.
        denied: names of nodes that may not be seen.
        closed: names of nodes whose children may not be listed.
        page: elements on a page.
    """

    nodes: dict[str, dict[str, Any]] = field(default_factory=dict)
    denied: set[str] = field(default_factory=set)
    closed: set[str] = field(default_factory=set)
    page: int = 2

    def organization(self, number: str, title: str) -> str:
        return self._put("organizations", number, {"displayName": title})

    def folder(self, number: str, title: str, parent: str) -> str:
        return self._put("folders", number, {"displayName": title, "parent": parent})

    def project(self, number: str, project_id: str, title: str, parent: str, state: str = "ACTIVE") -> str:
        more = {"projectId": project_id, "displayName": title, "parent": parent}
        return self._put("projects", number, {**more, "state": state})

    def __call__(self, asked: Asked) -> Answer | None:
        """Answer over REST; None where the path is not one of Resource Manager's."""
        path = asked.path.removeprefix("/cloudresourcemanager")
        if path == asked.path or asked.method != "GET" or not path.startswith("/v3/"):
            return None
        status, body = self.answer(path.removeprefix("/v3/"), asked.query)
        return (
            reply(200, body) if status == 200 else error(status, _GRPC_STATUS[status].name, body["message"])
        )

    def answer(self, what: str, query: dict[str, str]) -> tuple[int, dict[str, Any]]:
        """Return the status and the body, whatever the transport."""
        kind, _, verb = what.partition(":")
        if verb == "search":
            return self._page(kind, self._visible(kind), query)
        if "/" not in kind:
            parent = query.get("parent", "")
            if parent not in self.nodes or parent in self.denied | self.closed:
                return _denied(f"resourcemanager.{kind}.list", parent)
            below = [each for each in self._visible(kind) if each.get("parent") == parent]
            if query.get("showDeleted") != "true":
                below = [each for each in below if each["state"] == "ACTIVE"]
            return self._page(kind, below, query)
        node = self._find(kind)
        if node is None or node["name"] in self.denied:
            return _denied(f"resourcemanager.{kind.partition('/')[0]}.get", kind)
        return 200, node

    def _put(self, kind: str, number: str, more: dict[str, Any]) -> str:
        name = f"{kind}/{number}"
        self.nodes[name] = {"name": name, "state": "ACTIVE", "etag": "W/x", **more}
        return name

    def _visible(self, kind: str) -> list[dict[str, Any]]:
        return [
            node
            for name, node in self.nodes.items()
            if name.startswith(f"{kind}/") and name not in self.denied
        ]

    def _find(self, name: str) -> dict[str, Any] | None:
        wanted = name.removeprefix("projects/")
        known = (node for node in self.nodes.values() if node.get("projectId") == wanted)
        return self.nodes.get(name) or next(known, None)

    def _page(self, kind: str, found: list[Any], query: dict[str, str]) -> tuple[int, dict[str, Any]]:
        start = int(query.get("pageToken") or 0)
        end = start + self.page
        body: dict[str, Any] = {kind: found[start:end]} if found else {}
        return 200, {**body, "nextPageToken": str(end)} if end < len(found) else body


def _denied(permission: str, name: str) -> tuple[int, dict[str, Any]]:
    said = f"Permission '{permission}' denied on resource '{name}' (or it may not exist)."
    return 403, {"message": said}


class GrpcServer:
    """The same over gRPC, for as long as the ``with`` block lasts."""

    def __init__(self, hierarchy: Hierarchy) -> None:
        self._hierarchy = hierarchy
        self._server = grpc.server(futures.ThreadPoolExecutor(4))
        methods: dict[str, dict[str, tuple[Any, Any]]] = {
            "Projects": {
                "SearchProjects": (rm.SearchProjectsRequest, rm.SearchProjectsResponse),
                "ListProjects": (rm.ListProjectsRequest, rm.ListProjectsResponse),
                "GetProject": (rm.GetProjectRequest, rm.Project),
            },
            "Folders": {
                "ListFolders": (rm.ListFoldersRequest, rm.ListFoldersResponse),
                "GetFolder": (rm.GetFolderRequest, rm.Folder),
            },
            "Organizations": {
                "SearchOrganizations": (rm.SearchOrganizationsRequest, rm.SearchOrganizationsResponse),
                "GetOrganization": (rm.GetOrganizationRequest, rm.Organization),
            },
        }
        for service, kinds in methods.items():
            handlers = {
                name: grpc.unary_unary_rpc_method_handler(
                    self._handler(name, answer), asked.deserialize, answer.serialize
                )
                for name, (asked, answer) in kinds.items()
            }
            full = f"google.cloud.resourcemanager.v3.{service}"
            self._server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(full, handlers),))
        self._port = self._server.add_insecure_port("127.0.0.1:0")

    def clients(self) -> Clients:
        channel = grpc.insecure_channel(f"127.0.0.1:{self._port}")
        return Clients(
            rm.ProjectsClient(transport=ProjectsGrpcTransport(channel=channel)),
            rm.FoldersClient(transport=FoldersGrpcTransport(channel=channel)),
            rm.OrganizationsClient(transport=OrganizationsGrpcTransport(channel=channel)),
        )

    def __enter__(self) -> "GrpcServer":
        self._server.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.stop(0)

    def _handler(self, method: str, answer: Any) -> Callable[[Any, Any], Any]:
        def handle(request: Any, context: Any) -> Any:
            verb, kind = re.findall("[A-Z][a-z]+", method)
            asked = {
                "Search": f"{kind.lower()}:search",
                "List": kind.lower(),
                "Get": getattr(request, "name", ""),
            }[verb]
            query = {
                "pageToken": getattr(request, "page_token", ""),
                "parent": getattr(request, "parent", ""),
                "showDeleted": "true" if getattr(request, "show_deleted", False) else "",
            }
            status, body = self._hierarchy.answer(asked, query)
            if status != 200:
                context.abort(_GRPC_STATUS[status], body["message"])
            return answer.from_json(json.dumps(body))

        return handle
