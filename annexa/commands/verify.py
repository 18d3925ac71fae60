"""``annexa verify``."""

from pathlib import Path
from typing import TYPE_CHECKING

import click
from sqlalchemy.exc import SQLAlchemyError

from annexa.exit_codes import ExitCode
from annexa.output import Column, Row, format_option, print_object, print_table, shown
from annexa.workspace import Workspace
from store.errors import StoreError
from store.log_keys import logged_keys
from store.record import Record
from store.sealing import default_origin
from store.verify import Verification, verify

if TYPE_CHECKING:
    from store.pack.verify import PackVerification

_PROBLEMS = (Column("where", "Where", fold=True), Column("message", "What does not fit", fold=True))


@click.command()
@click.option(
    "--key",
    "keys",
    multiple=True,
    metavar="VKEY|FILE",
    help="A key that must have signed, beside trusted_keys.",
)
@click.option(
    "--against",
    multiple=True,
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="A signed checkpoint from outside the store, which the log must begin with.",
)
@click.option(
    "--pack",
    type=click.Path(path_type=Path),
    help="A pack to verify in place of the record. It takes no store, and no configuration but one "
    "that is named by --config.",
)
@format_option
@click.pass_obj
def command(
    config: Path | None, keys: tuple[str, ...], against: tuple[Path, ...], pack: Path | None, form: str
) -> int:
    """Recompute every hash and root of the record, or of a pack; exits with 4 if anything does not fit."""
    from annexa.record_config import demands

    if pack is not None:
        return _verify_pack(pack, config, keys, against, form)
    workspace = Workspace.load(config)
    with workspace.reading() as record:
        asked = demands(workspace.config, keys, against, _origin(workspace, record))
        result = verify(record, asked)
    lines = [verification_line(result), *signature_lines(result)]
    return _told(verification_row(result), lines, form)


def _verify_pack(
    pack: Path, config: Path | None, keys: tuple[str, ...], against: tuple[Path, ...], form: str
) -> int:
    from annexa.record_config import demands
    from store.pack.verify import verify_pack

    # A configuration that merely lies here may have come with the pack: its keys are nobody's.
    loaded = None if config is None else Workspace.load(config).config
    found = verify_pack(pack, demands(loaded, keys, against, ""))
    return _told(pack_row(found), pack_lines(found), form)


def _told(row: Row, lines: list[str], form: str) -> int:
    print_object(row, form, lambda: _say(row, lines))
    return int(ExitCode.COMPLETE if row["ok"] else ExitCode.VERIFICATION)


def _say(row: Row, lines: list[str]) -> None:
    for line in lines:
        click.echo(shown(line))
    if row["problems"]:
        print_table(row["problems"], _PROBLEMS)


def pack_row(found: "PackVerification") -> Row:
    """Return the result over a pack as ``--format json`` gives it."""
    selection = found.selection
    return {
        **verification_row(found.log),
        "pack": {
            "from": selection.period.first.isoformat(),
            "to": selection.period.last.isoformat(),
            "as_of": found.as_of,
            "controls": sorted(selection.controls),
            "providers": sorted(selection.providers),
            "scopes": sorted(selection.scopes),
            "sample": None if selection.sample is None else selection.sample.number,
            "seed": None if selection.sample is None else selection.sample.seed,
            "collections": found.collections,
            "rows": found.rows,
            "standing": found.standing,
            "shown": found.shown,
            "documents": found.documents,
            "statements": found.statements,
            "filed": found.filed,
            "pages": found.pages,
        },
    }


