"""What a provider publishes of its calls and the fields of their answers, kept in ``fields.json``.

The file lies beside the collector and is made by a program in the tests, from the provider's own schema. It
holds the calls that the definitions make, and no others.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from collectors.definition import Call, ListCall, ResourceType
from collectors.rest import field_lint
from collectors.rest.forms import ANY, Forms
from collectors.rest.operation import BODY, parse


@dataclass(frozen=True, slots=True)
class PublishedCall:
    """One call.

    Attributes:
        form: the form of its answer.
        query: the names of its query parameters; None where they are not published.
    """

    form: str
    query: tuple[str, ...] | None


class Published:
    """Holds definitions and examples of one provider against ``fields.json``.

    Args:
        folder: where the file is.
    """

    def __init__(self, folder: Path) -> None:
        content = json.loads((folder / "fields.json").read_text(encoding="utf-8"))
        self.forms = Forms(content["types"])
        self._calls: dict[str, dict[str, Any]] = content["calls"]

    def call(self, call: str) -> PublishedCall | None:
        """Return what is published of a call; None if nothing is."""
        found = self._calls.get(call)
        if found is None:
            return None
        query = found.get("query")
        return PublishedCall(found["form"], None if query is None else tuple(query))

    def definition_problems(self, definition: ResourceType) -> list[str]:
        """Name what is wrong with the calls of a definition, and the fields that no answer has."""
        problems = [
            f"{call.call}: {problem}" for call in definition.calls() for problem in self._problems(call)
        ]
        return problems or list(
            field_lint.unknown_fields(definition, self.forms, self._document_forms(definition))
        )

    def document_problems(self, definition: ResourceType, document: Mapping[str, Any]) -> list[str]:
        """Name every field of an example document that the provider's answer cannot have."""
        kept = self._document_forms(definition)
        return field_lint.document_problems(definition, self.forms, kept, document)

    def _document_forms(self, definition: ResourceType) -> dict[str, str]:
        return field_lint.document_forms(definition, self.forms, self._answered)

    def _answered(self, definition: ResourceType, call: Call) -> str:
        del definition
        found = self.call(call.call)
        return found.form if found is not None else ANY

    def _problems(self, call: Call) -> Iterator[str]:
        try:
            operation = parse(call.operation)
        except ValueError as error:
            yield str(error)
            return
        found = self.call(call.call)
        if found is None:
            yield "is no call that the provider publishes (or fields.json must be made anew)"
            return
        for name in operation.variables:
            if name not in call.with_:
                yield f"requires the parameter {name!r}, which its path names"
        if found.query is not None:
            known = {*operation.variables, *found.query, BODY}
            for name in call.with_.keys() - known:
                yield f"has no parameter {name!r}; it has {', '.join(sorted(known - {BODY}))}"
        if isinstance(call, ListCall):
            wrong = self.forms.untaken(found.form, call.items)
            if wrong:
                yield f"items: {wrong}"
        if BODY in call.with_ and operation.method != "POST":
            yield "has a body, which only a POST has"
        if not call.permission:
            yield 'needs permission = ["…"]: what the principal must be granted for it'


@cache
def published(folder: Path) -> Published:
    """Return what is published for the collector in a folder."""
    return Published(folder)
