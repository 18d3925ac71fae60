"""Refusing a success that is no answer to the call, so that it does not look like an empty list."""

import re
from collections.abc import Iterable
from typing import Any

from collectors.rest.operation import Ask, parse
from collectors.rest.published import Published
from collectors.transport import CallError


def path_pattern(operation: str) -> re.Pattern[str]:
    """Return what the path of a call looks like, whatever its parameters are."""
    return re.compile(re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(parse(operation).template)))


class KnownAnswers:
    """Knows the fields that the answers to calls have; see :attr:`collectors.rest.service.Service.check`.

    Args:
        published: what is known of the calls. A list is published as a type with the key under which an
            answer that is a JSON array is found.
        calls: the calls, as definitions write them.
    """

    def __init__(self, published: Published, calls: Iterable[str]) -> None:
        self._shapes: list[tuple[re.Pattern[str], frozenset[str]]] = []
        for call in sorted(set(calls), key=lambda each: ("{" in each, each)):
            known = published.call(call)
            fields = frozenset(published.forms.fields(known.form)) if known is not None else frozenset()
            if fields:
                self._shapes.append((path_pattern(call.partition(":")[2]), fields))

    def __call__(self, ask: Ask, body: dict[str, Any]) -> None:
        """Look at one answer.

        Raises:
            CallError: ``MalformedAnswer``, if it has none of the fields that it may have.
        """
        fields = next((known for pattern, known in self._shapes if pattern.fullmatch(ask.path)), None)
        if fields is not None and not fields & body.keys():
            raise CallError(
                "MalformedAnswer",
                f"the answer has none of what it must have: {', '.join(sorted(fields)[:5])}",
                retryable=True,
            )
