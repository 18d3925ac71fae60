"""Writes ``collectors/github/fields.json`` from GitHub's OpenAPI description.

    python -m tests.collectors.github.generate_fields ghec.json schema.graphql

The description is that of GitHub Enterprise Cloud, which holds the calls of the other plans too; GitHub
publishes it in the repository github/rest-api-description, and the schema of GraphQL in
octokit/graphql-schema.
Only names and types of fields and parameters are taken, of the calls and queries that the definitions make.
Every query is validated against the schema.
"""

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import graphql

from collectors.definition import Call, load_resource_types
from collectors.github.collector import ORGANIZATION, OWN_APP, OWN_USER
from collectors.github.credentials import INSTALLATION, INSTALLATION_TOKEN

FOLDER = Path(__file__).parents[3] / "collectors" / "github"
TARGET = FOLDER / "fields.json"
OWN_CALLS = (ORGANIZATION, OWN_APP, OWN_USER, INSTALLATION, INSTALLATION_TOKEN)
"""What the collector asks besides the definitions."""

ARRAY = "items"
QUERY, ANSWER, GRAPHQL = "graphql:POST /graphql", "graphql answer", "graphql "
_GRAPHQL_SCALARS = {"Boolean": "boolean", "Int": "integer", "Float": "number"}
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


class Selected:
    """Gathers the types of GraphQL as far as queries ask for their fields.

    Args:
        schema: in the schema definition language.
    """

    def __init__(self, schema: str) -> None:
        self._schema = graphql.build_schema(schema, assume_valid=True)
        self._info = graphql.TypeInfo(self._schema)
        self.found: dict[str, dict[str, str]] = {ANSWER: {"data": f"{GRAPHQL}Query"}}

    def add(self, query: str) -> list[str]:
        """Take in a query; return what is wrong with it."""
        document = graphql.parse(query)
        wrong = graphql.validate(self._schema, document)
        if not wrong:
            graphql.visit(document, graphql.TypeInfoVisitor(self._info, _Fields(self)))
        return [str(each) for each in wrong]

    def note(self) -> None:
        """Take in the field that is being visited."""
        parent, field = self._info.get_parent_type(), self._info.get_field_def()
        assert parent is not None
        assert field is not None
        assert field.ast_node is not None
        name = field.ast_node.name.value
        self.found.setdefault(f"{GRAPHQL}{parent.name}", {})[name] = self._form(field.type)

    def _form(self, kind: object) -> str:
        if isinstance(kind, graphql.GraphQLNonNull):
            return self._form(kind.of_type)
        if isinstance(kind, graphql.GraphQLList):
            return f"[{self._form(kind.of_type)}]"
        assert isinstance(kind, graphql.GraphQLNamedType)
        if isinstance(kind, graphql.GraphQLObjectType):
            return f"{GRAPHQL}{kind.name}"
        return _GRAPHQL_SCALARS.get(kind.name, "string")


class _Fields(graphql.Visitor):
    def __init__(self, selected: Selected) -> None:
        super().__init__()
        self._selected = selected

    def enter_field(self, *_: object) -> None:
        self._selected.note()


def queries(calls: Iterable[Call]) -> set[str]:
    """Return the GraphQL queries among calls."""
    return {call.with_["body"]["query"] for call in calls if call.service == "graphql"}


def main(path: str, schema: str) -> int:
    """Write the file; name the calls that the description does not have, and the queries that are wrong."""
    description = json.loads(Path(path).read_text(encoding="utf-8"))
    types = Types(description)
    definitions = load_resource_types([FOLDER]).values()
    every = [*OWN_CALLS, *(call for each in definitions for call in each.calls())]
    calls = {call.call for call in every}
    selected = Selected(Path(schema).read_text(encoding="utf-8"))
    unknown = [wrong for query in sorted(queries(every)) for wrong in selected.add(query)]
    types.found |= selected.found
    known: dict[str, dict[str, Any]] = {QUERY: {"form": ANSWER, "query": []}}
    for call in sorted(calls - {QUERY}):
        method, _, template = call.partition(":")[2].partition(" ")
        operation = description["paths"].get(template, {}).get(method.lower())
        if operation is None:
            unknown.append(call)
            continue
        known[call] = {"form": _answer(types, operation, call), "query": sorted(_query(types, operation))}
    for call in unknown:
        print(f"the description does not have {call}", file=sys.stderr)
    reached = {name: dict(sorted(fields.items())) for name, fields in sorted(types.found.items())}
    text = json.dumps({"calls": dict(sorted(known.items())), "types": reached}, separators=(",", ":"))
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
    sys.exit(main(*sys.argv[1:]))
