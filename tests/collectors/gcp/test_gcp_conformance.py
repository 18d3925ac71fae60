"""The GCP collector passes the conformance kit, whether it reads lists or the inventory."""

from typing import Any, ClassVar

import pytest

from annexa.plugin import Tools
from collectors.gcp.collector import GcpCollector
from tests.collectors.conformance import RestConformance
from tests.collectors.gcp import estate
from tests.collectors.gcp.conftest import Gcp
from tests.collectors.gcp.failures import FAILURES
from tests.collectors.rest.rules import Matcher, Rule, at

_LIST = "storage:GET /storage/v1/b"
_DETAIL = "storage:GET /storage/v1/b/{bucket}/iam"


class TestByList(RestConformance):
    """Every resource and every policy with a call of its own."""

    resource_type = "gcp.conformance.bucket"
    resources = estate.BUCKETS
    list_call = _LIST
    detail = "iam"
    detail_call = _DETAIL
    secrets = (estate.LABEL,)

    failures = FAILURES
    definition = f"""
[[resource]]
type   = "gcp.conformance.bucket"
title  = "Bucket"
region = "global"
id     = "//storage.googleapis.com/{{item.name}}"
name   = "{{item.name}}"
home   = "{{item.location}}"
secret = ["item.labels.*"]
inventory = "storage.googleapis.com/Bucket"
[resource.list]
call  = "{_LIST}"
with  = {{ project = "{{account}}" }}
items = "items"
[resource.detail.iam]
call = "{_DETAIL}"
with = {{ bucket = "{{item.name}}" }}
inventory = "IAM_POLICY"
"""
    settings: ClassVar[dict[str, Any]] = {}
    gcp: ClassVar[Gcp]

    @pytest.fixture(autouse=True, scope="class")
    @classmethod
    def organisation(cls, gcp: Gcp) -> None:
        cls.gcp = gcp

    def collector(self, tools: Tools, read_timeout: float) -> GcpCollector:
        return self.gcp.collector(tools, read_timeout=read_timeout, **self.settings)

    def rules(self) -> list[Rule]:
        return self.gcp.google.rules

    def failing(self, call: str) -> list[Matcher]:
        """Return which requests fail where a call does."""
        return [at("/storage/v1/b") if call == _LIST else at("/iam")]

    def requests(self, call: str, *, later_page: bool) -> list[Matcher]:
        failing = self.failing(call)
        return [_later(each) for each in failing] if later_page else failing


def _later(matches: Matcher) -> Matcher:
    return lambda asked: matches(asked) and "pageToken" in asked.query


class TestByInventory(TestByList):
    """All at once from Cloud Asset Inventory; where that fails, with the calls, which fail as well here."""

    settings: ClassVar[dict[str, Any]] = {"inventory": "auto"}

    def failing(self, call: str) -> list[Matcher]:
        content = "RESOURCE" if call == _LIST else "IAM_POLICY"
        return [*super().failing(call), lambda asked: asked.query.get("contentType") == content]

    def test_the_lists_are_not_asked_for(self) -> None:
        self.gcp.server.asked.clear()
        assert self.read().report.complete
        paths = {asked.path.split("/")[1] for asked in self.gcp.server.asked}
        assert "cloudasset" in paths
        assert "storage" not in paths
