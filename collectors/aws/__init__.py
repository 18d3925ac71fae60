"""AWS: resource types in TOML, read through boto3."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collectors.aws.collector import AwsCollector

__all__ = ["AwsCollector"]


def __getattr__(name: str) -> Any:
    # Whoever only looks at the package (a test for its presence, say) must not pay for boto3.
    if name == "AwsCollector":
        from collectors.aws.collector import AwsCollector

        return AwsCollector
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
