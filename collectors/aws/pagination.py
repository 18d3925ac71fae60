"""Which fields turn a page, from botocore's paginator models and, where they are silent, from shapes."""

from dataclasses import dataclass
from typing import Any

import jmespath

from collectors.transport import CallError

_PAIRS = (
    ("NextToken", "NextToken"),
    ("nextToken", "nextToken"),
    ("Marker", "NextMarker"),
    ("marker", "nextMarker"),
    ("Marker", "Marker"),
    ("marker", "marker"),
    ("NextMarker", "NextMarker"),
    ("ContinuationToken", "NextContinuationToken"),
    ("ContinuationToken", "ContinuationToken"),
    ("PageToken", "NextPageToken"),
    ("pageToken", "nextPageToken"),
    ("NextPageToken", "NextPageToken"),
    ("nextPageToken", "nextPageToken"),
    ("PaginationToken", "PaginationToken"),
    ("paginationToken", "paginationToken"),
    ("position", "position"),
)
"""Input and output fields, the more specific pair first."""

_MORE = ("IsTruncated", "Truncated", "HasMore", "hasMore")


@dataclass(frozen=True, slots=True)
class Pager:
    """How one operation turns its pages.

    Attributes:
        inputs: the fields of the next request.
        outputs: JMESPath to the value of each on the answer.
        more: JMESPath to a flag that says whether there is a next page, or "".
    """

    inputs: tuple[str, ...] = ()
    outputs: tuple[Any, ...] = ()
    more: str = ""

    def next_token(self, answer: dict[str, Any]) -> dict[str, Any] | None:
        """Return the fields of the next request, or None on the last page.

        Raises:
            CallError: the answer says that there is more, and not how to ask for it.
        """
        more = jmespath.search(self.more, answer) if self.more else None
        if self.more and not more:
            return None
        token = {}
        for name, output in zip(self.inputs, self.outputs, strict=True):
            value = jmespath.search(output, answer)
            if value not in (None, "", {}):
                token[name] = value
        if more and not token:
            raise CallError("MalformedAnswer", f"{self.more} says that there is more, but no token was given")
        return token or None

    def without_tokens(self, answer: dict[str, Any]) -> dict[str, Any]:
        """Return the answer without the fields that only turn the page."""
        return {key: value for key, value in answer.items() if key not in self.outputs}


def pager(operation: str, paginators: dict[str, Any], operation_model: Any) -> Pager:
    """Return how an operation turns its pages.

    Args:
        paginators: botocore's ``paginators-1`` of the service; may be empty.
        operation_model: botocore's model of the operation.
    """
    inputs = operation_model.input_shape.members if operation_model.input_shape is not None else {}
    outputs = operation_model.output_shape.members if operation_model.output_shape is not None else {}
    modelled = paginators.get(operation)
    if modelled is not None:
        return Pager(
            _listed(modelled["input_token"]),
            _listed(modelled["output_token"]),
            modelled.get("more_results", ""),
        )
    more = next((name for name in _MORE if name in outputs and outputs[name].type_name == "boolean"), "")
    for asked, given in _PAIRS:
        if asked in inputs and given in outputs:
            return Pager((asked,), (given,), more)
    return Pager(more=more)


def _listed(value: Any) -> tuple[str, ...]:
    return tuple(value) if isinstance(value, list) else (value,)
