"""``annexa evidence``."""

import dataclasses
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click
import orjson

from annexa.moments import as_of_option, must_be_collected_by
from annexa.output import (
    Column,
    console,
    format_option,
    print_json_array,
    print_rows,
    print_table,
    shown,
)
from annexa.rows import resource_rows
from annexa.workspace import Workspace
from store.evidence import Evidence, evidence
from store.history import Version, history

_LIST = (
    Column("resource_type", "Type"),
    Column("resource_name", "Name", fold=True),
    Column("scope", "Scope"),
    Column("region", "Region"),
    Column("resource_id", "Identifier", fold=True),
)
_SIGNS = {"added": "+", "removed": "-", "changed": ""}
_VERSIONS = (
    Column("first_seen", "First seen"),
    Column("last_seen", "Last seen"),
    Column("then", "Then"),
    Column("short", "SHA-256"),
    Column("paths", "What had changed", fold=True),
)


@click.group()
def command() -> None:
    """Documents as they were collected, with where they come from."""


@command.command("list")
@click.option("--type", "resource_type", default="", help="Only this resource type.")
@click.option("--scope", default="")
@click.option("--region", default="")
@as_of_option
@format_option
@click.pass_obj
def list_evidence(
    config: Path | None, resource_type: str, scope: str, region: str, as_of: str | None, form: str
) -> None:
    """List the resources that the record holds."""
    with Workspace.load(config).reading() as record:
        must_be_collected_by(record, as_of)
        rows = (
            row
            for row in resource_rows(record, as_of)
            if resource_type in ("", row["resource_type"])
            and scope in ("", row["scope"])
            and region in ("", row["region"])
        )
        print_rows(rows, _LIST, form, empty="No resource matches.")


@command.command("show")
@click.argument("resource")
@as_of_option
@format_option
@click.pass_obj
def show_evidence(config: Path | None, resource: str, as_of: str | None, form: str) -> None:
    """Show a resource's document and its provenance.

    RESOURCE is an identifier, a name, or TYPE/NAME such as aws.s3.bucket/payroll.
    """
    with Workspace.load(config).reading() as record:
        must_be_collected_by(record, as_of)
        rows = [_row(found) for found in evidence(record, resource, as_of)]
    if form == "json":
        print_json_array(rows)
    elif form == "csv":
        print_rows(rows, (), form)
    else:
        for row in rows:
            _print(row)


@command.command("history")
@click.argument("resource")
@format_option
@click.pass_obj
def show_history(config: Path | None, resource: str, form: str) -> None:
    """Show every version of a resource, with the time that it held and what had changed.

    RESOURCE is an identifier, a name, or TYPE/NAME such as aws.s3.bucket/payroll.
    """
    with Workspace.load(config).reading() as record:
        found = [[_version_row(version) for version in versions] for versions in history(record, resource)]
    if form == "table":
        for rows in found:
            _print_versions(rows)
    else:
        print_rows([row for rows in found for row in rows], (), form)


def _version_row(version: Version) -> dict[str, Any]:
    document = version.document
    return {
        "resource_type": document.resource_type,
        "resource_id": document.id,
        "resource_name": document.name,
        "provider": version.provider,
        "scope": version.scope,
        "region": document.region,
        "document": version.hash,
        "first_seen": version.first_seen,
        "last_seen": version.last_seen,
        "ended": version.ended,
        "end": version.end,
        "returned": version.returned,
        "changes": None if version.changes is None else [dataclasses.asdict(one) for one in version.changes],
        "pruned": version.pruned,
    }


def _print_versions(rows: list[dict[str, Any]]) -> None:
    _print_head(rows[-1], (("Identifier", "resource_id"), ("Scope", "scope"), ("Region", "region")))
    for row in rows:
        paths = [f"{_SIGNS[change['kind']]}{change['path']}" for change in row["changes"] or ()]
        if row["changes"] is None:
            paths = ["not known any more"]
        row["then"] = f"{row['end']} {row['ended']}" if row["end"] else "still so"
        row["short"] = row["document"][:12]
        row["paths"] = (["came back"] if row["returned"] else []) + paths
    print_table(rows, _VERSIONS)
    for row in rows:
        if row["pruned"]:
            click.echo(shown(f"{row['short']}: {row['pruned']}"))


def _row(found: Evidence) -> dict[str, Any]:
    document = found.document
    return {
        "resource_type": document.resource_type,
        "resource_id": document.id,
        "resource_name": document.name,
        "provider": found.collection.provider,
        "scope": found.collection.scope,
        "region": document.region,
        "document": found.hash,
        "first_seen": found.first_seen,
        "last_seen": found.last_seen,
        "current": found.current,
        "content": None if "document" in found.pruned else document.content,
        "gaps": None if "document" in found.pruned else document.gaps,
        "redacted": None if "document" in found.pruned else list(document.redacted),
        "pseudonymised": None if "document" in found.pruned else list(document.pseudonymised),
        "collection": {
            "run": found.collection.run,
            "log_entry": found.collection.seq,
            "started": found.collection.started,
            "finished": found.collection.finished,
            "complete": found.collection.complete,
            "resources": found.collection.resources,
        },
        "provenance": None if "report" in found.pruned else found.report["provenance"],
        "pruned": found.pruned,
    }


def _print(row: dict[str, Any]) -> None:
    labels = (
        ("Identifier", "resource_id"),
        ("Scope", "scope"),
        ("Region", "region"),
        ("SHA-256", "document"),
        ("First seen", "first_seen"),
        ("Last seen", "last_seen"),
    )
    _print_head(row, labels)
    out = console()
    if not row["current"]:
        out.print("It no longer existed when it was last looked for.")
    for what, why in row["pruned"].items():
        out.print(f"Pruned       {what}: {shown(why)}", markup=False)
    for key, gap in (row["gaps"] or {}).items():
        out.print(f"Gap          {key}: {gap['call']} could not be read: {gap['code']}", markup=False)
    if row["redacted"]:
        out.print("Redacted     " + ", ".join(row["redacted"]), markup=False)
    if row["content"] is not None:
        out.print("\n[bold]Document[/]")
        _print_json(row["content"])
    out.print("\n[bold]Provenance[/]")
    _print_json(row["collection"] | (row["provenance"] or {}))


def _print_head(row: dict[str, Any], labels: Iterable[tuple[str, str]]) -> None:
    out = console()
    out.print(f"[bold]{row['resource_type']}[/]  ", end="")
    out.print(shown(row["resource_name"]), markup=False)
    for label, key in labels:
        out.print(f"{label:<12} {shown(row[key])}", markup=False)


def _print_json(value: Any) -> None:
    click.echo(orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS).decode())
