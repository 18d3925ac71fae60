"""Whoever reads less never says more: a list that is not read takes facts away, and makes none."""

from copy import deepcopy
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from mappings.people import match
from mappings.person import Sides, facts
from mappings.reading_accounts import Account, Name

PLACES = {"entra": True, "okta": True, "ldap": True, "gcp": False, "aws": False}
"""Provider → whether it is a directory."""

_NAMES = st.one_of(
    st.tuples(st.just("entra-object-id"), st.sampled_from("abc")),
    st.tuples(st.just("email"), st.sampled_from(["a@x", "b@x", "c@x"])),
    st.tuples(st.just("employee-number"), st.sampled_from("12")),
)
_TRUTH = st.sampled_from([True, False, None])
_ATTRIBUTES = st.fixed_dictionaries(
    {"active": _TRUTH},
    optional={
        **dict.fromkeys(("admin", "everyday", "guest", "mfa"), _TRUTH),
        "last_used": st.sampled_from(["", "2026-01-01T00:00:00Z", "2025-01-01T00:00:00Z", None]),
        "leaves_on": st.sampled_from(["", "2026-02-01T00:00:00Z", "2026-03-01T00:00:00Z", None]),
    },
)
_ACCOUNTS = st.lists(
    st.tuples(st.sampled_from(sorted(PLACES)), st.sets(_NAMES, max_size=3), _ATTRIBUTES), max_size=7
).map(lambda found: [_account(str(key), *each) for key, each in enumerate(found)])


def _account(key: str, provider: str, names: set[Name], known: dict[str, Any]) -> Account:
    kind = f"{provider}.user.user"
    return Account(provider, "one", kind, PLACES[provider], key, key, set(names), dict(known))


def unread(accounts: list[Account], provider: str) -> list[Account]:
    """The accounts where one provider's list was not read to its end."""
    found = deepcopy(accounts)
    for each in found:
        if each.provider == provider:
            each.stale = True
            each.known = dict.fromkeys(each.known)
    return found


def told(accounts: list[Account], without: frozenset[str] = frozenset()) -> dict[str, dict[str, Any]]:
    """Person → facts."""
    there = {each.provider for each in accounts if each.directory} - without
    sides = Sides(
        directories=bool(there) and not any(PLACES[name] for name in without),
        access=all(PLACES[name] for name in without),
    )
    return {person.id: facts(person, sides) for person in match(accounts)}


@given(_ACCOUNTS, st.sampled_from(sorted(PLACES)))
def test_a_list_that_is_not_read_makes_no_fact(accounts: list[Account], provider: str) -> None:
    before, after = told(accounts), told(unread(accounts, provider), frozenset({provider}))
    assert before.keys() == after.keys()
    for person, known in after.items():
        for fact, value in known.items():
            if fact in ("admin_in", "active_in"):
                assert set(value) <= set(before[person][fact])
            elif fact == "last_used":
                assert value <= before[person][fact]
            elif fact == "leaves_on" and "last_day_known" not in known:
                assert value >= before[person][fact]
            else:
                assert before[person].get(fact) == value, fact


@given(_ACCOUNTS)
def test_nothing_is_known_of_whom_nothing_was_read(accounts: list[Account]) -> None:
    for provider in PLACES:
        accounts = unread(accounts, provider)
    for known in told(accounts, frozenset(PLACES)).values():
        assert known.keys() - {"admin_in", "active_in"} <= {"told_apart"}
        assert known["admin_in"] == known["active_in"] == []
        assert known.get("told_apart") is not True


@given(_ACCOUNTS)
def test_nobody_has_left_who_has_an_active_account_in_a_directory(accounts: list[Account]) -> None:
    for person in match(accounts):
        known = facts(person, Sides(directories=True, access=True))
        active = [each.known["active"] for each in person.directory]
        assert known.get("left") is not True or active == [False] * len(active) != []


def test_a_last_day_is_not_known_to_be_the_first_while_one_may_be_earlier() -> None:
    early = _account("1", "entra", {("email", "a@x")}, {"active": True, "leaves_on": "2026-02-01T00:00:00Z"})
    late = _account("2", "okta", {("email", "a@x")}, {"active": True, "leaves_on": "2026-03-01T00:00:00Z"})
    assert [each["leaves_on"] for each in told([early, late]).values()] == ["2026-02-01T00:00:00Z"]
    (known,) = told(unread([early, late], "entra"), frozenset({"entra"})).values()
    assert "last_day_known" not in known
