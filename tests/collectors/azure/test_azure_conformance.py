"""The Azure collector passes the conformance kit."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar

import pytest

from annexa.plugin import Tools
from annexa.plugin.testing import ConformanceSuite, Fault
from collectors.azure.collector import AzureCollector
from tests.collectors.azure import arm, estate
from tests.collectors.azure.arm import Rule
from tests.collectors.azure.conftest import Azure
from tests.collectors.rest.rules import Faulty

_HTML = b"<!doctype html>\n<html lang=en>\n<title>Sign in</title>\n"

_FAULTS: dict[Fault, Faulty] = {
    Fault.DENIED: arm.refuse(403, "AuthorizationFailed", "The client does not have authorization."),
    Fault.THROTTLED: arm.refuse(429, "SubscriptionRequestsThrottled", "Too many.", ("Retry-After", "0")),
    Fault.TIMEOUT: arm.hold,
    Fault.SERVER_ERROR: arm.send(500, _HTML, "text/html"),
    Fault.TRUNCATED: arm.break_off,
    Fault.EMPTY: arm.send(200, b""),
    Fault.NOT_AN_ANSWER: arm.send(200, _HTML, "text/html"),
    Fault.EXPIRED: arm.refuse(401, "ExpiredAuthenticationToken", "The access token expiry is in the past."),
    Fault.UNKNOWN_OPERATION: arm.refuse(400, "NoRegisteredProviderFound", "No provider is registered."),
}

_LIST = "arm:GET /subscriptions/{subscriptionId}/providers/Microsoft.Storage/storageAccounts"
_DETAIL = "arm:GET {+id}/blobServices/default"

_DEFINITION = f"""
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


class TestAzure(ConformanceSuite):
    resource_type = "azure.conformance.account"
    resources = estate.ACCOUNTS
    list_call = _LIST
    detail = "blob"
    detail_call = _DETAIL
    secrets = ("tag-secret",)

    patience: ClassVar[float] = 30
    azure: ClassVar[Azure]
    folder: ClassVar[Path]

    @pytest.fixture(autouse=True, scope="class")
    @classmethod
    def tenant(cls, azure: Azure, tmp_path_factory: pytest.TempPathFactory) -> None:
        cls.azure = azure
        cls.folder = tmp_path_factory.mktemp("definitions")
        (cls.folder / "conformance.toml").write_text(_DEFINITION)

    def make_collector(self, tools: Tools) -> AzureCollector:
        with_folder = Tools(
            redaction_key=tools.redaction_key,
            definition_folders=(self.folder,),
            cancelled=tools.cancelled,
        )
        return self.azure.collector(with_folder, read_timeout=self.patience)

    @contextmanager
    def broken(self, fault: Fault, call: str, *, later_page: bool = False) -> Iterator[None]:
        path = "/storageAccounts" if call == _LIST else "/blobServices/default"
        matches = arm.later_page(path) if later_page else arm.at(path)
        self.azure.arm.rules[:] = [Rule(matches, _FAULTS[fault])]
        if fault is Fault.TIMEOUT:
            type(self).patience = 0.5
        try:
            yield
        finally:
            type(self).patience = 30
            self.azure.arm.rules.clear()
