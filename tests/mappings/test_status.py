"""The status of a control is the worst of what is known, and says why."""

from collections.abc import Iterable

import pytest

from mappings.controls import Control, load_controls
from mappings.stated import Stated
from mappings.status import ControlStatus, Judged, Status, control_statuses
from store.model import Outcome
from store.statement import Attestation, Exclusion

NOW, FRESH_SINCE, STALE = "2026-01-10T00:00:00.000Z", "2026-01-08T00:00:00.000Z", "2026-01-01T00:00:00.000Z"


def control(reach: str) -> Control:
    """Return the first control that configuration can answer just so far."""
    return next(found for found in load_controls().values() if found.evidence == reach)


TECHNICAL, PARTIAL, MANUAL, INHERITED = (
    control(reach) for reach in ("technical", "partial", "manual", "inherited")
)


def found(outcome: Outcome, *, on: Control = TECHNICAL, check: str = "a.b.c", seen: str = NOW) -> Judged:
    return Judged(check, (on.number,), outcome, seen)


def waived(number: int = 1, until: str = "2026-03-31", *, on: Control = TECHNICAL) -> Judged:
    return Judged("a.b.c", (on.number,), Outcome.FAIL, NOW, number, waived_until=until)


def status(
    findings: Iterable[Judged], *, of: Control = TECHNICAL, checked: int = 1, stated: Stated | None = None
) -> ControlStatus:
    said = {of.number: stated} if stated else {}
    [result] = control_statuses({of.number: of}, findings, {of.number: checked}, FRESH_SINCE, said)
    return result


EXCLUDED = Stated(exclusion=Exclusion(TECHNICAL.number, "There is none here.", "Grace", "2026-01-01"))
ATTESTED = Stated(attestation=Attestation(TECHNICAL.number, "Ada", "It is met.", "2026-01-01", "2026-12-31"))
LAPSED = Stated(lapsed=Attestation(TECHNICAL.number, "Ada", "It is met.", "2025-01-01", "2025-12-31"))


PASS, FAIL, UNKNOWN, ERROR, NOT_APPLICABLE = (
    found(outcome)
    for outcome in (Outcome.PASS, Outcome.FAIL, Outcome.UNKNOWN, Outcome.ERROR, Outcome.NOT_APPLICABLE)
)


def test_a_control_of_which_all_is_known_and_passes_is_satisfied() -> None:
    result = status([PASS, PASS, NOT_APPLICABLE])
    assert (result.status, result.reason) == (Status.SATISFIED, "2 findings pass")


@pytest.mark.parametrize("others", [[PASS], [UNKNOWN], [ERROR], [PASS, UNKNOWN, NOT_APPLICABLE]])
def test_one_failure_is_enough_for_not_satisfied(others: list[Judged]) -> None:
    result = status([*others, FAIL])
    assert (result.status, result.reason) == (Status.NOT_SATISFIED, "1 finding of 1 check fail")


def test_the_reason_counts_failures_and_their_checks() -> None:
    result = status([FAIL, FAIL, found(Outcome.FAIL, check="d.e.f")])
    assert result.reason == "3 findings of 2 checks fail"


@pytest.mark.parametrize("gap", [UNKNOWN, ERROR])
def test_what_could_not_be_decided_makes_it_incomplete(gap: Judged) -> None:
    result = status([PASS, gap])
    assert (result.status, result.reason) == (Status.INCOMPLETE, "1 finding could not be decided")


def test_evidence_that_is_out_of_date_makes_it_incomplete() -> None:
    result = status([PASS, found(Outcome.PASS, seen=STALE)])
    assert (result.status, result.reason) == (
        Status.INCOMPLETE,
        "1 finding rest on evidence that is out of date",
    )


def test_evidence_of_just_that_moment_is_not_out_of_date() -> None:
    assert status([found(Outcome.PASS, seen=FRESH_SINCE)]).status is Status.SATISFIED


def test_a_failure_that_is_out_of_date_is_a_failure() -> None:
    assert status([found(Outcome.FAIL, seen=STALE)]).status is Status.NOT_SATISFIED


@pytest.mark.parametrize("findings", [[], [NOT_APPLICABLE]])
def test_where_nothing_was_found_to_look_at_there_is_nothing_to_assess(findings: list[Judged]) -> None:
    result = status(findings)
    assert result.status is Status.NOTHING_TO_ASSESS
    assert result.passed == 0


def test_a_control_that_no_check_answers_needs_an_attestation() -> None:
    result = status([], checked=0)
    assert result.status is Status.NEEDS_ATTESTATION
    assert TECHNICAL.attach[0] in result.reason


