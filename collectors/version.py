"""The version that evidence names the built-in collectors by."""

from importlib import metadata


def _version() -> str:
    try:
        return metadata.version("annexa")
    except metadata.PackageNotFoundError:  # run from a source tree that was never installed
        return "0"


VERSION = _version()
