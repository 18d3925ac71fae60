"""Writes ``collectors/entra/fields.json`` and ``app_roles.json`` from what Microsoft publishes of Graph.

    python -m tests.collectors.entra.generate_fields METADATA PERMISSIONS

METADATA is ``clean_v10_metadata/cleanMetadata.xml`` of github.com/microsoftgraph/msgraph-metadata,
PERMISSIONS is ``permissions/permissions-descriptions.json`` of
github.com/microsoftgraph/microsoft-graph-devx-content. Only names and types of fields are taken, of the calls
that the definitions make, and the ids of the permissions that they take.
"""

import json
import re
import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from collectors.definition import Call, load_resource_types
from collectors.entra.collector import EntraCollector

FOLDER = Path(__file__).parents[3] / "collectors" / "entra"

_EDM = "{http://docs.oasis-open.org/odata/ns/edm}"
_SCALARS = {
    "Edm.Boolean": "boolean",
    "Edm.Int16": "integer",
    "Edm.Int32": "integer",
    "Edm.Int64": "integer",
    "Edm.Byte": "integer",
    "Edm.Double": "number",
    "Edm.Single": "number",
    "Edm.Decimal": "number",
}
_OPTIONS = ["$count", "$expand", "$filter", "$orderby", "$search", "$select", "$skip", "$skiptoken", "$top"]
"""The query options of OData, which any call of Graph may take."""

_DIRECTORY_OBJECT = "microsoft.graph.directoryObject"
PRINCIPALS = frozenset(
    f"microsoft.graph.{name}" for name in ("user", "group", "servicePrincipal", "device", "orgContact")
)
"""What the directory objects are that hold roles, own applications and are members of groups."""

_DEPTH = 6
"""Steps into an answer that definitions and checks go at most; behind them anything may be."""


class Model:
    """The entity model of Graph, as its metadata describes it."""

    def __init__(self, root: ElementTree.Element) -> None:
        self.types: dict[str, ElementTree.Element] = {}
        self.enums: set[str] = set()
        self.derived: dict[str, list[str]] = {}
        self.roots: dict[str, str] = {}
        schemas = list(root.iter(f"{_EDM}Schema"))
        aliases = {
            each.attrib["Alias"]: each.attrib["Namespace"] for each in schemas if "Alias" in each.attrib
        }
        for schema in schemas:
            for element in schema:
                self._read(element, schema.attrib["Namespace"], aliases)

    def _read(self, element: ElementTree.Element, namespace: str, aliases: Mapping[str, str]) -> None:
        name = f"{namespace}.{element.get('Name', '')}"
        if element.tag in (f"{_EDM}EntityType", f"{_EDM}ComplexType"):
            for each in element.iter():
                for attribute in ("Type", "BaseType"):
                    if attribute in each.attrib:
                        each.set(attribute, _qualified(each.attrib[attribute], aliases))
            self.types[name] = element
            if "BaseType" in element.attrib:
                self.derived.setdefault(element.attrib["BaseType"], []).append(name)
        elif element.tag == f"{_EDM}EnumType":
            self.enums.add(name)
        elif element.tag == f"{_EDM}EntityContainer":
            for each in element:
                if each.tag == f"{_EDM}EntitySet":
                    self.roots[each.attrib["Name"]] = f"Collection({each.attrib['EntityType']})"
                elif each.tag == f"{_EDM}Singleton":
                    self.roots[each.attrib["Name"]] = each.attrib["Type"]

    def own(self, name: str) -> Iterator[tuple[str, str]]:
        """Yield name and type of each property of a type, inherited ones first."""
        element = self.types[name]
        if "BaseType" in element.attrib:
            yield from self.own(element.attrib["BaseType"])
        for each in element:
            if each.tag in (f"{_EDM}Property", f"{_EDM}NavigationProperty"):
                yield each.attrib["Name"], each.attrib["Type"]

    def relations(self, name: str) -> set[str]:
        """Return the names of the properties of a type that lead to other entities."""
        found = self._own_relations(name)
        while "BaseType" in self.types[name].attrib:
            name = self.types[name].attrib["BaseType"]
            found |= self._own_relations(name)
        return found

    def all_relations(self, name: str) -> set[str]:
        """Return the same of every property that an answer of a type may have; see :meth:`all`."""
        return self.relations(name).union(*(self.all_relations(each) for each in self.kinds(name)))

    def _own_relations(self, name: str) -> set[str]:
        return {each.attrib["Name"] for each in self.types[name] if each.tag == f"{_EDM}NavigationProperty"}

    def kinds(self, name: str) -> list[str]:
        """Return the types derived from a type, as far as an answer may have them in its place."""
        found = self.derived.get(name, [])
        return [each for each in found if each in PRINCIPALS] if name == _DIRECTORY_OBJECT else found

    def all(self, name: str) -> dict[str, str]:
        """Return every property that an answer of a type may have, those of derived types included."""
        found = dict(self.own(name))
        for derived in self.kinds(name):
            for field, kind in self.all(derived).items():
                found[field] = kind if found.get(field, kind) == kind else "any"
        return found

    def answer(self, path: str) -> str:
        """Return the type that a path leads to.

        Raises:
            KeyError: it leads nowhere.
        """
        segments = path.removeprefix("/v1.0/").split("/")
        kind = ""
        for segment in segments:
            name, _, key = segment.partition("(")
            if kind.startswith("Collection(") and segment.startswith("{"):
                kind = _element(kind)
            elif not kind:
                kind = self.roots[name]
            else:
                kind = self.all(kind)[name]
            if key:
                kind = _element(kind)
        return kind


