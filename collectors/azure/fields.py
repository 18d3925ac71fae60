"""What is published of the fields of Azure's resources.

``fields.json`` is made from Microsoft's management libraries, by
``tests/collectors/azure/generate_fields.py``.
"""

import json
from functools import cache
from pathlib import Path
from typing import Any

from collectors.rest.forms import ANY, Forms


@cache
def _published() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(Path(__file__).with_name("fields.json").read_text(encoding="utf-8"))
    return found


@cache
def forms() -> Forms:
    """Return the types that resources are made of."""
    return Forms(_published()["types"])


def form_of(kind: tuple[str, ...]) -> str:
    """Return the form of a resource of a kind."""
    form: str = _published()["kinds"].get("/".join(kind).lower(), ANY)
    return form
