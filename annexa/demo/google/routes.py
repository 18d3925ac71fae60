"""Which method of Google's discovery documents a request asks for."""

import re
from functools import cache
from typing import Any

from collectors.gcp.fields import published
from collectors.gcp.methods import Method

SYSTEM_PARAMETERS = frozenset({"alt", "$alt", "fields", "key", "prettyPrint", "quotaUser"})
"""Parameters that every method takes: https://cloud.google.com/apis/docs/system-parameters."""

_VARIABLE = re.compile(r"\{[^}]+\}")


def method_at(service: str, verb: str, path: str) -> Method | None:
    """Return the method of a path; None where there is none.

    Where several fit, it is the one that says most of the path itself.
    """
    fitting = [
        (literal, method)
        for pattern, literal, method in _routes().get((service, verb), ())
        if pattern.fullmatch(path)
    ]
    return max(fitting, key=lambda each: each[0])[1] if fitting else None


def fields_of(form: str) -> dict[str, str]:
    """Return the fields of a type of answers; none where it is not known."""
    found: dict[str, str] = published()["types"].get(form, {})
    return found


def lists(method: Method) -> bool:
    """Say whether a method gives a list."""
    verb = method.id.rpartition(".")[2].lower()
    return "list" in verb or "search" in verb or "nextPageToken" in fields_of(method.form)


def aggregates(method: Method) -> bool:
    """Say whether a method gives a list across zones and regions, in maps."""
    return fields_of(method.form).get("items", "").startswith("{")


@cache
def _routes() -> dict[tuple[str, str], list[tuple[re.Pattern[str], int, Method]]]:
    found: dict[tuple[str, str], list[tuple[re.Pattern[str], int, Method]]] = {}
    for call, methods in published()["methods"].items():
        service, _, operation = call.partition(":")
        for each in methods:
            route = found.setdefault((service, operation.partition(" ")[0]), [])
            route.append((*_pattern(each["flat"]), _method(each)))
    return found


def _pattern(flat: str) -> tuple[re.Pattern[str], int]:
    literal = _VARIABLE.split(flat)
    return re.compile("[^/]+".join(map(re.escape, literal))), sum(map(len, literal))


def _method(each: dict[str, Any]) -> Method:
    return Method(each["id"], each["flat"], each["form"], tuple(each["query"]), tuple(each["required"]))
