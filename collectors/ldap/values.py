"""Values of attributes as text: what a directory keeps as bytes, in the form in which people write it.

Which attribute has which syntax is in ``attributes.json``, with the names of the bits of flags.
"""

import base64
import json
import re
import struct
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from functools import cache
from pathlib import Path

from collectors.plain import timestamp

NEVER = "never"
"""Stands for a moment or a length of time that does not come to an end."""

_EPOCH = datetime(1601, 1, 1, tzinfo=UTC)
_TICKS = 10_000_000  # of 100 ns in a second: [MS-DTYP] 2.3.3
_ENDLESS = (0, 2**63 - 1, -(2**63))
_LAST_TICK = (datetime(9999, 12, 31, tzinfo=UTC) - _EPOCH) // timedelta(microseconds=1) * 10
_TIME = re.compile(
    r"(?P<day>\d{8})(?P<hour>\d{2})(?P<minute>\d{2})?(?P<second>\d{2})?(?:[.,](?P<fraction>\d+))?"
    r"(?P<zone>Z|[+-]\d{2}(?:\d{2})?)"
)


@dataclass(frozen=True)
class Attributes:
    """What is known of attributes.

    Attributes:
        syntax: name → syntax; the names are spelt as the schemas spell them.
        flags: name → name of a bit → its value.
    """

    syntax: Mapping[str, str]
    flags: Mapping[str, Mapping[str, int]]


@cache
def known() -> Attributes:
    """Return what ``attributes.json`` says."""
    content = json.loads(Path(__file__).with_name("attributes.json").read_text(encoding="utf-8"))
    return Attributes(content["syntax"], content["flags"])


def text(name: str, value: bytes) -> str:
    """Return a value of an attribute as text.

    Times are RFC 3339 in UTC, lengths of time seconds as ``86400s``, either may be ``never``; identifiers are
    in their string form; what is no text is base64.
    """
    form = _FORMS.get(known().syntax.get(name, ""), _plain)
    try:
        return form(value)
    except (ValueError, IndexError, OverflowError, struct.error):
        return _plain(value)


def flags(name: str, values: list[str]) -> list[str] | None:
    """Return the names of the bits that are set; None where the attribute has no flags."""
    bits = known().flags.get(name)
    if bits is None or len(values) != 1 or not re.fullmatch(r"-?\d+", values[0]):
        return None
    number = int(values[0]) & 0xFFFFFFFF
    return [flag for flag, bit in bits.items() if number & bit]


def _plain(value: bytes) -> str:
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return _base64(value)


def _base64(value: bytes) -> str:
    return base64.b64encode(value).decode("ascii")


def _guid(value: bytes) -> str:
    return str(uuid.UUID(bytes_le=value))


def _sid(value: bytes) -> str:
    """[MS-DTYP] 2.4.2.2, written as 2.4.2.1 says."""
    revision, count = value[0], value[1]
    authority = int.from_bytes(value[2:8], "big")
    return "-".join(str(each) for each in ("S", revision, authority, *struct.unpack(f"<{count}I", value[8:])))


def _filetime(value: bytes) -> str:
    ticks = int(value)
    if ticks in _ENDLESS or not 0 < ticks <= _LAST_TICK:
        return NEVER
    return timestamp((_EPOCH + timedelta(microseconds=ticks // 10)).replace(microsecond=0))


def _interval(value: bytes) -> str:
    """A length of time is kept as a negative number of ticks."""
    ticks = int(value)
    return NEVER if ticks == -(2**63) else f"{abs(ticks) // _TICKS}s"


def _time(value: bytes) -> str:
    """Generalized time: RFC 4517 §3.3.13."""
    found = _TIME.fullmatch(value.decode("ascii"))
    if found is None:
        raise ValueError("no generalized time")
    clock = found["hour"] + (found["minute"] or "00") + (found["second"] or "00")
    moment = datetime.strptime(f"{found['day']}{clock}", "%Y%m%d%H%M%S").replace(tzinfo=_zone(found["zone"]))
    return timestamp(moment)


def _zone(zone: str) -> timezone:
    if zone == "Z":
        return UTC
    offset = timedelta(hours=int(zone[1:3]), minutes=int(zone[3:5] or 0))
    return timezone(-offset if zone[0] == "-" else offset)


_FORMS: Mapping[str, Callable[[bytes], str]] = {
    "binary": _base64,
    "guid": _guid,
    "sid": _sid,
    "filetime": _filetime,
    "interval": _interval,
    "time": _time,
}
