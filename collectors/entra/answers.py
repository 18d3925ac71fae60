"""Reading Microsoft Graph's answers: refusing those that cannot be right, and errors with their remedy."""

import re
from collections.abc import Iterable
from typing import Any

from collectors.definition import Call, ListCall, ResourceType
from collectors.expression import root_keys
from collectors.rest.failures import nested_error
from collectors.rest.operation import Ask
from collectors.transport import CallError

_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)

_LICENCE = (
    "The tenant has no licence for this (Microsoft Entra ID P1, P2 or Governance, Intune or Defender): "
    "get one, or leave the resource type out under [collect] skip."
)
_GRANT = "Grant what `annexa permissions entra` prints, and consent to it as an administrator."

_REMEDIES = {
    "AadPremiumLicenseRequired": _LICENCE,
    "Authentication_RequestFromNonPremiumTenantOrB2CTenant": _LICENCE,
    "Authentication_RequestFromUnsupportedUserRole": (
        "The signed-in user needs a directory role that may read this, such as Global Reader."
    ),
    "Authorization_RequestDenied": _GRANT,
    "Authentication_MSGraphPermissionMissing": _GRANT,
    "AccessDenied": _GRANT,
    "accessDenied": _GRANT,
    "Forbidden": _GRANT,
    "PermissionScopeNotGranted": _GRANT,
}


def read_error(body: Any) -> tuple[str, str]:
    """Return code and message of an error, with what to do about it where that is known.

    The form is that of OData: ``{"error": {"code", "message", "innerError"}}``.
    """
    code, message = nested_error(body)
    remedy = _LICENCE if "licen" in message.lower() else _REMEDIES.get(code, "")
    return code, f"{message} {remedy}".strip()


class AnswerCheck:
    """Refuses successful bodies that cannot be the answer: "there is none" must have been said.

    Args:
        definitions: their calls say which paths list.
    """

    def __init__(self, definitions: Iterable[ResourceType]) -> None:
        self._lists = frozenset(
            call.operation.rpartition("/")[2]
            for definition in definitions
            for call in definition.calls()
            if _lists(call)
        )

    def __call__(self, ask: Ask, body: dict[str, Any]) -> None:
        """Compare a body with what was asked.

        Raises:
            CallError: ``MalformedAnswer``.
        """
        if "error" in body:
            # Also beside elements: an answer that broke down while it was being written.
            raise _malformed("a successful answer that holds an error")
        last = ask.path.rpartition("/")[2]
        if last in self._lists:
            elements = body.get("value")
            if not isinstance(elements, list):
                raise _malformed("a list without its elements in 'value'")
            if not all(isinstance(element, dict) for element in elements):
                raise _malformed("a list of something else than objects")
        elif "@odata.context" not in body and "id" not in body:
            raise _malformed(f"no entity, but an object with {', '.join(sorted(body)[:5]) or 'no fields'}")
        elif _GUID.fullmatch(last) and str(body.get("id", last)).lower() != last.lower():
            raise _malformed("the entity of another id than was asked for")


def _lists(call: Call) -> bool:
    return isinstance(call, ListCall) or "value" in root_keys(str(getattr(call, "take", "")))


def _malformed(what: str) -> CallError:
    return CallError("MalformedAnswer", what, retryable=True)
