"""What becomes of a record's checkpoints: who signs them, where they go, and who timestamps them."""

from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from store.note_key import NoteKey
from store.places import Place
from store.schema import meta
from store.signing_key import KeySource

TIMESTAMP_SECONDS = 10.0
WITNESS_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Sealing:
    """A plain value that whoever opens a record for writing hands to it.

    Attributes:
        key: where the private key comes from.
        origin: the name of the log; empty means one that is made from the store's own.
        new_key: the file where a key is made if the log names none yet and there is none.
        copy_to: places that each checkpoint is copied to.
        timestamp_url: the timestamp authority, or empty.
        timestamp_roots: PEM certificates that its tokens must lead to; without any, they are kept unchecked.
        witness_urls: where witnesses are asked to cosign each checkpoint.
        witnesses: the keys whose cosignatures are taken.
    """

    key: KeySource
    origin: str = ""
    new_key: Path | None = None
    copy_to: tuple[Place, ...] = ()
    timestamp_url: str = ""
    timestamp_roots: tuple[bytes, ...] = ()
    timestamp_seconds: float = TIMESTAMP_SECONDS
    witness_urls: tuple[str, ...] = ()
    witnesses: tuple[NoteKey, ...] = ()
    witness_seconds: float = WITNESS_SECONDS


def default_origin(connection: sa.Connection) -> str:
    """Return the name that a log goes by where none is configured."""
    store_id = connection.execute(sa.select(meta.c.value).where(meta.c.key == "store_id")).scalar_one()
    return f"annexa/{store_id}"
