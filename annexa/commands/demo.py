"""``annexa demo``."""

import threading
from collections.abc import Sequence
from contextlib import ExitStack
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

import click

from annexa.commands.collect import collect, print_summary, stopping_on_signals
from annexa.commands.verify import verification_line
from annexa.demo.containment import contained, environment, fresh_folder
from annexa.demo.report import report
from annexa.exit_codes import ExitCode
from annexa.output import console
from annexa.workspace import Workspace
from store.errors import CollectorError
from store.instant import utc_now
from store.verify import verify

if TYPE_CHECKING:
    from annexa.demo.cloud import DemoCloud
    from annexa.demo.estate import Estate
    from scheduler.runner import RunResult

_NEXT = (
    "status --framework soc2",
    "controls show 8.24",
    "findings --control 8.24 --outcome fail",
    "evidence show aws.iam.account/{account}",
    "gaps",
    "verify --format json",
    "export pack --period {today}..{today} --out {folder}/audit.zip",
)


@click.command()
@click.option(
    "--directory",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(".annexa-demo"),
    show_default=True,
    help="Where everything is written; nothing is written outside.",
)
def command(directory: Path) -> int:
    """Collect seeded, deliberately imperfect clouds from servers on this machine.

    The clouds are made up and the servers are local, but the way is the ordinary one: the providers'
    clients over HTTP, the same definitions and checks, the same record.
    """
    try:
        from annexa.demo.azure import azure
        from annexa.demo.estate import seed
        from annexa.demo.server import MotoServer
        from annexa.demo.tls import make_certificate
    except ImportError as error:
        raise CollectorError(f"the demo needs {error.name}", "pip install 'annexa[demo]'") from error

    folder = fresh_folder(directory)
    cancelled = threading.Event()
    with contained(folder), MotoServer() as server, ExitStack() as stack:
        with console(stderr=True).status("Starting local servers and seeding three clouds …"):
            certificate = make_certificate(folder)
            clouds = [stack.enter_context(cloud(certificate)) for cloud in (azure,)]
            estate = seed(server.endpoint)
        click.echo(
            f"Seeded AWS account {estate.account} with {sum(estate.made.values())} resources "
            f"in {' and '.join(estate.regions)}"
            + "".join(f", {cloud.title}" for cloud in clouds)
            + "."
        )
        config = _write_config(folder, estate, clouds)
        workspace = Workspace.load(config)
        result = _collect(workspace, estate, clouds, cancelled)
    if cancelled.is_set():
        return int(ExitCode.INTERRUPTED)
    with workspace.reading() as record:
        report(workspace, record)
        verification = verify(record)
    print_summary(result)
    click.echo(verification_line(verification))
    click.echo(f"\nThe store is in {workspace.config.store_path}. Try next:")
    values = {"account": estate.account, "today": utc_now().date(), "folder": config.parent}
    for arguments in _NEXT:
        click.echo(f"  annexa --config {config} {arguments.format(**values)}")
    return int(ExitCode.COMPLETE if verification.ok else ExitCode.VERIFICATION)


def _collect(
    workspace: Workspace, estate: "Estate", clouds: "Sequence[DemoCloud]", cancelled: threading.Event
) -> "RunResult":
    more = {name: value for cloud in clouds for name, value in cloud.environment.items()}
    credentials = environment(
        **more,
        AWS_ACCESS_KEY_ID=estate.access_key,
        AWS_SECRET_ACCESS_KEY=estate.secret_key,
        AWS_ENDPOINT_URL=estate.endpoint,
        AWS_DEFAULT_REGION=estate.regions[0],
    )
    with credentials, workspace.writing() as record, stopping_on_signals(cancelled):
        return collect(workspace, record, cancelled, trigger="demo")


def _write_config(folder: Path, estate: "Estate", clouds: "Sequence[DemoCloud]") -> Path:
    template = (resources.files("annexa.demo") / "annexa.toml").read_text(encoding="utf-8")
    regions = "[" + ", ".join(f'"{region}"' for region in estate.regions) + "]"
    path = folder / "annexa.toml"
    text = template.replace("@REGIONS@", regions).replace("@ENDPOINT@", estate.endpoint)
    path.write_text("\n".join([text, *(cloud.section for cloud in clouds)]), encoding="utf-8")
    return path
