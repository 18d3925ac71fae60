"""What a record holds, and which findings cannot be judged when a call fails."""

from collections import defaultdict
from collections.abc import Iterable, Set
from dataclasses import dataclass
from typing import Any

from annexa.rows import finding_rows, gap_rows
from collectors.definition import Detail, ResourceType
from mappings.check import Check
from mappings.person import PROVIDER
from store import query
from store.record import Record
from tests.annexa.conftest import Annexa

Row = dict[str, Any]


@dataclass(frozen=True)
class Definitions:
    """What is collected and judged, as the definitions say."""

    types: dict[str, ResourceType]
    checks: dict[str, Check]

    def listed_by(self, call: str) -> set[str]:
        """The types whose list needs a call."""
        return {kind for kind, each in self.types.items() if call in _listing(each)}

    def details(self, call: str) -> list[tuple[str, str, Detail]]:
        """The details, as (type, key, detail), that are read with a call."""
        return [
            (kind, key, detail)
            for kind, each in self.types.items()
            for key, detail in each.detail.items()
            if call in (detail.call, detail.prepare.call if detail.prepare else "")
        ]

    def on(self, kind: str) -> list[Check]:
        """The checks that judge the resources of a type one by one."""
        return [check for check in self.checks.values() if check.resource == kind]

    def together(self, kind: str) -> list[Check]:
        """The checks that judge the resources of a type together, if all that they need is collected."""
        wanted = self.types.keys()
        return [c for c in self.checks.values() if kind in c.resources and set(c.resources) <= wanted]

    def reading(self, kind: str, key: str) -> list[Check]:
        """The checks that judge single resources of a type and read a key of their documents."""
        return [check for check in self.on(kind) if check.keys is None or key in check.keys]

    def reading_together(self, kind: str, key: str) -> list[Check]:
        """The checks that judge resources together and read a key of their documents."""
        return [
            check
            for check in self.together(kind)
            if any(rule.members is None or key in rule.members for rule in check.rules)
        ]


def _listing(definition: ResourceType) -> list[str]:
    calls, step = [], definition.list
    while step is not None:
        calls.append(step.call)
        step = step.over
    return calls


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
        """(check, resource) → outcome, but for people, who are matched from everything."""
        return self._outcomes(of_people=False)

    @property
    def of_people(self) -> dict[tuple[str, str], str]:
        """(check, person) → outcome."""
        return self._outcomes(of_people=True)

    def _outcomes(self, of_people: bool) -> dict[tuple[str, str], str]:
        return {
            (row["check"], row["resource_id"]): row["outcome"]
            for row in self.findings
            if (row["provider"] == PROVIDER) == of_people
        }


def needing(
    call: str, whole: State, definitions: Definitions, seen: Set[str] = frozenset()
) -> set[tuple[str, str]]:
    """Return the findings, as (check, resource), that cannot be judged without a call.

    Args:
        whole: the state when everything could be read.
        seen: resources that lists are known to hold although their later pages fail.
    """
    found: set[tuple[str, str]] = set()
    for kind in definitions.listed_by(call):
        unseen = whole.resources.get(kind, set()) - seen
        found |= {(check.id, each) for check in definitions.on(kind) for each in {*unseen, ""}}
        found |= {(check.id, "") for check in definitions.together(kind)}
    for kind, key, detail in definitions.details(call):
        if detail.when is None and detail.each is None:  # else it depends on the resource: see named
            found |= reading(kind, key, whole.resources.get(kind, set()), definitions)
    return found


def named(gaps: Iterable[Row], definitions: Definitions) -> set[tuple[str, str]]:
    """Return the findings, as (check, resource), that cannot be judged with these keys missing."""
    found: set[tuple[str, str]] = set()
    for gap in gaps:
        if gap["key"]:
            found |= reading(gap["resource_type"], gap["key"], {gap["resource_id"]}, definitions)
    return found


def reading(kind: str, key: str, resources: set[str], definitions: Definitions) -> set[tuple[str, str]]:
    """Return the findings, as (check, resource), that need a key of documents of a type."""
    alone = {(check.id, each) for check in definitions.reading(kind, key) for each in resources}
    return alone | {(check.id, "") for check in definitions.reading_together(kind, key)}


def decided(keys: Iterable[tuple[str, str]], state: State) -> dict[tuple[str, str], str]:
    """Return those of the findings that are ``pass`` or ``fail``."""
    outcomes = state.outcomes
    return {key: outcomes[key] for key in keys if outcomes.get(key) in ("pass", "fail")}
