"""Calls to AWS through boto3."""

import threading
from collections.abc import Callable
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

from botocore import xform_name

from collectors.aws.failures import FAILURES, call_error
from collectors.aws.pagination import Pager, pager
from collectors.aws.session import AwsSession
from collectors.plain import LARGEST_STREAM
from collectors.transport import Answer, CallError, Request


class Boto3Transport:
    """Sends the calls of one account. botocore does not retry: the engine does.

    Args:
        clock: returns the time, with a time zone.
    """

    def __init__(self, session: AwsSession, clock: Callable[[], datetime]) -> None:
        self._session = session
        self._clock = clock
        self._pagers: dict[str, Pager] = {}
        self._lock = threading.Lock()

    def send(self, request: Request) -> Answer:
        """Send one request, once.

        Raises:
            CallError: there is no usable answer.
        """
        service, operation = request.call.split(":", 1)
        try:
            client = self._session.client(service, request.region)
            turn = self._pager(client, request.call, service, operation)
            response = getattr(client, xform_name(operation))(
                **{**request.parameters, **(request.token or {})}
            )
            body = {key: _read(value) for key, value in response.items() if key != "ResponseMetadata"}
        except CallError:
            raise
        except FAILURES as error:
            raise call_error(error) from error
        metadata = response.get("ResponseMetadata", {})
        token = turn.next_token(body)
        return Answer(
            body=body if token is None else turn.without_tokens(body),
            next_token=token,
            received=self._clock(),
            provider_time=_date(metadata.get("HTTPHeaders", {}).get("date")),
            request_id=str(metadata.get("RequestId", "")),
            endpoint=client.meta.endpoint_url,
        )

    def _pager(self, client: Any, call: str, service: str, operation: str) -> Pager:
        found = self._pagers.get(call)
        if found is None:
            model = client.meta.service_model
            if operation not in model.operation_names:
                raise CallError("UnknownOperation", f"botocore knows no {operation} in {service}")
            with self._lock:
                paginators = self._session.paginators(service)
                found = pager(operation, paginators, model.operation_model(operation))
                self._pagers[call] = found
        return found


def _read(value: Any) -> Any:
    if not hasattr(value, "read"):
        return value
    content = value.read(LARGEST_STREAM + 1)
    if len(content) > LARGEST_STREAM:
        raise CallError("MalformedAnswer", f"the answer is longer than {LARGEST_STREAM} bytes")
    return content


def _date(header: str | None) -> datetime | None:
    try:
        return parsedate_to_datetime(header) if header else None
    except ValueError:
        return None
