"""How Resource Manager fails, in its own words."""

from annexa.plugin.testing import Fault
from tests.collectors.azure import arm
from tests.collectors.rest.failures import COMMON, Failure

FAILURES: dict[str, Failure] = {
    **COMMON,
    Fault.DENIED: Failure(
        arm.refuse(403, "AuthorizationFailed", "The client does not have authorization."),
        "AuthorizationFailed",
    ),
    Fault.THROTTLED: Failure(
        arm.refuse(429, "SubscriptionRequestsThrottled", "Too many.", ("Retry-After", "0")),
        "SubscriptionRequestsThrottled",
    ),
    Fault.EXPIRED: Failure(
        arm.refuse(401, "ExpiredAuthenticationToken", "The access token expiry is in the past."),
        "ExpiredAuthenticationToken",
    ),
    Fault.UNKNOWN_OPERATION: Failure(
        arm.refuse(400, "NoRegisteredProviderFound", "No provider is registered."),
        "NoRegisteredProviderFound",
    ),
}
