"""How Google Cloud fails, in its own words."""

from annexa.plugin.testing import Fault
from tests.collectors.gcp import google
from tests.collectors.rest.failures import COMMON, Failure
from tests.collectors.rest.rules import send

_HTML = b"<!doctype html>\n<html lang=en>\n<title>Error 404 (Not Found)!!1</title>\n"

FAILURES: dict[str, Failure] = {
    **COMMON,
    Fault.DENIED: Failure(google.deny(), "IAM_PERMISSION_DENIED"),
    Fault.THROTTLED: Failure(google.throttle(), "RATE_LIMIT_EXCEEDED"),
    Fault.EXPIRED: Failure(google.expire(), "ACCESS_TOKEN_EXPIRED"),
    Fault.UNKNOWN_OPERATION: Failure(send(404, _HTML, "text/html"), "404"),
}
