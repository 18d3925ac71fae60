"""The GCP collector passes the conformance kit, whether it reads lists or the inventory."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

import pytest

from annexa.plugin import Tools
from annexa.plugin.testing import ConformanceSuite, Fault
from collectors.gcp.collector import GcpCollector
from tests.collectors.gcp import estate, google
from tests.collectors.gcp.conftest import Gcp
from tests.collectors.rest.rules import Faulty, Matcher, Rule, at, break_off, hold, send

_HTML = b"<!doctype html>\n<html lang=en>\n<title>Error 502 (Server Error)!!1</title>\n"

_FAULTS: dict[Fault, Faulty] = {
    Fault.DENIED: google.deny(),
    Fault.THROTTLED: google.throttle(),
    Fault.TIMEOUT: hold,
    Fault.SERVER_ERROR: send(500, _HTML, "text/html"),
    Fault.TRUNCATED: break_off,
    Fault.EMPTY: send(200, b""),
    Fault.NOT_AN_ANSWER: send(200, _HTML, "text/html"),
    Fault.EXPIRED: google.expire(),
    Fault.UNKNOWN_OPERATION: send(404, _HTML, "text/html"),
}

_LIST = "storage:GET /storage/v1/b"
_DETAIL = "storage:GET /storage/v1/b/{bucket}/iam"

_DEFINITION = f"""
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


class TestByList(ConformanceSuite):
    """Every resource and every policy with a call of its own."""

    resource_type = "gcp.conformance.bucket"
    resources = estate.BUCKETS
    list_call = _LIST
    detail = "iam"
    detail_call = _DETAIL
    secrets = (estate.LABEL,)

    settings: ClassVar[dict[str, Any]] = {}
    patience: ClassVar[float] = 30
    gcp: ClassVar[Gcp]
    folder: ClassVar[Path]

    @pytest.fixture(autouse=True, scope="class")
    @classmethod
    def organisation(cls, gcp: Gcp, tmp_path_factory: pytest.TempPathFactory) -> None:
        cls.gcp = gcp
        cls.folder = tmp_path_factory.mktemp("definitions")
        (cls.folder / "conformance.toml").write_text(_DEFINITION)

    def make_collector(self, tools: Tools) -> GcpCollector:
        with_folder = Tools(
            redaction_key=tools.redaction_key,
            definition_folders=(self.folder,),
            cancelled=tools.cancelled,
        )
        return self.gcp.collector(with_folder, read_timeout=self.patience, **self.settings)

    def failing(self, call: str) -> tuple[Matcher, ...]:
        """Return which requests fail where a call does."""
        return (at("/storage/v1/b") if call == _LIST else at("/iam"),)

    @contextmanager
    def broken(self, fault: Fault, call: str, *, later_page: bool = False) -> Iterator[None]:
        rules = self.gcp.google.rules
        for matches in self.failing(call):
            rules.append(Rule(_later(matches) if later_page else matches, _FAULTS[fault]))
        if fault is Fault.TIMEOUT:
            type(self).patience = 0.5
        try:
            yield
        finally:
            type(self).patience = 30
            rules.clear()


def _later(matches: Matcher) -> Matcher:
    return lambda asked: matches(asked) and "pageToken" in asked.query


class TestByInventory(TestByList):
    """All at once from Cloud Asset Inventory; where that fails, with the calls, which fail as well here."""

    settings: ClassVar[dict[str, Any]] = {"inventory": "auto"}

    def failing(self, call: str) -> tuple[Matcher, ...]:
        content = "RESOURCE" if call == _LIST else "IAM_POLICY"
        return (*super().failing(call), lambda asked: asked.query.get("contentType") == content)

    def test_the_lists_are_not_asked_for(self) -> None:
        self.gcp.server.asked.clear()
        assert self.read().report.complete
        paths = {asked.path.split("/")[1] for asked in self.gcp.server.asked}
        assert "cloudasset" in paths
        assert "storage" not in paths
