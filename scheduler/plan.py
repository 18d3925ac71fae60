"""The plan of a run: what is due, scope by scope, and in which order."""

import fnmatch
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import chain, zip_longest

from collectors.contract import Collector, Discovery, Target
from store.model import Scope


@dataclass(frozen=True, slots=True)
class Job:
    """One collection to make."""

    collector: Collector
    scope: Scope
    target: Target


@dataclass(frozen=True, slots=True)
class Selection:
    """Which resource types to collect, as shell patterns.

    Attributes:
        only: types must match one of these; empty means all.
        skip: types that match one of these are left out.
    """

    only: tuple[str, ...] = ()
    skip: tuple[str, ...] = ()

    def of(self, types: Iterable[str]) -> list[str]:
        """Return the types that are selected, in the order given."""

        def matches(kind: str, patterns: tuple[str, ...]) -> bool:
            return any(fnmatch.fnmatchcase(kind, pattern) for pattern in patterns)

        return [
            kind
            for kind in types
            if (not self.only or matches(kind, self.only)) and not matches(kind, self.skip)
        ]


def plan(
    collectors: Iterable[Collector],
    discoveries: Mapping[str, Discovery],
    selections: Mapping[str, Selection],
) -> list[Job]:
    """Return the jobs of a run, scopes taking turns so that a slow one holds up no other.

    Args:
        discoveries: provider → what was found there.
        selections: provider → which types to collect.
    """
    queues = []
    for collector in collectors:
        types = selections.get(collector.provider, Selection()).of(collector.resource_types())
        for scope in discoveries[collector.provider].scopes:
            queues.append([Job(collector, scope, target) for target in collector.targets(scope, types)])
    return [job for job in chain.from_iterable(zip_longest(*queues)) if job is not None]
