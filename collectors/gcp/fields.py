"""What is published of the methods of Google's APIs, and of the fields of their answers.

``fields.json`` is made from Google's discovery documents, by ``tests/collectors/gcp/generate_fields.py``. It
holds the methods that the definitions call, and no others.
"""

import json
from functools import cache
from pathlib import Path
from typing import Any

from collectors.rest.forms import Forms


@cache
def published() -> dict[str, Any]:
    """Return ``methods``: call → the methods of that path, and ``types``."""
    found: dict[str, Any] = json.loads(Path(__file__).with_name("fields.json").read_text(encoding="utf-8"))
    return found


@cache
def forms() -> Forms:
    """Return the types that answers are made of."""
    return Forms(published()["types"])
