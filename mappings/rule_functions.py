"""Functions that rules have beside CEL's own, for lists of any length.

CEL's macros (``all``, ``exists``, ``filter``, ``map``) look at 10,000 elements in one evaluation at most, and
``filter`` and ``map`` take time by the square of the length. These take one look at each element.
"""

import ctypes
import sys
import threading
from collections import Counter
from collections.abc import Callable, Hashable
from typing import Any

from cel_expr_python import cel

_LIST = cel.Type.List(cel.Type.DYN)
_KEEPS_NONE = sys.version_info >= (3, 12)


class _Borrowed(threading.local):
    """The lists that functions were handed and gave back in this thread, since they were last emptied."""

    def __init__(self) -> None:
        self.handed: list[list[Any]] = []
        self.given: list[list[Any]] = []


_borrowed = _Borrowed()


def empty_borrowed() -> None:
    """Empty the lists of the evaluation that has ended.

    cel-expr-python 0.1.3 never frees a function's arguments and result: with thousands of elements in
    them, a process that runs for months would outgrow any memory. Emptied, some hundred bytes a call stay.
    """
    if not _borrowed.handed:
        return
    # None in such an argument has no reference of its own: see _plain in mappings/rule.py. Freeing it takes
    # one from the interpreter, so one is added for each.
    if not _KEEPS_NONE:
        for _ in range(sum(map(_nulls, _borrowed.handed))):
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(None))
    for each in (*_borrowed.given, *_borrowed.handed):
        each.clear()
    _borrowed.given.clear()
    _borrowed.handed.clear()


def _nulls(value: Any) -> int:
    if isinstance(value, dict | list):
        return sum(map(_nulls, value.values() if isinstance(value, dict) else value))
    return 1 if value is None else 0


def values(elements: list[Any], path: str) -> list[Any]:
    """Return what the elements have at a dotted path; elements of lists on the way one by one.

    What is missing or null is left out.
    """
    found = elements
    for step in path.split("."):
        found = [value for element in found for value in _flat(_at(element, step))]
    return found


def where(elements: list[Any], path: str, wanted: list[Any]) -> list[Any]:
    """Return the elements that have one of the wanted values at a dotted path.

    Text is compared in any case; what is of another type is another value.
    """
    known = {_compared(each) for each in wanted}
    return [
        element for element in elements if any(_compared(each) in known for each in values([element], path))
    ]


def shared(elements: list[Any], path: str) -> list[Any]:
    """Return the values that two or more of the elements have at a dotted path; case makes no difference."""
    counts: Counter[str] = Counter()
    for element in elements:
        counts.update({value.casefold() for value in values([element], path) if isinstance(value, str)})
    return [value for value, number in counts.items() if number > 1]


def _compared(value: Any) -> Any:
    if isinstance(value, str):
        return value.casefold()
    return (type(value), value) if isinstance(value, Hashable) else None


def _at(element: Any, step: str) -> Any:
    return element.get(step) if isinstance(element, dict) else None


def _flat(value: Any) -> list[Any]:
    return [each for each in (value if isinstance(value, list) else [value]) if each is not None]


def _on_lists(function: Callable[..., list[Any]], *parameters: Any) -> Any:
    def call(*handed: Any) -> list[Any]:
        _borrowed.handed.extend(each for each in handed if isinstance(each, list))
        given = function(*handed)
        _borrowed.given.append(given)
        return given

    name = function.__name__
    overload = cel.Overload(f"list_{name}", _LIST, [_LIST, *parameters], True, call)
    return cel.FunctionDecl(name, [overload])


FUNCTIONS = [
    _on_lists(values, cel.Type.STRING),
    _on_lists(where, cel.Type.STRING, _LIST),
    _on_lists(shared, cel.Type.STRING),
]
