"""Whose signatures a checkpoint needs: one of the log's keys, and k of n witnesses.

The policy is the verifier's own. It must lie outside the store: what a store says about who has to
sign it proves nothing.
"""

from dataclasses import dataclass

from store.note import Note, NoteError, Verified, verify
from store.note_key import NoteKey, SignatureKind


@dataclass(frozen=True, slots=True)
class Policy:
    """The keys that are trusted, and how many of the witnesses have to agree.

    Attributes:
        log: the log's keys; one signature by any of them is enough, so that keys can be rotated.
        witnesses: keys for cosignatures; a witness that changed its key has two of the same name.
        k: how many different witnesses must have cosigned.

    Raises:
        ValueError: the policy cannot be met, or counts someone twice.
    """

    log: tuple[NoteKey, ...]
    witnesses: tuple[NoteKey, ...] = ()
    k: int = 0

    def __post_init__(self) -> None:
        if not self.log:
            raise ValueError("a policy names at least one key of the log")
        if not 0 <= self.k <= len(self.witness_names):
            raise ValueError(f"{self.k} of {len(self.witness_names)} witnesses can never be met")
        for key in self.witnesses:
            if key.kind is not SignatureKind.COSIGNATURE:
                raise ValueError(
                    f"the key of the witness {key.name!r} is not one for cosignatures (type 0x04)"
                )
        for key in self.log:
            if key.kind is not SignatureKind.ED25519:
                raise ValueError(f"the key of the log {key.name!r} is not one for notes (type 0x01)")
        if len({key.public for key in (*self.log, *self.witnesses)}) < len(self.log) + len(self.witnesses):
            raise ValueError("a policy has the same public key twice")

    @property
    def witness_names(self) -> tuple[str, ...]:
        """The witnesses, each once, however many keys it has had."""
        return tuple(dict.fromkeys(key.name for key in self.witnesses))

    def check(self, note: Note) -> "Signatures":
        """Return the signatures by trusted keys.

        Raises:
            NoteError: a signature is wrong, or some are missing; the message names them.
        """
        signatures = Signatures.of(verify(note, (*self.log, *self.witnesses)), self)
        if not signatures.log:
            names = " or ".join(f"{key.name} ({key.id.hex()})" for key in self.log)
            raise NoteError(f"the note is not signed by {names}")
        seen = {found.key.name for found in signatures.witnesses}
        if len(seen) < self.k:
            missing = ", ".join(name for name in self.witness_names if name not in seen)
            raise NoteError(
                f"{self.k} of {len(self.witness_names)} witnesses must have cosigned, "
                f"{len(seen)} did; missing: {missing}"
            )
        return signatures


@dataclass(frozen=True, slots=True)
class Signatures:
    """The right signatures on a note, by whom they are."""

    log: tuple[Verified, ...]
    witnesses: tuple[Verified, ...]

    @classmethod
    def of(cls, verified: list[Verified], policy: Policy) -> "Signatures":
        """Divide signatures into those of the log and those of witnesses."""
        return cls(
            tuple(found for found in verified if found.key in policy.log),
            tuple(found for found in verified if found.key in policy.witnesses),
        )
