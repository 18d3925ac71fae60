"""How a directory fails, in the results of RFC 4511."""

from dataclasses import dataclass

from annexa.plugin.testing import Fault
from tests.collectors.ldap import proxy

_HTML = b"<!doctype html>\n<html lang=en><title>Sign in</title></html>\n"
_TRUNCATED = b"\x30\x82\x40\x00\x02\x01\x05\x64\x82\x3f"


@dataclass(frozen=True)
class Failure:
    """How a search goes wrong.

    Attributes:
        code: what the gaps give.
        hang_up: whether the connection ends then.
    """

    fault: proxy.Fault
    code: str
    hang_up: bool = False


FAILURES: dict[str, Failure] = {
    Fault.DENIED: Failure(proxy.result(50, "no access"), "insufficientAccessRights"),
    Fault.THROTTLED: Failure(proxy.result(51, "busy"), "busy"),
    Fault.TIMEOUT: Failure(proxy.hold, "Timeout"),
    Fault.SERVER_ERROR: Failure(proxy.result(80, "internal error"), "other"),
    Fault.TRUNCATED: Failure(proxy.raw(_TRUNCATED), "MalformedAnswer", hang_up=True),
    Fault.BROKEN_OFF: Failure(proxy.half_an_entry, "MalformedAnswer", hang_up=True),
    Fault.EMPTY: Failure(proxy.raw(b""), "MalformedAnswer", hang_up=True),
    Fault.NOT_AN_ANSWER: Failure(proxy.raw(_HTML), "MalformedAnswer", hang_up=True),
    Fault.WRONG_TYPE: Failure(proxy.another_operation, "MalformedAnswer"),
    Fault.EXPIRED: Failure(
        proxy.result(1, "000004DC: LdapErr: a successful bind must be completed"), "operationsError"
    ),
    Fault.UNKNOWN_OPERATION: Failure(proxy.result(53, "unwilling"), "unwillingToPerform"),
}
