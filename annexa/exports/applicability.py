"""The Statement of Applicability of ISO/IEC 27001:2022, clause 6.1.3 d): every control of Annex A once.

It must say which controls are necessary, why each is included, whether it is implemented, and why any
is excluded. The record answers the second half; why a control was selected people have to say.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

from annexa.config import SoaSection
from annexa.exports.rows import Source
from annexa.exports.spreadsheet import Kind, Page, Spreadsheet
from annexa.exports.spreadsheet import field as key
from annexa.exports.workbook import origin, waiver
from annexa.rows import Row
from mappings.controls import Control
from mappings.status import ControlStatus
from store.model import OUTCOME_RANK, Outcome
from store.statement import Attestation, Filed, Waiver
from store.tallies import tallies

UNJUSTIFIED = "not stated: say why in [soa] of annexa.toml"
EXCLUDED = "excluded"

_FIELDS = (
    key("Control", "control", 10),
    key("Title", "title", 44),
    key("Theme", "theme", 15),
    key("Applicable", "applicable", 11),
    key("Justification for inclusion or exclusion", "justification", 50),
    key("Implementation", "status", 20),
    key("Why", "reason", 50),
    key("Checks and what they found", "checks", 60),
    key("Attestations", "attestations", 50),
    key("Accepted failures", "waivers", 50),
    key("Owner", "owner", 26),
    key("Last evidence", "last_evidence", 20, Kind.MOMENT),
)


def write(path: Path, source: Source) -> None:
    """Write the statement as a workbook with a cover."""
    section = source.workspace.config.file.soa
    with Spreadsheet(path, "Statement of Applicability", source.when.stamp) as book:
        cover = book.page("Cover")
        rows = list(applicability_rows(source))
        book.table("Statement of Applicability", _FIELDS, rows)
        _cover(cover, source, section, rows)


def applicability_rows(source: Source) -> Iterator[Row]:
    """Yield one row for each of the 93 controls."""
    section = source.workspace.config.file.soa
    filed = [each for each in source.in_force() if each.statement is not None]
    results = _results(source)
    exclusions = source.exclusions()
    for status in source.statuses():
        number = status.control.number
        yield _row(
            status,
            section,
            filed,
            results.get(number, {}),
            _bearing(source, status.control),
            exclusions.get(number, ""),
        )


def _row(
    status: ControlStatus,
    section: SoaSection,
    filed: list[Filed],
    results: Mapping[str, Counter[Outcome]],
    bearing: frozenset[str],
    excluded: str,
) -> Row:
    control = status.control
    attestations = [
        (each, each.statement)
        for each in filed
        if isinstance(each.statement, Attestation) and each.statement.control == control.number
    ]
    waivers = [
        (each, each.statement)
        for each in filed
        if isinstance(each.statement, Waiver) and each.statement.check in bearing
    ]
    included = section.justification.get(control.number) or section.default_justification or UNJUSTIFIED
    return {
        "control": control.annex_a,
        "title": control.title,
        "theme": control.theme.value,
        "applicable": "no" if excluded else "yes",
        "justification": excluded or included,
        "status": EXCLUDED if excluded else status.status.value,
        "reason": "" if excluded else status.reason,
        "checks": "\n".join(f"{check}: {_told(outcomes)}" for check, outcomes in sorted(results.items())),
        "attestations": "\n".join(
            f"{said.owner}, {said.valid_from} to {said.valid_until}: {said.says} (log entry {entry.entry})"
            for entry, said in attestations
        ),
        "waivers": "\n".join(
            f"{said.check} "
            + waiver(
                {
                    "until": said.valid_until,
                    "approver": said.approver,
                    "reason": said.reason,
                    "entry": entry.entry,
                }
            )
            for entry, said in waivers
        ),
        "owner": ", ".join(dict.fromkeys(said.owner for _, said in attestations)),
        "last_evidence": status.last_evidence,
    }


def _results(source: Source) -> dict[str, dict[str, Counter[Outcome]]]:
    """Return control → check → outcome → how many findings there are."""
    found: dict[str, dict[str, Counter[Outcome]]] = defaultdict(lambda: defaultdict(Counter))
    for tally in tallies(source.record, source.when.at):
        for number in tally.check_body["controls"]:
            found[number][tally.check][tally.outcome] += tally.number
    return found


def _bearing(source: Source, control: Control) -> frozenset[str]:
    return frozenset(
        check.id for check in source.workspace.checks.values() if control.number in check.controls
    )


def _told(outcomes: Counter[Outcome]) -> str:
    return ", ".join(
        f"{outcomes[outcome]} {outcome.value.replace('_', ' ')}"
        for outcome in sorted(outcomes, key=OUTCOME_RANK.__getitem__)
    )


def _cover(page: Page, source: Source, section: SoaSection, rows: list[Row]) -> None:
    page.line("Statement of Applicability", section.organisation)
    page.line("Standard", "ISO/IEC 27001:2022, clause 6.1.3 d), controls of Annex A")
    page.line("Version", f"{source.when.stamp[:10]}, from the record as below")
    page.line()
    page.line("Approved by", section.approver)
    page.line("Date of approval")
    page.line("Signature")
    page.line()
    origin(page, source)
    excluded = sum(row["applicable"] == "no" for row in rows)
    page.line("Controls applicable", len(rows) - excluded, Kind.NUMBER)
    page.line("Controls excluded", excluded, Kind.NUMBER)
    unjustified = sum(row["justification"] == UNJUSTIFIED for row in rows)
    page.line("Inclusion not justified", unjustified, Kind.NUMBER)
    page.line(
        "How to read it",
        "Implementation says what the evidence shows, not what is planned: incomplete means that calls "
        "could not be read or that evidence is out of date, needs attestation that a person must give it. "
        "A failure that somebody accepted stays one among what checks found, and is named beside; alone it "
        "does not make a control not satisfied where something else passes or is attested.",
    )
