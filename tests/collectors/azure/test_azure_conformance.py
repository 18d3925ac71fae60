"""The Azure collector passes the conformance kit."""

from typing import ClassVar

import pytest

from annexa.plugin import Tools
from collectors.azure.collector import AzureCollector
from tests.collectors.azure import arm, estate
from tests.collectors.azure.conftest import Azure
from tests.collectors.azure.failures import FAILURES
from tests.collectors.conformance import RestConformance
from tests.collectors.rest.rules import Matcher, Rule

_LIST = "arm:GET /subscriptions/{subscriptionId}/providers/Microsoft.Storage/storageAccounts"
_DETAIL = "arm:GET {+id}/blobServices/default"


class TestAzure(RestConformance):
    resource_type = "azure.conformance.account"
    resources = estate.ACCOUNTS
    list_call = _LIST
    detail = "blob"
    detail_call = _DETAIL
    secrets = ("tag-secret",)
    failures = FAILURES
    definition = f"""
[[resource]]
type   = "azure.conformance.account"
title  = "Storage account"
region = "global"
id     = "{{item.id}}"
name   = "{{item.name}}"
home   = "{{item.location}}"
secret = ["item.tags.*"]
[resource.list]
call  = "{_LIST}"
with  = {{ subscriptionId = "{{account}}", "api-version" = "2023-05-01" }}
items = "value"
[resource.detail.blob]
call = "{_DETAIL}"
with = {{ id = "{{item.id}}", "api-version" = "2023-05-01" }}
absent = ["FeatureNotSupportedForAccount: Blob is not supported"]
"""
    azure: ClassVar[Azure]

    @pytest.fixture(autouse=True, scope="class")
    @classmethod
    def tenant(cls, azure: Azure) -> None:
        cls.azure = azure

    def collector(self, tools: Tools, read_timeout: float) -> AzureCollector:
        return self.azure.collector(tools, read_timeout=read_timeout)

    def rules(self) -> list[Rule]:
        return self.azure.arm.rules

    def requests(self, call: str, *, later_page: bool) -> list[Matcher]:
        path = "/storageAccounts" if call == _LIST else "/blobServices/default"
        return [arm.later_page(path) if later_page else arm.at(path)]
