"""Rules in CEL: compiling them, finding out what they depend on, and evaluating them.

CEL is evaluated by Google's own runtime (https://cel.dev). A rule sees ``resource`` (or
``resources`` for a whole scope), ``scope``, ``now`` and ``params``.
"""

import datetime as dt
import re
from dataclasses import dataclass
from functools import cache
from typing import Any

import orjson
from cel_expr_python import cel
from cel_expr_python.ext import ext_bindings, ext_math, ext_optional, ext_strings

from mappings.rule_errors import MissingValueError, RuleFailedError, RuleTooLongError
from mappings.rule_functions import FUNCTIONS, empty_borrowed
from mappings.rule_parts import Parts
from mappings.rule_text import read_tokens
from store.errors import DefinitionError

_SIMPLE_ESCAPES = re.compile(r"""(?:[^\\]|\\[\\"'nrt])*""", re.DOTALL)
_PLAIN = frozenset({"STRING", "BOOL", "INT"})
_ESCAPED = {"n": "\n", "r": "\r", "t": "\t"}


@cache
def _environment() -> Any:
    return cel.NewEnv(
        config=cel.NewEnvConfigFromYaml("extensions: [{name: lists}]"),
        variables={
            "resource": cel.Type.DYN,
            "resources": cel.Type.DYN,
            "scope": cel.Type.DYN,
            "params": cel.Type.DYN,
            "now": cel.Type.TIMESTAMP,
        },
        extensions=[
            ext_strings.ExtStrings(),
            ext_optional.ExtOptional(),
            ext_bindings.ExtBindings(),
            ext_math.ExtMath(),
        ],
        functions=FUNCTIONS,
    )


@dataclass(frozen=True)
class Rule:
    """A compiled rule.

    Attributes:
        source: the CEL expression.
        keys: the document keys it reads, or None if it reads the document as a whole.
        paths: the dotted paths it reads, for showing what decided an outcome.
        members: every member name or quoted key in it, for rules over a whole scope; None if it
            computes keys, and so may read any.
        uses_now: whether its outcome can change with the clock alone.
    """

    source: str
    keys: frozenset[str] | None
    paths: tuple[tuple[str, ...], ...]
    members: frozenset[str] | None
    uses_now: bool
    program: Any

    @classmethod
    def compile(cls, source: str) -> "Rule":
        """Compile a rule.

        Raises:
            DefinitionError: the expression does not parse or names an unknown variable.
        """
        try:
            program = _environment().compile(source)
        except RuntimeError as error:
            raise DefinitionError(f"the rule does not compile: {_first_line(error)}: {source}") from error
        if program.return_type().name() not in ("BOOL", "DYN"):
            raise DefinitionError(f"the rule gives {program.return_type().name()}, not a boolean: {source}")
        tokens = _tokens(source)
        paths = tuple(dict.fromkeys(_paths(tokens, "resource")))
        whole = any(not path for path in paths)
        return cls(
            source=source,
            keys=None if whole else frozenset(path[0] for path in paths),
            paths=tuple(path for path in paths if path),
            members=_members(tokens),
            uses_now=any(_is_variable(tokens, i, "now") for i in range(len(tokens))),
            program=program,
        )

    def evaluate(self, activation: Any) -> bool:
        """Evaluate against what :func:`activation` made.

        Raises:
            MissingValueError: a key is missing.
            RuleTooLongError: there are more elements than one evaluation may look at.
            RuleFailedError: any other failure.
        """
        try:
            result = _evaluated(self.program, activation)
        except RuleTooLongError:
            return Parts(lambda text: _part(text, activation)).judge(self.source)
        if result is True or result is False:
            return bool(result)
        raise RuleFailedError(f"the rule gave {result!r}, not a boolean")


def activation(
    *,
    resource: dict[str, Any] | None = None,
    resources: dict[str, list[dict[str, Any]]] | None = None,
    scope: dict[str, Any],
    params: dict[str, Any],
    now: dt.datetime,
) -> Any:
    """Bind the variables of a rule; one activation serves any number of rules."""
    return _environment().Activation(
        {
            "resource": _with_visible_nul(resource or {}),
            "resources": _with_visible_nul(resources or {}),
            "scope": scope,
            "params": params,
            "now": now,
        }
    )


def _with_visible_nul(documents: dict[str, Any]) -> dict[str, Any]:
    # cel-expr-python 0.1.3 ends a text at its first NUL: "admin\\0x" would be "admin" to a rule.
    try:
        if b"\\u0000" not in orjson.dumps(documents):
            return documents
    except orjson.JSONEncodeError:
        return documents  # the runtime says what it cannot take

    def visible(value: Any) -> Any:
        if isinstance(value, str):
            return value.replace("\0", "\N{SYMBOL FOR NULL}")
        if isinstance(value, list):
            return [visible(each) for each in value]
        if isinstance(value, dict):
            return {visible(key): visible(each) for key, each in value.items()}
        return value

    plain: dict[str, Any] = visible(documents)
    return plain


def _evaluated(program: Any, bound: Any) -> Any:
    """Return what an evaluation gave.

    Raises:
        MissingValueError: a key is missing.
        RuleTooLongError: there are more elements than one evaluation may look at.
        RuleFailedError: any other failure.
    """
    try:
        return _plain(program.eval(bound))
    except (MissingValueError, RuleFailedError):
        raise
    # The runtime raises what it likes, and one document that it cannot take must not end a run.
    except Exception as error:
        if "Iteration budget" in str(error):
            raise RuleTooLongError(
                "there are more elements than the 10,000 that one evaluation may look at"
            ) from error
        raise RuleFailedError(_first_line(error)) from error
    finally:
        empty_borrowed()


