"""The Entra ID collector passes the conformance kit."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import pytest

from annexa.demo.graph import BATCH, paths
from annexa.plugin import Tools
from annexa.plugin.testing import ConformanceSuite, Fault
from collectors.entra.collector import EntraCollector
from collectors.rest.service import Service
from tests.collectors.entra import estate, graph
from tests.collectors.entra.conftest import Entra
from tests.collectors.rest.rules import Faulty, Rule, at, break_off, hold, send

_HTML = b"<!doctype html>\n<html lang=en>\n<title>Sign in</title>\n"

_FAULTS: dict[Fault, Faulty] = {
    Fault.DENIED: graph.refuse(403, "Authorization_RequestDenied", "Insufficient privileges."),
    Fault.THROTTLED: graph.refuse(429, "TooManyRequests", "Too many.", ("Retry-After", "0")),
    Fault.TIMEOUT: hold,
    Fault.SERVER_ERROR: send(500, _HTML, "text/html"),
    Fault.TRUNCATED: break_off,
    Fault.EMPTY: send(200, b""),
    Fault.NOT_AN_ANSWER: send(200, _HTML, "text/html"),
    Fault.EXPIRED: graph.refuse(401, "InvalidAuthenticationToken", "The token is expired."),
    Fault.UNKNOWN_OPERATION: graph.refuse(400, "BadRequest", "Resource not found for the segment."),
}

_LIST = "graph:GET /v1.0/users"
_DETAIL = "graph:GET /v1.0/users/{id}"

_DEFINITION = f"""
[[resource]]
type   = "entra.conformance.user"
title  = "User"
region = "global"
id     = "{{item.id}}"
name   = "{{item.userPrincipalName}}"
secret = ["item.displayName"]
[resource.list]
call  = "{_LIST}"
with  = {{ "$select" = "id,displayName,userPrincipalName", "$top" = "999" }}
items = "value"
permission = ["User.Read.All"]
[resource.detail.person]
call = "{_DETAIL}"
with = {{ id = "{{item.id}}", "$select" = "id,accountEnabled" }}
absent = ["Request_ResourceNotFound"]
permission = ["User.Read.All"]
"""


class TestEntra(ConformanceSuite):
    resource_type = "entra.conformance.user"
    resources = estate.USERS
    list_call = _LIST
    detail = "person"
    detail_call = _DETAIL
    secrets = ("User 0",)

    patience: ClassVar[float] = 30
    entra: ClassVar[Entra]
    folder: ClassVar[Path]

    @pytest.fixture(autouse=True, scope="class")
    @classmethod
    def tenant(cls, served: Entra, tmp_path_factory: pytest.TempPathFactory) -> None:
        cls.entra = served
        cls.folder = tmp_path_factory.mktemp("definitions")
        (cls.folder / "conformance.toml").write_text(_DEFINITION)

    made: ClassVar[type[EntraCollector]] = EntraCollector

    def make_collector(self, tools: Tools) -> EntraCollector:
        with_folder = Tools(
            redaction_key=tools.redaction_key,
            definition_folders=(self.folder,),
            cancelled=tools.cancelled,
        )
        return self.made(self.entra.settings(read_timeout=self.patience), with_folder)

    @contextmanager
    def broken(self, fault: Fault, call: str, *, later_page: bool = False) -> Iterator[None]:
        if call == _DETAIL:
            matches = lambda asked: asked.path.startswith("/v1.0/users/")  # noqa: E731
        else:
            matches = graph.later_page("/users") if later_page else at("/users")
        self.entra.graph.rules[:] = [Rule(matches, _FAULTS[fault])]
        if fault is Fault.TIMEOUT:
            type(self).patience = 0.5
        try:
            yield
        finally:
            type(self).patience = 30
            self.entra.graph.rules.clear()


class _Gathering(EntraCollector):
    """Waits for company for so long that no detail is asked for alone."""

    def services(self) -> Mapping[str, Service]:
        found = super().services()["graph"]
        assert found.batching is not None
        return {"graph": replace(found, batching=replace(found.batching, linger=0.3))}


class TestEntraInBatches(TestEntra):
    made = _Gathering

    def test_details_are_asked_for_together(self) -> None:
        before = len(self.entra.server.asked)
        reading = self.read()
        asked = self.entra.server.asked[before:]
        together = sum(len(paths(each)) for each in asked if each.path == BATCH)
        assert together >= len(reading.documents) - 1, "only the user of the last page may come too late"
        (tally,) = [each for each in reading.report.provenance["calls"] if each["call"] == _DETAIL]
        assert (tally["pages"], tally["batched"]) == (len(reading.documents), together)
