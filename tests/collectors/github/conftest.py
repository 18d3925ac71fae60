"""GitHub on loopback, and an environment with its token and nothing of the developer's own."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from annexa.demo.loopback import Answer, Asked, Loopback
from annexa.plugin import Tools
from collectors.github.collector import GithubCollector
from tests.collectors.github import estate
from tests.collectors.github.github import TOKEN, Github
from tests.collectors.rest.rules import Rules

KEY = b"github-tests"


@dataclass(frozen=True)
class Served:
    """The organisation while it is served.

    Attributes:
        rules: what goes wrong.
        key_file: the private key of the App.
    """

    github: Github
    server: Loopback
    rules: Rules
    key_file: Path

    def settings(self, **more: Any) -> dict[str, Any]:
        """The ``[github]`` section that leads here, as to a GitHub Enterprise Server."""
        return {"organizations": [estate.ORG], "api_url": self.github.base, "retries": 1, **more}

    def app_settings(self, **more: Any) -> dict[str, Any]:
        """The same for the App."""
        own = {"app_id": self.github.app_id, "private_key_file": str(self.key_file)}
        return self.settings(credential="app", **{**own, **more})

    def collector(self, tools: Tools | None = None, **more: Any) -> GithubCollector:
        return GithubCollector(self.settings(**more), tools or Tools(redaction_key=KEY))

    def app(self, tools: Tools | None = None, **more: Any) -> GithubCollector:
        """A collector that signs in as the App, which the organisation is made to install."""
        self.github.installations.setdefault(estate.ORG, estate.installation())
        return GithubCollector(self.app_settings(**more), tools or Tools(redaction_key=KEY))


@contextmanager
def environment() -> Iterator[None]:
    """The owner's token."""
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            if name.startswith(("GITHUB_", "GH_")):
                patch.delenv(name)
        patch.setenv("GITHUB_TOKEN", TOKEN)
        yield


@contextmanager
def served(folder: Path) -> Iterator[Served]:
    """The organisation of :mod:`tests.collectors.github.estate`.

    Args:
        folder: for the App's key.
    """
    github, rules = Github(), Rules()
    estate.build(github)
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    github.app_key = key.public_key()
    pem, form = serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL
    (folder / "app.pem").write_bytes(key.private_bytes(pem, form, serialization.NoEncryption()))

    def answering(asked: Asked) -> Answer | None:
        return rules.answer(asked, lambda: github(asked))

    with Loopback(answering) as server:
        github.base = f"{server.url}/api/v3"
        yield Served(github, server, rules, folder / "app.pem")


@pytest.fixture(scope="class")
def github_environment() -> Iterator[None]:
    with environment():
        yield


@pytest.fixture(scope="class")
def github(github_environment: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The organisation, made anew for each test or class."""
    del github_environment
    with served(tmp_path_factory.mktemp("github")) as organisation:
        yield organisation
