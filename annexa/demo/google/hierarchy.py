"""Organisations, folders and projects, as Resource Manager and Service Usage speak of them.

Sources: https://cloud.google.com/resource-manager/reference/rest/v3 and
https://cloud.google.com/service-usage/docs/reference/rest/v1/services.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from annexa.demo.google.content import Content, Element, Listed, One

_CREATED = "2024-03-01T08:00:00Z"
_ONE = re.compile(r"/v3/((?:projects|folders|organizations)/[^/:]+)")
_SERVICES = re.compile(r"/v1/projects/([^/]+)/services")


@dataclass
class Project:
    """A project, and the services that it has enabled."""

    body: Element
    services: set[str] = field(default_factory=set)

    @property
    def id(self) -> str:
        return str(self.body["projectId"])

    @property
    def number(self) -> str:
        return str(self.body["name"]).removeprefix("projects/")


class Hierarchy:
    """Where every project is."""

    def __init__(self) -> None:
        self.organizations: dict[str, Element] = {}
        self.folders: dict[str, Element] = {}
        self.projects: dict[str, Project] = {}

    def add_organization(self, number: str, domain: str) -> None:
        """Add an organisation."""
        self.organizations[number] = {
            "name": f"organizations/{number}",
            "displayName": domain,
            "directoryCustomerId": "C0example",
            "state": "ACTIVE",
            "createTime": _CREATED,
            "updateTime": _CREATED,
            "etag": 'W/"1"',
        }

    def add_folder(self, number: str, title: str, parent: str) -> None:
        """Add a folder.

        Args:
            parent: e.g. ``organizations/123``.
        """
        self.folders[number] = {
            "name": f"folders/{number}",
            "parent": parent,
            "displayName": title,
            "state": "ACTIVE",
            "createTime": _CREATED,
            "updateTime": _CREATED,
            "etag": 'W/"1"',
        }

    def add_project(
        self, project_id: str, number: str, title: str, parent: str, services: Iterable[str], **more: Any
    ) -> None:
        """Add a project.

        Args:
            parent: e.g. ``folders/123``; "" for a project that belongs to nobody.
            services: those that it has enabled, by the first label of their host.
            more: further fields, such as ``labels``.
        """
        body = {
            "name": f"projects/{number}",
            "projectId": project_id,
            "displayName": title,
            "state": "ACTIVE",
            "createTime": _CREATED,
            "updateTime": _CREATED,
            "etag": 'W/"1"',
            **({"parent": parent} if parent else {}),
            **more,
        }
        self.projects[project_id] = Project(body, set(services))

    def project(self, name: str) -> Project | None:
        """Return a project by its id or its number."""
        found = self.projects.get(name)
        return found or next((each for each in self.projects.values() if each.number == name), None)

    def ancestors(self, project: Project) -> list[str]:
        """Return a project's name and those of all above it, with numbers, from below."""
        found, above = [f"projects/{project.number}"], project.body.get("parent", "")
        while above:
            found.append(above)
            kind, _, number = above.partition("/")
            above = self.folders[number].get("parent", "") if kind == "folders" else ""
        return found

    def content(self, service: str, path: str, query: Mapping[str, list[str]]) -> Content | None:
        """Return what Resource Manager or Service Usage has at a path."""
        if service == "serviceusage":
            return self._services(path)
        if service != "cloudresourcemanager":
            return None
        projects = [each.body for each in self.projects.values()]
        parent = query.get("parent", [""])[-1]
        one = _ONE.fullmatch(path)
        if one is not None:
            body = self.named(one[1])
            return None if body is None else One(body)
        return {
            "/v3/projects:search": lambda: Listed("projects", projects),
            "/v3/projects": lambda: Listed("projects", _below(projects, parent)),
            "/v3/folders:search": lambda: Listed("folders", list(self.folders.values())),
            "/v3/folders": lambda: Listed("folders", _below(self.folders.values(), parent)),
            "/v3/organizations:search": lambda: Listed("organizations", list(self.organizations.values())),
        }.get(path, lambda: None)()

    def named(self, name: str) -> Element | None:
        """Return a project, folder or organisation by its name, such as ``folders/123``."""
        kind, _, number = name.partition("/")
        if kind == "projects":
            project = self.project(number)
            return project.body if project is not None else None
        return {"folders": self.folders, "organizations": self.organizations}.get(kind, {}).get(number)

    def _services(self, path: str) -> Content | None:
        found = _SERVICES.fullmatch(path)
        project = self.project(found[1]) if found else None
        return None if project is None else Listed("services", list(_enabled(project)))


def _below(bodies: Iterable[Element], parent: str) -> list[Element]:
    return [each for each in bodies if each.get("parent") == parent]


def _enabled(project: Project) -> Iterator[Element]:
    for service in sorted(project.services):
        host = f"{service}.googleapis.com"
        yield {
            "name": f"projects/{project.number}/services/{host}",
            "config": {"name": host, "title": f"{service} API"},
            "state": "ENABLED",
            "parent": f"projects/{project.number}",
        }
