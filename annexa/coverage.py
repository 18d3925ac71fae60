"""Which controls have checks, of which providers, and where a check is still missing."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from mappings.check import Check
from mappings.controls import Control
from store.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Coverage:
    """The checks that name a control.

    Attributes:
        checks: provider → how many of its checks do.
        could: the providers whose configuration bears on the control.
    """

    control: Control
    checks: Mapping[str, int]
    could: tuple[str, ...]

    @property
    def covered(self) -> bool:
        return any(self.checks.values())

    @property
    def missing(self) -> tuple[str, ...]:
        """The providers that could answer the control, and have no check for it."""
        if not self.control.answerable:
            return ()
        return tuple(provider for provider in self.could if not self.checks.get(provider))

    def row(self) -> dict[str, Any]:
        """Return it with the keys of the machine-readable output."""
        return {
            "control": self.control.number,
            "title": self.control.title,
            "evidence": self.control.evidence,
            "checks": dict(self.checks),
            "providers": list(self.could),
            "missing": list(self.missing),
        }


def coverage(
    controls: Iterable[Control], checks: Iterable[Check], only: tuple[str, ...] = ()
) -> list[Coverage]:
    """Count the checks that name each control.

    Args:
        only: leave all other providers aside.

    Raises:
        ConfigError: ``only`` names a provider that has no check and could answer no control.
    """
    controls = list(controls)
    counted: dict[str, Counter[str]] = defaultdict(Counter)
    having: set[str] = set()
    for check in checks:
        having.add(check.provider)
        for number in check.controls:
            counted[number][check.provider] += 1
    known = having.union(*(control.providers for control in controls))
    for provider in only:
        if provider not in known:
            raise ConfigError(
                f"no control is answered by a provider {provider!r}",
                f"There are: {', '.join(sorted(known))}.",
            )
    columns = sorted(set(only) or having)
    return [
        Coverage(
            control,
            {provider: counted[control.number][provider] for provider in columns},
            tuple(sorted({*control.providers, *counted[control.number]}.intersection(only or known))),
        )
        for control in controls
    ]


def summary(found: Iterable[Coverage], only: tuple[str, ...] = ()) -> str:
    """Say how many of the controls that configuration can answer have a check, and which have none."""
    counted = [each for each in found if each.control.answerable and (each.could or not only)]
    without = [each.control.number for each in counted if not each.covered]
    could = f" that {' or '.join(only)} could answer" if only else ""
    return (
        f"{len(counted) - len(without)} of {len(counted)} technical or partial controls{could} have a check; "
        f"missing: {', '.join(without) or 'none'}"
    )
