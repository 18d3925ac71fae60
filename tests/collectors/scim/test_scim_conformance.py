"""The SCIM collector passes the conformance kit, against a real server behind a proxy that breaks it."""

from typing import ClassVar

import pytest

from annexa.plugin import Tools
from collectors.scim import ScimCollector
from tests.collectors.conformance import RestConformance
from tests.collectors.rest.rules import Matcher, Rule, at
from tests.collectors.scim.conftest import Scim
from tests.collectors.scim.failures import FAILURES, after_first
from tests.collectors.scim.service import USERS


class TestScim(RestConformance):
    resource_type = "scim.conformance.user"
    resources = USERS
    list_call = "scim:GET /Users"
    detail = "whole"
    detail_call = "scim:GET /Users/{id}"
    secrets = tuple(f"Family {number}" for number in range(USERS))
    failures = FAILURES
    definition = """
[[resource]]
type   = "scim.conformance.user"
title  = "User"
region = "global"
id     = "{item.id}"
name   = "{item.userName}"
secret = ["item.name.familyName"]
[resource.list]
call  = "scim:GET /Users"
with  = { count = "{page_size}" }
items = "Resources"
permission = ["read users"]
[resource.detail.whole]
call  = "scim:GET /Users/{id}"
with  = { id = "{item.id}" }
take  = "meta.resourceType"
permission = ["read users"]
"""
    scim: ClassVar[Scim]

    @pytest.fixture(autouse=True, scope="class")
    @classmethod
    def service(cls, scim: Scim) -> None:
        cls.scim = scim

    def collector(self, tools: Tools, read_timeout: float) -> ScimCollector:
        return self.scim.collector(tools, read_timeout=read_timeout)

    def rules(self) -> list[Rule]:
        return self.scim.proxy.rules

    def requests(self, call: str, *, later_page: bool) -> list[Matcher]:
        if call == self.detail_call:
            return [lambda asked: "/Users/" in asked.path]
        return [after_first("/Users") if later_page else at("/Users")]
