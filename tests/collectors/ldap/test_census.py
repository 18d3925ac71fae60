"""What a directory says that is below its entries, beside what it shows of that."""

from collections.abc import Mapping
from typing import Any

import pytest

from collectors.ldap.census import Subordinates
from collectors.transport import CallError
from store.model import Scope

BASE = "dc=example,dc=org"
SCOPE = Scope("ldap", BASE, "example.org")


class Counting:
    """A directory that counts subordinates, as 389 Directory Server does.

    Args:
        says: name → what it says is below, each time that it is asked.
        shows: name → how many entries it shows there.
    """

    def __init__(self, says: Mapping[str, list[str]], shows: Mapping[str, int]) -> None:
        self._says = {name: [*counts] for name, counts in says.items()}
        self._shows = shows
        self.asked = 0

    def whole(self, word: str, asked: Mapping[str, Any]) -> list[dict[str, Any]]:
        self.asked += 1
        if word == "onelevel":
            return [{"dn": f"cn={n}", "attributes": {}} for n in range(self._shows[asked["base"]])]
        names = [asked["base"]] if word == "base" else [*self._says]
        return [{"dn": each, "attributes": {"numSubordinates": [self._next(each)]}} for each in names]

    def _next(self, name: str) -> str:
        counts = self._says[name]
        return counts.pop(0) if len(counts) > 1 else counts[0]


def compare(directory: Any) -> Any:
    definition: Any = None
    return Subordinates(directory).compare(definition, SCOPE, ["one"])


def test_one_hidden_among_many_is_seen_where_they_are_counted() -> None:
    found = compare(Counting({BASE: ["1"], f"ou=people,{BASE}": ["7"]}, {BASE: 1, f"ou=people,{BASE}": 6}))
    assert found.missed.code == "CountMismatch"
    assert found.missed.message.startswith(f"ou=people,{BASE} has")


def test_what_was_deleted_meanwhile_is_not_hidden() -> None:
    found = compare(Counting({BASE: ["7", "6"]}, {BASE: 6}))
    assert found.missed is None


@pytest.mark.parametrize("says", [{}, {BASE: ["many"]}])
def test_what_cannot_be_told_speaks_against_nothing(says: dict[str, list[str]]) -> None:
    found = compare(Counting(says, {BASE: 0}))
    assert (found.counted, found.missed) == (None, None)
    assert found.reason


def test_it_is_looked_for_once_for_all_lists() -> None:
    directory: Any = Counting({BASE: ["1"]}, {BASE: 1})
    census = Subordinates(directory)
    definition: Any = None
    for _ in range(3):
        census.compare(definition, SCOPE, [])
    assert directory.asked == 2


def test_a_search_that_fails_is_named() -> None:
    class Denied:
        def whole(self, word: str, asked: Mapping[str, Any]) -> list[dict[str, Any]]:
            raise CallError("insufficientAccessRights", "no access")

    assert "no access" in compare(Denied()).reason
