"""URI templates in paths: levels 1 and 2 of RFC 6570, without fragments."""

import re
from collections.abc import Mapping
from urllib.parse import quote

_EXPRESSION = re.compile(r"\{(\+?)([A-Za-z_][A-Za-z0-9_.]*)\}")
_RESERVED = ":/?#[]@!$&'()*+,;="
_ENCODED = re.compile(r"%(?:25)([0-9A-Fa-f]{2})")


def variables(template: str) -> tuple[str, ...]:
    """Return the names of the variables, in order.

    Raises:
        ValueError: a brace belongs to no expression of these levels.
    """
    if re.search(r"[{}]", _EXPRESSION.sub("", template)):
        raise ValueError(f"{template!r} has a brace that begins or ends neither {{name}} nor {{+name}}")
    return tuple(name for _, name in _EXPRESSION.findall(template))


def expand(template: str, values: Mapping[str, str]) -> str:
    """Fill in a template: ``{x}`` escapes all but unreserved characters, ``{+x}`` keeps reserved ones.

    Raises:
        KeyError: a variable has no value.
    """

    def substitute(match: re.Match[str]) -> str:
        reserved, value = match[1], values[match[2]]
        if not reserved:
            return quote(value, safe="")
        # What is percent-encoded already stays so: RFC 6570 §3.2.3.
        return _ENCODED.sub(r"%\1", quote(value, safe=_RESERVED))

    return _EXPRESSION.sub(substitute, template)
