"""A signed record with everything in it that a pack may show, packs of it, and packs that were changed."""

import datetime as dt
import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from store import files
from store.coverage import Period
from store.instant import rfc3339
from store.model import Finding, Outcome, Report
from store.pack.choose import contents
from store.pack.contents import Contents, Sample, Selection
from store.pack.evidence import write_evidence
from store.pack.layout import MANIFEST
from store.pack.verify import PackVerification, verify_pack
from store.pack.writer import PackWriter
from store.record import Record
from store.sealing import Sealing
from store.signing_key import Ed25519Signer
from store.statement import AttachedFile, Attestation, Exclusion, Waiver, Withdrawal
from store.verification.demands import Demands
from tests.store.conftest import DENIED, KIND, PRIVATE, SCOPE, Clock, Play
from tests.store.keys import ORIGIN, signer

PUBLIC, CLOSED = {"public": True}, {"public": False}
NAMED = ("aws.s3.bucket.named", 1)
WHOLE = ("aws.account.buckets-logged", 1)
CONTROLS = {PRIVATE[0]: ["8.3"], NAMED[0]: ["5.9"], WHOLE[0]: ["8.15"]}
JANUARY = Period(dt.date(2026, 1, 3), dt.date(2026, 1, 31))
KEY = signer().key
TRUSTED = Demands(trusted=(KEY,))
DAY = dt.timedelta(days=1)


class Held:
    """The key at hand."""

    def signer(self, name: str) -> Ed25519Signer:
        return signer(name)


SEALING = Sealing(Held(), ORIGIN)


class Runs(Play):
    """Runs whose checks bear on controls, a day apart."""

    def begin(self, checks: Any = (PRIVATE,)) -> tuple[str, int, dict[tuple[str, str], int]]:
        self.runs += 1
        keys = self.record.register_checks((name, body(name, version)) for name, version in checks)
        uid = f"run-{self.runs}"
        return uid, self.record.begin_run(uid, "test"), keys

    def day(self, seen: Mapping[str, Any], **more: Any) -> None:
        clock = self.record.clock
        assert isinstance(clock, Clock)
        clock.now += DAY
        self.run(seen, **more)

    def judge_whole(self, outcome: Outcome) -> None:
        """Judge the scope as a whole."""
        uid, run_id, keys = self.begin((WHOLE,))
        writer = self.record.collection(run_id, uid, SCOPE, "", "")
        at = rfc3339(self.record.clock())
        writer.judge([Finding(*next(iter(keys)), "", outcome, {"buckets": 2})], keys)
        writer.finish(Report(True, [], at, at, {"calls": []}), "00" * 32, keys)
        self.record.finish_run(run_id, "complete", {})


def body(check_id: str, version: int) -> dict[str, Any]:
    kinds = [KIND] if check_id == WHOLE[0] else []
    return {
        "id": check_id,
        "version": version,
        "controls": dict.fromkeys(CONTROLS[check_id], "why"),
        "resources": kinds,
    }


def write_record(folder: Path) -> None:
    """Days with changes, departures, gaps, a scope as a whole, statements with a file, two accounts."""
    both = (PRIVATE, NAMED)
    with Record.writer(folder, Clock(), SEALING) as record:
        play = Runs(record)
        play.day({"a": CLOSED, "b": PUBLIC, "c": DENIED}, checks=both)
        play.day({"b": CLOSED}, checks=both, complete=False)
        play.day({"b": CLOSED, "d": PUBLIC}, checks=both)
        play.judge_whole(Outcome.FAIL)
        play.day({"b": CLOSED, "e": PUBLIC}, checks=both, complete=False)
        play.day({"b": CLOSED, "d": {"public": True, "n": 1}, "e": PUBLIC}, checks=both)
        play.day({"x": PUBLIC}, scope=type(SCOPE)("aws", "222233334444", "test"), region="eu-north-1")
        play.judge_whole(Outcome.PASS)
        state(record, folder)
        play.day({f"many-{n}": {"public": n % 3 == 0} for n in range(30)}, kind="aws.sqs.queue")
        play.day({"b": CLOSED, "d": {"public": True, "n": 2}, "e": PUBLIC}, checks=both)
        record.checkpoint()


def state(record: Record, folder: Path) -> None:
    """File statements of every kind that a pack shows."""
    sha, size = files.keep(folder, io.BytesIO(b"%PDF minutes"), "minutes")
    brought = AttachedFile(sha, size, "../Minutes of May.pdf", "application/pdf")
    days = {"valid_from": "2026-01-01", "valid_until": "2026-12-31"}
    record.file(Attestation("8.3", "CISO", "We looked.", **days, files=(brought,)), "me")
    waived = record.file(Waiver(PRIVATE[0], "aws", "", "b", "soon", "CISO", **days), "me")
    record.file(Exclusion("7.1", "no premises", "CEO", "2026-01-01"), "me")
    record.file(Withdrawal(waived.entry, "mended", "CISO"), "me")
    record.file(Exclusion("7.2", "no premises", "CEO", "2027-01-01"), "me")


def choose(folder: Path, selection: Selection) -> Contents:
    with Record.open(folder) as record:
        return contents(record, selection)


def export(folder: Path, path: Path, selection: Selection | None = None) -> Path:
    """Write a pack with one page."""
    with Record.open(folder) as record:
        found = contents(record, selection or Selection(JANUARY))
        with PackWriter.open(path) as pack:
            write_evidence(record, found, pack)
            pack.add("index.html", b"<p>read me</p>")
    return path


def sampled(number: int, seed: str = "seed") -> Selection:
    return Selection(JANUARY, sample=Sample(number, seed))


def named(path: Path, demands: Demands = TRUSTED) -> str:
    return "\n".join(f"{one.where}: {one.message}" for one in checked(path, demands).log.problems)


def checked(path: Path, demands: Demands = TRUSTED) -> PackVerification:
    return verify_pack(path, demands)


def read(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def lines(path: Path, name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in read(path)[name].splitlines()]


def as_lines(rows: list[dict[str, Any]]) -> bytes:
    return b"".join(
        json.dumps(row, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"
        for row in rows
    )


def write(path: Path, members: Mapping[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)
    return path


@dataclass(frozen=True)
class Forger:
    """Changes a pack, and its manifest so that it fits."""

    pack: Path
    folder: Path

    def forge(self, changed: Mapping[str, bytes | None], about: Mapping[str, Any] | None = None) -> Path:
        """Write another pack.

        Args:
            changed: file → its new bytes, or None to leave it out.
            about: what else the manifest says.
        """
        members: dict[str, bytes | None] = {**read(self.pack), **changed}
        manifest = json.loads(members[MANIFEST] or b"{}")
        manifest |= about or {}
        left = {name: data for name, data in members.items() if data is not None and name != MANIFEST}
        manifest["files"] = {
            name: {"bytes": len(data), "sha256": sha256(data).hexdigest()} for name, data in left.items()
        }
        left[MANIFEST] = json.dumps(manifest).encode()
        return write(self.folder / "forged.zip", left)
