"""Microsoft Graph on loopback over HTTPS, in an environment in which nothing of the developer shows."""

import os
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from annexa.demo.loopback import Loopback
from annexa.plugin import Document, Report, Tools
from collectors.entra.collector import EntraCollector
from collectors.entra.permissions import app_roles
from tests.collectors.conftest import Certified
from tests.collectors.entra import estate
from tests.collectors.entra.graph import CLIENT, SECRET, TENANT, Graph

KEY = b"entra-tests"


@dataclass(frozen=True)
class Entra:
    """The tenant while it is served."""

    graph: Graph
    server: Loopback

    def settings(self, **more: Any) -> dict[str, Any]:
        """The ``[entra]`` section that leads here."""
        return {
            "tenant_id": TENANT,
            "credential": "client_secret",
            "client_id": CLIENT,
            "authority": self.server.url,
            "endpoint_url": self.server.url,
            "retries": 1,
            **more,
        }

    def collector(self, tools: Tools | None = None, **more: Any) -> EntraCollector:
        return EntraCollector(self.settings(**more), tools or Tools(redaction_key=KEY))

    def read(self, kind: str, **more: Any) -> tuple[list[Document], Report]:
        """Collect one resource type."""
        collector = self.collector(**more)
        (scope,) = collector.discover().scopes
        (target,) = collector.targets(scope, [kind])
        with collector.collect(scope, target) as collection:
            documents = list(collection)
        return documents, collection.report


@contextmanager
def environment(certified: Certified) -> Iterator[None]:
    """Variables for the fake, and none of the developer's."""
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            if name.startswith(("AZURE_", "IDENTITY_", "MSI_")):
                patch.delenv(name)
        patch.setenv("AZURE_CLIENT_SECRET", SECRET)
        patch.setenv("SSL_CERT_FILE", str(certified.authority))
        yield


@contextmanager
def serving(certified: Certified) -> Iterator[Entra]:
    """The tenant of :mod:`tests.collectors.entra.estate`."""
    graph = Graph()
    estate.build(graph)
    graph.claims = {"roles": sorted(app_roles())}
    with environment(certified), Loopback(graph, certified.server) as server:
        graph.base = server.url
        yield Entra(graph, server)


@pytest.fixture(scope="class")
def served(certified: Certified) -> Iterator[Entra]:
    """The tenant, made anew for each test or class."""
    with serving(certified) as tenant:
        yield tenant


@pytest.fixture
def entra(served: Entra) -> Entra:
    """The tenant of one test."""
    return served


@pytest.fixture
def certified_client(certified: Certified) -> Iterator[httpx.Client]:
    """A client that trusts the fake's certificate."""
    with httpx.Client(verify=ssl.create_default_context(cafile=str(certified.authority))) as client:
        yield client
