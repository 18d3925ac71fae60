"""Ten thousand resources: memory does not grow with them, and an unchanged run costs next to nothing."""

import json
import resource
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import pytest

from annexa.plugin import (
    Answer,
    Collection,
    Diagnosis,
    Discovery,
    Engine,
    Identity,
    Limit,
    Permissions,
    RateLimiter,
    Request,
    ResourceType,
    Scope,
    Strict,
    Target,
    Tools,
)
from mappings.check import Check
from mappings.rule import Rule
from scheduler.plan import Selection
from scheduler.runner import Runner
from store.model import Severity
from store.record import Record
from store.verify import verify

pytestmark = pytest.mark.slow

PAGE = 100

THING = ResourceType.model_validate(
    {
        "type": "heap.store.thing",
        "title": "Thing",
        "region": "global",
        "id": "thing/{item.Number}",
        "name": "{item.Name}",
        "list": {"call": "store:ListThings", "items": "Things"},
        "detail": {"settings": {"call": "store:GetSettings", "with": {"Number": "{item.Number}"}}},
    }
)


class Heap:
    """A transport that makes things up when they are asked for, and so holds none of them.

    Args:
        salt: with another one, every thing is another.
    """

    def __init__(self, count: int, salt: int = 0) -> None:
        self._count = count
        self._salt = salt

    def send(self, request: Request) -> Answer:
        if request.call == "store:GetSettings":
            settings = _settings(int(request.parameters["Number"]), self._salt)
            return Answer(settings, None, datetime.now(UTC))
        begin = int(request.token or 0)
        end = min(begin + PAGE, self._count)
        things = [
            {"Number": str(n), "Name": f"thing-{n}", "Made": "2024-01-01T00:00:00Z"}
            for n in range(begin, end)
        ]
        return Answer({"Things": things}, end if end < self._count else None, datetime.now(UTC))


def _thing(number: int) -> dict[str, Any]:
    return {"Number": str(number), "Name": f"thing-{number}", "Made": "2024-01-01T00:00:00Z"}


def _settings(number: int, salt: int) -> dict[str, Any]:
    """About 2 KB that differ from thing to thing."""
    tags = [{"Key": f"key-{i}", "Value": f"{number * 7919 + salt + i:x}" * 5} for i in range(30)]
    return {"Encrypted": number % 10 != 0, "Owner": f"team-{number % 17}", "Tags": tags}


class Settings(Strict):
    """None."""


class HeapCollector:
    """As small as a collector can be that reads with the engine."""

    provider: ClassVar[str] = "heap"
    version: ClassVar[str] = "1"
    Settings: ClassVar[type[Strict]] = Settings

    def __init__(self, settings: Mapping[str, Any], tools: Tools) -> None:
        scope = Scope("heap", "one", "one")
        self._scope = scope
        self._engine = Engine(
            scope,
            Heap(settings["count"], settings.get("salt", 0)),
            tools,
            Identity("heap", self.version, "nobody"),
            limiter=RateLimiter([Limit(call="*:*", rate=1_000_000, burst=1_000_000)]),
        )

    @classmethod
    def definitions(cls, folders: Iterable[Path]) -> Mapping[str, ResourceType]:
        del folders
        return {THING.type: THING}

    def resource_types(self) -> Mapping[str, ResourceType]:
        return self.definitions(())

    def discover(self) -> Discovery:
        return Discovery((self._scope,))

    def targets(self, scope: Scope, types: Iterable[str]) -> list[Target]:
        return [Target(kind, "") for kind in types]

    def collect(self, scope: Scope, target: Target) -> Collection:
        return self._engine.collect(THING, target)

    def permissions(self, types: Iterable[str]) -> Permissions:
        return Permissions((), ("{}",))

    def diagnose(self) -> list[Diagnosis]:
        return []

    @classmethod
    def definition_problems(cls, definition: ResourceType) -> list[str]:
        return []

    @classmethod
    def field_problems(cls, definition: ResourceType, document: Mapping[str, Any]) -> list[str]:
        return []


