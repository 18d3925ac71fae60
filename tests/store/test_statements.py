"""What people state is filed as it was said, counts from its first day to its last, and can be withdrawn."""

import datetime as dt
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from store import query, statements
from store.errors import StoreError
from store.record import Record
from store.schema import tombstone
from store.statement import (
    AttachedFile,
    Attestation,
    Exclusion,
    Filed,
    Hold,
    State,
    Statement,
    Waiver,
    Withdrawal,
    payload,
    read_payload,
)
from tests.store.conftest import Clock, tamper

POLICY = AttachedFile("ab" * 32, 12, "policy.pdf", "application/pdf")
ATTESTATION = Attestation("5.1", "Ada", "We have a policy.", "2026-01-01", "2026-12-31", (POLICY,))
WAIVER = Waiver("a.b.c", "aws", "1", "r", "It is public on purpose.", "Grace", "2026-01-01", "2026-03-31")
EXCLUSION = Exclusion("7.4", "There are no premises.", "Grace", "2026-01-01")
HOLD = Hold("A dispute.", "Grace", "2026-01-01")
ALL = (ATTESTATION, WAIVER, EXCLUSION, HOLD)


def filed(statement: Statement, **more: Any) -> Filed:
    return Filed(7, "2026-01-01T00:00:05.000Z", statement.KIND, "00" * 32, "root@host", statement, **more)


@pytest.mark.parametrize("statement", [*ALL, Withdrawal(1, "An error.", "Grace")], ids=lambda each: each.KIND)
def test_a_payload_gives_back_what_was_said(statement: Statement) -> None:
    assert read_payload(payload(statement, "root@host", "00")) == (statement, "root@host")


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "prune"},
        {"filed_by": 7},
        {"more": ""},
        {"says": {}},
        {"says": None},
        {"says": payload(HOLD, "", "")["says"]},
        {"says": {**payload(ATTESTATION, "", "")["says"], "more": ""}},
        {"says": {**payload(ATTESTATION, "", "")["says"], "owner": 7}},
        {"says": {**payload(ATTESTATION, "", "")["says"], "valid_until": ""}},
        {"says": {**payload(ATTESTATION, "", "")["says"], "valid_until": "20261231"}},
        {"says": {**payload(ATTESTATION, "", "")["says"], "valid_until": "2026-02-30"}},
        {"says": {**payload(ATTESTATION, "", "")["says"], "files": [{}]}},
        {
            "says": {
                **payload(ATTESTATION, "", "")["says"],
                "files": [payload(ATTESTATION, "", "")["says"]["files"][0] | {"sha256": "../" * 22}],
            }
        },
        {
            "says": {
                **payload(ATTESTATION, "", "")["says"],
                "files": [payload(ATTESTATION, "", "")["says"]["files"][0] | {"bytes": "12"}],
            }
        },
    ],
)
def test_a_payload_that_is_otherwise_is_malformed(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"statement|valid"):
        read_payload(payload(ATTESTATION, "root@host", "00") | change)


@pytest.mark.parametrize("value", [None, 7, "text", [], {}])
def test_what_is_no_payload_is_malformed(value: Any) -> None:
    with pytest.raises(ValueError, match="malformed"):
        read_payload(value)


def test_what_is_filed_is_read_again_with_who_filed_it(record: Record) -> None:
    given_ = [record.file(statement, "root@host") for statement in ALL]
    assert query.statements(record) == given_
    assert [one.statement for one in given_] == list(ALL)
    assert {one.filed_by for one in given_} == {"root@host"}


