"""What the demo's clouds have in common: where each is asked, and what it holds."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib import resources
from typing import Any

import orjson


@dataclass(frozen=True)
class DemoCloud:
    """A make-believe cloud while it is served.

    Attributes:
        title: what to call it, e.g. ``2 Azure subscriptions``.
        made: how many resources it holds.
        section: its section of the configuration, as TOML.
        environment: variables that lead its client there.
    """

    title: str
    made: int
    section: str
    environment: Mapping[str, str] = field(default_factory=dict)


def estate(cloud: str) -> Iterator[tuple[str, Any]]:
    """Yield path → content of everything that a cloud holds: the files of ``estate/<cloud>/``."""
    for file in sorted((resources.files("annexa.demo.estate") / cloud).iterdir(), key=lambda each: each.name):
        if file.name.endswith(".json"):
            yield from orjson.loads(file.read_bytes()).items()
