"""Holds every answer of the fake against the discovery documents that Google publishes.

They come with google-api-python-client. A method, a parameter or a field that they do not have is a mistake
of the fake, or of whoever asked.
"""

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from annexa.demo.loopback import Answer, Asked
from tests.collectors.gcp.generate_fields import documents, methods

# https://cloud.google.com/apis/docs/system-parameters
_SYSTEM_PARAMETERS = {"$alt", "$fields", "$prettyPrint"}
_SCALARS: dict[str, type | tuple[type, ...]] = {
    "string": str,
    "boolean": bool,
    "integer": int,
    "number": (int, float),
}
_WHOLE = re.compile(r"-?[0-9]+")
_VARIABLE = re.compile(r"\{[^}]+\}")


class Gate:
    """Remembers what the fake answered, until somebody asks whether it was right.

    Attributes:
        passed: how many answers were held against a document.
    """

    def __init__(self) -> None:
        self.passed = 0
        self._seen: dict[tuple[str, str, bytes], int] = {}

    def note(self, asked: Asked, answer: Answer) -> None:
        """Remember an answer."""
        self._seen[asked.method, asked.target, answer.body] = answer.status

    def problems(self) -> list[str]:
        """Name what is wrong with the answers since the last time."""
        found = []
        for (verb, target, body), status in list(self._seen.items()):
            found += [f"{verb} {target}: {problem}" for problem in _problems(verb, target, status, body)]
        self.passed += len(self._seen)
        self._seen.clear()
        return found


def _problems(verb: str, target: str, status: int, body: bytes) -> Iterator[str]:
    # The last value of a parameter does: all that is looked at is whether there is such a one.
    address, _, query = target.partition("?")
    service, _, path = address.removeprefix("/").partition("/")
    fitting = _fitting(service, verb, f"/{path}")
    if not fitting:
        yield "no such method"
        return
    document, method = fitting
    named = {pair.partition("=")[0].replace("%24", "$") for pair in query.split("&") if pair}
    parameters = method.get("parameters", {})
    for name in named - parameters.keys() - document["parameters"].keys() - _SYSTEM_PARAMETERS:
        yield f"{method['id']} has no parameter {name!r}"
    for name, each in parameters.items():
        if each.get("required") and each["location"] == "query" and name not in named and status == 200:
            yield f"{method['id']} requires {name!r}"
    if status == 200:
        schema = method.get("response", {})
        yield from mismatches(document["schemas"], schema, json.loads(body), method["id"])


def _fitting(service: str, verb: str, path: str) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """Return the document and the method of a path; of several the one that says most of it."""
    found = [
        (literal, document, method)
        for kind, pattern, literal, document, method in _patterns(service)
        if kind == verb and pattern.fullmatch(path)
    ]
    return max(found, key=lambda each: each[0])[1:] if found else None


@cache
def _patterns(service: str) -> list[tuple[str, re.Pattern[str], int, dict[str, Any], dict[str, Any]]]:
    found = []
    for document in documents(service):
        for method in methods(document):
            flat = "/" + document["servicePath"] + method.get("flatPath", method["path"])
            literal = _VARIABLE.split(flat)
            pattern = re.compile("[^/]+".join(map(re.escape, literal)))
            found.append((method["httpMethod"], pattern, sum(map(len, literal)), document, method))
    return found


def mismatches(
    schemas: Mapping[str, Any], schema: Mapping[str, Any], value: Any, where: str
) -> Iterator[str]:
    """Yield what of a value a schema of a discovery document does not allow.

    Args:
        where: what to call the value.
    """
    schema = schemas[schema["$ref"]] if "$ref" in schema else schema
    kind = schema.get("type", "any")
    if kind == "any":
        return
    if kind == "array":
        if isinstance(value, list):
            for at, each in enumerate(value):
                yield from mismatches(schemas, schema["items"], each, f"{where}[{at}]")
        else:
            yield f"{where}: {value!r} is no list"
    elif kind == "object":
        yield from _of_object(schemas, schema, value, where)
    elif not isinstance(value, _SCALARS[kind]) or (isinstance(value, bool) and kind != "boolean"):
        yield f"{where}: {value!r} is no {kind}"
    elif "enum" in schema and value not in schema["enum"]:
        yield f"{where}: {value!r} is none of {', '.join(schema['enum'])}"
    elif kind == "string" and schema.get("format", "").endswith("int64") and not _WHOLE.fullmatch(str(value)):
        yield f"{where}: {value!r} is no whole number"


def _of_object(
    schemas: Mapping[str, Any], schema: Mapping[str, Any], value: Any, where: str
) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{where}: {value!r} is no object"
        return
    fields, further = schema.get("properties", {}), schema.get("additionalProperties")
    for key, inner in value.items():
        if key in fields:
            yield from mismatches(schemas, fields[key], inner, f"{where}.{key}")
        elif further is not None:
            yield from mismatches(schemas, further, inner, f"{where}.{key}")
        else:
            yield f"{where}: no field {key!r}; there are {', '.join(sorted(fields))}"


def has_documents() -> bool:
    """Say whether the documents are at hand."""
    try:
        import googleapiclient
    except ImportError:
        return False
    return (Path(googleapiclient.__file__).parent / "discovery_cache" / "documents").is_dir()
