"""The command line as a process, in a place where nothing of the developer's own shows."""

import io
import json
import os
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from annexa.cli import run

PATIENCE_S = 240


@dataclass(frozen=True)
class Ran:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """What it printed, as JSON."""
        return json.loads(self.out)


@dataclass(frozen=True)
class Sandbox:
    """A folder with a configuration, and an environment in which there is no other.

    Attributes:
        folder: the working directory, which holds ``annexa.toml`` if there is one.
        environment: all variables that commands see.
    """

    folder: Path
    environment: dict[str, str] = field(repr=False)

    @classmethod
    def make(
        cls, folder: Path, config: str | None = "[aws]\n", *, endpoint: str = "", **variables: str
    ) -> "Sandbox":
        """Make the folder.

        Args:
            config: what ``annexa.toml`` says; None for no such file.
            endpoint: where AWS is; without one there are no credentials either.
            variables: further variables of the environment.
        """
        folder.mkdir(parents=True, exist_ok=True)
        if config is not None:
            (folder / "annexa.toml").write_text(config, encoding="utf-8")
        return cls(folder, isolated_environment(folder, endpoint) | variables)

    @property
    def config(self) -> Path:
        return self.folder / "annexa.toml"

    @property
    def store(self) -> Path:
        return self.folder / "annexa-store"

    @property
    def command(self) -> list[str]:
        return [sys.executable, "-m", "annexa"]

    def ask(self, *arguments: str) -> Ran:
        """Run a command within this process, which is much faster."""
        out, err = io.StringIO(), io.StringIO()
        with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
            patch.chdir(self.folder)
            patch.setattr(sys, "argv", ["annexa", *arguments])
            for name in os.environ.keys() - self.environment.keys():
                patch.delenv(name)
            for name, value in self.environment.items():
                patch.setenv(name, value)
            code = run()
        return Ran(code, out.getvalue(), err.getvalue())

    def run(self, *arguments: str, largest_file: int | None = None) -> Ran:
        """Run a command and wait for its end.

        Args:
            largest_file: bytes that a file may have, as on a disk that is almost full.
        """
        command = [*self.command, *arguments]
        done = subprocess.run(
            command if largest_file is None else limited(command, largest_file),
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=PATIENCE_S,
            check=False,
        )
        return Ran(done.returncode, done.stdout, done.stderr)


def limited(command: list[str], largest_file: int) -> list[str]:
    """The same command, that can write no file beyond so many bytes."""
    limit = f"import os, resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, ({largest_file},) * 2)"
    return [sys.executable, "-c", f"{limit}; os.execv(sys.argv[1], sys.argv[1:])", *command]


def isolated_environment(home: Path, endpoint: str = "") -> dict[str, str]:
    """The environment without what would lead to somebody's AWS account or change the output."""
    foreign = ("AWS_", "ANNEXA_", "BOTO_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    for name in ("NO_COLOR", "FORCE_COLOR", "CLICOLOR_FORCE", "COLUMNS", "TTY_COMPATIBLE"):
        kept.pop(name, None)
    credentials = {
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_DEFAULT_REGION": "eu-central-1",
    }
    return {
        **kept,
        "HOME": str(home),
        "PYTHONPATH": str(Path(__file__).parents[2]),
        "AWS_CONFIG_FILE": str(home / "aws-config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(home / "aws-credentials"),
        "AWS_EC2_METADATA_DISABLED": "true",
        **(credentials if endpoint else {}),
    }
