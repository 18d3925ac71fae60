"""``annexa daemon``."""

import datetime as dt
import logging
import threading
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import click

from annexa.commands.collect import collect, stopping_on_signals
from annexa.output import Row, shown
from annexa.rows import gap_rows
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

_CODES = 5
"""How many codes a line of the log names."""


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
    # Libraries would log each request, with the names of people in its address.
    logging.basicConfig(
        level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s", datefmt="%Y-%m-%dT%H:%M:%S%z"
    )
    logging.getLogger("annexa").setLevel(logging.INFO)
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
            result = collect(current, record, stop.new_run(), trigger="schedule")
            if result.gaps:
                for line in unread(row for row in gap_rows(record) if row["run"] == result.run):
                    logger.warning("%s", line)
            return result

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
            "run %s %s: %d resources, %d changed, %d gaps, %d findings fail, %d unknown, %.1f s",
            result.run,
            "has gaps" if result.status == "gaps" else f"is {result.status}",
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


def unread(gaps: Iterable[Row]) -> list[str]:
    """Say in a line for each provider what of it could not be read.

    Args:
        gaps: rows of ``annexa gaps``.
    """
    codes: dict[str, Counter[str]] = {}
    whole: dict[str, str] = {}
    for gap in gaps:
        codes.setdefault(gap["provider"], Counter())[gap["code"]] += 1
        if gap["scope"] == "discovery":
            whole.setdefault(gap["provider"], gap["message"])
    return [
        shown(f"{provider}: {_told(found)}; `annexa gaps` lists them")
        if provider not in whole
        else shown(f"{provider}: not everything could be found there: {whole[provider]}")
        for provider, found in codes.items()
    ]


def _told(found: Counter[str]) -> str:
    named = ", ".join(f"{code} ({number})" for code, number in found.most_common(_CODES))
    return f"{found.total()} calls could not be read: {named}{', …' if len(found) > _CODES else ''}"


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