class Types:
    """Gathers the types that answers are made of."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self.found: dict[str, dict[str, str]] = {}

    def form(self, kind: str, depth: int = 0) -> str:
        """Return the form of a type, and gather what it leads to."""
        if kind.startswith("Collection("):
            return f"[{self.form(_element(kind), depth)}]"
        if kind in self._model.enums or (kind.startswith("Edm.") and kind not in _SCALARS):
            return "string"
        if kind in _SCALARS:
            return _SCALARS[kind]
        if kind not in self._model.types or depth > _DEPTH:
            return "any"
        name = kind.removeprefix("microsoft.graph.")
        if name not in self.found:
            fields = self.found[name] = {"@odata.context": "string", "@odata.type": "string"}
            far = self._model.all_relations(kind) - EXPANDED
            for field, inner in self._model.all(kind).items():
                fields[field] = "any" if field in far else self.form(inner, depth + 1)
        return name

    def collection(self, kind: str) -> str:
        """Return the form of an answer that lists."""
        name = f"list of {_element(kind).removeprefix('microsoft.graph.')}"
        self.found[name] = {"@odata.context": "string", "value": self.form(kind)}
        return name


EXPANDED = frozenset(
    {
        "assignments",
        "assignmentPolicies",
        "authenticationMethodConfigurations",
        "authenticationStrength",
        "excludes",
        "includes",
        "includeTargets",
        "owners",
        "policy",
        "principal",
        "rules",
    }
)
"""Relations that definitions expand, or that Graph expands by itself."""


def _qualified(kind: str, aliases: Mapping[str, str]) -> str:
    inner = _element(kind)
    alias, _, rest = inner.partition(".")
    if alias in aliases:
        inner = f"{aliases[alias]}.{rest}"
    return f"Collection({inner})" if kind.startswith("Collection(") else inner


def _element(kind: str) -> str:
    return kind.removeprefix("Collection(").removesuffix(")")


def fields(metadata: Path, calls: Iterable[Call]) -> dict[str, object]:
    """Return the content of ``fields.json``."""
    model = Model(ElementTree.fromstring(metadata.read_text(encoding="utf-8-sig")))
    types = Types(model)
    found: dict[str, object] = {}
    for call in sorted({call.call for call in calls}):
        kind = model.answer(call.partition(" ")[2])
        form = types.collection(kind) if kind.startswith("Collection(") else types.form(kind)
        found[call] = {"form": form, "query": _OPTIONS}
    return {
        "calls": found,
        "types": {name: dict(sorted(types.found[name].items())) for name in sorted(types.found)},
    }


def app_roles(permissions: Path, wanted: set[str]) -> dict[str, str]:
    """Return the content of ``app_roles.json``."""
    content = json.loads(permissions.read_text(encoding="utf-8-sig"))
    ids = {each["value"]: each["id"] for each in content["applicationScopesList"]}
    return {name: ids[name] for name in sorted(wanted)}


def main(metadata: str, permissions: str) -> None:
    """Write both files."""
    definitions = load_resource_types([FOLDER]).values()
    calls = [EntraCollector.tenant_call, *(call for each in definitions for call in each.calls())]
    content = json.dumps(fields(Path(metadata), calls), separators=(",", ":"))
    # A line for each call and type, so that a change can be read.
    content = re.sub(r'\},"', '},\n"', content)
    (FOLDER / "fields.json").write_text(content + "\n", encoding="utf-8")
    roles = app_roles(Path(permissions), {name for call in calls for name in call.permission})
    (FOLDER / "app_roles.json").write_text(json.dumps(roles, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
