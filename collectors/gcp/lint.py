"""What can be said against a definition of GCP, and examples for it, without asking Google."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from collectors.definition import Call, ListCall, ResourceType
from collectors.gcp.asset_read import IAM_POLICY
from collectors.gcp.fields import forms
from collectors.gcp.methods import method_of, methods_of, permissions_of
from collectors.rest import field_lint
from collectors.rest.forms import ANY
from collectors.rest.operation import BODY, parse
from collectors.template import heads

SCOPES = ("project", "organization")

_ASSET_TYPE = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)*\.googleapis\.com/[A-Za-z]+")


def definition_problems(definition: ResourceType) -> list[str]:
    """Name what is wrong with a definition and its calls, and the fields that no answer has."""
    problems = [*_of_resource(definition)]
    problems += [
        f"{call.call}: {problem}" for call in definition.calls() for problem in _of_call(definition, call)
    ]
    return problems or list(field_lint.unknown_fields(definition, forms(), document_forms(definition)))


def document_problems(definition: ResourceType, document: Mapping[str, Any]) -> list[str]:
    """Name every field of an example document that Google's answer cannot have."""
    return field_lint.document_problems(definition, forms(), document_forms(definition), document)


def document_forms(definition: ResourceType) -> dict[str, str]:
    """Return document key → the form of what it holds."""
    return field_lint.document_forms(definition, forms(), _answer)


def _answer(definition: ResourceType, call: Call) -> str:
    method = method_of(definition, call)
    return method.form if method is not None else ANY


def _of_resource(definition: ResourceType) -> Iterator[str]:
    if definition.scope not in ("", *SCOPES):
        yield f"scope is {definition.scope!r}; it may be {' or '.join(SCOPES)}, or left out for project"
    if definition.inventory and not _ASSET_TYPE.fullmatch(definition.inventory):
        yield f"inventory is {definition.inventory!r}, no asset type such as storage.googleapis.com/Bucket"
    if definition.inventory and definition.list is None:
        yield "has an inventory, but no list that it stands for"
    for key, detail in definition.detail.items():
        if detail.inventory not in ("", IAM_POLICY):
            yield f"detail {key}: inventory is {detail.inventory!r}; it may be {IAM_POLICY}"
        if detail.inventory and not definition.inventory:
            yield f"detail {key}: is kept by the inventory only where the resource is"
    if definition.inventory:
        named = heads([definition.id, definition.name, definition.home or ""])
        named |= heads([(each.with_, each.take, each.pick or "") for each in definition.detail.values()])
        if "over" in named:
            yield "names {over}, which elements of the inventory do not have"


def _of_call(definition: ResourceType, call: Call) -> Iterator[str]:
    try:
        operation = parse(call.operation)
    except ValueError as error:
        yield str(error)
        return
    methods = methods_of(call)
    if not methods:
        yield "is no method that the discovery documents have (or fields.json must be made anew)"
        return
    for name in operation.variables:
        if name not in call.with_:
            yield f"requires the parameter {name!r}, which its path names"
    method = method_of(definition, call)
    if method is not None:
        known = {*operation.variables, *method.query}
        for name in call.with_.keys() - known - {BODY}:
            yield f"{method.id} has no parameter {name!r}; it has {', '.join(sorted(known))}"
        for name in method.required:
            if name not in call.with_:
                yield f"{method.id} requires the parameter {name!r}"
        if isinstance(call, ListCall):
            wrong = forms().untaken(method.form, call.items)
            if wrong:
                yield f"items: {wrong}"
    if BODY in call.with_ and operation.method != "POST":
        yield "has a body, which only a POST has"
    if not permissions_of(definition, call):
        named = ", ".join(sorted({each.id for each in methods}))
        yield f'needs permission = ["service.things.verb"]: its path may be {named}'
