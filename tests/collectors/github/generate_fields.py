"""Writes ``collectors/github/fields.json`` from GitHub's OpenAPI description.

    python -m tests.collectors.github.generate_fields ghec.json

The description is that of GitHub Enterprise Cloud, which holds the calls of the other plans too; GitHub
publishes it in the repository github/rest-api-description. Only names and types of fields and parameters are
taken, of the calls that the definitions make.
"""

import json
import sys
from pathlib import Path
from typing import Any

from collectors.definition import load_resource_types
from collectors.github.collector import ORGANIZATION, OWN_APP, OWN_USER
from collectors.github.credentials import INSTALLATION, INSTALLATION_TOKEN

FOLDER = Path(__file__).parents[3] / "collectors" / "github"
TARGET = FOLDER / "fields.json"
OWN_CALLS = (ORGANIZATION, OWN_APP, OWN_USER, INSTALLATION, INSTALLATION_TOKEN)
"""What the collector asks besides the definitions."""

ARRAY = "items"
_SCALARS = {"string": "string", "boolean": "boolean", "integer": "integer", "number": "number"}
_ALTERNATIVES = ("allOf", "anyOf", "oneOf")


class Types:
    """Gathers the types that answers are made of.

    Args:
        description: an OpenAPI 3 document.
    """

    def __init__(self, description: dict[str, Any]) -> None:
        self._description = description
        self.found: dict[str, dict[str, str]] = {}

    def resolved(self, schema: dict[str, Any]) -> tuple[dict[str, Any], str]:
        """Follow references; return the schema and the name of the last reference."""
        name = ""
        while "$ref" in schema:
            steps = schema["$ref"].removeprefix("#/").split("/")
            name, schema = steps[-1], self._description
            for step in steps:
                schema = schema[step]
        return schema, name

    def form(self, schema: dict[str, Any], name: str) -> str:
        """Return the form of a schema, and gather what it leads to.

        Args:
            name: what to call it, if it turns out to be a type without a name of its own.
        """
        schema, reference = self.resolved(schema)
        name = reference or name
        more = schema.get("additionalProperties")
        fields = {} if isinstance(more, dict) and more else self._fields(schema)
        if fields:
            if name not in self.found:
                gathered: dict[str, str] = {}
                self.found[name] = gathered
                for field, candidates in fields.items():
                    one = candidates[0] if len(candidates) == 1 else {"anyOf": candidates}
                    gathered[field] = self.form(one, f"{name}.{field}")
            return name
        forms = {self.form(each, name) for each in self._alternatives(schema)} - {"any"}
        if len(forms) == 1:
            return forms.pop()
        kind = schema.get("type")
        if isinstance(kind, list):
            kind = next((each for each in kind if each != "null"), None)
        if kind == "array":
            return f"[{self.form(schema.get('items', {}), f'{name}.item')}]"
        if kind == "object" and isinstance(more, dict) and more:
            return f"{{{self.form(more, f'{name}.value')}}}"
        return _SCALARS.get(str(kind), "any")

    def _alternatives(self, schema: dict[str, Any]) -> list[dict[str, Any]]:
        return [each for key in _ALTERNATIVES for each in schema.get(key, ())]

    def _fields(self, schema: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
        """Return field → its schemas in whichever of the alternatives have it."""
        found = {field: [inner] for field, inner in schema.get("properties", {}).items()}
        for each in self._alternatives(schema):
            for field, inner in self._fields(self.resolved(each)[0]).items():
                known = found.setdefault(field, [])
                known.extend(one for one in inner if one not in known)
        return found


def main(path: str) -> int:
    """Write the file; name the calls that the description does not have."""
    description = json.loads(Path(path).read_text(encoding="utf-8"))
    types = Types(description)
    definitions = load_resource_types([FOLDER]).values()
    calls = {call.call for each in definitions for call in each.calls()} | {each.call for each in OWN_CALLS}
    known, unknown = {}, []
    for call in sorted(calls):
        method, _, template = call.partition(":")[2].partition(" ")
        operation = description["paths"].get(template, {}).get(method.lower())
        if operation is None:
            unknown.append(call)
            continue
        known[call] = {"form": _answer(types, operation, call), "query": sorted(_query(types, operation))}
    for call in unknown:
        print(f"the description does not have {call}", file=sys.stderr)
    reached = {name: dict(sorted(fields.items())) for name, fields in sorted(types.found.items())}
    text = json.dumps({"calls": known, "types": reached}, separators=(",", ":"))
    # A line for each call and type, so that a change can be read.
    TARGET.write_text(text.replace('},"', '},\n"') + "\n", encoding="utf-8")
    return 1 if unknown else 0


def _answer(types: Types, operation: dict[str, Any], call: str) -> str:
    answers = operation["responses"]
    content = types.resolved(answers.get("200") or answers["201"])[0]["content"]
    form = types.form(content["application/json"]["schema"], call.rpartition("/")[2])
    if not form.startswith("["):
        return form
    name = f"list of {form[1:-1]}"
    types.found[name] = {ARRAY: form}
    return name


def _query(types: Types, operation: dict[str, Any]) -> set[str]:
    parameters = [types.resolved(each)[0] for each in operation.get("parameters", ())]
    return {each["name"] for each in parameters if each["in"] == "query"}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
