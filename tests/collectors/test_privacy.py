"""Pseudonyms: nobody is named, what rules and joins need stays."""

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.definition import ResourceType
from collectors.privacy import Pseudonyms

STORE = Pseudonyms.of_store(b"redaction key")
PERSON = r"person-[0-9a-f]{32}"


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("Ann Example", PERSON),
        ("ann@example.com", rf"{PERSON}@example\.com"),
        ("Ann@Example.COM", rf"{PERSON}@example\.com"),
        ("user:ann@example.com", rf"user:{PERSON}@example\.com"),
        ("deleted:user:ann@example.com?uid=42", rf"deleted:user:{PERSON}@example\.com\?uid=42"),
        ("a@example.com; b@example.com", rf"{PERSON}@example\.com; {PERSON}@example\.com"),
        ("Ann Example <ann@example.com>", PERSON),
        ("ann_home.org#EXT#@example.com", rf"{PERSON}#EXT#@example\.com"),
        ("arn:aws:iam::123456789012:user/division/ann", rf"arn:aws:iam::123456789012:user/division/{PERSON}"),
        ("arn:aws:elasticache:eu-west-1:1:user:ann", rf"arn:aws:elasticache:eu-west-1:1:user:{PERSON}"),
        ("projects/p/clusters/c/users/ann", rf"projects/p/clusters/c/users/{PERSON}"),
        ("+44 20 7946 0000", PERSON),
        ("https://example.com/people/ann/profile", rf"https://example\.com/{PERSON}"),
        ("https://example.com/~ann/?mail=ann@example.com", rf"https://example\.com/{PERSON}"),
        ("Ann-Example:ann@example.com", PERSON),
        ("SMTP:ann@example.com", rf"SMTP:{PERSON}@example\.com"),
        ("a=b@example.com", PERSON),
    ],
)
def test_what_names_a_person_is_replaced_and_the_rest_stays(text: str, form: str) -> None:
    assert re.fullmatch(form, STORE.of(text))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "  ",
        "0000",
        "N/A",
        "<root_account>",
        "root",
        "Administrator",
        "arn:aws:iam::123456789012:root",
        "robot@p.iam.gserviceaccount.com",
    ],
)
def test_what_names_nobody_stays(text: str) -> None:
    assert STORE.of(text) == text


def test_where_only_addresses_are_personal_all_else_stays() -> None:
    assert STORE.of_addresses("allUsers") == "allUsers"
    assert STORE.of_addresses("domain:example.com") == "domain:example.com"
    assert STORE.of_addresses("user:ann@example.com") == STORE.of("user:ann@example.com")
    assert re.fullmatch(
        rf"arn:aws:iam::123456789012:user/a/{PERSON}",
        STORE.of_addresses("arn:aws:iam::123456789012:user/a/ann"),
    )
    session = STORE.of_addresses("User: arn:aws:sts::123456789012:assumed-role/ReadOnly/ann may not")
    assert re.fullmatch(rf"User: arn:aws:sts::123456789012:assumed-role/ReadOnly/{PERSON} may not", session)
    assert "ann" not in STORE.of_addresses("arn:aws:sts::123456789012:federated-user/ann")
    role = "arn:aws:iam::123456789012:role/ann"
    assert STORE.of_addresses(role) == role
    assert "ann" not in STORE.of_addresses(
        "principal://iam.googleapis.com/locations/global/workforcePools/staff/subject/ann"
    )


def test_a_policy_that_is_kept_as_text_stays_one() -> None:
    policy = {"Principal": {"AWS": ["arn:aws:iam::123456789012:user/ann", "ann@example.com"]}}
    for text in (json.dumps(policy), json.dumps(policy).replace('"', '\\"')):
        changed = json.loads(STORE.of_addresses(text).replace('\\"', '"'))
        assert re.fullmatch(rf"arn:aws:iam::123456789012:user/{PERSON}", changed["Principal"]["AWS"][0])
        assert changed["Principal"]["AWS"][1] == STORE.of("ann@example.com")


def test_one_address_has_one_pseudonym_however_it_is_written() -> None:
    plain = STORE.of("ann@example.com")
    assert STORE.of("  Ann@EXAMPLE.com ").strip() == plain
    assert STORE.of("user:ann@example.com") == f"user:{plain}"
    assert STORE.of_addresses("asked by ANN@example.com today") == f"asked by {plain} today"
    assert STORE.of("ａｎｎ@example.com") == plain


@pytest.mark.parametrize("other", ["weiss@example.com", "w\u0435iß@example.com", "weiß+x@example.com"])
def test_addresses_that_only_look_alike_have_pseudonyms_of_their_own(other: str) -> None:
    assert STORE.of(other) != STORE.of("weiß@example.com") == STORE.of("WEI\u1e9e@example.com")


def test_pseudonyms_of_another_store_are_others() -> None:
    assert Pseudonyms.of_store(b"other").of("Ann") != STORE.of("Ann")


@given(st.text())
def test_a_pseudonym_stands_for_itself(text: str) -> None:
    assert STORE.of(STORE.of(text)) == STORE.of(text)
    assert STORE.of_addresses(STORE.of_addresses(text)) == STORE.of_addresses(text)


def test_every_text_below_a_path_is_replaced_and_the_document_is_left_as_it_is() -> None:
    document: dict[str, Any] = {
        "item": {"Name": "Ann", "Tags": ["Ann", None], "Of": {"it": "Bob"}, "On": True}
    }
    changed, paths = STORE.put_into(document, ("item.Name", "item.Tags", "item.Of", "item.On"))
    assert document["item"]["Name"] == "Ann"
    assert paths == ["item.Name", "item.Of", "item.Tags"]
    assert changed["item"] == {
        "Name": STORE.of("Ann"),
        "Tags": [STORE.of("Ann"), None],
        "Of": {"it": STORE.of("Bob")},
        "On": True,
    }


def test_messages_name_nobody_that_the_document_names() -> None:
    names: dict[str, str] = {}
    STORE.put_into({"item": {"User": "ann", "Mail": "ann@example.com"}}, ("item.User", "item.Mail"), names)
    message = STORE.message("User ANN (bob@example.com) may not; planning is no name", names)
    assert message == (f"User {STORE.of('ann')} ({STORE.of('bob@example.com')}) may not; planning is no name")


def test_personal_names_only_what_a_document_has() -> None:
    with pytest.raises(ValueError, match=r"personal names \['owner'\]"):
        ResourceType.model_validate(
            {
                "type": "test.a.thing",
                "title": "Thing",
                "region": "global",
                "id": "{item.Id}",
                "name": "{item.Id}",
                "list": {"call": "a:List", "items": "Things"},
                "personal": ["owner.Name"],
            }
        )
