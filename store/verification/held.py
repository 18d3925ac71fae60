"""Checkpoints from outside the store: the log must begin with each of them."""

from collections.abc import Iterable

from store.checkpoint_text import Checkpoint
from store.errors import StoreError
from store.log_keys import key_at
from store.note import Note, NoteError, parse, verify
from store.publication import FILE
from store.tree import EMPTY_ROOT
from store.verification.demands import Held
from store.verification.examination import Examination
from store.verification.log_examination import LogExamination


def read_held(x: Examination) -> None:
    """Read what the record is held against, the file beside the database included."""
    held = list(x.demands.held)
    path = x.record.path / FILE
    try:
        if path.is_file():
            held.append(Held(str(path), path.read_bytes()))
    except OSError as error:
        raise StoreError(f"{path} cannot be read: {error.strerror}") from error
    parse_held(x, held)


def parse_held(x: LogExamination, held: Iterable[Held]) -> None:
    """Read signed checkpoints from outside."""
    for one in held:
        try:
            note = parse(one.note)
            x.held.append((one.where, note, Checkpoint.parse(note.text)))
        except NoteError as error:
            x.problem(one.where, f"is not a signed checkpoint: {error}")


def check_held(x: LogExamination) -> None:
    """Check that the log was not cut, forked or exchanged for an older copy since it was given away."""
    for where, note, checkpoint in x.held:
        _check_signed(x, where, note, checkpoint)
        if checkpoint.size > x.result.size:
            x.problem(
                where,
                f"is of {checkpoint.size} entries; the log has only {x.result.size}: "
                "it was cut, or an older copy of the store was put in its place",
            )
        elif checkpoint.root == x.roots.get(checkpoint.size, EMPTY_ROOT):
            x.result.held.append((where, checkpoint.size))
        else:
            x.problem(where, f"the log's first {checkpoint.size} entries are not those that it is of")


def _check_signed(x: LogExamination, where: str, note: Note, checkpoint: Checkpoint) -> None:
    key = key_at(x.keys, checkpoint.size)
    known = x.demands.trusted or tuple(found.key for found in x.keys)
    if not known:
        x.problem(where, "is signed, though the log names no key")
        return
    try:
        verify(note, known)
    except NoteError as error:
        x.problem(where, f"is not signed by a key that is known: {error}")
    if key is not None and checkpoint.origin != key.key.name:
        x.problem(where, f"is of {checkpoint.origin!r}, not of {key.key.name!r}")
