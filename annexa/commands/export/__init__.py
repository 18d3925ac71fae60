"""``annexa export``."""

import click

from annexa.lazy_group import LazyGroup

_FORMS = {
    "pack": "A zip for an auditor: evidence of a period, with proofs, to be checked offline.",
    "csv": "Findings of a moment or a period, as CSV.",
    "jsonl": "Findings of a moment or a period, one JSON object a line.",
    "xlsx": "Controls, findings, gaps and statements, as a workbook.",
    "soa": "The Statement of Applicability, as a workbook.",
    "ocsf": "Findings as OCSF Compliance Findings (class 2003), one JSON object a line.",
    "oscal": "OSCAL assessment results.",
    "proof": "The C2SP tlog-proof of entries of the log.",
    "tiles": "The log as C2SP tlog-tiles.",
}


@click.group(cls=LazyGroup, package=__name__, modules=_FORMS)
def command() -> None:
    """Write packs for auditors, and files for other tools."""
