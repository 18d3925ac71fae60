"""One thing that was measured."""

from typing import NamedTuple


class Figure(NamedTuple):
    """What was measured, and the floor that it stands next to."""

    label: str
    ours: float
    floor: float
    unit: str
