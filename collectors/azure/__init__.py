"""Azure: resource types in TOML, read from Azure Resource Manager."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collectors.azure.collector import AzureCollector

__all__ = ["AzureCollector"]


def __getattr__(name: str) -> Any:
    # Whoever only looks at the package must not pay for azure-identity and httpx.
    if name == "AzureCollector":
        from collectors.azure.collector import AzureCollector

        return AzureCollector
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
