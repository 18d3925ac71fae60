"""Addresses in the configuration to which tokens go: in the clear only within this machine."""

import re
from typing import Annotated

from pydantic import AfterValidator

_SAFE = re.compile(r"https://[^/]+/?|http://(localhost|127\.0\.0\.1)(:\d+)?/?")


def _check(address: str) -> str:
    if address and not _SAFE.fullmatch(address):
        raise ValueError(f"{address!r} is no https:// address of a host alone (http:// only to localhost)")
    return address


Address = Annotated[str, AfterValidator(_check)]
"""An ``https://`` address without a path, or ``http://`` to this machine; "" for none."""
