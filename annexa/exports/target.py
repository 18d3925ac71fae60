"""Where an export goes: standard output, or a file that appears only when it is whole."""

import os
import secrets
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO, TypeVar

import click

from store.errors import ConfigError

CommandT = TypeVar("CommandT", bound=Callable[..., Any])

STANDARD_OUTPUT = "-"


def out_options(*, text: bool) -> Callable[[CommandT], CommandT]:
    """Add ``--out`` and ``--force`` to a command.

    Args:
        text: whether it can go to standard output, which is then the default.
    """

    def add(command: CommandT) -> CommandT:
        if text:
            help_ = "The file to write; - is standard output."
            out = click.option(
                "--out", metavar="FILE", default=STANDARD_OUTPUT, show_default=True, help=help_
            )
        else:
            out = click.option("--out", metavar="FILE", required=True, help="The file to write.")
        force = click.option("--force", is_flag=True, help="Overwrite the file if there is one.")
        return out(force(command))

    return add


@contextmanager
def text_target(out: str, force: bool) -> Iterator[TextIO]:
    """Open where text goes.

    Args:
        out: a file, or ``-`` for standard output.

    Raises:
        ConfigError: the file exists and may not be overwritten, or cannot be written.
    """
    if out == STANDARD_OUTPUT:
        yield sys.stdout
        return
    with (
        file_target(Path(out), force) as draft,
        draft.open("w", encoding="utf-8", newline="\n") as stream,
    ):
        yield stream


@contextmanager
def file_target(out: Path, force: bool) -> Iterator[Path]:
    """Give a draft beside the file, which takes its place once all is written; only its owner reads it.

    Raises:
        ConfigError: the file exists and may not be overwritten, or cannot be written.
    """
    must_be_free(out, force)
    draft = out.with_name(f".{out.name}.{secrets.token_hex(4)}.new")
    try:
        os.close(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        yield draft
        draft.replace(out)
    except OSError as error:
        raise unwritable(out, error) from error
    finally:
        draft.unlink(missing_ok=True)


def must_be_free(out: Path, force: bool) -> None:
    """Refuse to write over something.

    Raises:
        ConfigError: it is a folder, or a file that ``--force`` does not give up.
    """
    if out.is_dir():
        raise ConfigError(f"--out: {out} is a folder", "Name a file in it.")
    if out.exists() and not force:
        raise ConfigError(f"--out: {out} exists", "Give --force to overwrite it, or another name.")


def unwritable(out: Path, error: OSError) -> ConfigError:
    """Say that a file cannot be written."""
    return ConfigError(f"--out: {out}: {error.strerror or error}", "Name a file that you may write.")
