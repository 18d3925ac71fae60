"""From documents to accounts: what each definition says of them, and what nobody could read."""

import datetime as dt
import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from mappings.account import AccountDefinition
from mappings.evaluate import view
from mappings.rule import Expression, activation
from mappings.rule_errors import MissingValueError, RuleFailedError
from store.model import Document

_NO_NUMBER = re.compile(r"[\W0_]*|n/a")
"""What is written where somebody has no employee number."""

Name = tuple[str, str]
"""An identifier: its kind, and its value in one form."""

Place = tuple[str, str, str, str]
"""What makes an account one: provider, scope, resource type and key."""


@dataclass(frozen=True, slots=True, order=True)
class Source:
    """A document that tells of an account."""

    type: str
    id: str
    hash: str


@dataclass(slots=True)
class Account:
    """What is known of one account.

    Attributes:
        directory: it says who belongs to the organisation.
        key: its own name at its provider.
        names: the identifiers that it is matched by.
        known: attribute → value, None where it could not be read; what does not apply is not in it.
        deleted: it is known from before only; its directory no longer has it.
        stale: its list was not read to its end, so that it is as it was last known; nothing is known of it.
        unnamed: an identifier could not be read, so that it may be somebody's whom it is not matched to.
    """

    provider: str
    scope: str
    type: str
    directory: bool
    key: str
    label: str
    names: set[Name] = field(default_factory=set)
    known: dict[str, Any] = field(default_factory=dict)
    sources: set[Source] = field(default_factory=set)
    deleted: bool = False
    stale: bool = False
    unnamed: bool = False

    @property
    def place(self) -> Place:
        return self.provider, self.scope, self.type, self.key


@dataclass(frozen=True, slots=True)
class Known:
    """A document as the record last knew it, and where it is from."""

    provider: str
    scope: str
    document: Document
    hash: str


@dataclass(slots=True)
class Accounts:
    """All accounts, and the resource types of which some could not be told from their documents.

    Attributes:
        names: each identifier that any has, once: what accounts share is held once.
    """

    found: dict[Place, Account] = field(default_factory=dict)
    untold: set[str] = field(default_factory=set)
    names: dict[Name, Name] = field(default_factory=dict)


def one_form(value: str) -> str:
    """Return an identifier's value in the form in which it is compared."""
    if value.isascii():
        return value.lower().strip()
    # Lower case, and not folded: ß and ss are letters of different people.
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", value).lower()).strip()


def either(values: Iterable[bool | None]) -> bool | None:
    """Say whether any is true: None where none is, as far as is known, and some are not known."""
    found = list(values)
    return True if True in found else None if None in found else False


def read_accounts(
    definitions: Iterable[AccountDefinition],
    documents: Mapping[str, Iterable[Known]],
    now: dt.datetime,
    unread: Collection[tuple[str, str, str]] = (),
) -> Accounts:
    """Read the accounts that documents tell of.

    Args:
        documents: resource type → its documents, as last known.
        unread: (provider, scope, resource type) of lists that were not read to their end. What documents
            of them tell is not known any more.
    """
    result = Accounts()
    definitions = list(definitions)
    for definition in definitions:
        if definition.kind != "facts":
            for known in documents.get(definition.type, ()):
                _read(definition, known, now, unread, result)
    told_of = {each.of for each in definitions if each.kind == "facts" and each.type in documents}
    by_name: dict[tuple[str, Name], list[Account]] = {}
    for account in result.found.values():
        if account.type in told_of:
            for name in account.names:
                by_name.setdefault((account.type, name), []).append(account)
    settled: list[tuple[Account, str, bool]] = []
    for definition in definitions:
        if definition.kind == "facts":
            settled += _add_facts(definition, documents.get(definition.type), now, by_name, unread, result)
    for account, attribute, value in settled:
        account.known[attribute] = value or account.known.get(attribute) is True
    return result


def _read(
    definition: AccountDefinition,
    known: Known,
    now: dt.datetime,
    unread: Collection[tuple[str, str, str]],
    result: Accounts,
) -> None:
    stale = (known.provider, known.scope, definition.type) in unread
    for element in _elements(definition, known, now, result):
        key = element.text("key")
        if not key:
            result.untold.add(definition.type)
            continue
        account = Account(
            known.provider,
            known.scope,
            definition.type,
            definition.kind == "directory",
            key,
            element.text("label") or key,
        )
        account = result.found.setdefault(account.place, account)
        account.names.update(result.names.setdefault(name, name) for name in element.names())
        account.sources.add(Source(definition.type, known.document.id, known.hash))
        account.stale = account.stale or stale
        account.unnamed = account.unnamed or element.unnamed()
        for attribute, value in element.attributes().items():
            _merge(account, attribute, None if stale else value)


