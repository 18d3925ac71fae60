"""Crosswalks: which requirement of another framework a control of ISO/IEC 27002:2022 helps to meet.

A pair is a pointer for people, not a claim that the two are equivalent. Each file names its sources
and says how well each pair is borne out.
"""

from collections.abc import Iterable
from enum import StrEnum
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from pydantic import Field, model_validator

from mappings.controls import load_controls, natural_key
from store.definition_file import parse, read_toml
from store.errors import DefinitionError
from store.model import Strict

BUILT_IN_CROSSWALKS = Path(__file__).parent / "crosswalks"


class Confidence(StrEnum):
    """How well a pair is borne out, best first."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


CONFIDENCE_RANK = {confidence: rank for rank, confidence in enumerate(Confidence)}
"""0 is best."""


class Source(Strict):
    """Where pairs come from, under which licence, and what the source was used for."""

    name: str
    licence: str
    role: str


class FrameworkInfo(Strict):
    """What a framework is called.

    Attributes:
        id: the name used in files and on the command line, e.g. ``soc2``.
        aliases: further names by which it can be asked for.
    """

    id: str = Field(pattern=r"^[a-z0-9]+([.-][a-z0-9]+)*$")
    name: str
    version: str
    aliases: tuple[str, ...] = ()


class Crosswalk(Strict):
    """The pairs of one framework.

    Attributes:
        pairs: confidence → control → requirements.
    """

    framework: FrameworkInfo
    source: tuple[Source, ...] = Field(min_length=1)
    pairs: dict[Confidence, dict[str, tuple[str, ...]]] = Field(min_length=1)

    @model_validator(mode="after")
    def _each_pair_once(self) -> "Crosswalk":
        seen: set[tuple[str, str]] = set()
        for table in self.pairs.values():
            for control, requirements in table.items():
                for requirement in requirements:
                    if (control, requirement) in seen:
                        raise ValueError(f"pairs {control} with {requirement!r} twice")
                    seen.add((control, requirement))
        return self

    @cached_property
    def controls(self) -> list[str]:
        """Every control that has a pair, in natural order."""
        return sorted(self._by_control, key=natural_key)

    @cached_property
    def requirements(self) -> list[str]:
        """Every requirement that has a pair, in natural order."""
        return sorted(self._by_requirement, key=natural_key)

    def requirements_of(self, control: str, at_least: Confidence = Confidence.LOW) -> list[str]:
        """Return the requirements that a control helps to meet, in natural order; none if unpaired."""
        return _good_enough(self._by_control.get(control, {}), at_least)

    def controls_of(self, requirement: str, at_least: Confidence = Confidence.LOW) -> list[str]:
        """Return the controls that help to meet a requirement, in natural order; none if unpaired."""
        return _good_enough(self._by_requirement.get(requirement, {}), at_least)

    def confidence_of(self, control: str, requirement: str) -> Confidence | None:
        """Say how well a pair is borne out; None if the two are not paired."""
        return self._by_control.get(control, {}).get(requirement)

    @cached_property
    def _by_control(self) -> dict[str, dict[str, Confidence]]:
        index: dict[str, dict[str, Confidence]] = {}
        for confidence, table in self.pairs.items():
            for control, requirements in table.items():
                index.setdefault(control, {}).update(dict.fromkeys(requirements, confidence))
        return index

    @cached_property
    def _by_requirement(self) -> dict[str, dict[str, Confidence]]:
        index: dict[str, dict[str, Confidence]] = {}
        for control, paired in self._by_control.items():
            for requirement, confidence in paired.items():
                index.setdefault(requirement, {})[control] = confidence
        return index


def frameworks(folders: Iterable[Path] = (BUILT_IN_CROSSWALKS,)) -> list[FrameworkInfo]:
    """Return the frameworks that have a crosswalk, by id; files are read once a process.

    Raises:
        DefinitionError: as :func:`load_crosswalk`.
    """
    return [crosswalk.framework for crosswalk in _read_all(tuple(folders))]


def load_crosswalk(framework: str, folders: Iterable[Path] = (BUILT_IN_CROSSWALKS,)) -> Crosswalk:
    """Return the crosswalk of a framework.

    Args:
        framework: its id or an alias; case, spaces and punctuation do not matter.
        folders: where to look for ``*.toml`` with a ``[framework]`` table, at any depth.

    Raises:
        DefinitionError: no such framework (the known ones are named), a file does not parse, a key is
            wrong, a control does not exist, or two files answer to one name.
    """
    known = _read_all(tuple(folders))
    for crosswalk in known:
        if _fold(framework) in _names(crosswalk.framework):
            return crosswalk
    ids = ", ".join(crosswalk.framework.id for crosswalk in known) or "none"
    raise DefinitionError(f"no crosswalk for framework {framework!r}; known are: {ids}", "Name one of these.")


@cache
def _read_all(folders: tuple[Path, ...]) -> tuple[Crosswalk, ...]:
    found: list[Crosswalk] = []
    origin: dict[str, Path] = {}
    for folder in folders:
        for path in sorted(folder.rglob("*.toml")):
            content = read_toml(path)
            if not content.keys() & {"framework", "pairs"}:
                continue
            crosswalk = _parse(content, path)
            for name in _names(crosswalk.framework):
                if name in origin:
                    raise DefinitionError(
                        f"{path}: framework name {name!r} is already taken by {origin[name]}",
                        "Change the id or alias of one of the two.",
                    )
                origin[name] = path
            found.append(crosswalk)
    return tuple(sorted(found, key=lambda crosswalk: natural_key(crosswalk.framework.id)))


def _parse(content: dict[str, Any], path: Path) -> Crosswalk:
    crosswalk = parse(Crosswalk, content, path, "crosswalk")
    known = load_controls()
    unknown = [control for control in crosswalk.controls if control not in known]
    if unknown:
        raise DefinitionError(
            f"{path}: no such control: {', '.join(unknown)}", "Use numbers of ISO/IEC 27002:2022, as 5.1."
        )
    return crosswalk


def _names(framework: FrameworkInfo) -> set[str]:
    return {_fold(name) for name in (framework.id, *framework.aliases)}


def _fold(name: str) -> str:
    return "".join(character for character in name.casefold() if character.isalnum())


def _good_enough(paired: dict[str, Confidence], at_least: Confidence) -> list[str]:
    limit = CONFIDENCE_RANK[at_least]
    return sorted(
        (name for name, found in paired.items() if CONFIDENCE_RANK[found] <= limit), key=natural_key
    )
