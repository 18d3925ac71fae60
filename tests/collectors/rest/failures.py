"""How every REST provider may fail, and the code that the gaps then give."""

from dataclasses import dataclass

from annexa.plugin.testing import Fault
from tests.collectors.rest.rules import Faulty, break_off, hold, mistype, send, truncate

_HTML = b"<!doctype html>\n<html lang=en>\n<title>Sign in</title>\n"


@dataclass(frozen=True)
class Failure:
    """How requests go wrong.

    Attributes:
        code: what the gaps give.
    """

    fault: Faulty
    code: str


COMMON: dict[str, Failure] = {
    Fault.TIMEOUT: Failure(hold, "Timeout"),
    Fault.SERVER_ERROR: Failure(send(500, _HTML, "text/html"), "500"),
    Fault.TRUNCATED: Failure(truncate, "MalformedAnswer"),
    Fault.BROKEN_OFF: Failure(break_off, "MalformedAnswer"),
    Fault.EMPTY: Failure(send(200, b""), "MalformedAnswer"),
    Fault.NOT_AN_ANSWER: Failure(send(200, _HTML, "text/html"), "MalformedAnswer"),
    Fault.WRONG_TYPE: Failure(mistype, "MalformedAnswer"),
}
"""What has nothing of a provider's own. How it denies, throttles, takes tokens back and does not know an
operation is for each to say."""
