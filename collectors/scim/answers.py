"""What SCIM services answer: lists (RFC 7644 §3.4.2) and errors (§3.12)."""

from typing import Any

from collectors.rest.operation import Ask
from collectors.transport import CallError

LIST = "urn:ietf:params:scim:api:messages:2.0:ListResponse"

_CONFIG = "/ServiceProviderConfig"


def read_error(body: Any) -> tuple[str, str]:
    """Return ``scimType`` and ``detail`` of an error; "" where it has none."""
    if not isinstance(body, dict):
        return "", ""
    code, detail = body.get("scimType"), body.get("detail")
    return (code if isinstance(code, str) else ""), (detail if isinstance(detail, str) else "")


def check(asked: Ask, body: dict[str, Any]) -> None:
    """Refuse a successful body that cannot be the answer.

    Raises:
        CallError: ``MalformedAnswer``: a list without its number, or a configuration without its parts.
    """
    if asked.path.endswith(_CONFIG):
        if "authenticationSchemes" not in body and "patch" not in body:
            raise CallError(
                "MalformedAnswer", "the answer is no service provider's configuration", retryable=True
            )
    elif asked.path.count("/") > 1:
        if "schemas" not in body:
            raise CallError("MalformedAnswer", "the answer is no resource: it has no schemas", retryable=True)
    elif "totalResults" not in body and "Resources" not in body:
        raise CallError("MalformedAnswer", "the answer is no list: it has no totalResults", retryable=True)
