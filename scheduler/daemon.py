"""The daemon: one job on a cron expression or an interval, once at a time, caught up once."""

import datetime as dt
import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.combining import OrTrigger
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.interval import IntervalTrigger

from store.errors import ConfigError

logger = logging.getLogger("annexa.daemon")


@dataclass(frozen=True, slots=True)
class Schedule:
    """When to run: a cron expression or an interval.

    Attributes:
        cron: five fields, as in crontab(5).
        timezone: of the cron expression, an IANA name; the machine's own if empty.
        jitter_s: up to so many seconds are added by chance.
    """

    cron: str = ""
    every_minutes: int = 0
    timezone: str = ""
    jitter_s: int = 0

    def trigger(self) -> BaseTrigger:
        """Return the trigger.

        Raises:
            ConfigError: the expression or the time zone is wrong, or neither is set.
        """
        zone = self._zone()
        if self.every_minutes:
            return IntervalTrigger(minutes=self.every_minutes, jitter=self.jitter_s or None, timezone=zone)
        if not self.cron:
            raise ConfigError(
                "schedule: nothing is scheduled", "Set 'cron' or 'every_minutes' in [schedule]."
            )
        trigger = self._crontab(zone)
        trigger.jitter = self.jitter_s or None
        return trigger

    def missed(self, last_start: dt.datetime | None, now: dt.datetime) -> bool:
        """Say whether a run was due since the last one began; the first is always due.

        Args:
            last_start, now: aware moments.
        """
        if last_start is None:
            return True
        if self.every_minutes:
            return now - last_start >= dt.timedelta(minutes=self.every_minutes)
        due = self._crontab(self._zone()).get_next_fire_time(None, last_start + dt.timedelta(microseconds=1))
        return due is not None and due <= now

    def _crontab(self, zone: dt.tzinfo | None) -> CronTrigger | OrTrigger:
        # Not CronTrigger.from_crontab: for it 0 is Monday, and both days must fit where cron asks for either.
        try:
            minute, hour, day, month, weekday = self.cron.split()
            fields = {"minute": minute, "hour": hour, "month": month, "timezone": zone}
            weekdays = _weekdays(weekday)
            if day.startswith("*") or weekday.startswith("*"):
                return CronTrigger(day=day, day_of_week=weekdays, **fields)
            return OrTrigger([CronTrigger(day=day, **fields), CronTrigger(day_of_week=weekdays, **fields)])
        except ValueError as error:
            raise ConfigError(
                f"schedule.cron: {self.cron!r}: {error}",
                'Write five fields: minute hour day month weekday, e.g. "15 4 * * *".',
            ) from error

    def _zone(self) -> dt.tzinfo | None:
        if not self.timezone:
            return None
        try:
            return ZoneInfo(self.timezone)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise ConfigError(
                f"schedule.timezone: there is no time zone {self.timezone!r}",
                'Use an IANA name, e.g. "Europe/Berlin".',
            ) from error


_WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")


def _weekdays(field: str) -> str:
    """Return crontab's field of weekdays, where 0 and 7 are Sunday, as a list of names.

    Raises:
        ValueError: it is none.
    """
    if field == "*":
        return field
    found: list[str] = []
    for part in field.lower().split(","):
        span, slash, step = part.partition("/")
        first, dash, last = ("0", "-", "6") if span == "*" else span.partition("-")
        begin = end = _weekday(first)
        if dash:
            end = 7 if last == "7" else _weekday(last)
            end += 7 if end < begin else 0  # as in sat-mon
        if slash and not (dash and step.isdecimal() and int(step)):
            raise ValueError(f"{part!r} is no weekday")
        found += [_WEEKDAYS[number % 7] for number in range(begin, end + 1, int(step or 1))]
    return ",".join(dict.fromkeys(found))


def _weekday(name: str) -> int:
    if name.isdecimal() and int(name) <= 7:
        return int(name) % 7
    if name not in _WEEKDAYS:
        raise ValueError(f"{name!r} is no weekday")
    return _WEEKDAYS.index(name)


class Daemon:
    """Runs a job on a schedule until stopped.

    Args:
        job: makes one run; what it raises is logged and the schedule goes on.
        last_start: when the last run began, for catching up.
    """

    def __init__(
        self,
        schedule: Schedule,
        job: Callable[[], None],
        last_start: dt.datetime | None,
        clock: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC),
    ) -> None:
        self._schedule = schedule
        self._job = job
        self._last_start = last_start
        self._clock = clock

    def run(self, stop: threading.Event) -> None:
        """Serve the schedule until ``stop`` is set; a run under way is waited for.

        Raises:
            ConfigError: the schedule is wrong.
        """
        scheduler = BackgroundScheduler(executors={"default": ThreadPoolExecutor(1)}, timezone=dt.UTC)
        trigger = self._schedule.trigger()
        # One at a time, and however many were missed while one was under way count as one.
        scheduler.add_job(
            self._once, trigger, id="collect", max_instances=1, coalesce=True, misfire_grace_time=None
        )
        if self._schedule.missed(self._last_start, self._clock()):
            scheduler.modify_job("collect", next_run_time=self._clock())
            logger.info("a run is due; starting it now")
        scheduler.start()
        try:
            job = scheduler.get_job("collect")
            if job is not None and job.next_run_time is not None:
                logger.info("next run at %s", job.next_run_time.isoformat(timespec="seconds"))
            stop.wait()
        finally:
            scheduler.shutdown(wait=True)

    def _once(self) -> None:
        try:
            self._job()
        except Exception:
            logger.exception("the run failed; the schedule goes on")
