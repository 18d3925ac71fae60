"""A pack as an auditor gets it: exported by the command line, and unzipped."""

import datetime as dt
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.annexa.sample_store import CHECK, fill
from tests.annexa.support_cli import Sandbox
from tests.store.tsa import Authority, Server, issue, issue_tsa

POLICY = b"# Cryptography policy\n"


@dataclass(frozen=True)
class Exported:
    """What the organisation hands over.

    Attributes:
        folder: where the pack was unzipped.
        row: what the command printed.
        roots: the root certificates of the timestamp authority.
    """

    box: Sandbox
    folder: Path
    row: dict[str, Any]
    roots: Path

    @property
    def zip(self) -> Path:
        return self.box.folder / str(self.row["pack"])

    @property
    def key(self) -> str:
        return str(self.row["key"])


def period() -> str:
    """Return a period around what the sample collects."""
    today = dt.datetime.now(dt.UTC).date()
    return f"{today - dt.timedelta(days=9)}..{today}"


@pytest.fixture(scope="session")
def collected(tmp_path_factory: pytest.TempPathFactory) -> Sandbox:
    """A record with a run before the period and one in it, statements, checkpoints and timestamps."""
    folder = tmp_path_factory.mktemp("collected")
    authority = issue("Root", authority=True)
    with Server(Authority(folder / "tsa", issue_tsa(authority))) as server:
        box = Sandbox.make(
            folder / "box",
            f'[record]\ntimestamp_url = "{server.url}"\ntimestamp_roots = "roots.pem"\n[aws]\n',
        )
        (box.folder / "roots.pem").write_bytes(authority.pem)
        (box.folder / "policy.html").write_bytes(POLICY)
        now = dt.datetime.now(dt.UTC)
        for days in (20, 1):
            fill(box.config, now - dt.timedelta(days=days))
        assert box.ask("checkpoint").code == 0
        until = str(now.date() + dt.timedelta(days=30))
        words = {
            "attest": ("8.24", "--file", "policy.html", "--says", "The <b>policy</b> is in force."),
            "waive": (CHECK, "--all-resources", "--reason", "letters are public anyway"),
        }
        who = {"attest": ("--owner", "CISO", "--valid-until"), "waive": ("--approver", "CISO", "--expires")}
        for command, more in words.items():
            said = box.ask(command, *more, *who[command], until)
            assert said.code == 0, said
        assert box.ask("checkpoint").code == 0
    return box


@pytest.fixture(scope="session")
def exported(collected: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Exported:
    told = collected.ask("export", "pack", "--period", period(), "--out", "audit.zip", "--format", "json")
    assert told.code == 0, told
    folder = tmp_path_factory.mktemp("auditor")
    with zipfile.ZipFile(collected.folder / "audit.zip") as archive:
        archive.extractall(folder)
    return Exported(collected, folder, told.json, collected.folder / "roots.pem")
