"""Accounts of people as data: which documents tell of an account, whose it is, and what it may do.

The grammar is described for authors in ``docs/people.md``.
"""

from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, model_validator

from mappings.rule import Expression
from store.definition_file import parse, read_tables
from store.errors import DefinitionError
from store.model import Strict

BUILT_IN_ACCOUNTS = Path(__file__).parent / "accounts"

Kind = Literal["directory", "account", "facts"]

STRONG = (
    "entra-object-id",
    "google-id",
    "ldap-guid",
    "ldap-sid",
    "scim-id",
    "okta-id",
    "github-id",
    "aws-identitystore-id",
    "aws-iam-arn",
    "employee-number",
)
"""Kinds of identifiers that are given once and never to another person; the first names a person best."""

WEAK = ("email", "saml-nameid")
"""Kinds that pass from hand to hand: addresses. Only verified ones may be named."""

ATTRIBUTES = ("active", "admin", "department", "everyday", "guest", "last_used", "leaves_on", "mfa")
"""What may be known of an account."""


class Identifier(Strict):
    """One identifier of an account: CEL that gives text, a list of texts, or null where there is none."""

    kind: str
    value: str

    @model_validator(mode="after")
    def _known_kind(self) -> "Identifier":
        if self.kind not in (*STRONG, *WEAK):
            kinds = ", ".join((*STRONG, *WEAK))
            raise ValueError(f"{self.kind!r} is no kind of identifier; there are {kinds}")
        return self

    @cached_property
    def expression(self) -> Expression:
        return Expression.compile(self.value)


class AccountDefinition(Strict):
    """How documents of one resource type tell of accounts.

    Attributes:
        type: the resource type.
        kind: ``directory`` says who belongs to the organisation, ``account`` gives access to something, and
            ``facts`` adds to the accounts of another type.
        of: for facts, the resource type of the accounts that they are about.
        each: CEL that gives the elements of a document that holds several accounts; lists within the list
            are flattened. What follows then sees the element as ``resource``.
        applies: CEL; elements for which it is false are no accounts of people.
        key: CEL; the account's own name at its provider. Several documents with one key tell of one account.
        label: CEL; what people call it.
        identifier: by what it is matched.
        otherwise: for facts, what holds where all were read and none tells of an account.
        everybody: for facts, that they are about all accounts of their scope, and not about some by name.
        unless: for facts, CEL over a whole document; where it holds of any, or nobody can tell, ``otherwise``
            does not: there may be more, such as what members of a group may do, that no document tells.
        settles: for facts, attributes of which one document tells all there is to know: what others could
            not read leaves them known, and of accounts that it is not about it says nothing.
    """

    type: str
    kind: Kind
    of: str = ""
    each: str = ""
    applies: str = ""
    key: str = "resource.id"
    label: str = "resource.name"
    identifier: tuple[Identifier, ...] = ()
    active: str = ""
    admin: str = ""
    department: str = ""
    everyday: str = ""
    guest: str = ""
    last_used: str = ""
    leaves_on: str = ""
    mfa: str = ""
    otherwise: dict[str, bool] = Field(default_factory=dict)
    everybody: bool = False
    unless: str = ""
    settles: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _fits_together(self) -> "AccountDefinition":
        if (self.kind == "facts") != bool(self.of):
            raise ValueError("facts, and only they, are 'of' another type")
        if self.everybody and (self.kind != "facts" or self.identifier):
            raise ValueError("'everybody' is for facts, and takes the place of their identifier")
        if self.kind == "facts" and not self.identifier and not self.everybody:
            raise ValueError("facts need an identifier of the accounts that they are about")
        if self.kind != "facts" and not self.active:
            raise ValueError("an account needs 'active'")
        strange = self.otherwise.keys() - self.attributes.keys()
        if strange or (self.otherwise and self.kind != "facts"):
            raise ValueError("'otherwise' is for what facts tell")
        if self.unless and not self.otherwise:
            raise ValueError("'unless' limits 'otherwise', which is not there")
        untold = set(self.settles) - (self.attributes.keys() - self.otherwise.keys())
        if untold or (self.settles and self.kind != "facts"):
            raise ValueError("'settles' is for what facts tell, without 'otherwise'")
        return self

    @property
    def provider(self) -> str:
        return self.type.split(".", 1)[0]

    @property
    def account_type(self) -> str:
        """The resource type of the accounts that it tells of."""
        return self.of or self.type

    @cached_property
    def attributes(self) -> dict[str, Expression]:
        """Attribute → its expression, for those that it tells."""
        sources = {name: getattr(self, name) for name in ATTRIBUTES}
        return {name: Expression.compile(source) for name, source in sources.items() if source}

    @cached_property
    def expressions(self) -> dict[str, Expression]:
        """``each``, ``applies``, ``key``, ``label`` and ``unless``, for those that are there."""
        names = ("each", "applies", "key", "label", "unless")
        sources: dict[str, Any] = {name: getattr(self, name) for name in names}
        return {name: Expression.compile(source) for name, source in sources.items() if source}


def load_accounts(folders: Iterable[Path]) -> list[AccountDefinition]:
    """Read every ``*.toml`` below ``folders`` that holds ``[[account]]`` tables.

    Raises:
        DefinitionError: a file does not parse, a key is wrong, a rule does not compile, or a type is told
            of twice.
    """
    found: dict[str, AccountDefinition] = {}
    for folder in folders:
        for path in sorted(folder.rglob("*.toml")):
            for table in read_tables(path, "account"):
                definition = parse(AccountDefinition, table, path, str(table.get("type", "?")))
                if definition.type in found:
                    raise DefinitionError(f"{path}: accounts of {definition.type!r} are defined twice")
                found[definition.type] = definition
    return list(found.values())
