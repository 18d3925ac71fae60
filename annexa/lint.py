"""Validating every definition: the examples of a check are its tests, and are run here."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from collectors.definition import ResourceType
from collectors.paths import DELETE, change_at
from collectors.redact import redact
from mappings.check import Check, Example
from mappings.evaluate import judge, judge_scope
from store.errors import DefinitionError
from store.model import RESERVED_KEYS, Document, Outcome

FieldCheck = Callable[[ResourceType, dict[str, Any]], list[str]]
"""Names the fields of an example document that the provider's answer cannot have."""

_NEEDED_EXAMPLES = (Outcome.PASS, Outcome.FAIL, Outcome.UNKNOWN)


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with a definition."""

    subject: str
    message: str


def lint_checks(
    checks: Iterable[Check],
    resource_types: Mapping[str, ResourceType],
    controls: frozenset[str],
    field_check: Mapping[str, FieldCheck],
) -> list[Problem]:
    """Name everything that is wrong with the checks.

    Args:
        controls: the numbers of the controls that exist.
        field_check: provider → its check of example documents; providers without one are skipped.
    """
    problems: list[Problem] = []
    for check in checks:
        problems.extend(
            Problem(check.id, message) for message in _lint(check, resource_types, controls, field_check)
        )
    return problems


def _lint(
    check: Check,
    resource_types: Mapping[str, ResourceType],
    controls: frozenset[str],
    field_check: Mapping[str, FieldCheck],
) -> Iterable[str]:
    unknown = [kind for kind in check.types if kind not in resource_types]
    if unknown:
        yield f"unknown resource type {', '.join(unknown)}"
        return
    for control in check.controls:
        if control not in controls:
            yield f"unknown control {control!r}"
    try:
        rules = check.rules
    except DefinitionError as error:
        yield str(error)
        return
    if check.resource:
        definition = resource_types[check.resource]
        known = RESERVED_KEYS | {"item", "over"} | definition.detail.keys()
        for rule in rules:
            for key in sorted((rule.keys or frozenset()) - known):
                yield f"the rule reads resource.{key}, which {check.resource} does not have"
    expected = {example.expect for example in check.example}
    for outcome in _NEEDED_EXAMPLES:
        if outcome not in expected:
            yield f"has no example that expects {outcome.value!r}"
    for number, example in enumerate(check.example, 1):
        for message in _lint_example(check, example, resource_types, field_check):
            yield f"example {number} ({example.expect.value}): {message}"


def _lint_example(
    check: Check,
    example: Example,
    resource_types: Mapping[str, ResourceType],
    field_check: Mapping[str, FieldCheck],
) -> Iterable[str]:
    documents = example.documents if check.resources else {check.resource: [example.document]}
    for kind, contents in documents.items():
        if kind not in check.types:
            yield f"documents of {kind}, which the check does not read"
            continue
        inspect = field_check.get(check.provider)
        if inspect is not None:
            for content in contents:
                yield from inspect(resource_types[kind], content)
    for key in (*example.absent, *example.gaps):
        if not any(key in resource_types[kind].detail or key in ("item", "over") for kind in check.types):
            yield f"names {key!r}, which {' and '.join(check.types)} does not have"
    for kind in example.incomplete:
        if kind not in check.types:
            yield f"incomplete names {kind}, which the check does not read"
    try:
        finding = run_example(check, _as_kept(check, example, resource_types))
    except DefinitionError as error:
        yield str(error)
        return
    if finding.outcome != example.expect:
        yield f"gives {finding.outcome.value}{': ' + finding.reason if finding.reason else ''}"


def _as_kept(check: Check, example: Example, resource_types: Mapping[str, ResourceType]) -> Example:
    """Return an example without what is never kept: a rule that reads a secret would judge its digest."""

    def kept(kind: str, content: dict[str, Any]) -> dict[str, Any]:
        definition = resource_types[kind]
        for path in definition.volatile:
            content, _ = change_at(content, path, lambda _: DELETE)
        return redact(content, definition.secret, b"")[0]

    if not check.resources:
        return example.model_copy(update={"document": kept(check.resource, example.document)})
    known = {kind: contents for kind, contents in example.documents.items() if kind in resource_types}
    documents = {kind: [kept(kind, each) for each in contents] for kind, contents in known.items()}
    return example.model_copy(update={"documents": example.documents | documents})


def run_example(check: Check, example: Example) -> Any:
    """Judge an example as a run would, and return the finding."""
    judged = check.with_params(example.params)
    if judged.resources:
        documents = {
            kind: [_document(kind, content, example) for content in contents]
            for kind, contents in example.documents.items()
        }
        unread = dict.fromkeys(example.incomplete, "the list could not be read")
        return judge_scope(judged, documents, unread, example.scope, example.now)
    document = _document(judged.resource, example.document, example)
    return judge([judged], document, "", example.scope, example.now)[0]


def _document(kind: str, content: dict[str, Any], example: Example) -> Document:
    present = {key: value for key, value in content.items() if key not in RESERVED_KEYS}
    return Document(
        resource_type=kind,
        id=str(content.get("id", "example")),
        name=str(content.get("name", "example")),
        region=str(content.get("region", "")),
        content=present | dict.fromkeys(example.absent),
        gaps={key: {"call": key, "code": "AccessDenied"} for key in example.gaps},
    )
