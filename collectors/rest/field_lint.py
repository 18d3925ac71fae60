"""Holding definitions, and examples for checks, against what is published of the fields of answers."""

from collections.abc import Iterator, Mapping
from typing import Any

from collectors.definition import ResourceType
from collectors.rest.forms import Forms
from collectors.template import paths
from store.model import RESERVED_KEYS


def unknown_fields(definition: ResourceType, forms: Forms, kept: Mapping[str, str]) -> Iterator[str]:
    """Yield the fields that a definition names and no answer has.

    Args:
        kept: document key → the form of what it holds.
    """
    templates = [definition.id, definition.name, definition.home or ""]
    named = set(paths([*templates, *(call.with_ for call in definition.calls())]))
    for path in sorted(named | {*definition.volatile, *definition.secret}):
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
