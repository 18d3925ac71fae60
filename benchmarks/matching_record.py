"""Matching people at the end of a run, from what a record holds: their documents read, judged by CEL, kept.

python -m benchmarks.matching_record PEOPLE

It prints what the first time takes, and another one after 1 % of the people were disabled in one directory.
"""

import datetime as dt
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from benchmarks import measure
from benchmarks.distant_people import address, graph_user, guid, okta_user
from mappings.account import BUILT_IN_ACCOUNTS, load_accounts
from mappings.person import PERSON
from scheduler.people import match_people
from store.collection_writer import Acknowledged
from store.instant import rfc3339
from store.model import Document, Report, Scope
from store.record import Record

_ENTRA, _OKTA, _AWS = "entra.user.user", "okta.users.user", "aws.identitystore.user"
_BATCH = 100
_NO_CHECKS = "00" * 32


def main(people: int) -> None:
    """Print the figures."""
    with (
        tempfile.TemporaryDirectory() as folder,
        Record.writer(Path(folder) / "store") as record,
    ):
        for kind in (_ENTRA, _OKTA, _AWS):
            _keep(record, Scope(kind.partition(".")[0], "tenant", "tenant"), kind, _documents(kind, people))
        first = measure.call(lambda: _match(record, people))
        scope = Scope("entra", "tenant", "tenant")
        changed = _keep(record, scope, _ENTRA, _documents(_ENTRA, people, disabled=people // 100)).changed
        again = measure.call(lambda: _match(record, people))
    measure.note(f"{people:,} people from a record, first: {first.cpu_s:.1f} s of CPU")
    measure.line(f"again, {changed:,} accounts changed: CPU, against the first", again.cpu_s, first.cpu_s)


def _match(record: Record, people: int) -> None:
    matched = match_people(record, load_accounts([BUILT_IN_ACCOUNTS]), record.clock(), dt.timedelta(days=1))
    if matched is None or _keep(record, matched.scope, PERSON, matched.documents).resources != people:
        raise SystemExit("not everybody was matched")


def _keep(record: Record, scope: Scope, kind: str, found: Iterable[Document]) -> Acknowledged:
    """Keep one collection, without checks."""
    uid = f"run-{record.clock().timestamp()}"
    run_id = record.begin_run(uid, "bench")
    started = rfc3339(record.clock())
    writer = record.collection(run_id, uid, scope, kind, "")
    waiting: list[Document] = []
    for document in found:
        waiting.append(document)
        if len(waiting) == _BATCH:
            writer.keep(waiting)
            waiting = []
    writer.keep(waiting)
    report = Report(True, [], started, rfc3339(record.clock()), {"calls": []})
    done = writer.finish(report, _NO_CHECKS, {})
    record.finish_run(run_id, "complete", {"resources": done.resources})
    return done


def _documents(kind: str, people: int, disabled: int = 0) -> Iterator[Document]:
    for number in range(people):
        item: dict[str, Any]
        if kind == _ENTRA:
            item = {**graph_user(number), "accountEnabled": number >= disabled}
            key = item["id"]
        elif kind == _OKTA:
            item = okta_user(number)
            key = item["id"]
        else:
            key = guid("d", number)
            item = {"UserId": key, "UserName": address(number), "UserStatus": "ENABLED"}
        yield Document(kind, key, address(number), "", {"item": item})


if __name__ == "__main__":
    main(int(sys.argv[1]))
