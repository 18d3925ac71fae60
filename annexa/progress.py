"""What is going on, on standard error, and only on a terminal."""

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from collectors.contract import Progress


@contextmanager
def progress_display() -> Iterator[Callable[[Progress], None]]:
    """Show the collections under way and how many documents were read."""
    if not sys.stderr.isatty():
        yield _ignore
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, SpinnerColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bar

    lock = threading.Lock()
    started: set[tuple[str, str, str]] = set()
    documents: dict[tuple[str, str, str], int] = {}
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TextColumn("collections, {task.fields[documents]} documents"),
        TimeElapsedColumn(),
    )
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("discovering", total=None, documents=0)

        def show(event: Progress) -> None:
            key = (event.scope, event.target.resource_type, event.target.region)
            with lock:
                documents[key] = event.resources
                if event.state == "started":
                    started.add(key)
                if event.state in ("done", "incomplete"):
                    bar.advance(task)
                where = f" in {event.target.region}" if event.target.region else ""
                bar.update(
                    task,
                    total=len(started),
                    description=f"{event.target.resource_type}{where}"[:44].ljust(44),
                    documents=sum(documents.values()),
                )

        yield show


@contextmanager
def stage_display() -> Iterator[Callable[[str], None]]:
    """Show which stage of something long is under way."""
    if not sys.stderr.isatty():
        yield lambda stage: None
        return
    from rich.console import Console

    with Console(stderr=True).status("") as status:
        yield status.update


def _ignore(event: Progress) -> None:
    del event
