"""Okta on loopback over HTTPS, with a service app's key, and an environment of the tests' own."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from annexa.demo.loopback import Loopback
from annexa.plugin import Tools
from collectors.okta.collector import OktaCollector
from tests.collectors.conftest import Certified
from tests.collectors.okta import estate
from tests.collectors.okta.org import API_TOKEN, CLIENT, KEY_ID, Org

KEY = b"okta-tests"


@dataclass(frozen=True)
class Okta:
    """The organisation while it is served."""

    org: Org
    server: Loopback
    key_file: Path

    def settings(self, **more: Any) -> dict[str, Any]:
        """The ``[okta]`` section that leads here, with an API token."""
        return {"org_url": self.server.url, "retries": 1, **more}

    def service_app(self, **more: Any) -> dict[str, Any]:
        """The same with a service app."""
        key = {"client_id": CLIENT, "private_key_file": str(self.key_file), "key_id": KEY_ID}
        return self.settings(credential="oauth", **key, **more)

    def require_possession(self) -> None:
        """Grant the service app all scopes, and let it require DPoP, with a nonce for each request."""
        collector = self.collector(self.service_app())
        self.org.granted = frozenset(collector.permissions(collector.resource_types()).grants)
        self.org.dpop = True
        self.org.showing.renew()

    def collector(
        self, section: dict[str, Any] | None = None, tools: Tools | None = None, **more: Any
    ) -> OktaCollector:
        return OktaCollector(section or self.settings(**more), tools or Tools(redaction_key=KEY))


@contextmanager
def environment(certified: Certified) -> Iterator[None]:
    """The API token, and the authority of the tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OKTA_API_TOKEN", API_TOKEN)
        patch.setenv("SSL_CERT_FILE", str(certified.authority))
        yield


@contextmanager
def served(certified: Certified, key: RSAPrivateKey, key_file: Path) -> Iterator[Okta]:
    """The organisation of :mod:`tests.collectors.okta.estate`."""
    org = Org(public_key=key.public_key())
    estate.build(org)
    with Loopback(org, certified.server) as server:
        org.base = server.url
        yield Okta(org, server, key_file)


@pytest.fixture(scope="session")
def private_key() -> RSAPrivateKey:
    return generate_private_key(65537, 2048)


@pytest.fixture(scope="session")
def key_file(private_key: RSAPrivateKey, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("okta") / "key.pem"
    path.write_bytes(private_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return path


@pytest.fixture(scope="class")
def okta_environment(certified: Certified) -> Iterator[None]:
    with environment(certified):
        yield


@pytest.fixture(scope="class")
def okta(
    certified: Certified, okta_environment: None, private_key: RSAPrivateKey, key_file: Path
) -> Iterator[Okta]:
    """The organisation, made anew for each test or class."""
    del okta_environment
    with served(certified, private_key, key_file) as organisation:
        yield organisation
