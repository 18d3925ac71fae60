"""Checks as a pack shows them: the rule as it was applied, its population, and its findings in pages."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from annexa.pack.paging import in_pages
from store.model import Outcome
from store.pack.contents import Contents, PackedFinding, Population

OPEN = (Outcome.FAIL, Outcome.ERROR, Outcome.UNKNOWN)
_RANK = {outcome: rank for rank, outcome in enumerate((*OPEN, Outcome.PASS, Outcome.NOT_APPLICABLE))}


@dataclass(slots=True)
class PackedCheck:
    """A check with what the pack has of it.

    Attributes:
        applied: digest and body of each form in which it was applied, in the order of the pack.
        population: None where nothing of it stood at the end of the period.
        findings: worst first.
    """

    id: str
    applied: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    population: Population | None = None
    findings: list[PackedFinding] = field(default_factory=list)

    @property
    def newest(self) -> dict[str, Any]:
        return self.applied[-1][1]

    @property
    def total(self) -> int:
        return self.population.total if self.population else 0

    @property
    def not_applicable(self) -> int:
        return self.population.not_applicable if self.population else 0

    @property
    def shown(self) -> int:
        return self.population.packed if self.population else 0

    def count(self, outcome: str) -> int:
        """Return how many findings of an outcome stood at the end of the period."""
        return self.population.outcomes.get(outcome, 0) if self.population else 0

    def bears_on(self, control: str) -> bool:
        return any(control in body["controls"] for _, body in self.applied)

    def shows(self, control: str) -> str:
        """Return what it shows of a control, in the words of the newest form that says so."""
        said = [body["controls"][control] for _, body in self.applied if control in body["controls"]]
        return str(said[-1]) if said else ""

    def open_findings(self) -> Iterator[PackedFinding]:
        """Yield those that fail, are unknown, or in error."""
        return (finding for finding in self.findings if finding.outcome in OPEN)

    def pages(self) -> list[list[PackedFinding]]:
        """Return the findings in pages; there is always one."""
        return in_pages(self.findings)


def packed_checks(contents: Contents) -> dict[str, PackedCheck]:
    """Return check id → check, by id, of every check that was applied to something in the pack."""
    found: dict[str, PackedCheck] = {}
    for digest, body in contents.checks.items():
        found.setdefault(body["id"], PackedCheck(body["id"])).applied.append((digest, body))
    for population in contents.populations:
        found[population.check].population = population
    by_check: dict[str, list[PackedFinding]] = defaultdict(list)
    for finding in contents.findings:
        by_check[finding.check].append(finding)
    for check_id, findings in by_check.items():
        found[check_id].findings = sorted(findings, key=_order)
    return dict(sorted(found.items()))


def _order(finding: PackedFinding) -> tuple[Any, ...]:
    return (
        _RANK[finding.outcome],
        finding.provider,
        finding.scope,
        finding.region,
        finding.resource_id,
        finding.first_seen,
    )
