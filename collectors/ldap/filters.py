"""Filters of searches, with values filled in so that they cannot become part of the filter."""

import re
from collections.abc import Mapping

from collectors.template import as_text
from collectors.transport import CallError

_PLACE = re.compile(r"<([a-z][a-z_]*)>")
_SPECIAL = re.compile(r"[\\*()\x00]")


def places(template: str) -> tuple[str, ...]:
    """Return the names of the values that a filter takes, ``<name>`` each."""
    return tuple(_PLACE.findall(template))


def escaped(value: str) -> str:
    """Return a value as it stands in a filter: RFC 4515 §3."""
    return _SPECIAL.sub(lambda found: f"\\{ord(found[0]):02x}", value)


def filled(template: str, values: Mapping[str, object]) -> str:
    """Return a filter with its values.

    Raises:
        CallError: ``InvalidParameters``, if one of them is missing.
    """

    def value(found: re.Match[str]) -> str:
        given = values.get(found[1])
        if not isinstance(given, str | int):
            raise CallError("InvalidParameters", f"the filter's {found[0]} has no value")
        return escaped(as_text(given))

    return _PLACE.sub(value, template)
