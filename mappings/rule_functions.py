"""Functions that rules have beside CEL's own, for lists of any length.

CEL's macros (``all``, ``exists``, ``filter``, ``map``) look at 10,000 elements in one evaluation at most, and
``filter`` and ``map`` take time by the square of the length. These take one look at each element.
"""

from collections import Counter
from collections.abc import Hashable
from typing import Any

from cel_expr_python import cel

_LIST = cel.Type.List(cel.Type.DYN)


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


def distinct(elements: list[Any]) -> list[Any]:
    """Return the elements without those that came before; text, numbers and booleans only.

    Raises:
        ValueError: an element is a list or an object.
    """
    if not all(isinstance(each, Hashable) for each in elements):
        raise ValueError("distinct() is for text, numbers and booleans")
    return [each for _, each in dict.fromkeys((type(each), each) for each in elements)]


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


def _on_lists(function: Any, *parameters: Any) -> Any:
    name = function.__name__
    overload = cel.Overload(f"list_{name}", _LIST, [_LIST, *parameters], True, function)
    return cel.FunctionDecl(name, [overload])


FUNCTIONS = [
    _on_lists(values, cel.Type.STRING),
    _on_lists(where, cel.Type.STRING, _LIST),
    _on_lists(distinct),
    _on_lists(shared, cel.Type.STRING),
]
