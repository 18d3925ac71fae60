"""A moto server, an environment without the developer's own AWS, a certificate for localhost, and an
authorisation server that others wrote."""

import logging
import os
import ssl
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import trustme

if TYPE_CHECKING:
    from tests.collectors.openid_provider import OpenIdProvider


@dataclass(frozen=True)
class Certified:
    """A certificate for localhost, and the file with the authority that vouches for it."""

    server: ssl.SSLContext
    authority: Path


@pytest.fixture(scope="session")
def moto_endpoint() -> Iterator[str]:
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(scope="class")
def fresh_moto(moto_endpoint: str) -> str:
    """The server, emptied."""
    urllib.request.urlopen(urllib.request.Request(f"{moto_endpoint}/moto-api/reset", method="POST")).close()
    return moto_endpoint


@pytest.fixture(scope="class")
def aws_environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Credentials for moto, and no configuration; yields the folder where one may be written."""
    folder = tmp_path_factory.mktemp("aws")
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            if name.startswith("AWS_"):
                patch.delenv(name)
        patch.setenv("AWS_ACCESS_KEY_ID", "testing")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
        patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        patch.setenv("AWS_CONFIG_FILE", str(folder / "config"))
        patch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(folder / "credentials"))
        yield folder


@pytest.fixture(scope="session")
def certified(tmp_path_factory: pytest.TempPathFactory) -> Certified:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    path = tmp_path_factory.mktemp("authority") / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return Certified(context, path)


@pytest.fixture
def openid_provider(certified: Certified) -> "Iterator[OpenIdProvider]":
    """The provider without clients; each test brings its own."""
    from tests.collectors.openid_provider import OpenIdProvider

    with OpenIdProvider(certified.server) as provider:
        yield provider
