"""The daemon: when it runs, that it never runs twice at once, and how it ends."""

import datetime as dt
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from zoneinfo import ZoneInfo

import boto3
import pytest
from apscheduler.triggers.interval import IntervalTrigger

from annexa.demo.server import MotoServer
from annexa.workspace import Workspace
from scheduler.daemon import Daemon, Schedule
from scheduler.judgement import Judge
from store.errors import ConfigError
from store.record import Record
from store.verify import verify
from tests.annexa.support_cli import Sandbox, limited

_PATIENCE_S = 10.0
_MONDAY = dt.datetime(2026, 3, 2, 12, tzinfo=dt.UTC)


class Often(Schedule):
    """An interval that a test can wait for."""

    def trigger(self) -> IntervalTrigger:
        return IntervalTrigger(seconds=0.1, timezone=dt.UTC)


def _often() -> Schedule:
    return Often(every_minutes=1)


def _after_all_runs() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


@contextmanager
def serving(daemon: Daemon) -> Iterator[threading.Event]:
    """Let a daemon serve in a thread; yields what stops it, and waits for its end."""
    stop = threading.Event()
    thread = threading.Thread(target=daemon.run, args=(stop,), daemon=True)
    thread.start()
    try:
        yield stop
    finally:
        stop.set()
        thread.join(_PATIENCE_S)
        assert not thread.is_alive(), "the daemon does not stop"


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline, "it does not happen"
        time.sleep(0.01)


class Job:
    """Counts its runs, and how many were under way at once at most."""

    def __init__(self, lasts: float = 0.0) -> None:
        self.runs = 0
        self.ended = 0
        self.most_at_once = 0
        self._lasts = lasts
        self._lock = threading.Lock()

    def __call__(self) -> None:
        with self._lock:
            self.runs += 1
            self.most_at_once = max(self.most_at_once, self.runs - self.ended)
        time.sleep(self._lasts)
        with self._lock:
            self.ended += 1


# --- when it runs -------------------------------------------------------------------------------


def test_it_runs_again_and_again() -> None:
    job = Job()
    with serving(Daemon(_often(), job, _after_all_runs())):
        wait_until(lambda: job.runs >= 3)


def test_the_very_first_run_begins_at_once() -> None:
    job = Job()
    with serving(Daemon(Schedule(every_minutes=60), job, None)):
        wait_until(lambda: job.runs == 1)


def test_however_many_runs_were_missed_one_is_caught_up() -> None:
    job = Job()
    a_month_ago = dt.datetime.now(dt.UTC) - dt.timedelta(days=30)
    with serving(Daemon(Schedule(every_minutes=1), job, a_month_ago)):
        wait_until(lambda: job.runs == 1)
        time.sleep(0.5)
    assert job.runs == 1


def test_nothing_is_caught_up_where_no_run_was_missed() -> None:
    job = Job()
    a_while_ago = dt.datetime.now(dt.UTC) - dt.timedelta(minutes=5)
    with serving(Daemon(Schedule(every_minutes=60), job, a_while_ago)):
        time.sleep(0.5)
    assert job.runs == 0


def test_the_clock_that_it_is_given_decides_what_was_missed() -> None:
    job = Job()
    last, now = _MONDAY, _MONDAY + dt.timedelta(minutes=59)
    with serving(Daemon(Schedule(every_minutes=60), job, last, clock=lambda: now)):
        time.sleep(0.3)
    assert job.runs == 0
    with serving(Daemon(Schedule(every_minutes=60), job, last, clock=lambda: now + dt.timedelta(minutes=1))):
        wait_until(lambda: job.runs == 1)


def test_a_run_that_takes_longer_than_the_interval_is_not_overlapped() -> None:
    job = Job(lasts=0.35)
    with serving(Daemon(_often(), job, None)):
        wait_until(lambda: job.ended >= 3)
    assert job.most_at_once == 1
    assert job.runs <= job.ended + 1


def test_a_run_that_fails_is_not_the_last() -> None:
    runs: list[int] = []

    def fail() -> None:
        runs.append(1)
        raise RuntimeError("this run is lost")

    with serving(Daemon(_often(), fail, None)):
        wait_until(lambda: len(runs) >= 3)


# --- how it ends --------------------------------------------------------------------------------


def test_it_waits_for_the_run_under_way() -> None:
    job = Job(lasts=0.5)
    with serving(Daemon(_often(), job, None)) as stop:
        wait_until(lambda: job.runs == 1)
        stop.set()
    assert (job.runs, job.ended) == (1, 1)


