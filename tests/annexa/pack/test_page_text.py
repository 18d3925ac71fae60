"""What others say can neither hide on a page nor lead out of the pack, and no two pages share a name."""

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annexa.pack import page_names
from annexa.pack.page_text import href, pretty, visible, when

_ANY = st.text(st.characters(), max_size=40)


@given(_ANY)
def test_nothing_that_hides_or_reorders_is_left(text: str) -> None:
    shown = visible(text)
    assert {
        unicodedata.category(character) for character in shown.replace("\n", "").replace("\t", "")
    }.isdisjoint({"Cc", "Cf", "Cs", "Zl", "Zp", "Co"})
    shown.encode("utf-8")


@pytest.mark.parametrize("text", ["Zürich", "日本語", "a\tb\nc", "café ☕", ""])
def test_what_can_be_read_stays_as_it_is(text: str) -> None:
    assert visible(text) == text


@pytest.mark.parametrize(
    ("text", "shown"), [("a\x00b", "a\\u{0}b"), ("\u202e", "\\u{202e}"), ("\ud800", "\\u{d800}")]
)
def test_what_cannot_is_shown_as_its_number(text: str, shown: str) -> None:
    assert visible(text) == shown


@pytest.mark.parametrize("value", [None, 1, True])
def test_what_is_no_text_stays_as_it_is(value: object) -> None:
    assert visible(value) is value


@given(_ANY)
def test_a_link_stays_within_the_pack_whatever_the_name(name: str) -> None:
    link = href("../", f"files/{name}")
    assert link.startswith("../files/")
    assert re.fullmatch(r"[A-Za-z0-9._~%/#-]*", link)


@given(_ANY, st.integers(1, 99))
def test_a_page_of_a_check_has_a_name_that_every_file_system_takes(check: str, number: int) -> None:
    path = page_names.check(check, number)
    assert re.fullmatch(r"pages/checks/[a-z0-9_.~-]{1,160}\.html", path)


@given(st.lists(st.tuples(_ANY, st.integers(1, 99)), unique=True, max_size=8))
def test_no_two_pages_share_a_name(pages: list[tuple[str, int]]) -> None:
    assert len({page_names.check(check, number) for check, number in pages}) == len(pages)


def test_names_that_differ_in_case_only_do_not_meet_on_a_disk_that_ignores_it() -> None:
    assert page_names.check("a.B.c").lower() != page_names.check("a.b.c")


def test_the_id_of_a_built_in_check_is_its_page_s_name() -> None:
    assert page_names.check("aws.s3.bucket.acl-no-public-read") == (
        "pages/checks/aws.s3.bucket.acl-no-public-read.html"
    )


def test_values_are_shown_on_one_line_if_they_are_short() -> None:
    assert pretty({"b": 1, "a": [True, None]}) == '{"a":[true,null],"b":1}'
    assert pretty({"a": "x" * 200}).startswith('{\n  "a"')


def test_a_value_that_is_no_json_is_shown_all_the_same() -> None:
    assert pretty("\ud800") == "'\\ud800'"
    assert str(2**70) in pretty({"n": 2**70})


def test_moments_are_written_for_people() -> None:
    assert when("2026-06-30T23:59:59.999Z") == "2026-06-30 23:59:59 UTC"
    assert when("some day") == "some day"
