"""Whether Azure can be read: credentials, subscriptions and permissions."""

from collections.abc import Callable, Iterable, Sequence
from fnmatch import fnmatchcase
from typing import Any

from collectors.azure.discovery import SubscriptionDiscovery
from collectors.caller import Caller
from collectors.contract import Diagnosis
from collectors.definition import Call
from collectors.ledger import Ledger
from collectors.transport import CallError
from store.errors import AnnexaError
from store.model import Scope

PERMISSIONS = Call.model_validate(
    {
        "call": "arm:GET /subscriptions/{subscriptionId}/providers/Microsoft.Authorization/permissions",
        "with": {"api-version": "2022-04-01"},
    }
)
_MOST_NAMED = 10
_MOST_ASKED = 20
_HINT = "Create and assign the role that `annexa permissions azure` prints."


def diagnose(
    discovery: SubscriptionDiscovery, caller: Callable[[], Caller], actions: Sequence[str]
) -> list[Diagnosis]:
    """Look at each in turn, as far as one leads to the next.

    Args:
        actions: what reading takes.
    """
    try:
        found = discovery.discover()
        principal = discovery.principal()
    except AnnexaError as error:
        return [Diagnosis("credentials", False, str(error), error.hint)]
    except CallError as error:
        return [Diagnosis("credentials", False, f"there is no token: {error}", "Sign in again.")]
    lines = [Diagnosis("credentials", True, principal or "Azure gives a token, which does not say for whom")]
    names = ", ".join(f"{scope.name} ({scope.id})" for scope in found.scopes[:_MOST_NAMED])
    hint = "" if found.scopes else "See what is said of the subscriptions below, and correct [azure]."
    lines.append(
        Diagnosis("subscriptions", bool(found.scopes), f"{len(found.scopes)}: {names or 'none'}", hint)
    )
    lines.extend(
        Diagnosis(
            f"subscription {gap.resource_id.removeprefix('azure:')}".rstrip(),
            False,
            f"{gap.call}: {gap.code}: {gap.message}",
            "Check the ids under [azure], and what the principal has been given a role for.",
        )
        for gap in found.gaps
    )
    lines.extend(_permissions(caller(), scope, actions) for scope in found.scopes[:_MOST_ASKED])
    if len(found.scopes) > _MOST_ASKED:
        rest = len(found.scopes) - _MOST_ASKED
        lines.append(Diagnosis("permissions", True, f"not looked at in the {rest} other subscriptions"))
    return lines


def denied(actions: Iterable[str], entries: Iterable[dict[str, Any]]) -> list[str]:
    """Return the actions that none of the permissions that a principal has allows.

    Args:
        entries: ``actions`` and ``notActions`` of each role, as Permissions - List gives them; what one
            role excludes another may allow.
    """
    roles = [(_lower(entry.get("actions")), _lower(entry.get("notActions"))) for entry in entries]
    return [
        action
        for action in actions
        if not any(_any(action, allowed) and not _any(action, excluded) for allowed, excluded in roles)
    ]


def _permissions(caller: Caller, scope: Scope, actions: Sequence[str]) -> Diagnosis:
    name = f"permissions {scope.name}"
    try:
        answer = caller.whole(PERMISSIONS, {**PERMISSIONS.with_, "subscriptionId": scope.id}, "", Ledger())
    except CallError as error:
        return Diagnosis(
            name, True, f"not looked at, because {PERMISSIONS.operation} gives {error.code}", _HINT
        )
    missing = denied(actions, answer.get("value") or [])
    if missing:
        named = ", ".join(missing[:_MOST_NAMED]) + (", …" if len(missing) > _MOST_NAMED else "")
        return Diagnosis(name, False, f"{len(missing)} of {len(actions)} actions are denied: {named}", _HINT)
    return Diagnosis(name, True, f"all {len(actions)} actions are allowed")


def _lower(patterns: Any) -> list[str]:
    return [str(pattern).lower() for pattern in patterns or []]


def _any(action: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(action.lower(), pattern) for pattern in patterns)
