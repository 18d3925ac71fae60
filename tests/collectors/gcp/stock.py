"""One of every kind that nothing was placed of, so that every call of every definition is made."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from annexa.demo.google import Estate, Listed, One
from annexa.demo.google.content import Aggregated, Element
from annexa.demo.google.locations import REGION
from annexa.demo.google.reply import OLDER
from annexa.demo.google.routes import fields_of
from collectors.definition import Call, ListCall, ResourceType
from collectors.expression import search
from collectors.gcp.lint import document_forms
from collectors.gcp.methods import method_of
from collectors.template import paths

_OF_HOST = 3
"""Slashes in ``//host/``."""

Row = dict[str, Any]


def stock(estate: Estate, scope: str, kind: str, without: Iterable[str] = ()) -> None:
    """Put one resource of each type where there is none, and whatever its details ask for.

    Args:
        scope: a project's id, or an organisation's number.
        kind: ``project`` or ``organization``.
        without: types that are left as they are.
    """
    types = [each for each in estate.definitions.values() if (each.scope or "project") == kind]
    for definition in sorted(types, key=_depth):
        if definition.type in without:
            continue
        for row in _rows(estate, definition, scope):
            _details(estate, definition, scope, row)


def _depth(definition: ResourceType) -> int:
    depth, call = 0, definition.list
    while call is not None:
        depth, call = depth + 1, call.over
    return depth


def _rows(estate: Estate, definition: ResourceType, scope: str) -> Iterator[Row]:
    """Yield what the list of a type has, after one was placed where it had nothing."""
    if definition.list is None:
        yield {}
        return
    for above in _parents(estate, definition.list.over, scope):
        items = _listed(estate, definition.list, scope, above)
        if not items:
            address = estate.address(definition.list, {**estate.values(scope), "over": above})
            element = _element(definition, address[1])
            estate.put_list(definition.type, scope, element, over=above)
            items = _listed(estate, definition.list, scope, above)
        yield from ({"item": item, "over": above} for item in items)


def _parents(estate: Estate, call: ListCall | None, scope: str) -> Iterator[Any]:
    if call is None:
        yield None
        return
    for above in _parents(estate, call.over, scope):
        yield from _listed(estate, call, scope, above)


def _listed(estate: Estate, call: ListCall, scope: str, over: Any) -> list[Any]:
    content = estate.look(call, {**estate.values(scope), "over": over})
    if isinstance(content, One):
        return search(call.items, content.body) or []
    if not isinstance(content, Listed | Aggregated):
        return []
    return search(call.items, content.page(0, len(content))) or []


def _element(definition: ResourceType, path: str) -> Element:
    """Return an element with a value for each field that the definition names."""
    call = definition.list
    assert call is not None
    calls: list[Call] = [call, *definition.detail.values()]
    named = [definition.id, definition.name, definition.home or "", *(each.with_ for each in calls)]
    form = document_forms(definition)["item"]
    element: Element = {}
    _fill(element, form, "name", _name(definition, path))
    for found in sorted(set(paths(named))):
        head, _, field = found.partition(".")
        if head == "item" and field:
            _fill(element, form, field, _name(definition, path) if field == "name" else _value(field, path))
    return element


def _fill(element: Element, form: str, field: str, value: str) -> None:
    head, _, rest = field.partition(".")
    fields: Mapping[str, str] = fields_of(form)
    if head not in fields:
        return
    if rest:
        _fill(element.setdefault(head, {}), fields[head], rest, value)
    elif fields[head] == "string":
        element.setdefault(head, value)


def _name(definition: ResourceType, path: str) -> str:
    """Return the name of one resource of a collection: the whole of it, or its last part alone."""
    assert definition.list is not None
    before = definition.id.partition("{item.name}")[0]
    if definition.list.service in OLDER or before.count("/") > _OF_HOST:
        return "one"
    return f"{path.split('/', 2)[2]}/one".replace("/-/", f"/{REGION}/")


def _value(field: str, path: str) -> str:
    last = field.rpartition(".")[2].lower()
    if last == "projectid":
        return path.partition("/projects/")[2].partition("/")[0]
    if last == "fullresourcename":
        return f"//iam.googleapis.com/{path.split('/', 2)[2]}/one"
    if last == "selflink":
        return f"https://www.googleapis.com{path.replace('/aggregated/', '/global/')}/one"
    return REGION if "location" in last or "region" in last or "zone" in last else "one"


def _details(estate: Estate, definition: ResourceType, scope: str, row: Row) -> None:
    for key, detail in definition.detail.items():
        values = {**estate.values(scope), **row}
        if detail.each is not None or detail.absent or estate.look(detail, values) is not None:
            continue
        method = method_of(definition, detail)
        form = method.form if method is not None else ""
        fields = fields_of(form)
        if "nextPageToken" in fields or ("etag" in fields and "bindings" in fields):
            continue
        name = row.get("item", {}).get("name")
        body = {"name": name} if name and fields.get("name") == "string" else {}
        try:
            estate.put_detail(definition.type, key, scope, One(body), **row)
        except LookupError:
            continue
