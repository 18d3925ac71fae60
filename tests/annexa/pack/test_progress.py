"""A long export says what it is at."""

import datetime as dt
from pathlib import Path

import pytest

from annexa.pack.export import write_pack
from annexa.workspace import Workspace
from store.coverage import Period
from store.pack.contents import Selection
from tests.annexa.support_cli import Sandbox

pytestmark = pytest.mark.slow


def test_every_phase_is_told_and_pages_are_counted(collected: Sandbox, tmp_path: Path) -> None:
    told: list[tuple[str, int, int | None]] = []

    def phase(name: str, done: int = 0, total: int | None = None) -> None:
        told.append((name, done, total))

    workspace = Workspace.load(collected.config)
    today = dt.datetime.now(dt.UTC).date()
    with workspace.reading() as record:
        row = write_pack(
            record,
            Selection(Period(today - dt.timedelta(days=5), today), frozenset({"8.24"})),
            tmp_path / "audit.zip",
            controls=workspace.controls,
            checks=(),
            stale_after_days=7,
            phase=phase,
        )
    assert list(dict.fromkeys(name for name, _, _ in told)) == [
        "choosing the evidence",
        "writing evidence and proofs",
        "writing pages",
        "taking the SHA-256",
    ]
    counted = [(done, total) for name, done, total in told if name == "writing pages"]
    assert counted == [(number, row["pages"]) for number in range(1, row["pages"] + 1)]
