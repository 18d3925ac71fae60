"""Matching accounts to people: joined by what is verified, never merged by what several share."""

import time
from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st

from mappings.people import MOST_PER_NUMBER, Person, match
from mappings.reading_accounts import Account, Name


def account(key: str, *names: Name, provider: str = "entra", directory: bool = True) -> Account:
    """An account; of a directory unless said otherwise."""
    return Account(provider, "tenant", f"{provider}.user.user", directory, key, key, set(names))


def access(key: str, *names: Name, provider: str = "gcp") -> Account:
    """An account in a cloud."""
    return account(key, *names, provider=provider, directory=False)


def object_id(value: str) -> Name:
    return "entra-object-id", value


def email(value: str) -> Name:
    return "email", value


def number(value: str) -> Name:
    return "employee-number", value


def keys(people: Iterable[Person]) -> list[list[str]]:
    """The keys of the accounts that each person has."""
    return sorted(sorted(each.key for each in person.accounts) for person in people)


def test_accounts_with_one_object_id_are_one_persons() -> None:
    assert keys(match([account("1", object_id("a")), access("x", object_id("a"), provider="azure")])) == [
        ["1", "x"]
    ]


def test_accounts_of_several_directories_with_one_address_are_one_persons() -> None:
    okta = account("2", ("okta-id", "o"), email("ann@example.com"), provider="okta")
    entra = account("1", object_id("a"), email("ann@example.com"))
    cloud = access("x", email("ann@example.com"))
    (person,) = match([cloud, okta, entra])
    assert person.id == "entra-object-id:a"
    assert [each.key for each in person.directory] == ["1", "2"]
    assert [each.key for each in person.access] == ["x"]
    assert person.ambiguous == []


def test_accounts_without_a_common_identifier_are_different_persons() -> None:
    assert keys(match([account("1", email("ann@example.com")), access("x", email("bob@example.com"))])) == [
        ["1"],
        ["x"],
    ]


def test_an_account_without_identifiers_is_somebodys_own() -> None:
    (person,) = match([access("AIDA1", provider="aws")])
    assert person.id == "account:aws/tenant/aws.user.user/AIDA1"


def test_two_accounts_of_one_directory_with_one_address_are_not_merged_but_named() -> None:
    people = match(
        [
            account("1", object_id("a"), email("info@example.com")),
            account("2", object_id("b"), email("info@example.com")),
            access("x", email("info@example.com")),
        ]
    )
    assert keys(people) == [["1"], ["2"], ["x"]]
    assert [person.ambiguous for person in people] == [[email("info@example.com")]] * 3
    assert [person.id for person in people] == [
        "account:gcp/tenant/gcp.user.user/x",
        "entra-object-id:a",
        "entra-object-id:b",
    ]


def test_accounts_of_several_types_with_one_key_that_nobody_can_place_have_ids_of_their_own() -> None:
    shared = email("info@example.com")
    grants = [
        Account("gcp", "org", f"gcp.cloudresourcemanager.{kind}", False, "info@example.com", "info", {shared})
        for kind in ("folder", "organization")
    ]
    people = match([account("1", object_id("a"), shared), account("2", object_id("b"), shared), *grants])
    assert len({person.id for person in people}) == 4


def test_a_chain_of_addresses_does_not_merge_two_accounts_of_one_directory() -> None:
    people = match(
        [
            account("1", object_id("a"), email("ann@example.com")),
            account("2", object_id("b"), email("bob@example.com")),
            account("3", email("ann@example.com"), email("bob@example.com"), provider="okta"),
        ]
    )
    assert keys(people) == [["1"], ["2"], ["3"]]
    assert all(person.ambiguous for person in people)


def test_two_accounts_of_one_directory_with_one_employee_number_are_one_persons() -> None:
    people = match([account("1", object_id("a"), number("7")), account("2", object_id("b"), number("7"))])
    assert keys(people) == [["1", "2"]]


def test_a_number_on_many_accounts_is_none() -> None:
    many = [account(str(i), object_id(str(i)), number("0000")) for i in range(MOST_PER_NUMBER + 1)]
    people = match(many)
    assert len(people) == len(many)
    assert {tuple(person.ambiguous) for person in people} == {(number("0000"),)}


def test_a_new_address_does_not_make_a_new_person() -> None:
    (before,) = match([account("1", object_id("a"), email("ann.smith@example.com"))])
    (after,) = match([account("1", object_id("a"), email("ann.jones@example.com"))])
    assert before.id == after.id


def test_identifiers_that_go_in_a_circle_are_one_persons() -> None:
    first = account("1", object_id("a"), email("a@example.com"))
    second = account("2", email("a@example.com"), email("b@example.com"), provider="okta")
    third = access("x", email("b@example.com"), object_id("a"))
    assert keys(match([first, second, third])) == [["1", "2", "x"]]


