"""Keeping the demo inside one folder."""

import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from os import environ
from pathlib import Path

from store.errors import ConfigError

_MARK = ".annexa-demo"
_OF_THE_USER = (
    "AWS_",
    "AZURE_",
    "IDENTITY_",
    "MSI_",
    "GOOGLE_",
    "GCE_",
    "GCLOUD_",
    "CLOUDSDK_",
    "SSL_CERT_",
    "REQUESTS_CA_",
    "CURL_CA_",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
)
"""How the names begin of the variables that would lead clients elsewhere."""


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
def contained(folder: Path) -> Iterator[Path]:
    """Keep temporary files inside the folder, and the user's own clouds and proxies out of it.

    Yields a folder for what must not outlive the block.
    """
    temporary = (folder / "tmp").resolve()
    temporary.mkdir(mode=0o700)
    before, tempfile.tempdir = tempfile.tempdir, str(temporary)
    with (
        _without_the_users_own(),
        environment(
            TMPDIR=str(temporary),
            SQLITE_TMPDIR=str(temporary),
            AWS_CONFIG_FILE=str(temporary / "aws-config"),
            AWS_SHARED_CREDENTIALS_FILE=str(temporary / "aws-credentials"),
            AWS_EC2_METADATA_DISABLED="true",
            AZURE_CONFIG_DIR=str(temporary),
            CLOUDSDK_CONFIG=str(temporary),
            NO_GCE_CHECK="true",
        ),
    ):
        try:
            yield temporary
        finally:
            tempfile.tempdir = before
            shutil.rmtree(temporary, ignore_errors=True)


@contextmanager
def environment(**values: str) -> Iterator[None]:
    """Set environment variables for a while."""
    with _restored(values):
        environ.update(values)
        yield


@contextmanager
def _without_the_users_own() -> Iterator[None]:
    own = [key for key in environ if key.upper().startswith(_OF_THE_USER)]
    with _restored(own):
        for key in own:
            del environ[key]
        yield


@contextmanager
def _restored(keys: Iterable[str]) -> Iterator[None]:
    before = {key: environ.get(key) for key in keys}
    try:
        yield
    finally:
        for key, value in before.items():
            if value is None:
                environ.pop(key, None)
            else:
                environ[key] = value
