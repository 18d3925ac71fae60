"""Rows of ``annexa people``. Their keys are a contract: see ``docs/output.md``."""

from collections.abc import Generator
from typing import Any

from annexa.output import Row
from mappings.person import FACTS, PERSON
from mappings.reading_accounts import one_form
from store import query
from store.model import Document
from store.record import Record

_LISTS = ("active_in", "admin_in")


def people(record: Record, at: str | None = None) -> Generator[Document, None, None]:
    """Yield the document of every person as it stands.

    Args:
        at: for which moment, as :mod:`store.query` takes it; None is now.
    """
    for _, _, document, _ in query.standing_documents(record, PERSON, at):
        yield document


def people_matched(record: Record, at: str | None = None) -> query.CollectionRow | None:
    """Return the collection that matched people, or None where that was never done.

    Args:
        at: for which moment, as :mod:`store.query` takes it; None is now.
    """
    found = (row for row in query.latest_collections(record, at) if row.resource_type == PERSON)
    return next(found, None)


def person_row(document: Document) -> Row:
    """Return a person in one line; a fact that is not known is null."""
    content = document.content
    facts = content["facts"]
    return {
        "person": document.id,
        "name": document.name,
        "directories": _places(content["directory"]),
        "access": _places(content["access"]),
        **{name: facts.get(name, [] if name in _LISTS else None) for name in FACTS},
        "ambiguous": [f"{name['kind']}:{name['value']}" for name in content["identity"]["ambiguous"]],
    }


def person_body(document: Document) -> Row:
    """Return a person with every account and the evidence of each."""
    content = document.content
    return {**person_row(document), "names": content["identity"]["names"]} | {
        "accounts": [
            {"directory": side == "directory", **account}
            for side in ("directory", "access")
            for account in content[side]
        ]
    }


def is_called(document: Document, names: frozenset[str]) -> bool:
    """Say whether one of the names, in the form in which they are compared, is a person's or an account's."""
    content: dict[str, Any] = document.content
    own = {one_form(document.id), one_form(document.name)}
    for each in (*content["identity"]["names"], *content["identity"]["ambiguous"]):
        own.add(each["value"])
    for account in (*content["directory"], *content["access"]):
        own |= {one_form(account["label"]), one_form(account["key"])}
    return not own.isdisjoint(names)


def _places(accounts: list[dict[str, Any]]) -> list[str]:
    return sorted({account["provider"] for account in accounts})
