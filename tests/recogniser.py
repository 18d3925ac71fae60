"""Which AWS operation an HTTP request is, found with botocore's own service models."""

import json
import re
import threading
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit

import botocore.session
from botocore.exceptions import DataNotFoundError, UnknownServiceError

_SIGNED_AS = {
    # the name in the signature → the services of botocore that sign with it
    "apigateway": ("apigateway", "apigatewayv2"),
    "elasticfilesystem": ("efs",),
    "elasticloadbalancing": ("elbv2", "elb"),
    "elasticmapreduce": ("emr",),
    "es": ("opensearch", "es"),
    "monitoring": ("cloudwatch",),
    "s3": ("s3", "s3control"),
    "s3express": ("s3",),
    "ses": ("sesv2", "ses"),
    "sso": ("sso-admin", "sso"),
    "states": ("stepfunctions",),
    "tagging": ("resourcegroupstaggingapi",),
}
_LOADING = threading.Lock()
_SCOPE = re.compile(r"Credential=[^/]+/\d+/([^/]+)/([^/]+)/aws4_request")


class Operation(NamedTuple):
    """What was asked, in botocore's names; ``?`` where it could not be told."""

    service: str
    operation: str
    region: str


@dataclass(frozen=True)
class Request:
    """A request as it arrived.

    Attributes:
        target: the path with the query, percent-encoded as it came.
        headers: with lower-case names.
        protocol: how an error must look: query, ec2, json, rest-json, rest-xml, or cbor.
    """

    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    called: Operation
    protocol: str

    @property
    def is_later_page(self) -> bool:
        """Whether the request carries the token of a page before it."""
        pages = _paginators(self.called.service).get(self.called.operation)
        if pages is None:
            return False
        tokens = pages["input_token"]
        wanted = {tokens} if isinstance(tokens, str) else set(tokens)
        model = _model(self.called.service)
        shape = model.operation_model(self.called.operation).input_shape
        names = {str(shape.members[token].serialization.get("name", token)).lower() for token in wanted}
        return bool(names & {name.lower() for name in self._sent()})

    def _sent(self) -> set[str]:
        sent = {key for key, _ in parse_qsl(urlsplit(self.target).query)}
        if self.protocol in ("query", "ec2"):
            sent |= {key for key, _ in parse_qsl(self.body.decode())}
        elif self.body.startswith(b"{"):
            sent |= set(json.loads(self.body))
        return sent


def recognise(method: str, target: str, headers: dict[str, str], body: bytes) -> Request:
    """Tell service, operation and region of a request.

    Args:
        headers: with lower-case names.
    """
    scope = _SCOPE.search(headers.get("authorization", ""))
    region, signed = scope.groups() if scope else ("?", "?")
    services = _SIGNED_AS.get(signed, (signed,))
    with _LOADING:  # botocore's loader is not made for threads
        service, operation, protocol = _called(services, method, target, headers, body)
    return Request(method, target, headers, body, Operation(service, operation, region), protocol)


def _called(
    services: tuple[str, ...], method: str, target: str, headers: dict[str, str], body: bytes
) -> tuple[str, str, str]:
    if "x-amz-target" in headers:
        prefix, _, operation = headers["x-amz-target"].rpartition(".")
        for service in services:
            if _metadata(service).get("targetPrefix") == prefix:
                return service, operation, "json"
        return services[0], operation, "json"
    if headers.get("smithy-protocol") == "rpc-v2-cbor":
        return services[0], target.rpartition("/")[2], "cbor"
    if headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        form = dict(parse_qsl(body.decode()))
        named = [each for each in services if _metadata(each).get("apiVersion") == form.get("Version")]
        service = (named or list(services))[0]
        return service, form.get("Action", "?"), "ec2" if service == "ec2" else "query"
    found = [(score, service, name) for service in services for score, name in _rest(service, method, target)]
    if not found:
        return services[0], "?", str(_metadata(services[0]).get("protocol", "rest-json"))
    best = max(score for score, _, _ in found)
    _, service, operation = next(each for each in found if each[0] == best)
    return service, operation, str(_metadata(service)["protocol"])


def _rest(service: str, method: str, target: str) -> list[tuple[tuple[int, int, bool], str]]:
    """The operations of a service that the request may be, each with how closely it fits."""
    parts = urlsplit(target)
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    path = parts.path.rstrip("/") or "/"
    fitting = []
    for route in _routes(service):
        if route.method != method or not route.path.fullmatch(path):
            continue
        if all(key in query and value in ("", query[key]) for key, value in route.query):
            fitting.append(((len(route.query), route.literal, route.current), route.operation))
    return fitting


@dataclass(frozen=True)
class _Route:
    operation: str
    method: str
    path: re.Pattern[str]
    literal: int
    current: bool
    query: tuple[tuple[str, str], ...]


@cache
def _routes(service: str) -> tuple[_Route, ...]:
    routes = []
    model = _model(service)
    for name in model.operation_names if model else ():
        operation = model.operation_model(name)
        path, _, query = operation.http["requestUri"].partition("?")
        path = path.rstrip("/") or "/"
        pieces = re.split(r"(\{[^}]+\})", path)
        pattern = "".join(
            re.escape(piece) if not piece.startswith("{") else ".+" if piece.endswith("+}") else "[^/]+"
            for piece in pieces
        )
        needed = dict(parse_qsl(query, keep_blank_values=True))
        shape = operation.input_shape
        for member in shape.required_members if shape else ():
            serialization = shape.members[member].serialization
            if serialization.get("location") == "querystring":
                needed[serialization.get("name", member)] = ""
        literal = sum(len(piece) for piece in pieces if not piece.startswith("{"))
        expression, current = re.compile(pattern), not operation.deprecated
        method = operation.http["method"]
        routes.append(_Route(name, method, expression, literal, current, tuple(needed.items())))
    return tuple(routes)


@lru_cache(maxsize=1)
def _session() -> Any:
    return botocore.session.get_session()


@cache
def _model(service: str) -> Any:
    known = service in _session().get_available_services()
    return _session().get_service_model(service) if known else None


def _metadata(service: str) -> dict[str, Any]:
    model = _model(service)
    return dict(model.metadata) if model else {}


@cache
def _paginators(service: str) -> dict[str, Any]:
    try:
        known = _session().get_component("data_loader").load_service_model(service, "paginators-1")
    except (UnknownServiceError, DataNotFoundError):
        return {}
    return dict(known["pagination"])
