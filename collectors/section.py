"""A provider's section of the configuration, held against the collector's model of it."""

from collections.abc import Iterable, Iterator, Mapping
from types import UnionType
from typing import Any, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from store.definition_file import explain
from store.errors import ConfigError
from store.model import Strict

Settings = TypeVar("Settings", bound=Strict)


def read_section(provider: str, model: type[Settings], section: Mapping[str, Any]) -> Settings:
    """Return the section as settings.

    Raises:
        ConfigError: naming every key that is wrong.
    """
    try:
        return model.model_validate(dict(section))
    except ValidationError as error:
        raise ConfigError(
            f"{provider}: {explain(error, _keys(model, section))}",
            "Mend the keys named; see config.example.toml.",
        ) from error


def _keys(model: type[BaseModel], section: Mapping[str, Any], place: str = "") -> Iterator[str]:
    """Every key that the section may have, and those of the sections that it holds, each with its place."""
    for name, field in model.model_fields.items():
        yield place + name
        for at, inner, held in _inside(field.annotation, section.get(name)):
            yield from _keys(inner, held, f"{place}{name}.{at}")


def _inside(annotation: Any, value: Any) -> Iterator[tuple[str, type[BaseModel], Mapping[str, Any]]]:
    """The sections that a key holds: one, several in a row, or several by name."""
    kind, arguments = get_origin(annotation), get_args(annotation)
    held: Iterable[tuple[Any, Any]] = ()
    if kind is dict and isinstance(value, dict):
        held = value.items()
    elif kind is tuple and isinstance(value, list):
        held = enumerate(value)
    elif kind in (Union, UnionType):
        for each in arguments:
            yield from _inside(each, value)
    elif isinstance(annotation, type) and issubclass(annotation, BaseModel) and isinstance(value, dict):
        yield "", annotation, value
    for at, each in held:
        for rest, inner, section in _inside(arguments[-1 if kind is dict else 0], each):
            yield f"{at}.{rest}", inner, section
