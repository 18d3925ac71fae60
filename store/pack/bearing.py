"""What a selection by controls takes: the checks and the statements that bear on one of them."""

from collections.abc import Mapping
from typing import Any

from store.coverage import Period
from store.pack.contents import Selection
from store.statement import Attestation, Exclusion, Filed, Waiver, Withdrawal


def check_bears(selection: Selection, body: Mapping[str, Any]) -> bool:
    """Say whether a check as applied bears on one of the controls."""
    return not selection.controls or not selection.controls.isdisjoint(body.get("controls", ()))


def statement_bears(selection: Selection, filed: Filed, checks: frozenset[str]) -> bool:
    """Say whether a statement that can still be read bears on the controls, providers and scopes.

    Args:
        checks: the checks that bear on the controls.
    """
    said = filed.statement
    if isinstance(said, Attestation | Exclusion):
        return not selection.controls or said.control in selection.controls
    if isinstance(said, Waiver):
        return (
            (not selection.controls or said.check in checks)
            and (not selection.providers or said.provider in selection.providers | {""})
            and (not selection.scopes or said.scope in selection.scopes | {""})
        )
    return not selection.controls and not isinstance(said, Withdrawal)


def counted(filed: Filed, period: Period) -> bool:
    """Say whether a statement counted at some time of a period, or may have where it was let go."""
    if filed.at > period.end:
        return False
    if filed.statement is None or isinstance(filed.statement, Withdrawal):
        return True
    begins = max(filed.at, f"{filed.statement.valid_from}T00:00:00.000Z")
    if begins > period.end:
        return False
    return not filed.ended or filed.ended > max(begins, f"{period.first}T00:00:00.000Z")
