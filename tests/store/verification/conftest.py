"""The records that verification is tried on: closed, on the bench, and as a copy to tamper with."""

import shutil
from pathlib import Path

import pytest

from tests.store.verification.bench import Bench, write_history
from tests.store.verification.everything import Everything


@pytest.fixture(scope="session")
def history(empty_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("history") / "store"
    shutil.copytree(empty_store, folder)
    write_history(folder)
    return folder


@pytest.fixture(scope="module")
def bench(history: Path) -> Bench:
    return Bench(history)


@pytest.fixture
def folder(history: Path, tmp_path: Path) -> Path:
    """A copy of the history, closed, to tamper with."""
    return Path(shutil.copytree(history, tmp_path / "store"))


@pytest.fixture(scope="module")
def whole(everything: Everything) -> Bench:
    """The record with everything in it, on the bench."""
    return Bench(everything.folder)