def test_nobody_can_guess_from_its_digest_what_was_said(record: Record) -> None:
    assert record.file(HOLD, "root@host").digest != record.file(HOLD, "root@host").digest


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        (replace(ATTESTATION, owner=" "), "empty owner"),
        (replace(ATTESTATION, says="", files=()), "needs a file or a text"),
        (replace(ATTESTATION, valid_from="2027-01-01"), "would end on 2026-12-31, before it begins"),
        (
            replace(ATTESTATION, valid_from="2025-01-01", valid_until="2025-12-31"),
            "would have ended on 2025-12-31 already",
        ),
        (replace(ATTESTATION, valid_until=""), "cannot be kept"),
        (replace(ATTESTATION, says="\ud800"), "cannot be kept"),
        (replace(WAIVER, approver=""), "empty approver"),
        (replace(WAIVER, reason="\n"), "empty reason"),
        (replace(WAIVER, valid_until=""), "cannot be kept"),
        (replace(EXCLUSION, justification=""), "empty justification"),
        (Withdrawal(1, "", "Grace"), "empty reason"),
        (Withdrawal(0, "An error.", "Grace"), "no statement that can be withdrawn"),
        (Withdrawal(99, "An error.", "Grace"), "no statement that can be withdrawn"),
    ],
)
def test_what_cannot_count_is_not_filed(record: Record, statement: Statement, message: str) -> None:
    with pytest.raises(StoreError, match=message):
        record.file(statement, "root@host")
    assert query.statements(record) == []


def test_it_may_end_on_the_day_on_which_it_is_filed(record: Record) -> None:
    record.file(replace(ATTESTATION, valid_until="2026-01-01"), "root@host")


def test_a_statement_is_withdrawn_once_and_remembers_by_which_entry(record: Record) -> None:
    entry = record.file(EXCLUSION, "root@host").entry
    by = record.file(Withdrawal(entry, "There are now.", "Ada"), "root@host")
    first, _ = query.statements(record)
    assert (first.withdrawn, first.withdrawn_by) == (by.at, by.entry)
    assert first.state(by.at) is State.WITHDRAWN
    with pytest.raises(StoreError, match=r"exclusion 1 was withdrawn on 2026-01-01 already"):
        record.file(Withdrawal(entry, "Again.", "Ada"), "root@host")
    with pytest.raises(StoreError, match="no statement that can be withdrawn"):
        record.file(Withdrawal(by.entry, "Never mind.", "Ada"), "root@host")


def test_what_has_ended_by_itself_cannot_be_withdrawn(record: Record) -> None:
    entry = record.file(WAIVER, "root@host").entry
    assert isinstance(record.clock, Clock)
    record.clock.now = dt.datetime(2026, 4, 1, tzinfo=dt.UTC)
    with pytest.raises(StoreError, match="has ended by itself"):
        record.file(Withdrawal(entry, "An error.", "Ada"), "root@host")


def test_the_past_knows_only_what_had_been_filed_and_withdrawn_by_then(record: Record) -> None:
    first = record.file(EXCLUSION, "root@host")
    second = record.file(HOLD, "root@host")
    third = record.file(Withdrawal(first.entry, "An error.", "Ada"), "root@host")
    assert [one.entry for one in query.statements(record, first.at)] == [first.entry]
    [then, _] = query.statements(record, second.at)
    assert then.withdrawn == ""
    [now, *_] = query.statements(record, third.at)
    assert now.withdrawn == third.at


def test_a_payload_that_is_gone_is_an_error(record: Record) -> None:
    record.file(HOLD, "root@host")
    with record.engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM blob")
    with pytest.raises(StoreError, match="holds no blob"):
        query.statements(record)


def test_a_payload_that_retention_let_go_leaves_its_entry(record: Record) -> None:
    one = record.file(HOLD, "root@host")
    with record.engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM blob")
        connection.execute(
            sa.text("INSERT INTO tombstone VALUES (:key, 9)"), {"key": bytes.fromhex(one.digest)}
        )
    [left] = query.statements(record)
    assert (left.statement, left.state(one.at), left.digest) == (None, State.PRUNED, one.digest)


