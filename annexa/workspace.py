"""What commands work with: the configuration and what it brings together, each read when needed."""

import fnmatch
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from annexa import config as configuration
from store.errors import CollectorError, ConfigError, DefinitionError, StoreError

if TYPE_CHECKING:
    from collectors.contract import Collector, Progress
    from collectors.definition import ResourceType
    from mappings.account import AccountDefinition
    from mappings.check import Check
    from mappings.controls import Control
    from scheduler.plan import Selection
    from store.record import Record

BUILT_IN_CHECKS = "checks"

_DERIVED = "people"
"""The checks on what is derived from all providers; they hold whichever are turned on."""


class Workspace:
    """A configuration with the store, definitions and collectors that it names."""

    def __init__(self, config: configuration.Config) -> None:
        self.config = config

    @classmethod
    def load(cls, path: Path | None) -> "Workspace":
        """Read the configuration.

        Raises:
            ConfigError: it is missing or wrong.
        """
        from collectors.registry import provider_names

        return cls(configuration.load(path, frozenset(provider_names())))

    @contextmanager
    def reading(self) -> "Iterator[Record]":
        """Open the record for reading."""
        from store.record import Record

        with Record.open(self.config.store_path) as record:
            yield record

    @contextmanager
    def writing(
        self, *, existing: bool = False, accept_clock: tuple[str, str] | None = None
    ) -> "Iterator[Record]":
        """Open the record for writing, as its only writer.

        Args:
            existing: there must be a store already: a mistyped path must not make one.
            accept_clock: see :meth:`store.record.Record.writer`.

        Raises:
            StoreError: it cannot be opened.
        """
        from annexa.record_config import sealing
        from store.record import Record

        if existing:
            try:
                with self.reading():
                    pass
            except StoreError as error:
                raise self.config.located(error) from error
        sealed = sealing(self.config)
        with Record.writer(self.config.store_path, sealing=sealed, accept_clock=accept_clock) as record:
            yield record

    @cached_property
    def checks(self) -> "dict[str, Check]":
        """The checks on the providers that are turned on, with the configured parameters.

        Raises:
            ConfigError, DefinitionError: a check or a parameter is wrong.
        """
        import mappings
        from mappings.check import load_checks

        built_in = Path(mappings.__file__).parent / BUILT_IN_CHECKS
        own = self.config.definition_folders
        # Parsing takes longer than most commands; what judges nothing here need not be read.
        turned_on = [*self.config.providers, _DERIVED] if self.config.providers else []
        folders = [built_in / provider for provider in turned_on]
        loaded = load_checks([*filter(Path.is_dir, folders), *own], compiled=own)
        found = {check_id: check for check_id, check in loaded.items() if check.provider in turned_on}
        section = self.config.file.checks
        for check_id, params in section.params.items():
            if check_id not in found:
                raise ConfigError(
                    f"{self.config.path}: checks.params: there is no check {check_id!r}",
                    "`annexa checks list` shows the checks there are.",
                )
            try:
                found[check_id] = found[check_id].with_params(params)
            except DefinitionError as error:
                raise ConfigError(
                    f"{self.config.path}: checks.params: {error}",
                    f"`annexa checks show {check_id}` shows what it has.",
                ) from error
        return {
            check_id: check
            for check_id, check in found.items()
            if not any(fnmatch.fnmatchcase(check_id, pattern) for pattern in section.skip)
        }

    @cached_property
    def catalogue(self) -> "dict[str, Check]":
        """All checks there are, built-in and the user's own, of providers turned on or not, skipped or not.

        Raises:
            ConfigError, DefinitionError: a check is wrong.
        """
        import mappings
        from mappings.check import load_checks

        own = self.config.definition_folders
        return load_checks([Path(mappings.__file__).parent / BUILT_IN_CHECKS, *own], compiled=own)

    @cached_property
    def accounts(self) -> "list[AccountDefinition]":
        """How documents tell of accounts of people, built-in and the user's own.

        Raises:
            DefinitionError: a definition is wrong.
        """
        from mappings.account import BUILT_IN_ACCOUNTS, load_accounts

        return load_accounts([BUILT_IN_ACCOUNTS, *self.config.definition_folders])

    @cached_property
    def controls(self) -> "dict[str, Control]":
        from mappings.controls import load_controls

        return load_controls()

    def control(self, number: str) -> "Control":
        """Return one of the 93 controls, given as 5.1 or A.5.1.

        Raises:
            ConfigError: there is no such control.
        """
        found = self.controls.get(number.strip().upper().removeprefix("A."))
        if found is None:
            raise ConfigError(
                f"there is no control {number!r}", "`annexa controls list` shows the 93; 8.24 is one."
            )
        return found

    def collectors(
        self,
        redaction_key: bytes,
        progress: "Callable[[Progress], None] | None" = None,
        cancelled: threading.Event | None = None,
        only: str = "",
    ) -> "list[Collector]":
        """Make the collectors whose sections the configuration has.

        Args:
            only: the one provider to make it for; a fault in another section is no matter then.

        Raises:
            ConfigError: a section is wrong, or there is none.
        """
        from collectors.contract import Tools
        from collectors.privacy import Pseudonyms
        from collectors.registry import collector_class
        from collectors.uninstalled import uninstalled

        if not self.config.providers:
            raise ConfigError(
                f"{self.config.path}: no provider is turned on",
                "Add a section such as [aws]; it may be empty.",
            )
        more: dict[str, Any] = {"progress": progress} if progress else {}
        if cancelled is not None:
            more["cancelled"] = cancelled
        if self.config.file.privacy.pseudonymise:
            more["pseudonyms"] = Pseudonyms.of_store(redaction_key)
        tools = Tools(
            redaction_key=redaction_key,
            concurrency=self.config.file.collect.concurrency,
            definition_folders=self.config.definition_folders,
            **more,
        )
        found: list[Collector] = []
        for provider, section in self.config.providers.items():
            if only not in ("", provider):
                continue
            try:
                found.append(collector_class(provider)(section, tools))
            except CollectorError as error:
                found.append(uninstalled(provider, error))
            except ConfigError as error:
                raise ConfigError(f"{self.config.path}: {error}", error.hint) from error
        return found

    def resource_types(self) -> "dict[str, ResourceType]":
        """Return type → definition over all collectors that are turned on."""
        return {
            kind: definition
            for collector in self.collectors(redaction_key=b"")
            for kind, definition in collector.resource_types().items()
        }

    def selections(self) -> "dict[str, Selection]":
        """Return provider → which resource types the configuration selects."""
        from scheduler.plan import Selection

        section = self.config.file.collect
        selection = Selection(section.only, section.skip)
        return dict.fromkeys(self.config.providers, selection)
