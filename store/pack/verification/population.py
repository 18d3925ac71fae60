"""Populations and samples: counted and drawn again from rows that are proven."""

from collections import Counter, defaultdict
from dataclasses import dataclass

from store.pack import layout
from store.pack.manifest import PopulationRow
from store.pack.sampling import Item, drawn, in_population
from store.pack.verification.examination import PackExamination, Series


@dataclass(frozen=True, slots=True)
class Judged:
    """A finding of the period on a check of the selection.

    Attributes:
        decided: the digest of what decided it where the pack does not show that, else "".
        kinds: the resource types that its check looked at, for a check on a whole scope.
    """

    series: Series
    check: str
    resource: str
    outcome: str
    document: str
    opened: int
    closed: int | None
    decided: str
    kinds: tuple[str, ...]

    @property
    def item(self) -> Item:
        provider, scope, kind, region = self.series.key
        return Item(provider, scope, region, kind, self.resource)

    @property
    def where(self) -> str:
        return f"{self.check} on {self.resource or self.series.label}"


class Populations:
    """What was judged, check by check, until all of it is known and a sample can be drawn.

    Attributes:
        whole: (provider, scope, resource type) of what the shown findings on whole scopes looked at.
    """

    def __init__(self, x: PackExamination) -> None:
        self._x = x
        self._outcomes: dict[str, Counter[str]] = defaultdict(Counter)
        self._population: dict[str, dict[Item, Judged]] = defaultdict(dict)
        self._packed: Counter[str] = Counter()
        self._whole: set[tuple[str, str, str]] = set()

    @property
    def whole(self) -> frozenset[tuple[str, str, str]]:
        return frozenset(self._whole)

    def add(self, one: Judged) -> None:
        outcomes = self._outcomes[one.check]
        if one.closed is None:
            outcomes[one.outcome] += 1
        stands = in_population(one.outcome, one.closed)
        if self._x.selection.sample is None:
            self._packed[one.check] += stands
            self._show(one)
        elif stands:
            self._population[one.check][one.item] = one
        elif not one.decided:
            self._x.problem(one.where, "is shown, though it is outside of what the sample is drawn from")
        self._x.standing += one.closed is None

    def finish(self) -> None:
        """Draw the sample again, and hold the numbers against those of the manifest."""
        sample = self._x.selection.sample
        for check, population in self._population.items():
            if sample is None:
                break
            chosen = drawn(sample, check, population)
            self._packed[check] = len(chosen)
            for item, one in population.items():
                if item in chosen:
                    self._show(one)
                elif not one.decided:
                    self._x.problem(one.where, "is shown, though it was not drawn")
        found = []
        for check, outcomes in sorted(self._outcomes.items()):
            ignored = outcomes["not_applicable"]
            counts = {outcome: number for outcome, number in outcomes.items() if number}
            total = (counts and sum(counts.values()) - ignored) or 0
            found.append(
                PopulationRow(
                    check=check,
                    total=total,
                    not_applicable=ignored,
                    outcomes=counts,
                    packed=self._packed[check],
                )
            )
        if tuple(found) != self._x.manifest.populations:
            self._x.problem(layout.MANIFEST, "its populations are not those that the findings give")

    def _show(self, one: Judged) -> None:
        x, series = self._x, one.series
        until = series.until(one.closed)
        if one.decided and not x.let_go(one.decided, until):
            x.problem(one.where, "what decided it is not in the pack")
        x.shown += 1
        x.rests |= {one.opened, series.replayed.newest(one.closed)}
        if one.document:
            x.need(x.documents, one.document, one.resource, until)
        if not series.key[2]:
            provider, scope, _, _ = series.key
            self._whole.update((provider, scope, kind) for kind in one.kinds)
