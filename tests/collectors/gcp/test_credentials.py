"""Tokens from google-auth itself, of each kind of credential, on loopback."""

import threading
from pathlib import Path

import pytest
from google.auth.compute_engine import _metadata
from google.oauth2 import credentials as oauth2_credentials

from annexa.demo.loopback import Loopback
from annexa.plugin import CallError
from collectors.gcp.credentials import GoogleTokens
from collectors.gcp.settings import GcpSettings
from tests.collectors.conftest import Certified
from tests.collectors.gcp.conftest import Google
from tests.collectors.gcp.identity import ACCOUNT, MACHINE, SUBJECT_TOKEN, TARGET, USER, Identity, new_key


@pytest.fixture
def federated(google: Google) -> Google:
    (google.folder / "token").write_text(SUBJECT_TOKEN)
    return google


@pytest.fixture
def machine(google: Google, monkeypatch: pytest.MonkeyPatch) -> Google:
    """A virtual machine: the metadata server is on loopback."""
    address = google.server.url.removeprefix("http://")
    monkeypatch.delenv("NO_GCE_CHECK")
    monkeypatch.setattr(_metadata, "_NO_GCE_CHECK", False, raising=False)
    monkeypatch.setattr(_metadata, "_GCE_METADATA_HOST", address)
    monkeypatch.setenv("GCE_METADATA_IP", address)
    return google


@pytest.fixture
def person(google: Google, monkeypatch: pytest.MonkeyPatch) -> Google:
    """Somebody who has signed in with gcloud; google-auth knows one address only where to renew that."""
    monkeypatch.setattr(oauth2_credentials, "_GOOGLE_OAUTH2_TOKEN_ENDPOINT", f"{google.server.url}/token")
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", google.user())
    return google


def owner(google: Google, header: str) -> str:
    return google.identity.owners[header.removeprefix("Bearer ")]


def failure(tokens: GoogleTokens) -> CallError:
    with pytest.raises(CallError) as caught:
        tokens.authorization()
    return caught.value


# A service account's key.


def test_a_service_account_s_key(google: Google) -> None:
    tokens = google.tokens()
    assert owner(google, tokens.authorization()) == ACCOUNT
    assert tokens.principal() == f"service account {ACCOUNT}"


def test_a_token_is_kept(google: Google) -> None:
    tokens = google.tokens()
    assert tokens.authorization() == tokens.authorization()
    assert len(google.identity.issued) == 1


def test_a_token_that_is_about_to_expire_is_replaced(google: Google) -> None:
    google.identity.expires_in = 200  # google-auth takes less than 3:45 for too little
    tokens = google.tokens()
    assert tokens.authorization() != tokens.authorization()


def test_a_token_that_was_refused_is_replaced(google: Google) -> None:
    tokens = google.tokens()
    old = tokens.authorization()
    new = tokens.authorization(refused=old)
    assert new != old
    assert tokens.authorization(refused=old) == new, "another thread has replaced it already"


