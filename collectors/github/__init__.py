"""GitHub: resource types in TOML, read from GitHub's REST and GraphQL APIs."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collectors.github.collector import GithubCollector

__all__ = ["GithubCollector"]


def __getattr__(name: str) -> Any:
    # Whoever only looks at the package must not pay for httpx.
    if name == "GithubCollector":
        from collectors.github.collector import GithubCollector

        return GithubCollector
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
