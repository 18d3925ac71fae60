"""Turning strings that hold JSON, CSV, base64 or a policy into the values they stand for."""

import base64
import csv
import io
import json
from typing import Any

from collectors.definition import Decoder
from collectors.policy_document import policy_document


class DecodeError(Exception):
    """A value is not what its definition says it holds."""


def decode(value: Any, decoder: Decoder) -> Any:
    """Decode a value; null stays null.

    ``json`` gives any JSON value, ``csv`` a list of objects keyed by the header line,
    ``base64`` text, ``iam-policy`` a policy in one form.

    Args:
        value: text, or the bytes of text; ``json`` and ``iam-policy`` also take what the SDK
            has decoded already.

    Raises:
        DecodeError: the value cannot be decoded.
    """
    if value is None:
        return None
    try:
        if decoder == "json":
            return json.loads(_text(value)) if isinstance(value, str | bytes) else value
        if decoder == "csv":
            return _rows(_text(value))
        if decoder == "base64":
            return _from_base64(value)
        return policy_document(value)
    except (ValueError, TypeError, csv.Error) as error:
        raise DecodeError(f"cannot be decoded as {decoder}: {error}") from error


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8")
    if not isinstance(value, str):
        raise TypeError(f"expected text, got {type(value).__name__}")
    return value


def _rows(text: str) -> list[dict[str, str]]:
    lines = csv.reader(io.StringIO(text), strict=True)
    header = next(lines, None)
    if not header:
        raise ValueError("there is no header line")
    rows = []
    for line in lines:
        if not line:
            continue
        if len(line) != len(header):
            raise ValueError(f"line {lines.line_num} has {len(line)} fields instead of {len(header)}")
        rows.append(dict(zip(header, line, strict=True)))
    return rows


def _from_base64(value: Any) -> str:
    if isinstance(value, bytes):  # the SDK has decoded a blob already
        return value.decode("utf-8", "replace")
    return base64.b64decode(_text(value), validate=True).decode("utf-8", "replace")
