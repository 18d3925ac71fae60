"""Retention, holds, backups and clocks as people use them."""

import datetime as dt
import shutil
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import annexa.commands.daemon
from annexa.commands.doctor import _diagnose_store
from annexa.record_config import sealing
from annexa.workspace import Workspace
from scheduler.runner import RunResult
from store.instant import rfc3339, utc_now
from store.record import DATABASE, Record
from store.statement import Attestation, Exclusion, Waiver
from tests.annexa.support_cli import Ran, Sandbox
from tests.store.conftest import LIST_DENIED, Play

NOW = utc_now()
DAY = dt.timedelta(days=1)
CANARY = "a-canary-of-long-ago"
PRUNE = ("prune", "--keep", "400d", "--reason", "retention policy 4", "--by", "Ann")


def play(box: Sandbox, days_ago: float, content: str, number: int) -> None:
    """Play a run as `annexa collect` would have made one."""
    moment = utc_now() - days_ago * DAY
    config = Workspace.load(box.config).config
    with Record.writer(box.store, lambda: moment, sealing(config)) as record:
        check = ("aws.s3.bucket.private", 1)
        contents = {"a": {"public": False, "says": content}}
        keys = record.register_checks([(check[0], BODY)])
        played = Play(record, runs=number)
        uid, run_id = f"run-{number}", record.begin_run(f"run-{number}", "test")
        played.collect(uid, run_id, keys, contents, gaps=(replace(LIST_DENIED, at=rfc3339(moment)),))
        record.finish_run(run_id, "complete", {})
        record.publish()


BODY: dict[str, Any] = {
    "id": "aws.s3.bucket.private",
    "title": "Buckets are private",
    "severity": "high",
    "controls": ["8.3"],
    "resources": ["aws.s3.bucket"],
    "equivalents": {},
    "remediation": "",
    "limits": "",
}


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Sandbox:
    """Runs of 900, 800, 700 and 0 days ago; what the first one saw ended 800 days ago."""
    box = Sandbox.make(tmp_path_factory.mktemp("filled"))
    for number, (days_ago, content) in enumerate(
        ((900.0, CANARY), (800.0, "later"), (700.0, "later"), (0.01, "later"))
    ):
        play(box, days_ago, content, number)
    return box


@pytest.fixture
def box(filled: Sandbox, tmp_path: Path) -> Sandbox:
    folder = tmp_path / "box"
    shutil.copytree(filled.folder, folder)
    return Sandbox.make(folder)


def ok(ran: Ran) -> Ran:
    assert ran.code == 0, ran
    return ran


def test_pruning_says_what_goes_and_then_it_is_gone(box: Sandbox) -> None:
    row = ok(box.ask(*PRUNE, "--dry-run", "--format", "json")).json
    assert (row["documents"], row["findings"], row["entry"], row["dry_run"]) == (1, 1, None, True)
    assert CANARY.encode() in (box.store / DATABASE).read_bytes()
    told = ok(box.ask(*PRUNE)).out
    assert "1 documents" in told
    assert not any(CANARY.encode() in path.read_bytes() for path in box.store.glob(f"{DATABASE}*"))
    assert ok(box.ask("verify")).out.startswith("The record verifies")
    assert "Nothing that may go" in ok(box.ask(*PRUNE)).out


