"""Okta: resource types in TOML, read from the management API of an organisation (Workforce Identity)."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collectors.okta.collector import OktaCollector

__all__ = ["OktaCollector"]


def __getattr__(name: str) -> Any:
    # Whoever only looks at the package must not pay for httpx and PyJWT.
    if name == "OktaCollector":
        from collectors.okta.collector import OktaCollector

        return OktaCollector
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
