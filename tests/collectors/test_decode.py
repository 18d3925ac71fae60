"""Decoding and normalising: what providers send in many forms is kept in one."""

import base64
import io
import json
from collections import OrderedDict
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.decode import DecodeError, decode
from collectors.plain import LARGEST_STREAM, normalise, timestamp
from collectors.policy_document import policy_document
from store.canonical import canonical

_WORDS = st.one_of(
    st.text(st.characters(codec="utf-8")),
    st.lists(st.text(st.characters(codec="utf-8"), max_size=5), max_size=3),
)
_STATEMENTS = st.fixed_dictionaries(
    {"Effect": st.sampled_from(["Allow", "Deny"])},
    optional={
        "Action": _WORDS,
        "NotAction": _WORDS,
        "Resource": _WORDS,
        "NotResource": _WORDS,
        "Principal": st.one_of(st.just("*"), st.dictionaries(st.sampled_from(["AWS", "Service"]), _WORDS)),
        "Condition": st.dictionaries(
            st.sampled_from(["StringEquals", "Bool"]),
            st.dictionaries(st.text("abc:", max_size=4), st.one_of(_WORDS, st.booleans(), st.integers(0, 9))),
        ),
    },
)
_POLICIES = st.fixed_dictionaries(
    {"Version": st.just("2012-10-17"), "Statement": st.one_of(_STATEMENTS, st.lists(_STATEMENTS, max_size=3))}
)


@given(_POLICIES)
def test_policies_have_one_form_however_they_come(policy: dict[str, Any]) -> None:
    once = policy_document(policy)
    assert policy_document(once) == once
    assert policy_document(json.dumps(policy)) == once
    assert policy_document(json.dumps(policy, indent=1).encode()) == once
    assert policy_document(quote(json.dumps(policy))) == once
    assert policy_document(quote(json.dumps(policy), safe="")) == once
    for statement in once["Statement"]:
        for key in ("Action", "NotAction", "Resource", "NotResource"):
            assert isinstance(statement.get(key, []), list)
        assert all(isinstance(names, list) for names in statement.get("Principal", {}).values())
        for keys in statement.get("Condition", {}).values():
            assert all(isinstance(v, str) for values in keys.values() for v in values)


def test_policy_in_full() -> None:
    given_policy = {
        "Version": "2012-10-17",
        "Id": "x",
        "Statement": {
            "Effect": "Allow",
            "Principal": "*",
            "Action": "s3:GetObject",
            "Resource": "arn:aws:s3:::b/*",
            "Condition": {"Bool": {"aws:SecureTransport": False}, "NumericLessThan": {"s3:age": 5}},
        },
    }
    assert policy_document(given_policy) == {
        "Version": "2012-10-17",
        "Id": "x",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"AWS": ["*"]},
                "Action": ["s3:GetObject"],
                "Resource": ["arn:aws:s3:::b/*"],
                "Condition": {
                    "Bool": {"aws:SecureTransport": ["false"]},
                    "NumericLessThan": {"s3:age": ["5"]},
                },
            }
        ],
    }


def test_a_percent_sign_within_a_policy_is_not_decoded() -> None:
    assert policy_document('{"Statement":[{"Resource":"a%2Fb"}]}')["Statement"][0]["Resource"] == ["a%2Fb"]


@pytest.mark.parametrize(
    ("value", "decoder"),
    [
        ("", "json"),
        ("{", "json"),
        ("[1]", "iam-policy"),
        ('{"Statement": "x"}', "iam-policy"),
        ('{"Statement": [{"Condition": []}]}', "iam-policy"),
        (7, "iam-policy"),
        (b"\xff\xfe", "json"),
        ("not base64!", "base64"),
        (["x"], "base64"),
        ("", "csv"),
        ("a,b\n1\n", "csv"),
        ('a,b\n"1,2\n', "csv"),
        ({"a": 1}, "csv"),
    ],
)
def test_what_cannot_be_decoded_is_an_error(value: Any, decoder: Any) -> None:
    with pytest.raises(DecodeError, match=decoder):
        decode(value, decoder)


def test_decodes() -> None:
    assert decode('{"a": [1]}', "json") == {"a": [1]}
    assert decode({"a": 1}, "json") == {"a": 1}
    assert decode(b"user,arn\nroot,x\n\nbob,y\n", "csv") == [
        {"user": "root", "arn": "x"},
        {"user": "bob", "arn": "y"},
    ]
    assert decode("user\n", "csv") == []
    assert decode(base64.b64encode("#!/bin/sh ü".encode()).decode(), "base64") == "#!/bin/sh ü"
    assert decode(b"raw", "base64") == "raw"
    for decoder in ("json", "csv", "base64", "iam-policy"):
        assert decode(None, decoder) is None


def test_normalises_what_sdks_return() -> None:
    berlin = timezone(timedelta(hours=2))
    given_value = {
        "ResponseMetadata": {"RequestId": "x"},
        "Time": datetime(2026, 1, 2, 3, 4, 5, tzinfo=berlin),
        "Precise": datetime(2026, 1, 2, 3, 4, 5, 600, tzinfo=UTC),
        "Naive": datetime(2026, 1, 2, 3, 4, 5),  # noqa: DTZ001 - what some SDKs return
        "Date": date(2026, 1, 2),
        "Bytes": b"\x00\xff",
        "Nested": [{"Bytes": bytearray(b"a")}],
        "Big": 2**53,
        "Exact": 2**53 - 1,
        "NaN": float("nan"),
        "Half": 0.5,
        "Decimal": Decimal("1.10"),
        "Set": {"b", "a"},
        "Tuple": (1, 2),
        "Ordered": OrderedDict(a=1),
        "Stream": io.BytesIO(b"content"),
        "Surrogate": "\ud800x",
        3: None,
    }
    result = normalise(given_value)
    assert result == {
        "Time": "2026-01-02T01:04:05Z",
        "Precise": "2026-01-02T03:04:05.000600Z",
        "Naive": "2026-01-02T03:04:05Z",
        "Date": "2026-01-02",
        "Bytes": "AP8=",
        "Nested": [{"Bytes": "YQ=="}],
        "Big": "9007199254740992",
        "Exact": 9007199254740991,
        "NaN": "nan",
        "Half": 0.5,
        "Decimal": "1.10",
        "Set": ["a", "b"],
        "Tuple": [1, 2],
        "Ordered": {"a": 1},
        "Stream": "Y29udGVudA==",
        "Surrogate": "\\ud800x",
        "3": None,
    }
    canonical(result)


@given(
    st.recursive(
        st.one_of(
            st.none(),
            st.booleans(),
            st.integers(),
            st.floats(),
            st.text(),
            st.binary(),
            st.datetimes(),
            st.dates(),
        ),
        lambda inner: st.one_of(st.lists(inner), st.dictionaries(st.text(), inner), st.sets(st.integers())),
    )
)
def test_whatever_is_normalised_can_be_hashed(value: Any) -> None:
    once = normalise(value)
    canonical(once)
    assert normalise(once) == once


def test_refuses_what_has_no_plain_form() -> None:
    with pytest.raises(TypeError):
        normalise({"a": object()})
    with pytest.raises(ValueError, match="longer"):
        normalise(io.BytesIO(b"x" * (LARGEST_STREAM + 1)))


def test_timestamps_are_utc() -> None:
    assert timestamp(datetime(2026, 5, 1, tzinfo=UTC)) == "2026-05-01T00:00:00Z"
