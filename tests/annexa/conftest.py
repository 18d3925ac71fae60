"""The command line as a real process, and what it collects from: a small account behind moto."""

import json
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest

from annexa.commands.collect import Failures, collect, exit_code, run_row
from annexa.demo.loopback import Answer
from annexa.demo.server import MotoServer
from annexa.workspace import Workspace
from scheduler.runner import RunResult
from store.record import Record
from store.verify import Verification, verify
from tests.annexa.support_cli import Ran
from tests.answers import Fault, Upstream, error
from tests.estates import small as estate
from tests.estates.small import REGION, Small
from tests.faults import FaultProxy, Rule, on
from tests.recogniser import Request

CREDENTIALS = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}


class Annexa:
    """The command line in a folder of its own, where it sees nothing of the developer's own AWS.

    Attributes:
        environment: what commands run with; tests may change it.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.environment = {**environment(folder), **CREDENTIALS}

    @property
    def config(self) -> Path:
        return self.folder / "annexa.toml"

    @property
    def store(self) -> Path:
        return self.folder / "store"

    def configure(
        self,
        endpoint: str,
        *only: str,
        regions: tuple[str, ...] = (REGION,),
        aws: str = "",
        more: str = "",
    ) -> None:
        """Write ``annexa.toml``, with a store beside it.

        Args:
            only: patterns of the resource types to collect; none means all.
            regions: none means that they are discovered.
            aws: further lines of ``[aws]``.
            more: further sections.
        """
        found = f"regions = {json.dumps(regions)}\n" if regions else ""
        self.config.write_text(
            f'[store]\npath = "store"\n[collect]\nonly = {json.dumps(only)}\n{more}\n'
            f'[aws]\nendpoint_url = "{endpoint}"\nretries = 1\n{found}{aws}\n',
            encoding="utf-8",
        )

    def copy(self, folder: Path) -> "Annexa":
        """Return a second one that goes on from where this one stands."""
        shutil.copytree(self.folder, folder)
        return Annexa(folder)

    def start(self, *arguments: str) -> "subprocess.Popen[str]":
        """Start a command and leave it running."""
        return subprocess.Popen(
            [sys.executable, "-m", "annexa", *arguments],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str, timeout: float = 120) -> Ran:
        """Run a command to its end."""
        with self.start(*arguments) as process:
            try:
                out, err = process.communicate(timeout=timeout)
            except subprocess.TimeoutExpired:
                process.kill()
                raise
        return Ran(process.returncode, out, err)

    def collect(self, *only: str, code: int = 0) -> dict[str, Any]:
        """Run ``annexa collect``, which must exit with the code, and return what it printed."""
        patterns = [argument for pattern in only for argument in ("--only", pattern)]
        ran = self.run("collect", "--format", "json", *patterns)
        assert ran.code == code, ran
        summary: dict[str, Any] = ran.json
        return summary

    def rows(self, *command: str) -> list[dict[str, Any]]:
        """Return the rows that a command for reading prints."""
        ran = self.run(*command, "--format", "json")
        assert ran.code == 0, ran
        rows: list[dict[str, Any]] = ran.json
        return rows

    @cached_property
    def workspace(self) -> Workspace:
        """The same folder in this process, for tests that a process for each run would make slow."""
        return Workspace.load(self.config)

    def collect_here(self, *only: str) -> RunResult:
        """Run ``annexa collect`` in this process."""
        with self.workspace.writing() as record:
            return collect(self.workspace, record, threading.Event(), trigger="collect", only=only)

    def summary_here(self, *only: str) -> dict[str, Any]:
        """Run ``annexa collect`` in this process, and return what it would print."""
        result = self.collect_here(*only)
        return run_row(result, exit_code(result, Failures()))

    def verify_here(self) -> Verification:
        """Run ``annexa verify`` in this process."""
        with Record.open(self.store) as record:
            return verify(record)


def environment(folder: Path) -> dict[str, str]:
    """Return this process's environment without anything of AWS's or Annexa's, at home in ``folder``."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "ANNEXA_"))}
    return kept | {
        "HOME": str(folder),
        "AWS_CONFIG_FILE": str(folder / "aws-config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(folder / "aws-credentials"),
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def answering(body: str, content_type: str = "text/xml") -> Fault:
    """Give an answer of one's own, where moto has none."""
    return lambda request, upstream: Answer(200, (("Content-Type", content_type),), body.encode())


def refusing(code: str) -> Fault:
    """Refuse with a code and no more."""
    return lambda request, upstream: error(request, code, code, 400)


def long_delivered(request: Request, upstream: Upstream) -> Answer:
    """Say that a trail delivered a while ago; moto's deliver whenever they are asked."""
    del request
    answer = upstream()
    steady = re.sub(rb'(Latest\w+Time": )[\d.]+', rb"\g<1>1700000000", answer.body)
    steady = re.sub(rb'(Latest\w+Time": )"\d[^"]+"', rb'\g<1>"2023-11-14T22:13:20Z"', steady)
    return replace(answer, body=steady)


def stand_ins() -> list[Rule]:
    """Return what stands in for what moto does not know or does otherwise than AWS.

    With it the types that the tests collect can be read whole, and twice alike.
    """
    none_listed = (
        "<ListServiceSpecificCredentialsResponse><ListServiceSpecificCredentialsResult>"
        "<ServiceSpecificCredentials/></ListServiceSpecificCredentialsResult>"
        "</ListServiceSpecificCredentialsResponse>"
    )
    return [
        Rule(on("cloudtrail", "GetTrailStatus"), long_delivered),
        Rule(on("iam", "ListServiceSpecificCredentials"), answering(none_listed)),
        Rule(on("iam", "GetOutboundWebIdentityFederationInfo"), refusing("FeatureDisabled")),
        Rule(
            on("efs", "DescribeReplicationConfigurations"),
            answering('{"Replications": []}', "application/json"),
        ),
    ]


@pytest.fixture(autouse=True, scope="module")
def own_environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, str]]:
    """For what runs in this process: credentials for moto, and nothing of the developer's own AWS."""
    wanted = {**environment(tmp_path_factory.mktemp("home")), **CREDENTIALS}
    with pytest.MonkeyPatch.context() as patch:
        for name in os.environ.keys() - wanted.keys():
            patch.delenv(name)
        for name, value in wanted.items():
            patch.setenv(name, value)
        yield wanted


@pytest.fixture(scope="session")
def server() -> Iterator[MotoServer]:
    """A moto server; what it holds is whatever the last module left there."""
    with MotoServer() as running:
        yield running


@pytest.fixture(scope="module")
def small(server: MotoServer) -> Small:
    """The small account, as new for each module."""
    return estate.seed(server.endpoint)


@pytest.fixture(scope="module")
def proxy(small: Small) -> Iterator[FaultProxy]:
    """The small account behind a proxy, which counts requests and knows a little that moto does not."""
    with FaultProxy(small.endpoint, stand_ins()) as between:
        yield between


@pytest.fixture
def annexa(tmp_path: Path) -> Annexa:
    """The command line in an empty folder: no configuration, no store."""
    return Annexa(tmp_path / "annexa")
