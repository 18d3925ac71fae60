"""The definitions against what Google has really answered, where recordings are at hand.

``ANNEXA_RECORDINGS`` names a folder with ``gcp.jsonl``: one recorded exchange a line, with method, uri,
status and body. It is no part of the project.
"""

import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import httpx
import pytest

from annexa.demo.google.routes import method_at
from annexa.plugin import Engine, Identity, ResourceType, Scope, Target, Tools
from collectors.definition import Call, Detail, ListCall
from collectors.expression import search
from collectors.gcp.answers import check, left_out, read_error
from collectors.gcp.collector import GcpCollector
from collectors.gcp.methods import method_of
from collectors.rest.operation import parse
from collectors.rest.paging import TokenInBody
from collectors.rest.service import Service
from collectors.rest.transport import RestTransport

TYPES = GcpCollector({}, Tools(redaction_key=b"key")).resource_types()

_SHARED_HOST = "www.googleapis.com"
_SHARED_SERVICES = {"sql": "sqladmin"} | {name: name for name in ("bigquery", "compute", "dns", "storage")}
"""Where older APIs are asked as well: the first part of the path → the service."""

_OLDER = {"/sql/v1beta4/": "/v1/", "/dns/v1beta2/": "/dns/v1/"}
"""Paths of versions whose answers are those of the version that is asked for now."""

_VARIABLE = re.compile(r"\{(\+?)(\w+)\}")

needs_recordings = pytest.mark.skipif("ANNEXA_RECORDINGS" not in os.environ, reason="no ANNEXA_RECORDINGS")


@dataclass(frozen=True)
class Recorded:
    """An answer that Google gave."""

    uri: str
    service: str
    path: str
    status: int
    body: Any


def recordings() -> Iterator[Recorded]:
    recorded = Path(os.environ["ANNEXA_RECORDINGS"]) / "gcp.jsonl"
    for line in recorded.read_text(encoding="utf-8").splitlines():
        entry = json.loads(line)
        parts = urlsplit(entry["uri"])
        path = unquote(parts.path)
        host = parts.netloc.removesuffix(".googleapis.com")
        service = (
            parts.path.split("/")[1].replace("sql", "sqladmin") if parts.netloc == _SHARED_HOST else host
        )
        if parts.netloc.endswith(".googleapis.com") and entry["method"] == "GET":
            for before, now in _OLDER.items():
                path = re.sub(f"^{before}", now, path)
            yield Recorded(entry["uri"], service, path, entry["status"], entry["body"])


def calls_of(one: Recorded) -> Iterator[tuple[ResourceType, Call]]:
    """Yield the calls that a recorded answer answers."""
    method = method_at(one.service, "GET", one.path)
    if method is None:
        return
    for definition in TYPES.values():
        for call in definition.calls():
            found = method_of(definition, call)
            if call.service == one.service and found is not None and found.id == method.id:
                yield definition, call


@needs_recordings
def test_recorded_answers_are_read() -> None:
    """Every recorded answer goes through every call that asks for its kind, and what it lists is kept."""
    covered = [
        _read(definition, call, one)
        for one in recordings()
        if one.status == 200
        for definition, call in calls_of(one)
    ]
    assert len(covered) > 200
    assert len(set(covered)) > 35


@needs_recordings
def test_recorded_errors_say_why() -> None:
    errors = [one.body for one in recordings() if one.status >= 400 and isinstance(one.body, dict)]
    assert all(all(read_error(body)) for body in errors)


def _read(definition: ResourceType, call: Call, one: Recorded) -> str:
    """Read one answer with one call of a definition, and return the type."""
    alone = _listing(definition, call, one) if isinstance(call, ListCall) else _detail(definition, call, one)
    client = httpx.Client(transport=httpx.MockTransport(lambda request: _replayed(one, request)))
    service = Service(
        f"https://{one.service}.googleapis.com",
        None,
        TokenInBody("nextPageToken", "pageToken"),
        check=check,
        left_out=left_out,
    )
    engine = Engine(
        Scope("gcp", "recorded", "recorded", attributes={"project_number": "1", "organization": "2"}),
        RestTransport({one.service: service}, client, lambda: datetime.now(UTC)),
        Tools(redaction_key=b"key"),
        Identity("gcp", "0"),
        canonical_id=GcpCollector({}, Tools(redaction_key=b"key")).canonical_id,
    )
    with engine.collect(alone, Target(alone.type, "")) as collection:
        documents = list(collection)
    gaps = [gap for gap in collection.report.gaps if gap.code != "LeftOut"]
    assert gaps == [], one.uri
    if isinstance(call, ListCall):
        assert len(documents) == len(search(call.items, one.body) or []), one.uri
    else:
        (document,) = documents
        assert document.content["recorded"] is not None or not one.body, one.uri
    return definition.type


def _replayed(one: Recorded, request: httpx.Request) -> httpx.Response:
    """Answer as recorded; what would be on further pages is not there."""
    return httpx.Response(200, json={} if "pageToken" in request.url.params else one.body)


def _listing(definition: ResourceType, call: ListCall, one: Recorded) -> ResourceType:
    """Return a type that is read with this one call, asking for what was recorded."""
    # What an id says of parents is not recorded, and the elements of parents have no id of ours.
    if call is definition.list:
        items, resource_id = call.items, re.sub(r"\{over[^}]*\}", "over", definition.id)
    else:
        items, resource_id = f"({call.items})[].to_string(@)", "//recorded/{item}"
    asked = ListCall.model_validate({"call": call.call, "with": _asked(call, one), "items": items})
    return _alone(definition, list=asked, id=resource_id)


def _detail(definition: ResourceType, call: Call, one: Recorded) -> ResourceType:
    """Return a type of one resource with this one detail, asking for what was recorded."""
    assert isinstance(call, Detail)
    take = "@" if "{" in call.take else call.take
    asked = Detail.model_validate({"call": call.call, "with": _asked(call, one), "take": take})
    return _alone(definition, list=None, id="//recorded/{account}", detail={"recorded": asked})


def _alone(definition: ResourceType, **more: Any) -> ResourceType:
    bare: dict[str, Any] = {
        "name": "recorded",
        "home": None,
        "inventory": "",
        "detail": {},
        "secret": (),
        "volatile": (),
    }
    return definition.model_copy(update={**bare, **more})


def _asked(call: Call, one: Recorded) -> dict[str, str]:
    """Return the values of the path's variables for which it is the recorded one."""
    template = parse(call.operation).template
    pattern = _VARIABLE.sub(_group, template)
    found = re.fullmatch(pattern, one.path)
    assert found is not None, (template, one.path)
    return found.groupdict()


def _group(variable: re.Match[str]) -> str:
    return f"(?P<{variable[2]}>{'.+' if variable[1] else '[^/]+'})"