def test_what_was_pruned_is_said_wherever_it_is_asked_for(box: Sandbox) -> None:
    entry = ok(box.ask(*PRUNE, "--format", "json")).json["entry"]
    then = f"{NOW - 850 * DAY:%Y-%m-%d}"
    trace = f"(log entry {entry}, by Ann: retention policy 4)"
    [finding] = box.ask("findings", "--as-of", then, "--format", "json").json
    assert (finding["outcome"], finding["observed"], finding["pruned"]) == ("pass", None, True)
    assert trace in finding["reason"]
    assert "retention let it go" in " ".join(ok(box.ask("findings", "--as-of", then)).out.split())
    [gap] = box.ask("gaps", "--as-of", then, "--format", "json").json
    assert gap["code"] == "Pruned"
    assert trace in gap["message"]
    [shown] = box.ask("evidence", "show", "a", "--as-of", then, "--format", "json").json
    assert (shown["content"], shown["provenance"]) == (None, None)
    assert shown["pruned"].keys() == {"document", "report"}
    assert trace in ok(box.ask("evidence", "show", "a", "--as-of", then)).out.replace("\n", " ")
    versions = box.ask("evidence", "history", "a", "--format", "json").json
    assert [bool(version["pruned"]) for version in versions] == [True, False]
    assert [version["changes"] for version in versions] == [[], None]
    assert "not known any more" in " ".join(ok(box.ask("evidence", "history", "a")).out.split())
    [change] = box.ask("diff", "--from", then, "--kind", "resource", "--format", "json").json
    assert (change["change"], change["changes"]) == ("changed", None)
    assert trace in change["pruned"]
    ok(box.ask("diff", "--from", then))
    ok(box.ask("status", "--period", f"{then}..{then}"))
    ok(box.ask("status", "--as-of", then))
    [now] = box.ask("findings", "--format", "json").json
    assert (now["pruned"], now["observed"]) == (False, {"item": {"public": False, "says": "later"}})


@pytest.fixture
def stated(tmp_path: Path) -> Sandbox:
    """An attestation, a waiver and an exclusion of 890 days ago, over for 860 days."""
    box = Sandbox.make(tmp_path / "stated")
    play(box, 900, CANARY, 0)
    filed, last = NOW - 890 * DAY, f"{NOW - 860 * DAY:%Y-%m-%d}"
    days = f"{filed:%Y-%m-%d}", last
    with Record.writer(box.store, lambda: filed) as record:
        record.file(Attestation("5.1", "Ann", CANARY, *days), "root")
        record.file(Waiver(BODY["id"], "", "", "", CANARY, "Bob", *days), "root")
        record.file(Exclusion("7.4", CANARY, "Bob", *days), "root")
    play(box, 800, "later", 1)
    play(box, 0.01, "later", 2)
    return box


def test_that_statements_of_then_were_pruned_is_said_in_every_answer_about_then(stated: Sandbox) -> None:
    then, later = (f"{NOW - age * DAY:%Y-%m-%d}" for age in (870, 790))
    asked = (
        ("status", "--as-of", then),
        ("status", "--period", f"{then}..{later}"),
        ("findings", "--as-of", then),
        ("controls", "show", "5.1", "--as-of", then),
        ("diff", "--from", then),
        ("export", "csv", "--what", "controls", "--period", f"{then}..{later}"),
    )
    assert [ok(stated.ask(*each)).err for each in asked] == [""] * len(asked)
    assert ok(stated.ask(*PRUNE, "--format", "json")).json["statements"] == 3
    said = "3 of what people stated may have counted, but retention let it go"
    assert [said in ok(stated.ask(*each)).err for each in asked] == [True] * len(asked)
    rows = {row["control"]: row for row in stated.ask("status", "--as-of", then, "--format", "json").json}
    for control in ("5.1", "7.4"):
        assert "retention let go of 3 statements that may have counted here" in rows[control]["reason"]


def test_of_a_time_at_which_what_was_pruned_was_over_nothing_is_said(stated: Sandbox) -> None:
    ok(stated.ask(*PRUNE))
    for asked in (("status",), ("findings",), ("status", "--as-of", f"{NOW - 10 * DAY:%Y-%m-%d}")):
        ran = ok(stated.ask(*asked))
        assert "retention" not in ran.out + ran.err


@pytest.mark.parametrize("age", ["0d", "18m", "400", "1.5y", "-3d", "yesterday"])
def test_an_age_that_is_none_is_refused(box: Sandbox, age: str) -> None:
    ran = box.ask("prune", "--keep", age, "--reason", "r", "--by", "b")
    assert ran.code == 1
    assert "is not an age such as" in ran.err


