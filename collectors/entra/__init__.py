"""Microsoft Entra ID: resource types in TOML, read from Microsoft Graph."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collectors.entra.collector import EntraCollector

__all__ = ["EntraCollector"]


def __getattr__(name: str) -> Any:
    # Whoever only looks at the package must not pay for azure-identity and httpx.
    if name == "EntraCollector":
        from collectors.entra.collector import EntraCollector

        return EntraCollector
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
