"""What is published of the fields of answers, to catch misspelt ones.

A *form* is ``string``, ``boolean``, ``integer``, ``number``, ``any``, ``[form]`` for a list, ``{form}`` for a
map, or the name of a type; ``any`` is also what is said where nothing is known.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from collectors.paths import steps

ANY = "any"

_SCALARS: dict[str, tuple[type, ...]] = {
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, float),
    "string": (str,),
}

_EXPRESSION_STEP = re.compile(r"\.?([A-Za-z_]\w*|\*)|(\[(?:\*)?\])|(\[\?[^\]]*\])")


def list_of(form: str) -> str:
    """Return the form of a list of something."""
    return f"[{form}]"


class Forms:
    """The types of a provider's answers.

    Args:
        types: name → field → form.
    """

    def __init__(self, types: Mapping[str, Mapping[str, str]]) -> None:
        self._types = types

    @property
    def names(self) -> frozenset[str]:
        """The names of the fields of all types."""
        return frozenset(field for fields in self._types.values() for field in fields)

    def fields(self, form: str) -> tuple[str, ...]:
        """Return the names of the fields of a form; none where it is no type."""
        return tuple(self._types.get(form, ()))

    def missing(self, form: str, path: str) -> str:
        """Say which step of a path does not exist; "" if all do, as far as is known.

        Args:
            path: keys joined by dots; ``*`` is every element or key, a number one element.
        """
        for step in steps(path):
            if form == ANY:
                return ""
            if form[0] == "[":
                if step[0] != "*" and not step.isdecimal():
                    return f"{step!r} is asked of a list"
                form = form[1:-1]
            elif form[0] == "{":
                form = form[1:-1]
            elif form in _SCALARS:
                return f"{step!r} is asked of a {form}"
            elif step == "*":
                form = ANY
            else:
                fields = self._types[form]
                if step not in fields:
                    return f"no field {step!r}; there are {', '.join(sorted(fields))}"
                form = fields[step]
        return ""

    def mismatches(self, path: str, form: str, value: Any) -> Iterator[str]:
        """Yield what of a value does not fit a form.

        Args:
            path: what to call the value.
        """
        if form == ANY or value is None:
            return
        if form[0] == "[" or isinstance(value, list):
            if form[0] != "[" or not isinstance(value, list):
                yield f"{path}: {value!r}, where the answer has {_described(form)}"
                return
            for i, inner in enumerate(value):
                yield from self.mismatches(f"{path}[{i}]", form[1:-1], inner)
        elif form in _SCALARS:
            if not isinstance(value, _SCALARS[form]) or (isinstance(value, bool) and form != "boolean"):
                yield f"{path}: {value!r}, where the answer has {_described(form)}"
        elif not isinstance(value, dict):
            yield f"{path}: {value!r}, where the answer has {_described(form)}"
        else:
            for key, inner in value.items():
                if form[0] == "{":
                    yield from self.mismatches(f"{path}.{key}", form[1:-1], inner)
                    continue
                fields = self._types[form]
                if key in fields:
                    yield from self.mismatches(f"{path}.{key}", fields[key], inner)
                else:
                    yield f"{path}: no field {key!r}; there are {', '.join(sorted(fields))}"

    def taken(self, form: str, expression: str) -> str:
        """Return the form of what a JMESPath expression gives; ``any`` where it cannot be told.

        Only fields, wildcards, flattening and filters are followed.
        """
        return self._take(form, expression)[0]

    def untaken(self, form: str, expression: str) -> str:
        """Say which step of an expression does not exist; "" if all do, as far as is known."""
        return self._take(form, expression)[1]

    def _take(self, form: str, expression: str) -> tuple[str, str]:
        if expression == "@":
            return form, ""
        at, projected = 0, False
        while at < len(expression):
            step = _EXPRESSION_STEP.match(expression, at)
            if step is None or form == ANY:
                return ANY, ""
            at = step.end()
            field, flattened = step[1], step[2]
            if field is None:
                if form[0] != "[":
                    return ANY, f"{step[0]!r} is asked of {_described(form)}"
                if flattened:
                    form, projected = form[1:-1], True
                continue
            wrong = self.missing(form, field)
            if wrong:
                return ANY, wrong
            projected = projected or field == "*"
            form = self._inner(form, field)
        return (list_of(form) if projected else form), ""

    def _inner(self, form: str, field: str) -> str:
        if form[0] in "[{":
            return form[1:-1]
        return ANY if field == "*" else self._types[form][field]

    def leaves(self, form: str, path: str, within: tuple[str, ...] = ()) -> Iterator[str]:
        """Yield the path of every scalar that a form leads to; a type within itself is not entered again."""
        if form == ANY or form in _SCALARS:
            yield path
        elif form[0] in "[{":
            yield from self.leaves(form[1:-1], f"{path}.*", within)
        elif form not in within:
            for key, inner in self._types[form].items():
                yield from self.leaves(inner, f"{path}.{key}", (*within, form))


def _described(form: str) -> str:
    return "a list" if form[0] == "[" else f"a {form}" if form in _SCALARS else "an object"
