"""Signed checkpoints: who signed them, whether they had to, and whether anything was dropped."""

import datetime as dt
from collections import defaultdict
from typing import Any

from store.checkpoint_text import Checkpoint
from store.cosigning import COSIGNATURE
from store.instant import rfc3339
from store.log_keys import KEY, LoggedKey, key_at
from store.note import Note, NoteError, parse, verify
from store.note_key import NoteKey, SignatureKind
from store.verification.examination import Examination
from store.verification.log_examination import LogExamination


def check_signatures(x: Examination) -> None:
    """Check every kept note against the keys that the log names, and those that are demanded."""
    x.keys = read_keys(x)
    x.result.keys = [str(found.key) for found in x.keys]
    cosigners = _cosigners(x)
    for size, row in sorted(x.checkpoints.items()):
        with x.at(f"checkpoint {size}"):
            _check_note(x, row, key_at(x.keys, size), cosigners.pop(size, []))
    for size in sorted(cosigners):
        x.problem(f"checkpoint {size}", "was cosigned, but is gone")
    check_demands(x)


def check_demands(x: LogExamination) -> None:
    """Check that some checkpoint is signed and cosigned as whoever verifies asks."""
    x.result.trusted = bool(x.demands.trusted)
    x.result.stamps_trusted = bool(x.demands.timestamp_roots)
    if x.demands.trusted and not x.result.signed_size:
        x.problem("record", "no checkpoint is signed by a key that is trusted")
    if x.demands.quorum:
        x.result.unwitnessed = sum(1 for size in x.notes if size > x.result.witnessed_size)
    if x.demands.quorum and not x.result.witnessed_size:
        asked = len({key.name for key in x.demands.witnesses})
        x.problem("record", f"no checkpoint is cosigned by {x.demands.quorum} of {asked} witnesses")


def read_keys(x: LogExamination) -> list[LoggedKey]:
    """Return the keys that the log names, and name those that cannot be."""
    keys: list[LoggedKey] = []
    for seq, body in x.bodies(KEY):
        where = f"log entry {seq}"
        with x.at(where):
            found = LoggedKey.of(seq, body)
            last = keys[-1].key if keys else None
            if found.before != last:
                x.problem(where, "lets a key take over from one that did not sign")
            if last is not None and found.key.name != last.name:
                x.problem(where, "gives the log another name")
            keys.append(found)
    return keys


def _cosigners(x: Examination) -> dict[int, list[NoteKey]]:
    found: dict[int, list[NoteKey]] = defaultdict(list)
    for seq, body in x.bodies(COSIGNATURE):
        with x.at(f"log entry {seq}"):
            key = NoteKey.parse(body["witness"])
            if key.kind is not SignatureKind.COSIGNATURE or body["size"] > seq:
                raise ValueError("this is no cosignature of an earlier checkpoint")
            found[body["size"]].append(key)
    return found


def _check_note(x: Examination, row: Any, key: LoggedKey | None, cosigners: list[NoteKey]) -> None:
    where = f"checkpoint {row.size}"
    if row.note is None:
        if key is not None:
            x.problem(where, f"is not signed, though the log names a key in entry {key.seq}")
        return
    if key is None:
        x.problem(where, "is signed, though the log names no key before it")
        return
    signers = [key.key]
    if key.before is not None and row.size == key.seq + 1:
        signers.append(key.before)
    try:
        note = x.kept[row.size] = parse(row.note.encode())
        if note.text != str(Checkpoint(key.key.name, row.size, row.root)):
            x.problem(where, "its note says something else")
        right = {found.key for found in verify(note, (*signers, *cosigners))}
    except NoteError as error:
        x.problem(where, f"its note does not hold: {error}")
        return
    for missing in [one for one in (*signers, *cosigners) if one not in right]:
        x.problem(where, f"the signature of {missing.name} ({missing.id.hex()}) is gone")
    if len(note.signatures) != len(signers) + len(cosigners):
        x.problem(where, "has signatures that were not logged")
    if x.demands.trusted and right.isdisjoint(x.demands.trusted):
        x.problem(where, f"is signed by {key.key.name} ({key.key.id.hex()}), which is not a trusted key")
        return
    if key.key in right:
        x.notes[row.size] = note
        x.result.signed_size = row.size
        count_witnesses(x, row.size, note, signers)


def count_witnesses(x: LogExamination, size: int, note: Note, signers: list[NoteKey]) -> None:
    """Note whether enough witnesses have cosigned a checkpoint."""
    if not x.demands.quorum:
        return
    try:
        signatures = x.demands.policy(signers).check(note)
    except NoteError:
        return
    seen: dict[str, int] = {}
    for one in signatures.witnesses:
        seen[one.key.name] = min(one.at or 0, seen.get(one.key.name, one.at or 0))
    complete = sorted(seen.values())[x.demands.quorum - 1]
    x.result.witnessed_size = size
    x.result.witnessed_at = rfc3339(dt.datetime.fromtimestamp(complete, dt.UTC))
