"""Google Workspace and Cloud Identity: people, administrators, groups, devices and the console's settings."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collectors.google_workspace.collector import GoogleWorkspaceCollector

__all__ = ["GoogleWorkspaceCollector"]


def __getattr__(name: str) -> Any:
    # Whoever only looks at the package must not pay for google-auth and httpx.
    if name == "GoogleWorkspaceCollector":
        from collectors.google_workspace.collector import GoogleWorkspaceCollector

        return GoogleWorkspaceCollector
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
