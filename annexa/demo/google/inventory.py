"""Cloud Asset Inventory over the same elements as the lists give, as the definitions' ``inventory`` says.

Source: https://cloud.google.com/asset-inventory/docs/reference/rest/v1/assets/list.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from annexa.demo.google.content import Aggregated, Element, Listed, One
from annexa.demo.google.estate import Estate
from annexa.demo.google.hierarchy import Project
from collectors.definition import ListCall, ResourceType
from collectors.expression import search
from collectors.gcp.asset_read import IAM_POLICY, RESOURCE
from collectors.template import ABSENT, render, render_text

_SERVICE = "cloudresourcemanager"
_HOST = f"{_SERVICE}.googleapis.com"
_UPDATED = "2025-01-01T00:00:00Z"


class Inventory:
    """What the inventory has of an estate."""

    def __init__(self, estate: Estate) -> None:
        self._kept = [each for each in estate.definitions.values() if each.inventory]
        self._estate = estate

    def assets(self, parent: str, types: list[str], content: str, read_time: str) -> Listed:
        """Return the assets at and below a project, a folder or an organisation.

        Args:
            parent: e.g. ``folders/123``.
            types: asset types; none means all.
            content: ``RESOURCE``, ``IAM_POLICY``, or anything else for names alone.
            read_time: the moment that is asked for.
        """
        wanted = [each for each in self._kept if not types or each.inventory in types]
        found: dict[tuple[str, str], Element] = {}
        for values, ancestors in self._scopes(parent):
            owner = self._owner(values, ancestors, content)
            if owner is not None and (not types or owner["assetType"] in types):
                found[owner["assetType"], owner["name"]] = owner
            for definition in wanted:
                if (definition.scope or "project") != values["kind"]:
                    continue
                for row in self._rows(definition.list, values):
                    asset = self._asset(definition, {**values, **row}, ancestors, content)
                    if asset is not None:
                        found.setdefault((asset["assetType"], asset["name"]), asset)
        return Listed("assets", list(found.values()), {"readTime": read_time})

    def _scopes(self, parent: str) -> Iterator[tuple[dict[str, Any], list[str]]]:
        hierarchy = self._estate.hierarchy
        kind, _, number = parent.partition("/")
        if kind == "organizations" and number in hierarchy.organizations:
            yield {"kind": "organization", "account": number, "organization": number}, [parent]
        for project in hierarchy.projects.values():
            ancestors = hierarchy.ancestors(project)
            if parent in (*ancestors, f"projects/{project.id}"):
                above = ancestors[-1].partition("/")
                values = {"kind": "project", "account": project.id, "project_number": project.number}
                yield (
                    {**values, **({"organization": above[2]} if above[0] == "organizations" else {})},
                    ancestors,
                )

    def _owner(self, values: Mapping[str, Any], ancestors: list[str], content: str) -> Element | None:
        """Return the asset that a project or an organisation is itself."""
        kind = "Project" if values["kind"] == "project" else "Organization"
        asset = _asset(f"//{_HOST}/{ancestors[0]}", f"{_HOST}/{kind}", ancestors)
        name, hierarchy = values["account"], self._estate.hierarchy
        if content == IAM_POLICY:
            kept = self._estate.find(_SERVICE, f"/v3/{kind.lower()}s/{name}:getIamPolicy", {})
            return {**asset, "iamPolicy": kept.body} if isinstance(kept, One) and kept.body else None
        if content != RESOURCE:
            return asset
        if kind == "Project":
            data = _old_form(hierarchy.projects[name])
        else:
            data = {key: hierarchy.organizations[name][key] for key in ("name", "displayName")}
        return {**asset, "resource": {"version": "v1", "discoveryName": kind, "data": data}}

    def _rows(self, call: ListCall | None, values: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        if call is None:
            return
        for above in self._rows(call.over, values) if call.over is not None else [{"item": None}]:
            within = {**values, "over": above["item"]}
            content = self._estate.look(call, within)
            if isinstance(content, Listed | Aggregated):
                for item in search(call.items, content.page(0, len(content))) or []:
                    yield {"item": item, "over": above["item"]}

    def _asset(
        self, definition: ResourceType, values: Mapping[str, Any], ancestors: list[str], content: str
    ) -> Element | None:
        name = render_text(definition.id, values)
        if name is None:
            return None
        asset = _asset(name, definition.inventory, ancestors)
        if content == IAM_POLICY:
            policy = self._policy(definition, values)
            return {**asset, "iamPolicy": policy} if policy else None
        if content == RESOURCE:
            asset["resource"] = _resource(definition, values, ancestors[0])
        return asset

    def _policy(self, definition: ResourceType, values: Mapping[str, Any]) -> Element | None:
        for detail in definition.detail.values():
            if detail.inventory == IAM_POLICY and render(detail.with_, values) is not ABSENT:
                content = self._estate.look(detail, values)
                if isinstance(content, One) and content.body.get("bindings"):
                    return content.body
        return None


def _asset(name: str, kind: str, ancestors: list[str]) -> Element:
    return {"name": name, "assetType": kind, "ancestors": ancestors, "updateTime": _UPDATED}


def _old_form(project: Project) -> Element:
    """Return a project as version 1 of Resource Manager writes it, which is what the inventory has."""
    kind, _, number = project.body.get("parent", "").partition("/")
    return {
        "projectNumber": project.number,
        "projectId": project.id,
        "name": project.body["displayName"],
        "lifecycleState": project.body["state"],
        "createTime": project.body["createTime"],
        **({"parent": {"type": kind.removesuffix("s"), "id": number}} if kind else {}),
    }


def _resource(definition: ResourceType, values: Mapping[str, Any], parent: str) -> Element:
    service, _, kind = definition.inventory.partition("/")
    resource: Element = {
        "version": "v1",
        "discoveryDocumentUri": f"https://{service}/$discovery/rest?version=v1",
        "discoveryName": kind,
        "parent": f"//cloudresourcemanager.googleapis.com/{parent}",
        "data": values["item"],
    }
    home = render_text(definition.home, values) if definition.home else None
    return resource if home is None else {**resource, "location": home.rpartition("/")[2]}
