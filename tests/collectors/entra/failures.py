"""How Graph fails, in its own words."""

from annexa.plugin.testing import Fault
from tests.collectors.entra import graph
from tests.collectors.rest.failures import COMMON, Failure

FAILURES: dict[str, Failure] = {
    **COMMON,
    Fault.DENIED: Failure(
        graph.refuse(403, "Authorization_RequestDenied", "Insufficient privileges."),
        "Authorization_RequestDenied",
    ),
    Fault.THROTTLED: Failure(
        graph.refuse(429, "TooManyRequests", "Too many.", ("Retry-After", "0")), "TooManyRequests"
    ),
    Fault.EXPIRED: Failure(
        graph.refuse(401, "InvalidAuthenticationToken", "The token is expired."), "InvalidAuthenticationToken"
    ),
    Fault.UNKNOWN_OPERATION: Failure(
        graph.refuse(400, "BadRequest", "Resource not found for the segment."), "BadRequest"
    ),
}
UNLICENSED = Failure(graph.refuse(400, "AadPremiumLicenseRequired"), "AadPremiumLicenseRequired")
