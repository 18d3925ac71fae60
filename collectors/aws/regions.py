"""Partitions and regions: which there are, which are meant, and where global services live."""

import difflib
from collections.abc import Iterable

from collectors.aws.session import AwsSession
from store.errors import ConfigError

_HOME = {
    "aws": "us-east-1",
    "aws-cn": "cn-north-1",
    "aws-us-gov": "us-gov-west-1",
    "aws-eusc": "eusc-de-east-1",
    "aws-iso": "us-iso-east-1",
    "aws-iso-b": "us-isob-east-1",
    "aws-iso-e": "eu-isoe-west-1",
    "aws-iso-f": "us-isof-south-1",
}


def home_region(partition: str, regions: Iterable[str] = ()) -> str:
    """Return where the global services of a partition are asked."""
    return _HOME.get(partition) or next(iter(sorted(regions)), "us-east-1")


def partition_of(region: str, session: AwsSession) -> str:
    """Return the partition of a region; ``aws`` where it is not known."""
    for partition in session.partitions():
        if region in session.regions("ec2", partition):
            return partition
    return "aws"


def check_regions(named: Iterable[str], key: str, session: AwsSession) -> None:
    """Refuse regions that botocore does not know.

    Args:
        key: where they were named, e.g. ``aws.regions``.

    Raises:
        ConfigError: naming each wrong region, and those that look like it.
    """
    known = [region for partition in session.partitions() for region in session.regions("ec2", partition)]
    for region in named:
        if region not in known:
            near = difflib.get_close_matches(region, known, n=3)
            raise ConfigError(
                f"{key}: {region!r} is no AWS region",
                f"Did you mean {' or '.join(near)}?" if near else "A new region may need a newer boto3.",
            )
