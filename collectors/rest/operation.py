"""What a call of the form ``service:METHOD path-template`` asks for, once its parameters are known."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from collectors.rest.uri_template import expand, variables
from collectors.template import as_text
from collectors.transport import CallError

BODY = "body"
"""The parameter that becomes the JSON body of a POST."""

_FORM = re.compile(r"(GET|POST) ((?:/|\{\+)\S*)")


@dataclass(frozen=True, slots=True)
class Operation:
    """A method and the template of a path.

    Attributes:
        variables: the parameters that the path names; the others make the query.
    """

    method: str
    template: str
    variables: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Ask:
    """One request, relative to the base of its service.

    Attributes:
        path: percent-encoded, beginning with ``/``.
        query: names with their values; a list parameter has one entry for each element.
        body: JSON, or None.
    """

    method: str
    path: str
    query: tuple[tuple[str, str], ...]
    body: Any = None


@lru_cache(maxsize=4096)
def parse(operation: str) -> Operation:
    """Read ``METHOD path-template``.

    Raises:
        ValueError: it has another form.
    """
    found = _FORM.fullmatch(operation)
    if found is None:
        raise ValueError(f"{operation!r} is not of the form 'GET /path/{{name}}' or 'POST /path'")
    return Operation(found[1], found[2], variables(found[2]))


def ask(operation: Operation, parameters: Mapping[str, Any]) -> Ask:
    """Fill in an operation.

    Raises:
        CallError: ``InvalidParameters``, if a parameter of the path is missing or leads elsewhere,
            or one of the query has no text form.
    """
    values: dict[str, str] = {}
    for name in operation.variables:
        value = parameters.get(name)
        if value is None or value == "" or isinstance(value, dict | list):
            raise _invalid(f"the path's parameter {name!r} has no value")
        values[name] = as_text(value)
    path = expand(operation.template, values)
    _check_path(path)
    query = [
        pair
        for name, value in parameters.items()
        if name not in (*values, BODY)
        for pair in _pairs(name, value)
    ]
    return Ask(operation.method, path, tuple(query), parameters.get(BODY))


def _check_path(path: str) -> None:
    # An identifier comes from the provider's answers: it may name a resource, not another request.
    if not path.startswith("/") or path.startswith("//"):
        raise _invalid(f"the path {path!r} does not begin with one slash")
    if "?" in path or "#" in path:
        raise _invalid(f"the path {path!r} holds more than a path")
    if any(segment.lower().replace("%2e", ".") in (".", "..") for segment in path.split("/")):
        raise _invalid(f"the path {path!r} leads to a folder above")


def _pairs(name: str, value: Any) -> list[tuple[str, str]]:
    if isinstance(value, list):
        return [pair for element in value for pair in _pairs(name, element)]
    if not isinstance(value, str | int | float):
        raise _invalid(f"the parameter {name!r} is no text, number or list of them")
    return [(name, as_text(value))]


def _invalid(message: str) -> CallError:
    return CallError("InvalidParameters", message)