def _part(text: str, bound: Any) -> Any:
    try:
        program = _environment().compile(text)
    except RuntimeError as error:
        raise RuleTooLongError(f"the rule cannot be evaluated in parts: {_first_line(error)}") from error
    return _evaluated(program, bound)


def _plain(value: Any) -> Any:
    """Return what an evaluation gave.

    Raises:
        MissingValueError: a key is missing.
        RuleFailedError: any other failure.
    """
    # plain_value() of cel-expr-python 0.1.3 hands out None without a reference of its own, here and inside
    # lists and maps: before Python 3.12, where None is immortal, some thousands of them end the process.
    kind = value.type().name()
    if kind in _PLAIN:
        return value.plain_value()
    if kind == "NULL":
        return None
    if kind.startswith("LIST"):
        return [_plain(element) for element in value.value()]
    if kind.startswith("MAP"):
        return {key: _plain(element) for key, element in value.value().items()}
    if kind == "ERROR":
        text = str(value.plain_value())
        if text.startswith("NOT_FOUND"):
            raise MissingValueError(text.split(": ", 1)[-1])
        raise RuleFailedError(text)
    return value.plain_value()


def _first_line(error: Exception) -> str:
    text = str(error) or type(error).__name__
    return text.splitlines()[0].removeprefix("INVALID_ARGUMENT: ").removeprefix("ERROR: ")


def _tokens(source: str) -> list[tuple[str, str]]:
    return [(match.lastgroup or "", match.group()) for match in read_tokens(source)]


def _is_variable(tokens: list[tuple[str, str]], i: int, variable: str) -> bool:
    # A dot before a name makes it a member only after an operand: `.resource` is the variable too.
    if tokens[i] != ("name", variable):
        return False
    return not (i and tokens[i - 1][1] in (".", ".?") and _ends_operand(tokens, i - 2))


def _ends_operand(tokens: list[tuple[str, str]], i: int) -> bool:
    if i < 0:
        return False
    kind, text = tokens[i]
    return (kind != "mark" and text != "in") or text in (")", "]", "}", "`")


def _plain_text(literal: str) -> str | None:
    """Return what a string literal says; None if it is made of bytes or has numeric escapes."""
    raw = literal[0] in "rR"
    body = literal[1:] if raw else literal
    if body[0] not in "\"'":
        return None
    width = 3 if body[:3] in ('"""', "'''") else 1
    text = body[width:-width]
    if raw or "\\" not in text:
        return text
    if not _SIMPLE_ESCAPES.fullmatch(text):
        return None
    return re.sub(r"\\(.)", lambda match: _ESCAPED.get(match[1], match[1]), text)


def _paths(tokens: list[tuple[str, str]], variable: str) -> list[tuple[str, ...]]:
    """Find ``variable.a.b`` in all its spellings; () where the variable is used whole."""
    found = []
    for i in range(len(tokens)):
        if not _is_variable(tokens, i, variable):
            continue
        path: list[str] = []
        at = i + 1
        while at + 1 < len(tokens):
            mark, following = tokens[at][1], tokens[at + 1]
            if mark in (".", ".?") and following[0] == "name":
                if at + 2 < len(tokens) and tokens[at + 2][1] == "(":
                    break
                path.append(following[1])
                at += 2
            elif mark in ("[", "[?") and following[0] == "string" and tokens[at + 2][1] == "]":
                key = _plain_text(following[1])
                if key is None:
                    break
                path.append(key)
                at += 3
            else:
                break
        found.append(tuple(path))
    return found


def _members(tokens: list[tuple[str, str]]) -> frozenset[str] | None:
    names = set()
    for i, (kind, text) in enumerate(tokens):
        if kind == "name" and i and tokens[i - 1][1] in (".", ".?"):
            names.add(text)
        elif kind == "string":
            plain = _plain_text(text)
            if plain is None:
                return None
            names.update((plain, *plain.split(".")))
        elif text == "`" or (text in ("[", "[?") and _ends_operand(tokens, i - 1) and _computes(tokens, i)):
            return None
    return frozenset(names)


def _computes(tokens: list[tuple[str, str]], bracket: int) -> bool:
    return tokens[bracket + 1][0] not in ("string", "number") or tokens[bracket + 2][1] != "]"


@dataclass(frozen=True)
class Expression:
    """A compiled expression that gives any value of a document.

    Attributes:
        keys: the document keys it reads, or None if it reads the document as a whole.
    """

    source: str
    keys: frozenset[str] | None
    program: Any

    @classmethod
    def compile(cls, source: str) -> "Expression":
        """Compile an expression.

        Raises:
            DefinitionError: it does not parse or names an unknown variable.
        """
        try:
            program = _environment().compile(source)
        except RuntimeError as error:
            raise DefinitionError(
                f"the expression does not compile: {_first_line(error)}: {source}"
            ) from error
        paths = _paths(_tokens(source), "resource")
        whole = any(not path for path in paths)
        return cls(source, None if whole else frozenset(path[0] for path in paths), program)

    def value(self, bound: Any) -> Any:
        """Evaluate against what :func:`activation` made.

        Raises:
            MissingValueError: a key is missing.
            RuleTooLongError: there are more elements than one evaluation may look at.
            RuleFailedError: any other failure.
        """
        return _evaluated(self.program, bound)
