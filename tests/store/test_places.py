"""Copies of checkpoints, in folders and in object stores: written once, never overwritten, read again."""

import builtins
import datetime as dt
import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import boto3
import pytest

from annexa.demo.server import MotoServer
from store.errors import StoreError
from store.instant import utc_now
from store.note import parse
from store.object_store import ObjectStore, parse_address
from store.places import Folder, Place, copy_name
from store.record import Record
from store.sealing import Sealing
from store.signing_key import FileKey
from store.verify import Demands, Held, verify
from tests.store.conftest import Clock, Play
from tests.store.keys import ORIGIN, Witness, signer

BUCKET, LOCKED = "checkpoints", "locked"
WITNESS = Witness("witness.one", 11)


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A server of S3's kind with two buckets, one of which locks objects; the environment leads there."""
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch, MotoServer() as server:
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            patch.delenv(name)
        patch.setenv("AWS_ENDPOINT_URL", server.endpoint)
        patch.setenv("AWS_ACCESS_KEY_ID", "testing")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        patch.setenv("AWS_CONFIG_FILE", str(home / "config"))
        patch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(home / "credentials"))
        patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        client = boto3.client("s3")
        client.create_bucket(Bucket=BUCKET)
        client.create_bucket(Bucket=LOCKED, ObjectLockEnabledForBucket=True)
        yield client


