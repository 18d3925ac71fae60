"""``annexa collect``."""

import datetime as dt
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import click

from annexa.exit_codes import ExitCode
from annexa.output import Row, format_option, print_object, shown
from annexa.progress import progress_display
from annexa.rows import waiver_of, waivers_in_force
from annexa.workspace import Workspace
from scheduler.plan import Selection
from scheduler.runner import Runner, RunResult
from store.errors import CollectorError, ConfigError
from store.model import SEVERITY_RANK, Outcome, Severity
from store.record import Record
from store.tallies import tallies


@click.command()
@click.option("--only", multiple=True, help="Only resource types that match, e.g. 'aws.s3.*'.")
@click.option(
    "--fail-on",
    type=click.Choice([severity.value for severity in Severity]),
    help="Exit with 3 if a failed finding is at least this severe.",
)
@format_option
@click.pass_obj
def command(config: Path | None, only: tuple[str, ...], fail_on: str | None, form: str) -> int:
    """Collect from every provider that is turned on, judge, and record."""
    workspace = Workspace.load(config)
    cancelled = threading.Event()
    with workspace.writing() as record, stopping_on_signals(cancelled):
        result = collect(workspace, record, cancelled, trigger="collect", only=only)
        failures = failures_from(record, Severity(fail_on)) if fail_on else Failures()
        code = exit_code(result, failures)
    row = run_row(result, code)
    print_object(row, form, lambda: print_summary(result))
    if failures.waived:
        click.echo(f"--fail-on leaves out failures that are waived: {failures.waived}.", err=True)
    return int(code)


def collect(
    workspace: Workspace,
    record: Record,
    cancelled: threading.Event,
    *,
    trigger: str,
    only: tuple[str, ...] = (),
) -> RunResult:
    """Run once as the configuration says, with a progress display.

    Args:
        only: patterns that replace the configured ``collect.only``.
    """
    checks = workspace.checks.values()
    with progress_display() as progress:
        collectors = workspace.collectors(record.redaction_key(), progress, cancelled)
        selections = workspace.selections()
        if only:
            selections = {name: Selection(only, each.skip) for name, each in selections.items()}
        runner = Runner(
            record,
            collectors,
            checks,
            selections,
            workers=workspace.config.file.collect.workers,
            accounts=workspace.accounts,
            fresh_for=dt.timedelta(days=workspace.config.file.status.stale_after_days),
            cancelled=cancelled,
        )
        try:
            return runner.run(trigger)
        except (CollectorError, ConfigError) as error:
            raise workspace.config.located(error) from error


@dataclass(frozen=True, slots=True)
class Failures:
    """How many findings fail, and how many more fail and are waived."""

    counted: int = 0
    waived: int = 0


def failures_from(record: Record, severity: Severity) -> Failures:
    """Count the failures that are at least so severe."""
    counted = waived = 0
    waivers = waivers_in_force(record)
    for found in tallies(record, apart=waivers.resources):
        worst = SEVERITY_RANK[Severity(found.check_body["severity"])] <= SEVERITY_RANK[severity]
        if worst and found.outcome is Outcome.FAIL:
            if waiver_of(waivers, found) is None:
                counted += found.number
            else:
                waived += found.number
    return Failures(counted, waived)


def exit_code(result: RunResult, failures: Failures) -> ExitCode:
    """Decide the exit code of a run; see :class:`ExitCode`."""
    if result.status == "interrupted":
        return ExitCode.INTERRUPTED
    if result.gaps:
        return ExitCode.GAPS
    return ExitCode.FINDINGS if failures.counted else ExitCode.COMPLETE


def run_row(result: RunResult, code: ExitCode) -> Row:
    """Return a run as ``--format json`` gives it."""
    return {
        "run": result.run,
        "status": result.status,
        "exit_code": int(code),
        "collections": result.collections,
        "resources": result.resources,
        "gaps": result.gaps,
        "findings": result.findings,
        "changed": result.changed,
        "bytes_written": result.bytes_written,
        "duration_s": result.duration_s,
        "size": result.size,
        "root": result.root,
        "notices": result.notices,
    }


def print_summary(result: RunResult) -> None:
    """Say in a few lines what a run did."""
    words = {
        "complete": "complete: everything that was asked for was read",
        "gaps": f"incomplete: {result.gaps} calls could not be read, and what needs them is unknown",
        "interrupted": "interrupted: what was acknowledged until then is kept",
    }
    click.echo(f"Run {result.run} is {words[result.status]}.")
    click.echo(
        f"  {result.resources} resources in {result.collections} collections, {result.changed} changed, "
        f"{result.bytes_written:,} bytes written, {result.duration_s:.1f} s"
    )
    counts = result.findings
    click.echo(
        f"  findings: {counts[Outcome.FAIL]} fail, {counts[Outcome.UNKNOWN]} unknown, "
        f"{counts[Outcome.ERROR]} error, {counts[Outcome.PASS]} pass, "
        f"{counts[Outcome.NOT_APPLICABLE]} not applicable"
    )
    if result.gaps:
        click.echo("  `annexa gaps` lists what could not be read.")
    for notice in result.notices:
        click.echo(f"  {shown(notice)}")


@contextmanager
def stopping_on_signals(cancelled: threading.Event) -> Iterator[None]:
    """Stop gracefully on Ctrl-C and SIGTERM; a second signal stops at once."""

    def stop(number: int, frame: FrameType | None) -> None:
        del frame
        if cancelled.is_set():
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)
        cancelled.set()
        click.echo("Stopping; what was acknowledged is kept. Once more to stop at once.", err=True)

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
