"""Templates keep types, notice what is missing, and follow paths through objects and lists."""

from typing import Any

import pytest

from collectors.template import ABSENT, heads, paths, render, render_text, resolve

VALUES: dict[str, Any] = {
    "item": {
        "Name": "bucket",
        "Port": 443,
        "Public": True,
        "Tags": [{"Key": "a"}, {"Key": "b"}],
        "Empty": None,
        "aws:owner": "x",
        "with-dash": "y",
        "Nested": {"A": [1, 2]},
    },
    "account": "123456789012",
    "each": "word",
}


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("{item.Name}", "bucket"),
        ("{item.Port}", 443),
        ("{item.Tags}", [{"Key": "a"}, {"Key": "b"}]),
        ("{item.Tags.1.Key}", "b"),
        ("{item.aws:owner}", "x"),
        ("{item.with-dash}", "y"),
        ("{each}", "word"),
        ("arn:aws:s3:::{item.Name}/{account}", "arn:aws:s3:::bucket/123456789012"),
        ("port {item.Port} public {item.Public}", "port 443 public true"),
        ("no template", "no template"),
        ('{"json": 1}', '{"json": 1}'),
        (["{item.Name}", 1], ["bucket", 1]),
        ({"A": {"B": "{item.Port}"}, "C": True}, {"A": {"B": 443}, "C": True}),
        (7, 7),
    ],
)
def test_renders(template: Any, expected: Any) -> None:
    assert render(template, VALUES) == expected


@pytest.mark.parametrize(
    "template",
    [
        "{item.Missing}",
        "{item.Empty}",
        "{item.Tags.2.Key}",
        "{item.Name.Deeper}",
        "{nothing}",
        "a {item.Missing} b",
        "a {item.Nested} b",
        ["x", "{item.Missing}"],
        {"A": ["{item.Empty}"]},
    ],
)
def test_is_absent_where_a_value_is_missing_or_null(template: Any) -> None:
    assert render(template, VALUES) is ABSENT


def test_text_must_be_a_scalar() -> None:
    assert render_text("{item.Name}", VALUES) == "bucket"
    assert render_text("{item.Port}", VALUES) == "443"
    assert render_text("{item.Tags}", VALUES) is None
    assert render_text("{item.Public}", VALUES) is None
    assert render_text("{item.Missing}", VALUES) is None
    assert render_text("{empty}", {"empty": ""}) is None


def test_knows_what_it_depends_on() -> None:
    template = {"A": "{item.X}", "B": ["{policy.Y.0}-{account}"], "C": "none"}
    assert list(paths(template)) == ["item.X", "policy.Y.0", "account"]
    assert heads(template) == {"item", "policy", "account"}


def test_absent_is_false_and_says_so() -> None:
    assert not ABSENT
    assert repr(resolve("a.b", {})) == "ABSENT"
