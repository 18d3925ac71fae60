"""Which method of Google's discovery documents a call is, and the permission that it takes.

A path such as ``/v1/{+name}/keys`` may belong to several methods; what fills ``{+name}`` tells them apart.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from collectors.definition import Call, ListCall, ResourceType
from collectors.gcp.fields import published
from collectors.rest.operation import parse
from collectors.template import heads

_TEMPLATE = re.compile(r"\{\+?([^}]+)\}")
_SERVICES = {"sql": "cloudsql"}
"""The name before the first dot of a method → that of a permission, where they differ."""
_VERBS = {"aggregatedList": "list"}


@dataclass(frozen=True, slots=True)
class Method:
    """One method.

    Attributes:
        id: its name in the discovery document, e.g. ``compute.instances.aggregatedList``.
        flat: its path with one variable for each segment.
        form: the form of its answer.
        query: the names of its query parameters.
        required: those of them that must be there.
    """

    id: str
    flat: str
    form: str
    query: tuple[str, ...]
    required: tuple[str, ...]

    @property
    def permission(self) -> str:
        """The permission that Google names after the method, as a rule."""
        service, *_, collection, verb = self.id.split(".")
        return f"{_SERVICES.get(service, service)}.{collection}.{_VERBS.get(verb, verb)}"


def methods_of(call: Call) -> list[Method]:
    """Return the methods whose path the call has; none where nothing is published of it."""
    return [
        Method(each["id"], each["flat"], each["form"], tuple(each["query"]), tuple(each["required"]))
        for each in published()["methods"].get(call.call, ())
    ]


def method_of(definition: ResourceType, call: Call) -> Method | None:
    """Return the method that a call of a definition is; None if it cannot be told."""
    found = methods_of(call)
    found = _by_values(call, found) or found
    found = _by_source(definition, call, found) or found
    found = _by_scope(definition, found) or found
    same = {(each.permission, each.form) for each in found}
    return found[0] if len(same) == 1 else None


def permissions_of(definition: ResourceType, call: Call) -> tuple[str, ...]:
    """Return the permissions that a call takes, as it or its method says; none if neither does."""
    if call.permission:
        return call.permission
    method = method_of(definition, call)
    return (method.permission,) if method is not None else ()


def _by_values(call: Call, methods: list[Method]) -> list[Method]:
    """Keep the methods whose flat path the call can have, as far as the values of its variables are known."""
    operation = parse(call.operation)

    def substitute(match: re.Match[str]) -> str:
        value = call.with_.get(match[1], "")
        whole = not isinstance(value, str) or _TEMPLATE.fullmatch(value) is not None
        if whole and match[0].startswith("{+"):
            return "\0"
        return _TEMPLATE.sub("\1", str(value))

    asked = _TEMPLATE.sub(substitute, operation.template)
    pattern = re.compile(re.escape(asked).replace("\0", ".+").replace("\1", "[^/]+"))
    return [each for each in methods if pattern.fullmatch(each.flat) or _fits(asked, each.flat)]


def _fits(asked: str, flat: str) -> bool:
    """Say whether a path with known segments is one of a flat path's."""
    mine, theirs = asked.split("/"), flat.split("/")
    if "\0" in asked or len(mine) != len(theirs):
        return False
    return all(
        other == own or "\1" in own or re.fullmatch(_TEMPLATE.sub("[^/:]+", other), own)
        for own, other in zip(mine, theirs, strict=True)
    )


def _by_source(definition: ResourceType, call: Call, methods: list[Method]) -> list[Method]:
    """Keep the methods below the collection that the call's parent was listed from."""
    named = heads(call.with_)
    for head, source in _sources(definition, call):
        if head in named and source is not None:
            listed = method_of(definition, source)
            if listed is not None:
                above = listed.id.rpartition(".")[0]
                return [each for each in methods if each.id.startswith(f"{above}.")]
    return []


def _sources(definition: ResourceType, call: Call) -> Iterator[tuple[str, ListCall | None]]:
    if isinstance(call, ListCall):
        yield "over", call.over
    elif definition.list is not None:
        yield "item", definition.list
        yield "over", definition.list.over


def _by_scope(definition: ResourceType, methods: list[Method]) -> list[Method]:
    collection = "organizations" if definition.scope == "organization" else "projects"
    return [each for each in methods if f".{collection}." in each.id]
