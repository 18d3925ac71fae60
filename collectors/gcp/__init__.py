"""GCP: resource types in TOML, read from Google's REST APIs and Cloud Asset Inventory."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collectors.gcp.collector import GcpCollector

__all__ = ["GcpCollector"]


def __getattr__(name: str) -> Any:
    # Whoever only looks at the package must not pay for google-auth and httpx.
    if name == "GcpCollector":
        from collectors.gcp.collector import GcpCollector

        return GcpCollector
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
