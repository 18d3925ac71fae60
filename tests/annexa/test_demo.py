"""The demo: a minute after cloning there is evidence to look at, and nothing else has been touched."""

import re
import shlex
import socket
import tomllib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.annexa.support_cli import Ran, Sandbox

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Demo:
    """What a run of the demo said and left behind.

    Attributes:
        elsewhere: folders that a program may be tempted to write to.
    """

    said: Ran
    sandbox: Sandbox
    elsewhere: tuple[Path, ...]

    @property
    def folder(self) -> Path:
        return self.sandbox.folder / "shown"

    def section(self, title: str) -> str:
        """What is said below a title."""
        assert title in self.said.out, f"there is no section {title!r}"
        return self.said.out.partition(title)[2]

    def ask(self, *arguments: str) -> Any:
        """What a command on the demo's store prints as JSON."""
        said = self.sandbox.ask("--config", "shown/annexa.toml", *arguments, "--format", "json")
        assert (said.code, said.err) == (0, "")
        return said.json


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    top = tmp_path_factory.mktemp("demo")
    home, temporary = top / "home", top / "tmp"
    for folder in (home, temporary):
        folder.mkdir()
    elsewhere = {
        "HOME": str(home),
        "TMPDIR": str(temporary),
        "XDG_CACHE_HOME": str(home / "cache"),
        "XDG_CONFIG_HOME": str(home / "config"),
        "XDG_DATA_HOME": str(home / "data"),
        "AWS_PROFILE": "somebody-elses",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    sandbox = Sandbox.make(top / "work", None, **elsewhere)
    said = sandbox.run("demo", "--directory", "shown")
    return Demo(said, sandbox, (home, temporary))


def test_it_succeeds_quietly(demo: Demo) -> None:
    assert demo.said.code == 0, demo.said.err
    assert "Traceback" not in demo.said.err
    assert "\x1b" not in demo.said.out


def test_it_shows_controls_findings_gaps_and_the_verification(demo: Demo) -> None:
    titles = ("Controls", "The worst findings", "What could not be read", "The record verifies", "Try next")
    places = [demo.said.out.index(title) for title in titles]
    assert places == sorted(places)
    assert re.search(r"8\.24 .*not satisfied|8\.24 .*not_satisfied", demo.section("Controls"))
    assert "critical" in demo.section("The worst findings")
    assert "AccessDenied" in demo.section("What could not be read")


def test_it_writes_nothing_outside_of_its_folder(demo: Demo) -> None:
    assert [path.name for path in demo.sandbox.folder.iterdir()] == ["shown"]
    for folder in demo.elsewhere:
        assert list(folder.iterdir()) == []


def test_it_leaves_a_configuration_and_a_store_and_no_rubbish(demo: Demo) -> None:
    assert {path.name for path in demo.folder.iterdir()} == {".annexa-demo", "annexa.toml", "store"}
    assert str(demo.folder / "store") in demo.said.out


def test_it_leaves_no_server_behind(demo: Demo) -> None:
    config = tomllib.loads((demo.folder / "annexa.toml").read_text(encoding="utf-8"))
    endpoint = urlsplit(config["aws"]["endpoint_url"])
    assert endpoint.hostname == "localhost"
    with socket.socket() as client:
        assert client.connect_ex(("127.0.0.1", endpoint.port or 0)) != 0


def test_what_it_says_to_try_next_works(demo: Demo) -> None:
    lines = [line.strip() for line in demo.section("Try next").splitlines() if line.startswith("  annexa ")]
    assert len(lines) >= 5
    for line in lines:
        said = demo.sandbox.ask(*shlex.split(line)[1:])
        assert (said.code, said.err) == (0, ""), line
        assert said.out.strip(), line


def test_its_account_is_realistic_and_imperfect(demo: Demo) -> None:
    resources = demo.ask("evidence", "list")
    assert len(resources) > 300
    assert len({row["region"] for row in resources} - {""}) >= 2
    assert len({row["resource_type"] for row in resources}) > 60

    outcomes = Counter((row["outcome"], row["severity"]) for row in demo.ask("findings"))
    for severity in ("critical", "high", "medium", "low"):
        assert outcomes["fail", severity]
        assert outcomes["pass", severity]
    assert not [key for key in outcomes if key[0] == "error"]


def test_what_it_may_not_read_is_neither_passed_nor_failed(demo: Demo) -> None:
    denied = {row["resource_id"] for row in demo.ask("gaps") if row["call"] == "kms:GetKeyPolicy"}
    assert denied
    rows = [
        row
        for row in demo.ask("findings", "--check", "aws.kms.key.policy-not-public")
        if row["resource_id"] in denied
    ]
    assert {row["outcome"] for row in rows} == {"unknown"}
    assert {row["reason"] for row in rows} == {"kms:GetKeyPolicy could not be read: AccessDeniedException"}


def test_no_control_is_satisfied_that_nothing_was_read_for(demo: Demo) -> None:
    for row in demo.ask("status"):
        if row["status"] == "satisfied":
            assert row["pass"]
            assert not row["fail"]
            assert not row["unknown"]


def test_its_record_verifies(demo: Demo) -> None:
    assert demo.ask("verify")["ok"]


def test_it_takes_no_folder_that_is_somebody_elses(tmp_path: Path) -> None:
    sandbox = Sandbox.make(tmp_path, None)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work", encoding="utf-8")

    said = sandbox.run("demo", "--directory", "mine")

    assert said.code == 1
    assert "mine is not empty" in said.err
    assert "--directory" in said.err
    assert (tmp_path / "mine" / "thesis.txt").read_text(encoding="utf-8") == "years of work"
