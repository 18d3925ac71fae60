"""The manifest of a pack, as it is read from somebody else's file."""

import datetime as dt
import re

from pydantic import Field, ValidationError

from store.coverage import Period
from store.errors import PackError
from store.model import Strict
from store.pack import layout
from store.pack.archive import Archive, DamageError
from store.pack.contents import Sample, Selection

_FORMAT = re.compile(rb'"format": *"annexa-pack/v(\d+)"')
_HEAD = 4096
_NO_PACK = "Give a pack as `annexa export pack` writes it."


class _File(Strict):
    bytes: int
    sha256: str


class _Period(Strict):
    first: dt.date
    last: dt.date


class _Selection(Strict):
    controls: tuple[str, ...]
    providers: tuple[str, ...]
    scopes: tuple[str, ...]


class _Sample(Strict):
    number: int = Field(ge=0)
    seed: str


class _Log(Strict):
    size: int = Field(ge=1)
    root: str


class PopulationRow(Strict):
    """What the manifest says of the population of one check."""

    check: str
    total: int
    not_applicable: int
    outcomes: dict[str, int]
    packed: int


class Manifest(Strict):
    """What a pack says that it is. Nobody signed it: only what is proven of it counts."""

    format: str
    store: str
    origin: str
    period: _Period
    as_of: str
    selection: _Selection
    sample: _Sample | None
    log: _Log
    checkpoints: tuple[int, ...] = Field(min_length=1)
    statements: tuple[int, ...]
    populations: tuple[PopulationRow, ...]
    files: dict[str, _File]

    @property
    def chosen(self) -> Selection:
        """The selection."""
        return Selection(
            period=Period(self.period.first, self.period.last),
            controls=frozenset(self.selection.controls),
            providers=frozenset(self.selection.providers),
            scopes=frozenset(self.selection.scopes),
            sample=None if self.sample is None else Sample(self.sample.number, self.sample.seed),
        )


def read_manifest(archive: Archive) -> Manifest:
    """Read a pack's manifest.

    Raises:
        PackError: there is none, it is malformed, or of a format that this version does not read.
    """
    if layout.MANIFEST not in archive:
        raise PackError("this zip is no pack: it has no manifest.json", _NO_PACK)
    try:
        data = archive.read(layout.MANIFEST)
    except DamageError as error:
        raise PackError(f"the pack's manifest {error}", _NO_PACK) from error
    stated = _FORMAT.search(data[:_HEAD])
    if stated and f"annexa-pack/v{int(stated[1])}" != layout.FORMAT:
        raise PackError(
            f"the pack has the format annexa-pack/v{int(stated[1])}: it was written by a newer Annexa",
            "Upgrade Annexa, or verify it as its VERIFY.md says.",
        )
    try:
        found = Manifest.model_validate_json(data, strict=True)
        if found.format != layout.FORMAT or found.period.first > found.period.last:
            raise ValueError("it is not of the format annexa-pack/v1")
    except (ValidationError, ValueError) as error:
        words = " ".join(str(error).split())[:300]
        raise PackError(f"the pack's manifest is malformed: {words}", _NO_PACK) from error
    return found
