"""Timestamps: each token must be the one that was logged, over its checkpoint, by a trusted authority."""

import hashlib

import sqlalchemy as sa

from store import timestamping
from store.schema import timestamp
from store.timestamping import TimestampError
from store.verification.examination import Examination

_KIND = "timestamp"


def check_timestamps(x: Examination) -> None:
    logged: dict[tuple[int, str, str], int] = {}
    for seq, body in x.bodies(_KIND):
        with x.at(f"log entry {seq}"):
            logged[body["size"], body["authority"], body["token"]] = seq
    for row in x.connection.execute(sa.select(timestamp).order_by(timestamp.c.size)):
        where = f"timestamp {row.id} of checkpoint {row.size}"
        note = x.notes.get(row.size)
        digest = hashlib.sha256(row.token).hexdigest()
        if logged.pop((row.size, row.authority, digest), None) is None:
            x.problem(where, "is not in the log as it is")
        if note is None:
            x.problem(where, "is over a checkpoint that is not signed")
            continue
        try:
            text = note.text.encode()
            if x.demands.timestamp_roots:
                timestamping.verify(row.token, text, x.demands.timestamp_roots)
            else:
                timestamping.decode(row.token, text)
        except TimestampError as error:
            x.problem(where, f"does not hold: {error}")
        else:
            x.result.timestamps += 1
            x.result.stamped_size = row.size
    for size, authority, _ in logged:
        x.problem(f"checkpoint {size}", f"its timestamp by {authority} was logged, but is gone")
