"""A rule that looks at more elements than the runtime looks at in one evaluation is evaluated in parts."""

import gc
import weakref
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mappings.rule import Expression, Rule, activation
from mappings.rule_errors import MissingValueError, RuleFailedError, RuleTooLongError
from mappings.rule_parts import Parts
from store.model import Outcome
from tests.mappings.conftest import KIND, NOW, check, document, judged, judged_whole

MANY = 12_000


def evaluate(source: str, **resource: Any) -> bool:
    params = {"wanted": [1, MANY]}
    return Rule.compile(source).evaluate(activation(resource=resource, scope={}, params=params, now=NOW))


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("resource.n.all(x, x > 0)", True),
        ("resource.n.all(x, x < 12000)", False),
        ("resource.n.exists(x, x == 12000)", True),
        ("resource.n.exists(x, x == 0)", False),
        ("!resource.n.exists(x, x == 12000)", False),
        ("! ( resource.n.all(x, x < 12000) )", True),
        ("(resource.n + [0]).exists(x, x == 0)", True),
        ("resource.none == 1 || resource.n.exists(x, x == 12000)", True),
        ("resource.n.all(x, x > 0) && resource.n.exists(x, x == 7 || x == 12000)", True),
        ("params.wanted.all(w, resource.n.exists(x, x == w))", True),
        ("cel.bind(top, 12000, cel.bind(l, resource.n, l.exists(x, x == top) && l.all(x, x > 0)))", True),
        ("( cel.bind(top, [1, 2], !resource.n.exists(x, x in top)) ) // a comment", False),
        ("resource.n.all(x, x > 0 ? true : false) // all of them, (or so)", True),
    ],
)
def test_a_long_list_is_looked_at_in_stretches(source: str, expected: bool) -> None:
    assert evaluate(source, n=list(range(1, MANY + 1))) is expected


def test_lists_that_are_compared_with_each_other_may_be_long_too() -> None:
    source = "resource.a.all(x, resource.b.exists(y, y.id == x))"
    ids = [f"i{number}" for number in range(300)]
    assert evaluate(source, a=ids, b=[{"id": each} for each in ids])
    assert not evaluate(source, a=[*ids, "i300"], b=[{"id": each} for each in ids])


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("resource.n.filter(x, resource.n.exists(y, y > x)).all(x, x < 300)", True),
        ("resource.n.filter(x, resource.n.exists(y, y > x)).exists(x, x == 300)", False),
        ("resource.n.map(x, resource.n.all(y, y > 0) ? x + 1 : x).exists(x, x == 301)", True),
        ("resource.n.filter(x, resource.n.all(y, y > 0)).map(x, x * 2).all(x, x % 2 == 0)", True),
    ],
)
def test_what_is_filtered_and_mapped_is_looked_at_in_stretches(source: str, expected: bool) -> None:
    assert evaluate(source, n=list(range(1, 301))) is expected


def test_a_missing_value_in_any_stretch_is_missing() -> None:
    elements = [{"on": True}] * MANY + [{}]
    with pytest.raises(MissingValueError):
        evaluate("resource.all_of.all(x, x.on)", all_of=elements)


def test_what_decides_stands_whatever_is_missing_elsewhere() -> None:
    assert not evaluate("resource.all_of.all(x, x.on)", all_of=[{}] + [{"on": True}] * MANY + [{"on": False}])
    assert evaluate("resource.all_of.exists(x, x.on)", all_of=[{}] + [{"on": False}] * MANY + [{"on": True}])


@pytest.mark.parametrize(
    "source",
    [
        "resource.n.map(x, resource.n.all(y, y > 0)).size() > 1",
        "resource.n.exists_one(x, resource.n.all(y, y > 0))",
        "resource.n.all(x, resource.n.all(y, y > 0)) ? true : false",
        "resource.n.all(x, resource.n.all(y, y > 0)) == true",
        "resource.m.all(x, resource.n.all(y, y > 0))",
    ],
)
def test_what_cannot_be_split_is_too_long(source: str) -> None:
    numbers = list(range(1, 201))
    with pytest.raises(RuleTooLongError):
        evaluate(source, n=numbers, m={str(each): 1 for each in numbers})


