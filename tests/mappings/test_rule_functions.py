"""Functions of rules for lists of any length."""

import sys
import tracemalloc
from typing import Any

import pytest

from mappings.rule import Rule, activation
from mappings.rule_errors import RuleFailedError
from store.model import Outcome
from tests.mappings.conftest import KIND, NOW, check, document, judged_whole

MANY = 20_000

USERS: list[dict[str, Any]] = [
    {"item": {"name": "Ann", "on": True, "mail": [{"value": "a@x"}, {"value": "b@x"}]}},
    {"item": {"name": "ann", "on": "true", "mail": None}},
    {"item": {"name": 7}},
]


def evaluate(source: str, users: list[dict[str, Any]]) -> bool:
    return Rule.compile(source).evaluate(activation(resource={"us": users}, scope={}, params={}, now=NOW))


@pytest.mark.parametrize(
    "source",
    [
        "resource.us.values('item.name') == ['Ann', 'ann', 7]",
        "resource.us.values('item.mail.value') == ['a@x', 'b@x']",
        "resource.us.values('item.missing.value').size() == 0",
        "[{'a': [null, 'x', null]}].values('a') == ['x']",
        "resource.us.where('item.on', [true]).values('item.name') == ['Ann']",
        "resource.us.where('item.mail.value', ['b@x', 'c@x']).size() == 1",
        "resource.us.where('item.name', ['ANN', 'x']).size() == 2",
        "resource.us.where('item.mail', ['x']).size() == 0",
        "resource.us.shared('item.name') == ['ann']",
        "resource.us.shared('item.mail.value').size() == 0",
    ],
)
def test_lists_are_looked_through(source: str) -> None:
    assert evaluate(source, USERS)


def test_what_is_no_list_is_a_failure_of_the_rule() -> None:
    with pytest.raises(RuleFailedError):
        evaluate("resource.us[0].values('item').size() == 1", USERS)


def test_a_list_may_be_longer_than_what_macros_take() -> None:
    users = [{"item": {"name": f"u{number}", "on": True}} for number in range(MANY)]
    source = "resource.us.where('item.on', [true]).values('item.name').distinct().size() == 20000"
    assert evaluate(source, users)


def test_nulls_cost_no_references_to_none() -> None:
    # What is handed to a function must not be taken back twice: see _plain in mappings/rule.py.
    users = [{"item": {"name": f"u{number}", "on": None, "mail": [None, None]}} for number in range(1_000)]
    before = sys.getrefcount(None)
    for _ in range(5):
        assert evaluate("resource.us.where('item.name', ['u7']).values('item.mail').size() == 0", users)
    assert abs(sys.getrefcount(None) - before) < 1_000


def test_what_functions_are_handed_and_give_is_freed() -> None:
    users = [{"item": {"name": f"u{number}", "mail": [f"u{number}@x"]}} for number in range(2_000)]
    source = "resource.us.where('item.name', ['u7', 'u8']).values('item.mail').size() == 2"
    evaluate(source, users)
    tracemalloc.start()
    try:
        for _ in range(5):
            assert evaluate(source, users)
        assert tracemalloc.get_traced_memory()[0] < 100_000
    finally:
        tracemalloc.stop()


def test_a_gap_on_what_a_path_begins_with_is_unknown() -> None:
    rule = check(f"resources['{KIND}'].values('status.on').size() == 0", whole=(KIND,))
    finding = judged_whole(rule, {KIND: [document({}, "status")]})
    assert finding.outcome is Outcome.UNKNOWN
