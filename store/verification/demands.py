"""What whoever verifies asks of a record. It comes from outside the store, which cannot vouch for itself."""

from collections.abc import Sequence
from dataclasses import dataclass

from store.note_key import NoteKey
from store.witness_policy import Policy


@dataclass(frozen=True, slots=True)
class Held:
    """A signed checkpoint from outside the store.

    Attributes:
        where: it was found, for messages.
        published: it is a copy that Annexa made: what signs it must be kept in the store too.
    """

    where: str
    note: bytes
    published: bool = False


@dataclass(frozen=True, slots=True)
class Demands:
    """What a record is held against.

    Attributes:
        trusted: keys of the log; every signed checkpoint must be signed by one of them.
        witnesses, quorum: so many of these must have cosigned some checkpoint.
        timestamp_roots: PEM certificates that timestamps must lead to.
        held: checkpoints that the log must begin with.
        unreadable: (where, why) of places with such checkpoints that could not be read.
        empty: places that had none of this log.
    """

    trusted: tuple[NoteKey, ...] = ()
    witnesses: tuple[NoteKey, ...] = ()
    quorum: int = 0
    timestamp_roots: tuple[bytes, ...] = ()
    held: tuple[Held, ...] = ()
    unreadable: tuple[tuple[str, str], ...] = ()
    empty: tuple[str, ...] = ()

    def policy(self, log_keys: Sequence[NoteKey]) -> Policy:
        """Return whose signatures a checkpoint needs to be witnessed."""
        return Policy(tuple(log_keys), self.witnesses, self.quorum)
