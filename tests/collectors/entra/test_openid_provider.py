"""The application before an authorisation server that others wrote: by its secret, and by its certificate.

What Microsoft asks of an assertion:
https://learn.microsoft.com/entra/identity-platform/certificate-credentials.
"""

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes

from annexa.plugin import CallError
from collectors.azure.credentials import AzureTokens
from collectors.entra.settings import EntraSettings
from tests.collectors.azure.test_credentials import certificate
from tests.collectors.conftest import Certified
from tests.collectors.entra.conftest import Entra
from tests.collectors.entra.graph import CLIENT, SECRET, TENANT
from tests.collectors.openid_provider import ASSERTED, Client, OpenIdProvider

GRAPH = "https://graph.microsoft.com"
SCOPES = frozenset({f"{GRAPH}/.default", "https://management.core.windows.net//.default"})


@pytest.fixture
def provider(certified: Certified, entra: Entra) -> Iterator[OpenIdProvider]:
    """The tenant's, as msal finds it by discovery."""
    del entra
    with OpenIdProvider(certified.server, f"/{TENANT}/oauth2/v2.0/token") as provider:
        yield provider


@pytest.fixture
def certified_app(provider: OpenIdProvider, tmp_path: Path) -> Path:
    """The file with key and certificate of an application whose certificate the tenant has."""
    path = tmp_path / "annexa.pem"
    path.write_bytes(certificate(None))
    register(provider, path)
    return path


def register(provider: OpenIdProvider, path: Path) -> None:
    public = x509.load_pem_x509_certificate(path.read_bytes()).public_key()
    provider.clients[CLIENT] = Client(CLIENT, ASSERTED, keys={"": public}, scopes=SCOPES)


def source(entra: Entra, provider: OpenIdProvider, **more: Any) -> AzureTokens:
    section = entra.settings(authority=provider.url, **more)
    return AzureTokens(EntraSettings.model_validate(section), audience=GRAPH)


def by_certificate(entra: Entra, provider: OpenIdProvider, path: Path) -> AzureTokens:
    return source(entra, provider, credential="certificate", certificate_path=str(path))


def refused(tokens: AzureTokens) -> CallError:
    with pytest.raises(CallError) as caught:
        tokens.authorization()
    return caught.value


def test_a_secret_is_taken(entra: Entra, provider: OpenIdProvider) -> None:
    provider.clients[CLIENT] = Client(CLIENT, "client_secret_post", SECRET, scopes=SCOPES)
    assert source(entra, provider).authorization().removeprefix("Bearer ") in provider.tokens


def test_the_assertion_is_found_in_order(entra: Entra, provider: OpenIdProvider, certified_app: Path) -> None:
    header = by_certificate(entra, provider, certified_app).authorization()
    assert header.removeprefix("Bearer ") in provider.tokens
    (asserted,) = provider.asserted
    claims = asserted.claims
    assert (claims["iss"], claims["sub"], claims["aud"]) == (CLIENT, CLIENT, provider.token_endpoint)
    assert 0 < claims["exp"] - claims["iat"] <= 600


def test_the_assertion_names_the_certificate_by_its_thumbprint(
    entra: Entra, provider: OpenIdProvider, certified_app: Path
) -> None:
    by_certificate(entra, provider, certified_app).authorization()
    (asserted,) = provider.asserted
    found = x509.load_pem_x509_certificate(certified_app.read_bytes())
    names = {"x5t": hashes.SHA1(), "x5t#S256": hashes.SHA256()}
    said = {name: asserted.header[name] for name in names if name in asserted.header}
    assert said
    for name, value in said.items():
        assert base64.urlsafe_b64decode(value + "=" * (-len(value) % 4)) == found.fingerprint(names[name])


def test_a_certificate_that_the_tenant_does_not_have(
    entra: Entra, provider: OpenIdProvider, certified_app: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other.pem"
    other.write_bytes(certificate(None))
    register(provider, other)
    error = refused(by_certificate(entra, provider, certified_app))
    assert error.code == "CredentialsFailed"
    assert "invalid_client" in error.message


def test_a_secret_that_is_wrong(
    entra: Entra, provider: OpenIdProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    provider.clients[CLIENT] = Client(CLIENT, "client_secret_post", SECRET, scopes=SCOPES)
    monkeypatch.setenv("AZURE_CLIENT_SECRET", "another")
    error = refused(source(entra, provider))
    assert error.code == "CredentialsFailed"
    assert "another" not in error.message


def test_a_token_that_is_refused_is_replaced_by_a_new_one(
    entra: Entra, provider: OpenIdProvider, certified_app: Path
) -> None:
    tokens = by_certificate(entra, provider, certified_app)
    first = tokens.authorization()
    provider.tokens.clear()
    assert tokens.authorization(refused=first).removeprefix("Bearer ") in provider.tokens
    assert len({each.claims["jti"] for each in provider.asserted}) == 2


def test_the_doctor_says_what_is_wrong_and_what_to_do(entra: Entra, provider: OpenIdProvider) -> None:
    line = entra.collector(authority=provider.url).diagnose()[0]
    assert (line.name, line.ok) == ("credentials", False)
    assert "does not exist" in line.message
    assert "[entra]" in line.hint
