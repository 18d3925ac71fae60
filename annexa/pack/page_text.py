"""Text on a page. What providers and people say is hostile: it can neither be markup nor hide or reorder."""

import re
import unicodedata
from typing import Any
from urllib.parse import quote

import orjson
from markupsafe import Markup

_KEPT = "\n\t"
_HIDING = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp", "Co"})
"""Categories of Unicode that show nothing, turn the text around them, or cannot be written as UTF-8."""
_ASCII = re.compile(r"[\x20-\x7e\n\t]*")


def visible(value: Any) -> Any:
    """Return a value as it may stand on a page: characters that hide or reorder become their numbers.

    Markup stays as it is, and so does everything that is no text; escaping is the template engine's.
    """
    if value is None or isinstance(value, Markup) or not isinstance(value, str):
        return value
    if _ASCII.fullmatch(value):
        return value
    return "".join(map(_visible, value))


def pretty(value: Any) -> str:
    """Return a JSON value as text, on one line if it is short."""
    try:
        line = orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()
        if len(line) <= 100:
            return line
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS | orjson.OPT_INDENT_2).decode()
    except (TypeError, ValueError):
        return repr(value)


def href(root: str, path: str) -> str:
    """Return a link from a page to a file of the pack.

    Args:
        root: the way from the page to the top of the pack, e.g. ``../``.
    """
    return root + quote(path, safe="/~", errors="surrogatepass")


def when(moment: str) -> str:
    """Return a moment for people: ``2026-06-30 23:59:59 UTC``; what is no moment stays as it is."""
    found = re.fullmatch(r"(\d{4}-\d{2}-\d{2})T(\d{2}:\d{2}:\d{2})(?:\.\d+)?Z", moment)
    return f"{found[1]} {found[2]} UTC" if found else moment


def words(name: str) -> str:
    """Return an identifier of ours as words."""
    return name.replace("_", " ")


def plural(number: int, noun: str, many: str = "") -> str:
    """Return a number with its noun."""
    return f"{number:,} {noun if number == 1 else many or noun + 's'}"


def _visible(character: str) -> str:
    if character in _KEPT or unicodedata.category(character) not in _HIDING:
        return character
    return f"\\u{{{ord(character):x}}}"
