"""Holding definitions, and examples for checks, against what is published of the fields of answers."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from collectors.definition import Call, Detail, ListCall, ResourceType
from collectors.rest.forms import ANY, Forms
from collectors.template import paths
from store.model import RESERVED_KEYS

Answered = Callable[[ResourceType, Call], str]
"""Returns the form of what a call of a definition answers with."""


def document_forms(definition: ResourceType, forms: Forms, answered: Answered) -> dict[str, str]:
    """Return document key → the form of what it holds."""

    def element(call: ListCall) -> str:
        form = forms.taken(answered(definition, call), call.items)
        return form[1:-1] if form[0] == "[" else form

    def taken(detail: Detail) -> str:
        if detail.each is not None or detail.decode is not None or detail.pick is not None:
            return ANY
        return forms.taken(answered(definition, detail), detail.take)

    kept: dict[str, str] = {}
    if definition.list is not None:
        kept["item"] = element(definition.list)
        if definition.list.over is not None and not definition.inventory:
            kept["over"] = element(definition.list.over)
    return kept | {key: taken(detail) for key, detail in definition.detail.items()}


def unknown_fields(definition: ResourceType, forms: Forms, kept: Mapping[str, str]) -> Iterator[str]:
    """Yield the fields that a definition names and no answer has.

    Args:
        kept: document key → the form of what it holds.
    """
    templates = [definition.id, definition.name, definition.home or ""]
    named = set(paths([*templates, *(call.with_ for call in definition.calls())]))
    for path in sorted(named | {*definition.volatile, *definition.secret, *definition.personal_fields}):
        head, _, rest = path.partition(".")
        if head in kept and rest:
            wrong = forms.missing(kept[head], rest)
            if wrong:
                yield f"{path}: {wrong}"


def document_problems(
    definition: ResourceType, forms: Forms, kept: Mapping[str, str], document: Mapping[str, Any]
) -> list[str]:
    """Name every field of an example document that the provider's answer cannot have."""
    problems: list[str] = []
    for key, value in document.items():
        if key in RESERVED_KEYS:
            continue
        if key in kept:
            problems.extend(forms.mismatches(key, kept[key], value))
        else:
            problems.append(f"{key}: {definition.type} has no such call; it has {', '.join(sorted(kept))}")
    return problems
