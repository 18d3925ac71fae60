"""Matching accounts to people, over directories and clouds, by identifiers that are verified.

Identifiers that are given once (object ids, employee numbers) join accounts without further ado. Addresses
pass from hand to hand: they join accounts unless they would make one person of several accounts of one
directory. Nobody is merged then; what could not be told apart is named.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, field

from mappings.account import STRONG
from mappings.numbering import NUMBER, alone
from mappings.reading_accounts import Account, Name

MOST_PER_NUMBER = 5
"""An employee number on more accounts of one directory than this is a placeholder, not a number."""


@dataclass(slots=True)
class Person:
    """The accounts of one person.

    Attributes:
        id: the strongest identifier, as ``kind:value``; it stays while that identifier does.
        directory, access: the accounts that say who belongs here, and those that give access.
        names: the identifiers by which they belong together.
        ambiguous: identifiers that others have too, so that they join nobody.
    """

    id: str
    directory: list[Account]
    access: list[Account]
    names: list[Name]
    ambiguous: list[Name] = field(default_factory=list)

    @property
    def accounts(self) -> list[Account]:
        return [*self.directory, *self.access]


def match(accounts: Iterable[Account]) -> list[Person]:
    """Return who has the accounts; every account is somebody's, and of one only.

    The order of the accounts makes no difference.
    """
    every = sorted(accounts, key=lambda account: account.place)
    placeholders = _placeholders(every)
    numbered_alone = alone(every, placeholders)
    strong = _Groups(len(every))
    holders: dict[tuple[Name, object], list[int]] = defaultdict(list)
    for index, account in enumerate(every):
        own = account.place[:3] if account.place[:3] in numbered_alone else None
        for name in sorted(account.names - placeholders):
            holders[name, own if name[0] == NUMBER else None].append(index)
    for (name, _), indices in holders.items():
        if name[0] in STRONG:
            strong.join(indices)
    weak = strong.copy()
    for indices in holders.values():
        weak.join(indices)
    persons = []
    for members in weak.groups():
        parts = _by_group(members, strong)
        if _one_person([[every[index] for index in part] for part in parts]):
            persons.append(_person([every[index] for index in members], placeholders, frozenset()))
            continue
        shared = _shared(parts, every) - placeholders
        persons += [_person([every[index] for index in part], placeholders, shared) for part in parts]
    return sorted(persons, key=lambda person: person.id)


def _placeholders(accounts: Iterable[Account]) -> frozenset[Name]:
    counts: dict[tuple[Name, str, str, str], int] = defaultdict(int)
    for account in accounts:
        for name in account.names:
            if name[0] == NUMBER and account.directory:
                counts[name, account.provider, account.scope, account.type] += 1
    return frozenset(name for (name, *_), number in counts.items() if number > MOST_PER_NUMBER)


def _one_person(parts: Iterable[Iterable[Account]]) -> bool:
    """Say whether no directory has accounts in two of the parts that only addresses hold together."""
    seen: set[tuple[str, str, str]] = set()
    for part in parts:
        directories = {account.place[:3] for account in part if account.directory}
        if not seen.isdisjoint(directories):
            return False
        seen |= directories
    return True


def _shared(parts: Iterable[Iterable[int]], accounts: list[Account]) -> set[Name]:
    """Return the identifiers that accounts of more than one part have."""
    counts: dict[Name, int] = defaultdict(int)
    for part in parts:
        for name in set().union(*(accounts[index].names for index in part)):
            counts[name] += 1
    return {name for name, number in counts.items() if number > 1}


def _person(accounts: list[Account], placeholders: frozenset[Name], shared: Set[Name]) -> Person:
    names: set[Name] = set().union(*(account.names for account in accounts))
    # Each by itself: thousands may share an address, and a union of both for each of them would be quadratic.
    ambiguous = (names & placeholders) | (names & shared)
    names -= ambiguous
    directory = [account for account in accounts if account.directory]
    access = [account for account in accounts if not account.directory]
    return Person(_id_of(directory, access, names), directory, access, sorted(names), sorted(ambiguous))


def _id_of(directory: list[Account], access: list[Account], names: set[Name]) -> str:
    employed: set[Name] = set().union(*(account.names for account in directory))
    for candidates in (employed & names, names):
        if candidates:
            kind, value = min(candidates, key=_strength)
            return f"{kind}:{value}"
    account = (directory or access)[0]
    return "account:" + "/".join(account.place)


def _strength(name: Name) -> tuple[int, str, str]:
    kind, value = name
    return (STRONG.index(kind) if kind in STRONG else len(STRONG), kind, value)


def _by_group(members: list[int], groups: "_Groups") -> list[list[int]]:
    parts: Mapping[int, list[int]] = defaultdict(list)
    for index in members:
        parts[groups.root(index)].append(index)
    return list(parts.values())


class _Groups:
    """Which of the numbers 0 … n-1 belong together (disjoint sets)."""

    def __init__(self, number: int) -> None:
        self._parent = list(range(number))

    def copy(self) -> "_Groups":
        same = _Groups(0)
        same._parent = self._parent.copy()
        return same

    def root(self, index: int) -> int:
        parent = self._parent
        while parent[index] != index:
            parent[index] = parent[parent[index]]
            index = parent[index]
        return index

    def join(self, indices: list[int]) -> None:
        for index in indices[1:]:
            low, high = sorted((self.root(indices[0]), self.root(index)))
            self._parent[high] = low

    def groups(self) -> list[list[int]]:
        found: Mapping[int, list[int]] = defaultdict(list)
        for index in range(len(self._parent)):
            found[self.root(index)].append(index)
        return list(found.values())
