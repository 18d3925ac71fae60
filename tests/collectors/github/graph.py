"""GitHub's GraphQL API on loopback: it gives the fields that a query selects, lists in pages by cursor."""

import base64
import json
from dataclasses import dataclass, field
from typing import Any

import graphql
from graphql import FieldNode, OperationDefinitionNode, SelectionSetNode


@dataclass
class Graph:
    """What there is to be asked for.

    Attributes:
        organizations, enterprises: by login and by slug. A list within is a connection.
        page: elements on a page, whatever is asked for.
    """

    organizations: dict[str, dict[str, Any]] = field(default_factory=dict)
    enterprises: dict[str, dict[str, Any]] = field(default_factory=dict)
    page: int = 2

    def answer(self, body: bytes) -> dict[str, Any]:
        """Return the answer to a request; an error for what is not there."""
        asked = json.loads(body)
        (operation,) = graphql.parse(asked["query"]).definitions
        assert isinstance(operation, OperationDefinitionNode)
        (root,) = operation.selection_set.selections
        assert isinstance(root, FieldNode)
        variables = asked.get("variables") or {}
        known, name = {
            "organization": (self.organizations, "org"),
            "enterprise": (self.enterprises, "enterprise"),
        }[root.name.value]
        found = known.get(variables[name])
        if found is None:
            said = f"Could not resolve to an {root.name.value} with the name '{variables[name]}'."
            wrong = {"type": "NOT_FOUND", "path": [root.name.value], "message": said}
            return {"data": {root.name.value: None}, "errors": [wrong]}
        assert root.selection_set is not None
        return {"data": {root.name.value: self._selected(found, root.selection_set, variables)}}

    def _selected(self, value: Any, selection: SelectionSetNode, variables: dict[str, Any]) -> Any:
        if value is None:
            return None
        given: dict[str, Any] = {}
        for each in selection.selections:
            assert isinstance(each, FieldNode)
            name, inner = each.name.value, each.selection_set
            found = value[name]
            if inner is None:
                given[name] = found
            elif isinstance(found, list) and any(one.name.value == "first" for one in each.arguments or ()):
                given[name] = self._selected(self._page(found, variables.get("after")), inner, variables)
            elif isinstance(found, list):
                given[name] = [self._selected(one, inner, variables) for one in found]
            else:
                given[name] = self._selected(found, inner, variables)
        return given

    def _page(self, elements: list[Any], after: str | None) -> dict[str, Any]:
        start = int(base64.b64decode(after)) if after else 0
        end = start + self.page
        cursor = base64.b64encode(str(min(end, len(elements))).encode()).decode()
        more = {"hasNextPage": end < len(elements), "endCursor": cursor if elements else None}
        return {"nodes": elements[start:end], "pageInfo": more, "totalCount": len(elements)}
