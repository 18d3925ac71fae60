"""Retention: every tombstone must be one that the log accounts for."""

from collections import defaultdict

import sqlalchemy as sa

from store.retention import PRUNE, Removal, removed_root
from store.schema import tombstone
from store.verification.examination import Examination


def check_retention(x: Examination) -> None:
    """Check tombstones against the log, and note what may be gone."""
    found: dict[int, list[bytes]] = defaultdict(list)
    for row in x.connection.execute(sa.select(tombstone)):
        found[row.seq].append(row.hash)
    for seq, body in x.bodies(PRUNE):
        where = f"log entry {seq}"
        with x.at(where):
            hashes = found.pop(seq, [])
            if (len(hashes), removed_root(hashes).hex()) != (body["removed"], body["root"]):
                x.problem(where, "its tombstones are not those of what it removed")
                continue
            removal = Removal.of(seq, body)
            if removal.before >= removal.at:
                x.problem(where, "let go of what had not ended")
            for key in hashes:
                x.tombstones[key].append(removal)
    for seq in sorted(found):
        x.problem(f"tombstone of entry {seq}", "is not in the log")
