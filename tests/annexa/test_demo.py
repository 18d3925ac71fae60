"""The demo: a minute after cloning there is evidence to look at, and nothing else has been touched."""

import json
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
import sqlalchemy as sa

from annexa.demo.cloud import estate
from store import schema
from store.record import Record
from tests.annexa.support_cli import Ran, Sandbox

pytestmark = pytest.mark.slow

_PLANTED = re.compile(r"not-a-real-[a-z-]+")
"""How every secret in the estates begins."""


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
        "AZURE_CLIENT_ID": "somebody-elses",
        "AZURE_AUTHORITY_HOST": "https://login.invalid",
        "GOOGLE_APPLICATION_CREDENTIALS": str(home / "somebody-elses.json"),
        "GOOGLE_CLOUD_QUOTA_PROJECT": "somebody-elses",
        "CLOUDSDK_CORE_PROJECT": "somebody-elses",
        "HTTPS_PROXY": "http://127.0.0.1:9",
        "http_proxy": "http://127.0.0.1:9",
        "REQUESTS_CA_BUNDLE": str(home / "nothing.pem"),
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
    titles = (
        "Fernhill Clinics, made up",
        "Controls",
        "One control, three clouds",
        "The worst findings",
        "People, matched",
        "What could not be read",
        "The record verifies",
        "Try next",
    )
    places = [demo.said.out.index(title) for title in titles]
    assert places == sorted(places)
    assert re.search(r"8\.24 .*not satisfied|8\.24 .*not_satisfied", demo.section("Controls"))
    assert "critical" in demo.section("The worst findings")
    for code in ("AccessDenied", "AuthorizationFailed", "IAM_PERMISSION_DENIED", "noSuchObject"):
        assert code in demo.section("What could not be read")


def test_one_control_is_answered_by_three_clouds(demo: Demo) -> None:
    table = demo.section("One control, three clouds: 8.24").partition("The worst findings")[0]
    for cloud in ("AWS", "Azure", "GCP"):
        row = re.search(rf"{cloud} +(\d+) +(\d+) +(\d+) +(\d+) ", table)
        assert row is not None, f"{cloud} is not in {table}"
        assert all(int(number) > 0 for number in row.groups())
    providers = {row["provider"] for row in demo.ask("findings", "--control", "8.24", "--outcome", "fail")}
    assert providers >= {"aws", "azure", "gcp"}


def test_the_worst_of_every_cloud_is_shown(demo: Demo) -> None:
    table = demo.section("The worst findings").partition("People, matched")[0]
    for cloud in ("AWS", "AD", "Azure", "Entra ID", "GCP"):
        assert re.search(rf"critical +{cloud} ", table)


def test_people_are_matched_over_the_directory_and_the_clouds(demo: Demo) -> None:
    people = {row["name"]: row for row in demo.ask("people")}
    lead = people["farid.fontaine@fernhill.example"]
    assert lead["directories"] == ["entra", "ldap"]
    assert lead["access"] == ["aws", "azure", "gcp"]
    assert lead["admin_in"] == ["aws", "azure", "entra", "gcp", "ldap"]
    left = people["bruno.hoang@fernhill.example"]
    assert (left["left"], left["active_in"]) == (True, ["aws", "azure"])
    assert people["katya.bekele@fernhill.example"]["mfa"] is False
    assert people["not-a-person@gmail.com"]["in_directory"] is False
    (guest,) = [row for row in people.values() if row["guest"] and row["admin_in"]]
    assert guest["admin_in"] == ["azure"]


def test_the_worst_off_of_the_people_are_shown(demo: Demo) -> None:
    table = demo.section("People, matched").partition("What could not be read")[0]
    assert re.search(r"critical +bruno\.hoang@", table)
    assert re.search(r"critical +hugo\.ivers@.* Entra ID, AWS\b", table), "the domain's account has ended"
    assert re.search(r"high +petra\.novak", table)
    assert re.search(r"high +katya\.bekele@", table)


def test_it_writes_nothing_outside_of_its_folder(demo: Demo) -> None:
    assert [path.name for path in demo.sandbox.folder.iterdir()] == ["shown"]
    for folder in demo.elsewhere:
        assert list(folder.iterdir()) == []


def test_it_leaves_a_configuration_and_a_store_and_no_rubbish(demo: Demo) -> None:
    assert {path.name for path in demo.folder.iterdir()} == {".annexa-demo", "annexa.toml", "store"}
    assert str(demo.folder / "store") in demo.said.out


def test_it_leaves_no_server_behind(demo: Demo) -> None:
    config = tomllib.loads((demo.folder / "annexa.toml").read_text(encoding="utf-8"))
    for provider in ("aws", "azure", "entra", "gcp", "ldap"):
        endpoints = [config[provider]["endpoint_url"]] if provider != "ldap" else config[provider]["servers"]
        endpoint = urlsplit(endpoints[0])
        assert endpoint.hostname == "localhost"
        with socket.socket() as client:
            assert client.connect_ex(("127.0.0.1", endpoint.port or 0)) != 0


def test_what_it_says_to_try_next_works(demo: Demo) -> None:
    lines = [line.strip() for line in demo.section("Try next").splitlines() if line.startswith("  annexa ")]
    assert len(lines) >= 5
    for line in lines:
        said = demo.sandbox.ask(*shlex.split(line)[1:])
        assert said.code == 0, line
        assert not said.err or "it is not known whether they match" in said.err, line
        assert said.out.strip(), line


@pytest.mark.parametrize(
    ("provider", "resources", "types", "scopes"),
    [("aws", 300, 60, 1), ("azure", 150, 50, 2), ("gcp", 150, 90, 4)],
)
def test_each_cloud_is_realistic_and_imperfect(
    demo: Demo, provider: str, resources: int, types: int, scopes: int
) -> None:
    rows = [row for row in demo.ask("evidence", "list") if row["resource_type"].startswith(f"{provider}.")]
    assert len(rows) > resources
    assert len({row["region"] for row in rows} - {""}) >= 2
    assert len({row["resource_type"] for row in rows}) > types
    assert len({row["scope"] for row in rows}) == scopes

    findings = demo.ask("findings", "--provider", provider)
    outcomes = Counter((row["outcome"], row["severity"]) for row in findings)
    for severity in ("critical", "high", "medium", "low"):
        assert outcomes["fail", severity]
        assert outcomes["pass", severity]
    assert not [key for key in outcomes if key[0] == "error"]
    assert sum(row["outcome"] == "pass" for row in findings) > sum(
        row["outcome"] == "fail" for row in findings
    )


def test_google_cloud_is_read_from_its_inventory(demo: Demo) -> None:
    (shown,) = demo.ask("evidence", "show", "gcp.storage.bucket/fernhill-study-exports")
    assert shown["provenance"]["inventory"]["used"], shown["provenance"]["inventory"]


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


def test_no_secret_of_the_estates_is_in_the_store(demo: Demo) -> None:
    planted = {
        secret
        for cloud in ("azure", "gcp")
        for _, content in estate(cloud)
        for secret in _PLANTED.findall(json.dumps(content))
    }
    assert len(planted) > 3
    with Record.open(demo.folder / "store") as record, record.engine.connect() as connection:
        record.blobs.load(connection)
        keys = connection.execute(sa.select(schema.blob.c.hash)).scalars().all()
        kept = b"".join(record.blobs.get(connection, key) for key in keys)
    assert b"sql-fernhill-records" in kept
    assert b"fernhill-study-data" in kept
    assert [secret for secret in sorted(planted) if secret.encode() in kept] == []
    assert b"PRIVATE KEY" not in kept


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
