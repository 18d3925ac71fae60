"""Refusing successful answers that cannot be the answer: "there is none" must have been said."""

from typing import Any

from collectors.azure.arm_path import arm_path
from collectors.rest.failures import brief, nested_error
from collectors.rest.operation import Ask
from collectors.transport import CallError

_RESOURCE_GRAPH = "/providers/Microsoft.ResourceGraph/resources"
_OF_A_RESOURCE = frozenset({"id", "name", "type", "properties"})


def check(ask: Ask, body: dict[str, Any]) -> None:
    """Compare a body with what was asked.

    A list of Azure Resource Manager holds its elements in ``value``, which is there when it is empty. So
    does what a query by POST answers, if it is no resource; Resource Graph has its rows in ``data``.

    Raises:
        CallError: ``MalformedAnswer``.
    """
    if body.get("error") and "value" not in body:
        raise _malformed("a successful answer that holds an error")
    path = arm_path(ask.path)
    if path is None:
        return
    if ask.path == _RESOURCE_GRAPH:
        if not isinstance(body.get("data"), list):
            raise _malformed("no rows in 'data'")
        return
    # Where a path ends says nothing of a POST: it names what is done.
    if path.lists if ask.method == "GET" else _OF_A_RESOURCE.isdisjoint(body):
        elements = body.get("value")
        if not isinstance(elements, list):
            raise _malformed("a list without its elements in 'value'")
        if not all(isinstance(element, dict) for element in elements):
            raise _malformed("a list of something else than resources")
    elif _OF_A_RESOURCE.isdisjoint(body):
        raise _malformed(f"no resource, but an object with {', '.join(sorted(body)[:5]) or 'no fields'}")


def left_out(body: dict[str, Any]) -> str:
    """Say what an answer admits to lack: an error beside the elements; "" if nothing."""
    if not body.get("error"):
        return ""
    code, message = nested_error(body)
    return brief(f"Azure gives an error beside what it lists: {code or 'without a code'} {message}".strip())


def _malformed(what: str) -> CallError:
    return CallError("MalformedAnswer", what, retryable=True)
