"""URI templates as RFC 6570 has them, levels 1 and 2."""

from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.rest.uri_template import expand, variables

# RFC 6570 §1.2, tables of levels 1 and 2.
_RFC = {"var": "value", "hello": "Hello World!", "path": "/foo/bar"}


@pytest.mark.parametrize(
    ("template", "expanded"),
    [
        ("{var}", "value"),
        ("{hello}", "Hello%20World%21"),
        ("{+var}", "value"),
        ("{+hello}", "Hello%20World!"),
        ("{+path}/here", "/foo/bar/here"),
        ("here?ref={+path}", "here?ref=/foo/bar"),
    ],
)
def test_the_examples_of_the_rfc(template: str, expanded: str) -> None:
    assert expand(template, _RFC) == expanded


def test_what_is_encoded_already_stays_so_where_reserved_characters_do() -> None:
    assert expand("{+id}", {"id": "/a%2Fb/50%"}) == "/a%2Fb/50%25"
    assert expand("{id}", {"id": "a%2Fb"}) == "a%252Fb"


def test_the_variables_are_named_in_order() -> None:
    assert variables("/s/{subscriptionId}/{+id}/x") == ("subscriptionId", "id")


@pytest.mark.parametrize("template", ["/{a", "/a}", "/{#a}", "/{a,b}", "/{a*}", "/{}"])
def test_other_levels_are_refused(template: str) -> None:
    with pytest.raises(ValueError, match="brace"):
        variables(template)


@given(st.text(st.characters(codec="utf-8")))
def test_a_simple_value_stays_one_segment(value: str) -> None:
    expanded = expand("/x/{value}/y", {"value": value})
    assert unquote(expanded) == f"/x/{value}/y"
    assert expanded.count("/") == 3
    assert not set("?#") & set(expanded)
