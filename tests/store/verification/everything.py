"""A record that has everything in it, small enough to be verified thousands of times."""

import datetime as dt
import io
import shutil
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from store import blobs, files
from store.instant import rfc3339
from store.note import Note, parse
from store.note_key import NoteKey
from store.places import Folder
from store.prune import prune
from store.publication import FILE
from store.record import Record
from store.sealing import Sealing
from store.signing_key import FileKey, generate
from store.statement import AttachedFile, Attestation, Exclusion, Hold, Waiver, Withdrawal
from store.verify import Demands
from tests.store.conftest import DENIED, LIST_DENIED, PRIVATE, Clock, Play
from tests.store.keys import ORIGIN, Witness
from tests.store.tsa import Authority, Server, issue, issue_tsa
from tests.store.verification.bench import CLOSED, NAMED, OTHER, PUBLIC, THROTTLED

WITNESSES = (Witness("witness.one", 11), Witness("witness.two", 12))
POLICY = b"Access is reviewed every quarter.\n"


@dataclass(frozen=True)
class Everything:
    """A record.

    Attributes:
        older: a copy of its folder from before the key was rotated.
        demands: what it is held against.
        copies: the folder with copies of its checkpoints.
        attached: SHA-256 of the file that somebody attached.
    """

    folder: Path
    older: Path
    demands: Demands
    copies: Path
    attached: str


def write_everything(folder: Path, beside: Path) -> Everything:
    """Play a record's life: runs, gaps, statements, a rotation, witnesses, timestamps, pruning, a crash."""
    copies = beside / "copies"
    copies.mkdir()
    clock, roots = Clock(), issue("Root", authority=True)
    authority = Authority(beside / "tsa", issue_tsa(roots))
    first, second = beside / "first.key", beside / "second.key"
    keys = [generate(path, ORIGIN).key for path in (first, second)]
    with Server(authority) as server, pytest.MonkeyPatch.context() as patch:
        patch.setenv("no_proxy", "127.0.0.1")
        patch.setattr(blobs, "_SAMPLES_WANTED", 24)
        patch.setattr(blobs, "_DICTIONARY_BYTES", 1024)
        sealing = Sealing(
            FileKey(first),
            ORIGIN,
            None,
            (Folder(copies),),
            timestamp_url=server.url,
            timestamp_roots=(roots.pem,),
        )
        with Record.writer(folder, clock, sealing) as record:
            play = Play(record)
            _runs(play)
            _statements(record)
            _publish(record)
        older = Path(shutil.copytree(folder, beside / "older"))
        with Record.writer(folder, clock, sealing) as record:
            record.rotate_key(FileKey(second).signer(ORIGIN))
        with Record.writer(folder, clock, replace(sealing, key=FileKey(second))) as record:
            play.record = record
            play.run({"a": CLOSED, "b": {"public": False, "n": 2}})
            _publish(record)
            clock.now += dt.timedelta(days=3)
            play.run({"a": CLOSED, "b": {"public": False, "n": 3}})
            done = prune(record, rfc3339(clock.now - dt.timedelta(days=2)), "It is old.", "Ada")
            assert min(done.documents, done.reports, done.findings, done.statements) > 0
            record.file(Hold("Another dispute.", "Cy", "2026-01-01"), "cy")
            record.checkpoint()
            _publish(record)
            play.begin(checks=(("aws.s3.bucket.unused", 1), PRIVATE))
        with Record.writer(folder, clock, replace(sealing, key=FileKey(second))):
            pass
    demands = Demands(tuple(keys), tuple(one.key for one in WITNESSES), 2, (roots.pem,))
    attached = next((folder / files.FOLDER).glob("??/*")).name
    return Everything(folder, older, demands, copies, attached)


def _runs(play: Play) -> None:
    both = (PRIVATE, NAMED)
    denied = {"gaps": (replace(THROTTLED, resource_id="c"),)}
    play.run({"a": CLOSED, "b": PUBLIC, "c": DENIED}, checks=both, **denied)  # type: ignore[arg-type]
    play.run({"b": CLOSED}, complete=False, checks=both, gaps=(LIST_DENIED, THROTTLED))
    play.run({"a": CLOSED}, scope=OTHER, region="eu-north-1")
    play.run({f"q-{n}": {"n": n} for n in range(20)}, kind="aws.sqs.queue", checks=())
    play.run({"a": PUBLIC, "b": {"public": False, "n": 1}})


def _statements(record: Record) -> None:
    sha256, size = files.keep(record.path, io.BytesIO(POLICY), "policy.txt")
    file = AttachedFile(sha256, size, "policy.txt", "text/plain")
    span = ("2026-01-01", "2026-12-31")
    record.file(Attestation("5.1", "Ada", "The policy is approved.", *span, (file,)), "ada")
    waiver = record.file(Waiver(PRIVATE[0], "aws", "", "b", "A public site.", "Bea", *span), "bea")
    record.file(Exclusion("7.4", "There are no premises.", "Bea", span[0]), "bea")
    hold = record.file(Hold("A dispute.", "Cy", span[0]), "cy")
    record.file(Withdrawal(waiver.entry, "The site is gone.", "Bea"), "bea")
    record.file(Withdrawal(hold.entry, "It is settled.", "Cy"), "cy")
    record.file(Waiver(NAMED[0], "", "", "", "Until the migration.", "Bea", *span), "bea")


def _publish(record: Record) -> None:
    assert record.publish() == []
    note = parse((record.path / FILE).read_bytes())
    keys: list[NoteKey] = [one.key for one in WITNESSES]
    cosigned = Note(note.text, tuple(one.cosign(note.text) for one in WITNESSES))
    record.add_cosignatures(bytes(cosigned), keys)
    assert record.publish() == []