def test_a_control_that_is_answered_in_part_needs_an_attestation_though_all_passes() -> None:
    result = status([found(Outcome.PASS, on=PARTIAL)], of=PARTIAL)
    assert result.status is Status.NEEDS_ATTESTATION
    assert result.reason.startswith("1 finding pass; a person must attach: ")


def test_a_control_that_is_answered_in_part_with_nothing_found_has_nothing_to_assess() -> None:
    assert status([], of=PARTIAL).status is Status.NOTHING_TO_ASSESS


@pytest.mark.parametrize("of", [MANUAL, INHERITED])
@pytest.mark.parametrize("outcome", [None, Outcome.PASS])
def test_what_configuration_cannot_answer_needs_an_attestation(of: Control, outcome: Outcome | None) -> None:
    result = status([found(outcome, on=of)] if outcome else [], of=of)
    assert result.status is Status.NEEDS_ATTESTATION
    assert of.attach[0] in result.reason


@pytest.mark.parametrize("of", [PARTIAL, MANUAL, INHERITED])
def test_a_failure_counts_however_far_configuration_reaches(of: Control) -> None:
    assert status([found(Outcome.FAIL, on=of)], of=of).status is Status.NOT_SATISFIED


@pytest.mark.parametrize("of", [PARTIAL, MANUAL, INHERITED])
def test_a_gap_counts_however_far_configuration_reaches(of: Control) -> None:
    assert status([found(Outcome.UNKNOWN, on=of)], of=of).status is Status.INCOMPLETE


def test_the_counts_are_behind_the_status() -> None:
    result = status([PASS, PASS, FAIL, UNKNOWN, ERROR, NOT_APPLICABLE])
    assert (result.passed, result.failed, result.unknown, result.not_applicable) == (2, 1, 2, 1)


def test_the_last_evidence_is_the_newest() -> None:
    assert status([found(Outcome.PASS, seen=STALE), PASS]).last_evidence == NOW
    assert status([]).last_evidence == ""


def test_a_finding_counts_for_every_control_that_its_check_names_and_for_no_other() -> None:
    controls = {each.number: each for each in (TECHNICAL, PARTIAL, MANUAL)}
    finding = Judged("a.b.c", (TECHNICAL.number, PARTIAL.number), Outcome.FAIL, NOW)
    results = control_statuses(controls, [finding], {TECHNICAL.number: 1, PARTIAL.number: 1}, FRESH_SINCE)
    assert [(result.control, result.failed) for result in results] == [
        (TECHNICAL, 1),
        (PARTIAL, 1),
        (MANUAL, 0),
    ]


def test_an_empty_account_satisfies_nothing() -> None:
    controls = load_controls()
    results = control_statuses(controls, [], dict.fromkeys(controls, 1), FRESH_SINCE)
    assert len(results) == 93
    assert {result.status for result in results} <= {Status.NOTHING_TO_ASSESS, Status.NEEDS_ATTESTATION}


def test_statuses_are_ordered_worst_first() -> None:
    assert next(iter(Status)) is Status.NOT_SATISFIED
    assert list(Status).index(Status.INCOMPLETE) < list(Status).index(Status.SATISFIED)


# Exclusions.


@pytest.mark.parametrize("findings", [[], [FAIL], [UNKNOWN], [PASS], [waived()]])
def test_an_excluded_control_is_excluded_whatever_was_found_and_the_counts_stay(
    findings: list[Judged],
) -> None:
    result = status(findings, stated=EXCLUDED)
    assert (result.status, result.reason) == (Status.EXCLUDED, "There is none here. (approved by Grace)")
    counts = (result.failed, result.unknown, result.passed, result.waived)
    assert sum(counts) == len(findings)


# Waivers.


def test_waived_failures_are_counted_apart_and_do_not_stand_in_the_way() -> None:
    result = status([PASS, waived(2), waived(1, "2026-02-28")])
    assert (result.passed, result.failed, result.waived) == (1, 0, 3)
    assert (result.status, result.reason) == (
        Status.SATISFIED,
        "1 finding pass; 3 failures are waived, the first until 2026-02-28",
    )


def test_a_single_waived_failure_says_until_when() -> None:
    assert status([PASS, waived()]).reason == "1 finding pass; 1 failure is waived until 2026-03-31"


def test_a_failure_that_no_waiver_covers_counts_beside_those_that_are_covered() -> None:
    result = status([PASS, FAIL, waived(2)])
    assert (result.status, result.failed, result.waived) == (Status.NOT_SATISFIED, 1, 2)
    assert result.reason == "1 finding of 1 check fail; 2 failures are waived, the first until 2026-03-31"


