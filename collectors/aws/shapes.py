"""What botocore's service models say of an answer, to catch misspelt calls and fields.

A *form* is what is known of a value: a botocore shape, a ``ListOf``, a ``Fields``, or None
where nothing is known.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import botocore.session
import jmespath
from botocore.exceptions import BotoCoreError

from collectors.definition import Call, Detail, ListCall, ResourceType
from collectors.paths import steps


@dataclass(frozen=True)
class ListOf:
    """A list whose elements have one form."""

    element: Any


@dataclass(frozen=True)
class Fields:
    """A structure with named fields."""

    members: dict[str, Any]


class _UnknownFieldError(Exception):
    pass


@cache
def _session() -> Any:
    return botocore.session.Session()


@cache
def operation_model(call: str) -> Any:
    """Return botocore's model of ``service:Operation``.

    Raises:
        LookupError: botocore knows no such service or operation.
    """
    service, _, operation = call.partition(":")
    try:
        return _session().get_service_model(service).operation_model(operation)
    except (BotoCoreError, KeyError) as error:
        raise LookupError(f"botocore knows no operation {call}") from error


def definition_problems(definition: ResourceType) -> list[str]:
    """Name every call, parameter, path and template that botocore's models contradict."""
    problems: list[str] = []
    for call in definition.calls():
        problems.extend(_call_problems(call))
    if problems:
        return problems
    forms = document_forms(definition, problems)
    named = [(f"template {{{template}}}", template) for template in _templates(definition)]
    named += [(f"personal {path!r}", path) for path in definition.personal_fields]
    for place, path in named:
        head, *within = steps(path)
        form = forms.get(head)
        try:
            for step in within:
                if _is_policy(form):
                    break
                form = _element(form) if step[0] == "*" or step.isdecimal() else _member(form, step)
        except _UnknownFieldError as error:
            problems.append(f"{place}: {error}")
    return problems


def document_problems(definition: ResourceType, document: dict[str, Any]) -> list[str]:
    """Name every field of an example document that the provider's answer cannot have."""
    forms = document_forms(definition, [])
    problems = []
    for key, value in document.items():
        if key in ("id", "name", "region"):
            continue
        if key not in forms:
            problems.append(f"{key}: {definition.type} has no such call; it has {', '.join(sorted(forms))}")
            continue
        problems.extend(_mismatches(key, forms[key], value))
    return problems


def document_forms(definition: ResourceType, problems: list[str]) -> dict[str, Any]:
    """Return document key → form, adding to ``problems`` what does not resolve."""
    forms: dict[str, Any] = {}
    if definition.list is not None:
        forms["item"] = _list_form(definition.list, problems)
        if definition.list.over is not None:
            forms["over"] = _list_form(definition.list.over, problems)
    for key, detail in definition.detail.items():
        forms[key] = _detail_form(key, detail, forms, problems)
    return forms


def _list_form(call: ListCall, problems: list[str]) -> Any:
    form = _resolve(call.items, operation_model(call.call).output_shape, f"{call.call} items", problems)
    return _element(form)


def _detail_form(key: str, detail: Detail, forms: dict[str, Any], problems: list[str]) -> Any:
    if detail.decode is not None or detail.pick is not None or "{" in detail.take:
        taken = None
    else:
        taken = _resolve(detail.take, operation_model(detail.call).output_shape, f"{key}.take", problems)
    if detail.each is None:
        return taken
    over = _resolve(detail.each, Fields(dict(forms)), f"{key}.each", problems)
    return ListOf(Fields({"each": _element(over), "answer": taken}))


def _call_problems(call: Call) -> Iterator[str]:
    try:
        model = operation_model(call.call)
    except LookupError as error:
        yield str(error)
        return
    known = model.input_shape.members if model.input_shape is not None else {}
    for parameter in call.with_:
        if parameter not in known:
            yield f"{call.call} has no parameter {parameter!r}; it has {', '.join(known) or 'none'}"
    if model.input_shape is not None:
        for parameter in model.input_shape.required_members:
            if parameter not in call.with_:
                yield f"{call.call} requires the parameter {parameter!r}"


