"""Writes ``collectors/okta/fields.json`` from Okta's OpenAPI specification of the management API.

    python -m tests.collectors.okta.generate_fields management-minimal.yaml

The file is ``dist/current/management-minimal.yaml`` of https://github.com/okta/okta-management-openapi-spec.
Only names and types of fields are taken, of the calls that the definitions make.
"""

import importlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from collectors.definition import load_resource_types
from collectors.okta.collector import TENANT_CALL

FOLDER = Path(__file__).parents[3] / "collectors" / "okta"

_DEEPEST = 9
_SCALARS = frozenset({"string", "boolean", "integer", "number"})


class Specification:
    """The schemas of an OpenAPI document, as forms.

    Attributes:
        types: what was met of them: name → field → form, as ``fields.json`` has them.
    """

    def __init__(self, document: dict[str, Any]) -> None:
        self._document = document
        self.types: dict[str, dict[str, str]] = {}

    def call(self, call: str) -> dict[str, Any] | None:
        """Return form and query parameters of a call as definitions write it; None if there is none."""
        method, _, path = call.partition(":")[2].partition(" ")
        operation = self._document["paths"].get(path, {}).get(method.lower())
        if operation is None:
            return None
        shared = self._document["paths"][path].get("parameters", [])
        parameters = [self._resolved(each) for each in (*shared, *operation.get("parameters", []))]
        answer = self._resolved(operation["responses"]["200"])
        schema = answer["content"]["application/json"]["schema"]
        form = self.form(schema, operation["operationId"])
        if form[0] == "[":
            # A bare array is found under the name that the service gives it.
            self.types[f"{operation['operationId']}Answer"] = {"items": form}
            form = f"{operation['operationId']}Answer"
        return {
            "form": form,
            "query": sorted(each["name"] for each in parameters if each["in"] == "query"),
        }

    def form(self, schema: dict[str, Any], name: str) -> str:
        """Return the form of a schema; one without a name of its own takes ``name``."""
        if "$ref" in schema:
            name = schema["$ref"].rpartition("/")[2]
        return self._united(list(self._parts(schema)), name)

    def _united(self, parts: list[dict[str, Any]], name: str) -> str:
        """Return the form of what has all these schemas, or may have any one of them."""
        if name in self.types:
            return name
        items = [each.get("items", {}) for each in parts if each.get("type") == "array"]
        if any(each.get("properties") for each in parts):
            return "any" if items else self._named(name, parts)
        if items:
            return f"[{self.form(items[0] if len(items) == 1 else {'anyOf': items}, name + 'Item')}]"
        kinds = {each["type"] for each in parts if each.get("type") in _SCALARS}
        if len(kinds) == 1:
            return str(kinds.pop())
        more = [each["additionalProperties"] for each in parts if each.get("additionalProperties")]
        if len(more) == 1 and isinstance(more[0], dict):
            return f"{{{self.form(more[0], name + 'Value')}}}"
        return "any"

    def _named(self, name: str, parts: list[dict[str, Any]]) -> str:
        if name.count(".") > _DEEPEST:
            return "any"
        self.types[name] = found = {}
        fields: dict[str, list[dict[str, Any]]] = {}
        for part in parts:
            for field, schema in part.get("properties", {}).items():
                fields.setdefault(field, []).append(schema)
        for field, schemas in fields.items():
            if field == "_links":  # leads to other calls; their addresses are nobody's fields
                found[field] = "any"
                continue
            alike = all(each == schemas[0] for each in schemas)
            found[field] = self.form(schemas[0] if alike else {"anyOf": schemas}, f"{name}.{field}")
        return name

    def _parts(self, schema: dict[str, Any], within: tuple[str, ...] = ()) -> Iterator[dict[str, Any]]:
        """Yield a schema and all that it consists of, or may be."""
        reference = schema.get("$ref")
        if reference is not None:
            if reference not in within:
                yield from self._parts(self._resolved(schema), (*within, reference))
            return
        yield schema
        mapped = schema.get("discriminator", {}).get("mapping", {}).values()
        parts = [each for key in ("allOf", "oneOf", "anyOf") for each in schema.get(key, [])]
        for part in [*parts, *({"$ref": each} for each in mapped)]:
            yield from self._parts(part, within)

    def _resolved(self, schema: dict[str, Any]) -> dict[str, Any]:
        found: Any = schema
        while "$ref" in found:
            place = found["$ref"]
            found = self._document
            for step in place.removeprefix("#/").split("/"):
                found = found[step.replace("~1", "/").replace("~0", "~")]
        resolved: dict[str, Any] = found
        return resolved


def generate(document: dict[str, Any], calls: list[str]) -> tuple[dict[str, Any], list[str]]:
    """Return what ``fields.json`` holds, and the calls that the document does not have."""
    specification = Specification(document)
    found = {call: specification.call(call) for call in calls}
    types = specification.types
    return (
        {
            "calls": {call: each for call, each in found.items() if each is not None},
            "types": {name: dict(sorted(types[name].items())) for name in sorted(types)},
        },
        [call for call, each in found.items() if each is None],
    )


def main(path: str) -> int:
    """Write the file; return 1 if a call is not in the specification."""
    yaml: Any = importlib.import_module("yaml")  # PyYAML, which the tests need for nothing else
    document = yaml.load(Path(path).read_text(encoding="utf-8"), yaml.CSafeLoader)
    definitions = load_resource_types([FOLDER]).values()
    calls = {call.call for definition in definitions for call in definition.calls()}
    content, unknown = generate(document, sorted({*calls, TENANT_CALL.call}))
    text = json.dumps(content, indent=0, ensure_ascii=False) + "\n"
    (FOLDER / "fields.json").write_text(text, encoding="utf-8")
    for call in unknown:
        print(f"{call}: not in the specification", file=sys.stderr)
    return 1 if unknown else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
