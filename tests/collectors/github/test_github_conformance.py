"""The GitHub collector passes the conformance kit."""

from typing import ClassVar

import pytest

from annexa.plugin import Tools
from collectors.github.collector import GithubCollector
from tests.collectors.conformance import RestConformance
from tests.collectors.github import estate
from tests.collectors.github.conftest import Served
from tests.collectors.github.failures import FAILURES
from tests.collectors.rest.rules import Matcher, Rule, at

_LIST = "github:GET /orgs/{org}/repos"
_DETAIL = "github:GET /repos/{owner}/{repo}/branches/{branch}/protection"


class TestGithub(RestConformance):
    resource_type = "github.conformance.repository"
    resources = len(estate.REPOSITORIES)
    list_call = _LIST
    detail = "protection"
    detail_call = _DETAIL
    secrets = ("clone-token",)
    failures = FAILURES
    definition = f"""
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
    served: ClassVar[Served]

    @pytest.fixture(autouse=True, scope="class")
    @classmethod
    def organisation(cls, github: Served) -> None:
        cls.served = github

    def collector(self, tools: Tools, read_timeout: float) -> GithubCollector:
        return self.served.collector(tools, read_timeout=read_timeout)

    def rules(self) -> list[Rule]:
        return self.served.rules

    def requests(self, call: str, *, later_page: bool) -> list[Matcher]:
        if call == _DETAIL:
            return [at("/protection")]
        return [lambda asked: asked.path.endswith("/repos") and (not later_page or "page" in asked.query)]
