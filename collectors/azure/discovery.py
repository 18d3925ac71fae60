"""Finding the subscriptions to collect."""

from collections.abc import Callable
from typing import Any

from collectors.azure.credentials import CREDENTIAL_CODES, AzureTokens
from collectors.azure.settings import AzureSettings
from collectors.caller import Caller
from collectors.contract import Discovery
from collectors.definition import Call
from collectors.ledger import Ledger
from collectors.transport import CallError
from store.errors import CollectorError
from store.model import Gap, Scope

SUBSCRIPTIONS = Call.model_validate({"call": "arm:GET /subscriptions", "with": {"api-version": "2022-12-01"}})
DESCENDANTS = Call.model_validate(
    {
        "call": "arm:GET /providers/Microsoft.Management/managementGroups/{groupId}/descendants",
        "with": {"api-version": "2020-05-01"},
    }
)
_SUBSCRIPTION_TYPES = frozenset({"/subscriptions", "microsoft.management/managementgroups/subscriptions"})
_UNREADABLE = frozenset({"disabled", "deleted"})


class SubscriptionDiscovery:
    """Finds the subscriptions that the settings mean.

    Args:
        now: the time as it is written into gaps.
    """

    def __init__(
        self,
        settings: AzureSettings,
        tokens: AzureTokens,
        caller: Callable[[], Caller],
        now: Callable[[], str],
    ) -> None:
        self._settings = settings
        self._tokens = tokens
        self._caller = caller
        self._now = now

    def discover(self) -> Discovery:
        """Find the scopes; a subscription that cannot be read is a gap, the others go on.

        Raises:
            CollectorError: no credentials, or Azure refuses them.
        """
        gaps: list[Gap] = []
        try:
            principal = self.principal()
            listed = self._ask(SUBSCRIPTIONS, {})
        except CallError as error:
            if error.code in CREDENTIAL_CODES:
                raise CollectorError(
                    f"Azure gives or takes no credentials: {error}",
                    "Correct credential, tenant_id and client_id under [azure], or sign in with `az login`.",
                ) from error
            return Discovery((), (self._gap(SUBSCRIPTIONS, error, ""),))
        visible = {_id(each): each for each in listed}
        wanted = self._wanted(visible, gaps)
        scopes = []
        for subscription in wanted:
            found = visible.get(subscription)
            problem = _problem(found)
            if found is None or problem is not None:
                gaps.append(self._gap(SUBSCRIPTIONS, problem or _unseen(), f"azure:{subscription}"))
            else:
                scopes.append(self._scope(subscription, found, principal))
        if not scopes and not gaps:
            gaps.append(
                self._gap(
                    SUBSCRIPTIONS,
                    CallError(
                        "NoSubscriptions", "the principal can see no subscription; has it been given a role?"
                    ),
                    "",
                )
            )
        return Discovery(tuple(scopes), tuple(gaps))

    def principal(self) -> str:
        """Return whom Azure sees, as the token says it: tenant, object, and application or user.

        Raises:
            CallError: there is no token.
        """
        claims = self._tokens.claims()
        named = [
            f"{label} {value}"
            for label, value in (
                ("tenant", claims.get("tid")),
                ("object", claims.get("oid")),
                ("application", claims.get("appid") or claims.get("azp")),
                ("user", claims.get("upn") or claims.get("unique_name")),
            )
            if value
        ]
        return ", ".join(named)

    def _wanted(self, visible: dict[str, Any], gaps: list[Gap]) -> list[str]:
        settings = self._settings
        wanted = dict.fromkeys(settings.subscriptions)
        for group in settings.management_groups:
            wanted |= dict.fromkeys(self._below(group, gaps))
        if not settings.subscriptions and not settings.management_groups:
            wanted = dict.fromkeys(visible)
        return [each for each in wanted if each not in settings.exclude]

    def _below(self, group: str, gaps: list[Gap]) -> list[str]:
        try:
            listed = self._ask(DESCENDANTS, {"groupId": group})
        except CallError as error:
            named = CallError(error.code, f"management group {group}: {error.message}")
            gaps.append(self._gap(DESCENDANTS, named, ""))
            return []
        kinds = ((str(each.get("type", "")).lower(), each) for each in listed)
        return [str(each.get("name", "")).lower() for kind, each in kinds if kind in _SUBSCRIPTION_TYPES]

    def _scope(self, subscription: str, found: dict[str, Any], principal: str) -> Scope:
        return Scope(
            provider="azure",
            id=subscription,
            name=found.get("displayName") or subscription,
            attributes={
                "partition": self._settings.cloud,
                "tenant": str(found.get("tenantId") or ""),
                "principal": principal,
            },
        )

    def _ask(self, call: Call, parameters: dict[str, Any]) -> list[dict[str, Any]]:
        answer = self._caller().whole(call, {**call.with_, **parameters}, "", Ledger())
        return list(answer.get("value") or [])

    def _gap(self, call: Call, error: CallError, scope_key: str) -> Gap:
        return Gap(
            call=call.call, code=error.code, message=error.message, at=self._now(), resource_id=scope_key
        )


def _id(subscription: dict[str, Any]) -> str:
    return str(subscription.get("subscriptionId") or "").lower()


def _problem(found: dict[str, Any] | None) -> CallError | None:
    state = str((found or {}).get("state") or "")
    if state.lower() in _UNREADABLE:
        return CallError(
            f"Subscription{state.capitalize()}", f"Azure says that the subscription is {state.lower()}"
        )
    return None


def _unseen() -> CallError:
    return CallError("SubscriptionNotFound", "not among the subscriptions that the principal can see")
