"""The doctor: what is in order, what is not, and what to do about it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from annexa.demo.server import MotoServer
from tests.annexa.sample_store import fill
from tests.annexa.support_cli import Sandbox

_CONFIG = '[aws]\nregions = ["eu-central-1"]\nretries = 1\n'


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    with MotoServer() as server:
        yield server.endpoint


def _found(sandbox: Sandbox, code: int) -> dict[str, dict[str, Any]]:
    """What the doctor says, by name."""
    said = sandbox.ask("doctor", "--format", "json")
    assert (said.code, said.err) == (code, "")
    for row in said.json:
        assert {key: type(value) for key, value in row.items()} == {
            "name": str,
            "ok": bool,
            "message": str,
            "hint": str,
        }
        assert row["message"]
        assert row["ok"] or row["hint"], f"{row['name']}: what is to be done?"
    return {row["name"]: row for row in said.json}


def _wrong(found: dict[str, dict[str, Any]]) -> set[str]:
    return {name for name, row in found.items() if not row["ok"]}


def test_all_in_order_ends_with_0(tmp_path: Path, endpoint: str) -> None:
    found = _found(Sandbox.make(tmp_path, _CONFIG, endpoint=endpoint), 0)
    assert _wrong(found) == set()
    assert {"configuration", "checks", "store", "store folder", "aws: credentials"} <= set(found)
    assert "checks are applied" in found["checks"]["message"]
    assert "arn:aws:" in found["aws: credentials"]["message"]
    assert "1: 123456789012 (1 regions)" in found["aws: accounts"]["message"]


def test_it_only_looks(tmp_path: Path, endpoint: str) -> None:
    sandbox = Sandbox.make(tmp_path, _CONFIG, endpoint=endpoint)
    _found(sandbox, 0)
    assert [path.name for path in tmp_path.iterdir()] == ["annexa.toml"]


def test_a_store_that_is_there_is_opened(tmp_path: Path, endpoint: str) -> None:
    sandbox = Sandbox.make(tmp_path, _CONFIG, endpoint=endpoint)
    fill(sandbox.config)
    assert f"{sandbox.store} opens" in _found(sandbox, 0)["store"]["message"]


def test_a_person_gets_a_table(tmp_path: Path, endpoint: str) -> None:
    said = Sandbox.make(tmp_path, _CONFIG, endpoint=endpoint).ask("doctor")
    assert said.code == 0
    assert "aws: credentials" in said.out
    assert "NOT OK" not in said.out


def test_a_configuration_that_is_not_there(tmp_path: Path) -> None:
    found = _found(Sandbox.make(tmp_path, None), 1)
    assert _wrong(found) == set(found) == {"configuration"}
    assert "annexa init" in found["configuration"]["hint"]


def test_a_configuration_that_is_wrong(tmp_path: Path) -> None:
    found = _found(Sandbox.make(tmp_path, "[aws]\nregoins = []\n"), 1)
    assert _wrong(found) >= {"aws: configuration"}
    message = found["aws: configuration"]["message"]
    assert "annexa.toml: aws: regoins: unknown key; did you mean 'regions'?" in message


def test_a_fault_in_one_section_does_not_keep_another_from_being_looked_at(tmp_path: Path) -> None:
    found = _found(Sandbox.make(tmp_path, "[github]\n[gcp]\nproject = []\n"), 1)
    assert {"github: configuration", "gcp: configuration"} <= _wrong(found)
    scim = "[scim.services.hr]\nbase_url = 'https://x.example'\ntoken_env = 'SCIM_HR_TOKEN'\n"
    good = _found(Sandbox.make(tmp_path, f"[gcp]\nproject = []\n{scim}"), 1)
    assert {"gcp: configuration", "scim: credentials"} <= _wrong(good)


def test_no_provider(tmp_path: Path) -> None:
    found = _found(Sandbox.make(tmp_path, ""), 1)
    assert _wrong(found) == {"providers"}
    assert "[aws]" in found["providers"]["hint"]


def test_a_check_that_is_wrong(tmp_path: Path, endpoint: str) -> None:
    sandbox = Sandbox.make(tmp_path, f"{_CONFIG}[checks.params.'aws.no.check']\n", endpoint=endpoint)
    assert _wrong(_found(sandbox, 1)) == {"checks"}


@pytest.mark.parametrize("path", ["a-file", "a-file/below/it"])
def test_a_store_that_cannot_be_made(tmp_path: Path, endpoint: str, path: str) -> None:
    (tmp_path / "a-file").touch()
    sandbox = Sandbox.make(tmp_path, f"[store]\npath = '{path}'\n{_CONFIG}", endpoint=endpoint)
    found = _found(sandbox, 1)
    assert _wrong(found) == {"store"}
    assert "a-file is no folder" in found["store"]["message"]


def test_a_store_that_is_none(tmp_path: Path, endpoint: str) -> None:
    sandbox = Sandbox.make(tmp_path, _CONFIG, endpoint=endpoint)
    sandbox.store.mkdir()
    (sandbox.store / "record.db").write_bytes(b"This is no database.\n" * 100)
    found = _found(sandbox, 1)
    assert _wrong(found) == {"store", "signing key"}
    assert "not a database" in found["store"]["message"]


def test_a_key_that_others_can_read(tmp_path: Path, endpoint: str) -> None:
    sandbox = Sandbox.make(tmp_path, _CONFIG, endpoint=endpoint)
    sandbox.store.mkdir()
    key = sandbox.store / "redaction.key"
    key.write_text("00" * 32, encoding="ascii")
    key.chmod(0o644)
    found = _found(sandbox, 1)
    assert _wrong(found) == {"redaction key"}
    assert found["redaction key"]["hint"] == f"chmod 600 {key}"
    key.chmod(0o600)
    assert "redaction key" not in _found(sandbox, 0)


def test_no_credentials(tmp_path: Path) -> None:
    found = _found(Sandbox.make(tmp_path, _CONFIG), 1)
    assert _wrong(found) == {"aws: credentials"}
    assert "AWS_PROFILE" in found["aws: credentials"]["hint"]


def test_a_region_that_there_is_not(tmp_path: Path, endpoint: str) -> None:
    found = _found(Sandbox.make(tmp_path, "[aws]\nregions = ['eu-centrall-1']\n", endpoint=endpoint), 1)
    assert "eu-centrall-1" in found["aws: credentials"]["message"]
    assert "eu-central-1" in found["aws: credentials"]["hint"]


def test_an_endpoint_that_does_not_answer(tmp_path: Path) -> None:
    sandbox = Sandbox.make(tmp_path, _CONFIG, endpoint="http://localhost:9")
    assert _wrong(_found(sandbox, 1)) == {"aws: credentials"}


def test_a_role_that_cannot_be_taken(tmp_path: Path, endpoint: str) -> None:
    config = f"{_CONFIG}\n[[aws.accounts]]\nid = '210987654321'\nrole = ''\n"
    found = _found(Sandbox.make(tmp_path, config, endpoint=endpoint), 1)
    assert _wrong(found) >= {"aws: account 210987654321"}
    assert "WrongAccount" in found["aws: account 210987654321"]["message"]
