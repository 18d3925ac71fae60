"""Google Cloud on loopback, and an environment in which nothing of the developer's own shows."""

import copy
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from google.auth.compute_engine import _metadata

from annexa.demo.google import TOKEN_PATH, Estate
from annexa.demo.loopback import Answer, Asked, Loopback
from annexa.plugin import Tools
from collectors.gcp.collector import GcpCollector
from collectors.gcp.credentials import GoogleTokens
from collectors.gcp.settings import GcpSettings
from tests.collectors.conftest import Certified
from tests.collectors.gcp import estate
from tests.collectors.gcp import google as google_apis
from tests.collectors.gcp.hierarchy import Hierarchy
from tests.collectors.gcp.identity import Identity, error, new_key
from tests.collectors.rest.rules import Rules

_FOREIGN = ("GOOGLE_", "GCE_", "CLOUDSDK_", "GCLOUD_", "NO_GCE_CHECK", "SSL_CERT", "REQUESTS_CA", "CURL_CA")

KEY = b"gcp-tests"


@dataclass
class Google:
    """The estate while it is served.

    Attributes:
        folder: where the JSON files with credentials are.
        rules: the first that takes a request decides; they do not concern tokens.
    """

    identity: Identity
    hierarchy: Hierarchy
    folder: Path
    rules: Rules = field(default_factory=Rules)
    server: Loopback = field(init=False)

    def __call__(self, asked: Asked) -> Answer | None:
        given = self.identity(asked)
        if given is not None:
            return given
        return self.rules.answer(asked, lambda: self._right(asked))

    def _right(self, asked: Asked) -> Answer:
        refused = self.identity.refusal(asked.headers.get("authorization", ""))
        return refused or self.hierarchy(asked) or error(404, "NOT_FOUND", "There is nothing.")

    def file(self, name: str, content: Any) -> str:
        """Write a JSON file and return its path."""
        path = self.folder / name
        path.write_text(json.dumps(content))
        return str(path)

    def service_account(self, key: rsa.RSAPrivateKey | None = None) -> str:
        return self.file("service-account.json", self.identity.service_account(self.server.url, key))

    def federation(self, **more: Any) -> str:
        configuration = self.identity.federation(self.server.url, self.folder / "token")
        return self.file("federation.json", {**configuration, **more})

    def user(self) -> str:
        return self.file("user.json", self.identity.user())

    def settings(self, **section: Any) -> GcpSettings:
        """The ``[gcp]`` section that leads here, with a service account's key if it says nothing else."""
        own = {"credential": "service_account"} if "credential" not in section else {}
        wants_file = section.get("credential", "service_account") == "service_account"
        if wants_file and "credentials_file" not in section:
            own["credentials_file"] = self.service_account()
        return GcpSettings.model_validate(
            {"endpoint_url": self.server.url, "retries": 1, "read_timeout": 5, **own, **section}
        )

    def tokens(self, **section: Any) -> GoogleTokens:
        return GoogleTokens(self.settings(**section))


@pytest.fixture(scope="session")
def account_key() -> rsa.RSAPrivateKey:
    return new_key()


@pytest.fixture
def google_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No credentials anywhere, and no metadata server."""
    for name in list(os.environ):
        if name.startswith(_FOREIGN):
            monkeypatch.delenv(name)
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path))
    # google-auth reads this when it is asked, or when it is imported: that depends on its version.
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    monkeypatch.setattr(_metadata, "_NO_GCE_CHECK", True, raising=False)
    return tmp_path


@pytest.fixture
def google(google_environment: Path, account_key: rsa.RSAPrivateKey) -> Iterator[Google]:
    estate = Google(Identity(account_key), Hierarchy(), google_environment)
    with Loopback(estate) as server:
        estate.server = server
        yield estate


@dataclass(frozen=True)
class Gcp:
    """The organisation of :mod:`tests.collectors.gcp.estate` while it is served.

    Attributes:
        key: the JSON file with the key of the service account that reads.
    """

    google: google_apis.Google
    server: Loopback
    key: Path

    def settings(self, **more: Any) -> dict[str, Any]:
        """The ``[gcp]`` section that leads here, and reads lists rather than the inventory."""
        return {
            "credential": "service_account",
            "credentials_file": str(self.key),
            "endpoint_url": self.server.url,
            "inventory": "off",
            "projects": [estate.PROJECT],
            "retries": 1,
            **more,
        }

    def collector(self, tools: Tools | None = None, **more: Any) -> GcpCollector:
        return GcpCollector(self.settings(**more), tools or Tools(redaction_key=KEY))


@pytest.fixture(scope="session")
def whole_estate() -> Estate:
    """The estate, which is costly to make; tests work on copies."""
    return estate.build()


@pytest.fixture(scope="module")
def gcp(
    whole_estate: Estate, certified: Certified, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Gcp]:
    """The organisation on loopback."""
    made = google_apis.Google(copy.deepcopy(whole_estate))
    key = tmp_path_factory.mktemp("gcp") / "key.json"
    with Loopback(made) as server, pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            if name.startswith(_FOREIGN):
                patch.delenv(name)
        # One authority is read in no time, and every collector reads them.
        patch.setenv("SSL_CERT_FILE", str(certified.authority))
        file = made.tokens.key_file(estate.READER, estate.PROJECT, f"{server.url}{TOKEN_PATH}")
        key.write_text(json.dumps(file))
        yield Gcp(made, server, key)


@pytest.fixture(autouse=True)
def answers_that_google_gives(request: pytest.FixtureRequest) -> Iterator[None]:
    """No test may rest on an answer that the discovery documents do not allow."""
    yield
    if "gcp" in request.fixturenames:
        served: Gcp = request.getfixturevalue("gcp")
        assert served.google.gate.problems() == []
