"""What the daemon logs: how each run went, which provider failed, and nobody's name."""

import signal
import subprocess
import time
from pathlib import Path

from annexa.commands.daemon import unread
from annexa.output import Row
from tests.annexa.support_cli import PATIENCE_S, Sandbox
from tests.collectors.github.conftest import served
from tests.collectors.github.estate import ORG
from tests.collectors.github.github import TOKEN

_NOBODY_LISTENS = "https://localhost:1"


def _gap(provider: str, code: str, *, scope: str = "1", message: str = "No.") -> Row:
    return {"provider": provider, "code": code, "scope": scope, "message": message}


def test_a_line_for_each_provider_says_what_could_not_be_read() -> None:
    lines = unread([_gap("okta", "E0000006"), _gap("okta", "E0000006"), _gap("ldap", "busy")])
    assert lines == [
        "okta: 2 calls could not be read: E0000006 (2); `annexa gaps` lists them",
        "ldap: 1 calls could not be read: busy (1); `annexa gaps` lists them",
    ]


def test_a_provider_that_was_not_found_is_logged_with_the_reason() -> None:
    (line,) = unread([_gap("okta", "Unusable", scope="discovery", message="the token\nwas revoked\x1b[2J")])
    assert "okta" in line
    assert "was revoked" in line
    assert "\x1b" not in line


def _first_run(sandbox: Sandbox) -> str:
    """Start the daemon, stop it once it has logged its first run, and return its log."""
    log = sandbox.folder / "log"
    with log.open("wb") as output:
        daemon = subprocess.Popen(
            [*sandbox.command, "daemon"], cwd=sandbox.folder, env=sandbox.environment, stderr=output
        )
        try:
            until = time.monotonic() + PATIENCE_S
            while " INFO run " not in log.read_text("utf-8") and time.monotonic() < until:
                assert daemon.poll() is None, log.read_text("utf-8")
                time.sleep(0.05)
        finally:
            daemon.send_signal(signal.SIGTERM)
            daemon.wait(PATIENCE_S)
    return log.read_text("utf-8")


def test_one_provider_that_fails_is_named_and_no_request_is_logged(tmp_path: Path) -> None:
    with served(tmp_path) as github:
        config = (
            f'[okta]\norg_url = "{_NOBODY_LISTENS}"\nretries = 1\n'
            f'[github]\norganizations = ["{ORG}"]\napi_url = "{github.github.base}"\n'
            "[schedule]\nevery_minutes = 60\njitter_s = 0\n"
        )
        variables = {"GITHUB_TOKEN": TOKEN, "OKTA_API_TOKEN": "00secret"}
        log = _first_run(Sandbox.make(tmp_path / "daemon", config, **variables))
    (warning,) = [line for line in log.splitlines() if " WARNING " in line]
    assert "okta" in warning
    (run,) = [line for line in log.splitlines() if " INFO run " in line]
    assert "has gaps" in run
    assert "http" not in log.replace(_NOBODY_LISTENS, "").lower()
    assert "alembic" not in log
