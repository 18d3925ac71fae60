"""``annexa exclude``."""

from pathlib import Path

import click

from annexa.filing import file_all, today
from annexa.moments import DAY
from annexa.output import format_option
from annexa.workspace import Workspace
from store.statement import Exclusion


@click.command()
@click.argument("control")
@click.option("--justification", required=True, help="Why it does not apply; the auditor reads it.")
@click.option("--approver", required=True, help="Who decided so.")
@click.option("--valid-until", type=DAY, help="The last day in UTC.  [default: until withdrawn]")
@format_option
@click.pass_obj
def command(
    config: Path | None, control: str, justification: str, approver: str, valid_until: str | None, form: str
) -> None:
    """State that CONTROL (7.4, say) does not apply, for the Statement of Applicability.

    Its findings stay visible; its status is `excluded`.
    """
    workspace = Workspace.load(config)
    number = workspace.control(control).number
    with workspace.writing(existing=True) as record:
        said = Exclusion(number, justification, approver, today(), valid_until or "")
        file_all(workspace, record, [said], form)
