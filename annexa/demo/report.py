"""What the demo shows at its end: controls by status, cloud by cloud, the worst findings, the gaps."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable

import click

from annexa.commands.status import counts_line
from annexa.output import Column, Row, console, print_table
from annexa.people_rows import people, person_row
from annexa.rows import finding_rows, gap_rows, resource_rows, status_row, statuses
from annexa.workspace import Workspace
from mappings.person import PERSON
from store.model import SEVERITY_RANK, Document, Severity
from store.record import Record

CLOUDS = {"aws": "AWS", "azure": "Azure", "gcp": "GCP"}
"""Provider → what to call it."""

SOURCES = CLOUDS | {"ldap": "AD", "entra": "Entra ID"}
"""What is read from providers, as opposed to what is matched over all of them."""

CONTROL = "8.24"
"""The control that is shown cloud by cloud."""

_WORST_OF_EACH = 4
_WIDE = 100
"""A terminal of so many columns has room for the last column of the long tables, too."""

_PEOPLE = 5
_STATUS = (
    Column("control", "Control"),
    Column("title", "Title", fold=True),
    Column("status", "Status"),
    Column("fail", "Fail", right=True),
    Column("unknown", "Unknown", right=True),
    Column("pass", "Pass", right=True),
)
_SIDE_BY_SIDE = (
    Column("cloud", "Cloud"),
    Column("resources", "Resources", right=True),
    Column("fail", "Fail", right=True),
    Column("unknown", "Unknown", right=True),
    Column("pass", "Pass", right=True),
    Column("example", "What fails, for example", fold=True),
)
_WORST = (
    Column("severity", "Severity"),
    Column("cloud", "Where"),
    Column("title", "What must hold", fold=True),
    Column("resources", "Fails on", right=True),
    Column("example", "For example", fold=True),
    Column("remediation", "How to mend it", fold=True),
)
_WHO = (
    Column("severity", "Severity"),
    Column("name", "Who", fold=True),
    Column("wrong", "What must hold, and does not", fold=True),
    Column("where", "Active in", fold=True),
)
_GAPS = (
    Column("cloud", "Where"),
    Column("call", "Could not read", fold=True),
    Column("code", "Because", fold=True),
    Column("times", "Times", right=True),
    Column("unknown", "Unknown", right=True),
    Column("check", "For example", fold=True),
)
_NOT_OFFERED = ("404", "500", "501", "DependsOnGap")
_LAST_PART = re.compile(r"[^/:]+")
_TEMPLATE_OR_VERSION = re.compile(r"\{.*\}|v\d\w*|[A-Z]+ ?|subscriptions|providers")
_CLAUSE = re.compile(r"(?:; |[.] |[.]$)")


def report(workspace: Workspace, record: Record) -> None:
    """Print the demo's tables."""
    found = statuses(
        record,
        workspace.controls,
        workspace.checks.values(),
        workspace.config.file.status.stale_after_days,
    )
    findings = list(finding_rows(record))
    gaps = list(gap_rows(record))
    rows = [status_row(status) for status in found]
    print_table([row for row in rows if row["pass"] or row["fail"] or row["unknown"]], _STATUS, "Controls")
    click.echo("All 93: " + counts_line(row["status"] for row in rows) + "\n")
    control = workspace.controls[CONTROL]
    print_table(
        _side_by_side(resource_rows(record), findings),
        _SIDE_BY_SIDE,
        f"One control, three clouds: {control.number} {control.title}",
    )
    wide = console().width >= _WIDE
    print_table(_worst(findings), _WORST if wide else _WORST[:-1], "The worst findings")
    print_table(
        _people([person_row(each) | _directories(each) for each in people(record)], findings),
        _WHO,
        "People, matched over directories and clouds",
    )
    denied = [gap for gap in gaps if gap["code"] not in _NOT_OFFERED]
    print_table(
        _grouped(denied, findings),
        _GAPS if wide else _GAPS[:-1],
        "What could not be read, and what that leaves unknown",
    )
    others = {gap["call"] for gap in gaps if gap["code"] in _NOT_OFFERED}
    if others:
        click.echo(
            f"Besides, the local AWS server does not offer {len(others)} of the calls; "
            "`annexa gaps` lists them.\n"
        )


def _side_by_side(resources: Iterable[Row], findings: Iterable[Row]) -> list[Row]:
    """Return what each cloud says of the control."""
    read = Counter(row["resource_type"].partition(".")[0] for row in resources)
    bearing: dict[str, list[Row]] = defaultdict(list)
    for row in findings:
        if CONTROL in row["controls"]:
            bearing[row["provider"]].append(row)
    return [
        {
            "cloud": cloud,
            "resources": read[provider],
            **Counter(row["outcome"] for row in bearing[provider]),
            "example": "; ".join(
                f"{row['title']}: {row['example']}" for row in _failing(bearing[provider])[:1]
            ),
        }
        for provider, cloud in CLOUDS.items()
    ]