def test_a_rule_that_would_never_end_is_ended() -> None:
    source = "resource.n.all(a, resource.n.all(b, resource.n.all(c, a + b + c > 0)))"
    with pytest.raises(RuleTooLongError, match="even in parts"):
        evaluate(source, n=list(range(1, 2_001)))


def test_a_whole_scope_of_many_resources_is_judged() -> None:
    rule = check(f"resources['{KIND}'].all(b, b.item.on)", whole=(KIND,))
    many = [document({"item": {"on": True}})] * MANY
    assert judged_whole(rule, {KIND: many}).outcome is Outcome.PASS
    assert judged_whole(rule, {KIND: [*many, document({"item": {"on": False}})]}).outcome is Outcome.FAIL
    assert judged_whole(rule, {KIND: [*many, document({"item": {}})]}).outcome is Outcome.UNKNOWN


def test_what_was_looked_at_in_parts_is_not_kept() -> None:
    class Held(dict[str, Any]):
        pass

    held = Held(n=[*range(1, MANY), "x"])
    kept = weakref.ref(held)
    gc.disable()
    try:
        assert judged(check("resource.held.n.all(x, x > 0)"), {"held": held}).outcome is Outcome.ERROR
        del held
        assert kept() is None
    finally:
        gc.enable()


ELEMENTS = st.lists(
    st.fixed_dictionaries({}, optional={"a": st.integers(0, 2), "b": st.booleans()}), max_size=6
)
CONDITIONS = st.sampled_from(["{v}.a > 0", "{v}.b", "!{v}.b", "{v}.?a.orValue(1) == 1", "has({v}.b)"])


@st.composite
def looks(draw: st.DrawFn, depth: int = 2) -> str:
    """Return a rule over ``resource.x`` and ``resource.y``."""
    kind = draw(st.sampled_from(["look", "look", "nested", "and", "or", "not"] if depth else ["look"]))
    if kind in ("and", "or"):
        mark = " && " if kind == "and" else " || "
        return f"({draw(looks(depth - 1))}{mark}{draw(looks(depth - 1))})"
    if kind == "not":
        return f"!({draw(looks(depth - 1))})"
    variable, macro = f"v{depth}", draw(st.sampled_from(["all", "exists"]))
    body = draw(CONDITIONS).format(v=variable)
    if kind == "nested":
        body = f"{body} {draw(st.sampled_from(['&&', '||']))} {draw(looks(depth - 1))}"
    chain = draw(st.sampled_from(["", f".filter(f, {draw(CONDITIONS).format(v='f')})"]))
    return f"resource.{draw(st.sampled_from('xy'))}{chain}.{macro}({variable}, {body})"


@settings(max_examples=150, deadline=None)
@given(looks(), ELEMENTS, ELEMENTS, st.lists(st.booleans(), max_size=12))
def test_parts_never_say_otherwise_than_the_whole(
    source: str, x: list[Any], y: list[Any], refused: list[bool]
) -> None:
    bound = activation(resource={"x": x, "y": y}, scope={}, params={}, now=NOW)
    refusals = iter(refused)

    def value(text: str) -> Any:
        if next(refusals, False):
            raise RuleTooLongError("refused")
        return Expression.compile(text).value(bound)

    def outcome(judge: Any) -> Any:
        try:
            return judge()
        except RuleTooLongError:
            return "too long"
        except (MissingValueError, RuleFailedError) as error:
            return type(error)

    whole = outcome(lambda: Rule.compile(source).evaluate(bound))
    parts = outcome(lambda: Parts(value).judge(source))
    # A filter that fails fails as a whole; in parts, what decides may come before.
    assert (
        parts is whole
        or not isinstance(parts, bool)
        or (".filter(" in source and not isinstance(whole, bool))
    )
