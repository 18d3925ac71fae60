"""Documents, reports and checks: each has its own hash, and something that is proven names it."""

from collections.abc import Callable

import orjson

from store.pack import layout
from store.pack.replayed import Collected
from store.pack.verification.examination import Needed, PackExamination, json_lines
from store.retention import PRUNE, removed_root


def check_tombstones(x: PackExamination) -> None:
    """Hold what is said to be let go against the entries that say so."""
    for name in x.under("data"):
        if name not in layout.DATA:
            x.problem(name, "is no part of a pack's data")
    found: dict[int, list[str]] = {}
    for line in json_lines(x, layout.TOMBSTONES):
        with x.at(layout.TOMBSTONES):
            found.setdefault(line["entry"], []).append(line["hash"])
    logged = dict(x.bodies(PRUNE))
    for seq, keys in found.items():
        where = f"{layout.TOMBSTONES}, entry {seq}"
        with x.at(where):
            body = logged[seq]
            root = removed_root(bytes.fromhex(key) for key in keys).hex()
            if (len(keys), root) != (body["removed"], body["root"]):
                x.problem(where, "is not all that this entry let go")
                continue
            for key in keys:
                x.tombstones[key] = max(x.tombstones.get(key, ""), body["before"])


def check_documents(x: PackExamination) -> None:
    """Check that the documents are exactly those that the shown rows name."""
    _check_named(x, "documents", layout.document, x.documents)
    for key, needed in x.documents.items():
        name = layout.document(key)
        if x.digests.get(name) == key:
            with x.at(name):
                if orjson.loads(x.archive.read(name))["id"] != needed.where:
                    x.problem(name, f"is of another resource than {needed.where}")


def check_reports(x: PackExamination) -> None:
    """Check that each collection that something rests on has its report."""
    gaps: dict[str, int] = {}
    for series in x.series:
        for number, one in enumerate(series.collections):
            if one.seq in x.rests:
                following = series.collections[number + 1 : number + 2]
                until = following[0].finished if following else ""
                _need_report(x, one, until, gaps)
    _check_named(x, "reports", layout.report, x.reports)
    for key, number in gaps.items():
        name = layout.report(key)
        if x.digests.get(name) == key:
            with x.at(name):
                if len(orjson.loads(x.archive.read(name))["gaps"]) != number:
                    x.problem(name, "has another number of gaps than its collection")


def _need_report(x: PackExamination, one: Collected, until: str, gaps: dict[str, int]) -> None:
    key = one.report.hex()
    x.need(x.reports, key, f"log entry {one.seq}", until)
    if gaps.setdefault(key, one.gaps) != one.gaps:
        x.problem(f"log entry {one.seq}", "has another number of gaps than its report")


def check_checks(x: PackExamination) -> None:
    """Check that no check is there by which nothing was judged."""
    for name in x.under("checks"):
        if name not in {layout.check(digest) for digest in x.checks}:
            x.problem(name, "nothing was judged by it")


def _check_named(
    x: PackExamination, folder: str, path: Callable[[str], str], wanted: dict[str, Needed]
) -> None:
    for key, needed in sorted(wanted.items()):
        found = x.digests.get(path(key))
        if found is None and path(key) not in x.archive:
            if not x.let_go(key, needed.until):
                x.problem(path(key), f"is missing; {needed.where} needs it")
        elif found != key:
            x.problem(path(key), "has another hash than its name says")
    known = {path(key) for key in wanted}
    for name in x.under(folder):
        if name not in known:
            x.problem(name, "nothing that is shown needs it")
