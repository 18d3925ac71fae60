"""Resource types as data: what to pull, written in TOML and read here.

The grammar is described for authors in ``docs/definitions.md``.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Literal

import jmespath
from jmespath.exceptions import JMESPathError
from pydantic import Field, field_validator, model_validator

from store.canonical import digest
from store.definition_file import parse, read_tables
from store.errors import DefinitionError
from store.model import RESERVED_KEYS, Strict

_TEMPLATE_NAMES = frozenset({"item", "over", "each", "account", "scope", "partition"})

Decoder = Literal["json", "csv", "iam-policy", "base64"]


def _jmespath(expression: str) -> str:
    try:
        jmespath.compile(expression)
    except JMESPathError as error:
        raise ValueError(f"not a JMESPath expression: {expression!r}: {error}") from error
    return expression


class Call(Strict):
    """One API operation with its parameters.

    Attributes:
        call: ``service:Operation`` in the provider's own names.
        with_: parameters; strings may hold ``{templates}``.
        absent: error codes, each optionally followed by ``: part of the message``, that mean
            "there is none" rather than "could not be read".
        permission: what the call needs, where it differs from the call's own name.
    """

    call: str = Field(pattern=r"^[A-Za-z0-9_.-]+:.+$")
    with_: dict[str, Any] = Field(default_factory=dict, alias="with")
    absent: tuple[str, ...] = ()
    permission: tuple[str, ...] = ()

    @property
    def service(self) -> str:
        return self.call.split(":", 1)[0]

    @property
    def operation(self) -> str:
        return self.call.split(":", 1)[1]


class ListCall(Call):
    """The call that enumerates resources; ``items`` is the JMESPath to them on each page."""

    items: str
    over: "ListCall | None" = None

    _check_items = field_validator("items")(_jmespath)


class Prepare(Call):
    """A call repeated until ``until`` (JMESPath over its answer) holds, before the real one."""

    until: str

    _check_until = field_validator("until")(_jmespath)


class Detail(Call):
    """A call that adds one key to the document.

    Attributes:
        take: JMESPath of what to keep of the answer; pages are merged. May hold templates.
        decode: how to turn an encoded string into JSON.
        pick: JMESPath applied after decoding. May hold templates.
        each: JMESPath over the document so far; the call is made for every element, and the
            result is a list of ``{"each": element, "answer": what was taken}``.
        when: JMESPath over the document so far; where it is false the value is null, uncalled.
        prepare: what must be asked for first (a report that the provider generates).
        inventory: what the provider's inventory service calls the same content, if it keeps it. The call is
            then made only where the inventory cannot be read.
    """

    take: str = "@"
    decode: Decoder | None = None
    pick: str | None = None
    each: str | None = None
    when: str | None = None
    prepare: Prepare | None = None
    inventory: str = ""

    @field_validator("each", "when")
    @classmethod
    def _check_paths(cls, value: str | None) -> str | None:
        return value if value is None else _jmespath(value)

    @field_validator("take")
    @classmethod
    def _check_take(cls, value: str) -> str:
        return value if "{" in value else _jmespath(value)

    @model_validator(mode="after")
    def _check_inventory(self) -> "Detail":
        if self.inventory and (self.each is not None or self.prepare is not None):
            raise ValueError(
                "an inventory answers once for each resource: it goes with neither each nor prepare"
            )
        return self


class ResourceType(Strict):
    """What can be pulled of one kind of resource.

    Attributes:
        type: ``provider.service.thing``.
        title: what people call one of them.
        region: ``regional`` is read in every region of the scope, ``global`` once.
        id, name: templates over ``{item…}``, ``{detail…}``, ``{account}``, ``{region}``,
            ``{partition}``.
        home: template of the region where the resource lives, if that is not where it was listed.
        scope: the kind of scope it is read in, where the provider has several.
        inventory: what the provider's inventory service calls this type, if it holds, or can count, the
            elements of the list. Its documents have no ``over``, so that they are the same either way.
        list: how to enumerate; without it there is exactly one resource for each scope and region.
        detail: further calls for each resource, in order.
        volatile: document paths that change by themselves and are not kept.
        secret: document paths that are replaced by a keyed digest.
        policies: document paths of IAM policy documents, which are brought into one form.
        personal: document paths that hold what names a person, or ``id`` or ``name``. One that ends with
            ``@`` leads to text of which only e-mail addresses and the names of IAM users and workforce
            identities do.
    """

    type: str = Field(pattern=r"^[a-z0-9_]+(\.[a-z0-9_-]+){1,}$")
    title: str
    region: Literal["regional", "global"]
    id: str
    name: str
    home: str | None = None
    scope: str = ""
    inventory: str = ""
    list: ListCall | None = None
    detail: dict[str, Detail] = Field(default_factory=dict)
    volatile: tuple[str, ...] = ()
    secret: tuple[str, ...] = ()
    personal: tuple[str, ...] = ()
    policies: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _check_keys(self) -> "ResourceType":
        reserved = (RESERVED_KEYS | _TEMPLATE_NAMES) & self.detail.keys()
        if reserved:
            raise ValueError(f"detail keys {sorted(reserved)} are reserved; choose others")
        if self.list is None and not self.detail:
            raise ValueError("needs a list call, a detail call, or both")
        if self.inventory and self.list is None:
            raise ValueError("has an inventory, but no list whose elements it has")
        known = {"id", "name", "item", "over"} | self.detail.keys()
        strange = {path.split(".", 1)[0] for path in self.personal_fields} - known
        if strange:
            raise ValueError(f"personal names {sorted(strange)}, which the document does not have")
        return self

    @property
    def provider(self) -> str:
        return self.type.split(".", 1)[0]

    @property
    def personal_fields(self) -> tuple[str, ...]:
        """The paths of ``personal``, without the sign that only addresses are meant."""
        return tuple(path.removesuffix("@") for path in self.personal)

    @property
    def digest(self) -> str:
        """SHA-256 of the definition, which goes into the evidence."""
        return digest(self.model_dump(mode="json", by_alias=True))

    def calls(self) -> Iterator[Call]:
        """Every call that this type may make."""
        step = self.list
        while step is not None:
            yield step
            step = step.over
        for detail in self.detail.values():
            if detail.prepare is not None:
                yield detail.prepare
            yield detail


def load_resource_types(folders: Iterable[Path]) -> dict[str, ResourceType]:
    """Read every ``*.toml`` below ``folders`` that holds ``[[resource]]`` tables.

    Returns:
        type → definition, in file order.

    Raises:
        DefinitionError: a file does not parse, a key is wrong, or a type is defined twice.
    """
    found: dict[str, ResourceType] = {}
    origin: dict[str, Path] = {}
    for folder in folders:
        for path in sorted(folder.rglob("*.toml")):
            for table in read_tables(path, "resource"):
                definition = parse(ResourceType, table, path, table.get("type", "?"))
                if definition.type in found:
                    raise DefinitionError(
                        f"{path}: resource type {definition.type!r} is already defined in "
                        f"{origin[definition.type]}",
                        "Rename or remove one of the two.",
                    )
                found[definition.type] = definition
                origin[definition.type] = path
    return found


def resource_types_of(provider: str, folders: Iterable[Path]) -> dict[str, ResourceType]:
    """Return what :func:`load_resource_types` reads that is of one provider.

    Raises:
        DefinitionError: as there.
    """
    every = load_resource_types(folders)
    return {kind: definition for kind, definition in every.items() if definition.provider == provider}
