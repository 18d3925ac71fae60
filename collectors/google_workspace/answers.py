"""What Google Workspace's answers say beside their content.

Sources: https://developers.google.com/workspace/admin/directory/v1/limits (quotas),
https://developers.google.com/workspace/admin/directory/reference/rest (``kind``).
"""

from typing import Any

from collectors.gcp import answers
from collectors.rest.operation import Ask
from collectors.transport import CallError

THROTTLING = answers.THROTTLING | {"quotaExceeded"}
"""Codes that ask to go slower; the Directory API sends ``quotaExceeded`` with HTTP 403."""

_ROLE = (
    "Give the administrator who is impersonated a role with the privilege for it: a custom role as "
    "`annexa permissions google_workspace` describes, or super administrator for the console's settings"
)
_API = "Enable the API in the Google Cloud project of the service account"
_EDITION = (
    "The edition may lack it, or it is switched off: see Account > Account settings and Security > API "
    "controls in the admin console, or leave the type out by [collect] skip"
)
_ADVICE = {
    "forbidden": _ROLE,
    "notAuthorized": _ROLE,
    "insufficientPermissions": _ROLE,
    "PERMISSION_DENIED": _ROLE,
    "IAM_PERMISSION_DENIED": _ROLE,
    "accessNotConfigured": _API,
    "SERVICE_DISABLED": _API,
    "domainCannotUseApis": _EDITION,
    "FAILED_PRECONDITION": _EDITION,
    "failedPrecondition": _EDITION,
}


def read_error(body: Any) -> tuple[str, str]:
    """Return the code of an error, and its message with what to do about it where that is known."""
    code, message = answers.read_error(body)
    advice = _ADVICE.get(code)
    return code, f"{message.rstrip('.')}. {advice}." if advice else message


def check(ask: Ask, body: dict[str, Any]) -> None:
    """Refuse an error that comes as a success, and an answer of the Directory API that does not say its kind.

    Each of these has a ``kind``, empty lists too: without it, nothing is not the same as none.

    Raises:
        CallError: ``MalformedAnswer``.
    """
    answers.check(ask, body)
    if ask.path.startswith("/admin/directory/") and not isinstance(body.get("kind"), str):
        raise CallError("MalformedAnswer", "the answer does not say of which kind it is", retryable=True)
