"""How Google's APIs fail, and the ways in which a request may go wrong on the way."""

from annexa.plugin.testing import Fault
from tests.collectors.gcp.identity import error, reply
from tests.collectors.rest.rules import Faulty, Matcher, at, break_off, hold, send

_HTML = b"<!doctype html>\n<html lang=en>\n<title>Sign in</title>\n"


def old(status: int, reason: str, message: str, *headers: tuple[str, str]) -> Faulty:
    """An error as the Directory API writes it."""
    errors = [{"message": message, "domain": "global", "reason": reason}]
    body = {"error": {"code": status, "message": message, "errors": errors}}
    return lambda asked, right: reply(status, body, *headers)


DENIED = old(403, "forbidden", "Not Authorized to access this resource/api")
NO_LICENCE = old(403, "domainCannotUseApis", "Domain cannot use apis.")
THROTTLED = old(429, "rateLimitExceeded", "Quota exceeded for quota metric.", ("Retry-After", "0"))
EXPIRED = old(401, "authError", "Invalid Credentials")
MALFORMED = send(200, _HTML, "text/html")

FAULTS: dict[Fault, Faulty] = {
    Fault.DENIED: DENIED,
    Fault.THROTTLED: THROTTLED,
    Fault.TIMEOUT: hold,
    Fault.SERVER_ERROR: send(500, _HTML, "text/html"),
    Fault.TRUNCATED: break_off,
    Fault.EMPTY: send(200, b""),
    Fault.NOT_AN_ANSWER: MALFORMED,
    Fault.EXPIRED: EXPIRED,
    Fault.UNKNOWN_OPERATION: lambda asked, right: error(404, "NOT_FOUND", "Method not found.", "notFound"),
}


def later_page(path: str) -> Matcher:
    """Requests for pages after the first."""
    matches = at(path)
    return lambda asked: matches(asked) and "pageToken" in asked.query
