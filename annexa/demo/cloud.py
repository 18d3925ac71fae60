"""What the demo's clouds have in common: where each is asked, and what it holds."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from importlib import resources
from typing import Any

import orjson

from store.instant import utc_now

REFUSED = "refused"
"""The one key of a content that the reader may not see."""

_WHEN = re.compile(r"@(epoch)?([+-][0-9.]+)d")


@dataclass(frozen=True)
class DemoCloud:
    """A make-believe cloud while it is served.

    Attributes:
        title: what to call it, and how much of it there is, e.g. ``2 Azure subscriptions``.
        provider: what its section of the configuration is called.
        settings: the keys of the section.
        environment: variables that lead its client there.
    """

    title: str
    provider: str
    settings: Mapping[str, Any]
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def section(self) -> str:
        """The section as TOML."""
        # Strings, whole numbers and lists of them are written in TOML as in JSON.
        lines = [f"{key} = {orjson.dumps(value).decode()}\n" for key, value in self.settings.items()]
        return "".join([f"[{self.provider}]\n", *lines])


def estate(cloud: str) -> Iterator[tuple[str, Any]]:
    """Yield path → content of everything that a cloud holds: the files of ``estate/<cloud>/``.

    ``"@-30d"`` stands for the time thirty days ago, and ``"@epoch-30d"`` for it in seconds since 1970, so
    that what is fresh today is fresh tomorrow.
    """
    now = utc_now()
    for file in sorted((resources.files("annexa.demo.estate") / cloud).iterdir(), key=lambda each: each.name):
        if file.name.endswith(".json"):
            yield from _dated(orjson.loads(file.read_bytes()), now).items()


def _dated(value: Any, now: datetime) -> Any:
    if isinstance(value, dict):
        return {key: _dated(inner, now) for key, inner in value.items()}
    if isinstance(value, list):
        return [_dated(inner, now) for inner in value]
    when = _WHEN.fullmatch(value) if isinstance(value, str) else None
    if when is None:
        return value
    then = now + timedelta(days=float(when[2]))
    return int(then.timestamp()) if when[1] else then.strftime("%Y-%m-%dT%H:%M:%SZ")
