"""The command line: one module a command, each imported only when it is called."""

import os
import sys
from pathlib import Path
from typing import Any

import click

from annexa.exit_codes import ExitCode
from annexa.lazy_group import LazyGroup, ReaderLeftError
from store.errors import AnnexaError

_COMMANDS = {
    "init": "Write annexa.toml and make the store.",
    "doctor": "Say whether configuration, credentials, permissions and store are in order.",
    "demo": "Collect a seeded, imperfect account from a local server.",
    "collect": "Collect, judge and record once.",
    "daemon": "Collect on the schedule until stopped.",
    "status": "Show the controls by status.",
    "controls": "List and show controls.",
    "checks": "List, show and lint checks.",
    "findings": "List findings.",
    "evidence": "List and show what was collected, with where it comes from and what it was before.",
    "diff": "Show what differs between two moments.",
    "people": "List people with their accounts everywhere; find one by address; let one go.",
    "gaps": "List what could not be read.",
    "attest": "File evidence that only a person can give: a policy, minutes, a certificate.",
    "waive": "Accept failures of a check for a while; they are still shown as failures.",
    "exclude": "State that a control does not apply, for the Statement of Applicability.",
    "withdraw": "End an attestation, a waiver, an exclusion or a hold before its time.",
    "statements": "List and show what people stated, and take out the files that they brought.",
    "privacy": "List what is kept of people, field by field.",
    "permissions": "Print the least privilege that collecting takes.",
    "checkpoint": "Sign, copy and timestamp a checkpoint of the record; cosignatures; key rotation.",
    "export": "Write packs for auditors, and files for other tools.",
    "hold": "Place, release and list legal holds, which forbid pruning.",
    "prune": "Let go of old payloads, by policy and with a trace.",
    "backup": "Copy the store while it is in use.",
    "verify": "Recompute every hash and root of the record.",
}


@click.group(
    cls=LazyGroup,
    package="annexa.commands",
    modules=_COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    epilog="Exit codes: 0 complete; 1 usage or configuration; 2 the run has gaps; "
    "3 findings at or above --fail-on; 4 verification failed; 130 interrupted.",
)
@click.version_option(package_name="annexa", message="annexa %(version)s")
@click.option(
    "--config",
    "config_path",
    type=click.Path(path_type=Path, dir_okay=False),
    envvar="ANNEXA_CONFIG",
    help="The configuration file.  [default: annexa.toml]",
)
@click.pass_context
def annexa(ctx: click.Context, config_path: Path | None) -> None:
    """Keep an organisation ready for an ISO/IEC 27001 audit."""
    ctx.obj = config_path


def run() -> int:
    """Run the command line and return the exit code; errors for people go to standard error."""
    try:
        result: Any = annexa.main(standalone_mode=False)
        code = int(result) if isinstance(result, int) else int(ExitCode.COMPLETE)
        sys.stdout.flush()
    except click.exceptions.Exit as error:
        return error.exit_code
    except click.ClickException as error:
        error.show()
        return int(ExitCode.USAGE)
    except (click.Abort, KeyboardInterrupt):
        click.echo("Interrupted.", err=True)
        return int(ExitCode.INTERRUPTED)
    except (ReaderLeftError, BrokenPipeError):
        # Python would complain once more at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return int(ExitCode.COMPLETE)
    except AnnexaError as error:
        click.echo(f"annexa: {_line(str(error))}", err=True)
        if error.hint:
            click.echo(f"        {_line(error.hint)}", err=True)
        return int(ExitCode.USAGE)
    return code


def _line(text: str) -> str:
    """Return a text as one line: parsers draw pictures, and providers say what they like."""
    from annexa.output import shown

    return shown(" ".join(text.split()))
