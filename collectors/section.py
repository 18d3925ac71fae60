"""A provider's section of the configuration, held against the collector's model of it."""

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import ValidationError

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
            f"{provider}: {explain(error, model.model_fields)}",
            "Mend the keys named; see config.example.toml.",
        ) from error
