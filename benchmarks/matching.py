"""Matching 50,000 people who have an account in each of three places: alone, and from what a record holds.

The baseline is the least that finds who belongs together: each account's identifiers in a dictionary, each
account into the set of the first that had one of them. The baseline of memory is a process that holds the
same accounts and does not match them.
"""

import sys
from collections.abc import Iterable, Iterator

from benchmarks import measure
from benchmarks.distant_people import address, guid
from mappings.people import match
from mappings.reading_accounts import Account, Name

PEOPLE = 50_000
FEW = 5_000
_ROUNDS = 3


def main() -> None:
    """Print the figures."""
    measure.note("three accounts each: Entra, Okta and IAM Identity Center")
    for label, people, shared in (
        (f"matching {PEOPLE:,} people", PEOPLE, False),
        (f"matching {FEW:,} people", FEW, False),
        (f"matching {PEOPLE:,} with one shared address", PEOPLE, True),
    ):
        every = list(accounts(people, shared))
        ours, floor = measure.alternately(
            lambda every=every: measure.call(lambda: match(every)),  # type: ignore[misc]
            lambda every=every: measure.call(lambda: _bare(every)),  # type: ignore[misc]
            _ROUNDS,
        )
        measure.line(label, ours, floor)
    holding, matching = (_peak_mb(mode) for mode in ("hold", "match"))
    measure.line(f"matching {PEOPLE:,} people: peak memory", matching, holding, "MB")
    few, many = (_from_record(people) for people in (FEW, PEOPLE))
    measure.line(f"{PEOPLE:,} people from a record: peak memory, against {FEW:,}", many, few, "MB")


def accounts(people: int, shared: bool) -> Iterator[Account]:
    """Yield three accounts of each person.

    Args:
        shared: all have one more address in common, that of a mailbox that is everybody's.
    """
    for number in range(people):
        mail: Name = ("email", address(number))
        employee: Name = ("employee-number", str(100_000 + number))
        everybodys: set[Name] = {("email", "info@example.com")} if shared else set()
        for provider, kind, directory, key, names in (
            ("entra", "user.user", True, guid("a", number), {employee, mail} | everybodys),
            ("okta", "users.user", True, f"00u{number}", {employee, mail}),
            ("aws", "identitystore.user", False, guid("d", number), {mail}),
        ):
            strong = {"entra": "entra-object-id", "okta": "okta-id", "aws": "aws-identitystore-id"}[provider]
            yield Account(
                provider,
                "tenant",
                f"{provider}.{kind}",
                directory,
                key,
                address(number),
                {(strong, key), *names},
            )


def _bare(every: Iterable[Account]) -> list[list[Account]]:
    holders: dict[Name, list[Account]] = {}
    persons = []
    for account in every:
        person = next((holders[name] for name in account.names if name in holders), None)
        if person is None:
            person = []
            persons.append(person)
        person.append(account)
        for name in account.names:
            holders.setdefault(name, person)
    return persons


def _from_record(people: int) -> float:
    command = [sys.executable, "-m", "benchmarks.matching_record", str(people)]
    return measure.process(command, show=True).peak_mb


def _peak_mb(mode: str) -> float:
    return measure.process([sys.executable, "-m", "benchmarks.matching", mode]).peak_mb


if __name__ == "__main__":
    held = list(accounts(PEOPLE, shared=False))
    if sys.argv[1] == "match":
        match(held)
