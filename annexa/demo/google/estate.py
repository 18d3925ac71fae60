"""What a make-believe estate holds, and where Google's APIs have it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import collectors.gcp
from annexa.demo.google import locations, routes
from annexa.demo.google.content import Aggregated, Content, Element, Listed, One
from annexa.demo.google.hierarchy import Hierarchy
from collectors.definition import Call, ListCall, ResourceType, load_resource_types
from collectors.gcp.methods import Method
from collectors.rest.operation import ask, parse
from collectors.template import ABSENT, render
from collectors.transport import CallError

Query = Mapping[str, list[str]]

_LEFT_OUT = frozenset({"unreachable", "unreachables", "missingZones", "warnings"})


class Estate:
    """Projects and what is in them.

    Args:
        definitions: type → definition; says where the elements of a type are. Default is what is installed.
    """

    def __init__(self, definitions: Mapping[str, ResourceType] | None = None) -> None:
        self.definitions = definitions or load_resource_types([Path(collectors.gcp.__file__).parent])
        self.hierarchy = Hierarchy()
        self.places: dict[tuple[str, str], list[tuple[dict[str, str], Content]]] = {}

    def put(self, service: str, path: str, content: Content, **facts: str) -> None:
        """Place something, in the stead of what was there.

        Args:
            path: with ids, not numbers, of projects.
            facts: query parameters that must be as given.
        """
        kept = [each for each in self.places.get((service, path), []) if each[0] != facts]
        self.places[service, path] = [*kept, (facts, content)]

    def put_list(
        self, kind: str, scope: str, *elements: Element, over: Any = None, at: str = "", **more: Any
    ) -> None:
        """Place elements where the list of a resource type looks for them.

        Args:
            scope: a project's id, or an organisation's number.
            over: the parent, where the type has parents.
            at: for a list across zones and regions, where they are; the other places stay as they are.
            more: what the list says besides.
        """
        call = self.definitions[kind].list
        assert call is not None, f"{kind} has no list"
        values = {**self.values(scope), "over": over}
        service, path, facts, method = self.address(call, values)
        if not routes.lists(method):  # the type is what there is one of, such as the application of a project
            self.put(service, path, One(elements[0]), **facts)
            return
        key = _key(call, method)
        if not routes.aggregates(method):
            self.put(service, path, Listed(key, elements, more), **facts)
            return
        before = self.find(service, path, {name: [value] for name, value in facts.items()})
        places = dict(before.places) if isinstance(before, Aggregated) else {}
        self.put(service, path, Aggregated(key, {**places, at or "global": elements}, **more), **facts)

    def put_detail(self, kind: str, key: str, scope: str, content: Content | Element, **values: Any) -> None:
        """Place what a detail of one resource asks for.

        Args:
            values: ``item``, and ``over`` or ``each`` where the detail names them.
        """
        service, path, facts, _ = self.address(
            self.definitions[kind].detail[key], {**self.values(scope), **values}
        )
        self.put(service, path, One(content) if isinstance(content, dict) else content, **facts)

    def put_answer(self, address: str, body: Element) -> None:
        """Place a whole answer of a ``GET``, as if it had but one page.

        Args:
            address: service, path and the parameters that must be as given, such as
                ``storage/storage/v1/b?project=payroll``.
        """
        service, path, query = self.parts(address)
        facts = {name: values[-1] for name, values in query.items()}
        method = routes.method_at(service, "GET", path)
        listed = [key for key, value in body.items() if isinstance(value, list) and key not in _LEFT_OUT]
        if method is not None and routes.aggregates(method):
            content: Content = _aggregated(body)
        elif method is not None and routes.lists(method) and len(listed) <= 1:
            key = listed[0] if listed else ""
            more = {name: value for name, value in body.items() if name != key}
            content = Listed(key, body.get(key, []), more)
        else:
            content = One(body)
        self.put(service, path, content, **facts)

    def parts(self, target: str) -> tuple[str, str, dict[str, list[str]]]:
        """Return service, path and parameters of a request."""
        parts = urlsplit(target)
        service, _, path = parts.path.removeprefix("/").partition("/")
        return service, self._with_id(unquote(f"/{path}")), parse_qs(parts.query, keep_blank_values=True)

    def find(self, service: str, path: str, query: Query) -> Content | None:
        """Return what is at a path; of several the one that asks most of the parameters."""
        fitting = [
            (len(facts), content)
            for facts, content in self.places.get((service, path), [])
            if all(query.get(name, [""])[-1] == value for name, value in facts.items())
        ]
        if fitting:
            return max(fitting, key=lambda each: each[0])[1]
        return locations.at(service, path) or self.hierarchy.content(service, path, query)

    def look(self, call: Call, values: Mapping[str, Any]) -> Content | None:
        """Return what is where a call asks, with templates filled in from the values."""
        try:
            service, path, facts, _ = self.address(call, values)
        except (CallError, LookupError):
            return None
        return self.find(service, path, {name: [value] for name, value in facts.items()})

    def address(self, call: Call, values: Mapping[str, Any]) -> tuple[str, str, dict[str, str], Method]:
        """Return service, path, the parameters that tell one thing from another, and the method of a call."""
        operation = parse(call.operation)
        parameters = render(call.with_, values)
        if parameters is ABSENT:
            raise LookupError(f"{call.call} names what {sorted(values)} do not have")
        asked = ask(operation, parameters)
        path = self._with_id(unquote(asked.path))
        method = routes.method_at(call.service, operation.method, path)
        if method is None:
            raise LookupError(f"there is no method {call.call}")
        facts = {name: value for name, value in asked.query if "{" in str(call.with_.get(name))}
        return call.service, path, facts, method

    def values(self, scope: str) -> dict[str, Any]:
        """Return what templates may name of a scope."""
        project = self.hierarchy.projects.get(scope)
        if project is None:
            return {"account": scope, "organization": scope}
        above = self.hierarchy.ancestors(project)[-1].partition("/")
        found = {"account": scope, "project_number": project.number}
        return {**found, "organization": above[2]} if above[0] == "organizations" else found

    def _with_id(self, path: str) -> str:
        """Return a path in which projects go by their ids."""
        segments = path.split("/")
        for at, segment in enumerate(segments[:-1]):
            if segment == "projects":
                name, colon, verb = segments[at + 1].partition(":")
                project = self.hierarchy.project(name)
                if project is not None:
                    segments[at + 1] = f"{project.id}{colon}{verb}"
        return "/".join(segments)


def _key(call: ListCall, method: Method) -> str:
    """Return the key of an answer under which the elements of a list are."""
    fields = routes.fields_of(method.form)
    words = call.items.replace("[", " ").replace(".", " ").replace("]", " ").replace("(", " ").split()
    if routes.aggregates(method):
        return next(word for word in words if word not in ("items", "*"))
    return next(word for word in words if word in fields)


def _aggregated(body: Element) -> Aggregated:
    """Read a whole aggregated list."""
    key, places, unreachable = "", {}, []
    for place, holds in body.get("items", {}).items():
        for name, value in holds.items():
            if isinstance(value, list):
                key, places[place] = name, value
            elif value.get("code") == "UNREACHABLE":
                unreachable.append(place)
    return Aggregated(key, places, tuple(unreachable))
