"""Checks as data: what must hold, why it matters to which control, and how to mend it.

The grammar is described for authors in ``docs/definitions.md``.
"""

import datetime as dt
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import Field, model_validator

from mappings.pattern import Pattern, add_pattern, built_in_patterns, expand
from mappings.rule import Rule
from store.canonical import digest
from store.definition_file import parse, read_kinds
from store.errors import DefinitionError
from store.model import Outcome, Severity, Strict


class Example(Strict):
    """A document and what the check must say of it; the check's own test.

    Attributes:
        expect: the outcome.
        document: what ``resource`` holds, for a check on single resources.
        documents: type → documents, for a check on a whole scope.
        absent: document keys whose value is null, which TOML cannot write: there is none.
        gaps: document keys that could not be read.
        incomplete: types whose lists could not be read to their end.
        now: the moment to judge at; the examples' default is 2026-01-01T00:00:00Z.
        params: parameters that differ from the check's defaults.
        scope: facts of the scope.
    """

    expect: Outcome
    document: dict[str, Any] = Field(default_factory=dict)
    documents: dict[str, list[dict[str, Any]]] = Field(default_factory=dict)
    absent: tuple[str, ...] = ()
    gaps: tuple[str, ...] = ()
    incomplete: tuple[str, ...] = ()
    now: dt.datetime = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    params: dict[str, Any] = Field(default_factory=dict)
    scope: dict[str, Any] = Field(default_factory=dict)


class Check(Strict):
    """A rule over one resource type, or over a whole scope.

    Attributes:
        resource: the type whose documents are judged one by one; or else
        resources: the types that are judged together, once for each scope.
        applies: CEL; where false the outcome is ``not_applicable``.
        passes: CEL; what must hold.
        params: values that the rule reads as ``params.…`` and a user may override.
        controls: ISO/IEC 27002:2022 control → one line on what this check shows of it.
        limits: what the check cannot see.
        equivalents: ``tool:identifier`` of the same check elsewhere.
    """

    id: str = Field(pattern=r"^[a-z0-9_]+(\.[a-z0-9_-]+){2,}$")
    title: str
    resource: str = ""
    resources: tuple[str, ...] = ()
    applies: str = ""
    passes: str
    params: dict[str, Any] = Field(default_factory=dict)
    severity: Severity
    controls: dict[str, str] = Field(min_length=1)
    remediation: str = Field(min_length=10)
    limits: str = Field(min_length=5)
    references: tuple[str, ...] = Field(min_length=1)
    equivalents: tuple[str, ...] = ()
    example: tuple[Example, ...] = ()

    @model_validator(mode="after")
    def _one_subject(self) -> "Check":
        if bool(self.resource) == bool(self.resources):
            raise ValueError("needs either 'resource' (one by one) or 'resources' (as a whole)")
        return self

    @property
    def types(self) -> tuple[str, ...]:
        return self.resources or (self.resource,)

    @property
    def provider(self) -> str:
        return self.id.split(".", 1)[0]

    @cached_property
    def passes_rule(self) -> Rule:
        return Rule.compile(self.passes)

    @cached_property
    def applies_rule(self) -> Rule | None:
        return Rule.compile(self.applies) if self.applies else None

    @cached_property
    def rules(self) -> tuple[Rule, ...]:
        return (self.passes_rule,) if self.applies_rule is None else (self.applies_rule, self.passes_rule)

    @cached_property
    def uses_now(self) -> bool:
        return any(rule.uses_now for rule in self.rules)

    @cached_property
    def keys(self) -> frozenset[str] | None:
        """The document keys that the rules read; None if they read documents as a whole."""
        if any(rule.keys is None for rule in self.rules):
            return None
        return frozenset[str]().union(*(rule.keys or () for rule in self.rules))

    @cached_property
    def digest(self) -> str:
        """SHA-256 of :meth:`applied`."""
        return digest(self.applied())

    def applied(self) -> dict[str, Any]:
        """Return the check as it is applied and kept: everything but its examples."""
        return self.model_dump(mode="json", exclude={"example"})

    def with_params(self, overrides: dict[str, Any]) -> "Check":
        """Return the check with some parameters replaced.

        Raises:
            DefinitionError: a parameter that the check does not have, or of another kind.
        """
        for key, value in overrides.items():
            if key not in self.params:
                known = ", ".join(sorted(self.params)) or "none"
                raise DefinitionError(f"check {self.id} has no parameter {key!r}; it has: {known}")
            if type(value) is not type(self.params[key]):
                raise DefinitionError(
                    f"check {self.id}: parameter {key!r} must be {type(self.params[key]).__name__}"
                )
        # Not model_copy: it would take along the digest that was worked out for the old parameters.
        values = {name: getattr(self, name) for name in type(self).model_fields}
        return type(self).model_construct(**(values | {"params": self.params | overrides}))


def load_checks(folders: Iterable[Path], compiled: Iterable[Path] = ()) -> dict[str, Check]:
    """Read every ``*.toml`` below ``folders`` that holds ``[[check]]`` tables.

    Checks that follow a pattern, built-in or of these folders, are expanded: what is returned is plain.
    Rules are compiled when they are first used, so that reading stays fast.

    Args:
        compiled: those of the folders whose rules are compiled at once, since nobody has yet.

    Raises:
        DefinitionError: a file does not parse, a key is wrong, an id is used twice, or a rule does
            not compile.
    """
    at_once = set(compiled)
    found: dict[str, Check] = {}
    origin: dict[str, Path] = {}
    tables, patterns = _read(folders)
    for folder, path, table in tables:
        plain = expand(table, patterns, path) if "pattern" in table else table
        check = parse(Check, plain, path, str(table.get("id", "?")))
        if check.id in found:
            raise DefinitionError(
                f"{path}: check {check.id!r} is already defined in {origin[check.id]}",
                "Rename or remove one of the two.",
            )
        if folder in at_once:
            _compile(check, path)
        found[check.id] = check
        origin[check.id] = path
    return found


def _read(
    folders: Iterable[Path],
) -> tuple[list[tuple[Path, Path, dict[str, Any]]], dict[str, Pattern]]:
    """Return the tables of checks, each with its folder and file, and the patterns there are."""
    tables: list[tuple[Path, Path, dict[str, Any]]] = []
    patterns = dict(built_in_patterns())
    for folder in folders:
        for path in sorted(folder.rglob("*.toml")):
            kinds = read_kinds(path, "check", "pattern")
            tables.extend((folder, path, table) for table in kinds["check"])
            for table in kinds["pattern"]:
                add_pattern(patterns, table, path)
    return tables, patterns


def _compile(check: Check, path: Path) -> None:
    for key in ("applies", "passes"):
        source = getattr(check, key)
        if source:
            try:
                Rule.compile(source)
            except DefinitionError as error:
                raise DefinitionError(
                    f"{path}: {check.id}: {key}: {error}",
                    "Mend the rule; docs/definitions.md says what it may read.",
                ) from error
