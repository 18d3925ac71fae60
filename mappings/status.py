"""Control status: the worst of what is known, and why."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from mappings.controls import Control
from mappings.stated import Stated
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
        waived_until: for a failure that a waiver covers, the last day on which it does; else "".
        waiver_expired: for a failure that a waiver covered, the last day on which it did; else "".
    """

    check: str
    controls: tuple[str, ...]
    outcome: Outcome
    last_seen: str
    number: int = 1
    waived_until: str = ""
    waiver_expired: str = ""


@dataclass(frozen=True, slots=True)
class ControlStatus:
    """The status of one control, with the counts behind it.

    Attributes:
        reason: one sentence.
        failed: failures that no waiver covers.
        waived: failures that one covers.
        unknown: findings that a gap or a failed rule stands in the way of.
        last_evidence: when something that counts for it was last read, or "".
    """

    control: Control
    status: Status
    reason: str
    passed: int
    failed: int
    waived: int
    unknown: int
    not_applicable: int
    last_evidence: str


@dataclass(slots=True)
class _Sum:
    """What was found for one control.

    Attributes:
        failing: the checks that fail, waived failures left aside.
        waived_until: the first last day of those waivers that cover failures, or "".
        waiver_expired: the newest last day of those waivers that covered what now counts as failed, or "".
    """

    counts: Counter[Outcome] = field(default_factory=Counter)
    failing: set[str] = field(default_factory=set)
    waived: int = 0
    waived_until: str = ""
    waiver_expired: str = ""
    stale: int = 0
    latest: str = ""

    def add(self, finding: Judged, stale_before: str) -> None:
        self.latest = max(self.latest, finding.last_seen)
        if finding.last_seen < stale_before:
            self.stale += finding.number
        if finding.waived_until:
            self.waived += finding.number
            self.waived_until = min(self.waived_until or finding.waived_until, finding.waived_until)
            return
        self.counts[finding.outcome] += finding.number
        if finding.outcome is Outcome.FAIL:
            self.failing.add(finding.check)
            self.waiver_expired = max(self.waiver_expired, finding.waiver_expired)

    @property
    def unknown(self) -> int:
        return self.counts[Outcome.UNKNOWN] + self.counts[Outcome.ERROR]

    @property
    def passing(self) -> str:
        """How many pass, in words, or ""."""
        return f"{_count(number, 'finding')} pass" if (number := self.counts[Outcome.PASS]) else ""

    @property
    def accepted(self) -> str:
        """How many failures are waived and until when, in words, or ""."""
        if self.waived > 1:
            return f"{self.waived} failures are waived, the first until {self.waived_until}"
        return f"1 failure is waived until {self.waived_until}" if self.waived else ""


def control_statuses(
    controls: Mapping[str, Control],
    findings: Iterable[Judged],
    checked: Mapping[str, int],
    stale_before: str,
    stated: Mapping[str, Stated] | None = None,
    pruned: int = 0,
) -> list[ControlStatus]:
    """Work out the status of every control.

    Args:
        checked: control → how many checks there are for it.
        stale_before: findings last seen before this moment are stale, RFC 3339 in UTC.
        stated: control → what people stated of it.
        pruned: how many statements may have counted, and retention let them go: of what, is not known.
    """
    gone = f"retention let go of {_count(pruned, 'statement')} that may have counted here" if pruned else ""
    sums: dict[str, _Sum] = defaultdict(_Sum)
    for finding in findings:
        for number in finding.controls:
            sums[number].add(finding, stale_before)
    result = []
    for number, control in controls.items():
        seen = sums[number]
        status, reason = _status(control, seen, checked.get(number, 0), (stated or {}).get(number, Stated()))
        if status not in (Status.SATISFIED, Status.EXCLUDED):
            reason = _joined(reason, gone)
        result.append(
            ControlStatus(
                control=control,
                status=status,
                reason=reason,
                passed=seen.counts[Outcome.PASS],
                failed=seen.counts[Outcome.FAIL],
                waived=seen.waived,
                unknown=seen.unknown,
                not_applicable=seen.counts[Outcome.NOT_APPLICABLE],
                last_evidence=seen.latest,
            )
        )
    return result


def _status(control: Control, seen: _Sum, checked: int, stated: Stated) -> tuple[Status, str]:
    if stated.exclusion is not None:
        return Status.EXCLUDED, f"{stated.exclusion.justification} (approved by {stated.exclusion.approver})"
    return _worst(seen, stated) or _met(control, seen, checked, stated)


def _worst(seen: _Sum, stated: Stated) -> tuple[Status, str] | None:
    """Return what no attestation makes good, or None."""
    if failed := seen.counts[Outcome.FAIL]:
        fail = f"{_count(failed, 'finding')} of {_count(len(seen.failing), 'check')} fail"
        expired = f"a waiver expired on {seen.waiver_expired}" if seen.waiver_expired else ""
        return Status.NOT_SATISFIED, _joined(fail, expired, seen.accepted)
    if seen.waived and not seen.passing and stated.attestation is None:
        which = f"all {seen.waived} failures are" if seen.waived > 1 else "the only failure is"
        waived = f"nothing passes, and {which} waived until {seen.waived_until}"
        return Status.NOT_SATISFIED, _joined(waived, stated.why_not)
    if seen.unknown:
        return Status.INCOMPLETE, f"{_count(seen.unknown, 'finding')} could not be decided"
    if seen.stale:
        return Status.INCOMPLETE, f"{_count(seen.stale, 'finding')} rest on evidence that is out of date"
    return None


def _met(control: Control, seen: _Sum, checked: int, stated: Stated) -> tuple[Status, str]:
    """Return the status where nothing stands against it: what is missing, or that it is satisfied."""
    if stated.attestation is not None:
        by = f"attested by {stated.attestation.owner} until {stated.attestation.valid_until}"
        return Status.SATISFIED, _joined(by, seen.passing, seen.accepted)
    attach = "; ".join(control.attach)
    if control.evidence in ("manual", "inherited"):
        return Status.NEEDS_ATTESTATION, _joined(stated.why_not, f"a person must attach: {attach}")
    if not seen.passing:
        if not checked:
            missing = f"no check answers it here; attach: {attach}"
            return Status.NEEDS_ATTESTATION, _joined(stated.why_not, missing)
        nothing = "no resource that its checks apply to was found"
        return Status.NOTHING_TO_ASSESS, _joined(stated.why_not, nothing)
    known = _joined(seen.passing, seen.accepted)
    if control.evidence == "partial":
        return Status.NEEDS_ATTESTATION, _joined(known, stated.why_not, f"a person must attach: {attach}")
    return Status.SATISFIED, known


def _joined(*words: str) -> str:
    return "; ".join(filter(None, words))


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