EVALUATED: Counter[str] = Counter()
"""Check → how often its rule was evaluated in this process."""


@dataclass(frozen=True)
class _Counted:
    """A compiled rule that counts."""

    name: str
    program: Any

    def eval(self, activation: Any) -> Any:
        EVALUATED[self.name] += 1
        return self.program.eval(activation)


class CountedCheck(Check):
    """A check that counts how often it is evaluated."""

    @cached_property
    def passes_rule(self) -> Rule:
        rule = Rule.compile(self.passes)
        return replace(rule, program=_Counted(self.id, rule.program))


def _check(name: str, passes: str) -> Check:
    return CountedCheck(
        id=f"heap.store.{name}",
        title=name,
        resource=THING.type,
        passes=passes,
        severity=Severity.LOW,
        controls={"8.24": "shows what the test needs"},
        limits="A test.",
        remediation="None is needed.",
        references=("https://example.org/",),
    )


CHECKS = (
    _check("encrypted", "resource.settings.Encrypted"),
    _check("owned", "resource.settings.Owner != ''"),
    _check("old", "now - timestamp(resource.item.Made) > duration('24h')"),
)


def main() -> None:
    """Collect twice and print what it took; run in a process of its own, whose memory is measured."""
    count, store = int(sys.argv[1]), Path(sys.argv[2])
    before = _peak()
    runs = []
    with Record.writer(store) as record:
        for _ in range(2):
            EVALUATED.clear()
            collector = HeapCollector({"count": count}, Tools(redaction_key=record.redaction_key()))
            result = Runner(record, [collector], CHECKS, {"heap": Selection()}).run("test")
            runs.append({"status": result.status, **result.summary(), "bytes_written": result.bytes_written})
            runs[-1]["evaluated"] = dict(EVALUATED)
        after = _peak()
    with Record.open(store) as record:
        ok = verify(record).ok
    print(json.dumps({"before": before, "after": after, "runs": runs, "verified": ok}))


def _peak() -> int:
    """The most memory that this process has had, in KiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def measured(count: int, folder: Path) -> dict[str, Any]:
    script = "from tests.annexa.test_growth import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", script, str(count), str(folder / "store")],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@dataclass(frozen=True)
class Measured:
    """Two runs over accounts of two sizes."""

    thousand: dict[str, Any]
    ten_thousand: dict[str, Any]


@pytest.fixture(scope="module")
def measurement(tmp_path_factory: pytest.TempPathFactory) -> Measured:
    """Both sizes, each in a process of its own."""
    return Measured(*(measured(count, tmp_path_factory.mktemp("heap")) for count in (1_000, 10_000)))


def test_memory_does_not_grow_with_the_account(measurement: Measured) -> None:
    small, large = measurement.thousand, measurement.ten_thousand
    assert large["after"] < 1.6 * small["after"], "documents alone would take twice what the process has"
    assert large["after"] - large["before"] < 100 * 1024


def test_all_of_it_is_read_and_judged(measurement: Measured) -> None:
    first = measurement.ten_thousand["runs"][0]
    assert first["status"] == "complete"
    assert first["resources"] == first["changed"] == 10_000
    assert first["findings"]["pass"] == 29_000
    assert first["findings"]["fail"] == 1_000
    assert first["evaluated"] == {check.id: 10_000 for check in CHECKS}


def test_an_unchanged_run_changes_nothing_and_writes_next_to_nothing(measurement: Measured) -> None:
    first, second = measurement.ten_thousand["runs"]
    assert second["status"] == "complete"
    assert second["resources"] == 10_000
    assert second["changed"] == 0
    assert second["findings"] == first["findings"]
    assert second["bytes_written"] < 100_000


def test_an_unchanged_run_judges_only_what_depends_on_the_clock(measurement: Measured) -> None:
    assert measurement.ten_thousand["runs"][1]["evaluated"] == {"heap.store.old": 10_000}


def test_the_record_verifies_at_that_size(measurement: Measured) -> None:
    assert measurement.ten_thousand["verified"]
