"""What a pack proves can be checked with tools that we did not write."""

import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest
from tlog_scales.backend import LocalBackend
from tlog_scales.reader import TilesReader
from tlog_scales.tlog import Checkpoint as TheirCheckpoint
from tlog_scales.tlog import InclusionProof

from store.note import parse
from store.note_key import decode_base64
from store.tlog_proof import TlogProof
from store.tree import leaf_hash
from tests.store.keys import openssl_accepts
from tests.store.pack.packing import KEY, read


@pytest.fixture(scope="module")
def unpacked(pack: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("unpacked")
    with zipfile.ZipFile(pack) as archive:
        archive.extractall(folder)
    return folder


def test_openssl_accepts_the_checkpoints(pack: Path, tmp_path: Path) -> None:
    for name, data in read(pack).items():
        if name.endswith(".checkpoint"):
            note = parse(data)
            assert openssl_accepts(KEY.public, note.text.encode(), note.signatures[0].signature, tmp_path)


@pytest.mark.skipif(shutil.which("sha256sum") is None, reason="sha256sum is not on this machine")
def test_sha256sum_finds_that_files_are_what_they_are_named(unpacked: Path) -> None:
    folders = ("documents", "reports", "checks", "statements")
    named = [path for folder in folders for path in (unpacked / folder).rglob("*.json")]
    sums = "".join(f"{path.stem}  {path}\n" for path in named)
    sums += "".join(f"{path.parent.name}  {path}\n" for path in (unpacked / "files").glob("*/*"))
    done = subprocess.run(
        ["sha256sum", "--check", "--strict"], input=sums, text=True, capture_output=True, check=False
    )
    assert (done.returncode, done.stdout.count(": OK")) == (0, len(sums.splitlines()))
    assert len(named) > 40


def test_unzip_finds_no_fault(pack: Path) -> None:
    if shutil.which("unzip") is None:
        pytest.skip("unzip is not on this machine")
    assert subprocess.run(["unzip", "-tqq", str(pack)], check=False).returncode == 0


def test_another_implementation_accepts_the_proofs(unpacked: Path) -> None:
    proofs = sorted((unpacked / "proofs").glob("*.tlog-proof"))
    assert len(proofs) > 10
    for path in proofs:
        proof = TlogProof.parse(path.read_bytes())
        theirs = TheirCheckpoint.from_text(path.read_text(encoding="utf-8").partition("\n\n")[2])
        entry = path.with_name(f"{proof.index}.entry.json").read_bytes()
        InclusionProof(proof.index, theirs.size, list(proof.hashes)).check(leaf_hash(entry), theirs.root_hash)


def test_another_implementation_reads_the_log(unpacked: Path) -> None:
    note = parse((unpacked / "log" / "checkpoint").read_bytes()).text.split("\n")
    reader = TilesReader(LocalBackend(unpacked / "log"))
    reader.set_size(int(note[1]))
    assert reader.calculate_root_hash() == decode_base64(note[2])
    for path in (unpacked / "proofs").glob("*.entry.json"):
        assert reader.get_entry(int(path.name.split(".")[0])) == path.read_bytes()
