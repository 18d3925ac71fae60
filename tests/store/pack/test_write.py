"""Packs have the same bytes for the same contents, are whole or not there, and need a signed checkpoint."""

import datetime as dt
import errno
import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from store.coverage import Period
from store.errors import PackError
from store.instant import rfc3339
from store.model import Finding, Outcome, Report
from store.pack.contents import Selection
from store.pack.layout import attached
from store.pack.writer import PackWriter
from store.record import Record
from store.statement import Exclusion
from tests.store.conftest import SCOPE, Clock, Play
from tests.store.pack.packing import CLOSED, JANUARY, PUBLIC, SEALING, WHOLE, Runs, choose, export, sampled


@pytest.mark.parametrize("selection", [Selection(JANUARY), sampled(2)], ids=["all", "sample"])
def test_the_same_record_gives_the_same_bytes(
    packed_record: Path, tmp_path: Path, selection: Selection
) -> None:
    first = export(packed_record, tmp_path / "a.zip", selection)
    os.utime(packed_record / "record.db", (0, 0))
    assert export(packed_record, tmp_path / "b.zip", selection).read_bytes() == first.read_bytes()


def test_a_pack_can_be_read_by_its_owner_only(pack: Path) -> None:
    assert stat.S_IMODE(pack.stat().st_mode) == 0o600


def test_a_pack_that_is_there_is_not_replaced_unless_that_is_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    path.write_bytes(b"mine")
    with pytest.raises(PackError, match="is there already"), PackWriter.open(path):
        pass
    assert path.read_bytes() == b"mine"
    with PackWriter.open(path, replace=True) as pack:
        pack.add("a.html", b"a")
    assert path.read_bytes() != b"mine"


def write(path: Path, *pages: Iterable[bytes]) -> None:
    with PackWriter.open(path) as pack:
        for page in pages:
            pack.add_stream("a.html", page)


def test_a_failure_leaves_nothing(tmp_path: Path) -> None:
    def full() -> Iterator[bytes]:
        yield b"a"
        raise OSError(errno.ENOSPC, "No space left on device")

    def stopped() -> Iterator[bytes]:
        yield b"a"
        raise KeyboardInterrupt

    with pytest.raises(PackError, match="No space left"):
        write(tmp_path / "a.zip", full())
    with pytest.raises(KeyboardInterrupt):
        write(tmp_path / "a.zip", stopped())
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(PackError, match="cannot be written"), PackWriter.open(tmp_path / "no" / "a.zip"):
        pass


def test_a_name_is_taken_once(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="two files"):
        write(tmp_path / "a.zip", [b"a"], [b"a"])


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("report.pdf", "file-report.pdf"),
        ("../../etc/passwd", "file-passwd.bin"),
        ("C:\\Users\\x\\evil.EXE", "file-evil.bin"),
        ("page.html", "file-page.bin"),
        ("drawing.svg", "file-drawing.bin"),
        ("macro.xlsm", "file-macro.bin"),
        ("Scan 1.PDF", "file-Scan_1.pdf"),
        ("a.pdf.exe", "file-a_pdf.bin"),
        ("a\u202efdp.exe", "file-a_fdp.bin"),
        ("CON.txt", "file-CON.txt"),
        (".pdf", "file-pdf.bin"),
        ("", "file-unnamed.bin"),
        ("x" * 300 + ".pdf", "file-" + "x" * 80 + ".pdf"),
        ("protokoll-ä.docx", "file-protokoll.docx"),
    ],
)
def test_a_file_that_somebody_attached_gets_a_harmless_name(name: str, expected: str) -> None:
    assert attached("ab", name) == f"files/ab/{expected}"


# When there is nothing to prove it by.


def test_nothing_signed_nothing_packed(folder: Path) -> None:
    with Record.writer(folder, Clock()) as record:
        Play(record).run({"a": CLOSED})
    with pytest.raises(PackError, match="no checkpoint of the record is signed") as caught:
        choose(folder, Selection(JANUARY))
    assert "annexa checkpoint" in caught.value.hint


