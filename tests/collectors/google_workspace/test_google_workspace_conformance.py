"""The Google Workspace collector passes the conformance kit."""

from typing import ClassVar

import pytest

from annexa.plugin import Tools
from collectors.google_workspace.collector import GoogleWorkspaceCollector
from tests.collectors.conformance import RestConformance
from tests.collectors.google_workspace import estate, faults
from tests.collectors.google_workspace.conftest import Served
from tests.collectors.rest.rules import Matcher, Rule, at

_LIST = "admin:GET /admin/directory/v1/users"
_DETAIL = "admin:GET /admin/directory/v1/users/{userKey}/tokens"
_SCOPE = "https://www.googleapis.com/auth/admin.directory.user"


class TestGoogleWorkspace(RestConformance):
    resource_type = "google_workspace.conformance.user"
    resources = estate.USERS
    list_call = _LIST
    detail = "apps"
    detail_call = _DETAIL
    secrets = (estate.RECOVERY,)
    failures = faults.FAILURES
    definition = f"""
[[resource]]
type   = "google_workspace.conformance.user"
title  = "User"
region = "global"
id     = "{{item.id}}"
name   = "{{item.primaryEmail}}"
secret = ["item.recoveryEmail"]
[resource.list]
call       = "{_LIST}"
with       = {{ customer = "{{account}}", maxResults = "500" }}
items      = "users"
permission = ["{_SCOPE}.readonly"]
[resource.detail.apps]
call       = "{_DETAIL}"
with       = {{ userKey = "{{item.id}}" }}
take       = "items"
permission = ["{_SCOPE}.security"]
"""
    google: ClassVar[Served]

    @pytest.fixture(autouse=True, scope="class")
    @classmethod
    def customer(cls, google: Served) -> None:
        cls.google = google

    def collector(self, tools: Tools, read_timeout: float) -> GoogleWorkspaceCollector:
        return self.google.collector(tools, read_timeout=read_timeout)

    def rules(self) -> list[Rule]:
        return self.google.workspace.rules

    def requests(self, call: str, *, later_page: bool) -> list[Matcher]:
        path = "/users" if call == _LIST else "/tokens"
        return [faults.later_page(path) if later_page else at(path)]
