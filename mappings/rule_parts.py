"""Evaluating a rule in parts, where it looks at more elements than the runtime lets one evaluation look at.

``a.all(x, p)`` holds where it holds on each stretch of ``a``, ``a.exists(x, p)`` where it holds on one, and
``&&``, ``||`` and ``!`` join what their operands give. The parts are CEL themselves. As in CEL, what decides
the whole stands, whatever fails elsewhere.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from mappings.rule_errors import MissingValueError, RuleFailedError, RuleTooLongError
from mappings.rule_text import read_tokens

STRETCH = 1_000
"""Elements that are looked at together; fewer where each needs many looks itself."""

MOST_PARTS = 2_000
"""Parts that one rule is evaluated in at most, so that no rule holds a run up for long."""

_TOO_LONG = "there are more elements than may be looked at, even in parts"
_OPENING = frozenset({"(", "[", "[?", "{"})
_CLOSING = frozenset({")", "]", "}"})
_LOOSE = frozenset({"?", ":", "||", "&&", "==", "!=", "<", ">", "<=", ">=", "in", "+", "-", "*", "/", "%"})
_MACROS = frozenset({"filter", "map", "all", "exists"})

_Token = tuple[str, int, int]


@dataclass(frozen=True)
class _Failure:
    """How a part failed; not the exception itself, which would keep all that was evaluated alive."""

    kind: type[Exception]
    words: str


_Found = bool | _Failure


@dataclass(frozen=True)
class _Look:
    """``elements.filter(…).map(…).all(variable, body)``, or ``exists`` as the macro."""

    elements: str
    chain: str
    macro: str
    variable: str
    body: str


class Parts:
    """One evaluation in parts.

    Args:
        value: evaluates CEL text; its failures are those of a rule.
    """

    def __init__(self, value: Callable[[str], Any]) -> None:
        self._evaluate = value
        self._left = MOST_PARTS

    def judge(self, text: str, before: str = "", after: str = "") -> bool:
        """Return what the text gives between ``before`` and ``after``, which bind variables for it.

        Raises:
            MissingValueError: a key is missing.
            RuleTooLongError: there are more elements than may be looked at, and no way to split.
            RuleFailedError: any other failure.
        """
        try:
            return self._boolean(before + text + after)
        except RuleTooLongError:
            return self._split_up(text, before, after)

    def _split_up(self, text: str, before: str, after: str) -> bool:
        text = _bare(text)
        for mark, decisive in (("||", True), ("&&", False)):
            operands = _operands(text, mark)
            if len(operands) > 1:
                return _joined((self._found(each, before, after) for each in operands), decisive)
        tokens = _tokens(text)
        if tokens[0][0] == "(" and _closing(tokens, 0) == len(tokens) - 1:
            return self.judge(text[tokens[0][2] : tokens[-1][1]], before, after)
        loose = any(token in _LOOSE for token, _, _ in _outermost(tokens))
        if tokens[0][0] == "!" and not loose:
            return not self.judge(text[tokens[0][2] :], before, after)
        if bound := None if loose else _bound(text, tokens):
            return self.judge(text[bound:-1], before + text[:bound], ")" + after)
        look = None if loose else _look(text, tokens)
        if look is None or not self._boolean(f"{before}type({look.elements}) == list{after}"):
            raise RuleTooLongError(_TOO_LONG)
        return _joined(self._stretches(look, before, after), look.macro == "exists")

    def _value(self, text: str) -> Any:
        if not self._left:
            raise RuleTooLongError(_TOO_LONG)
        self._left -= 1
        return self._evaluate(text)

    def _boolean(self, text: str) -> bool:
        value = self._value(text)
        if not isinstance(value, bool):
            raise RuleFailedError(f"a part of the rule gave {value!r}, not a boolean")
        return value

    def _found(self, text: str, before: str, after: str) -> _Found:
        try:
            return self.judge(text, before, after)
        except (MissingValueError, RuleFailedError) as error:
            return _Failure(type(error), str(error))

    def _stretches(self, look: _Look, before: str, after: str) -> Iterator[_Found]:
        size = self._value(f"{before}size({look.elements}){after}")
        start, length = 0, STRETCH
        while start < size:
            end = min(start + length, size)
            part = f"dyn(({look.elements}).slice({start}, {end})){look.chain}"
            try:
                yield self._boolean(f"{before}{part}.{look.macro}({look.variable}, {look.body}){after}")
            except RuleTooLongError as error:
                if length > 1 and self._left:
                    length = max(1, length // 10)
                    continue
                bound = f"{before}cel.bind({look.variable}, dyn(({look.elements})[{start}]), "
                failure = _Failure(type(error), str(error))
                yield failure if look.chain else self._found(look.body, bound, f"){after}")
            except (MissingValueError, RuleFailedError) as error:
                yield _Failure(type(error), str(error))
            start = end


def _joined(found: Iterable[_Found], decisive: bool) -> bool:
    failure: _Failure | None = None
    for each in found:
        if each is decisive:
            return decisive
        if isinstance(each, _Failure):
            failure = failure or each
    if failure is not None:
        raise failure.kind(failure.words)
    return not decisive


def _tokens(text: str) -> list[_Token]:
    return [(match.group(), match.start(), match.end()) for match in read_tokens(text)]


def _outermost(tokens: list[_Token]) -> Iterator[_Token]:
    """Yield the tokens that are within no brackets."""
    depth = 0
    for token in tokens:
        depth -= token[0] in _CLOSING
        if not depth:
            yield token
        depth += token[0] in _OPENING


def _operands(text: str, mark: str) -> list[str]:
    outermost = list(_outermost(_tokens(text)))
    if any(token == "?" for token, _, _ in outermost):
        return [text]
    places = [(start, end) for token, start, end in outermost if token == mark]
    starts = [0, *(end for _, end in places)]
    return [text[start:end] for start, end in zip(starts, [*(s for s, _ in places), len(text)], strict=True)]


def _bare(text: str) -> str:
    """Return the text without what is before its first and behind its last token: a comment may end it."""
    tokens = _tokens(text)
    return text[tokens[0][1] : tokens[-1][2]]


def _bound(text: str, tokens: list[_Token]) -> int | None:
    """Return where the last operand of ``cel.bind(variable, value, …)`` starts; None if it is none."""
    opening = [token for token, _, _ in tokens[:4]]
    if opening != ["cel", ".", "bind", "("] or _closing(tokens, 3) != len(tokens) - 1:
        return None
    commas = [end for token, _, end in _outermost(tokens[4:-1]) if token == ","]
    return commas[1]


def _closing(tokens: list[_Token], opening: int) -> int:
    depth = 0
    for at in range(opening, len(tokens)):
        depth += tokens[at][0] in _OPENING
        depth -= tokens[at][0] in _CLOSING
        if not depth:
            return at
    return -1


def _look(text: str, tokens: list[_Token]) -> _Look | None:
    """Read the text as one look at all elements of a list; None if it is anything else."""
    calls: list[tuple[str, int, int]] = []
    at = 0
    while at < len(tokens):
        if tokens[at][0] in _OPENING:
            end = _closing(tokens, at)
            if at > 1 and tokens[at - 2][0] == "." and tokens[at - 1][0] in _MACROS:
                calls.append((tokens[at - 1][0], at, end))
            at = end
        at += 1
    if not calls or calls[-1][2] != len(tokens) - 1:
        return None
    # The last call is the look; calls that follow one another before it are the chain.
    first = len(calls) - 1
    while first and calls[first - 1][0] in ("filter", "map") and calls[first - 1][2] == calls[first][1] - 3:
        first -= 1
    macro, opening, closing = calls[-1]
    if macro not in ("all", "exists") or tokens[opening + 2][0] != ",":
        return None
    elements_end, chain_end = tokens[calls[first][1] - 2][1], tokens[opening - 2][1]
    return _Look(
        elements=text[:elements_end],
        chain=text[elements_end:chain_end],
        macro=macro,
        variable=tokens[opening + 1][0],
        body=text[tokens[opening + 2][2] : tokens[closing][1]],
    )