_NAMES = st.one_of(
    st.builds(object_id, st.sampled_from("abcd")),
    st.builds(email, st.sampled_from(["a@x", "b@x", "c@x", "d@x"])),
    st.builds(number, st.sampled_from("12")),
)
_ACCOUNTS = st.lists(
    st.tuples(st.sampled_from(["entra", "okta", "gcp", "aws"]), st.sets(_NAMES, max_size=4)), max_size=9
).map(
    lambda found: [
        account(str(i), *names, provider=provider, directory=provider in ("entra", "okta"))
        for i, (provider, names) in enumerate(found)
    ]
)


@given(_ACCOUNTS)
def test_every_account_is_of_one_person_and_every_person_has_an_id_of_their_own(found: list[Account]) -> None:
    people = match(found)
    assert sorted(each.key for person in people for each in person.accounts) == sorted(
        each.key for each in found
    )
    assert len({person.id for person in people}) == len(people)


@given(_ACCOUNTS, st.randoms())
def test_the_order_makes_no_difference(found: list[Account], random: object) -> None:
    shuffled = list(found)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert [(p.id, keys([p]), p.ambiguous) for p in match(found)] == [
        (p.id, keys([p]), p.ambiguous) for p in match(shuffled)
    ]


def test_an_address_that_everybody_has_does_not_make_the_work_quadratic() -> None:
    apart, together = (_seconds(_sharing(5_000, addresses)) for addresses in (5_000, 1))
    assert together < 5 * apart


def _sharing(people: int, addresses: int) -> list[Account]:
    """People whose two accounts have an address of their own, and one of so many others."""
    return [
        account(
            f"{provider}{who}",
            (kind, f"{who}"),
            email(f"{who}@example.com"),
            email(f"{who % addresses}@shared.example.com"),
            provider=provider,
        )
        for who in range(people)
        for provider, kind in (("entra", "entra-object-id"), ("okta", "okta-id"))
    ]


def _seconds(accounts: list[Account]) -> float:
    """The least CPU of three rounds."""
    took = []
    for _ in range(3):
        began = time.process_time()
        match(accounts)
        took.append(time.process_time() - began)
    return min(took)


@given(_ACCOUNTS)
def test_addresses_alone_never_merge_two_accounts_of_one_directory(found: list[Account]) -> None:
    for person in match(found):
        for provider in ("entra", "okta"):
            own = [each for each in person.directory if each.provider == provider]
            assert len(own) < 2 or _held_by_strong(person.accounts, own)


def _held_by_strong(accounts: list[Account], own: list[Account]) -> bool:
    """Say whether identifiers other than addresses lead from the first to all others."""
    reached = {own[0].key}
    while True:
        names = {
            name for each in accounts if each.key in reached for name in each.names if name[0] != "email"
        }
        more = {each.key for each in accounts if each.names & names} | reached
        if more == reached:
            return {each.key for each in own} <= reached
        reached = more


@given(_ACCOUNTS)
def test_accounts_that_share_an_identifier_are_one_persons_or_it_is_named_as_ambiguous(
    found: list[Account],
) -> None:
    owner = {each.key: person for person in match(found) for each in person.accounts}
    for one in found:
        for other in found:
            for name in one.names & other.names:
                first, second = owner[one.key], owner[other.key]
                assert first is second or (name in first.ambiguous and name in second.ambiguous)


def companies(people: int, alike: int = 0) -> list[list[str]]:
    """Two directories that number from 1; so many of the people have one address in both."""
    ours = [
        account(f"a{each}", object_id(f"a{each}"), number(f"{each}"), email(f"p{each}@one.example"))
        for each in range(1, people + 1)
    ]
    theirs = [
        account(
            f"b{each}",
            ("okta-id", f"b{each}"),
            number(f"{each}"),
            email(f"p{each}@{'one' if each <= alike else 'two'}.example"),
            provider="okta",
        )
        for each in range(1, people + 1)
    ]
    return keys(match([*ours, *theirs]))


def test_numbers_of_two_companies_join_nobody() -> None:
    assert companies(20) == sorted([f"{side}{each}"] for side in "ab" for each in range(1, 21))


def test_numbers_join_people_of_one_company_whose_addresses_differ() -> None:
    together = sorted([f"a{each}", f"b{each}"] for each in range(1, 21))
    assert companies(20, alike=10) == together
    assert companies(4) == sorted([f"a{each}", f"b{each}"] for each in range(1, 5))


def test_numbers_join_where_a_directory_has_no_addresses() -> None:
    ours = [account(f"a{each}", object_id(f"a{each}"), number(f"{each}")) for each in range(1, 21)]
    theirs = [
        account(f"b{each}", number(f"{each}"), email(f"{each}@two.example"), provider="okta")
        for each in range(1, 21)
    ]
    assert len(match([*ours, *theirs])) == 20
