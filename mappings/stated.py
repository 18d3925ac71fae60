"""What people stated of controls, as it counts at a moment."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from store.statement import Attestation, Exclusion, Filed, State


@dataclass(frozen=True, slots=True)
class Stated:
    """What people stated of one control.

    Attributes:
        exclusion: in force, the newest.
        attestation: in force, of several the one that holds longest.
        lapsed: the attestation that expired last, where none is in force.
    """

    exclusion: Exclusion | None = None
    attestation: Attestation | None = None
    lapsed: Attestation | None = None

    @property
    def why_not(self) -> str:
        """Why no attestation counts any more, in words, or ""."""
        if self.lapsed is None:
            return ""
        return f"the attestation by {self.lapsed.owner} expired on {self.lapsed.valid_until}"


def stated_of_controls(filed: Iterable[Filed], at: str) -> dict[str, Stated]:
    """Return control → what was stated of it.

    Args:
        filed: oldest first.
        at: RFC 3339 in UTC.
    """
    exclusions: dict[str, Exclusion] = {}
    attestations: dict[tuple[State, str], list[Attestation]] = defaultdict(list)
    for one in filed:
        state, statement = one.state(at), one.statement
        if isinstance(statement, Exclusion) and state is State.IN_FORCE:
            exclusions[statement.control] = statement
        elif isinstance(statement, Attestation):
            attestations[state, statement.control].append(statement)
    found = {}
    for control in exclusions.keys() | {control for _, control in attestations}:
        attestation = _longest(attestations[State.IN_FORCE, control])
        lapsed = None if attestation else _longest(attestations[State.EXPIRED, control])
        found[control] = Stated(exclusions.get(control), attestation, lapsed)
    return found


def pruned_statements(filed: Iterable[Filed], since: str) -> int:
    """Return how many statements retention let go that may have counted from a moment on.

    Args:
        since: RFC 3339 in UTC.
    """
    return sum(one.may_have_counted(since) for one in filed)


def _longest(attestations: list[Attestation]) -> Attestation | None:
    return max(attestations, key=lambda one: one.valid_until, default=None)
