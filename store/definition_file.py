"""Reading TOML definition files, with errors that name the file, the key and the fix."""

import difflib
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypeVar

import tomli
from pydantic import BaseModel, ValidationError

from store.errors import DefinitionError

_TABLES = frozenset({"account", "resource", "check", "control", "limit", "exception", "pattern"})

ModelT = TypeVar("ModelT", bound=BaseModel)


def read_tables(path: Path, key: str) -> list[dict[str, Any]]:
    """Return the ``[[key]]`` tables of a TOML file; none if the file has no such key.

    Raises:
        DefinitionError: see :func:`read_kinds`.
    """
    return read_kinds(path, key)[key]


def read_kinds(path: Path, *keys: str) -> dict[str, list[dict[str, Any]]]:
    """Return the tables of several kinds of a TOML file, under each of the keys.

    Raises:
        DefinitionError: the file cannot be read, is not TOML, holds something that is no
            definition, or one of the keys is no array of tables.
    """
    content = read_toml(path)
    for found in content.keys() - _TABLES:
        near = difflib.get_close_matches(found, _TABLES, n=1)
        hint = f"Did you mean [[{near[0]}]]?" if near else f"Definitions are {', '.join(sorted(_TABLES))}."
        raise DefinitionError(f"{path}: {found!r} is no kind of definition", hint)
    found_tables = {key: content.get(key, []) for key in keys}
    for key, tables in found_tables.items():
        if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
            raise DefinitionError(f"{path}: {key!r} must be an array of tables", f"Write [[{key}]].")
    return found_tables


def read_toml(path: Path) -> dict[str, Any]:
    """Return what a TOML file holds.

    Raises:
        DefinitionError: the file cannot be read or is not TOML.
    """
    # Compiled, unlike tomllib: every command reads a thousand definitions.
    try:
        return tomli.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomli.TOMLDecodeError) as error:
        raise DefinitionError(f"{path}: {error}", "Mend the TOML at the place named.") from error


def parse(model: type[ModelT], table: dict[str, Any], path: Path, label: str) -> ModelT:
    """Validate one table.

    Args:
        label: what to call the table in an error, usually its id.

    Raises:
        DefinitionError: naming every key that is wrong.
    """
    try:
        return model.model_validate(table)
    except ValidationError as error:
        raise DefinitionError(f"{path}: {label}: {explain(error)}", "Mend the keys named.") from error


def explain(error: ValidationError, keys: Iterable[str] = ()) -> str:
    """Say what is wrong, key by key, in words for people.

    Args:
        keys: that there are, each with its place (``inner.key``), so that a misspelt one can be told.
    """
    known = [each.rpartition(".") for each in keys]
    problems = []
    for item in error.errors(include_url=False):
        key = ".".join(str(part) for part in item["loc"])
        said = item["msg"].removeprefix("Value error, ")
        if item["type"] == "extra_forbidden":
            place, _, name = key.rpartition(".")
            beside = [each[2] for each in known if each[0] == place]
            near = difflib.get_close_matches(name, beside, n=1)
            said = f"unknown key; did you mean {near[0]!r}?" if near else "unknown key"
        problems.append(f"{key}: {said}" if key else said)
    return "; ".join(problems)
