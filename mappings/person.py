"""The document of a person: every account with its evidence, and what follows from all of them together.

A fact that could not be worked out, because something was not read, is not there: rules that need it say
``unknown``.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from mappings.account import ATTRIBUTES
from mappings.people import Person
from mappings.reading_accounts import Account, either
from store.model import Document

PERSON = "people.person"
PROVIDER = "people"
SCOPE = "everyone"

KEYS = ("identity", "directory", "access", "facts")
"""The keys of the document."""

FACTS = (
    "told_apart",
    "in_directory",
    "left",
    "active",
    "active_in",
    "access_active",
    "mfa",
    "admin",
    "admin_in",
    "admin_everywhere_known",
    "everyday_admin",
    "guest",
    "leaves_on",
    "last_day_known",
    "last_used",
    "last_use_known",
)
"""What may be known of a person; see docs/people.md."""


@dataclass(frozen=True, slots=True)
class Sides:
    """What was read at all.

    Attributes:
        directories: whether there is a directory, and every one was read to its end.
        access: whether everything that gives access was.
    """

    directories: bool
    access: bool


def document(person: Person, sides: Sides) -> Document:
    """Return the document that is kept and judged."""
    content = {
        "identity": {
            "names": [{"kind": kind, "value": value} for kind, value in person.names],
            "ambiguous": [{"kind": kind, "value": value} for kind, value in person.ambiguous],
        },
        "directory": [_account(account) for account in person.directory],
        "access": [_account(account) for account in person.access],
        "facts": facts(person, sides),
    }
    return Document(PERSON, person.id, person.accounts[0].label, "", content)


def facts(person: Person, sides: Sides) -> dict[str, Any]:
    """Return what is known of the person; what is not known is left out."""
    told_apart = not person.ambiguous and not any(account.unnamed for account in person.accounts)
    sure_of_directory = sides.directories and told_apart
    sure_of_access = sides.access and told_apart
    sure = sure_of_directory and sure_of_access
    in_use = [account for account in person.accounts if account.known.get("active") is not False]
    admin = [_and(account, "admin") for account in in_use]
    found = {
        "told_apart": False if person.ambiguous else True if sure else None,
        "in_directory": _in_directory(person, sure_of_directory),
        "left": _left(person, sure_of_directory),
        "active": _with_rest((account.known.get("active") for account in person.accounts), sure),
        "access_active": _with_rest(
            (account.known.get("active") for account in person.access), sure_of_access
        ),
        "mfa": _with_rest(_applicable(in_use, "mfa") or [None], sure),
        "admin": _with_rest(admin, sure),
        "admin_everywhere_known": True if sure and None not in admin else None,
        "everyday_admin": _with_rest(
            (_everyday_admin(account) for account in person.directory if account in in_use), sure_of_directory
        ),
        "guest": _guest(person, sure_of_directory),
        "leaves_on": _moment(person.directory, "leaves_on", sure_of_directory),
        "last_day_known": True
        if sure_of_directory and None not in _values(person.directory, "leaves_on")
        else None,
        "last_used": max(_moments(in_use, "last_used"), default=None),
        "last_use_known": True if sure and _tells_of_use(person, in_use) else None,
    }
    known = {name: value for name, value in found.items() if value is not None}
    places = {account.provider for account, is_admin in zip(in_use, admin, strict=True) if is_admin}
    active = {account.provider for account in person.access if account.known.get("active") is True}
    return {**known, "admin_in": sorted(places), "active_in": sorted(active)}


def _in_directory(person: Person, sure: bool) -> bool | None:
    """Say whether a directory has the person, or is known to have had."""
    if any(not account.deleted and not account.stale for account in person.directory):
        return True
    return bool(person.directory) if sure else None


def _left(person: Person, sure: bool) -> bool | None:
    if not person.directory:
        return None
    active = either(account.known.get("active") for account in person.directory)
    return False if active else True if active is False and sure else None


def _with_rest(values: Iterable[bool | None], sure: bool) -> bool | None:
    """Say whether any is true, where there may be more if not everything was read."""
    return either([*values, *([] if sure else [None])])


def _applicable(accounts: Iterable[Account], attribute: str) -> list[bool | None]:
    return [account.known[attribute] for account in accounts if attribute in account.known]


def _and(account: Account, *attributes: str) -> bool | None:
    """Say whether an account is in use and all of this; what nobody tells is not known."""
    found: list[bool | None] = [account.known.get(attribute) for attribute in ("active", *attributes)]
    return False if False in found else None if None in found else True


def _guest(person: Person, sure: bool) -> bool | None:
    """Say whether every directory calls the person a guest: somebody's own company may be among them."""
    standing = [account for account in person.directory if not account.deleted]
    found = _applicable(standing or person.directory, "guest")
    if False in found or (sure and not found):
        return False
    return True if sure and None not in found else None


def _everyday_admin(account: Account) -> bool | None:
    return _and(account, "admin", "everyday")


def _tells_of_use(person: Person, in_use: list[Account]) -> bool:
    """Say whether the last use of every account is known; a directory's tells for what it signs in to."""
    standing = [account for account in person.directory if account in in_use]
    telling = all("last_used" in account.known for account in standing or in_use)
    return bool(in_use) and telling and None not in _values(in_use, "last_used")


def _values(accounts: Iterable[Account], attribute: str) -> list[str | None]:
    return [account.known[attribute] for account in accounts if attribute in account.known]


def _moments(accounts: Iterable[Account], attribute: str) -> list[str]:
    return [value for value in _values(accounts, attribute) if value]


def _moment(accounts: list[Account], attribute: str, sure: bool) -> str | None:
    """Return the earliest moment that is known, "" where there is none, and None where that is not known."""
    found = _moments(accounts, attribute)
    if found:
        return min(found)
    return "" if sure and None not in _values(accounts, attribute) else None


def _account(account: Account) -> dict[str, Any]:
    """Return an account as it is kept: null is unknown, and what does not apply is left out."""
    return {
        "provider": account.provider,
        "scope": account.scope,
        "type": account.type,
        "key": account.key,
        "label": account.label,
        "names": [{"kind": kind, "value": value} for kind, value in sorted(account.names)],
        **({"deleted": True} if account.deleted else {}),
        **{name: account.known[name] for name in ATTRIBUTES if name in account.known},
        "sources": [
            {"type": source.type, "id": source.id, "document": source.hash}
            for source in sorted(account.sources)
        ],
    }


def deleted_accounts(kept: dict[str, Any]) -> list[Account]:
    """Return the directory accounts of a person's former document, as if their directory had let them go."""
    return [
        Account(
            each["provider"],
            each["scope"],
            each["type"],
            True,
            each["key"],
            each["label"],
            {(name["kind"], name["value"]) for name in each["names"]},
            {name: each[name] for name in ATTRIBUTES if name in each} | {"active": False},
            deleted=True,
        )
        for each in kept["directory"]
    ]
