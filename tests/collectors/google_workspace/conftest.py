"""Google Workspace on loopback, and an environment in which nothing of the developer's own shows."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from google.auth import iam, impersonated_credentials

from annexa.demo.loopback import Loopback
from annexa.plugin import Tools
from collectors.google_workspace.collector import GoogleWorkspaceCollector
from collectors.google_workspace.settings import GoogleWorkspaceSettings
from tests.collectors.conftest import Certified
from tests.collectors.gcp.identity import new_key
from tests.collectors.google_workspace import estate
from tests.collectors.google_workspace.delegated import ADMIN, Delegated
from tests.collectors.google_workspace.workspace import Workspace

KEY = b"workspace-tests"


@dataclass(frozen=True)
class Served:
    """The customer while it is served.

    Attributes:
        folder: where the JSON file with the service account's key is.
    """

    workspace: Workspace
    server: Loopback
    folder: Path

    @property
    def tokens(self) -> Delegated:
        return self.workspace.tokens

    def settings(self, **more: Any) -> dict[str, Any]:
        """The ``[google_workspace]`` section that leads here."""
        path = self.folder / "service-account.json"
        path.write_text(json.dumps(self.tokens.file(self.server.url)))
        own = {"admin": ADMIN, "credentials_file": str(path), "endpoint_url": self.server.url, "retries": 1}
        return {**own, "read_timeout": 20, **more}

    def section(self, **more: Any) -> GoogleWorkspaceSettings:
        return GoogleWorkspaceSettings.model_validate(self.settings(**more))

    def collector(self, tools: Tools | None = None, **more: Any) -> GoogleWorkspaceCollector:
        return GoogleWorkspaceCollector(self.settings(**more), tools or Tools(redaction_key=KEY))


@contextmanager
def serving(certified: Certified, folder: Path) -> Iterator[Served]:
    """The customer of :mod:`tests.collectors.google_workspace.estate`, over HTTPS."""
    workspace = Workspace(Delegated(new_key()))
    estate.build(workspace)
    with pytest.MonkeyPatch.context() as patch, Loopback(workspace, certified.server) as server:
        workspace.tokens.base = server.url
        patch.setenv("SSL_CERT_FILE", str(certified.authority))
        for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "GOOGLE_APPLICATION_CREDENTIALS"):
            patch.delenv(name, raising=False)
        # google-auth knows one address only where to have assertions signed, and where to hand them in.
        sign = f"{server.url}/iamcredentials/v1/projects/-/serviceAccounts/{{}}:signJwt"
        patch.setattr(iam, "_IAM_SIGNJWT_ENDPOINT", sign)
        patch.setattr(impersonated_credentials, "_GOOGLE_OAUTH2_TOKEN_ENDPOINT", f"{server.url}/token")
        yield Served(workspace, server, folder)


@pytest.fixture(scope="module")
def google(certified: Certified, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The customer, made anew for each module."""
    with serving(certified, tmp_path_factory.mktemp("google")) as served:
        yield served
