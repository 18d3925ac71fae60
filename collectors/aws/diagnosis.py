"""Whether AWS can be read: credentials, accounts, regions and permissions."""

from collections.abc import Callable, Sequence

from collectors.aws.discovery import AccountDiscovery
from collectors.aws.session import AwsSession
from collectors.caller import Caller
from collectors.contract import Diagnosis
from collectors.definition import Call
from collectors.ledger import Ledger
from collectors.transport import CallError
from store.errors import AnnexaError

_SIMULATE = Call(call="iam:SimulatePrincipalPolicy")
_ACTIONS_AT_ONCE = 100
_MOST_NAMED = 10
_PERMISSIONS_HINT = "Attach the policy that `annexa permissions aws` prints."


def diagnose(
    discovery: AccountDiscovery,
    session: Callable[[], AwsSession],
    caller: Callable[[AwsSession], Caller],
    actions: Sequence[str],
) -> list[Diagnosis]:
    """Look at each in turn, as far as one leads to the next.

    Args:
        session: gives the session of the credentials at hand.
        actions: what reading takes.
    """
    try:
        base = session()
        identity = discovery.identity(base)
        found = discovery.discover()
    except AnnexaError as error:
        return [Diagnosis("credentials", False, str(error), error.hint)]
    except CallError as error:
        return [Diagnosis("credentials", False, f"AWS does not say who we are: {error}", "Renew them.")]
    lines = [Diagnosis("credentials", True, identity.arn)]
    names = ", ".join(f"{scope.id} ({len(scope.regions)} regions)" for scope in found.scopes[:_MOST_NAMED])
    hint = "" if found.scopes else "See what is said of the accounts below, and correct [aws]."
    lines.append(Diagnosis("accounts", bool(found.scopes), f"{len(found.scopes)}: {names or 'none'}", hint))
    lines.extend(
        Diagnosis(
            f"account {gap.resource_id.removeprefix('aws:')}".rstrip(),
            False,
            f"{gap.call}: {gap.code}: {gap.message}",
            "Check the role's name, its trust policy and external id.",
        )
        for gap in found.gaps
    )
    home = discovery.home(base, identity.partition)
    lines.append(_permissions(caller(base), home, identity.arn, actions))
    return lines


def _permissions(caller: Caller, home: str, principal: str, actions: Sequence[str]) -> Diagnosis:
    name = "permissions"
    if principal.endswith(":root"):
        return Diagnosis(
            name, True, "the account's root user may read everything", "Use a role that may only read."
        )
    denied: list[str] = []
    try:
        for start in range(0, len(actions), _ACTIONS_AT_ONCE):
            parameters = {
                "PolicySourceArn": _policy_source(principal),
                "ActionNames": list(actions[start : start + _ACTIONS_AT_ONCE]),
            }
            answer = caller.whole(_SIMULATE, parameters, home, Ledger())
            denied.extend(
                result["EvalActionName"]
                for result in answer.get("EvaluationResults") or []
                if result.get("EvalDecision") != "allowed"
            )
    except CallError as error:
        return Diagnosis(
            name, True, f"not looked at, because {_SIMULATE.call} gives {error.code}", _PERMISSIONS_HINT
        )
    if denied:
        named = ", ".join(denied[:_MOST_NAMED]) + (", …" if len(denied) > _MOST_NAMED else "")
        return Diagnosis(
            name, False, f"{len(denied)} of {len(actions)} actions are denied: {named}", _PERMISSIONS_HINT
        )
    return Diagnosis(name, True, f"all {len(actions)} actions are allowed by the principal's own policies")


def _policy_source(principal: str) -> str:
    """Return the role of an assumed role's session, which is what policies are attached to."""
    head, _, rest = principal.partition(":assumed-role/")
    if not rest:
        return principal
    return f"{head.replace(':sts:', ':iam:')}:role/{rest.rsplit('/', 1)[0]}"
