"""A success that has nothing of what is published is no empty list."""

import json
from pathlib import Path

import pytest

from collectors.rest.known_answers import KnownAnswers
from collectors.rest.operation import Ask, ask, parse
from collectors.rest.published import Published
from collectors.transport import CallError

TEAMS, SETTINGS = "hub:GET /teams/{team}/members", "hub:GET /settings"


@pytest.fixture
def known(tmp_path: Path) -> KnownAnswers:
    fields = {
        "calls": {
            TEAMS: {"form": "members", "query": None},
            SETTINGS: {"form": "settings", "query": None},
        },
        "types": {"members": {"items": "any"}, "settings": {"locked": "boolean"}},
    }
    (tmp_path / "fields.json").write_text(json.dumps(fields))
    return KnownAnswers(Published(tmp_path), [TEAMS, SETTINGS])


def asked(call: str, **parameters: str) -> Ask:
    return ask(parse(call.partition(":")[2]), parameters)


def test_what_is_published_is_taken(known: KnownAnswers) -> None:
    known(asked(TEAMS, team="a"), {"items": []})
    known(asked(SETTINGS), {"locked": None, "more": 1})


def test_an_object_is_no_empty_list(known: KnownAnswers) -> None:
    with pytest.raises(CallError, match="items") as caught:
        known(asked(TEAMS, team="a"), {"message": "Sign in"})
    assert caught.value.code == "MalformedAnswer"


def test_a_list_is_no_object(known: KnownAnswers) -> None:
    with pytest.raises(CallError, match="locked"):
        known(asked(SETTINGS), {"items": ["Sign in"]})


def test_of_what_is_not_published_nothing_is_said(known: KnownAnswers) -> None:
    known(asked("hub:GET /else"), {"message": "anything"})
