"""``annexa daemon``."""

import datetime as dt
import logging
import threading
from pathlib import Path

import click

from annexa.commands.collect import collect, stopping_on_signals
from annexa.workspace import Workspace
from scheduler.daemon import Daemon, Schedule
from scheduler.runner import RunResult
from store import query
from store.errors import AnnexaError, BusyError, ConfigError, StoreError
from store.record import DATABASE, Record, create_folder

logger = logging.getLogger("annexa.daemon")

_WAIT_S = 15.0
_TRIES = 120
"""Half an hour together: longer than pruning takes."""


class _Stop(threading.Event):
    """Asks the daemon to stop, and the run that is under way with it.

    Attributes:
        run: stops one run only: it is also set where that run fails, and the schedule goes on then.
    """

    def __init__(self) -> None:
        super().__init__()
        self.run = threading.Event()

    def set(self) -> None:
        super().set()
        self.run.set()

    def new_run(self) -> threading.Event:
        """Return the event that stops the next run."""
        self.run = threading.Event()
        if self.is_set():
            self.run.set()
        return self.run


@click.command()
@click.pass_obj
def command(config: Path | None) -> None:
    """Collect on the schedule of [schedule] until stopped by Ctrl-C or SIGTERM.

    After downtime one missed run is caught up, however many were missed.
    """
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", datefmt="%Y-%m-%dT%H:%M:%S%z"
    )
    logging.getLogger("apscheduler").setLevel(logging.WARNING)
    workspace = Workspace.load(config)
    section = workspace.config.file.schedule
    schedule = Schedule(
        cron=section.cron or "",
        every_minutes=section.every_minutes or 0,
        timezone=section.timezone or "",
        jitter_s=section.jitter_s,
    )
    try:
        schedule.trigger()
    except ConfigError as error:
        raise workspace.config.located(error) from error
    create_folder(workspace.config.store_path)
    workspace.collectors(redaction_key=b"")
    stop = _Stop()

    def one_run() -> RunResult:
        # The configuration is read anew, so that an edit holds from the next run on.
        current = Workspace.load(config)
        with current.writing() as record:
            return collect(current, record, stop.new_run(), trigger="schedule")

    def run_once() -> None:
        # Somebody who files a statement or prunes just now must not cost a day.
        tries = _TRIES
        try:
            while True:
                tries -= 1
                try:
                    result = one_run()
                    break
                except BusyError as error:
                    if not tries or stop.wait(_WAIT_S):
                        raise
                    logger.info("%s; waiting until it has finished", error)
        except AnnexaError as error:
            logger.error("the run failed: %s %s", error, error.hint)
            return
        logger.info(
            "run %s is %s: %d resources, %d changed, %d gaps, %d findings fail, %d unknown, %.1f s",
            result.run,
            result.status,
            result.resources,
            result.changed,
            result.gaps,
            result.findings["fail"],
            result.findings["unknown"],
            result.duration_s,
        )
        for notice in result.notices:
            logger.warning("%s", notice)

    with stopping_on_signals(stop):
        Daemon(schedule, run_once, _last_start(workspace.config.store_path)).run(stop)


def _last_start(store: Path) -> dt.datetime | None:
    if not (store / DATABASE).is_file():
        return None
    try:
        with Record.open(store) as record:
            last = query.last_run(record)
    except StoreError as error:
        logger.warning("%s", error)
        return None
    return dt.datetime.fromisoformat(last["started"]) if last else None