def test_it_ends_at_once_where_nothing_is_under_way() -> None:
    with serving(Daemon(Schedule(cron="0 0 1 1 *"), Job(), _after_all_runs())) as stop:
        begun = time.monotonic()
        stop.set()
    assert time.monotonic() - begun < 2


def test_a_wrong_schedule_is_told_before_it_serves() -> None:
    with pytest.raises(ConfigError, match="nothing is scheduled"):
        Daemon(Schedule(), Job(), None).run(threading.Event())


# --- schedules ----------------------------------------------------------------------------------


def _next(cron: str, after: dt.datetime = _MONDAY, timezone: str = "UTC") -> dt.datetime:
    """When a cron expression is due next after a moment."""
    found: dt.datetime = Schedule(cron=cron, timezone=timezone).trigger().get_next_fire_time(None, after)
    return found.astimezone(dt.UTC)


@pytest.mark.parametrize(
    ("cron", "due"),
    [
        ("15 4 * * *", "2026-03-03T04:15"),
        ("*/20 * * * *", "2026-03-02T12:00"),
        ("0 0 1 * *", "2026-04-01T00:00"),
        ("0 6 * jan *", "2027-01-01T06:00"),
    ],
)
def test_a_cron_expression_says_when(cron: str, due: str) -> None:
    assert f"{_next(cron):%Y-%m-%dT%H:%M}" == due


@pytest.mark.parametrize(
    ("weekday", "days"),
    [
        ("0", "Sun"),
        ("7", "Sun"),
        ("1", "Mon"),
        ("sun", "Sun"),
        ("Wed", "Wed"),
        ("1-5", "Mon Tue Wed Thu Fri"),
        ("5-7", "Fri Sat Sun"),
        ("0-7", "Sun Mon Tue Wed Thu Fri Sat"),
        ("6-1", "Sat Sun Mon"),
        ("mon-wed", "Mon Tue Wed"),
        ("0,3", "Sun Wed"),
        ("*/2", "Sun Tue Thu Sat"),
        ("1-5/2", "Mon Wed Fri"),
        ("*", "Sun Mon Tue Wed Thu Fri Sat"),
    ],
)
def test_weekdays_are_numbered_as_in_crontab(weekday: str, days: str) -> None:
    moment, found = _MONDAY, []
    for _ in range(8):
        moment = _next(f"0 6 * * {weekday}", moment + dt.timedelta(seconds=1))
        found.append(f"{moment:%a}")
    assert set(found) == set(days.split())


def test_where_day_and_weekday_are_both_named_either_will_do() -> None:
    """2026-03-06 is a Friday; crontab(5): the command runs when either field matches."""
    assert _next("0 6 13 * 5").isoformat() == "2026-03-06T06:00:00+00:00"
    assert _next("0 6 3 * 5").isoformat() == "2026-03-03T06:00:00+00:00"


def test_the_time_zone_is_that_of_the_expression() -> None:
    winter, summer = _MONDAY, dt.datetime(2026, 7, 1, tzinfo=dt.UTC)
    assert _next("15 4 * * *", winter, "Europe/Berlin").hour == 3
    assert _next("15 4 * * *", summer, "Europe/Berlin").hour == 2


@pytest.mark.parametrize(
    "cron",
    [
        "* * * *",
        "61 * * * *",
        "* 25 * * *",
        "* * * * 8",
        "* * * * someday",
        "* * * * 1/2",
        "* * * * 1-5/0",
        "x",
    ],
)
def test_an_expression_that_is_none_is_told_with_an_example(cron: str) -> None:
    with pytest.raises(ConfigError, match=r"schedule\.cron") as told:
        Schedule(cron=cron).trigger()
    assert '"15 4 * * *"' in told.value.hint


@pytest.mark.parametrize("zone", ["Mars/Olympus", "../etc/passwd", "Europe"])
def test_a_time_zone_that_is_none_is_told_with_an_example(zone: str) -> None:
    with pytest.raises(ConfigError, match=r"schedule\.timezone") as told:
        Schedule(cron="15 4 * * *", timezone=zone).trigger()
    assert '"Europe/Berlin"' in told.value.hint


