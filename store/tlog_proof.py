"""Offline proofs (C2SP tlog-proof): a file that shows an entry's place in a log to who has the log's key."""

from dataclasses import dataclass

from store.checkpoint_text import Checkpoint, open_checkpoint, parse_number
from store.note import LARGEST_NOTE
from store.note_key import decode_base64, encode_base64
from store.proof import HASH_SIZE, LARGEST_SIZE, ProofError, verify_inclusion
from store.tree import leaf_hash
from store.witness_policy import Policy

SUFFIX = ".tlog-proof"
_FIRST_LINE = "c2sp.org/tlog-proof@v1"
_MOST_HASHES = LARGEST_SIZE.bit_length()
_LARGEST_HEADER = 1_000_000


@dataclass(frozen=True, slots=True)
class TlogProof:
    """An entry's place in a log; ``bytes()`` gives the file.

    Attributes:
        hashes: from the leaf's sibling up to the root's child, as :func:`store.proof.inclusion` returns them.
        checkpoint: the signed checkpoint, as it was published.
        extra: data that nothing vouches for.
    """

    index: int
    hashes: tuple[bytes, ...]
    checkpoint: bytes
    extra: bytes = b""

    def __bytes__(self) -> bytes:
        lines = [_FIRST_LINE]
        if self.extra:
            lines.append(f"extra {encode_base64(self.extra)}")
        lines += [f"index {self.index}", *map(encode_base64, self.hashes), "", ""]
        return "\n".join(lines).encode("ascii") + self.checkpoint

    @classmethod
    def parse(cls, data: bytes) -> "TlogProof":
        """Read a proof. Nothing in it is to be believed before :meth:`verify`.

        Raises:
            ProofError: it is malformed.
        """
        if len(data) > _LARGEST_HEADER + LARGEST_NOTE:
            raise ProofError("the proof is too large")
        header, blank, checkpoint = data.partition(b"\n\n")
        try:
            first, *lines = header.decode("ascii").split("\n")
            if first != _FIRST_LINE or not blank:
                raise ValueError(
                    f"it does not begin with {_FIRST_LINE} and end its first part with a blank line"
                )
            extra = b""
            if lines and lines[0].startswith("extra "):
                extra = decode_base64(lines.pop(0).removeprefix("extra "))
                if not extra:
                    raise ValueError("a line for extra data has none")
            if not lines or not lines[0].startswith("index "):
                raise ValueError("it has no index")
            index = parse_number(lines.pop(0).removeprefix("index "))
            if len(lines) > _MOST_HASHES:
                raise ValueError("it has too many hashes")
            hashes = tuple(map(decode_base64, lines))
            if any(len(value) != HASH_SIZE for value in hashes):
                raise ValueError(f"a hash has {HASH_SIZE} bytes")
        except ValueError as error:
            raise ProofError(f"the proof is malformed: {error}") from error
        return cls(index, hashes, checkpoint, extra)

    def verify(self, entry: bytes, policy: Policy, origin: str | None = None) -> Checkpoint:
        """Check that the entry is in the log that the policy's keys sign for.

        Returns:
            the checkpoint that it is proven under.

        Raises:
            NoteError: the checkpoint is malformed, of another log, or not signed as the policy asks.
            ProofError: the entry is not where the proof says.
        """
        checkpoint, _ = open_checkpoint(self.checkpoint, policy, origin)
        verify_inclusion(leaf_hash(entry), self.index, checkpoint.size, self.hashes, checkpoint.root)
        return checkpoint