def test_a_payload_of_another_kind_is_an_error(record: Record) -> None:
    hold, exclusion = record.file(HOLD, "root@host"), record.file(EXCLUSION, "root@host")
    with record.engine.begin() as connection:
        connection.exec_driver_sql(
            f"UPDATE log SET kind = 'exclusion', entry = (SELECT entry FROM log WHERE seq = {hold.entry}) "
            f"WHERE seq = {exclusion.entry}"
        )
    with pytest.raises(StoreError, match=f"log entry {exclusion.entry} is damaged"):
        query.statements(record)


# By day.


@pytest.mark.parametrize(
    ("at", "state"),
    [
        ("2025-12-31T23:59:59.999Z", State.NOT_YET),
        ("2026-01-01T00:00:04.999Z", State.NOT_YET),
        ("2026-01-01T00:00:05.000Z", State.IN_FORCE),
        ("2026-03-31T23:59:59.999Z", State.IN_FORCE),
        ("2026-04-01T00:00:00.000Z", State.EXPIRED),
    ],
)
def test_it_counts_from_its_filing_to_the_end_of_its_last_day(at: str, state: State) -> None:
    assert filed(WAIVER).state(at) is state


def test_it_does_not_count_before_its_first_day() -> None:
    later = filed(replace(WAIVER, valid_from="2026-02-01"))
    assert later.state("2026-01-31T23:59:59.999Z") is State.NOT_YET
    assert later.state("2026-02-01T00:00:00.000Z") is State.IN_FORCE
    assert later.begun == "2026-02-01T00:00:00.000Z"


def test_what_has_no_last_day_holds_until_it_is_withdrawn() -> None:
    assert filed(EXCLUSION).state("2999-01-01T00:00:00.000Z") is State.IN_FORCE
    assert filed(EXCLUSION).ended == ""
    assert filed(EXCLUSION, withdrawn="2026-02-01T00:00:00.000Z").ended == "2026-02-01T00:00:00.000Z"


def test_the_last_day_there_is_never_ends() -> None:
    assert filed(replace(WAIVER, valid_until="9999-12-31")).ended == ""


MOMENTS = st.builds(
    "{}T00:00:{}.000Z".format,
    st.dates(dt.date(2025, 12, 1), dt.date(2026, 5, 1)),
    st.sampled_from(["00", "05", "59"]),
)


@given(at=MOMENTS, withdrawn=st.just("") | MOMENTS, day=st.dates(dt.date(2026, 1, 1), dt.date(2026, 4, 1)))
def test_it_is_in_force_exactly_between_its_begin_and_its_end(at: str, withdrawn: str, day: dt.date) -> None:
    one = filed(replace(WAIVER, valid_until=day.isoformat()), withdrawn=withdrawn)
    within = one.begun <= at and (not one.ended or at < one.ended)
    assert (one.state(at) is State.IN_FORCE) == within


def test_a_damaged_entry_is_an_error(record: Record) -> None:
    one = record.file(HOLD, "root@host")
    assert tamper(record.path, "UPDATE log SET entry = x'00' WHERE seq = ?", one.entry) == 1
    with pytest.raises(StoreError, match=f"log entry {one.entry} is damaged"):
        query.statements(record)


def test_reading_statements_looks_only_for_tombstones_of_statements(record: Record) -> None:
    record.file(ATTESTATION, "root")
    asked: list[tuple[str, Any]] = []

    def note(conn: Any, cursor: Any, text: str, parameters: Any, *more: Any) -> None:
        asked.append((text, parameters))

    with record.engine.begin() as connection:
        many = [{"hash": number.to_bytes(32, "big"), "seq": 1} for number in range(5000)]
        connection.execute(tombstone.insert(), many)
        sa.event.listen(record.engine, "before_cursor_execute", note)
        [one] = statements.read(connection, record.blobs)
        sa.event.remove(record.engine, "before_cursor_execute", note)
        lookups = [each for each in asked if "tombstone" in each[0]]
        plans = [
            connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", said).all() for text, said in lookups
        ]
    assert one.statement == ATTESTATION
    assert [plan[0][3].split()[:2] for plan in plans] == [["SEARCH", "tombstone"]]
