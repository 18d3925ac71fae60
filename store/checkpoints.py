"""Checkpoints: kept after each run and on demand, and signed in the same transaction."""

from collections.abc import Iterable, Sequence

import sqlalchemy as sa

from store import log
from store.blobs import Blobs
from store.checkpoint_text import Checkpoint
from store.errors import StoreError
from store.key_rotation import finish_rotation
from store.log_keys import append_key, logged_keys
from store.note import NoteError, Signer, sign
from store.schema import checkpoint
from store.schema import log as log_table
from store.sealing import Sealing, default_origin
from store.signing_key import generate
from store.tree import Frontier

CHECKPOINT = "checkpoint"
ABOUT_CHECKPOINTS = ("timestamp", "cosignature")
"""Entries that are no reason for another checkpoint: they are about the last one."""

_OTHER_KEY = "Restore the key, or run `annexa checkpoint rotate-key` to let another take over."


def signer_of(connection: sa.Connection, blobs: Blobs, sealing: Sealing, at: str) -> Signer:
    """Return what signs for the log, and name its key in the log if that names none yet.

    Raises:
        StoreError: there is no key, or it is not the one that the log names.
    """
    keys = logged_keys(connection, blobs)
    origin = sealing.origin or (keys[-1].key.name if keys else default_origin(connection))
    if keys:
        finish_rotation(sealing.key, keys[-1].key)
    elif sealing.new_key is not None and not sealing.new_key.exists():
        generate(sealing.new_key, origin)
    signer = sealing.key.signer(origin)
    if not keys:
        append_key(connection, blobs, signer.key, None, at)
    elif signer.key != keys[-1].key:
        raise StoreError(f"the signing key is {signer.key}; the log names {keys[-1].key}", _OTHER_KEY)
    return signer


def sign_kept(connection: sa.Connection, blobs: Blobs, signer: Signer) -> list[int]:
    """Sign every kept checkpoint that the present key has to sign and has not yet signed.

    Each is recomputed from the log before: nothing is signed because the store says so.

    Returns:
        their sizes.

    Raises:
        StoreError: one has another root than the log, or the key cannot be reached.
    """
    since = logged_keys(connection, blobs)[-1]
    query = sa.select(checkpoint.c.size, checkpoint.c.root).where(
        checkpoint.c.note.is_(None), checkpoint.c.size > since.seq
    )
    unsigned = {row.size: row.root for row in connection.execute(query.order_by(checkpoint.c.size))}
    roots = _roots(connection, unsigned)
    for size, root in unsigned.items():
        if roots.get(size) != root:
            raise StoreError(f"checkpoint {size} is not of this log", "Run `annexa verify`.")
        # What a rotation was signed with must be both keys; that happens in one transaction or not at all.
        if size == since.seq + 1 and since.before is not None:
            raise StoreError(f"checkpoint {size} has lost its signatures", "Run `annexa verify`.")
        keep_note(connection, Checkpoint(signer.key.name, size, root), [signer])
    return list(unsigned)


def keep_note(connection: sa.Connection, text: Checkpoint, signers: Sequence[Signer]) -> None:
    """Sign a checkpoint and keep its note.

    Raises:
        StoreError: a key cannot be reached, or does not belong to its public key.
    """
    try:
        note = sign(str(text), signers)
    except NoteError as error:
        raise StoreError(f"checkpoint {text.size} cannot be signed: {error}", _OTHER_KEY) from error
    connection.execute(
        checkpoint.update().where(checkpoint.c.size == text.size).values(note=bytes(note).decode())
    )


def on_demand(connection: sa.Connection, blobs: Blobs, sealing: Sealing, at: str) -> int:
    """Keep and sign a checkpoint if the log has grown since the last one, and sign what is unsigned.

    Returns:
        the size of the newest checkpoint.

    Raises:
        StoreError: it cannot be signed; nothing is written then.
    """
    signer = signer_of(connection, blobs, sealing, at)
    newest = int(connection.execute(sa.select(sa.func.max(checkpoint.c.size))).scalar() or 0)
    grown = sa.select(log_table.c.seq).where(
        log_table.c.seq >= newest, log_table.c.kind.not_in(ABOUT_CHECKPOINTS)
    )
    if connection.execute(grown.limit(1)).first() is not None:
        log.append(connection, blobs, CHECKPOINT, {"at": at})
        newest, _ = log.keep_checkpoint(connection, at)
    sign_kept(connection, blobs, signer)
    return newest


def rotate(connection: sa.Connection, blobs: Blobs, sealing: Sealing, new: Signer, at: str) -> int:
    """Let another key take over, by an entry and a checkpoint that both keys sign.

    Returns:
        the size of that checkpoint.

    Raises:
        StoreError: one of the keys cannot be used; nothing is written then.
    """
    old = signer_of(connection, blobs, sealing, at)
    if new.key.public in {found.key.public for found in logged_keys(connection, blobs)}:
        raise StoreError("the new key has signed for this log before", "Give one that was never used.")
    if new.key.name != old.key.name:
        raise StoreError(f"the new key is {new.key.name!r}'s; the log goes by {old.key.name!r}")
    sign_kept(connection, blobs, old)
    append_key(connection, blobs, new.key, old.key, at)
    size, root = log.keep_checkpoint(connection, at)
    keep_note(connection, Checkpoint(new.key.name, size, bytes.fromhex(root)), [new, old])
    return size


def _roots(connection: sa.Connection, sizes: Iterable[int]) -> dict[int, bytes]:
    wanted = set(sizes)
    state = log.state(connection)
    if wanted <= {state.size}:
        return {state.size: state.root()}
    roots: dict[int, bytes] = {}
    frontier = Frontier()
    for leaf in connection.execute(sa.select(log_table.c.hash).order_by(log_table.c.seq)).scalars():
        frontier.append(leaf)
        if frontier.size in wanted:
            roots[frontier.size] = frontier.root()
    return roots
