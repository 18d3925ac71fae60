"""Control status: the worst of what is known, and why."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from mappings.controls import Control
from store.model import Outcome


class Status(StrEnum):
    """What is known of a control, worst first."""

    NOT_SATISFIED = "not_satisfied"
    INCOMPLETE = "incomplete"
    NEEDS_ATTESTATION = "needs_attestation"
    NOTHING_TO_ASSESS = "nothing_to_assess"
    SATISFIED = "satisfied"
    EXCLUDED = "excluded"


@dataclass(frozen=True, slots=True)
class Judged:
    """A finding as it counts for controls, or several that count alike.

    Attributes:
        controls: the controls that its check names.
        last_seen: when its resource was last read, RFC 3339 in UTC.
        number: how many there are.
    """

    check: str
    controls: tuple[str, ...]
    outcome: Outcome
    last_seen: str
    number: int = 1


@dataclass(frozen=True, slots=True)
class ControlStatus:
    """The status of one control, with the counts behind it.

    Attributes:
        reason: one sentence.
        unknown: findings that a gap or a failed rule stands in the way of.
        last_evidence: when something that counts for it was last read, or "".
    """

    control: Control
    status: Status
    reason: str
    passed: int
    failed: int
    unknown: int
    not_applicable: int
    last_evidence: str


def control_statuses(
    controls: Mapping[str, Control],
    findings: Iterable[Judged],
    checked: Mapping[str, int],
    stale_before: str,
) -> list[ControlStatus]:
    """Work out the status of every control.

    Args:
        checked: control → how many checks there are for it.
        stale_before: findings last seen before this moment are stale, RFC 3339 in UTC.
    """
    counts: dict[str, Counter[Outcome]] = defaultdict(Counter)
    failing: dict[str, set[str]] = defaultdict(set)
    stale: Counter[str] = Counter()
    latest: dict[str, str] = {}
    for finding in findings:
        for number in finding.controls:
            counts[number][finding.outcome] += finding.number
            latest[number] = max(latest.get(number, ""), finding.last_seen)
            if finding.outcome is Outcome.FAIL:
                failing[number].add(finding.check)
            if finding.last_seen < stale_before:
                stale[number] += finding.number
    result = []
    for number, control in controls.items():
        seen = counts[number]
        status, reason = _status(control, seen, len(failing[number]), stale[number], checked.get(number, 0))
        result.append(
            ControlStatus(
                control=control,
                status=status,
                reason=reason,
                passed=seen[Outcome.PASS],
                failed=seen[Outcome.FAIL],
                unknown=seen[Outcome.UNKNOWN] + seen[Outcome.ERROR],
                not_applicable=seen[Outcome.NOT_APPLICABLE],
                last_evidence=latest.get(number, ""),
            )
        )
    return result


def _status(
    control: Control, seen: Counter[Outcome], failing: int, stale: int, checked: int
) -> tuple[Status, str]:
    unknown = seen[Outcome.UNKNOWN] + seen[Outcome.ERROR]
    if seen[Outcome.FAIL]:
        return (
            Status.NOT_SATISFIED,
            f"{_count(seen[Outcome.FAIL], 'finding')} of {_count(failing, 'check')} fail",
        )
    if unknown:
        return Status.INCOMPLETE, f"{_count(unknown, 'finding')} could not be decided"
    if stale:
        return Status.INCOMPLETE, f"{_count(stale, 'finding')} rest on evidence that is out of date"
    if control.evidence in ("manual", "inherited"):
        return Status.NEEDS_ATTESTATION, f"a person must attach: {_first(control.attach)}"
    if not seen[Outcome.PASS]:
        if not checked:
            return Status.NEEDS_ATTESTATION, f"no check answers it here; attach: {_first(control.attach)}"
        return Status.NOTHING_TO_ASSESS, "no resource that its checks apply to was found"
    if control.evidence == "partial":
        return (
            Status.NEEDS_ATTESTATION,
            f"{_count(seen[Outcome.PASS], 'finding')} pass; a person must attach: {_first(control.attach)}",
        )
    return Status.SATISFIED, f"{_count(seen[Outcome.PASS], 'finding')} pass"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _first(attach: Iterable[str]) -> str:
    return "; ".join(attach) or "evidence that it is met"
