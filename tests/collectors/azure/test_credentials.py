"""Tokens from azure-identity itself, of each kind of credential, over TLS on loopback."""

import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from annexa.demo.loopback import Answer, Asked, Loopback
from annexa.plugin import CallError
from collectors.azure.credentials import AzureTokens
from collectors.azure.settings import AzureSettings
from tests.collectors.azure.arm import CLIENT, OBJECT, SECRET, TENANT, reply
from tests.collectors.azure.conftest import Azure


def tokens(azure: Azure, **section: object) -> AzureTokens:
    return AzureTokens(AzureSettings.model_validate({**azure.settings(), **section}))


def certificate(password: bytes | None) -> bytes:
    key = rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "annexa")])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    protection = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, protection)
    return private + signed.public_bytes(serialization.Encoding.PEM)


def test_a_client_secret_from_the_environment(azure: Azure) -> None:
    header = tokens(azure).authorization()
    assert header == f"Bearer {azure.arm.issued[-1]}"


def test_a_token_is_kept(azure: Azure) -> None:
    source = tokens(azure)
    assert source.authorization() == source.authorization()


def test_the_secret_s_variable_may_have_another_name(azure: Azure, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AZURE_CLIENT_SECRET")
    monkeypatch.setenv("ENTRA", SECRET)
    assert tokens(azure, client_secret_env="ENTRA").authorization()


@pytest.mark.parametrize("password", [None, b"open sesame"])
def test_a_certificate(
    azure: Azure, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, password: bytes | None
) -> None:
    path = tmp_path / "annexa.pem"
    path.write_bytes(certificate(password))
    monkeypatch.setenv("CERTIFICATE_PASSWORD", "open sesame")
    section = {"certificate_password_env": "CERTIFICATE_PASSWORD"} if password else {}
    assert tokens(azure, credential="certificate", certificate_path=str(path), **section).authorization()
    assert b"client_assertion" in azure.server.asked[-1].body


def test_a_certificate_that_is_not_there(azure: Azure, tmp_path: Path) -> None:
    source = tokens(azure, credential="certificate", certificate_path=str(tmp_path / "none.pem"))
    with pytest.raises(CallError, match=r"none\.pem") as caught:
        source.authorization()
    assert caught.value.code == "NoCredentials"


def test_the_token_of_a_workload(azure: Azure, tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("from-kubernetes")
    assert tokens(azure, credential="workload", token_file=str(path)).authorization()
    assert b"client_assertion=from-kubernetes" in azure.server.asked[-1].body


def test_the_usual_chain_begins_with_the_environment(azure: Azure, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_TENANT_ID", TENANT)
    monkeypatch.setenv("AZURE_CLIENT_ID", CLIENT)
    assert tokens(azure, credential="default").authorization()


def test_a_chain_that_finds_nothing_says_what_it_tried(
    azure: Azure, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("AZURE_TOKEN_CREDENTIALS", "dev")
    with pytest.raises(CallError, match="AzureCli: Azure CLI not found on path") as caught:
        tokens(azure, credential="default").authorization()
    assert "https://" not in caught.value.message


def test_a_managed_identity(azure: Azure, monkeypatch: pytest.MonkeyPatch) -> None:
    def answering(asked: Asked) -> Answer:
        if asked.headers.get("x-identity-header") != "of-the-machine":
            return reply(401, {"error": "wrong header"})
        later = str(int(datetime.now(UTC).timestamp()) + 3600)
        kept = {"access_token": "managed", "expires_on": later, "token_type": "Bearer"}
        return reply(200, {**kept, "resource": asked.query["resource"]})

    with Loopback(answering) as machine:
        monkeypatch.setenv("IDENTITY_ENDPOINT", f"{machine.url}/msi/token")
        monkeypatch.setenv("IDENTITY_HEADER", "of-the-machine")
        source = tokens(azure, credential="managed", client_id=CLIENT)
        assert source.authorization() == "Bearer managed"
        assert machine.asked[0].query["client_id"] == CLIENT
        assert machine.asked[0].query["resource"] == "https://management.azure.com"


def test_who_the_token_is_for(azure: Azure) -> None:
    claims = tokens(azure).claims()
    assert (claims["tid"], claims["oid"], claims["appid"]) == (TENANT, OBJECT, CLIENT)


@pytest.mark.parametrize("token", ["opaque", "a.b.c", "a.bnVsbA.c", ""])
def test_a_token_that_says_nothing_is_still_a_token(azure: Azure, token: str) -> None:
    class Opaque:
        def get_token(self, *scopes: str, **more: object) -> object:
            from azure.core.credentials import AccessToken

            return AccessToken(token, 2**31)

    source = AzureTokens(AzureSettings.model_validate(azure.settings()), Opaque)  # type: ignore[arg-type]
    assert source.claims() == {}


def test_many_threads_that_are_refused_fetch_one_token(azure: Azure) -> None:
    source = tokens(azure)
    old = source.authorization()
    before = len(azure.arm.issued)
    found: list[str] = []
    threads = [
        threading.Thread(target=lambda: found.append(source.authorization(refused=old))) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(found)) == 1
    assert found[0] != old
    assert len(azure.arm.issued) - before == 1


def test_an_authority_that_nobody_vouches_for_is_not_trusted(
    azure: Azure, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    with pytest.raises(CallError, match="CERTIFICATE_VERIFY_FAILED") as caught:
        tokens(azure).authorization()
    assert caught.value.code == "CredentialsFailed"
