"""Changes by chance, on a record that has everything: none is missed, and nothing is named for nothing."""

import random

import pytest

from store.record import Record
from store.schema import metadata
from store.verify import verify
from tests.store.verification.bench import WITHOUT_MEANING, Bench
from tests.store.verification.everything import Everything
from tests.store.verification.mutations import Mutation, Mutator, made

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def mutator(whole: Bench) -> Mutator:
    return Mutator(whole)


def test_the_record_has_rows_in_every_table(mutator: Mutator) -> None:
    assert {table for table, rows in mutator.rows.items() if rows} == {*metadata.tables, "alembic_version"}


def test_untouched_it_verifies_alone_and_against_all_that_is_outside(everything: Everything) -> None:
    with Record.open(everything.folder) as record:
        assert verify(record).problems == []
        found = verify(record, everything.demands)
    assert (found.problems, found.trusted, len(found.keys), found.timestamps) == ([], True, 2, 3)
    assert found.signed_size == found.witnessed_size == found.stamped_size < found.size


def missed(whole: Bench, mutator: Mutator, seed: int, number: int) -> list[Mutation]:
    """Make so many changes, one at a time, and return those that nobody found."""
    found: list[Mutation] = []
    done = 0
    for mutation in mutator.draw(random.Random(seed)):
        first = made(whole, mutation)
        if first == "" and not means_nothing(whole, mutator, mutation):
            found.append(mutation)
        done += first is not None
        if done == number:
            return found
    raise AssertionError


def means_nothing(whole: Bench, mutator: Mutator, mutation: Mutation) -> bool:
    """Say whether what the record says is the same after the change as before."""
    table, column = mutation.table, mutation.column
    if (table, column) in WITHOUT_MEANING:
        return True
    row = mutator.rows[table][mutation.rowids[0]]
    if (table, column) in {("blob", "data"), ("log", "entry")} and mutation.kind == "flip":
        before = whole.plain(row["dictionary_id"], row[column])
        return before is not None and before == whole.plain(row["dictionary_id"], mutation.after)
    if (table, column) in {("content", "name"), ("content", "region")}:
        # Only the document says what its resource is called, and retention let this one go.
        kept = {blob["hash"] for blob in mutator.rows["blob"].values()}
        return any(mutator.rows[table][rowid]["hash"] not in kept for rowid in mutation.rowids)
    return False


@pytest.mark.parametrize("seed", range(10))
def test_no_change_is_missed(whole: Bench, mutator: Mutator, seed: int) -> None:
    assert missed(whole, mutator, seed, 100) == []


@pytest.mark.parametrize("seed", range(100, 104))
def test_no_change_of_thousands_is_missed(whole: Bench, mutator: Mutator, seed: int) -> None:
    assert missed(whole, mutator, seed, 500) == []