def _add_facts(
    definition: AccountDefinition,
    documents: Iterable[Known] | None,
    now: dt.datetime,
    by_name: Mapping[tuple[str, Name], list[Account]],
    unread: Collection[tuple[str, str, str]],
    result: Accounts,
) -> list[tuple[Account, str, bool]]:
    """Add what facts tell, and return what they settle, which holds whatever others could not read."""
    settled: list[tuple[Account, str, bool]] = []
    told: set[Place] = set()
    otherwise: Mapping[str, bool] = definition.otherwise
    for known in documents or ():
        if otherwise and not _excluded(definition, known, now):
            otherwise = {}
        stale = (known.provider, known.scope, definition.type) in unread
        for element in _elements(definition, known, now, result):
            for account in _meant(definition, element, known, by_name, result):
                if not definition.everybody:  # it would be evidence of everybody, and change with each change
                    account.sources.add(Source(definition.type, known.document.id, known.hash))
                told.add(account.place)
                for attribute, value in element.attributes().items():
                    if attribute not in definition.settles:
                        _merge(account, attribute, None if stale else value)
                    elif isinstance(value, bool) and not stale:
                        settled.append((account, attribute, value))
    incomplete = {kind for _, _, kind in unread} | result.untold
    whole = documents is not None and definition.type not in incomplete
    for account in result.found.values():
        if account.type == definition.of and (account.place not in told or not whole):
            for attribute in definition.attributes.keys() - set(definition.settles):
                _merge(account, attribute, otherwise.get(attribute) if whole else None)
    return settled


def _excluded(definition: AccountDefinition, known: Known, now: dt.datetime) -> bool:
    """Say whether a document is known to hold nothing that leaves open what others may do."""
    unless = definition.expressions.get("unless")
    if unless is None:
        return True
    if _hidden(unless, known.document):
        return False
    scope = {"provider": known.provider, "id": known.scope}
    bound = activation(resource=view(known.document), scope=scope, params={}, now=now)
    try:
        return unless.value(bound) is False
    except (MissingValueError, RuleFailedError):
        return False


def _meant(
    definition: AccountDefinition,
    element: "_Element",
    known: Known,
    by_name: Mapping[tuple[str, Name], list[Account]],
    result: Accounts,
) -> Iterator[Account]:
    """Yield the accounts that a fact is about."""
    if definition.everybody:
        place = (known.provider, known.scope, definition.of)
        yield from (each for each in result.found.values() if each.place[:3] == place)
        return
    for name in element.names():
        yield from by_name.get((definition.of, name), ())


def _merge(account: Account, attribute: str, value: Any) -> None:
    """Take in what one more document tells: true and the later moment win, unknown comes before false."""
    known = account.known
    if attribute not in known:
        known[attribute] = value
    elif isinstance(value, str) and isinstance(known[attribute], str):
        both = sorted(filter(None, (known[attribute], value)))
        known[attribute] = (both[0] if attribute == "leaves_on" else both[-1]) if both else ""
    elif isinstance(value, str) or isinstance(known[attribute], str):
        known[attribute] = value or known[attribute] or None
    else:
        known[attribute] = either((known[attribute], value))


@dataclass(frozen=True, slots=True)
class _Element:
    definition: AccountDefinition
    document: Document
    bound: Any

    def text(self, name: str) -> str:
        value = self._value(self.definition.expressions[name])
        return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""

    def names(self) -> Iterator[Name]:
        for identifier in self.definition.identifier:
            value = self._value(identifier.expression)
            for each in value if isinstance(value, list) else [value]:
                if not isinstance(each, str) or not each.strip():
                    continue
                value_in_one_form = one_form(each)
                if identifier.kind != "employee-number" or not _NO_NUMBER.fullmatch(value_in_one_form):
                    yield identifier.kind, value_in_one_form

    def unnamed(self) -> bool:
        """Say whether a gap stands before any identifier."""
        return bool(self.document.gaps) and any(
            _hidden(identifier.expression, self.document) for identifier in self.definition.identifier
        )

    def attributes(self) -> dict[str, Any]:
        """Return what the element tells; null is not known, and an empty list does not apply."""
        values = {name: self._value(found) for name, found in self.definition.attributes.items()}
        return {name: value for name, value in values.items() if value != []}

    def _value(self, expression: Expression) -> Any:
        # Elements carry what their document could not read only as a whole.
        if self.document.gaps and not self.definition.each and _hidden(expression, self.document):
            return None
        try:
            return expression.value(self.bound)
        except (MissingValueError, RuleFailedError):
            return None


def _elements(
    definition: AccountDefinition, known: Known, now: dt.datetime, result: Accounts
) -> Iterator[_Element]:
    document = known.document
    whole = view(document)
    facts = {"provider": known.provider, "id": known.scope}
    found: list[Any] = [whole]
    each = definition.expressions.get("each")
    if each is not None:
        try:
            if _hidden(each, document):
                raise MissingValueError("it could not be read")
            found = list(_flat(each.value(activation(resource=whole, scope=facts, params={}, now=now))))
        except (MissingValueError, RuleFailedError):
            result.untold.add(definition.type)
            return
    applies = definition.expressions.get("applies")
    for one in found:
        bound = activation(resource=one, scope=facts, params={}, now=now)
        if applies is not None:
            try:
                if applies.value(bound) is not True:
                    continue
            except (MissingValueError, RuleFailedError):
                result.untold.add(definition.type)
                continue
        yield _Element(definition, document, bound)


def _hidden(expression: Expression, document: Document) -> bool:
    """Say whether a gap stands before anything that the expression reads."""
    return any(expression.keys is None or key in expression.keys for key in document.gaps)


def _flat(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, list):
        for inner in value:
            yield from _flat(inner)
    elif isinstance(value, dict):
        yield value