def pack_lines(found: "PackVerification") -> list[str]:
    """Say what is proven, and whose word it rests on."""
    selection, log = found.selection, found.log
    limits = [
        f"{name} {', '.join(sorted(chosen))}"
        for name, chosen in (
            ("controls", selection.controls),
            ("providers", selection.providers),
            ("scopes", selection.scopes),
        )
        if chosen
    ]
    if selection.sample is not None:
        limits.append(f"a sample of {selection.sample.number} a check, with the seed {selection.sample.seed}")
    if log.ok:
        first = f"The pack verifies: {log.size} log entries, root {log.root}"
    else:
        first = f"The pack does NOT verify: problems: {len(log.problems)}, in {log.size} log entries"
    of = f"It is of {selection.period.first} to {selection.period.last}, as of {found.as_of}"
    lines = [first, f"{of}; {'; '.join(limits) or 'everything'}."]
    if log.ok:
        findings = f"{found.standing} findings stand at its end; what decided {found.shown} is shown"
        how = "Proven" if log.trusted else "Fits together"
        lines += [
            f"{how}: {found.rows} rows, replayed over {found.collections} collections; none is left out.",
            f"{findings}, with {found.documents} documents.",
        ]
        if found.filed > found.statements:
            shown_of = f"{found.statements} of {found.filed} statements that were filed by then are shown"
            lines.append(f"{shown_of}; that the others do not bear on it is not proven.")
    lines += signature_lines(log, "the pack")
    if log.keys and not log.trusted:
        lines.append("Nobody outside vouches for it: ask for the log's public key on another way.")
    if found.pages:
        lines.append(f"Not proven: {found.pages} pages. They are a reading aid; data and documents count.")
    return lines


def verification_row(result: Verification) -> Row:
    """Return the result as ``--format json`` gives it."""
    return {
        "ok": result.ok,
        "size": result.size,
        "root": result.root,
        "problems": [{"where": problem.where, "message": problem.message} for problem in result.problems],
        "keys": result.keys,
        "trusted": result.trusted,
        "signed_size": result.signed_size,
        "witnessed_size": result.witnessed_size,
        "witnessed_at": result.witnessed_at,
        "unwitnessed": result.unwitnessed,
        "stamped_size": result.stamped_size,
        "timestamps": result.timestamps,
        "stamps_trusted": result.stamps_trusted,
        "unstamped": result.unstamped,
        "against": [{"where": where, "size": size} for where, size in result.held],
    }


def verification_line(result: Verification) -> str:
    """Say the result in one line."""
    if result.ok:
        return f"The record verifies: {result.size} log entries, root {result.root}"
    return f"The record does NOT verify: problems: {len(result.problems)}, in {result.size} log entries"


def signature_lines(result: Verification, what: str = "the store") -> list[str]:
    """Say whose word the result rests on.

    Args:
        what: was verified.
    """
    lines = []
    if not result.keys:
        lines.append(f"Nobody signed it: whoever can write {what} can write all of it anew.")
    elif not result.trusted:
        lines.append(
            f"Signed up to entry {result.signed_size} by keys that {what} itself names; "
            "give --key, or a configuration with [record] trusted_keys, to ask for yours."
        )
    else:
        lines.append(f"Signed up to entry {result.signed_size} by keys that you trust.")
    if result.witnessed_size:
        lines.append(
            f"Cosigned by enough witnesses up to entry {result.witnessed_size}, at {result.witnessed_at}."
        )
        if result.unwitnessed:
            lines.append(
                f"{result.unwitnessed} checkpoints since then are not: "
                "what they cover rests on the key and on copies alone."
            )
    if result.timestamps:
        lines.append(f"Timestamped up to entry {result.stamped_size}, {result.timestamps} times.")
        if not result.stamps_trusted:
            lines.append(
                "Anybody may have issued these timestamps: [record] timestamp_roots asks for an authority."
            )
        if result.unstamped:
            lines.append(f"{result.unstamped} checkpoints since then are signed, and have no timestamp.")
    lines += [f"Begins with the {size} entries of {where}." for where, size in result.held]
    return lines


def _origin(workspace: Workspace, record: Record) -> str:
    """Return the name of the log, by which its copies are found; empty if the store cannot tell."""
    if workspace.config.file.record.origin:
        return workspace.config.file.record.origin
    try:
        with record.engine.connect() as connection:
            keys = logged_keys(connection, record.blobs)
            return keys[-1].key.name if keys else default_origin(connection)
    except (SQLAlchemyError, StoreError):
        return ""
