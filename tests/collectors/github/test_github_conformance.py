"""The GitHub collector passes the conformance kit."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar

import pytest

from annexa.demo.loopback import Answer
from annexa.plugin import Tools
from annexa.plugin.testing import ConformanceSuite, Fault
from collectors.github.collector import GithubCollector
from tests.collectors.github import estate
from tests.collectors.github.conftest import Served
from tests.collectors.github.github import error
from tests.collectors.rest.rules import Faulty, Rule, at, break_off, hold, send

_HTML = b"<!doctype html>\n<html lang=en>\n<title>Sign in</title>\n"


def refuse(answer: Answer) -> Faulty:
    """Every time the same refusal."""
    return lambda asked, right: answer


FAULTS: dict[Fault, Faulty] = {
    Fault.DENIED: refuse(error(404, "Not Found")),
    Fault.THROTTLED: refuse(error(403, "You have exceeded a secondary rate limit.", ("Retry-After", "0"))),
    Fault.TIMEOUT: hold,
    Fault.SERVER_ERROR: send(500, _HTML, "text/html"),
    Fault.TRUNCATED: break_off,
    Fault.EMPTY: send(200, b""),
    Fault.NOT_AN_ANSWER: send(200, _HTML, "text/html"),
    Fault.EXPIRED: refuse(error(401, "Bad credentials")),
    Fault.UNKNOWN_OPERATION: refuse(error(404, "Not Found")),
}

_LIST = "github:GET /orgs/{org}/repos"
_DETAIL = "github:GET /repos/{owner}/{repo}/branches/{branch}/protection"

_DEFINITION = f"""
[[resource]]
type   = "github.conformance.repository"
title  = "Repository"
region = "global"
id     = "{{item.full_name}}"
name   = "{{item.name}}"
secret = ["item.temp_clone_token"]
[resource.list]
call  = "{_LIST}"
with  = {{ org = "{{account}}", per_page = "100" }}
items = "items"
[resource.detail.protection]
call   = "{_DETAIL}"
with   = {{ owner = "{{account}}", repo = "{{item.name}}", branch = "{{item.default_branch}}" }}
absent = ["404: Branch not protected"]
"""


class TestGithub(ConformanceSuite):
    resource_type = "github.conformance.repository"
    resources = len(estate.REPOSITORIES)
    list_call = _LIST
    detail = "protection"
    detail_call = _DETAIL
    secrets = ("clone-token",)

    patience: ClassVar[float] = 30
    served: ClassVar[Served]
    folder: ClassVar[Path]

    @pytest.fixture(autouse=True, scope="class")
    @classmethod
    def organisation(cls, github: Served, tmp_path_factory: pytest.TempPathFactory) -> None:
        cls.served = github
        cls.folder = tmp_path_factory.mktemp("definitions")
        (cls.folder / "conformance.toml").write_text(_DEFINITION)

    def make_collector(self, tools: Tools) -> GithubCollector:
        with_folder = Tools(
            redaction_key=tools.redaction_key,
            definition_folders=(self.folder,),
            cancelled=tools.cancelled,
        )
        return self.served.collector(with_folder, read_timeout=self.patience)

    @contextmanager
    def broken(self, fault: Fault, call: str, *, later_page: bool = False) -> Iterator[None]:
        matches = at("/repos" if call == _LIST else "/protection")
        if later_page:
            matches = lambda asked: asked.path.endswith("/repos") and "page" in asked.query  # noqa: E731
        self.served.rules[:] = [Rule(matches, FAULTS[fault])]
        if fault is Fault.TIMEOUT:
            type(self).patience = 0.5
        try:
            yield
        finally:
            type(self).patience = 30
            self.served.rules.clear()
