"""The SCIM collector passes the conformance kit, against a real server behind a proxy that breaks it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar

import pytest

from annexa.plugin import Tools
from annexa.plugin.testing import ConformanceSuite, Fault
from collectors.scim import ScimCollector
from tests.collectors.rest.rules import Faulty, Rule, at, break_off, hold, send
from tests.collectors.scim.conftest import Scim, refuse
from tests.collectors.scim.service import USERS

_HTML = b"<!doctype html>\n<html lang=en><title>Sign in</title></html>\n"

_FAULTS: dict[Fault, Faulty] = {
    Fault.DENIED: refuse(403, "Operation is not permitted."),
    Fault.THROTTLED: refuse(429, "Too many requests.", Retry_After="0"),
    Fault.TIMEOUT: hold,
    Fault.SERVER_ERROR: send(500, _HTML, "text/html"),
    Fault.TRUNCATED: break_off,
    Fault.EMPTY: send(200, b""),
    Fault.NOT_AN_ANSWER: send(200, _HTML, "text/html"),
    Fault.EXPIRED: refuse(401, "The token has expired."),
    Fault.UNKNOWN_OPERATION: refuse(404, "There is no such endpoint."),
}

_DEFINITION = """
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


class TestScim(ConformanceSuite):
    resource_type = "scim.conformance.user"
    resources = USERS
    list_call = "scim:GET /Users"
    detail = "whole"
    detail_call = "scim:GET /Users/{id}"
    secrets = tuple(f"Family {number}" for number in range(USERS))

    patience: ClassVar[float] = 20
    scim: ClassVar[Scim]
    folder: ClassVar[Path]

    @pytest.fixture(autouse=True, scope="class")
    @classmethod
    def service(cls, scim: Scim, tmp_path_factory: pytest.TempPathFactory) -> None:
        cls.scim = scim
        cls.folder = tmp_path_factory.mktemp("definitions")
        (cls.folder / "conformance.toml").write_text(_DEFINITION)

    def make_collector(self, tools: Tools) -> ScimCollector:
        with_folder = Tools(
            redaction_key=tools.redaction_key, definition_folders=(self.folder,), cancelled=tools.cancelled
        )
        return self.scim.collector(with_folder, read_timeout=self.patience)

    @contextmanager
    def broken(self, fault: Fault, call: str, *, later_page: bool = False) -> Iterator[None]:
        listed = at("/Users")
        rules = self.scim.proxy.rules
        if call != self.list_call:
            rules.append(Rule(lambda asked: "/Users/" in asked.path, _FAULTS[fault]))
        elif later_page:
            rules.append(Rule(lambda asked: listed(asked) and "startIndex" in asked.query, _FAULTS[fault]))
        else:
            rules.append(Rule(listed, _FAULTS[fault]))
        if fault is Fault.TIMEOUT:
            type(self).patience = 0.5
        try:
            yield
        finally:
            type(self).patience = 20
            rules.clear()
