"""The Google Workspace collector passes the conformance kit."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar

import pytest

from annexa.plugin import Tools
from annexa.plugin.testing import ConformanceSuite, Fault
from collectors.google_workspace.collector import GoogleWorkspaceCollector
from tests.collectors.google_workspace import estate
from tests.collectors.google_workspace.conftest import Served
from tests.collectors.google_workspace.faults import FAULTS, later_page
from tests.collectors.rest.rules import Rule, at

_LIST = "admin:GET /admin/directory/v1/users"
_DETAIL = "admin:GET /admin/directory/v1/users/{userKey}/tokens"
_SCOPE = "https://www.googleapis.com/auth/admin.directory.user"

_DEFINITION = f"""
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


class TestGoogleWorkspace(ConformanceSuite):
    resource_type = "google_workspace.conformance.user"
    resources = estate.USERS
    list_call = _LIST
    detail = "apps"
    detail_call = _DETAIL
    secrets = (estate.RECOVERY,)

    patience: ClassVar[float] = 20
    google: ClassVar[Served]
    folder: ClassVar[Path]

    @pytest.fixture(autouse=True, scope="class")
    @classmethod
    def customer(cls, google: Served, tmp_path_factory: pytest.TempPathFactory) -> None:
        cls.google = google
        cls.folder = tmp_path_factory.mktemp("definitions")
        (cls.folder / "conformance.toml").write_text(_DEFINITION)

    def make_collector(self, tools: Tools) -> GoogleWorkspaceCollector:
        with_folder = Tools(
            redaction_key=tools.redaction_key,
            definition_folders=(self.folder,),
            cancelled=tools.cancelled,
        )
        return self.google.collector(with_folder, read_timeout=self.patience)

    @contextmanager
    def broken(self, fault: Fault, call: str, *, later_page: bool = False) -> Iterator[None]:
        path = "/users" if call == _LIST else "/tokens"
        matches = _later(path) if later_page else at(path)
        self.google.workspace.rules[:] = [Rule(matches, FAULTS[fault])]
        if fault is Fault.TIMEOUT:
            type(self).patience = 0.5
        try:
            yield
        finally:
            type(self).patience = 20
            self.google.workspace.rules.clear()


_later = later_page
