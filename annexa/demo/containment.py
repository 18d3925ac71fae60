"""Keeping the demo inside one folder."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from os import environ
from pathlib import Path

from store.errors import ConfigError

_MARK = ".annexa-demo"
_OF_THE_USER = ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE")


def fresh_folder(directory: Path) -> Path:
    """Empty the demo's folder, or make it.

    Raises:
        ConfigError: the folder holds something that is not the demo's.
    """
    if directory.exists() and any(directory.iterdir()) and not (directory / _MARK).exists():
        raise ConfigError(
            f"{directory} is not empty and not a folder of the demo's", "Name another with --directory."
        )
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    (directory / _MARK).touch()
    return directory


@contextmanager
def contained(folder: Path) -> Iterator[None]:
    """Keep temporary files inside the folder, and the user's own AWS configuration out of it."""
    temporary = (folder / "tmp").resolve()
    temporary.mkdir()
    before, tempfile.tempdir = tempfile.tempdir, str(temporary)
    with environment(
        TMPDIR=str(temporary),
        SQLITE_TMPDIR=str(temporary),
        AWS_CONFIG_FILE=str(folder.resolve() / "aws-config"),
        AWS_SHARED_CREDENTIALS_FILE=str(folder.resolve() / "aws-credentials"),
        AWS_EC2_METADATA_DISABLED="true",
    ):
        try:
            yield
        finally:
            tempfile.tempdir = before
            shutil.rmtree(temporary, ignore_errors=True)


@contextmanager
def environment(**values: str) -> Iterator[None]:
    """Set environment variables for a while, without those of the user that would stand in the way."""
    before = {key: environ.get(key) for key in (*values, *_OF_THE_USER)}
    environ.update(values)
    for key in _OF_THE_USER:
        environ.pop(key, None)
    try:
        yield
    finally:
        for key, value in before.items():
            if value is None:
                environ.pop(key, None)
            else:
                environ[key] = value
