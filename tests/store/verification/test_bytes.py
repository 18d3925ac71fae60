"""Damaged bytes are found, and are never a crash."""

import contextlib
import shutil
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from store.errors import StoreError
from store.record import DATABASE
from tests.store.verification.bench import Bench, problems


@settings(max_examples=120, deadline=None)
@given(st.data())
def test_any_flipped_bit_in_a_blob_or_an_entry_is_found(bench: Bench, data: st.DataObject) -> None:
    table, column = data.draw(st.sampled_from([("blob", "data"), ("log", "entry")]))
    rows = bench.all(
        f"SELECT rowid, dictionary_id, {column} FROM {table} WHERE {column} IS NOT NULL ORDER BY rowid"
    )
    rowid, dictionary_id, value = data.draw(st.sampled_from(rows))
    flipped = bytearray(value)
    flipped[data.draw(st.integers(0, len(value) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    # A few bits of the compressed form carry no meaning: what is said stays the same to the byte.
    if bench.plain(dictionary_id, bytes(flipped)) != bench.plain(dictionary_id, value):
        assert bench.after((f"UPDATE {table} SET {column} = ? WHERE rowid = ?", (bytes(flipped), rowid)))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(page=st.integers(0, 10_000), place=st.integers(0, 4095), value=st.integers(1, 255))
def test_a_damaged_file_is_never_a_crash(
    history: Path, tmp_path: Path, page: int, place: int, value: int
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(history, copy, dirs_exist_ok=True)
    damaged = bytearray((copy / DATABASE).read_bytes())
    damaged[(page * 4096 + place) % len(damaged)] ^= value
    (copy / DATABASE).write_bytes(damaged)
    with contextlib.suppress(StoreError):
        problems(copy)
