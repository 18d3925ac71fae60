"""A record that has everything in it, small enough to be verified thousands of times."""

import io
import shutil
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from store import blobs, files, log
from store.intervals import decided_digest
from store.note import Note, parse
from store.note_key import NoteKey
from store.places import Folder
from store.publication import FILE
from store.record import Record, rfc3339
from store.retention import PRUNE, removed_root
from store.schema import blob, collection, content, finding, tombstone
from store.sealing import Sealing
from store.signing_key import FileKey, generate
from store.statement import AttachedFile, Attestation, Exclusion, Filed, Hold, Waiver, Withdrawal
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
            waiver = _statements(record)
            _publish(record)
        older = Path(shutil.copytree(folder, beside / "older"))
        with Record.writer(folder, clock, sealing) as record:
            record.rotate_key(FileKey(second).signer(ORIGIN))
        with Record.writer(folder, clock, replace(sealing, key=FileKey(second))) as record:
            play.record = record
            play.run({"a": CLOSED, "b": {"public": False, "n": 2}})
            _publish(record)
            _prune(record, waiver)
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


def _statements(record: Record) -> Filed:
    sha256, size = files.keep(record.path, io.BytesIO(POLICY), "policy.txt")
    file = AttachedFile(sha256, size, "policy.txt", "text/plain")
    span = ("2026-01-01", "2026-12-31")
    record.file(Attestation("5.1", "Ada", "The policy is approved.", *span, (file,)), "ada")
    waiver = record.file(Waiver(PRIVATE[0], "aws", "", "b", "A public site.", "Bea", *span), "bea")
    record.file(Exclusion("7.4", "There are no premises.", "Bea", span[0]), "bea")
    record.file(Hold("A dispute.", "Cy", span[0]), "cy")
    record.file(Withdrawal(waiver.entry, "The site is gone.", "Bea"), "bea")
    record.file(Waiver(NAMED[0], "", "", "", "Until the migration.", "Bea", *span), "bea")
    return waiver


def _publish(record: Record) -> None:
    assert record.publish() == []
    note = parse((record.path / FILE).read_bytes())
    keys: list[NoteKey] = [one.key for one in WITNESSES]
    cosigned = Note(note.text, tuple(one.cosign(note.text) for one in WITNESSES))
    record.add_cosignatures(bytes(cosigned), keys)
    assert record.publish() == []


def _prune(record: Record, waiver: Filed) -> None:
    """Let go of a document, of what decided a finding, and of a statement, all of which had ended."""
    before = rfc3339(record.clock())
    with record.engine.begin() as connection:
        still = sa.select(content.c.hash).where(content.c.closed.is_(None))
        ended = sa.select(content.c.hash).where(content.c.closed.is_not(None), content.c.hash.not_in(still))
        document = connection.execute(ended.limit(1)).scalar_one()
        row = connection.execute(
            sa.select(finding).join(collection, collection.c.id == finding.c.closed).limit(1)
        ).one()
        decided = bytes.fromhex(decided_digest(row.observed, row.reason))
        hashes = [document, decided, bytes.fromhex(waiver.digest)]
        root = removed_root(hashes).hex()
        body = {"at": rfc3339(record.clock()), "by": "Ada", "reason": "retention", "before": before}
        seq = log.append(connection, record.blobs, PRUNE, {**body, "removed": 3, "root": root})
        connection.execute(tombstone.insert(), [{"hash": key, "seq": seq} for key in hashes])
        connection.execute(blob.delete().where(blob.c.hash.in_(hashes)))
        let_go = {"observed": None, "reason": None, "decided": decided}
        connection.execute(finding.update().where(finding.c.id == row.id).values(let_go))
