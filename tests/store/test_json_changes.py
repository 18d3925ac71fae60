"""Differences of JSON values: every one is named by its path, and none is made up."""

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from store.json_changes import Change, changes

values = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from(["", "a", "b"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["a", "b", "c.d", "1"]), inner, max_size=3)
    ),
    max_leaves=12,
)


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ({"a": 1}, {"a": 2}, [Change("a", "changed", 1, 2)]),
        ({"a": 1}, {"b": 1}, [Change("a", "removed", 1, None), Change("b", "added", None, 1)]),
        ({"a": {"b": [1, 2]}}, {"a": {"b": [1, 3]}}, [Change("a.b[1]", "changed", 2, 3)]),
        ({"a": [1, 2, 3]}, {"a": [2, 3]}, [Change("a[0]", "removed", 1, None)]),
        ({"a": [2, 3]}, {"a": [1, 2, 3]}, [Change("a[0]", "added", None, 1)]),
        ({"aws:tag": 1}, {"aws:tag": 2}, [Change('["aws:tag"]', "changed", 1, 2)]),
        ({"a": {"b.c": 1}}, {"a": {}}, [Change('a["b.c"]', "removed", 1, None)]),
        ({"a": 1}, {"a": True}, [Change("a", "changed", 1, True)]),
        ({"a": [1]}, {"a": [True]}, [Change("a[0]", "changed", 1, True)]),
        ({"a": None}, {"a": {}}, [Change("a", "changed", None, {})]),
    ],
)
def test_differences_are_named_by_path(before: Any, after: Any, expected: list[Change]) -> None:
    assert list(changes(before, after)) == expected


@given(before=values, after=values)
def test_there_are_differences_exactly_where_the_values_differ(before: Any, after: Any) -> None:
    same = orjson.dumps(before, option=orjson.OPT_SORT_KEYS) == orjson.dumps(
        after, option=orjson.OPT_SORT_KEYS
    )
    found = list(changes(before, after))
    assert (not found) == same
    mirrored = {"added": "removed", "removed": "added", "changed": "changed"}
    assert sorted((change.path, mirrored[change.kind]) for change in found) == sorted(
        (change.path, change.kind) for change in changes(after, before)
    )