@pytest.mark.parametrize(
    ("schedule", "last", "now", "missed"),
    [
        (Schedule(every_minutes=60), None, "12:00", True),
        (Schedule(every_minutes=60), "11:01", "12:00", False),
        (Schedule(every_minutes=60), "11:00", "12:00", True),
        (Schedule(cron="15 4 * * *", timezone="UTC"), None, "12:00", True),
        (Schedule(cron="15 4 * * *", timezone="UTC"), "04:14", "04:15", True),
        (Schedule(cron="15 4 * * *", timezone="UTC"), "04:15", "23:59", False),
        (Schedule(cron="15 4 * * *", timezone="UTC"), "03:00", "04:14", False),
        (Schedule(cron="15 4 * * *", timezone="Europe/Berlin"), "03:00", "03:20", True),
        (Schedule(cron="15 4 * * *", timezone="UTC", jitter_s=3600), "04:14", "04:15", True),
        (Schedule(cron="0 6 * * 1", timezone="UTC"), "05:00", "06:00", True),
        (Schedule(cron="0 6 * * 2", timezone="UTC"), "05:00", "06:00", False),
    ],
)
def test_a_run_was_missed_where_one_was_due_since_the_last_began(
    schedule: Schedule, last: str | None, now: str, missed: bool
) -> None:
    def moment(text: str) -> dt.datetime:
        hour, minute = text.split(":")
        return _MONDAY.replace(hour=int(hour), minute=int(minute))

    assert schedule.missed(moment(last) if last else None, moment(now)) is missed


def test_jitter_only_delays() -> None:
    trigger = Schedule(cron="15 4 * * *", timezone="UTC", jitter_s=600).trigger()
    due = [trigger.get_next_fire_time(None, _MONDAY) for _ in range(50)]
    on_time = dt.datetime(2026, 3, 3, 4, 15, tzinfo=ZoneInfo("UTC"))
    assert all(on_time <= each <= on_time + dt.timedelta(minutes=10) for each in due)
    assert len(set(due)) > 1


# --- the whole of it, as a process --------------------------------------------------------------

_CONFIG = """
[collect]
only = ["aws.sqs.queue"]
[schedule]
every_minutes = 1
[aws]
regions = ["eu-central-1"]
retries = 1
"""


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    with MotoServer() as server:
        sqs = boto3.Session("key", "secret", region_name="eu-central-1").client(
            "sqs", endpoint_url=server.endpoint
        )
        for number in range(100):
            sqs.create_queue(QueueName=f"queue-{number}")
        yield server.endpoint


@contextmanager
def daemon(sandbox: Sandbox, *, largest_file: int | None = None) -> Iterator[subprocess.Popen[str]]:
    """The daemon as a process, whose standard error is what it logs."""
    command = [*sandbox.command, "daemon"]
    process = subprocess.Popen(
        command if largest_file is None else limited(command, largest_file),
        env=sandbox.environment,
        cwd=sandbox.folder,
        stderr=subprocess.PIPE,
        text=True,
    )
    silence = threading.Timer(60, process.kill)
    silence.start()
    try:
        yield process
    finally:
        silence.cancel()
        process.kill()
        process.wait()


def _read_until(process: subprocess.Popen[str], word: str) -> str:
    assert process.stderr is not None
    said = ""
    for line in process.stderr:
        said += line
        if word in line:
            return said
    raise AssertionError(f"the daemon ended without saying {word!r}: {said}")


@pytest.mark.slow
def test_the_daemon_runs_what_is_due_and_stops_on_sigterm(tmp_path: Path, endpoint: str) -> None:
    sandbox = Sandbox.make(tmp_path, _CONFIG, endpoint=endpoint)
    with daemon(sandbox) as process:
        said = _read_until(process, "100 resources")
        assert "a run is due" in said
        process.send_signal(signal.SIGTERM)
        _, rest = process.communicate(timeout=_PATIENCE_S)

    assert process.returncode == 0
    assert "Traceback" not in said + rest
    with Record.open(sandbox.store) as record:
        assert verify(record).ok


@pytest.mark.slow
def test_the_daemon_outlives_a_run_that_the_disk_has_no_room_for(tmp_path: Path, endpoint: str) -> None:
    sandbox = Sandbox.make(tmp_path, _CONFIG, endpoint=endpoint)
    with Record.writer(sandbox.store) as record:
        Judge.register(record, Workspace.load(sandbox.config).checks.values())
    with daemon(sandbox, largest_file=100 * 1024) as process:
        said = _read_until(process, "the run failed")
        time.sleep(0.5)
        assert process.poll() is None, "one failed run ended the daemon"
        process.send_signal(signal.SIGTERM)
        _, rest = process.communicate(timeout=_PATIENCE_S)

    assert process.returncode == 0
    assert "Traceback" not in said + rest
    with Record.open(sandbox.store) as record:
        assert verify(record).ok
