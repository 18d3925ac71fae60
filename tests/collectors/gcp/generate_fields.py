"""Writes ``collectors/gcp/fields.json`` from Google's discovery documents.

    python -m tests.collectors.gcp.generate_fields

The documents are those that google-api-python-client ships. Only names and types of fields and parameters are
taken, of the methods that the definitions call.
"""

import json
import re
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from collectors.definition import load_resource_types

FOLDER = Path(__file__).parents[3] / "collectors" / "gcp"
TARGET = FOLDER / "fields.json"

OWN_CALLS = (
    "cloudasset:GET /v1/{+parent}/assets",
    "cloudresourcemanager:POST /v3/{+resource}:testIamPermissions",
    "serviceusage:GET /v1/{+parent}/services",
)
"""What the collector asks besides the definitions."""

_SCALARS = {"string": "string", "boolean": "boolean", "integer": "integer", "number": "number"}


@cache
def documents(service: str, begin: str = "") -> tuple[dict[str, Any], ...]:
    """Return the discovery documents of all versions of an API.

    Args:
        begin: how the names of its documents begin before the version, if not with its own and a dot.
    """
    import googleapiclient

    folder = Path(googleapiclient.__file__).parent / "discovery_cache" / "documents"
    found = sorted(folder.glob(f"{begin or f'{service}.'}v*.json"))
    return tuple(json.loads(path.read_text(encoding="utf-8")) for path in found)


def methods(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield every method of a document."""
    yield from document.get("methods", {}).values()
    for resource in document.get("resources", {}).values():
        yield from methods(resource)


class Types:
    """Gathers the types that answers are made of."""

    def __init__(self) -> None:
        self.found: dict[str, dict[str, str]] = {}

    def form(self, document: dict[str, Any], schema: dict[str, Any], name: str) -> str:
        """Return the form of a schema, and gather what it leads to.

        Args:
            name: what to call it, if it turns out to be a type of its own.
        """
        if "$ref" in schema:
            return self.named(document, schema["$ref"])
        kind = schema.get("type", "any")
        if kind == "array":
            return f"[{self.form(document, schema['items'], name)}]"
        if kind == "object" and "additionalProperties" in schema:
            return f"{{{self.form(document, schema['additionalProperties'], name)}}}"
        if kind == "object" and "properties" in schema:
            self._gather(document, schema, name)
            return name
        return _SCALARS.get(kind, "any")

    def named(self, document: dict[str, Any], reference: str) -> str:
        """Return the form of one of the document's schemas."""
        name = f"{document['name']}.{document['version']}.{reference}"
        schema = document["schemas"][reference]
        if name in self.found:
            return name
        if "properties" not in schema:
            return self.form(document, schema, name)
        self._gather(document, schema, name)
        return name

    def _gather(self, document: dict[str, Any], schema: dict[str, Any], name: str) -> None:
        fields = self.found[name] = {}
        for field, inner in schema["properties"].items():
            fields[field] = self.form(document, inner, f"{name}.{field}")


def generate() -> tuple[dict[str, Any], list[str]]:
    """Return the content of the file, and the calls that no document has."""
    definitions = load_resource_types([FOLDER]).values()
    calls = sorted({call.call for definition in definitions for call in definition.calls()} | set(OWN_CALLS))
    types = Types()
    found = {call: list(find_methods(call, types)) for call in calls}
    known = {call: candidates for call, candidates in found.items() if candidates}
    reached = {name: dict(sorted(fields.items())) for name, fields in sorted(types.found.items())}
    return {"methods": known, "types": reached}, [call for call in calls if call not in known]


def main() -> int:
    """Write the file; name the calls that no document has."""
    made, unknown = generate()
    for call in unknown:
        print(f"no discovery document has {call}", file=sys.stderr)
    text = json.dumps(made, separators=(",", ":"))
    # A line for each method and type, so that a change can be read.
    text = text.replace('}],"', '}],\n"').replace('},"', '},\n"')
    TARGET.write_text(text + "\n", encoding="utf-8")
    return 1 if unknown else 0


def find_methods(call: str, types: Types) -> Iterator[dict[str, Any]]:
    """Yield what is kept of each method whose path a call has; their answers are gathered."""
    service, _, operation = call.partition(":")
    verb, _, path = operation.partition(" ")
    for document in documents(service):
        for method in methods(document):
            if method["httpMethod"] != verb:
                continue
            prefix = "/" + document["servicePath"]
            if path not in (prefix + method["path"], prefix + method.get("flatPath", method["path"])):
                continue
            parameters = method.get("parameters", {})
            query = {name: each for name, each in parameters.items() if each["location"] == "query"}
            answer = method.get("response", {}).get("$ref")
            yield {
                "id": method["id"],
                "flat": prefix + re.sub(r"\{\+", "{", method.get("flatPath", method["path"])),
                "form": types.named(document, answer) if answer else "any",
                "query": sorted(query),
                "required": sorted(name for name, each in query.items() if each.get("required")),
            }


if __name__ == "__main__":
    sys.exit(main())
