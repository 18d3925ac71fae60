"""The conformance kit over a collector that comes with Annexa, with a definition of the test's own."""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import ClassVar

import pytest

from annexa.plugin import Collector, Tools
from annexa.plugin.testing import ConformanceSuite, Fault
from tests.collectors.rest.failures import Failure
from tests.collectors.rest.rules import Matcher, Rule


class DefinedConformance(ConformanceSuite):
    """The kit, where what is read is defined in the test.

    Attributes:
        definition: of ``resource_type``, in TOML.
        impatience: seconds after which an answer that does not come is given up.
    """

    definition: ClassVar[str]
    impatience: ClassVar[float] = 0.5
    _patience: ClassVar[float] = 30
    _folder: ClassVar[Path]

    @pytest.fixture(autouse=True, scope="class")
    @classmethod
    def defined(cls, tmp_path_factory: pytest.TempPathFactory) -> None:
        cls._folder = tmp_path_factory.mktemp("definitions")
        (cls._folder / "conformance.toml").write_text(cls.definition, encoding="utf-8")

    def collector(self, tools: Tools, read_timeout: float) -> Collector:
        """Return a new collector that reads the endpoint."""
        raise NotImplementedError

    def breaking(self, fault: Fault, call: str, *, later_page: bool) -> AbstractContextManager[None]:
        """Return a context in which the endpoint does this to one call; see :meth:`broken`."""
        raise NotImplementedError

    def make_collector(self, tools: Tools) -> Collector:
        own = Tools(
            redaction_key=tools.redaction_key, definition_folders=(self._folder,), cancelled=tools.cancelled
        )
        return self.collector(own, self._patience)

    @contextmanager
    def broken(self, fault: Fault, call: str, *, later_page: bool = False) -> Iterator[None]:
        patience = self._patience
        if fault is Fault.TIMEOUT:
            type(self)._patience = self.impatience
        try:
            with self.breaking(fault, call, later_page=later_page):
                yield
        finally:
            type(self)._patience = patience


class RestConformance(DefinedConformance):
    """The same where rules say which requests go wrong.

    Attributes:
        failures: how the provider fails; one for each fault.
    """

    failures: ClassVar[Mapping[str, Failure]]

    def rules(self) -> list[Rule]:
        """Return the rules that the endpoint goes by."""
        raise NotImplementedError

    def requests(self, call: str, *, later_page: bool) -> list[Matcher]:
        """Return which requests are those of a call, or of its pages after the first."""
        raise NotImplementedError

    @contextmanager
    def breaking(self, fault: Fault, call: str, *, later_page: bool) -> Iterator[None]:
        rules = self.rules()
        matching = self.requests(call, later_page=later_page)
        rules[:] = [Rule(matches, self.failures[fault].fault) for matches in matching]
        try:
            yield
        finally:
            rules.clear()
