"""A SCIM service for a module's tests, and collectors that read it."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from annexa.demo.loopback import Answer, Asked
from annexa.plugin import Document, Report, Tools
from collectors.scim import ScimCollector
from tests.collectors.rest.rules import Faulty
from tests.collectors.scim.service import TOKEN, Proxy, ScimServer

NAME = "staff"
"""What the configuration calls the service."""


@dataclass(frozen=True)
class Scim:
    """The server, and the proxy in front of it."""

    server: ScimServer
    proxy: Proxy

    def service(self, **more: Any) -> dict[str, Any]:
        """The keys of the service."""
        return {
            "base_url": self.proxy.url,
            "token_env": "TEST_SCIM_TOKEN",
            "page_size": 3,
            "retries": 1,
            **more,
        }

    def settings(self, **more: Any) -> dict[str, Any]:
        """The ``[scim]`` section with this service alone."""
        return {"services": {NAME: self.service(**more)}}

    def dotted(self, **more: Any) -> dict[str, Any]:
        """The same with keys as TOML has them on one line each."""
        return {f"services.{NAME}.{key}": value for key, value in self.service(**more).items()}

    def collector(self, tools: Tools | None = None, **more: Any) -> ScimCollector:
        return ScimCollector(self.settings(**more), tools or Tools(redaction_key=b"test"))

    def read(self, kind: str, **more: Any) -> tuple[dict[str, Document], Report]:
        """Collect one type; return its documents by id, and the report."""
        collector = self.collector(**more)
        scope = collector.discover().scopes[0]
        collection = collector.collect(scope, collector.targets(scope, [kind])[0])
        documents = {document.id: document for document in collection}
        return documents, collection.report


def refuse(status: int, detail: str, scim_type: str = "", **headers: str) -> Faulty:
    """Answer with an error as RFC 7644 §3.12 has it."""
    body = {
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"],
        "status": str(status),
        "detail": detail,
    }
    if scim_type:
        body["scimType"] = scim_type
    more = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    answer = Answer(status, (("Content-Type", "application/scim+json"), *more), json.dumps(body).encode())

    def faulty(asked: Asked, right: object) -> Answer:
        del asked, right
        return answer

    return faulty


@pytest.fixture(scope="module")
def scim() -> Iterator[Scim]:
    with pytest.MonkeyPatch.context() as patch, ScimServer() as server:
        patch.setenv("TEST_SCIM_TOKEN", TOKEN)
        proxy = Proxy(server)
        with proxy.loopback:
            yield Scim(server, proxy)
