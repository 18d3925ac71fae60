"""The Okta collector passes the conformance kit."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar

import pytest

from annexa.plugin import Tools
from annexa.plugin.testing import ConformanceSuite, Fault
from collectors.okta.collector import OktaCollector
from tests.collectors.okta import estate, org
from tests.collectors.okta.conftest import Okta
from tests.collectors.rest.rules import Faulty, Rule, at, break_off, hold, send

_HTML = b"<!doctype html>\n<title>Sign in</title>\n"

_FAULTS: dict[Fault, Faulty] = {
    Fault.DENIED: org.refuse(403, "E0000006", "You do not have permission to perform the requested action"),
    Fault.THROTTLED: org.throttle(lambda: 0),
    Fault.TIMEOUT: hold,
    Fault.SERVER_ERROR: send(500, _HTML, "text/html"),
    Fault.TRUNCATED: break_off,
    Fault.EMPTY: send(200, b""),
    Fault.NOT_AN_ANSWER: send(200, _HTML, "text/html"),
    Fault.EXPIRED: org.refuse(401, "E0000011", "Invalid token provided"),
    Fault.UNKNOWN_OPERATION: org.refuse(405, "E0000022", "The endpoint does not support the HTTP method"),
}

_LIST = "okta:GET /api/v1/users"
_DETAIL = "okta:GET /api/v1/users/{userId}/factors"

_DEFINITION = f"""
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


class TestOkta(ConformanceSuite):
    resource_type = "okta.conformance.user"
    resources = estate.USERS
    list_call = _LIST
    detail = "factors"
    detail_call = _DETAIL
    secrets = (estate.SECRET, org.API_TOKEN)

    patience: ClassVar[float] = 30
    okta: ClassVar[Okta]
    folder: ClassVar[Path]

    @pytest.fixture(autouse=True, scope="class")
    @classmethod
    def organisation(cls, okta: Okta, tmp_path_factory: pytest.TempPathFactory) -> None:
        cls.okta = okta
        cls.folder = tmp_path_factory.mktemp("definitions")
        (cls.folder / "conformance.toml").write_text(_DEFINITION)

    def make_collector(self, tools: Tools) -> OktaCollector:
        with_folder = Tools(
            redaction_key=tools.redaction_key, definition_folders=(self.folder,), cancelled=tools.cancelled
        )
        return self.okta.collector(tools=with_folder, read_timeout=self.patience)

    @contextmanager
    def broken(self, fault: Fault, call: str, *, later_page: bool = False) -> Iterator[None]:
        first = at("/factors") if call == _DETAIL else at("/api/v1/users")
        matches = org.later_page("/api/v1/users") if later_page else first
        self.okta.org.rules[:] = [Rule(matches, _FAULTS[fault])]
        if fault is Fault.TIMEOUT:
            type(self).patience = 0.5
        try:
            yield
        finally:
            type(self).patience = 30
            self.okta.org.rules.clear()
