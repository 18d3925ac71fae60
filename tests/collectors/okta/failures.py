"""How Okta fails, in its own words."""

from annexa.plugin.testing import Fault
from tests.collectors.okta import org
from tests.collectors.rest.failures import COMMON, Failure

FAILURES: dict[str, Failure] = {
    **COMMON,
    Fault.DENIED: Failure(
        org.refuse(403, "E0000006", "You do not have permission to perform the requested action"), "E0000006"
    ),
    Fault.THROTTLED: Failure(org.throttle(lambda: 0), "E0000047"),
    Fault.EXPIRED: Failure(org.refuse(401, "E0000011", "Invalid token provided"), "E0000011"),
    Fault.UNKNOWN_OPERATION: Failure(
        org.refuse(405, "E0000022", "The endpoint does not support the HTTP method"), "E0000022"
    ),
}
NOT_BOUGHT = Failure(org.refuse(401, "E0000015"), "E0000015")
