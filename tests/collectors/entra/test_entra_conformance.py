"""The Entra ID collector passes the conformance kit."""

from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar

import pytest

from annexa.demo.graph import BATCH, paths
from annexa.plugin import Tools
from collectors.entra.collector import EntraCollector
from collectors.rest.service import Service
from tests.collectors.conformance import RestConformance
from tests.collectors.entra import estate, graph
from tests.collectors.entra.conftest import Entra
from tests.collectors.entra.failures import FAILURES
from tests.collectors.rest.rules import Matcher, Rule, at

_LIST = "graph:GET /v1.0/users"
_DETAIL = "graph:GET /v1.0/users/{id}"


class TestEntra(RestConformance):
    resource_type = "entra.conformance.user"
    resources = estate.USERS
    list_call = _LIST
    detail = "person"
    detail_call = _DETAIL
    secrets = ("User 0",)
    failures = FAILURES
    definition = f"""
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
    entra: ClassVar[Entra]
    made: ClassVar[type[EntraCollector]] = EntraCollector

    @pytest.fixture(autouse=True, scope="class")
    @classmethod
    def tenant(cls, served: Entra) -> None:
        cls.entra = served

    def collector(self, tools: Tools, read_timeout: float) -> EntraCollector:
        return self.made(self.entra.settings(read_timeout=read_timeout), tools)

    def rules(self) -> list[Rule]:
        return self.entra.graph.rules

    def requests(self, call: str, *, later_page: bool) -> list[Matcher]:
        if call == _DETAIL:
            return [lambda asked: asked.path.startswith("/v1.0/users/")]
        return [graph.later_page("/users") if later_page else at("/users")]


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
