"""Plain JSON: turning what SDKs return into values that can be kept and hashed."""

import base64
import math
from collections.abc import Mapping, Set
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

_LARGEST_EXACT_INTEGER = 2**53 - 1

LARGEST_STREAM = 16 * 1024 * 1024
"""Bytes read of an answer that is a stream; more is an error."""


def timestamp(moment: datetime) -> str:
    """Return RFC 3339 in UTC with ``Z``; a time without a zone is taken as UTC."""
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    return moment.isoformat(timespec="microseconds" if moment.microsecond else "seconds")[:-6] + "Z"


def normalise(value: Any) -> Any:
    """Return a value as plain JSON; bytes become base64.

    Times become RFC 3339 in UTC; integers beyond 2^53 - 1, numbers that are not finite and
    decimals become strings; sets become sorted lists; streams are read to their end.

    Raises:
        ValueError: a stream is longer than ``LARGEST_STREAM``.
        TypeError: a value of a kind that has no plain form.
    """
    return without_bytes(normalise_keeping_bytes(value))


def normalise_keeping_bytes(value: Any) -> Any:
    """Like :func:`normalise`, but bytes stay bytes, for what has still to be decoded."""
    kind = type(value)
    if kind is str:
        return value if value.isascii() else _encodable(value)
    if value is None or kind is bool or kind is bytes:
        return value
    if kind is dict:
        return {
            key if type(key) is str and key.isascii() else _encodable(str(key)): normalise_keeping_bytes(
                inner
            )
            for key, inner in value.items()
            if key != "ResponseMetadata"
        }
    if kind is list:
        return [normalise_keeping_bytes(inner) for inner in value]
    if kind is int:
        return value if -_LARGEST_EXACT_INTEGER <= value <= _LARGEST_EXACT_INTEGER else str(value)
    return _unusual(value)


def without_bytes(value: Any) -> Any:
    """Return the value with every bytes object in base64; the value itself where there is none."""
    kind = type(value)
    if kind is bytes:
        return base64.b64encode(value).decode("ascii")
    if kind is dict:
        if any(type(inner) in (bytes, dict, list) for inner in value.values()):
            return {key: without_bytes(inner) for key, inner in value.items()}
    elif kind is list and any(type(inner) in (bytes, dict, list) for inner in value):
        return [without_bytes(inner) for inner in value]
    return value


def _encodable(text: str) -> str:
    # JSON can spell half a surrogate pair, UTF-8 cannot; such a string could not be hashed.
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return text.encode("utf-8", "backslashreplace").decode("utf-8")
    return text


def _unusual(value: Any) -> Any:
    if isinstance(value, datetime):
        return timestamp(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, bytearray | memoryview):
        return bytes(value)
    if isinstance(value, Mapping):
        return normalise_keeping_bytes(dict(value))
    if isinstance(value, Set):
        return sorted((normalise_keeping_bytes(inner) for inner in value), key=repr)
    if isinstance(value, tuple | list):
        return [normalise_keeping_bytes(inner) for inner in value]
    if isinstance(value, int | str):  # subclasses, such as enumerations
        return normalise_keeping_bytes(int(value) if isinstance(value, int) else str(value))
    if hasattr(value, "read"):
        return _read_stream(value)
    raise TypeError(f"{type(value).__name__} has no plain JSON form")


def _read_stream(stream: Any) -> bytes:
    content: bytes = stream.read(LARGEST_STREAM + 1)
    if len(content) > LARGEST_STREAM:
        raise ValueError(f"the answer is longer than {LARGEST_STREAM} bytes")
    return content
