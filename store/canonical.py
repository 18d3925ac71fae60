"""Canonical JSON (RFC 8785) and the SHA-256 digests taken over it."""

import hashlib
from typing import Any

import orjson
import rfc8785

_LARGEST_EXACT_INTEGER = 2**53 - 1
_FIRST_SURROGATE = "\ud800"
_TEXT = frozenset({str})


def canonical(value: Any) -> bytes:
    """Encode a JSON value in its RFC 8785 canonical form.

    Args:
        value: None, bool, int, float, str, list or dict with string keys, nested.

    Raises:
        ValueError: the value has no canonical form (NaN, an integer beyond 2^53 - 1, a
            lone surrogate, a type that JSON does not know, or nesting without end).
    """
    try:
        if _orjson_agrees(value):
            return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
        return rfc8785.dumps(value)
    except orjson.JSONEncodeError as error:
        raise ValueError(str(error)) from error
    except RecursionError:
        raise ValueError("nested too deeply") from None


def digest(value: Any) -> str:
    """Return the SHA-256 of the canonical form, as 64 lower-case hexadecimal digits."""
    return hashlib.sha256(canonical(value)).hexdigest()


def _orjson_agrees(value: Any) -> bool:
    # orjson writes floats in another form than RFC 8785 and sorts keys by UTF-8 bytes,
    # which differs from UTF-16 order from the surrogates on.
    kind = type(value)
    if kind is str or value is None or kind is bool:
        return True
    if kind is dict:
        for key, inner in value.items():
            if type(key) is not str or not (key.isascii() or max(key) < _FIRST_SURROGATE):
                return False
            if type(inner) is not str and not _orjson_agrees(inner):
                return False
        return True
    if kind is list:
        return _TEXT.issuperset(map(type, value)) or all(map(_orjson_agrees, value))
    return kind is int and -_LARGEST_EXACT_INTEGER <= value <= _LARGEST_EXACT_INTEGER
