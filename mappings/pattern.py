"""Patterns: a rule and its examples that many checks share, written once with parameters.

A check names a pattern and what fills it. It is expanded while it is read, so that a check as it is
applied, kept and shown holds its whole rule. The grammar is described for authors in
``docs/definitions.md``.
"""

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import Field, model_validator

from store.definition_file import parse, read_tables
from store.errors import DefinitionError
from store.model import Strict

_BUILT_IN_PATTERNS = Path(__file__).parent / "patterns"

_TEMPLATE = re.compile(r"\{([a-z][a-z0-9_]*)\}")
"""Neither CEL nor the text of an example has a lone name in braces."""


class Pattern(Strict):
    """What checks have in common; ``{name}`` stands for a parameter.

    Attributes:
        parameters: name → what a check has to say there.
        applies: CEL; becomes that of the check, which then has none of its own.
        passes: CEL; becomes the rule of the check.
        params: defaults of what the rule reads as ``params.…``; a check may put others in their place.
        limits: what no such check can see; follows what the check says itself.
        references: follow those of the check.
        example: precede those of the check.
    """

    id: str = Field(pattern=r"^[a-z0-9_]+(\.[a-z0-9_-]+)+$")
    parameters: dict[str, str] = Field(default_factory=dict)
    applies: str = ""
    passes: str
    params: dict[str, Any] = Field(default_factory=dict)
    limits: str = ""
    references: tuple[str, ...] = ()
    example: tuple[dict[str, Any], ...] = ()

    @model_validator(mode="after")
    def _uses_what_it_has(self) -> "Pattern":
        texts = [self.applies, self.passes, self.params, self.limits]
        used = set(_names([*texts, list(self.references), list(self.example)]))
        for name in sorted(used - self.parameters.keys()):
            raise ValueError(f"{{{name}}} is none of its parameters")
        for name in sorted(self.parameters.keys() - used):
            raise ValueError(f"its parameter {name!r} is used nowhere")
        return self


def add_pattern(patterns: dict[str, Pattern], table: dict[str, Any], path: Path) -> None:
    """Add the pattern that a table of a file defines.

    Raises:
        DefinitionError: a key is wrong, or there is one of the same id.
    """
    pattern = parse(Pattern, table, path, str(table.get("id", "?")))
    if pattern.id in patterns:
        raise DefinitionError(
            f"{path}: pattern {pattern.id!r} is already defined", "Rename or remove one of the two."
        )
    patterns[pattern.id] = pattern


@cache
def built_in_patterns() -> Mapping[str, Pattern]:
    """Return the patterns that any check can follow, whichever providers are turned on."""
    patterns: dict[str, Pattern] = {}
    for path in sorted(_BUILT_IN_PATTERNS.rglob("*.toml")):
        for table in read_tables(path, "pattern"):
            add_pattern(patterns, table, path)
    return patterns


def expand(table: Mapping[str, Any], patterns: Mapping[str, Pattern], path: Path) -> dict[str, Any]:
    """Return the table of a check as if it had been written without its pattern.

    Args:
        table: a ``[[check]]`` with ``pattern`` and ``with``.
        path: the file it is from, for errors.

    Raises:
        DefinitionError: there is no such pattern, or the parameters are not those that it has.
    """
    label = f"{path}: {table.get('id', '?')}"
    plain = {key: value for key, value in table.items() if key not in ("pattern", "with")}
    pattern = _named(table["pattern"], patterns, label)
    values = table.get("with", {})
    if not isinstance(values, dict):
        raise DefinitionError(f"{label}: with: must be a table", "Write with = { name = value, … }.")
    _check_parameters(values, pattern, label)
    for key in ("applies", "passes"):
        if key in plain and getattr(pattern, key):
            raise DefinitionError(
                f"{label}: {key}: pattern {pattern.id!r} gives the rule", "Leave out one of the two."
            )
    try:
        plain["passes"] = _fill(pattern.passes, values)
        if pattern.applies:
            plain["applies"] = _fill(pattern.applies, values)
        params = _fill(pattern.params, values)
        limits = _fill(pattern.limits, values)
        references = _fill(list(pattern.references), values)
        examples = _fill(list(pattern.example), values)
    except _NotTextError as error:
        raise DefinitionError(
            f"{label}: with.{error}: must be text, because pattern {pattern.id!r} puts it within text",
            "Put it in quotes.",
        ) from error
    plain["params"] = params | plain.get("params", {})
    plain["limits"] = f"{plain.get('limits', '')} {limits}".strip()
    plain["references"] = [*plain.get("references", ()), *references]
    plain["example"] = [*examples, *plain.get("example", ())]
    return plain


def _named(name: Any, patterns: Mapping[str, Pattern], label: str) -> Pattern:
    if isinstance(name, str) and name in patterns:
        return patterns[name]
    near = difflib.get_close_matches(str(name), patterns, n=1)
    raise DefinitionError(
        f"{label}: pattern: there is no pattern {name!r}",
        f"Did you mean {near[0]!r}?" if near else f"Patterns are: {', '.join(sorted(patterns)) or 'none'}.",
    )


def _check_parameters(values: Mapping[str, Any], pattern: Pattern, label: str) -> None:
    known = ", ".join(pattern.parameters) or "none"
    for name in sorted(values.keys() - pattern.parameters.keys()):
        raise DefinitionError(
            f"{label}: with.{name}: pattern {pattern.id!r} has no such parameter", f"It has: {known}."
        )
    for name, meaning in pattern.parameters.items():
        if name not in values:
            raise DefinitionError(
                f"{label}: with.{name}: pattern {pattern.id!r} needs it: {meaning}", f"It needs: {known}."
            )


class _NotTextError(Exception):
    """A value that is no text was to be put within text."""


def _fill(value: Any, values: Mapping[str, Any]) -> Any:
    """Fill every template; text that is nothing but one becomes what fills it, of whatever kind."""
    if isinstance(value, dict):
        return {_text(key, values): _fill(each, values) for key, each in value.items()}
    if isinstance(value, list):
        return [_fill(each, values) for each in value]
    if not isinstance(value, str):
        return value
    whole = _TEMPLATE.fullmatch(value)
    return values[whole[1]] if whole else _text(value, values)


def _text(text: str, values: Mapping[str, Any]) -> str:
    def filled(match: re.Match[str]) -> str:
        value = values[match[1]]
        if not isinstance(value, str):
            raise _NotTextError(match[1])
        return value

    return _TEMPLATE.sub(filled, text)


def _names(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        yield from _names([*value, *value.values()])
    elif isinstance(value, Iterable) and not isinstance(value, str):
        for each in value:
            yield from _names(each)
    elif isinstance(value, str):
        yield from (match[1] for match in _TEMPLATE.finditer(value))
