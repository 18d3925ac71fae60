"""What can be said against a definition of Azure, and examples for it, without asking Azure."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from collectors.azure.arm_path import arm_path
from collectors.azure.fields import form_of, forms
from collectors.azure.permissions import actions_of, path_of
from collectors.definition import Call, Detail, ListCall, ResourceType
from collectors.rest import field_lint
from collectors.rest.forms import ANY, list_of
from collectors.rest.operation import BODY, parse

_API_VERSION = re.compile(r"\d{4}-\d{2}-\d{2}(-preview)?")


def definition_problems(definition: ResourceType) -> list[str]:
    """Name what is wrong with the calls of a definition, and the fields that no answer has."""
    problems = [*_of_inventory(definition)]
    problems += [
        f"{call.call}: {problem}" for call in definition.calls() for problem in _problems(definition, call)
    ]
    return problems or list(field_lint.unknown_fields(definition, forms(), document_forms(definition)))


def document_problems(definition: ResourceType, document: Mapping[str, Any]) -> list[str]:
    """Name every field of an example document that Azure's answer cannot have."""
    return field_lint.document_problems(definition, forms(), document_forms(definition), document)


def document_forms(definition: ResourceType) -> dict[str, str]:
    """Return document key → the form of what it holds."""
    forms: dict[str, str] = {}
    if definition.list is not None:
        forms["item"] = _form(definition, definition.list)
        if definition.list.over is not None:
            forms["over"] = _form(definition, definition.list.over)
    for key, detail in definition.detail.items():
        forms[key] = _detail_form(definition, detail)
    return forms


def _form(definition: ResourceType, call: Call) -> str:
    """Return the form of the resource, or of each of the list, that a call answers with."""
    path = path_of(definition, call, parse(call.operation))
    return form_of(path.kind) if path is not None else ANY


def _detail_form(definition: ResourceType, detail: Detail) -> str:
    path = path_of(definition, detail, parse(detail.operation))
    if path is None or detail.each is not None or detail.decode is not None or detail.pick is not None:
        return ANY
    form = form_of(path.kind)
    if path.lists:
        return list_of(form) if detail.take == "value" else ANY
    return form if detail.take == "@" else ANY


def _of_inventory(definition: ResourceType) -> Iterator[str]:
    """Name why what Resource Graph counts would not be what the list gives."""
    if any(detail.inventory for detail in definition.detail.values()):
        yield "a detail has an inventory, but Azure Resource Graph counts resources only"
    call = definition.list
    if not definition.inventory or call is None:
        return
    path = arm_path(call.operation.partition(" ")[2])
    kind = "/".join(path.kind).lower() if path is not None else ""
    if definition.inventory != kind:
        yield f"inventory is {definition.inventory!r}, but the list is of {kind!r}"
    if call.over is not None or call.items != "value" or definition.id != "{item.id}":
        yield "has an inventory, so the list must give all of a subscription, each with its own id"


def _problems(definition: ResourceType, call: Call) -> Iterator[str]:
    if call.service != "arm":
        yield f"there is no service {call.service!r}; there is arm"
        return
    try:
        operation = parse(call.operation)
    except ValueError as error:
        yield str(error)
        return
    for name in operation.variables:
        if name not in call.with_:
            yield f"requires the parameter {name!r}, which its path names"
    version = call.with_.get("api-version")
    if not isinstance(version, str) or not _API_VERSION.fullmatch(version):
        yield "requires the parameter 'api-version', a date such as 2024-01-01"
    if BODY in call.with_ and operation.method != "POST":
        yield "has a body, which only a POST has"
    path = path_of(definition, call, operation)
    if isinstance(call, ListCall) and path is not None and path.lists != call.items.startswith("value"):
        kind = "lists, in 'value'" if path.lists else "names one resource, which has no list in 'value'"
        yield f"items is {call.items!r}, but the path {kind}"
    if not actions_of(definition, call):
        yield 'needs permission = ["Provider/type/read"]: its path does not say it'
