"""JMESPath with templates: values cannot change the expression, and shared lists are looked up quickly."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.expression import EVERYTHING, Lookup, fill, root_keys, search


@given(st.text(st.characters(codec="utf-8")), st.text(st.characters(codec="utf-8")))
def test_no_value_can_change_the_expression(name: str, other: str) -> None:
    rows = [{"user": other, "n": 0}, {"user": name, "n": 1}]
    expected = rows[0] if name == other else rows[1]
    filled = fill("[?user=='{item.UserName}'] | [0]", {"item": {"UserName": name}})
    assert filled is not None
    assert search(filled, rows) == expected
    assert Lookup(rows).search(filled) == expected


def test_fills_typed_and_partial_values() -> None:
    values = {"item": {"Port": 443, "Name": "it's"}, "account": "1"}
    assert fill("[?Port==`80`]", values) == "[?Port==`80`]"
    assert search(str(fill("[?Port=={item.Port}]", values)), [{"Port": 443}]) == [{"Port": 443}]
    filled = fill("[?arn=='arn:{account}:{item.Name}'] | [0].arn", values)
    assert search(str(filled), [{"arn": "arn:1:it's"}]) == "arn:1:it's"
    assert fill("{a: B}", values) == "{a: B}"
    assert fill("[?X=='{item.Missing}']", values) is None


@pytest.mark.parametrize(
    ("expression", "keys"),
    [
        ("item.A.B", {"item"}),
        ("policy != `null` && item.Type == 'x'", {"policy", "item"}),
        ("item.Tags[?Key=='a'].Value | [0]", {"item"}),
        ("join(',', names)", {"names"}),
        ("[item.A, encryption]", {"item", "encryption"}),
        ("{a: item.A, b: policy.B}", {"item", "policy"}),
        ("!locked", {"locked"}),
        ("keys(@)", {EVERYTHING}),
        ("`1`", set()),
    ],
)
def test_knows_the_keys_that_are_read(expression: str, keys: set[str]) -> None:
    assert root_keys(expression) == keys


def test_lookup_agrees_with_a_walk_and_takes_the_first() -> None:
    rows = [{"k": "a", "n": 1}, {"k": "b", "n": 2}, {"k": "a", "n": 3}, {"n": 4}, "odd", {"k": 5}]
    for value, prefix in ((rows, ""), ({"Rows": rows}, "Rows")):
        for name in ("a", "b", "c", ""):
            expression = f"{prefix}[?k=='{name}'] | [0]"
            assert Lookup(value).search(expression) == search(expression, value)
    assert Lookup(None).search("[?k=='a'] | [0]") is None
    assert Lookup({"Rows": None}).search("Rows[?k=='a'] | [0]") is None
    assert Lookup(rows).search("[].n") == [1, 2, 3, 4]


def test_lookup_does_not_grow_with_the_square() -> None:
    rows = [{"user": f"user-{i}"} for i in range(5_000)]
    lookup = Lookup(rows)
    began = time.process_time()
    for i in range(5_000):
        assert lookup.search(f"[?user=='user-{i}'] | [0]") is rows[i]
    assert time.process_time() - began < 2.0
