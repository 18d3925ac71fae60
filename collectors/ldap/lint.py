"""Holding definitions, and examples for checks, against what a search can answer with."""

from collections.abc import Iterator, Mapping
from typing import Any

from collectors.definition import Call, ListCall, ResourceType
from collectors.ldap.filters import places
from collectors.ldap.transport import NEVER_ASKED, PARAMETERS, SCOPES
from collectors.ldap.values import known
from collectors.rest import field_lint
from collectors.rest.forms import ANY, Forms

_OTHERS = {
    "ldap:MEMBERS transitive": {"entries": "[Member]"},
    "ldap:MEMBERS unseen": {"entries": "[NamedOnly]"},
    "ldap:CONNECTION": {"tls": "boolean", "version": "string", "cipher": "string"},
}
_NAMED_ONLY = {"dn": "string", "attributes": "Empty", "flags": "Empty"}
_MEMBER = {"dn": "string", "depth": "integer", "via": "string"}


def definition_problems(definition: ResourceType) -> list[str]:
    """Name what is wrong with the calls of a definition, and the fields that no answer has."""
    problems = [f"{call.call}: {problem}" for call in definition.calls() for problem in _problems(call)]
    if problems:
        return problems
    forms, kept = _forms(definition)
    return list(field_lint.unknown_fields(definition, forms, kept))


def document_problems(definition: ResourceType, document: Mapping[str, Any]) -> list[str]:
    """Name every field of an example document that the directory's answer cannot have."""
    forms, kept = _forms(definition)
    problems = field_lint.document_problems(definition, forms, kept, document)
    for key, value in document.items():
        entries = value if isinstance(value, list) else [value]
        problems += [
            problem for entry in entries if isinstance(entry, dict) for problem in _flags(key, entry)
        ]
    return problems


def _problems(call: Call) -> Iterator[str]:
    if call.call in _OTHERS:
        if call.call.startswith("ldap:MEMBERS ") and set(call.with_) != {"base", "group"}:
            yield "takes base and group, and nothing else"
        return
    verb, _, word = call.call.removeprefix("ldap:").partition(" ")
    if verb not in ("SEARCH", "ANONYMOUS") or word not in SCOPES:
        yield "is no call: there are SEARCH and ANONYMOUS with base, onelevel or subtree, and two others"
        return
    if isinstance(call, ListCall) and call.items != "entries":
        yield "has its elements in 'entries'"
    asked = call.with_.get("filter", "")
    if "{" in asked:
        yield "has a template in its filter: write <name>, and give name as a parameter"
    wanted = {"base", *places(asked)}
    if not wanted <= call.with_.keys():
        yield f"lacks {', '.join(sorted(wanted - call.with_.keys()))}"
    if call.with_.keys() - wanted - PARAMETERS:
        yield f"has no use for {', '.join(sorted(call.with_.keys() - wanted - PARAMETERS))}"
    attributes = call.with_.get("attributes", [])
    for name in attributes:
        if name.lower() in NEVER_ASKED:
            yield f"asks for {name}, which holds a secret, or for everything"
        elif name not in known().syntax:
            yield f"asks for {name}, which attributes.json does not have"
    for name in set(call.with_.get("required", [])) - set(attributes):
        yield f"requires {name}, which it does not ask for"


def _forms(definition: ResourceType) -> tuple[Forms, dict[str, str]]:
    types: dict[str, dict[str, str]] = {"Member": _MEMBER, "NamedOnly": _NAMED_ONLY, "Empty": {}}
    answers: dict[int, str] = {}
    for number, call in enumerate(definition.calls()):
        answers[id(call)] = f"Answer{number}"
        if call.call in _OTHERS:
            types[f"Answer{number}"] = _OTHERS[call.call]
            continue
        attributes = call.with_.get("attributes", [])
        types[f"Attributes{number}"] = dict.fromkeys(attributes, "[string]")
        types[f"Flags{number}"] = {name: "[string]" for name in attributes if name in known().flags}
        types[f"Entry{number}"] = {
            "dn": "string",
            "attributes": f"Attributes{number}",
            "flags": f"Flags{number}",
        }
        anonymous = call.call.startswith("ldap:ANONYMOUS")
        types[f"Answer{number}"] = {"entries": "[NamedOnly]" if anonymous else f"[Entry{number}]"}

    def answered(definition: ResourceType, call: Call) -> str:
        del definition
        return answers.get(id(call), ANY)

    forms = Forms(types)
    return forms, field_lint.document_forms(definition, forms, answered)


def _flags(key: str, entry: Mapping[str, Any]) -> Iterator[str]:
    found = entry.get("flags")
    for name, bits in found.items() if isinstance(found, dict) else ():
        unknown = sorted(set(bits) - known().flags.get(name, {}).keys())
        if unknown:
            yield f"{key}.flags.{name}: there is no {', '.join(unknown)}"