def _worst(findings: Iterable[Row]) -> list[Row]:
    """Return the worst of every cloud, the most severe first."""
    of: dict[str, list[Row]] = defaultdict(list)
    for row in findings:
        if row["provider"] in SOURCES:
            of[row["provider"]].append(row)
    worst = [row for rows in of.values() for row in _failing(rows)[:_WORST_OF_EACH]]
    return sorted(worst, key=_weight)


def _people(found: Iterable[Row], findings: Iterable[Row]) -> list[Row]:
    """Return one of the people for each thing that can be wrong with them, the worst and rarest first."""
    persons = {row["person"]: row for row in found}
    of_check: dict[str, list[Row]] = defaultdict(list)
    of_person: dict[str, list[Row]] = defaultdict(list)
    for row in findings:
        if row["resource_type"] == PERSON and row["outcome"] == "fail" and row["resource_id"] in persons:
            of_check[row["check"]].append(row)
            of_person[row["resource_id"]].append(row)

    def telling(row: Row) -> tuple[bool, int, int]:
        person = persons[row["resource_id"]]
        return bool(person["directories"]), len(person["access"]), len(of_person[row["resource_id"]])

    shown: dict[str, list[Row]] = {}
    for rows in sorted(of_check.values(), key=lambda rows: (_rank(rows[0]), len(rows))):
        others = [row for row in rows if row["resource_id"] not in shown]
        if not others:
            continue
        worst = max(others, key=telling)
        told = [row for row in of_person[worst["resource_id"]] if _rank(row) == _rank(worst)]
        shown[worst["resource_id"]] = told
    return [
        {
            "severity": told[0]["severity"],
            "name": persons[person]["name"],
            "wrong": "; ".join(row["title"] for row in told),
            "where": ", ".join(_places(persons[person])),
        }
        for person, told in [*shown.items()][:_PEOPLE]
    ]


def _directories(person: Document) -> Row:
    """Return which directories have an account of a person that works."""
    active = {each["provider"] for each in person.content["directory"] if each["active"]}
    return {"active_directories": sorted(active)}


def _places(person: Row) -> list[str]:
    """Return where a person has an account that works."""
    return [SOURCES[name] for name in (*person["active_directories"], *person["active_in"])]


def _failing(findings: Iterable[Row]) -> list[Row]:
    """Return a row for each check that fails, the worst first."""
    groups: dict[str, list[Row]] = defaultdict(list)
    for row in findings:
        if row["outcome"] == "fail":
            groups[row["check"]].append(row)
    failing = [
        rows[0]
        | {
            "cloud": SOURCES[rows[0]["provider"]],
            "resources": len(rows),
            "example": _LAST_PART.findall(rows[0]["resource_name"])[-1],
            "remediation": _CLAUSE.split(rows[0]["remediation"])[0],
        }
        for rows in groups.values()
    ]
    return sorted(failing, key=_weight)


def _weight(row: Row) -> tuple[int, int]:
    return _rank(row), -row["resources"]


def _rank(row: Row) -> int:
    return SEVERITY_RANK[Severity(row["severity"])]


def _grouped(gaps: list[Row], findings: list[Row]) -> list[Row]:
    unknown = [row for row in findings if row["outcome"] == "unknown"]
    groups: dict[tuple[str, str, str], list[Row]] = defaultdict(list)
    for gap in gaps:
        groups[gap["provider"], gap["call"], gap["code"]].append(gap)
    rows = []
    for (provider, call, code), members in sorted(
        groups.items(), key=lambda item: (item[0][0], -len(item[1]))
    ):
        left = [row for row in unknown if f"{call} " in row["reason"] or f"{call}:" in row["reason"]]
        checks = sorted({row["check"] for row in left})
        rows.append(
            {
                "cloud": SOURCES[provider],
                "call": _short(call),
                "code": code,
                "times": len(members),
                "unknown": len(left),
                "check": checks[0] + (f" and {len(checks) - 1} more" if len(checks) > 1 else "")
                if checks
                else "",
            }
        )
    return rows


def _short(call: str) -> str:
    """Return a call of REST without what most have in common: ``arm:Microsoft.Security/pricings``."""
    service, _, operation = call.partition(":")
    said = [part for part in operation.split("/") if not _TEMPLATE_OR_VERSION.fullmatch(part)]
    return f"{service}:{'/'.join(said[-2:])}"
