"""Which statements count at a moment: those in force, and of several the one that holds longest."""

from dataclasses import replace

import pytest

from mappings.stated import Stated, stated_of_controls
from mappings.waivers import Waivers
from store.statement import Attestation, Exclusion, Filed, Statement, Waiver

AT = "2026-02-15T12:00:00.000Z"
ATTESTATION = Attestation("5.1", "Ada", "It is met.", "2026-01-01", "2026-12-31")
EXCLUSION = Exclusion("7.4", "There are no premises.", "Grace", "2026-01-01")
WAIVER = Waiver("a.b.c", "aws", "1", "r", "On purpose.", "Grace", "2026-01-01", "2026-03-31")
WHERE = ("a.b.c", "aws", "1", "r")


def filed(*statements: Statement, withdrawn: str = "") -> list[Filed]:
    return [
        Filed(entry, "2026-01-01T00:00:00.000Z", one.KIND, "", "root@host", one, withdrawn)
        for entry, one in enumerate(statements)
    ]


def until(statement: Waiver | Attestation, day: str) -> Statement:
    return replace(statement, valid_until=day)


def test_controls_have_what_was_stated_of_them() -> None:
    assert stated_of_controls(filed(ATTESTATION, EXCLUSION, WAIVER), AT) == {
        "5.1": Stated(attestation=ATTESTATION),
        "7.4": Stated(exclusion=EXCLUSION),
    }


def test_of_several_attestations_the_one_that_holds_longest_counts() -> None:
    longer = until(ATTESTATION, "2027-06-30")
    assert stated_of_controls(filed(longer, ATTESTATION), AT)["5.1"].attestation == longer


def test_the_newest_exclusion_counts() -> None:
    newer = replace(EXCLUSION, justification="Still none.")
    assert stated_of_controls(filed(EXCLUSION, newer), AT)["7.4"].exclusion == newer


def test_an_attestation_that_expired_is_remembered_as_long_as_none_is_in_force() -> None:
    old, older = until(ATTESTATION, "2026-02-14"), until(ATTESTATION, "2026-01-31")
    assert stated_of_controls(filed(old, older), AT)["5.1"] == Stated(lapsed=old)  # type: ignore[arg-type]
    assert stated_of_controls(filed(old, ATTESTATION), AT)["5.1"] == Stated(attestation=ATTESTATION)


def test_what_was_withdrawn_or_is_yet_to_begin_does_not_count() -> None:
    gone = filed(ATTESTATION, EXCLUSION, WAIVER, withdrawn="2026-02-01T00:00:00.000Z")
    later = filed(*(replace(one, valid_from="2026-02-16") for one in (ATTESTATION, EXCLUSION, WAIVER)))
    for none in (gone, later):
        assert set(stated_of_controls(none, AT).values()) <= {Stated()}
        assert Waivers(none, AT).covering(*WHERE) is None
        assert Waivers(none, AT).expired(*WHERE) is None


@pytest.mark.parametrize("field", ["provider", "scope", "resource"])
def test_a_waiver_covers_what_it_names_and_all_where_it_names_nothing(field: str) -> None:
    exact = Waivers(filed(WAIVER), AT)
    every = Waivers(filed(replace(WAIVER, **{field: ""})), AT)
    place = {"provider": 1, "scope": 2, "resource": 3}[field]
    elsewhere = [*WHERE]
    elsewhere[place] = "another"
    assert exact.covering(*WHERE)
    assert exact.covering(*elsewhere) is None
    assert every.covering(*WHERE)
    assert every.covering(*elsewhere)


def test_a_waiver_covers_its_own_check_only() -> None:
    assert Waivers(filed(WAIVER), AT).covering("d.e.f", *WHERE[1:]) is None


def test_of_several_waivers_the_one_that_holds_longest_covers() -> None:
    waivers = Waivers(filed(until(WAIVER, "2026-05-31"), replace(WAIVER, resource="")), AT)
    found = waivers.covering(*WHERE)
    assert found
    assert (found.entry, found.waiver.valid_until) == (0, "2026-05-31")


def test_a_waiver_covers_to_the_end_of_its_last_day_and_is_remembered_then() -> None:
    waivers = filed(until(WAIVER, "2026-02-15"))
    assert Waivers(waivers, "2026-02-15T23:59:59.999Z").covering(*WHERE)
    after = Waivers(waivers, "2026-02-16T00:00:00.000Z")
    assert after.covering(*WHERE) is None
    assert after.expired(*WHERE)


def test_only_those_waived_one_by_one_have_to_be_counted_apart() -> None:
    assert Waivers(filed(WAIVER, replace(WAIVER, resource="")), AT).resources == {("a.b.c", "r")}
