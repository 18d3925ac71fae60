"""Canonical JSON is RFC 8785, byte for byte, however it is computed."""

import hashlib
import json
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from store.canonical import canonical, digest

LARGEST = 2**53 - 1

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-LARGEST, LARGEST)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(texts, inner, max_size=5),
    max_leaves=20,
)


@given(values)
def test_it_equals_the_reference_for_any_json(value: Any) -> None:
    assert canonical(value) == rfc8785.dumps(value)


@given(values)
def test_it_reads_back_as_the_same_json(value: Any) -> None:
    assert json.loads(canonical(value), parse_int=float) == value


@given(st.dictionaries(st.text(st.characters(min_codepoint=0xD000, exclude_categories=["Cs"])), st.none()))
def test_keys_beyond_the_basic_plane_sort_as_utf_16(value: dict[str, None]) -> None:
    keys = list(json.loads(canonical(value)))
    assert keys == sorted(value, key=lambda key: key.encode("utf-16-be"))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1e21, "1e+21"),
        (1e-7, "1e-7"),
        (-0.0, "0"),
        (100.0, "100"),
        (5e-324, "5e-324"),
        (LARGEST, "9007199254740991"),
        ('\u0000\b\t\n\f\r"\\/\u007f', '"\\u0000\\b\\t\\n\\f\\r\\"\\\\/\u007f"'),
        ({"b": 1, "a": {"d": [], "c": {}}}, '{"a":{"c":{},"d":[]},"b":1}'),
        ({"\U0001f600": 1, "\ufb33": 2}, '{"\U0001f600":1,"\ufb33":2}'),
    ],
)
def test_known_forms(value: Any, text: str) -> None:
    assert canonical(value) == text.encode()


@pytest.mark.parametrize(
    "value",
    [
        2**53,
        -(2**53),
        2**64,
        float("nan"),
        float("inf"),
        float("-inf"),
        "\ud800",
        "a\udfffb",
        b"bytes",
        object(),
        {1: "a"},
        {"\ud800": 1},
        {"a", "b"},
    ],
    ids=[
        "2^53",
        "minus 2^53",
        "2^64",
        "NaN",
        "infinity",
        "minus infinity",
        "a lone surrogate",
        "a lone low surrogate",
        "bytes",
        "an object",
        "a key that is no string",
        "a key with a lone surrogate",
        "a set",
    ],
)
@pytest.mark.parametrize("place", [lambda v: v, lambda v: [v], lambda v: {"key": ["x", v]}])
def test_what_has_no_canonical_form_is_refused(value: Any, place: Any) -> None:
    with pytest.raises(ValueError, match=r"."):
        canonical(place(value))


def test_what_is_nested_too_deeply_is_refused() -> None:
    value: list[Any] = []
    for _ in range(100_000):
        value = [value]
    with pytest.raises(ValueError, match="nested"):
        canonical(value)


@given(values)
def test_the_digest_is_sha_256_of_the_canonical_form(value: Any) -> None:
    assert digest(value) == hashlib.sha256(rfc8785.dumps(value)).hexdigest()
