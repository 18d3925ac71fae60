"""What is kept on disk for a run: found again, unreadable to others, and gone afterwards."""

import gc
import random
import sqlite3
import stat
from pathlib import Path

import pytest

from collectors.spool import Entry, Spool
from collectors.transport import CallError

SECRET = "hunter2-very-secret-value"


def filled(*pages: list[Entry]) -> Spool:
    spool = Spool()
    for page in pages:
        spool.keep(page)
    spool.finish()
    return spool


def things(shelf: str, *names: str) -> list[Entry]:
    return [Entry((shelf, "here"), name, {"of": shelf, "name": name}) for name in names]


def test_what_is_on_a_shelf_comes_back_in_the_order_in_which_it_came() -> None:
    names = [f"n{number}" for number in range(250)]
    random.Random(1).shuffle(names)
    spool = filled(things("a", *names[:120]), things("b", "x"), things("a", *names[120:]))
    assert [value["name"] for (value,) in spool.each(("a", "here"))] == names
    assert list(spool.each(("a", "elsewhere"))) == []


def test_what_has_the_same_name_on_another_shelf_stands_beside_it() -> None:
    spool = filled(things("a", "x", "y"), things("b", "y", "z"))
    assert list(spool.each(("a", "here"), ("b", "here"))) == [
        [{"of": "a", "name": "x"}, None],
        [{"of": "a", "name": "y"}, {"of": "b", "name": "y"}],
    ]


def test_pages_and_things_are_counted_by_shelf() -> None:
    spool = filled(things("a", "x", "y"), things("b", "x"), things("a", "z"))
    assert spool.tally(("a", "here")) == (2, 3)
    assert spool.tally(("b", "here")) == (1, 1)
    assert spool.tally(("c", "here")) == (0, 0)


def test_nothing_of_it_can_be_read_on_disk() -> None:
    entry = Entry(("projects/hush", "type"), "//host/quiet-name", {"password": SECRET, "more": "a" * 5000})
    spool = filled([entry])
    written = b"".join(path.read_bytes() for path in spool.path.parent.iterdir())
    assert written
    for word in (SECRET, "password", "hush", "quiet-name", "a" * 50):
        assert word.encode() not in written
    assert stat.S_IMODE(spool.path.parent.stat().st_mode) == 0o700


def test_it_is_gone_when_nobody_needs_it_any_more() -> None:
    spool = filled(things("a", "x"))
    folder = spool.path.parent
    assert folder.exists()
    del spool
    gc.collect()
    assert not folder.exists()


def test_it_is_gone_when_it_is_closed() -> None:
    spool = filled(things("a", "x"))
    spool.close()
    spool.close()
    assert not spool.path.parent.exists()
    with pytest.raises(CallError, match="SpoolFailed"):
        list(spool.each(("a", "here")))


def test_what_was_exchanged_on_disk_is_refused() -> None:
    spool = filled(things("a", "x", "y"))
    with sqlite3.connect(spool.path) as other:
        other.execute("UPDATE kept SET sealed = (SELECT sealed FROM kept WHERE rowid = 1) WHERE rowid = 2")
    other.close()
    with pytest.raises(CallError, match="changed on disk"):
        list(spool.each(("a", "here")))


def test_a_disk_that_takes_nothing_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "missing"))
    with pytest.raises(CallError, match="SpoolFailed"):
        Spool()


def test_what_has_no_json_is_refused() -> None:
    with pytest.raises(CallError, match="MalformedAnswer"):
        Spool().keep([Entry(("a",), "x", "\ud800")])
