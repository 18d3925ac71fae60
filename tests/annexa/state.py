"""What the record holds at a moment."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from annexa.rows import finding_rows, gap_rows
from store import query
from store.record import Record
from tests.annexa.conftest import Annexa

Row = dict[str, Any]


@dataclass(frozen=True)
class State:
    """What the record holds at a moment, as ``findings``, ``gaps`` and ``evidence list`` print it."""

    findings: list[Row]
    gaps: list[Row]
    resources: dict[str, set[str]]

    @classmethod
    def of(cls, annexa: Annexa) -> "State":
        with Record.open(annexa.store) as record:
            resources = defaultdict(set)
            for kind, resource_id, *_ in query.resources(record):
                resources[kind].add(resource_id)
            return cls(list(finding_rows(record)), list(gap_rows(record)), {**resources})

    @property
    def outcomes(self) -> dict[tuple[str, str], str]:
        return {(row["check"], row["resource_id"]): row["outcome"] for row in self.findings}


def decided(keys: Iterable[tuple[str, str]], state: State) -> dict[tuple[str, str], str]:
    """Return those of the findings that are ``pass`` or ``fail``."""
    outcomes = state.outcomes
    return {key: outcomes[key] for key in keys if outcomes.get(key) in ("pass", "fail")}