@pytest.fixture(params=["folder", "object store"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    if request.param == "folder":
        (tmp_path / "copies").mkdir()
        return Folder(tmp_path / "copies")
    request.getfixturevalue("s3")
    return ObjectStore(f"s3://{BUCKET}/{tmp_path.name}", None, utc_now)


@pytest.fixture
def sealing(tmp_path: Path, place: Place) -> Sealing:
    path = tmp_path / "signing.key"
    return Sealing(FileKey(path), ORIGIN, path, (place,))


def run(folder: Path, sealing: Sealing, resource: str = "a") -> list[str]:
    with Record.writer(folder, Clock(), sealing) as record:
        with record.engine.connect() as connection:
            done = connection.exec_driver_sql("SELECT count(*) FROM run").scalar_one()
        Play(record, runs=done).run({resource: {"n": 1}})
        return record.publish()


def newest(folder: Path) -> bytes:
    return (folder / "checkpoint").read_bytes()


def against(folder: Path, place: Place) -> list[str]:
    held = tuple(Held(where, note, published=True) for where, note in place.copies(ORIGIN))
    with Record.open(folder) as record:
        return [f"{one.where}: {one.message}" for one in verify(record, Demands(held=held)).problems]


def test_each_checkpoint_is_copied_and_the_copies_are_read_again(
    folder: Path, sealing: Sealing, place: Place
) -> None:
    assert list(place.copies(ORIGIN)) == []
    notes = []
    for resource in "abc":
        assert run(folder, sealing, resource) == []
        notes.append(newest(folder))
    found = list(place.copies(ORIGIN))
    assert [note for _, note in found] == notes
    assert all(where.startswith(str(place)) for where, _ in found)
    assert list(place.copies("example.com/other")) == []
    assert against(folder, place) == []


def test_a_copy_of_another_history_is_left_as_it_is_and_named(
    folder: Path, sealing: Sealing, place: Place, tmp_path: Path
) -> None:
    fork = Path(shutil.copytree(folder, tmp_path / "fork"))
    assert run(folder, sealing) == []
    (notice,) = run(fork, sealing, "other")
    assert "is of another history of this log; it was left as it is" in notice
    assert [note for _, note in place.copies(ORIGIN)] == [newest(folder)]
    assert against(folder, place) == []
    assert "the log's first" in against(fork, place)[0]


def test_an_older_copy_of_the_store_is_found_by_the_copies(
    folder: Path, sealing: Sealing, place: Place, tmp_path: Path
) -> None:
    run(folder, sealing)
    older = Path(shutil.copytree(folder, tmp_path / "older"))
    run(folder, sealing, "b")
    assert "an older copy of the store was put in its place" in against(older, place)[0]


def test_publishing_again_changes_nothing(folder: Path, sealing: Sealing, place: Place) -> None:
    run(folder, sealing)
    before = list(place.copies(ORIGIN))
    with Record.writer(folder, Clock(), sealing) as record:
        assert record.publish() == []
        text = parse(newest(folder)).text
        record.add_cosignatures(str(WITNESS.cosign(text)).encode(), (WITNESS.key,))
        assert record.publish() == []
    after = list(place.copies(ORIGIN))
    assert [where for where, _ in after] == [where for where, _ in before]
    assert {parse(note).text for _, note in after} == {text}


def test_a_folder_gets_cosignatures_and_never_loses_them(tmp_path: Path) -> None:
    from store.checkpoint_text import Checkpoint
    from store.note import sign

    text = str(Checkpoint(ORIGIN, 1, bytes(32)))
    plain = sign(text, [signer()])
    cosigned = plain.with_signatures(WITNESS.cosign(text))
    place, name = Folder(tmp_path), copy_name(ORIGIN, 1)
    assert place.keep(name, bytes(plain)) == bytes(plain)
    assert place.keep(name, bytes(cosigned)) == bytes(cosigned)
    assert place.keep(name, bytes(plain)) == bytes(cosigned)
    assert (tmp_path / name).read_bytes() == bytes(cosigned)


def test_copies_can_be_locked_until_a_day(s3: Any) -> None:
    now = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    place = ObjectStore(f"s3://{LOCKED}", dt.timedelta(days=365), lambda: now)
    name = copy_name(ORIGIN, 7)
    assert place.keep(name, b"note") == b"note"
    kept = s3.head_object(Bucket=LOCKED, Key=name)
    assert kept["ObjectLockMode"] == "COMPLIANCE"
    assert kept["ObjectLockRetainUntilDate"] == now + dt.timedelta(days=365)
    assert place.keep(name, b"other") == b"note"
    assert len(s3.list_object_versions(Bucket=LOCKED)["Versions"]) == 1, "nothing was written over it"


def test_what_stands_in_the_way_is_named_with_the_way_out(s3: Any, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"s3://nowhere/x: .* cannot be written: NoSuchBucket") as caught:
        ObjectStore("s3://nowhere/x", None, utc_now).keep("name", b"note")
    assert "Make the bucket" in caught.value.hint
    with pytest.raises(StoreError, match="cannot be listed: NoSuchBucket"):
        list(ObjectStore("s3://nowhere/x", None, utc_now).copies(ORIGIN))
    with pytest.raises(StoreError, match="InvalidRequest") as caught:
        ObjectStore(f"s3://{BUCKET}", dt.timedelta(days=1), utc_now).keep("name", b"note")
    assert "Object Lock" in caught.value.hint
    with pytest.raises(StoreError, match=r"missing.* cannot be written"):
        Folder(tmp_path / "missing").keep("name", b"note")
    with pytest.raises(StoreError, match="missing cannot be read"):
        list(Folder(tmp_path / "missing").copies(ORIGIN))


def test_a_server_that_is_down_fails_no_run(
    s3: Any, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    del s3
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setattr("store.object_store._ATTEMPTS", 1)
    path = tmp_path / "signing.key"
    sealing = Sealing(FileKey(path), ORIGIN, path, (ObjectStore(f"s3://{BUCKET}/down", None, utc_now),))
    (notice,) = run(folder, sealing)
    assert notice.startswith(f"s3://{BUCKET}/down: ")
    assert "cannot be written" in notice
    monkeypatch.undo()


def test_without_boto3_the_way_to_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def refuse(name: str, *more: Any, **named: Any) -> Any:
        if name.split(".")[0] in ("boto3", "botocore"):
            raise ImportError(name)
        return real(name, *more, **named)

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(StoreError, match="needs boto3, which is not installed") as caught:
        ObjectStore("s3://bucket", None, utc_now).keep("name", b"note")
    assert "annexa[aws]" in caught.value.hint


@pytest.mark.parametrize(
    ("address", "parts"),
    [
        ("s3://bucket", ("bucket", "")),
        ("s3://bucket/", ("bucket", "")),
        ("s3://bucket/a/b/", ("bucket", "a/b/")),
    ],
)
def test_an_address_is_bucket_and_prefix(address: str, parts: tuple[str, str]) -> None:
    assert parse_address(address) == parts


@pytest.mark.parametrize("address", ["s3://", "s3:///x", "gs://bucket", "bucket", "s3://a b"])
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match="is written as s3://bucket/prefix"):
        ObjectStore(address, None, utc_now)


def test_a_place_that_cannot_be_read_is_not_passed_over(folder: Path, sealing: Sealing) -> None:
    run(folder, replace(sealing, copy_to=()))
    with Record.open(folder) as record:
        found = verify(record, Demands(unreadable=(("s3://x", "it is down"),))).problems
    assert [(one.where, one.message) for one in found] == [
        ("s3://x", "its checkpoints are not compared: it is down")
    ]
