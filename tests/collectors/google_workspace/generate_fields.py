"""Writes ``collectors/google_workspace/fields.json`` from Google's discovery documents.

    python -m tests.collectors.google_workspace.generate_fields

The documents are those that google-api-python-client ships. Only names and types of fields and parameters are
taken, of the methods that the definitions call.
"""

import json
import sys
from functools import cache
from pathlib import Path
from typing import Any

from collectors.definition import load_resource_types
from tests.collectors.gcp.generate_fields import Types, documents, methods

FOLDER = Path(__file__).parents[3] / "collectors" / "google_workspace"
TARGET = FOLDER / "fields.json"

OWN_CALLS = ("admin:GET /admin/directory/v1/customers/{customerKey}",)
"""What the collector asks besides the definitions."""

_NAMES = {"admin": "admin.directory_"}
"""Service → how the names of its documents begin, where that is not the service's own."""
_FOR_ALL = ("alt", "fields")
"""Query parameters that every method takes."""


@cache
def published(call: str) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """Return the discovery document and the method of a call; None if none has it."""
    service, _, operation = call.partition(":")
    verb, _, path = operation.partition(" ")
    for document in documents(service, _NAMES.get(service, f"{service}.")):
        prefix = "/" + document["servicePath"]
        for method in methods(document):
            paths = (prefix + method["path"], prefix + method.get("flatPath", method["path"]))
            if method["httpMethod"] == verb and path in paths:
                return document, method
    return None


def scopes(call: str) -> set[str]:
    """Return the scopes any one of which a call takes, as the discovery document says."""
    found = published(call)
    return set(found[1].get("scopes", ())) if found else set()


def main() -> int:
    """Write the file; name the calls that no document has."""
    definitions = load_resource_types([FOLDER]).values()
    calls = sorted({call.call for definition in definitions for call in definition.calls()} | set(OWN_CALLS))
    types = Types()
    known = {call: _call(*found, types) for call in calls if (found := published(call)) is not None}
    for call in calls:
        if call not in known:
            print(f"no discovery document has {call}", file=sys.stderr)
    reached = {name: dict(sorted(fields.items())) for name, fields in sorted(types.found.items())}
    text = json.dumps({"calls": known, "types": reached}, separators=(",", ":"))
    # A line for each call and type, so that a change can be read.
    TARGET.write_text(text.replace('},"', '},\n"') + "\n", encoding="utf-8")
    return 0 if len(known) == len(calls) else 1


def _call(document: dict[str, Any], method: dict[str, Any], types: Types) -> dict[str, Any]:
    parameters = method.get("parameters", {})
    own = [name for name, each in parameters.items() if each["location"] == "query"]
    answer = method["response"]["$ref"]
    return {"form": types.named(document, answer), "query": sorted({*own, *_FOR_ALL})}


if __name__ == "__main__":
    sys.exit(main())
