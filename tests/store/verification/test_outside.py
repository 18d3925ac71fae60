"""What lies beside the database: checkpoints in files, and the files that people attached."""

import random
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from store import files
from store.note import parse
from store.publication import FILE
from store.record import Record
from store.verify import Demands, Held, verify
from tests.store.verification.bench import Bench, named
from tests.store.verification.everything import Everything


@pytest.fixture
def copy(everything: Everything, tmp_path: Path) -> Path:
    """A copy of the record's folder, to tamper with."""
    return Path(shutil.copytree(everything.folder, tmp_path / "store"))


def flipped(data: bytes, place: int, bit: int = 0) -> bytes:
    return data[:place] + bytes([data[place] ^ 1 << bit]) + data[place + 1 :]


def missed(whole: Bench, data: bytes, ask: Callable[[bytes], Demands | None]) -> list[int]:
    """Flip a bit in many bytes of a checkpoint, and return the places where nobody noticed."""
    chance = random.Random(1)
    return [
        place
        for place in chance.sample(range(len(data)), 250)
        if not whole.first_after(demands=ask(flipped(data, place, chance.randrange(8))))
    ]


def test_a_byte_of_a_copy_that_is_changed_is_found(whole: Bench, everything: Everything) -> None:
    newest = max(everything.copies.iterdir())

    def ask(note: bytes) -> Demands:
        return Demands(held=(Held("copy", note, published=True),))

    assert whole.first_after(demands=ask(newest.read_bytes())) == ""
    assert missed(whole, newest.read_bytes(), ask) == []


def test_a_byte_of_the_checkpoint_file_that_is_changed_is_found(copy: Path) -> None:
    bench, data = Bench(copy), (copy / FILE).read_bytes()

    def ask(note: bytes) -> None:
        (copy / FILE).write_bytes(note)

    assert missed(bench, data, ask) == []


def test_lines_that_were_added_to_the_checkpoint_file_are_named(copy: Path) -> None:
    note = parse((copy / FILE).read_bytes())
    (copy / FILE).write_bytes(bytes(note) + "— witness.three AAAAAAAA\n".encode())
    assert "is not signed as the checkpoint that is kept" in named(copy)


def test_an_earlier_checkpoint_in_the_file_is_no_lie(copy: Path, everything: Everything) -> None:
    """A run that was killed before it could publish leaves it there."""
    shutil.copyfile(min(everything.copies.iterdir()), copy / FILE)
    assert named(copy) == ""


@pytest.mark.parametrize(
    ("change", "name"),
    [
        (lambda path: path.write_bytes(flipped(path.read_bytes(), 3)), "is not the one that was filed"),
        (lambda path: path.write_bytes(path.read_bytes()[:-1]), "is not the one that was filed"),
        (lambda path: path.unlink(), "policy.txt"),
        (lambda path: path.rename(path.with_name("0" * 64)), "is gone"),
    ],
    ids=["flipped", "cut", "removed", "renamed"],
)
def test_an_attached_file_that_is_changed_is_named(
    copy: Path, everything: Everything, change: Callable[[Path], object], name: str
) -> None:
    change(files.path_of(copy, everything.attached))
    assert name in named(copy)


def test_a_signature_line_that_is_dropped_or_doubled_is_named(whole: Bench) -> None:
    for size, kept in whole.all("SELECT size, note FROM checkpoint WHERE note IS NOT NULL"):
        head, lines = kept.split("\n\n")
        for line in lines.splitlines(keepends=True):
            for changed in (lines.replace(line, ""), lines + line):
                edit = "UPDATE checkpoint SET note = ? WHERE size = ?", (f"{head}\n\n{changed}", size)
                assert f"checkpoint {size}: " in whole.first_after(edit)


def test_a_key_that_took_over_without_the_old_one_is_named(whole: Bench) -> None:
    (size,) = whole.all("SELECT size FROM checkpoint WHERE note LIKE '%—%—%' ORDER BY size DESC LIMIT 1")[0]
    found = whole.after(("UPDATE checkpoint SET note = NULL WHERE size = ?", (size,)))
    assert any("is not signed, though the log names a key" in one.message for one in found)


def test_the_whole_store_exchanged_for_an_older_copy_is_named(everything: Everything) -> None:
    """It is consistent, signed, cosigned and timestamped; only what is outside knows better."""
    held = Held("auditor", (everything.folder / FILE).read_bytes())
    with Record.open(everything.folder) as record:
        assert verify(record, replace(everything.demands, held=(held,))).problems == []
    with Record.open(everything.older) as record:
        assert verify(record, everything.demands).problems == []
        found = verify(record, replace(everything.demands, held=(held,))).problems
    assert [one.where for one in found] == ["auditor"]
    assert "it was cut, or an older copy of the store was put in its place" in found[0].message
