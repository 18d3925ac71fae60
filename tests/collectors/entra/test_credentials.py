"""Signing in to Graph, and what the doctor says of it."""

import base64
import json
from typing import Any

import pytest

from annexa.plugin import CallError, ConfigError, Tools
from collectors.azure.credentials import AzureTokens
from collectors.entra.collector import EntraCollector
from collectors.entra.settings import EntraSettings
from tests.collectors.entra.conftest import Entra
from tests.collectors.entra.graph import CLIENT, TENANT
from tests.collectors.rest.rules import Rule, at, send


def lines(entra: Entra, **more: Any) -> dict[str, tuple[bool, str, str]]:
    found = entra.collector(**more).diagnose()
    return {each.name: (each.ok, each.message, each.hint) for each in found}


@pytest.mark.parametrize(
    ("cloud", "host"),
    [
        ("public", "https://graph.microsoft.com"),
        ("usgovernment", "https://graph.microsoft.us"),
        ("china", "https://microsoftgraph.chinacloudapi.cn"),
    ],
)
def test_each_cloud_has_a_graph_of_its_own(cloud: str, host: str) -> None:
    collector = EntraCollector({"cloud": cloud}, Tools(redaction_key=b"key"))
    assert collector.services()["graph"].base_url == host
    assert not collector.elsewhere()


def test_the_section_is_named_where_a_variable_is_missing(
    entra: Entra, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AZURE_CLIENT_SECRET")
    source = AzureTokens(EntraSettings.model_validate(entra.settings()))
    with pytest.raises(CallError, match=r"entra\.client_secret_env"):
        source.authorization()


@pytest.mark.parametrize(
    ("section", "key"),
    [
        (
            {"credential": "certificate", "certificate_path": "/none.pem"},
            r"entra\.certificate_path: /none\.pem",
        ),
        ({"credential": "certificate", "certificate_path": __file__}, r"entra\.certificate_path"),
        ({"credential": "workload"}, r"entra\.token_file"),
    ],
)
def test_the_key_is_named_whose_file_is_missing_or_of_no_use(
    entra: Entra, section: dict[str, str], key: str
) -> None:
    source = AzureTokens(EntraSettings.model_validate(entra.settings(**section)))
    with pytest.raises(CallError, match=key) as caught:
        source.authorization()
    assert caught.value.code == "NoCredentials"


def test_keys_of_azure_s_section_are_none_of_ours() -> None:
    with pytest.raises(ConfigError, match="subscriptions"):
        EntraCollector({"subscriptions": []}, Tools(redaction_key=b"key"))


def test_a_credential_needs_what_it_is_made_of() -> None:
    with pytest.raises(ConfigError, match="certificate_path"):
        EntraCollector(
            {"credential": "certificate", "tenant_id": TENANT, "client_id": CLIENT},
            Tools(redaction_key=b"key"),
        )


def test_the_doctor_finds_everything_in_order(entra: Entra) -> None:
    found = lines(entra)
    assert all(ok for ok, _, _ in found.values())
    assert CLIENT in found["credentials"][1]
    assert found["tenant"][1] == f"Contoso ({TENANT})"
    assert "are granted" in found["permissions"][1]


def test_the_doctor_names_permissions_that_are_missing(entra: Entra) -> None:
    roles = [each for each in entra.graph.claims["roles"] if each != "Policy.Read.All"]
    entra.graph.claims = {"roles": roles}
    ok, message, hint = lines(entra)["permissions"]
    assert not ok
    assert message.endswith("are missing: Policy.Read.All")
    assert "annexa permissions entra" in hint


def test_permissions_of_a_person_count_as_well(entra: Entra) -> None:
    roles = entra.graph.claims["roles"]
    entra.graph.claims = {"scp": " ".join(roles), "upn": "ann@contoso.com"}
    found = lines(entra)
    assert found["permissions"][0]
    assert "ann@contoso.com" in found["credentials"][1]


def test_the_doctor_says_that_credentials_are_no_good(entra: Entra, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_CLIENT_SECRET", "wrong")
    ok, message, hint = lines(entra)["credentials"]
    assert not ok
    assert "AADSTS7000215" in message
    assert "[entra]" in hint


def test_the_doctor_says_that_the_tenant_cannot_be_read(entra: Entra) -> None:
    entra.graph.rules.append(Rule(at("/organization"), send(500, b"")))
    ok, message, _ = lines(entra)["tenant"]
    assert not ok
    assert "graph:GET /v1.0/organization" in message


def opaque(payload: Any) -> str:
    return f"a.{base64.urlsafe_b64encode(json.dumps(payload).encode()).decode().rstrip('=')}.c"


@pytest.mark.parametrize(
    ("token", "granted"),
    [
        ("opaque", None),
        (opaque([]), None),
        (opaque({"tid": "t"}), frozenset()),
        (opaque({"roles": ["A.Read.All", 1]}), frozenset({"A.Read.All"})),
        (opaque({"roles": "A", "scp": "B.Read C.Read"}), frozenset({"B.Read", "C.Read"})),
    ],
)
def test_what_a_token_says_it_may(entra: Entra, token: str, granted: frozenset[str] | None) -> None:
    class Fixed:
        def get_token(self, *scopes: str, **more: object) -> object:
            from azure.core.credentials import AccessToken

            return AccessToken(token, 2**31)

    settings = EntraSettings.model_validate(entra.settings())
    assert AzureTokens(settings, Fixed).granted() == granted  # type: ignore[arg-type]