def test_many_threads_that_are_refused_fetch_one_token(google: Google) -> None:
    tokens = google.tokens()
    old = tokens.authorization()
    found: list[str] = []
    threads = [
        threading.Thread(target=lambda: found.append(tokens.authorization(refused=old))) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len(set(found)) == 1
    assert len(google.identity.issued) == 2


def test_a_key_that_is_not_the_account_s(google: Google) -> None:
    error = failure(google.tokens(credentials_file=google.service_account(new_key())))
    assert error.code == "CredentialsFailed"
    assert "Invalid JWT Signature" in error.message
    assert "PRIVATE" not in error.message


def test_a_file_that_is_not_there(google: Google) -> None:
    error = failure(google.tokens(credentials_file=str(google.folder / "none.json")))
    assert error.code == "NoCredentials"
    assert "none.json" in error.message
    assert "Name the JSON file" in error.message


@pytest.mark.parametrize(
    "content", [[], {}, "text", {"type": "service_account"}, {"type": "authorized_user"}]
)
def test_a_file_that_is_none_of_its_kind(google: Google, content: object) -> None:
    error = failure(google.tokens(credentials_file=google.file("other.json", content)))
    assert error.code == "NoCredentials"
    assert "other.json" in error.message


def test_a_key_that_is_no_key_is_not_repeated(google: Google) -> None:
    info = {**google.identity.service_account(google.server.url), "private_key": "sesame"}
    error = failure(google.tokens(credentials_file=google.file("broken.json", info)))
    assert error.code == "NoCredentials"
    assert "sesame" not in error.message


def test_an_endpoint_that_does_not_answer_may_answer_later(google: Google) -> None:
    info = {**google.identity.service_account(google.server.url), "token_uri": "http://localhost:1/token"}
    error = failure(google.tokens(credentials_file=google.file("dead.json", info)))
    assert error.code == "CredentialsFailed"
    assert error.retryable


# A federation.


def test_a_federation(federated: Google) -> None:
    tokens = federated.tokens(credential="federated", credentials_file=federated.federation())
    assert "workloadIdentityPools/ci" in owner(federated, tokens.authorization())
    assert tokens.principal() == (
        "federated identity of projects/1234/locations/global/workloadIdentityPools/ci/providers/runner"
    )


def test_a_federation_that_impersonates_a_service_account(federated: Google) -> None:
    url = f"{federated.server.url}/iamcredentials/v1/projects/-/serviceAccounts/{TARGET}:generateAccessToken"
    path = federated.federation(service_account_impersonation_url=url)
    tokens = federated.tokens(credential="federated", credentials_file=path)
    assert owner(federated, tokens.authorization()) == TARGET
    assert tokens.principal() == f"service account {TARGET}"


def test_a_federation_whose_token_is_refused(federated: Google) -> None:
    (federated.folder / "token").write_text("forged")
    error = failure(federated.tokens(credential="federated", credentials_file=federated.federation()))
    assert error.code == "CredentialsFailed"
    assert "The subject token is not valid" in error.message
    assert "forged" not in error.message


def test_a_federation_whose_token_is_not_there(google: Google) -> None:
    error = failure(google.tokens(credential="federated", credentials_file=google.federation()))
    assert error.code == "CredentialsFailed"
    assert "token" in error.message


def test_a_program_that_gives_tokens_runs_only_where_the_environment_allows_it(google: Google) -> None:
    trace = google.folder / "trace"
    source = {"executable": {"command": f"touch {trace}", "timeout_millis": 5000}}
    path = google.federation(credential_source=source)
    error = failure(google.tokens(credential="federated", credentials_file=path))
    assert error.code == "CredentialsFailed"
    assert "GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES" in error.message
    assert not trace.exists()


@pytest.mark.parametrize(
    ("credential", "other"), [("service_account", "federation"), ("federated", "service_account")]
)
def test_a_file_of_the_other_kind_is_refused(google: Google, credential: str, other: str) -> None:
    path = getattr(google, other)()
    error = failure(google.tokens(credential=credential, credentials_file=path))
    assert error.code == "NoCredentials"
    assert "it is of type" in error.message


# The chain of application default credentials.


def test_a_file_that_the_environment_names(google: Google, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", google.service_account())
    assert owner(google, google.tokens(credential="default").authorization()) == ACCOUNT


def test_a_federation_that_the_environment_names_asks_nothing_but_the_token_service(
    federated: Google, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", federated.federation())
    assert federated.tokens(credential="default").authorization()
    assert [asked.path for asked in federated.server.asked] == ["/sts"]


def test_a_user_who_is_signed_in(person: Google) -> None:
    tokens = person.tokens(credential="default")
    assert tokens.principal() == f"user {USER}"
    assert tokens.headers() == {"x-goog-user-project": "ann-s-project"}


def test_a_user_who_is_signed_out(person: Google) -> None:
    person.file("user.json", {**person.identity.user(), "refresh_token": "revoked"})
    error = failure(person.tokens(credential="default"))
    assert error.code == "CredentialsFailed"
    assert "expired or revoked" in error.message


def test_a_virtual_machine(machine: Google) -> None:
    tokens = machine.tokens(credential="default")
    assert owner(machine, tokens.authorization()) == MACHINE
    assert tokens.principal() == f"service account {MACHINE}"


def test_a_chain_that_finds_nothing_says_what_to_do(google: Google) -> None:
    error = failure(google.tokens(credential="default"))
    assert error.code == "NoCredentials"
    assert "gcloud auth application-default login" in error.message


def test_a_file_that_the_environment_names_and_is_not_there(
    google: Google, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(google.folder / "gone.json"))
    error = failure(google.tokens(credential="default"))
    assert error.code == "NoCredentials"
    assert "gone.json" in error.message


# Impersonation.


def test_an_impersonated_service_account(google: Google) -> None:
    tokens = google.tokens(
        credential="impersonated", impersonate=TARGET, credentials_file=google.service_account()
    )
    assert owner(google, tokens.authorization()) == TARGET
    assert tokens.principal() == f"service account {TARGET}"
    assert google.identity.owners[google.identity.issued[0]] == ACCOUNT


def test_impersonation_from_the_chain(person: Google) -> None:
    tokens = person.tokens(credential="impersonated", impersonate=TARGET)
    assert owner(person, tokens.authorization()) == TARGET
    assert person.server.asked[-1].headers["x-goog-user-project"] == "ann-s-project"


def test_impersonation_that_is_denied_says_what_is_missing(google: Google) -> None:
    google.identity.may_impersonate.clear()
    tokens = google.tokens(
        credential="impersonated", impersonate=TARGET, credentials_file=google.service_account()
    )
    error = failure(tokens)
    assert error.code == "CredentialsFailed"
    assert "iam.serviceAccounts.getAccessToken" in error.message


# Quota, certificates.


def test_a_project_for_the_quota(google: Google) -> None:
    assert google.tokens().headers() == {}
    assert google.tokens(quota_project="audit-quota").headers() == {"x-goog-user-project": "audit-quota"}


def test_an_authority_is_believed_only_where_somebody_vouches_for_it(
    google: Google, certified: Certified, monkeypatch: pytest.MonkeyPatch
) -> None:
    identity: Identity = google.identity
    with Loopback(identity, certified.server) as secured:
        path = google.file("secured.json", identity.service_account(secured.url))
        settings = {"credential": "service_account", "credentials_file": path}
        error = failure(GoogleTokens(GcpSettings.model_validate(settings)))
        assert "CERTIFICATE_VERIFY_FAILED" in error.message
        monkeypatch.setenv("SSL_CERT_FILE", str(certified.authority))
        assert GoogleTokens(GcpSettings.model_validate(settings)).authorization()


def test_nothing_is_asked_before_a_token_is_needed(google: Google, tmp_path: Path) -> None:
    google.tokens(credentials_file=str(tmp_path / "none.json"))
    assert google.server.asked == []
