"""Refusing answers that botocore would take for empty ones, or could not say what is wrong with.

botocore reads a truncated JSON body as an object without known fields, an empty body as an empty
answer, and does not compare the body with its Content-Length: a broken read would look like
"there is none".
"""

import http.client
import json
import re
from typing import Any

import botocore.handlers
import orjson
from botocore.parsers import RpcV2CBORParser

from collectors.aws.xml_answers import contradiction
from collectors.transport import CallError

_BOTOCORES_OWN = getattr(botocore.handlers, "_handle_200_error", None)
_OUTSIDE_BODY = frozenset({"header", "headers", "statusCode"})
_XML_ROOT = re.compile(
    rb"(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]*\?>)?(?:\s|<!--.*?-->)*<([A-Za-z_][\w.:-]*)", re.DOTALL
)
_HTML = re.compile(rb"(?:\xef\xbb\xbf)?\s*<(?:!doctype\s+html|html)", re.IGNORECASE)
_ERRORS = frozenset({b"error", b"errorresponse"})
_EC2_ERRORS = _ERRORS | {b"response"}


def watch(client: Any) -> None:
    """Have every answer that a client gets looked at before botocore reads it."""
    client.meta.events.register("before-parse", refuse_malformed)
    if _BOTOCORES_OWN is not None:
        # It makes a broken answer of S3 an HTTP 500, which says less of what is wrong.
        client.meta.events.unregister("before-parse.s3.*", _BOTOCORES_OWN)


def refuse_malformed(operation_model: Any, response_dict: dict[str, Any], **_: Any) -> None:
    """Handle botocore's ``before-parse`` event.

    Raises:
        CallError: ``MalformedAnswer``, if a successful answer is incomplete or no answer at all; the
            HTTP status, if an error comes as a page for people.
    """
    status, body = response_dict["status_code"], response_dict["body"]
    if not isinstance(body, bytes):
        return
    if status >= 400:
        _check_error(status, body)
    if status >= 300:
        return
    if operation_model.http.get("method") != "HEAD":
        _check_length(response_dict["headers"], body)
    expected = _body_shape(operation_model.output_shape)
    if expected is None or status == 204:
        return
    if not body.strip():
        raise _malformed("the body is empty")
    protocol = operation_model.service_model.resolved_protocol
    if "json" in protocol:
        _check_fields(_json(body), expected)
    elif "cbor" in protocol:
        _check_fields(_cbor(body), expected)
    elif _xml_root(body).lower() in (_EC2_ERRORS if protocol == "ec2" else _ERRORS):
        response_dict["status_code"] = 500  # botocore then reads the error's own code
    elif wrong := contradiction(operation_model, expected, body):
        raise _malformed(wrong)


def _check_error(status: int, body: bytes) -> None:
    if _HTML.match(body):
        phrase = http.client.responses.get(status, "an error")
        raise CallError(
            str(status),
            f"{phrase}, with a page of HTML",
            retryable=status >= 500 or status == 429,
            throttled=status == 429,
            status=status,
        )


def _check_length(headers: Any, body: bytes) -> None:
    said = headers.get("Content-Length") or headers.get("content-length") or ""
    if said.isdecimal() and int(said) != len(body):
        raise _malformed(f"the body ends after {len(body)} of {said} bytes")


def _body_shape(output: Any) -> Any:
    """Return the structure that the body must hold; None where it need hold none or is free text."""
    if output is None:
        return None
    payload = output.serialization.get("payload")
    if payload is not None:
        member = output.members[payload]
        return member if member.type_name == "structure" and not member.is_document_type else None
    in_body = [m for m in output.members.values() if m.serialization.get("location") not in _OUTSIDE_BODY]
    return output if in_body and not output.event_stream_name else None


def _check_fields(answer: Any, expected: Any) -> None:
    if not isinstance(answer, dict):
        raise _malformed(f"the body is a {type(answer).__name__}, not an object")
    if answer and not expected.is_document_type:
        known = {member.serialization.get("name", name) for name, member in expected.members.items()}
        if known.isdisjoint(answer):
            raise _malformed(
                f"the body has none of the fields of this answer, but {', '.join(sorted(answer)[:5])}"
            )


def _json(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        try:
            return json.loads(body.decode("utf-8"))  # takes lone surrogates, as botocore does
        except ValueError as error:
            raise _malformed(f"the body is not JSON: {error}") from error


def _cbor(body: bytes) -> Any:
    parser: Any = RpcV2CBORParser()
    return parser.parse_data_item(parser.get_peekable_stream_from_bytes(body))


def _xml_root(body: bytes) -> bytes:
    root = _XML_ROOT.match(body)
    if root is None or root[1].lower() == b"html":
        raise _malformed("the body is no XML answer")
    end = body.rstrip()
    if not end.endswith(b"</%b>" % root[1]) and not _closes_itself(end, root):
        raise _malformed(f"the body does not end with </{root[1].decode()}>")
    return root[1]


def _closes_itself(body: bytes, root: re.Match[bytes]) -> bool:
    return body.endswith(b"/>") and body.find(b">", root.end()) == len(body) - 1


def _malformed(what: str) -> CallError:
    return CallError("MalformedAnswer", what, retryable=True)
