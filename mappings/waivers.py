"""Waivers at a moment: which of them covers a failure. A failure that is covered still fails."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from store.statement import Filed, State, Waiver


@dataclass(frozen=True, slots=True)
class Accepted:
    """A waiver, and the log entry by which it is named."""

    entry: int
    waiver: Waiver


class Waivers:
    """Waivers in force at a moment, and those that have expired by then.

    Args:
        at: RFC 3339 in UTC.
    """

    def __init__(self, filed: Iterable[Filed], at: str) -> None:
        self._found: dict[tuple[State, str, str], list[Accepted]] = defaultdict(list)
        for one in filed:
            state, waiver = one.state(at), one.statement
            if isinstance(waiver, Waiver) and state in (State.IN_FORCE, State.EXPIRED):
                self._found[state, waiver.check, waiver.resource].append(Accepted(one.entry, waiver))

    @property
    def resources(self) -> set[tuple[str, str]]:
        """The (check, resource) that are waived one by one, rather than all of a check."""
        return {(check, resource) for _, check, resource in self._found if resource}

    def covering(self, check: str, provider: str, scope: str, resource: str) -> Accepted | None:
        """Return the waiver in force that covers a failure, of several the one that holds longest."""
        return self._longest(State.IN_FORCE, check, provider, scope, resource)

    def expired(self, check: str, provider: str, scope: str, resource: str) -> Accepted | None:
        """Return the waiver that covered a failure and expired last."""
        return self._longest(State.EXPIRED, check, provider, scope, resource)

    def _longest(self, state: State, check: str, provider: str, scope: str, resource: str) -> Accepted | None:
        found = (
            one
            for named in dict.fromkeys(("", resource))
            for one in self._found.get((state, check, named), ())
            if one.waiver.provider in ("", provider) and one.waiver.scope in ("", scope)
        )
        return max(found, key=lambda one: (one.waiver.valid_until, one.entry), default=None)
