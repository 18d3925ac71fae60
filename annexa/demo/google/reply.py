"""What Google's APIs answer with, and how they say no.

Sources: https://google.aip.dev/193 and https://cloud.google.com/apis/design/errors for the form of today;
https://cloud.google.com/storage/docs/json_api/v1/status-codes for that of APIs from before it.
"""

import json
from collections.abc import Sequence
from typing import Any

from annexa.demo.loopback import Answer

OLDER = frozenset({"bigquery", "compute", "dns", "sqladmin", "storage"})
"""Services whose errors have ``errors`` with a reason each."""

_INFO = "type.googleapis.com/google.rpc.ErrorInfo"
_STATUS = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
}
_REASONS = {
    400: "invalid",
    401: "authError",
    403: "forbidden",
    404: "notFound",
    429: "rateLimitExceeded",
    500: "backendError",
    503: "backendError",
}
_NOT_FOUND = b"<!DOCTYPE html>\n<html lang=en>\n<title>Error 404 (Not Found)!!1</title>\n"


def reply(status: int, body: Any, *headers: tuple[str, str]) -> Answer:
    """Return an answer in JSON."""
    named = (("Content-Type", "application/json; charset=UTF-8"), ("Vary", "Origin"), *headers)
    return Answer(status, named, json.dumps(body).encode())


def info(reason: str, domain: str = "googleapis.com", **metadata: str) -> dict[str, Any]:
    """Return the detail of an error that names its reason."""
    return {"@type": _INFO, "reason": reason, "domain": domain, "metadata": metadata}


def refusal(
    service: str,
    status: int,
    message: str,
    *,
    details: Sequence[dict[str, Any]] = (),
    reason: str = "",
    headers: Sequence[tuple[str, str]] = (),
) -> Answer:
    """Return an error in the form of the service.

    Args:
        details: of the form of today; beside the older one some services give them as well.
        reason: of the older form, where it is not the usual one of the status.
    """
    error: dict[str, Any] = {"code": status, "message": message}
    if service in OLDER:
        of_old = {"message": message, "domain": "global", "reason": reason or _REASONS[status]}
        error["errors"] = [of_old]
        if details:
            error |= {"status": _STATUS[status], "details": list(details)}
    else:
        error["status"] = _STATUS[status]
        if details:
            error["details"] = list(details)
    return reply(status, {"error": error}, *headers)


def service_disabled(service: str, number: str) -> Answer:
    """Say that a project has not enabled a service."""
    where = (
        f"https://console.developers.google.com/apis/api/{service}.googleapis.com/overview?project={number}"
    )
    message = (
        f"{service} API has not been used in project {number} before or it is disabled. "
        f"Enable it by visiting {where} then retry."
    )
    told = info("SERVICE_DISABLED", service=f"{service}.googleapis.com", consumer=f"projects/{number}")
    return refusal(service, 403, message, details=[told], reason="accessNotConfigured")


def permission_denied(service: str, permission: str, resource: str) -> Answer:
    """Say that the principal lacks a permission."""
    if service in OLDER:
        return refusal(service, 403, f"Required '{permission}' permission for '{resource}'")
    message = f"Permission '{permission}' denied on resource '{resource}' (or it may not exist)."
    told = info("IAM_PERMISSION_DENIED", "iam.googleapis.com", permission=permission, resource=resource)
    return refusal(service, 403, message, details=[told])


def rate_limited(service: str, number: str, retry_after: int) -> Answer:
    """Say that requests come too fast.

    Args:
        number: of the project whose quota it is.
        retry_after: seconds.
    """
    message = f"Quota exceeded for quota metric 'Read requests' of service '{service}.googleapis.com'."
    told = info("RATE_LIMIT_EXCEEDED", service=f"{service}.googleapis.com", consumer=f"projects/{number}")
    return refusal(service, 429, message, details=[told], headers=[("Retry-After", str(retry_after))])


def unauthenticated(service: str, reason: str) -> Answer:
    """Say that a token is missing, unknown or has expired.

    Args:
        reason: of the ``ErrorInfo``.
    """
    what = "is missing required" if reason == "CREDENTIALS_MISSING" else "had invalid"
    message = (
        f"Request {what} authentication credential. Expected OAuth 2 access token, login cookie or other "
        "valid authentication credential. See https://developers.google.com/identity/sign-in/web/devconsole-project."
    )
    told = info(reason, service=f"{service}.googleapis.com")
    challenge = ("WWW-Authenticate", 'Bearer realm="https://accounts.google.com/"')
    return refusal(service, 401, message, details=[told], headers=[challenge])


def no_such_method() -> Answer:
    """Say, as the front end does, that there is nothing at an address."""
    return Answer(404, (("Content-Type", "text/html; charset=UTF-8"),), _NOT_FOUND)
