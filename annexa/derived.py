"""The resource type that no collector reads: people, matched from the accounts of all providers."""

from collections.abc import Mapping
from typing import Any

from collectors.definition import ResourceType
from mappings.account import ATTRIBUTES
from mappings.person import FACTS, KEYS, PERSON
from store.model import RESERVED_KEYS

_ACCOUNT = {"provider", "scope", "type", "key", "label", "names", "deleted", "sources", *ATTRIBUTES}
_FIELDS = {"identity": {"names", "ambiguous"}, "facts": set(FACTS)}


def person_type() -> ResourceType:
    """Return what lint and lists know of :data:`mappings.person.PERSON`."""
    return ResourceType.model_validate(
        {
            "type": PERSON,
            "title": "Person, over all providers",
            "region": "global",
            "id": "{identity.id}",
            "name": "{identity.name}",
            "detail": {key: {"call": "people:match", "take": key} for key in KEYS},
            "personal": [
                "id",
                "name",
                "identity.names.*.value",
                "identity.ambiguous.*.value",
                *(f"{side}.*.{field}" for side in ("directory", "access") for field in ("key", "label")),
                *(f"{side}.*.names.*.value" for side in ("directory", "access")),
                *(f"{side}.*.sources.*.id" for side in ("directory", "access")),
            ],
        }
    )


def person_problems(definition: ResourceType, document: Mapping[str, Any]) -> list[str]:
    """Name every field of an example document that the document of a person cannot have."""
    del definition
    problems = [f"{key}: a person has no such key" for key in document.keys() - {*KEYS, *RESERVED_KEYS}]
    for key in ("directory", "access"):
        for account in document.get(key, []):
            problems += [f"{key}: no field {field!r}" for field in account.keys() - _ACCOUNT]
    for key, fields in _FIELDS.items():
        problems += [f"{key}: no field {field!r}" for field in document.get(key, {}).keys() - fields]
    return problems