def test_what_is_not_under_a_signed_checkpoint_is_not_packed(folder: Path) -> None:
    clock = Clock()
    with Record.writer(folder, clock, SEALING) as record:
        play = Runs(record)
        play.day({"a": CLOSED})
        uid, run_id, keys = play.begin()
        play.collect(uid, run_id, keys, {"a": PUBLIC})
    january = Period(dt.date(2026, 1, 1), dt.date(2026, 1, 31))
    with pytest.raises(PackError, match="is not under a signed checkpoint"):
        choose(folder, Selection(january))
    new_year = Period(dt.date(2026, 1, 1), dt.date(2026, 1, 1))
    with pytest.raises(PackError, match="nothing of this selection had been collected by 2026-01-01"):
        choose(folder, Selection(new_year))
    with Record.writer(folder, clock, SEALING) as record:
        record.checkpoint()
    assert len(choose(folder, Selection(january)).findings) == 2


def test_a_statement_that_is_not_under_a_signed_checkpoint_holds_a_pack_up(folder: Path) -> None:
    with Record.writer(folder, Clock(), SEALING) as record:
        Runs(record).day({"a": CLOSED})
        record.file(Exclusion("7.1", "no premises", "CEO", "2026-01-01"), "me")
    with pytest.raises(PackError, match=r"exclusion \d+ is not under a signed checkpoint"):
        choose(folder, Selection(JANUARY))


def test_a_scope_that_is_not_there_has_no_pack(packed_record: Path) -> None:
    with pytest.raises(PackError, match="nothing of this selection"):
        choose(packed_record, Selection(JANUARY, scopes=frozenset({"no"})))


# What is chosen.


def test_contents_are_those_of_the_period(packed_record: Path) -> None:
    found = choose(packed_record, Selection(JANUARY))
    assert {
        (one.resource_id, one.outcome.value, one.first_seen[:10], one.ended[:10]) for one in found.findings
    } >= {
        ("b", "fail", "2026-01-02", "2026-01-03"),
        ("b", "pass", "2026-01-03", ""),
        ("d", "fail", "2026-01-06", ""),
        ("", "fail", "2026-01-04", "2026-01-07"),
    }
    assert {one.check: (one.total, one.packed) for one in found.populations} == {
        "aws.account.buckets-logged": (1, 1),
        "aws.s3.bucket.named": (3, 3),
        "aws.s3.bucket.private": (34, 34),
    }
    assert [filed.kind for filed in found.statements] == ["attestation", "waiver", "exclusion", "withdrawal"]
    assert set(found.collections) >= {seq for one in found.findings for seq in (one.opened, one.proven)}
    assert all(one.provenance == {"calls": []} or one.provenance for one in found.collections.values())
    assert found.coverage.checks


def test_a_later_period_shows_what_still_stands(packed_record: Path) -> None:
    march = Period(dt.date(2026, 3, 1), dt.date(2026, 3, 31))
    found = choose(packed_record, Selection(march))
    assert {one.ended for one in found.findings} == {""}
    assert {one.resource_id for one in found.findings} >= {"b", "d", "e", "x", "many-7", ""}
    assert found.as_of < "2026-02"


def test_coverage_is_of_the_selection_only(packed_record: Path) -> None:
    found = choose(packed_record, Selection(JANUARY, scopes=frozenset({"222233334444"})))
    assert [one.check for one in found.coverage.checks] == ["aws.s3.bucket.private"]
    assert found.coverage.undecided == []
    controlled = choose(packed_record, Selection(JANUARY, frozenset({"8.15"})))
    assert {one.check for one in controlled.coverage.checks} == {"aws.account.buckets-logged"}


def test_what_many_findings_have_in_common_is_held_once(packed_record: Path) -> None:
    findings = choose(packed_record, Selection(JANUARY)).findings
    for name in ("check_digest", "document", "resource_id", "first_seen"):
        values = [getattr(one, name) for one in findings]
        assert len({id(value) for value in values}) == len(set(values)) < len(values), name
    assert len({id(one.observed) for one in findings}) < len(findings)


def test_a_reason_with_the_words_of_what_was_observed_stays_a_reason(tmp_path: Path) -> None:
    with Record.writer(tmp_path / "store", Clock(), SEALING) as record:
        play = Runs(record)
        uid, run_id, keys = play.begin((WHOLE,))
        writer = record.collection(run_id, uid, SCOPE, "", "")
        at = rfc3339(record.clock())
        writer.judge([Finding(*next(iter(keys)), "", Outcome.UNKNOWN, {}, "{}")], keys)
        writer.finish(Report(True, [], at, at, {"calls": []}), "00" * 32, keys)
        record.finish_run(run_id, "complete", {})
        record.checkpoint()
    period = Period(dt.date(2026, 1, 1), dt.date(2026, 1, 31))
    (finding,) = choose(tmp_path / "store", Selection(period)).findings
    assert (finding.observed, finding.reason) == ({}, "{}")
