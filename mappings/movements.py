"""Who joined, moved and left: what the versions of a person's document say one after the other.

What is not known in a version counts as it was last known, so that a list that was denied for a day makes
nobody leave and come back.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Change = Literal[
    "joined", "left", "returned", "moved", "access-gained", "access-ended", "admin-gained", "admin-ended"
]
CHANGES: tuple[Change, ...] = (
    "joined",
    "left",
    "returned",
    "moved",
    "access-gained",
    "access-ended",
    "admin-gained",
    "admin-ended",
)
"""What may happen to a person, in the order in which it is told."""

List = tuple[str, str, str]
"""A list that accounts come from: provider, scope and resource type."""


@dataclass(frozen=True, slots=True)
class Step:
    """A version of a person's document; the content is None once nobody is matched to it any more.

    Attributes:
        first_read: lists that were read to their end for the first time then, and tell of nothing new.
        known: false where retention let the version go.
    """

    content: Mapping[str, Any] | None
    first_read: frozenset[List] = frozenset()
    known: bool = True


@dataclass(frozen=True, slots=True)
class Movement:
    """Something that happened to a person between the step before and this one.

    Attributes:
        provider: where, for access and administration.
        before, after: departments, for who moved.
        active: the providers at which accounts were active afterwards, as far as known.
    """

    change: Change
    active: tuple[str, ...]
    provider: str = ""
    before: str = ""
    after: str = ""


@dataclass(slots=True)
class _State:
    there: bool = False
    left: bool | None = None
    active: set[str] = field(default_factory=set)
    admin: set[str] = field(default_factory=set)
    departments: dict[tuple[str, str, str, str], str] = field(default_factory=dict)


def movements(steps: Iterable[Step]) -> Iterator[tuple[int, Movement]]:
    """Yield what happened, with the number of the step that shows it.

    Args:
        steps: the versions, oldest first. Nothing is told of the first: give a step without content before
            it where the person was not there before.
    """
    before: _State | None = None
    for number, step in enumerate(steps):
        if not step.known:
            before = None
            continue
        after = _state(step, before or _State())
        if before is not None:
            yield from ((number, movement) for movement in _between(before, after, step))
        before = after


def _state(step: Step, before: _State) -> _State:
    content = step.content
    if content is None:
        return _State(left=True if before.there else before.left)
    facts = content["facts"]
    directory = [account for account in content["directory"] if not account.get("deleted")]
    return _State(
        there=bool(content["directory"]),
        left=facts.get("left", before.left),
        active=_places(content["access"], "active", before.active),
        admin=_places([*directory, *content["access"]], "admin", before.admin),
        departments={
            place: account["department"] if account["department"] is not None else before.departments[place]
            for account in directory
            if "department" in account
            for place in [_place(account)]
            if account["department"] is not None or place in before.departments
        },
    )


def _places(accounts: Iterable[Mapping[str, Any]], attribute: str, before: set[str]) -> set[str]:
    """Return the providers where the attribute of an active account is true; unknown is as before."""
    found: dict[str, list[bool | None]] = {}
    for account in accounts:
        both = [account.get("active"), account.get(attribute, False)]
        found.setdefault(account["provider"], []).append(
            False if False in both else None if None in both else True
        )
    return {
        provider
        for provider, values in found.items()
        if True in values or (None in values and provider in before)
    }


def _between(before: _State, after: _State, step: Step) -> Iterator[Movement]:
    lists: dict[str, set[List]] = {}
    active = tuple(sorted(after.active))
    new_here = True
    for side in ("directory", "access"):
        for account in (step.content or {}).get(side, ()):
            source = (account["provider"], account["scope"], account["type"])
            lists.setdefault(account["provider"], set()).add(source)
            new_here = new_here and (side != "directory" or source in step.first_read)
    if after.there and not before.there and after.left is not True:
        if not new_here:
            yield Movement("returned" if before.left else "joined", active)
    elif after.left and not before.left and before.there:
        yield Movement("left", active)
    elif before.left and after.left is False:
        yield Movement("returned", active)
    for place, department in after.departments.items():
        earlier = before.departments.get(place, department)
        if earlier != department:
            yield Movement("moved", active, place[0], earlier, department)
    pairs: tuple[tuple[Change, Change, set[str], set[str]], ...] = (
        ("access-gained", "access-ended", before.active, after.active),
        ("admin-gained", "admin-ended", before.admin, after.admin),
    )
    for gained, ended, old, new in pairs:
        for provider in sorted(new - old):
            if not lists[provider] <= step.first_read:
                yield Movement(gained, active, provider)
        for provider in sorted(old - new):
            yield Movement(ended, active, provider)


def _place(account: Mapping[str, Any]) -> tuple[str, str, str, str]:
    return account["provider"], account["scope"], account["type"], account["key"]
