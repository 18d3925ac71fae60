"""How a SCIM service fails, in the words of RFC 7644."""

from annexa.demo.loopback import Asked
from annexa.plugin.testing import Fault
from tests.collectors.rest.failures import COMMON, Failure
from tests.collectors.rest.rules import Matcher, at
from tests.collectors.scim.conftest import refuse

FAILURES: dict[str, Failure] = {
    **COMMON,
    Fault.DENIED: Failure(refuse(403, "Operation is not permitted."), "403"),
    Fault.THROTTLED: Failure(refuse(429, "Too many requests.", Retry_After="0"), "429"),
    Fault.EXPIRED: Failure(refuse(401, "The token has expired."), "401"),
    Fault.UNKNOWN_OPERATION: Failure(refuse(404, "There is no such endpoint."), "404"),
}


def after_first(path: str) -> Matcher:
    """Every page of a list but the first."""
    matches = at(path)

    def later(asked: Asked) -> bool:
        return matches(asked) and "startIndex" in asked.query

    return later
