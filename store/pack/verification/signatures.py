"""The checkpoints of a pack: of this log, signed by those who have to, and timestamped as was logged."""

import hashlib

from store.checkpoint_text import Checkpoint
from store.log_keys import key_at
from store.note import Note, NoteError, parse, verify
from store.note_key import NoteKey
from store.pack import layout
from store.pack.verification.examination import PackExamination
from store.pack.verification.log import CHECKPOINT
from store.verification.signatures import check_demands, count_witnesses, read_keys

_FOLDER = "checkpoints"


def check_checkpoints(x: PackExamination) -> None:
    """Check every checkpoint against the log, its keys, and those that are demanded."""
    x.keys = read_keys(x)
    x.result.keys = [str(found.key) for found in x.keys]
    sizes = x.manifest.checkpoints
    if list(sizes) != sorted(set(sizes)) or sizes[-1] != x.result.size:
        x.problem(layout.MANIFEST, "its checkpoints are not in order, or the last is not the log's")
    for size in sizes:
        with x.at(layout.checkpoint(size)):
            _check_note(x, size)
    newest = x.digests.get(layout.checkpoint(sizes[-1]))
    if newest is None or newest != x.digests.get(CHECKPOINT):
        x.problem(CHECKPOINT, "is not the newest checkpoint of the pack")
    check_demands(x)
    _check_timestamps(x)


def _check_note(x: PackExamination, size: int) -> None:
    where = layout.checkpoint(size)
    key = key_at(x.keys, size)
    try:
        note = parse(x.archive.read(where))
        text = Checkpoint.parse(note.text)
        if key is None:
            x.problem(where, "is signed, though the log names no key before it")
            return
        if (text.origin, text.size, text.root) != (key.key.name, size, x.roots.get(size)):
            x.problem(where, "is of another log than the pack's")
        signers = [key.key]
        if key.before is not None and size == key.seq + 1:
            signers.append(key.before)
        right = {found.key for found in verify(note, (*signers, *_cosigners(x, size)))}
    except NoteError as error:
        x.problem(where, f"does not hold: {error}")
        return
    for missing in [one for one in (*signers, *_cosigners(x, size)) if one not in right]:
        x.problem(where, f"the signature of {missing.name} ({missing.id.hex()}) is gone")
    if x.demands.trusted and right.isdisjoint(x.demands.trusted):
        x.problem(where, f"is signed by {key.key.name} ({key.key.id.hex()}), which is not a trusted key")
    elif key.key in right:
        _accept(x, size, note, signers)


def _accept(x: PackExamination, size: int, note: Note, signers: list[NoteKey]) -> None:
    x.notes[size] = note
    x.result.signed_size = max(x.result.signed_size, size)
    count_witnesses(x, size, note, signers)


def _cosigners(x: PackExamination, size: int) -> list[NoteKey]:
    """Return whose cosignatures were logged; later ones may be there without an entry in this log."""
    return [NoteKey.parse(body["witness"]) for _, body in x.bodies("cosignature") if body["size"] == size]


def _check_timestamps(x: PackExamination) -> None:
    logged: dict[int, set[str]] = {}
    for seq, body in x.bodies("timestamp"):
        with x.at(f"log entry {seq}"):
            logged.setdefault(body["size"], set()).add(body["token"])
    expected = {layout.checkpoint(size) for size in x.manifest.checkpoints}
    for size in x.manifest.checkpoints:
        found = set[str]()
        number = 0
        while (name := layout.timestamp(size, number)) in x.archive:
            expected.add(name)
            number += 1
            with x.at(name):
                found.add(_check_token(x, name, size))
        for digest in sorted(logged.get(size, set()) - found):
            x.problem(layout.checkpoint(size), f"its timestamp {digest} was logged, but is gone")
    for name in x.under(_FOLDER):
        if name not in expected:
            x.problem(name, "is no checkpoint or timestamp of the manifest")


def _check_token(x: PackExamination, name: str, size: int) -> str:
    # The library that it takes is loaded only where there are timestamps.
    from store import timestamping
    from store.timestamping import TimestampError

    token = x.archive.read(name)
    note = x.notes.get(size)
    if note is None:
        x.problem(name, "is over a checkpoint that is not signed")
    else:
        try:
            if x.demands.timestamp_roots:
                timestamping.verify(token, note.text.encode(), x.demands.timestamp_roots)
            else:
                timestamping.decode(token, note.text.encode())
        except TimestampError as error:
            x.problem(name, f"does not hold: {error}")
        else:
            x.result.timestamps += 1
            x.result.stamped_size = max(x.result.stamped_size, size)
    return hashlib.sha256(token).hexdigest()
