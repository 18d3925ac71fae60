"""Whatever a provider answers, evaluating a rule ends in an outcome and costs the process nothing."""

import gc
import sys
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mappings.rule import Rule, activation
from mappings.rule_errors import MissingValueError, RuleFailedError
from store.model import Outcome
from tests.mappings.conftest import NOW, check, judged

RULES = [
    "resource.a == 'x'",
    "resource.a.b.c != null && resource.a.b.c > 3",
    "resource.a.startsWith('x') || resource.b.size() > 2",
    "resource.?a.?b.orValue('') == 'x'",
    "resource.a.all(x, x.b) && !resource.b.exists(x, x == resource.a)",
    "resource.a.filter(x, x != null).map(x, x.b).exists(y, y in ['x', 3])",
    "resource.a[0] == resource.b['x']",
    "timestamp(resource.a) < now - duration(resource.b)",
    "int(resource.a) / int(resource.b) == 1",
    "resource.a.matches(resource.b)",
    "has(resource.a.b) ? resource.a.b : resource.b",
    "cel.bind(v, resource.a, v == resource.b)",
    "resource.a.values('b.c').distinct().size() == 0",
    "resource.a.where('b', [resource.b]).size() > 0",
    "size(resource.a.shared('b')) == 0",
    "resource == {'a': 1}",
]

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.text(st.characters(), max_size=5),
    st.sampled_from(["x", "2025-01-01T00:00:00Z", "12h", "(", "\0", "\ud800"]),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b", "c", "\0"]), inner)
    ),
    max_leaves=8,
)


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(RULES), st.dictionaries(st.sampled_from("ab"), VALUES))
def test_a_rule_gives_an_answer_or_fails_as_rules_do(source: str, content: dict[str, Any]) -> None:
    try:
        found = Rule.compile(source).evaluate(activation(resource=content, scope={}, params={}, now=NOW))
    except (MissingValueError, RuleFailedError):
        return
    assert isinstance(found, bool)


@pytest.mark.parametrize("found", ["\ud800", 2**70, (1, 2)])
def test_what_the_runtime_cannot_take_is_an_error_of_that_check_alone(found: Any) -> None:
    finding = judged(check("resource.found == 'x'"), {"found": found})
    assert (finding.outcome, finding.reason != "") == (Outcome.ERROR, True)


@pytest.mark.parametrize(
    ("source", "content"),
    [
        ("resource.name_of == 'admin'", {"name_of": "admin\0x"}),
        ("'admin' in resource.names", {"names": ["admin\0x"]}),
        ("'admin' in resource.names", {"names": {"admin\0x": 1}}),
    ],
)
def test_a_text_does_not_end_at_a_nul(source: str, content: dict[str, Any]) -> None:
    assert judged(check(source), content).outcome is Outcome.FAIL


@pytest.mark.slow
@pytest.mark.skipif(sys.version_info >= (3, 12), reason="these are immortal since Python 3.12")
@pytest.mark.parametrize("source", RULES)
def test_a_rule_takes_and_leaves_no_references(source: str) -> None:
    rule = Rule.compile(source)
    counted: tuple[Any, ...] = (None, True, False, 3, "x", ())
    content = {"a": [{"b": {"c": None}}, {"b": 3}, None, True, False, "x"], "b": {"x": None}}
    gc.collect()
    before = [sys.getrefcount(each) for each in counted]
    for _ in range(10_000):
        with suppress(MissingValueError, RuleFailedError):
            rule.evaluate(activation(resource=content, scope={}, params={}, now=NOW))
    gc.collect()
    after = [sys.getrefcount(each) for each in counted]
    assert all(abs(now - then) < 5_000 for now, then in zip(after, before, strict=True)), (before, after)
