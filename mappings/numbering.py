"""Whether lists number people alike: two companies may both have a person number 1001.

Where many with one number in both lists have addresses, and none in common, the numbers are of different
people. Too little to tell from counts as one numbering.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Set
from itertools import combinations

from mappings.reading_accounts import Account, Name

NUMBER = "employee-number"
FEWEST = 5
"""With fewer people who share no address, nothing is concluded: addresses change, too."""

List = tuple[str, str, str]
"""Provider, scope and resource type."""


def alone(accounts: Iterable[Account], placeholders: Set[Name]) -> frozenset[List]:
    """Return the lists whose numbers say nothing about accounts in other lists.

    Args:
        placeholders: numbers that are none.
    """
    holders: dict[Name, dict[List, list[Account]]] = defaultdict(lambda: defaultdict(list))
    for account in accounts:
        for name in account.names - placeholders:
            if name[0] == NUMBER:
                holders[name][account.place[:3]].append(account)
    alike: Counter[tuple[List, List]] = Counter()
    different: Counter[tuple[List, List]] = Counter()
    for lists in holders.values():
        for pair in combinations(sorted(lists), 2):
            one, other = (_others(lists[each]) for each in pair)
            if one & other:
                alike[pair] += 1
            elif _addresses(one) and _addresses(other):
                different[pair] += 1
    return frozenset(
        each
        for pair, number in different.items()
        if number >= FEWEST and number > alike[pair]
        for each in pair
    )


def _others(accounts: Iterable[Account]) -> set[Name]:
    return {name for account in accounts for name in account.names if name[0] != NUMBER}


def _addresses(names: Set[Name]) -> bool:
    return any(kind == "email" for kind, _ in names)
