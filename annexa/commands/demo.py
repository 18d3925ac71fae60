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
    from scheduler.runner import RunResult

_NEXT = (
    "status --framework soc2",
    "controls show 8.24",
    "findings --control 8.24 --outcome fail --provider azure",
    "evidence show gcp.storage.bucket/fernhill-study-exports",
    "people",
    "people --only admin",
    "findings --provider ldap --outcome fail",
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
    """Collect a made-up, deliberately imperfect organisation with clouds, a directory and an
    identity provider.

    It has AWS, Azure and Google Cloud, an Active Directory, and Entra ID, where people sign in.

    They are servers on this machine, but the way is the ordinary one: the providers' own protocols,
    the same definitions and checks, the same record.
    """
    try:
        from annexa.demo.aws import aws
        from annexa.demo.azure import azure
        from annexa.demo.entra import entra
        from annexa.demo.gcp import gcp
        from annexa.demo.ldap import ldap
        from annexa.demo.tls import make_certificate
    except ImportError as error:
        raise CollectorError(f"the demo needs {error.name}", "pip install 'annexa[demo]'") from error

    folder = fresh_folder(directory)
    cancelled = threading.Event()
    with contained(folder) as private, ExitStack() as stack:
        with console(stderr=True).status("Starting local servers and seeding three clouds …"):
            certificate = make_certificate(private)
            served = (aws(), azure(certificate), gcp(private), ldap(certificate), entra(certificate))
            clouds = [stack.enter_context(each) for each in served]
        click.echo("Fernhill Clinics, made up for this demo, has on servers of this machine:")
        click.echo("".join(f"  {cloud.title}\n" for cloud in clouds))
        config = _write_config(folder, clouds)
        workspace = Workspace.load(config)
        result = _collect(workspace, clouds, cancelled)
    if cancelled.is_set():
        return int(ExitCode.INTERRUPTED)
    with workspace.reading() as record:
        report(workspace, record)
        verification = verify(record)
    print_summary(result)
    click.echo(verification_line(verification))
    click.echo(f"\nThe store is in {workspace.config.store_path}. Try next:")
    values = {"today": utc_now().date(), "folder": config.parent}
    for arguments in _NEXT:
        click.echo(f"  annexa --config {config} {arguments.format(**values)}")
    return int(ExitCode.COMPLETE if verification.ok else ExitCode.VERIFICATION)


def _collect(workspace: Workspace, clouds: "Sequence[DemoCloud]", cancelled: threading.Event) -> "RunResult":
    leading = {name: value for cloud in clouds for name, value in cloud.environment.items()}
    with environment(**leading), workspace.writing() as record, stopping_on_signals(cancelled):
        return collect(workspace, record, cancelled, trigger="demo")


def _write_config(folder: Path, clouds: "Sequence[DemoCloud]") -> Path:
    template = (resources.files("annexa.demo") / "annexa.toml").read_text(encoding="utf-8")
    path = folder / "annexa.toml"
    path.write_text("\n".join([template, *(cloud.section for cloud in clouds)]), encoding="utf-8")
    return path
