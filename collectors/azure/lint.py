"""What can be said against a definition of Azure without asking Azure."""

import re
from collections.abc import Iterator

from collectors.azure.permissions import actions_of, path_of
from collectors.definition import Call, ListCall, ResourceType
from collectors.rest.operation import BODY, parse

_API_VERSION = re.compile(r"\d{4}-\d{2}-\d{2}(-preview)?")


def definition_problems(definition: ResourceType) -> list[str]:
    """Name what is wrong with the calls of a definition: form, parameters, API version, permission."""
    return [
        f"{call.call}: {problem}" for call in definition.calls() for problem in _problems(definition, call)
    ]


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
