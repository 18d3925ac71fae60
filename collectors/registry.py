"""Finding collectors: every installed package may offer some, under one entry-point group."""

from importlib.metadata import EntryPoint, entry_points

from collectors.contract import Collector
from store.errors import CollectorError

GROUP = "annexa.collectors"

_EXTRAS = {
    "aws": "aws",
    "azure": "azure",
    "gcp": "gcp",
    "entra": "identity",
    "github": "identity",
    "google_workspace": "identity",
    "ldap": "identity",
    "okta": "identity",
    "scim": "identity",
}


def provider_names() -> list[str]:
    """Return the names of all installed collectors; none of them is imported."""
    return sorted(_entries())


def collector_class(name: str) -> type[Collector]:
    """Import one collector.

    Raises:
        CollectorError: there is none of that name, or what it needs is not installed.
    """
    entries = _entries()
    if name not in entries:
        raise CollectorError(
            f"no collector named {name!r} is installed; there are: {', '.join(sorted(entries)) or 'none'}",
            "Correct the name, or install the package that offers it.",
        )
    try:
        found: type[Collector] = entries[name].load()
    except ImportError as error:
        extra = _EXTRAS.get(name)
        raise CollectorError(
            f"the collector {name!r} cannot be used: {error}",
            f"Run pip install 'annexa[{extra}]'." if extra else "Install what it needs.",
        ) from error
    except AttributeError as error:
        raise CollectorError(
            f"the collector {name!r} cannot be used: {error}",
            "Its entry point names a class that is not there.",
        ) from error
    return found


def load_collectors() -> dict[str, type[Collector]]:
    """Import every installed collector.

    Raises:
        CollectorError: as for :func:`collector_class`.
    """
    return {name: collector_class(name) for name in provider_names()}


def _entries() -> dict[str, EntryPoint]:
    return {entry.name: entry for entry in entry_points(group=GROUP)}
