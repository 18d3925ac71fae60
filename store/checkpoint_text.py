"""Checkpoints (C2SP tlog-checkpoint): the text that names a log, its size and its root."""

import re
from dataclasses import dataclass

from store.note import NoteError, parse
from store.note_key import decode_base64, encode_base64
from store.proof import HASH_SIZE, LARGEST_SIZE
from store.tree import EMPTY_ROOT
from store.witness_policy import Policy, Signatures

_DECIMAL = re.compile(r"0|[1-9][0-9]*", re.ASCII)
_LONGEST_NUMBER = len(str(LARGEST_SIZE))


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A log's size and root; ``str()`` gives the text that is signed.

    Attributes:
        origin: the name that the log goes by; the same line in each of its checkpoints.
        extensions: further lines, without meaning for the tree.

    Raises:
        ValueError: tlog-checkpoint has no text for them.
    """

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for line in (self.origin, *self.extensions):
            if not line or any(c < " " for c in line):
                raise ValueError("a line of a checkpoint is empty or has control characters")
        if not 0 <= self.size <= LARGEST_SIZE:
            raise ValueError(f"no tree has {self.size} leaves")
        if len(self.root) != HASH_SIZE:
            raise ValueError(f"a root has {HASH_SIZE} bytes")
        if self.size == 0 and self.root != EMPTY_ROOT:
            raise ValueError("a tree without leaves has another root")

    def __str__(self) -> str:
        lines = (self.origin, str(self.size), encode_base64(self.root), *self.extensions)
        return "".join(f"{line}\n" for line in lines)

    @classmethod
    def parse(cls, text: str) -> "Checkpoint":
        """Read the text of a checkpoint, which has exactly one spelling.

        Raises:
            NoteError: it is malformed.
        """
        lines = text.split("\n")
        if len(lines) < 4 or lines.pop() != "":
            raise NoteError("a checkpoint has three lines or more: origin, size, root")
        origin, size, root, *extensions = lines
        try:
            return cls(origin, parse_number(size), decode_base64(root), tuple(extensions))
        except ValueError as error:
            raise NoteError(f"a checkpoint is malformed: {error}") from error


def open_checkpoint(data: bytes, policy: Policy, origin: str | None = None) -> tuple[Checkpoint, Signatures]:
    """Read a signed checkpoint and check that it is signed as the policy asks.

    Args:
        origin: the log that it has to be of; without it, any log that the policy's keys sign for.

    Raises:
        NoteError: it is malformed, of another log, or not signed by those who have to.
    """
    note = parse(data)
    signatures = policy.check(note)
    checkpoint = Checkpoint.parse(note.text)
    if origin is not None and checkpoint.origin != origin:
        raise NoteError(f"the checkpoint is of {checkpoint.origin!r}, not of {origin!r}")
    return checkpoint, signatures


def parse_number(text: str) -> int:
    """Read a decimal number without sign and leading zeros.

    Raises:
        ValueError: it is none, or is larger than any log.
    """
    if len(text) > _LONGEST_NUMBER or not _DECIMAL.fullmatch(text) or int(text) > LARGEST_SIZE:
        raise ValueError(f"{text[:32]!r} is not a decimal number of a log")
    return int(text)
