"""The Okta collector passes the conformance kit."""

from typing import ClassVar

import pytest

from annexa.plugin import Tools
from collectors.okta.collector import OktaCollector
from tests.collectors.conformance import RestConformance
from tests.collectors.okta import estate, org
from tests.collectors.okta.conftest import Okta
from tests.collectors.okta.failures import FAILURES
from tests.collectors.rest.rules import Matcher, Rule, at

_LIST = "okta:GET /api/v1/users"
_DETAIL = "okta:GET /api/v1/users/{userId}/factors"


class TestOkta(RestConformance):
    resource_type = "okta.conformance.user"
    resources = estate.USERS
    list_call = _LIST
    detail = "factors"
    detail_call = _DETAIL
    secrets = (estate.SECRET, org.API_TOKEN)
    failures = FAILURES
    definition = f"""
[[resource]]
type   = "okta.conformance.user"
title  = "User"
region = "global"
id     = "{{item.id}}"
name   = "{{item.profile.login}}"
secret = ["factors.*.profile.credentialId", "factors.*._embedded.activation.sharedSecret"]
volatile = ["item._links"]
[resource.list]
call  = "{_LIST}"
with  = {{ limit = "200" }}
items = "items"
permission = ["okta.users.read"]
[resource.detail.factors]
call = "{_DETAIL}"
with = {{ userId = "{{item.id}}" }}
take = "items"
permission = ["okta.users.read"]
"""
    okta: ClassVar[Okta]

    @pytest.fixture(autouse=True, scope="class")
    @classmethod
    def organisation(cls, okta: Okta) -> None:
        cls.okta = okta

    def collector(self, tools: Tools, read_timeout: float) -> OktaCollector:
        return self.okta.collector(tools=tools, read_timeout=read_timeout)

    def rules(self) -> list[Rule]:
        return self.okta.org.rules

    def requests(self, call: str, *, later_page: bool) -> list[Matcher]:
        if call == _DETAIL:
            return [at("/factors")]
        return [org.later_page("/api/v1/users") if later_page else at("/api/v1/users")]


class TestOktaWithBoundTokens(TestOkta):
    """The same by a service app that requires DPoP."""

    @pytest.fixture(autouse=True, scope="class")
    @classmethod
    def organisation(cls, okta: Okta) -> None:
        okta.require_possession()
        cls.okta = okta

    def collector(self, tools: Tools, read_timeout: float) -> OktaCollector:
        return self.okta.collector(self.okta.service_app(read_timeout=read_timeout), tools)
