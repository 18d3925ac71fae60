"""``annexa doctor``."""

import os
import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from annexa.exit_codes import ExitCode
from annexa.output import Column, Row, format_option, print_rows
from annexa.workspace import Workspace
from store.clock import must_not_be_behind
from store.errors import AnnexaError
from store.instant import rfc3339, utc_now
from store.record import DATABASE, REDACTION_KEY, Record

if TYPE_CHECKING:
    from store.places import Place
    from store.sealing import Sealing

_COLUMNS = (
    Column("ok", ""),
    Column("name", "What"),
    Column("message", "Found", fold=True),
    Column("hint", "What to do", fold=True),
)
_SAFE_SQLITE = (3, 51, 3)


@click.command()
@format_option
@click.pass_obj
def command(config: Path | None, form: str) -> int:
    """Say whether configuration, credentials, permissions and store are in order."""
    rows = list(_diagnose(config))
    if form == "table":
        print_rows([row | {"ok": "ok" if row["ok"] else "NOT OK"} for row in rows], _COLUMNS, form)
    else:
        print_rows(rows, _COLUMNS, form)
    return int(ExitCode.COMPLETE if all(row["ok"] for row in rows) else ExitCode.USAGE)


def _diagnose(config: Path | None) -> Iterator[Row]:
    try:
        workspace = Workspace.load(config)
    except AnnexaError as error:
        yield _row("configuration", False, str(error), error.hint)
        return
    yield _row("configuration", True, f"{workspace.config.path} can be read")
    try:
        yield _row("checks", True, f"{len(workspace.checks)} checks are applied")
    except AnnexaError as error:
        yield _row("checks", False, str(error), error.hint)
    yield from _diagnose_store(workspace.config.store_path)
    yield from _diagnose_sealing(workspace)
    if not workspace.config.providers:
        yield _row(
            "providers", False, "no provider is turned on", "Add a section such as [aws]; it may be empty."
        )
    for provider in workspace.config.providers:
        try:
            (collector,) = workspace.collectors(redaction_key=b"", only=provider)
        except AnnexaError as error:
            yield _row(f"{provider}: configuration", False, str(error), error.hint)
            continue
        for found in collector.diagnose():
            yield _row(f"{provider}: {found.name}", found.ok, found.message, found.hint)


def _diagnose_store(path: Path) -> Iterator[Row]:
    nearest = next(folder for folder in (path, *path.resolve().parents) if folder.exists())
    if not nearest.is_dir():
        yield _row("store", False, f"{path} cannot be made: {nearest} is no folder", "Correct [store] path.")
        return
    if (path / DATABASE).is_file():
        try:
            with Record.open(path) as record:
                yield _row("store", True, f"{path} opens, {record.size():,} bytes")
                with record.engine.connect() as connection:
                    must_not_be_behind(connection, record.blobs, rfc3339(utc_now()))
        except AnnexaError as error:
            yield _row("store", False, str(error), error.hint)
    else:
        yield _row("store", True, f"{path} does not exist yet; the first run makes it")
    writable = os.access(nearest, os.W_OK)
    yield _row(
        "store folder",
        writable,
        f"{nearest} can {'' if writable else 'not '}be written",
        "" if writable else "Give the user that runs Annexa write access, or set [store] path.",
    )
    key = path / REDACTION_KEY
    if key.exists() and key.stat().st_mode & 0o077:
        yield _row("redaction key", False, f"{key} can be read by others", f"chmod 600 {key}")
    if sqlite3.sqlite_version_info < _SAFE_SQLITE:
        yield _row(
            "SQLite",
            True,
            f"{sqlite3.sqlite_version}: versions before 3.51.3 can damage a store that two processes "
            "checkpoint at once; Annexa writes from one",
            "Do not open the store for writing with other tools.",
        )


def _diagnose_sealing(workspace: Workspace) -> Iterator[Row]:
    from annexa.record_config import sealing

    path = workspace.config.store_path
    try:
        wanted = sealing(workspace.config)
    except AnnexaError as error:
        yield _row("record", False, str(error), error.hint)
        return
    if not (path / DATABASE).is_file():
        return
    try:
        with Record.open(path) as record, record.engine.connect() as connection:
            from store.log_keys import logged_keys
            from store.publication import newest_signed
            from store.stamping import unstamped

            keys = logged_keys(connection, record.blobs)
            newest = newest_signed(connection)
            waiting = unstamped(connection) if wanted.timestamp_url else []
        if keys:
            signer = wanted.key.signer(wanted.origin or keys[-1].key.name)
            fits = signer.key == keys[-1].key
            yield _row(
                "signing key",
                fits,
                f"{signer.key} {'signs' if fits else 'is not the one that the log names'}",
                "" if fits else "Restore the key, or run `annexa checkpoint rotate-key`.",
            )
    except AnnexaError as error:
        yield _row("signing key", False, str(error), error.hint)
        return
    if newest is not None:
        yield from _diagnose_places(wanted.copy_to, newest)
        yield from _diagnose_witnesses(wanted, newest)
    if waiting:
        yield _row(
            "timestamps",
            False,
            f"the newest {len(waiting)} checkpoints have no timestamp",
            "Run `annexa checkpoint` once the authority of [record] timestamp_url answers.",
        )


def _diagnose_places(places: "Iterable[Place]", newest: Any) -> Iterator[Row]:
    """Copy the newest checkpoint to each place: what belongs there tells most, and leaves nothing else."""
    from store.publication import copy

    for place in places:
        try:
            copy(place, newest)
            held = list(place.copies(newest.note.split("\n", 1)[0]))
            yield _row("copies", True, f"{place} has {len(held)}, the newest checkpoint's among them")
        except AnnexaError as error:
            yield _row("copies", False, str(error), error.hint)


def _diagnose_witnesses(wanted: "Sealing", newest: Any) -> Iterator[Row]:
    from store.note import parse
    from store.witnessing import cosigned_by

    if wanted.witness_urls:
        names = cosigned_by(parse(newest.note.encode()), wanted.witnesses)
        yield _row(
            "witnesses",
            len(names) >= len(wanted.witness_urls),
            f"the newest checkpoint is cosigned by {len(names)} of {len(wanted.witness_urls)}",
            "" if len(names) >= len(wanted.witness_urls) else "Run `annexa checkpoint`; it says who did not.",
        )


def _row(name: str, ok: bool, message: str, hint: str = "") -> Row:
    return {"name": name, "ok": ok, "message": message, "hint": hint}