def _templates(definition: ResourceType) -> Iterator[str]:
    def strings(value: Any) -> Iterator[str]:
        if isinstance(value, str):
            yield value
        elif isinstance(value, dict):
            for inner in value.values():
                yield from strings(inner)
        elif isinstance(value, list | tuple):
            for inner in value:
                yield from strings(inner)

    sources: list[Any] = [definition.id, definition.name, definition.home or ""]
    for detail in definition.detail.values():
        sources.append(detail.with_)
        sources.append(detail.take)
    for text in strings(sources):
        for found in re.findall(r"\{([A-Za-z_][\w.\-]*)\}", text):
            if found.split(".")[0] in ("item", "over") or found.split(".")[0] in definition.detail:
                yield found


def _resolve(expression: str, form: Any, place: str, problems: list[str]) -> Any:
    try:
        parsed: Any = jmespath.compile(expression).parsed
        return _walk(parsed, form)
    except _UnknownFieldError as error:
        problems.append(f"{place}: {error} (in {expression!r})")
        return None


def _walk(node: dict[str, Any], form: Any) -> Any:
    kind, children = node["type"], node["children"]
    if form is None:
        return None
    if kind in ("current", "identity"):
        return form
    if kind == "field":
        return _member(form, node["value"])
    if kind in ("subexpression", "pipe"):
        for child in children:
            form = _walk(child, form)
        return form
    if kind == "index_expression":
        return _walk(children[1], _walk(children[0], form))
    if kind == "index":
        return _element(form)
    if kind == "slice":
        return form
    if kind in ("projection", "value_projection", "filter_projection"):
        inner = _walk(children[1], _element(_walk(children[0], form)))
        return ListOf(inner) if inner is not None else None
    if kind == "flatten":
        outer = _walk(children[0], form)
        element = _element(outer)
        return element if _is_list(element) else outer
    if kind == "multi_select_dict":
        return Fields({child["value"]: _walk(child["children"][0], form) for child in children})
    return None


def _is_policy(form: Any) -> bool:
    # botocore decodes IAM policy documents that its models call strings.
    return getattr(form, "type_name", "") == "string" and "olicy" in form.name


def _is_list(form: Any) -> bool:
    return isinstance(form, ListOf) or getattr(form, "type_name", "") == "list"


def _element(form: Any) -> Any:
    if isinstance(form, ListOf):
        return form.element
    name = getattr(form, "type_name", "")
    if name == "list":
        return form.member
    return form.value if name == "map" else None


def _member(form: Any, name: str) -> Any:
    if form is None:
        return None
    if isinstance(form, Fields):
        members = form.members
    else:
        kind = getattr(form, "type_name", "")
        if kind == "map":
            return form.value
        if kind != "structure":
            raise _UnknownFieldError(f"{name!r} is asked of a {kind or 'list'}")
        if getattr(form, "is_document_type", False):
            return None
        members = form.members
    if name not in members:
        raise _UnknownFieldError(f"no field {name!r}; there are {', '.join(members)}")
    return members[name]


def _mismatches(path: str, form: Any, value: Any) -> Iterator[str]:
    if form is None or value is None:
        return
    if isinstance(value, dict):
        if _is_policy(form):
            return
        for key, inner in value.items():
            try:
                member = _member(form, key)
            except _UnknownFieldError as error:
                yield f"{path}: {error}"
            else:
                yield from _mismatches(f"{path}.{key}", member, inner)
    elif isinstance(value, list):
        if not _is_list(form):
            yield f"{path}: a list, where the answer has {_describe(form)}"
            return
        for i, inner in enumerate(value):
            yield from _mismatches(f"{path}[{i}]", _element(form), inner)
    else:
        yield from _scalar_mismatch(path, form, value)


_PYTHON_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "character": (str,),
    "timestamp": (str,),
    "blob": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "long": (int,),
    "float": (int, float),
    "double": (int, float),
}


def _scalar_mismatch(path: str, form: Any, value: Any) -> Iterator[str]:
    expected = _PYTHON_TYPES.get(getattr(form, "type_name", ""))
    if expected is None:
        yield f"{path}: {value!r}, where the answer has {_describe(form)}"
    elif not isinstance(value, expected) or (isinstance(value, bool) and bool not in expected):
        yield f"{path}: {value!r}, where the answer has a {form.type_name}"
    elif getattr(form, "enum", None) and value not in form.enum:
        yield f"{path}: {value!r} is none of {', '.join(form.enum)}"


def _describe(form: Any) -> str:
    return "a list" if _is_list(form) else f"a {getattr(form, 'type_name', 'structure')}"
