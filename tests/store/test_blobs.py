"""Blobs go by the hash of their plain bytes, however they are compressed."""

import hashlib
import random
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from store.blobs import Blobs
from store.canonical import canonical
from store.errors import StoreError
from store.log import name_dictionary
from store.record import Record
from store.schema import blob, dictionary, log
from store.verify import verify
from tests.store.conftest import Clock, tamper


def key_of(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def put(record: Record, *blobs: bytes) -> None:
    with record.engine.begin() as connection:
        record.blobs.put(connection, {key_of(data): data for data in blobs})


def get(record: Record, data: bytes) -> bytes:
    with record.engine.connect() as connection:
        return record.blobs.get(connection, key_of(data))


def count(record: Record, table: sa.Table) -> int:
    with record.engine.connect() as connection:
        return int(connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one())


def train(record: Record) -> bool:
    with record.engine.begin() as connection:
        trained = record.blobs.train(connection)
        if trained:
            name_dictionary(connection, record.blobs, "")
        return trained


def documents(number: int, seed: int = 0) -> list[bytes]:
    chance = random.Random(seed)
    return [
        canonical(
            {
                "id": f"arn:{seed}:{i}",
                "rules": [{"RuleId": chance.getrandbits(60) % 10**9}] * 3,
                "open": i % 2 == 0,
            }
        )
        for i in range(number)
    ]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30, deadline=None)
@given(st.binary(max_size=2000))
def test_what_was_put_is_what_one_gets(record: Record, data: bytes) -> None:
    put(record, data)
    assert get(record, data) == data


def test_putting_again_keeps_one_copy(record: Record) -> None:
    put(record, b"one")
    put(record, b"one", b"two")
    assert count(record, blob) == 2


def test_missing_names_what_is_not_held(record: Record) -> None:
    put(record, *documents(600))
    wanted = [key_of(data) for data in [*documents(600), b"other"]]
    with record.engine.connect() as connection:
        assert record.blobs.missing(connection, wanted) == {key_of(b"other")}


def test_a_blob_that_is_not_held_is_a_store_error(record: Record) -> None:
    with pytest.raises(StoreError, match=f"holds no blob {key_of(b'never').hex()}"):
        get(record, b"never")


def damaged(folder: Path, statement: str) -> None:
    with Record.writer(folder, Clock()) as record:
        put(record, b"some words, some words")
    tamper(folder, statement)
    with Record.open(folder) as record, pytest.raises(StoreError, match="is damaged"):
        get(record, b"some words, some words")


def test_a_blob_that_cannot_be_decompressed_is_a_store_error(folder: Path) -> None:
    damaged(folder, "UPDATE blob SET data = x'00112233'")


def test_a_blob_with_something_after_it_is_a_store_error(folder: Path) -> None:
    damaged(folder, "UPDATE blob SET data = CAST(data || x'00' AS BLOB)")


def test_a_blob_whose_dictionary_is_gone_is_a_store_error(folder: Path) -> None:
    damaged(folder, "UPDATE blob SET dictionary_id = 7")


def test_a_blob_with_the_content_of_another_is_a_store_error(folder: Path) -> None:
    with Record.writer(folder, Clock()) as record:
        put(record, b"forged")
    damaged(
        folder,
        "UPDATE blob SET data = (SELECT data FROM blob WHERE rowid = 1) WHERE rowid = 2",
    )


def test_a_few_blobs_are_not_enough_for_a_dictionary(record: Record) -> None:
    put(record, *documents(200))
    assert not train(record)
    assert count(record, dictionary) == 0


def test_many_blobs_with_nothing_in_common_to_learn_from_give_no_dictionary(record: Record) -> None:
    put(record, b"", *(bytes([i]) for i in range(256)), *(bytes([i, i]) for i in range(256)))
    train(record)
    assert get(record, b"\x07") == b"\x07"


def test_a_dictionary_is_trained_once(record: Record) -> None:
    put(record, *documents(400))
    assert train(record)
    assert not train(record)
    assert count(record, dictionary) == 1


def test_a_dictionary_makes_blobs_smaller(record: Record) -> None:
    put(record, *documents(400))
    size = sa.select(sa.func.sum(sa.func.length(blob.c.data)))
    with record.engine.connect() as connection:
        before = connection.execute(size).scalar_one()
    train(record)
    with record.engine.connect() as connection:
        assert connection.execute(size).scalar_one() < before / 2


def test_everything_is_compressed_with_the_dictionary_once_there_is_one(record: Record) -> None:
    put(record, *documents(400))
    train(record)
    put(record, *documents(5, seed=1))
    with record.engine.connect() as connection:
        for table in (blob, log):
            assert set(connection.execute(sa.select(table.c.dictionary_id)).scalars()) == {1}


def test_everything_is_readable_and_verifies_after_training(folder: Path) -> None:
    with Record.writer(folder, Clock()) as record:
        put(record, *documents(400))
        train(record)
        put(record, *documents(5, seed=1))
    with Record.open(folder) as record:
        assert all(get(record, data) == data for data in documents(400) + documents(5, seed=1))
        assert verify(record).problems == []


def test_another_process_writes_with_the_dictionary_that_is_there(folder: Path) -> None:
    with Record.writer(folder, Clock()) as record:
        put(record, *documents(400))
        train(record)
    with Record.writer(folder, Clock()) as record:
        assert record.blobs.current == 1
        put(record, b"later")
        assert get(record, b"later") == b"later"


def test_compressing_with_a_dictionary_that_is_gone_is_a_store_error(record: Record) -> None:
    with record.engine.connect() as connection, pytest.raises(StoreError, match="dictionary 9 is missing"):
        Blobs(current=9).compress(connection, b"data")
