"""Azure on loopback over HTTPS, and an environment in which nothing of the developer's own shows."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from annexa.demo.loopback import Loopback
from annexa.plugin import Tools
from collectors.azure.collector import AzureCollector
from tests.collectors.azure import estate
from tests.collectors.azure.arm import CLIENT, SECRET, TENANT, Arm
from tests.collectors.conftest import Certified

KEY = b"azure-tests"


@dataclass(frozen=True)
class Azure:
    """The tenant while it is served."""

    arm: Arm
    server: Loopback

    def settings(self, **more: Any) -> dict[str, Any]:
        """The ``[azure]`` section that leads here."""
        return {
            "tenant_id": TENANT,
            "credential": "client_secret",
            "client_id": CLIENT,
            "authority": self.server.url,
            "endpoint_url": self.server.url,
            "retries": 1,
            **more,
        }

    def collector(self, tools: Tools | None = None, **more: Any) -> AzureCollector:
        return AzureCollector(self.settings(**more), tools or Tools(redaction_key=KEY))


@contextmanager
def environment(certified: Certified) -> Iterator[None]:
    """The secret of the tenant's application, and nothing of the developer's own."""
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            if name.startswith(("AZURE_", "IDENTITY_", "MSI_")):
                patch.delenv(name)
        patch.setenv("AZURE_CLIENT_SECRET", SECRET)
        patch.setenv("SSL_CERT_FILE", str(certified.authority))
        yield


@contextmanager
def served(certified: Certified) -> Iterator[Azure]:
    """The tenant of :mod:`tests.collectors.azure.estate`."""
    arm = Arm()
    estate.build(arm)
    with Loopback(arm, certified.server) as server:
        arm.base = server.url
        yield Azure(arm, server)


@pytest.fixture(scope="class")
def azure_environment(certified: Certified) -> Iterator[None]:
    with environment(certified):
        yield


@pytest.fixture(scope="class")
def azure(certified: Certified, azure_environment: None) -> Iterator[Azure]:
    """The tenant, made anew for each test or class."""
    del azure_environment
    with served(certified) as tenant:
        yield tenant
