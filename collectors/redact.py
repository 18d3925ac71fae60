"""Keeping secrets off the disk: a keyed digest stands for the value, so that a change still shows."""

import hashlib
import hmac
import re
from collections.abc import Iterable
from typing import Any

from collectors.paths import change_at
from store.canonical import canonical

PREFIX = "redacted:hmac-sha256:"

_DIGEST = re.compile(re.escape(PREFIX) + "[0-9a-f]{64}")


def redact(
    document: dict[str, Any], secret_paths: Iterable[str], key: bytes
) -> tuple[dict[str, Any], list[str]]:
    """Put the HMAC-SHA-256 over canonical JSON in the place of every value at the paths.

    Null and absent values are left alone: that there is none is no secret.

    Returns:
        the redacted document, and the concrete paths that were replaced, sorted.
    """

    def digest(value: Any) -> Any:
        if isinstance(value, str) and _DIGEST.fullmatch(value):
            return value  # two paths may lead to one value
        return PREFIX + hmac.new(key, canonical(value), hashlib.sha256).hexdigest()

    touched: set[str] = set()
    for path in secret_paths:
        document, changed = change_at(document, path, digest)
        touched.update(changed)
    return document, sorted(touched)
