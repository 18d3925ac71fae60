"""How GitHub fails, in its own words."""

from annexa.demo.loopback import Answer
from annexa.plugin.testing import Fault
from tests.collectors.github.github import error
from tests.collectors.rest.failures import COMMON, Failure
from tests.collectors.rest.rules import Faulty


def refuse(answer: Answer) -> Faulty:
    """Every time the same refusal."""
    return lambda asked, right: answer


FAILURES: dict[str, Failure] = {
    **COMMON,
    Fault.DENIED: Failure(refuse(error(403, "Resource not accessible by integration")), "NotAccessible"),
    Fault.THROTTLED: Failure(
        refuse(error(403, "You have exceeded a secondary rate limit.", ("Retry-After", "0"))),
        "SecondaryRateLimit",
    ),
    Fault.EXPIRED: Failure(refuse(error(401, "Bad credentials")), "BadCredentials"),
    Fault.UNKNOWN_OPERATION: Failure(refuse(error(404, "Not Found")), "NotFound"),
}
"""What a token may not see, GitHub does not know either: to be hidden and not to exist are one answer."""

THROTTLED_BY_STATUS = Failure(
    refuse(error(429, "You have exceeded a secondary rate limit.", ("Retry-After", "0"))),
    "SecondaryRateLimit",
)
