"""Makes collectors/scim/fields.json from the schemas of RFC 7643, as a SCIM service gives them.

    python -m tests.collectors.scim.generate_fields schemas.json

``schemas.json`` is the answer of ``GET /Schemas`` of a service that serves RFC 7643 §8.7.
"""

import json
import sys
from pathlib import Path
from typing import Any

FIELDS = Path(__file__).parents[3] / "collectors" / "scim" / "fields.json"

_CALLS = {
    "scim:GET /Users": ("Users", "User"),
    "scim:GET /Groups": ("Groups", "Group"),
    "scim:GET /Schemas": ("Schemas", "Schema"),
    "scim:GET /ResourceTypes": ("ResourceTypes", "ResourceType"),
}
_QUERY = ["attributes", "count", "excludedAttributes", "filter", "sortBy", "sortOrder", "startIndex"]
_SCALARS = {"boolean": "boolean", "integer": "integer", "decimal": "number"}
_COMMON = {"schemas": "[string]", "id": "string", "externalId": "string", "meta": "Meta"}
_META = dict.fromkeys(("resourceType", "created", "lastModified", "location", "version"), "string")
_ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"

# RFC 7643 §5 to §7: their schemas describe themselves in prose, and services leave them out.
_META_TYPES: dict[str, dict[str, str]] = {
    "Schema": {**_COMMON, "name": "string", "description": "string", "attributes": "any"},
    "ResourceType": {
        **_COMMON,
        "name": "string",
        "description": "string",
        "endpoint": "string",
        "schema": "string",
        "schemaExtensions": "[any]",
    },
    "Supported": {
        "supported": "boolean",
        "maxOperations": "integer",
        "maxPayloadSize": "integer",
        "maxResults": "integer",
    },
    "AuthenticationScheme": {
        "type": "string",
        "name": "string",
        "description": "string",
        "specUri": "string",
        "documentationUri": "string",
        "primary": "boolean",
    },
    "ServiceProviderConfig": {
        **_COMMON,
        "documentationUri": "string",
        **dict.fromkeys(
            ("patch", "bulk", "filter", "changePassword", "sort", "etag", "pagination"), "Supported"
        ),
        "authenticationSchemes": "[AuthenticationScheme]",
    },
}


def fields(schemas: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the content of ``fields.json``."""
    types: dict[str, dict[str, str]] = {"Meta": _META, **_META_TYPES}
    for schema in schemas:
        name = "EnterpriseUser" if schema["id"] == _ENTERPRISE else schema["name"]
        types[name] = {} if name == "EnterpriseUser" else dict(_COMMON)
        _add(types, name, schema["attributes"])
    types["User"][_ENTERPRISE] = "EnterpriseUser"
    types["Supported"]["cursor"] = types["Supported"]["index"] = "boolean"
    calls: dict[str, Any] = {
        "scim:GET /ServiceProviderConfig": {"form": "ServiceProviderConfig", "query": []}
    }
    for call, (name, element) in _CALLS.items():
        types[name] = {"schemas": "[string]", "Resources": f"[{element}]"}
        calls[call] = {"form": name, "query": _QUERY}
    return {"calls": dict(sorted(calls.items())), "types": {key: types[key] for key in sorted(types)}}


def _add(types: dict[str, dict[str, str]], name: str, attributes: list[dict[str, Any]]) -> None:
    for each in attributes:
        form = _SCALARS.get(each["type"], "string")
        if each["type"] == "complex":
            form = f"{name}.{each['name']}"
            types[form] = {}
            _add(types, form, each.get("subAttributes", []))
        types[name][each["name"]] = f"[{form}]" if each.get("multiValued") else form


def main() -> None:
    """Write the file."""
    content = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    written = json.dumps(fields(content["Resources"]), indent=1)
    FIELDS.write_text(written + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