@pytest.mark.parametrize("others", [[], [NOT_APPLICABLE], [UNKNOWN]])
def test_where_all_that_is_known_fails_waivers_satisfy_nothing(others: list[Judged]) -> None:
    result = status([*others, waived(2)])
    assert (result.status, result.reason) == (
        Status.NOT_SATISFIED,
        "nothing passes, and all 2 failures are waived until 2026-03-31",
    )


def test_waivers_leave_what_is_unknown_unknown() -> None:
    assert status([PASS, waived(), UNKNOWN]).status is Status.INCOMPLETE


def test_waived_failures_that_are_out_of_date_are_out_of_date() -> None:
    old = Judged("a.b.c", (TECHNICAL.number,), Outcome.FAIL, STALE, waived_until="2026-03-31")
    assert status([PASS, old]).status is Status.INCOMPLETE


def test_it_says_that_a_waiver_expired_where_that_is_why_it_fails() -> None:
    ended = [
        Judged("a.b.c", (TECHNICAL.number,), Outcome.FAIL, NOW, waiver_expired=day)
        for day in ("2026-01-05", "2026-01-09")
    ]
    result = status([PASS, *ended])
    assert (result.status, result.reason) == (
        Status.NOT_SATISFIED,
        "2 findings of 1 check fail; a waiver expired on 2026-01-09",
    )


def test_waived_failures_of_a_partial_control_are_named_beside_what_a_person_must_attach() -> None:
    result = status([found(Outcome.PASS, on=PARTIAL), waived(on=PARTIAL)], of=PARTIAL)
    assert result.status is Status.NEEDS_ATTESTATION
    assert result.reason.startswith("1 finding pass; 1 failure is waived until 2026-03-31; a person must")


# Attestations.


@pytest.mark.parametrize("of", [MANUAL, INHERITED, PARTIAL, TECHNICAL])
@pytest.mark.parametrize("checked", [0, 1])
def test_an_attestation_satisfies_what_a_person_must_give(of: Control, checked: int) -> None:
    result = status([], of=of, checked=checked, stated=ATTESTED)
    assert (result.status, result.reason) == (Status.SATISFIED, "attested by Ada until 2026-12-31")


def test_beside_an_attestation_it_says_what_passes_and_what_is_waived() -> None:
    findings = [found(Outcome.PASS, on=PARTIAL), waived(on=PARTIAL)]
    result = status(findings, of=PARTIAL, stated=ATTESTED)
    assert (result.status, result.reason) == (
        Status.SATISFIED,
        "attested by Ada until 2026-12-31; 1 finding pass; 1 failure is waived until 2026-03-31",
    )


def test_an_attestation_stands_in_where_nothing_passes_and_all_failures_are_waived() -> None:
    assert status([waived()], stated=ATTESTED).status is Status.SATISFIED


@pytest.mark.parametrize(
    ("worse", "expected"),
    [
        (FAIL, Status.NOT_SATISFIED),
        (UNKNOWN, Status.INCOMPLETE),
        (ERROR, Status.INCOMPLETE),
        (found(Outcome.PASS, seen=STALE), Status.INCOMPLETE),
    ],
)
def test_an_attestation_makes_nothing_good_that_is_worse(worse: Judged, expected: Status) -> None:
    assert status([PASS, worse], stated=ATTESTED).status is expected


@pytest.mark.parametrize("of", [MANUAL, INHERITED])
def test_it_says_that_an_attestation_expired_where_one_is_missing(of: Control) -> None:
    result = status([], of=of, stated=LAPSED)
    assert result.status is Status.NEEDS_ATTESTATION
    assert result.reason.startswith("the attestation by Ada expired on 2025-12-31; a person must attach: ")


def test_it_says_so_too_where_nothing_is_there_to_assess_and_where_all_is_waived() -> None:
    words = "the attestation by Ada expired on 2025-12-31"
    assert words in status([], stated=LAPSED).reason
    assert words in status([], checked=0, stated=LAPSED).reason
    assert words in status([waived()], stated=LAPSED).reason
    assert words in status([found(Outcome.PASS, on=PARTIAL)], of=PARTIAL, stated=LAPSED).reason


def test_an_attestation_that_expired_is_no_reason_where_what_passes_is_enough() -> None:
    result = status([PASS], stated=LAPSED)
    assert (result.status, result.reason) == (Status.SATISFIED, "1 finding pass")
