"""The pages of a pack: what an auditor reads in a browser, without Annexa and without network.

They are a reading aid. Whatever is proven is proven by the files they link to.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from annexa.output import Row
from annexa.pack import page_names
from annexa.pack.packed_checks import PackedCheck, packed_checks
from annexa.pack.page_templates import render
from annexa.pack.paging import in_pages
from annexa.pack.standing import Standing
from mappings.controls import Reach, Theme
from mappings.status import Status
from mappings.waivers import Accepted, Waivers
from store.model import Outcome
from store.pack import layout
from store.pack.contents import Contents, PackedCollection, PackedFinding
from store.statement import Attestation, Exclusion, State, Waiver

_LONGEST_GAPS = 10
_REACH = {
    Reach.TECHNICAL: "technical: it decides a substantive part; a documented rule is still needed",
    Reach.PARTIAL: "partial: it supports the control, but a person must attach the main artefact",
    Reach.INHERITED: "inherited: a provider answers for its own sites; own premises are attested",
    Reach.MANUAL: "manual: nothing in configuration decides it",
}
_YES_NO = {"True": "yes", "False": "no"}
_NAMED = ("calls", "principal", "endpoints", "end_reached", "collector", "definition", "redacted")


class Pages:
    """Writes the pages of one pack.

    Args:
        controls: all 93.
        gaps: as :func:`annexa.periods.all_gaps` gives them.
    """

    def __init__(self, contents: Contents, controls: Sequence[Standing], gaps: Sequence[Row]) -> None:
        self._contents = contents
        self._controls = controls
        self._gaps = sorted(gaps, key=lambda gap: -gap["days"])
        self._checks = packed_checks(contents)
        self._waivers = Waivers(contents.statements, contents.as_of)

    def __len__(self) -> int:
        packed = sum(standing.packed for standing in self._controls)
        findings = sum(len(check.pages()) for check in self._checks.values())
        return 2 + len(in_pages(self._gaps)) + packed + findings + len(self._contents.collections)

    def __iter__(self) -> Iterator[tuple[str, bytes]]:
        """Yield (path in the pack, page)."""
        yield layout.INDEX, self._index()
        yield from self._gap_pages()
        yield page_names.STATEMENTS, self._page("statements.html", page_names.STATEMENTS)
        for standing in self._controls:
            if standing.packed:
                yield self._control(standing)
        for check in self._checks.values():
            yield from self._check(check)
        for entry, collection in sorted(self._contents.collections.items()):
            yield self._collection(entry, collection)

    def _page(self, template: str, path: str, **values: Any) -> bytes:
        return render(
            template,
            path,
            c=self._contents,
            packed=[standing.control.number for standing in self._controls if standing.packed],
            applied=self._checks,
            waiver_of=self._waiver_of,
            **values,
        )

    def _waiver_of(self, finding: PackedFinding) -> Accepted | None:
        """Return the waiver that covers a failure at the end of the period."""
        if finding.outcome is not Outcome.FAIL or finding.ended:
            return None
        return self._waivers.covering(finding.check, finding.provider, finding.scope, finding.resource_id)

    def _index(self) -> bytes:
        totals = Counter(standing.row["status"] for standing in self._controls)
        stated: dict[str, Counter[str]] = {}
        for filed in self._contents.statements:
            stated.setdefault(filed.kind, Counter())[filed.state(self._contents.as_of).value] += 1
        return self._page(
            "index.html",
            layout.INDEX,
            controls=self._controls,
            totals=[(status.value, totals[status.value]) for status in Status if totals[status.value]],
            themes=[theme.value for theme in Theme],
            gaps=self._gaps,
            longest=self._gaps[:_LONGEST_GAPS],
            stated=sorted(stated.items()),
            states=[state.value for state in State],
            checks=list(self._checks.values()),
        )

    def _gap_pages(self) -> Iterator[tuple[str, bytes]]:
        pages = in_pages(self._gaps)
        places = [page_names.gaps(number) for number in range(1, len(pages) + 1)]
        for number, (path, gaps) in enumerate(zip(places, pages, strict=True), 1):
            yield path, self._page("gaps.html", path, gaps=gaps, places=places, number=number)

    def _control(self, standing: Standing) -> tuple[str, bytes]:
        number = standing.control.number
        path = page_names.control(number)
        checks = [check for check in self._checks.values() if check.bears_on(number)]
        found = [finding for check in checks for finding in check.open_findings()]
        shown = in_pages(found)[0]
        names = {check.id for check in checks}
        page = self._page(
            "control.html",
            path,
            control=standing.control,
            standing=standing,
            reach=_REACH,
            checks=checks,
            open=shown,
            left_out=len(found) - len(shown),
            sampled=self._contents.selection.sample is not None,
            statements=[
                filed for filed in self._contents.statements if _bears_on(filed.statement, number, names)
            ],
        )
        return path, page

    def _check(self, check: PackedCheck) -> Iterator[tuple[str, bytes]]:
        pages = check.pages()
        waivers = [
            filed
            for filed in self._contents.statements
            if isinstance(filed.statement, Waiver) and filed.statement.check == check.id
        ]
        places = [page_names.check(check.id, number) for number in range(1, len(pages) + 1)]
        for number, (path, findings) in enumerate(zip(places, pages, strict=True), 1):
            page = self._page(
                "check.html",
                path,
                check=check,
                findings=findings,
                statements=waivers,
                places=places,
                number=number,
            )
            yield path, page

    def _collection(self, entry: int, collection: PackedCollection) -> tuple[str, bytes]:
        path = page_names.collection(entry)
        told = None if collection.provenance is None else _told(collection.provenance)
        return path, self._page("collection.html", path, collection=collection, told=told)


def _bears_on(statement: object, control: str, checks: set[str]) -> bool:
    if isinstance(statement, Attestation | Exclusion):
        return statement.control == control
    return isinstance(statement, Waiver) and statement.check in checks


def _told(provenance: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a page names of a report; reports come from plugins, which leave out and add keys."""
    collector = provenance.get("collector")
    return {
        "principal": provenance.get("principal", ""),
        "endpoints": provenance.get("endpoints", []),
        "end_reached": _YES_NO.get(str(provenance.get("end_reached")), "not told"),
        "collector": " ".join(map(str, collector.values())) if isinstance(collector, Mapping) else "not told",
        "definition": provenance.get("definition", ""),
        "redacted": provenance.get("redacted", "not told"),
        "calls": [_call(call) for call in provenance.get("calls", ())],
        "more": {key: provenance[key] for key in sorted(provenance) if key not in _NAMED},
    }


def _call(call: Mapping[str, Any]) -> dict[str, Any]:
    counts = {
        name: int(call.get(key) or 0)
        for name, key in (
            ("made", "count"),
            ("pages", "pages"),
            ("found", "items"),
            ("absent", "absent"),
            ("failed", "failed"),
        )
    }
    return {"call": call.get("call", ""), "parameters": call.get("parameters", {}), **counts}
