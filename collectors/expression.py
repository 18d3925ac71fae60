"""JMESPath in definitions: with templates in it, and quick where one shared list serves many resources."""

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

import jmespath
import orjson

from collectors.template import ABSENT, as_text, render, resolve

_QUOTED_OR_TEMPLATE = re.compile(r"'((?:[^'\\]|\\.)*)'|\{([A-Za-z_][\w.:\-]*)\}")

EVERYTHING = "@"
"""Stands for the whole document among the keys that an expression reads."""


def search(expression: str, value: Any) -> Any:
    """Apply a JMESPath expression.

    Raises:
        JMESPathError: a function in it does not fit the value.
    """
    return _compiled(expression).search(value)


def fill(expression: str, values: Mapping[str, Any]) -> str | None:
    """Fill in the templates of an expression; None if a value is missing.

    Values are written as JSON literals, so that a quote in a name cannot change the expression.
    """
    if "{" not in expression:
        return expression
    missing = False

    def substitute(match: re.Match[str]) -> str:
        nonlocal missing
        quoted, path = match[1], match[2]
        if path is None and "{" not in quoted:
            return match[0]
        value = resolve(path, values) if path is not None else _text(quoted, values)
        if value is ABSENT:
            missing = True
            return ""
        return _literal(value)

    filled = _QUOTED_OR_TEMPLATE.sub(substitute, expression)
    return None if missing else filled


def root_keys(expression: str) -> frozenset[str]:
    """Return the top-level keys that an expression reads of what it is applied to.

    ``EVERYTHING`` is among them where it reads the whole.
    """
    return frozenset(_root_keys(_compiled(expression).parsed))


class Lookup:
    """Answers ``[?Field == value] | [0]`` over one list from an index instead of a walk.

    One answer (a credential report, say) is asked once for every resource: walking it each time
    would take time that grows with the square of the account.
    """

    def __init__(self, value: Any) -> None:
        self.value = value
        self._indexes: dict[str, dict[Any, Any]] = {}

    def search(self, expression: str) -> Any:
        """Give what :func:`search` would."""
        wanted = _first_where_equal(expression)
        if wanted is None:
            return search(expression, self.value)
        rows_of, field, literal = wanted
        index = self._indexes.get(f"{rows_of}|{field}")
        if index is None:
            rows = self.value if rows_of is None else search(rows_of, self.value)
            index = {}
            for row in rows if isinstance(rows, list) else ():
                key = row.get(field) if isinstance(row, dict) else None
                if isinstance(key, str):
                    index.setdefault(key, row)
            self._indexes[f"{rows_of}|{field}"] = index
        return index.get(literal)


def _text(quoted: str, values: Mapping[str, Any]) -> Any:
    rendered = render(quoted.replace("\\'", "'"), values)
    return rendered if rendered is ABSENT or isinstance(rendered, str) else as_text(rendered)


def _literal(value: Any) -> str:
    return "`" + orjson.dumps(value).decode("utf-8").replace("`", "\\u0060") + "`"


@lru_cache(maxsize=4096)
def _compiled(expression: str) -> Any:
    return jmespath.compile(expression)


_FIRST_WHERE_EQUAL = re.compile(
    r"(?P<rows>[A-Za-z_][\w.]*)?\[\?\s*(?P<field>[A-Za-z_]\w*)\s*==\s*"
    r"(?:'(?P<raw>[^'\\]*)'|`(?P<json>\"[^`]*\")`)\s*\]\s*\|\s*\[0\]"
)


def _first_where_equal(expression: str) -> tuple[str | None, str, str] | None:
    match = _FIRST_WHERE_EQUAL.fullmatch(expression.strip())
    if match is None:
        return None
    literal = match["raw"] if match["raw"] is not None else orjson.loads(match["json"])
    return (match["rows"], match["field"], literal) if isinstance(literal, str) else None


_FIRST_CHILD_ONLY = frozenset(
    {"subexpression", "index_expression", "pipe", "projection", "filter_projection", "value_projection"}
)


def _root_keys(node: Mapping[str, Any]) -> Iterator[str]:
    kind = node["type"]
    if kind == "field":
        yield node["value"]
    elif kind in ("current", "identity"):
        yield EVERYTHING
    elif kind in _FIRST_CHILD_ONLY:  # what follows is applied to what the first child gave
        yield from _root_keys(node["children"][0])
    elif kind not in ("literal", "expref"):
        for child in node["children"]:
            yield from _root_keys(child)
