"""How Google's APIs fail, and the ways in which a request may go wrong on the way."""

from annexa.plugin.testing import Fault
from tests.collectors.gcp.identity import error, reply
from tests.collectors.rest.failures import COMMON, Failure
from tests.collectors.rest.rules import Faulty, Matcher, at


def old(status: int, reason: str, message: str, *headers: tuple[str, str]) -> Faulty:
    """An error as the Directory API writes it."""
    errors = [{"message": message, "domain": "global", "reason": reason}]
    body = {"error": {"code": status, "message": message, "errors": errors}}
    return lambda asked, right: reply(status, body, *headers)


DENIED = old(403, "forbidden", "Not Authorized to access this resource/api")
NO_LICENCE = old(403, "domainCannotUseApis", "Domain cannot use apis.")

FAILURES: dict[str, Failure] = {
    **COMMON,
    Fault.DENIED: Failure(DENIED, "forbidden"),
    Fault.THROTTLED: Failure(
        old(429, "rateLimitExceeded", "Quota exceeded for quota metric.", ("Retry-After", "0")),
        "rateLimitExceeded",
    ),
    Fault.EXPIRED: Failure(old(401, "authError", "Invalid Credentials"), "authError"),
    Fault.UNKNOWN_OPERATION: Failure(
        lambda asked, right: error(404, "NOT_FOUND", "Method not found.", "notFound"), "notFound"
    ),
}


def later_page(path: str) -> Matcher:
    """Requests for pages after the first."""
    matches = at(path)
    return lambda asked: matches(asked) and "pageToken" in asked.query
