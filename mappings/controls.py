"""The 93 controls of ISO/IEC 27002:2022, and how far configuration can answer each.

Numbers, titles and attribute tags are facts of the standard; its text is not included.
"""

import re
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Annotated

from pydantic import Field

from store.definition_file import parse, read_tables
from store.errors import DefinitionError
from store.model import Strict

BUILT_IN_CONTROLS = Path(__file__).parent / "controls.toml"


class Theme(StrEnum):
    """The clause of the standard that a control stands in: 5, 6, 7 or 8."""

    ORGANIZATIONAL = "organizational"
    PEOPLE = "people"
    PHYSICAL = "physical"
    TECHNOLOGICAL = "technological"


class Reach(StrEnum):
    """How far configuration can answer a control."""

    TECHNICAL = "technical"
    PARTIAL = "partial"
    INHERITED = "inherited"
    MANUAL = "manual"


class Attributes(Strict):
    """The five attributes of the standard, as its own tags without ``#``, in lower case with hyphens.

    Attributes:
        type: preventive, detective, corrective.
        properties: confidentiality, integrity, availability.
        concepts: identify, protect, detect, respond, recover.
        capabilities: operational capabilities, e.g. ``asset-management``.
        domains: security domains, e.g. ``governance-and-ecosystem``.
    """

    type: tuple[str, ...] = Field(min_length=1)
    properties: tuple[str, ...] = Field(min_length=1)
    concepts: tuple[str, ...] = Field(min_length=1)
    capabilities: tuple[str, ...] = Field(min_length=1)
    domains: tuple[str, ...] = Field(min_length=1)


class Control(Strict):
    """One control.

    Attributes:
        number: e.g. ``8.24``.
        evidence: how far configuration can answer it.
        providers: whose interfaces publish settings that bear on it, whether or not there is a check.
        summary: our own line on the evidence that answers it.
        attach: what a person must attach.
    """

    number: str = Field(pattern=r"^[5-8]\.[1-9][0-9]?$")
    title: str
    theme: Theme
    attributes: Attributes
    evidence: Reach
    providers: tuple[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")], ...] = ()
    summary: str = Field(min_length=10)
    attach: tuple[str, ...] = Field(min_length=1)

    @property
    def annex_a(self) -> str:
        """The control's identifier in ISO/IEC 27001:2022, e.g. ``A.8.24``."""
        return f"A.{self.number}"

    @property
    def answerable(self) -> bool:
        """Whether configuration can say something of it."""
        return self.evidence in (Reach.TECHNICAL, Reach.PARTIAL)


def natural_key(identifier: str) -> list[str | int]:
    """Return a sort key under which 5.2 comes before 5.10, and AC-2 before AC-17."""
    return [int(part) if part.isdecimal() else part for part in re.split(r"([0-9]+)", identifier)]


def load_controls(path: Path | None = None) -> dict[str, Control]:
    """Return the controls by number, in natural order.

    Args:
        path: a TOML file with ``[[control]]`` tables; by default the one that comes with Annexa,
            which is read once a process.

    Raises:
        DefinitionError: the file does not parse, a key is wrong, or a number is used twice.
    """
    return dict(_built_in()) if path is None else _read(path)


@cache
def _built_in() -> dict[str, Control]:
    return _read(BUILT_IN_CONTROLS)


def _read(path: Path) -> dict[str, Control]:
    found: dict[str, Control] = {}
    for table in read_tables(path, "control"):
        control = parse(Control, table, path, str(table.get("number", "?")))
        if control.number in found:
            raise DefinitionError(
                f"{path}: control {control.number} is defined twice", "Remove one of the two."
            )
        found[control.number] = control
    return {number: found[number] for number in sorted(found, key=natural_key)}
