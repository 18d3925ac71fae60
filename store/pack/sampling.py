"""Drawing a sample that anyone can draw again, with nothing but SHA-256."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from store.model import Outcome
from store.pack.contents import Sample


@dataclass(frozen=True, slots=True, order=True)
class Item:
    """What names a finding among those that stand."""

    provider: str
    scope: str
    region: str
    resource_type: str
    resource_id: str


def rank(seed: str, check: str, item: Item) -> bytes:
    """Return what items are put in order by: as good as chance, and the same for everybody."""
    parts = (seed, check, item.provider, item.scope, item.region, item.resource_id)
    return hashlib.sha256("\0".join(parts).encode()).digest()


def in_population(outcome: str, closed: int | None) -> bool:
    """Say whether a finding belongs to what is drawn from: it stands, and its check applies."""
    return closed is None and outcome != Outcome.NOT_APPLICABLE


def drawn(sample: Sample, check: str, population: Iterable[Item]) -> frozenset[Item]:
    """Draw from the population of one check."""
    ordered = sorted(population, key=lambda item: (rank(sample.seed, check, item), item))
    return frozenset(ordered[: sample.number])
