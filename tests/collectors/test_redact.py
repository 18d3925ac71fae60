"""Redaction: no secret stays, a change shows, and what documents share is left alone."""

import copy
from typing import Any

import pytest

from collectors.paths import DELETE, change_at
from collectors.redact import PREFIX, redact
from store.canonical import canonical

KEY = b"key"


def test_elements_named_in_a_path_are_spared_and_all_others_are_not() -> None:
    items = [
        {"key": "enable-oslogin", "value": "TRUE"},
        {"key": "startup-script", "value": "s3cret"},
        {"value": "x"},
    ]
    document = {"item": {"items": items}}
    redacted, touched = redact(document, ("item.items.*[key!=enable-oslogin|serial-port-enable].value",), KEY)
    assert touched == ["item.items.1.value", "item.items.2.value"]
    assert redacted["item"]["items"][0]["value"] == "TRUE"


def test_keys_named_in_a_path_are_spared_and_all_others_are_not() -> None:
    document = {"item": {"metadata": {"disable-root": "true", "startup-script": "s3cret"}, "list": ["x"]}}
    redacted, touched = redact(document, ("item.metadata.*[!=disable-root|other]", "item.list.*[!=x]"), KEY)
    assert touched == ["item.metadata.startup-script"]
    assert redacted["item"]["metadata"]["disable-root"] == "true"


def test_replaces_what_the_paths_lead_to() -> None:
    document: dict[str, Any] = {
        "item": {
            "Name": "f",
            "Environment": {"Variables": {"A": "s3cret", "B": "s3cret", "C": None}},
            "Containers": [{"Env": [{"Value": "one"}, {"Value": {"deep": 1}}]}, {"Env": []}],
        }
    }
    before = copy.deepcopy(document)
    redacted, touched = redact(
        document,
        ("item.Environment.Variables.*", "item.Containers.*.Env.*.Value", "item.Missing.*", "item.Name.x"),
        KEY,
    )
    assert touched == [
        "item.Containers.0.Env.0.Value",
        "item.Containers.0.Env.1.Value",
        "item.Environment.Variables.A",
        "item.Environment.Variables.B",
    ]
    variables = redacted["item"]["Environment"]["Variables"]
    assert variables["A"] == variables["B"]
    assert variables["A"].startswith(PREFIX)
    assert len(variables["A"]) == len(PREFIX) + 64
    assert variables["C"] is None
    assert b"s3cret" not in canonical(redacted)
    assert document == before


def test_key_and_value_decide_the_digest() -> None:
    def digest(value: Any, key: bytes) -> Any:
        return redact({"a": value}, ("a",), key)[0]["a"]

    assert digest("x", KEY) == digest("x", KEY)
    assert digest("x", KEY) != digest("y", KEY)
    assert digest("x", KEY) != digest("x", b"other")
    assert digest(1, KEY) != digest("1", KEY)


def test_overlapping_paths_redact_once() -> None:
    once, _ = redact({"a": {"b": "x"}}, ("a.b",), KEY)
    twice, touched = redact({"a": {"b": "x"}}, ("a.b", "a.*"), KEY)
    assert twice == once
    assert touched == ["a.b"]


def test_a_secret_cannot_pass_as_a_digest() -> None:
    redacted, _ = redact({"a": PREFIX + "s3cret"}, ("a",), KEY)
    assert "s3cret" not in redacted["a"]


@pytest.mark.parametrize(
    ("path", "left", "touched"),
    [
        ("a.*.t", {"a": [{"n": 1}, {"n": 2}], "b": 1}, ["a.1.t", "a.0.t"]),
        ("a.0", {"a": [{"n": 2, "t": 2}], "b": 1}, ["a.0"]),
        ("a.*", {"a": [], "b": 1}, ["a.1", "a.0"]),
        ("b", {"a": [{"n": 1, "t": 1}, {"n": 2, "t": 2}]}, ["b"]),
        ("c.d", {"a": [{"n": 1, "t": 1}, {"n": 2, "t": 2}], "b": 1}, []),
    ],
)
def test_deletes(path: str, left: dict[str, Any], touched: list[str]) -> None:
    document = {"a": [{"n": 1, "t": 1}, {"n": 2, "t": 2}], "b": 1}
    before = copy.deepcopy(document)
    assert change_at(document, path, lambda _: DELETE) == (left, touched)
    assert document == before


def test_what_does_not_change_is_shared() -> None:
    document = {"a": {"x": 1}, "b": {"y": 2}}
    changed, _ = change_at(document, "a.x", lambda _: 3)
    assert changed == {"a": {"x": 3}, "b": {"y": 2}}
    assert changed["b"] is document["b"]
    same, touched = change_at(document, "a.x", lambda value: value)
    assert same is document
    assert touched == []
