"""One record and one pack of it for all tests, which copy what they change."""

import shutil
from pathlib import Path

import pytest

from tests.store.pack.packing import Forger, export, write_record


@pytest.fixture(scope="session")
def packed_record(empty_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("packed") / "store"
    shutil.copytree(empty_store, folder)
    write_record(folder)
    return folder


@pytest.fixture(scope="session")
def pack(packed_record: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export(packed_record, tmp_path_factory.mktemp("pack") / "audit.zip")


@pytest.fixture
def forger(pack: Path, tmp_path: Path) -> Forger:
    return Forger(pack, tmp_path)