@pytest.mark.parametrize(
    "arguments",
    [
        ("prune", "--reason", "r", "--by", "b"),
        ("prune", "--keep", "1y", "--before", "2020-01-01", "--reason", "r", "--by", "b"),
        ("prune", "--keep", "1y", "--reason", " ", "--by", "b"),
        ("prune", "--keep", "1y", "--reason", "r"),
        ("prune", "--before", "2999-01-01", "--reason", "r", "--by", "b"),
        ("prune", "--keep", "999999y", "--reason", "r", "--by", "b"),
        ("hold", "place", "--reason", "r", "--by", "b", "--until", "2020-01-01"),
        ("hold", "release", "1", "--reason", "r", "--by", "b"),
        ("checkpoint", "accept-clock", "--reason", "r", "--by", "b"),
    ],
)
def test_nonsense_is_refused_and_leaves_no_trace(box: Sandbox, arguments: tuple[str, ...]) -> None:
    size = box.ask("verify", "--format", "json").json["size"]
    ran = box.ask(*arguments)
    assert ran.code == 1
    assert "Traceback" not in ran.err
    assert box.ask("verify", "--format", "json").json["size"] == size


@pytest.mark.parametrize(
    "command", [PRUNE, ("hold", "place", "--reason", "r", "--by", "b"), ("backup", "copy")]
)
def test_where_there_is_no_store_none_is_made(tmp_path: Path, command: tuple[str, ...]) -> None:
    box = Sandbox.make(tmp_path / "empty")
    ran = box.ask(*command)
    assert (ran.code, "there is no store" in ran.err) == (1, True)
    assert [path.name for path in box.folder.iterdir()] == ["annexa.toml"]


def test_a_hold_forbids_pruning_until_it_is_released(box: Sandbox) -> None:
    ok(box.ask("hold", "place", "--reason", "matter 2026/7", "--by", "General Counsel"))
    [hold] = box.ask("hold", "list", "--format", "json").json
    assert (hold["state"], hold["reason"], hold["by"]) == ("in_force", "matter 2026/7", "General Counsel")
    ran = box.ask(*PRUNE)
    assert ran.code == 1
    assert f"hold {hold['entry']} by General Counsel: matter 2026/7" in ran.err
    assert CANARY.encode() in (box.store / DATABASE).read_bytes()
    ok(box.ask("hold", "release", str(hold["entry"]), "--reason", "settled", "--by", "General Counsel"))
    [hold] = box.ask("hold", "list", "--format", "json").json
    assert hold["state"] == "withdrawn"
    assert hold["released_by"] > hold["entry"]
    assert "1 documents" in ok(box.ask(*PRUNE)).out
    ok(box.ask("verify"))


# Backup and restore, as docs/operations.md tells them.


def test_a_store_is_restored_and_goes_on(box: Sandbox, tmp_path: Path) -> None:
    ok(box.ask("backup", str(tmp_path / "copy"), "--with-keys"))
    outside = tmp_path / "outside.checkpoint"
    shutil.copy(box.store / "checkpoint", outside)
    box.store.rename(box.folder / "annexa-store.damaged")
    shutil.copytree(tmp_path / "copy", box.store)
    assert f"of {outside}" in ok(box.ask("verify", "--against", str(outside))).out
    play(box, 0, "after the restore", 20)
    ok(box.ask("verify", "--against", str(outside)))


def test_what_an_older_backup_lacks_is_named_and_stays_named(box: Sandbox, tmp_path: Path) -> None:
    ok(box.ask("backup", str(tmp_path / "copy"), "--with-keys"))
    play(box, 0, "lost", 21)
    outside = tmp_path / "outside.checkpoint"
    shutil.copy(box.store / "checkpoint", outside)
    shutil.rmtree(box.store)
    shutil.copytree(tmp_path / "copy", box.store)
    [problem] = against(box, outside)
    assert "an older copy of the store was put in its place" in problem
    for number in (22, 23):
        play(box, 0, "after the restore", number)
    [problem] = against(box, outside)
    assert "are not those that it is of" in problem
    ok(box.ask("verify"))


def against(box: Sandbox, outside: Path) -> list[str]:
    ran = box.ask("verify", "--against", str(outside), "--format", "json")
    assert ran.code == 4
    return [problem["message"] for problem in ran.json["problems"]]


def test_without_its_keys_a_restored_store_says_what_it_lacks(box: Sandbox, tmp_path: Path) -> None:
    told = ok(box.ask("backup", str(tmp_path / "copy"))).out
    assert "It holds no keys" in told
    shutil.rmtree(box.store)
    shutil.copytree(tmp_path / "copy", box.store)
    ok(box.ask("verify"))
    ran = box.ask("checkpoint")
    assert ran.code == 1
    assert "restore it from a backup" in ran.err


