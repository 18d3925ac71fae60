"""Answers of an AWS endpoint that are wrong, each in the form of the protocol that was spoken."""

import json
from collections.abc import Callable
from dataclasses import replace
from xml.sax.saxutils import escape

from annexa.demo.loopback import Answer
from tests.recogniser import Request

_HTML = (
    b"<!doctype html>\n<html lang=en>\n<title>Internal Server Error</title>\n<h1>Internal Server Error</h1>\n"
)


Upstream = Callable[[], Answer]
Fault = Callable[[Request, Upstream], Answer | None]
"""Makes the answer, from the upstream's if it likes; ``None`` is to keep the client waiting."""


def error(request: Request, code: str, message: str, status: int) -> Answer:
    """An AWS error in the form of the protocol that the request speaks."""
    inner = f"<Code>{escape(code)}</Code><Message>{escape(message)}</Message>"
    plain = {"__type": code, "message": message}
    if request.protocol == "cbor":
        packed = b"\xa2" + b"".join(_cbor(text) for pair in plain.items() for text in pair)
        headers = (("Content-Type", "application/cbor"), ("smithy-protocol", "rpc-v2-cbor"))
        return Answer(status, headers, packed)
    if request.protocol in ("json", "rest-json"):
        headers = (("Content-Type", "application/json"), ("x-amzn-ErrorType", code))
        return Answer(status, headers, json.dumps(plain).encode())
    if request.protocol == "ec2":
        text = f"<Response><Errors><Error>{inner}</Error></Errors><RequestID>fault</RequestID></Response>"
    elif request.called.service == "s3":
        text = f"<Error>{inner}<RequestId>fault</RequestId></Error>"
    else:
        text = f"<ErrorResponse><Error>{inner}</Error><RequestId>fault</RequestId></ErrorResponse>"
    return Answer(status, (("Content-Type", "text/xml"),), f'<?xml version="1.0"?>\n{text}'.encode())


def _cbor(text: str) -> bytes:
    data = text.encode()
    return b"\x79" + len(data).to_bytes(2, "big") + data


def _named(request: Request, *, xml: str, json_: str, ec2: str | None = None, s3: str | None = None) -> str:
    if request.protocol == "ec2":
        return ec2 or xml
    if request.called.service == "s3":
        return s3 or xml
    return xml if request.protocol in ("query", "rest-xml") else json_


def deny(code: str | None = None) -> Fault:
    """Refuse, with the code that the service would use."""

    def fault(request: Request, _: Upstream) -> Answer:
        usual = _named(
            request, xml="AccessDenied", json_="AccessDeniedException", ec2="UnauthorizedOperation"
        )
        status = 400 if request.protocol == "json" else 403
        return error(request, code or usual, f"not authorized to perform: {request.called.operation}", status)

    return fault


def throttle(retry_after: int | None = None) -> Fault:
    """Ask for patience; how often is for the rule to say."""

    def fault(request: Request, _: Upstream) -> Answer:
        code = _named(
            request, xml="Throttling", json_="ThrottlingException", ec2="RequestLimitExceeded", s3="SlowDown"
        )
        status = {"json": 400, "query": 400, "cbor": 400, "rest-json": 429}.get(request.protocol, 503)
        made = error(request, code, "Rate exceeded", status)
        wait = () if retry_after is None else (("Retry-After", str(retry_after)),)
        return replace(made, headers=made.headers + wait)

    return fault


def expired_token() -> Fault:
    """Say that the session is over. ``Rule(after=N)`` lets it last for N requests."""

    def fault(request: Request, _: Upstream) -> Answer:
        code = _named(request, xml="ExpiredToken", json_="ExpiredTokenException", ec2="RequestExpired")
        status = 403 if request.protocol in ("query", "rest-json") else 400
        return error(request, code, "The security token included in the request is expired", status)

    return fault


def unknown_operation() -> Fault:
    """Not know the operation, as another partition or an emulator might not."""

    def fault(request: Request, _: Upstream) -> Answer:
        code = _named(request, xml="InvalidAction", json_="UnknownOperationException", s3="NotImplemented")
        status = {"json": 400, "query": 400, "ec2": 400}.get(request.protocol, 404)
        return error(request, code, "The operation is not known", 501 if code == "NotImplemented" else status)

    return fault


def timeout() -> Fault:
    """Never answer; the connection stays open until the client gives up."""
    return lambda request, upstream: None


def html(status: int = 500) -> Fault:
    """Answer with a web page: a broken server with 500, a captive portal or a proxy with 200."""
    return lambda request, upstream: Answer(status, (("Content-Type", "text/html"),), _HTML)


def empty(status: int = 200) -> Fault:
    """Answer with nothing at all in the body."""
    return lambda request, upstream: Answer(status, (("Content-Type", "text/plain"),), b"")


def truncate(keep: float = 0.5, *, cut: bool = False) -> Fault:
    """Lose the end of the true answer.

    Args:
        keep: the share of the body that arrives.
        cut: announce the whole length and hang up early; otherwise the length fits what is sent, and
            only the content shows that something is missing.
    """

    def fault(_: Request, upstream: Upstream) -> Answer:
        whole = upstream()
        length = int(len(whole.body) * keep)
        return replace(whole, cut=length) if cut else replace(whole, body=whole.body[:length])

    return fault


def mistype() -> Fault:
    """Answer with a list where there should be an object, or with another element."""

    def fault(request: Request, _: Upstream) -> Answer:
        if request.protocol == "cbor":
            return Answer(
                200, (("Content-Type", "application/cbor"), ("smithy-protocol", "rpc-v2-cbor")), b"\x80"
            )
        if request.protocol in ("json", "rest-json"):
            return Answer(200, (("Content-Type", "application/json"),), b'["Sign in"]')
        return Answer(200, (("Content-Type", "text/xml"),), b"<SignIn>Sign in</SignIn>")

    return fault