def test_a_backup_that_does_not_verify_exits_with_4(box: Sandbox, tmp_path: Path) -> None:
    (box.store / DATABASE).chmod(0o600)
    with Record.writer(box.store) as record, record.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE finding SET outcome = 'fail'")
    ran = box.ask("backup", str(tmp_path / "copy"))
    assert ran.code == 4
    assert not (tmp_path / "copy").exists()


def test_a_disk_that_fills_up_leaves_no_backup(box: Sandbox, tmp_path: Path) -> None:
    target = tmp_path / "place" / "copy"
    ran = box.run("backup", str(target), largest_file=64 * 1024)
    assert ran.code == 1
    assert "Traceback" not in ran.err
    assert list(target.parent.iterdir()) == []


# Clocks.


def ahead(box: Sandbox) -> None:
    play(box, -30, "in a month", 30)


def test_a_clock_that_was_ahead_is_accepted_by_name(box: Sandbox) -> None:
    ahead(box)
    ran = box.ask("checkpoint")
    assert ran.code == 1
    assert "nothing was written" in ran.err
    assert "annexa checkpoint accept-clock" in ran.err
    assert [row["name"] for row in _diagnose_store(box.store) if not row["ok"]] == ["store"]
    ok(box.ask("checkpoint", "accept-clock", "--reason", "dead battery", "--by", "Ann"))
    play(box, 0, "right again", 31)
    ok(box.ask("verify"))


def test_a_clock_is_accepted_also_where_nobody_can_sign(box: Sandbox) -> None:
    ahead(box)
    key = box.store / "signing.key"
    key.rename(box.folder / "aside")
    ran = ok(box.ask("checkpoint", "accept-clock", "--reason", "dead battery", "--by", "Ann"))
    assert "The clock is accepted" in ran.out
    assert "its checkpoint is not signed" in ran.err
    (box.folder / "aside").rename(key)
    ok(box.ask("checkpoint"))
    ok(box.ask("verify"))


def test_a_run_that_is_due_while_somebody_writes_waits_for_them(
    box: Sandbox, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    box.config.write_text("[schedule]\nevery_minutes = 5\n[aws]\n", encoding="utf-8")
    begun = threading.Event()

    class OnceDue:
        def __init__(self, schedule: object, job: object, last_start: object) -> None:
            self._job = job

        def run(self, stop: object) -> None:
            with Record.writer(box.store):
                due = threading.Thread(target=self._job)  # type: ignore[arg-type]
                due.start()
                assert not begun.wait(0.5)
            due.join()

    def collected(*run: object, **more: object) -> RunResult:
        begun.set()
        return RunResult("run-40", findings={"fail": 0, "unknown": 0})

    monkeypatch.setattr(annexa.commands.daemon, "_WAIT_S", 0.05)
    monkeypatch.setattr(annexa.commands.daemon, "Daemon", OnceDue)
    monkeypatch.setattr(annexa.commands.daemon, "collect", collected)
    caplog.set_level("INFO")
    ok(box.ask("daemon"))
    assert begun.is_set()
    assert any("waiting until it has finished" in one for one in caplog.messages)
    assert not any("the run failed" in one for one in caplog.messages)


def test_the_daemon_lives_on_with_a_clock_that_has_jumped_back(
    box: Sandbox, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    ahead(box)

    class TwiceDue:
        def __init__(self, schedule: object, job: object, last_start: object) -> None:
            self._job = job

        def run(self, stop: object) -> None:
            for _ in range(2):
                self._job()  # type: ignore[operator]

    monkeypatch.setattr(annexa.commands.daemon, "Daemon", TwiceDue)
    box.config.write_text("[schedule]\nevery_minutes = 5\n[aws]\n", encoding="utf-8")
    size = box.ask("verify", "--format", "json").json["size"]
    ok(box.ask("daemon"))
    refusals = [one for one in caplog.messages if "this host's clock says" in one]
    assert len(refusals) == 2
    assert box.ask("verify", "--format", "json").json["size"] == size
