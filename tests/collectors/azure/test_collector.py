"""The Azure collector against a tenant: what it finds, what it reads, and what it says of the rest."""

import time
from collections.abc import Iterator
from typing import Any

import pytest

from annexa.plugin import ConfigError, Discovery, Document, Report, Scope, Tools
from collectors.azure.collector import AzureCollector
from store.errors import CollectorError
from tests.collectors.azure import arm, estate
from tests.collectors.azure.arm import CLIENT, OBJECT, SECRET, TENANT, Rule
from tests.collectors.azure.conftest import KEY, Azure

UNKNOWN = "aaaaaaaa-0000-4000-8000-00000000000f"


@pytest.fixture(autouse=True)
def healthy(azure: Azure) -> Iterator[None]:
    """What a test breaks is whole again for the next."""
    places = dict(azure.arm.places)
    yield
    azure.arm.rules.clear()
    azure.arm.lives = None
    azure.arm.places = places


def read(collector: AzureCollector, kind: str) -> tuple[list[Document], Report]:
    scope = next(iter(collector.discover().scopes))
    (target,) = collector.targets(scope, [kind])
    with collector.collect(scope, target) as collection:
        documents = list(collection)
    return documents, collection.report


def codes(found: Discovery) -> set[tuple[str, str]]:
    return {(gap.resource_id, gap.code) for gap in found.gaps}


# Subscriptions.


def test_every_subscription_that_can_be_seen_is_found(azure: Azure) -> None:
    found = azure.collector().discover()
    assert found.scopes == (
        Scope(
            provider="azure",
            id=estate.SUBSCRIPTION,
            name="Payroll",
            attributes={
                "partition": "public",
                "tenant": TENANT,
                "principal": f"tenant {TENANT}, object {OBJECT}, application {CLIENT}",
            },
        ),
    )
    assert codes(found) == {(f"azure:{estate.DISABLED}", "SubscriptionDisabled")}


def test_a_subscription_that_was_named_and_cannot_be_seen_is_a_gap(azure: Azure) -> None:
    found = azure.collector(subscriptions=[estate.SUBSCRIPTION.upper(), UNKNOWN]).discover()
    assert [scope.id for scope in found.scopes] == [estate.SUBSCRIPTION]
    assert codes(found) == {(f"azure:{UNKNOWN}", "SubscriptionNotFound")}


def test_the_subscriptions_below_a_management_group(azure: Azure) -> None:
    found = azure.collector(management_groups=[estate.GROUP]).discover()
    assert [scope.id for scope in found.scopes] == [estate.SUBSCRIPTION]
    assert found.gaps == ()


def test_a_management_group_that_cannot_be_read_is_a_gap(azure: Azure) -> None:
    found = azure.collector(management_groups=["no-such"], subscriptions=[estate.SUBSCRIPTION]).discover()
    assert [scope.id for scope in found.scopes] == [estate.SUBSCRIPTION]
    assert codes(found) == {("", "ResourceNotFound")}
    assert "no-such" in found.gaps[0].message


def test_what_is_excluded_is_not_missed(azure: Azure) -> None:
    found = azure.collector(exclude=[estate.DISABLED]).discover()
    assert [scope.id for scope in found.scopes] == [estate.SUBSCRIPTION]
    assert found.gaps == ()


def test_no_subscription_at_all_is_a_gap_and_not_an_empty_estate(azure: Azure) -> None:
    azure.arm.put("/subscriptions", [], "2022-12-01")
    found = azure.collector().discover()
    assert found.scopes == ()
    assert codes(found) == {("", "NoSubscriptions")}


def test_a_list_of_subscriptions_that_fails_is_a_gap(azure: Azure) -> None:
    azure.arm.rules.append(Rule(arm.at("/subscriptions"), arm.refuse(403, "AuthorizationFailed")))
    found = azure.collector().discover()
    assert found.scopes == ()
    assert codes(found) == {("", "AuthorizationFailed")}


def test_a_wrong_secret_ends_it_with_a_hint(azure: Azure, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_CLIENT_SECRET", "wrong-secret")
    with pytest.raises(CollectorError, match="AADSTS7000215") as caught:
        azure.collector().discover()
    assert caught.value.hint
    assert "wrong-secret" not in str(caught.value)


def test_a_token_that_azure_never_takes_ends_it(azure: Azure) -> None:
    azure.arm.rules.append(
        Rule(arm.at("/subscriptions"), arm.refuse(401, "InvalidAuthenticationTokenTenant"))
    )
    with pytest.raises(CollectorError, match="InvalidAuthenticationTokenTenant"):
        azure.collector().discover()


# Reading.


def test_every_type_is_read_without_a_gap(azure: Azure) -> None:
    collector = azure.collector()
    (scope,) = collector.discover().scopes
    wrong = []
    for target in collector.targets(scope, collector.resource_types()):
        with collector.collect(scope, target) as collection:
            list(collection)
        if not collection.report.complete or collection.report.gaps:
            wrong.append((target, collection.report.gaps))
    assert wrong == []


def test_one_resource_has_one_id_however_azure_writes_it(azure: Azure) -> None:
    documents, _ = read(azure.collector(), "azure.storage.account")
    ids = [document.id for document in documents]
    prefix = f"/subscriptions/{estate.SUBSCRIPTION}/resourcegroups/payroll/providers/microsoft.storage"
    assert ids == [f"{prefix}/storageaccounts/account{number}" for number in range(estate.ACCOUNTS)]
    assert documents[0].name == "account0"
    assert documents[0].content["item"]["id"] != ids[0], "the answer itself is kept as it came"


def test_a_resource_is_where_azure_says(azure: Azure) -> None:
    documents, _ = read(azure.collector(), "azure.storage.container")
    assert {document.region for document in documents} == {"westeurope"}
    assert len(documents) == estate.ACCOUNTS - 1


def test_a_service_that_an_account_does_not_have_is_null_and_no_gap(azure: Azure) -> None:
    documents, report = read(azure.collector(), "azure.storage.account")
    assert [document.content["blob"] is None for document in documents] == [False, False, False, False, True]
    assert report.gaps == []


def test_a_service_that_may_not_be_read_is_a_gap(azure: Azure) -> None:
    azure.arm.rules.append(Rule(arm.at("/blobServices/default"), arm.refuse(403, "AuthorizationFailed")))
    documents, report = read(azure.collector(), "azure.storage.account")
    assert report.complete
    assert {gap.code for gap in report.gaps} == {"AuthorizationFailed"}
    assert {gap.resource_id for gap in report.gaps} == {document.id for document in documents}
    assert all("blob" not in document.content for document in documents)


def test_the_settings_of_an_extension_are_not_kept(azure: Azure) -> None:
    documents, _ = read(azure.collector(), "azure.compute.virtual-machine")
    bare, ledger = documents
    assert bare.content["extensions"] is None
    assert estate.COMMAND not in str(ledger.content)
    assert ledger.redacted == ("extensions.0.properties.settings",)


def test_what_changes_by_itself_is_not_kept(azure: Azure) -> None:
    (group,), _ = read(azure.collector(), "azure.network.security-group")
    assert "etag" not in str(group.content)
    (database,), _ = read(azure.collector(), "azure.sql.database")
    assert "earliestRestoreDate" not in str(database.content)


def test_the_evidence_says_who_read_what_and_when(azure: Azure) -> None:
    _, report = read(azure.collector(), "azure.storage.account")
    provenance = report.provenance
    assert provenance["principal"] == f"tenant {TENANT}, object {OBJECT}, application {CLIENT}"
    assert provenance["endpoints"] == [azure.server.url]
    assert provenance["provider_time"] is not None
    assert abs(provenance["skew_s"]) < 5
    listed = provenance["calls"][0]
    assert listed["call"].startswith("arm:GET /subscriptions/{subscriptionId}/providers/Microsoft.Storage")
    assert (listed["pages"], listed["items"]) == (3, estate.ACCOUNTS)


def test_no_token_and_no_secret_is_kept(azure: Azure) -> None:
    documents, report = read(azure.collector(), "azure.storage.account")
    kept = str([document.payload() for document in documents]) + str(report)
    assert azure.arm.issued
    assert not any(token in kept for token in (*azure.arm.issued, SECRET))


# Trouble on the way.


def test_tokens_that_expire_in_the_middle_are_renewed(azure: Azure) -> None:
    azure.arm.lives = 4
    before = len(azure.arm.issued)
    one_by_one = Tools(redaction_key=KEY, concurrency=1)
    documents, report = read(azure.collector(one_by_one), "azure.storage.account")
    assert report.complete
    assert report.gaps == []
    assert len(documents) == estate.ACCOUNTS
    assert len(azure.arm.issued) - before >= 3


def test_throttling_is_waited_for_as_azure_asks(azure: Azure) -> None:
    throttle = arm.refuse(429, "SubscriptionRequestsThrottled", "Slow down.", ("Retry-After", "1"))
    azure.arm.rules.append(Rule(arm.later_page("/storageAccounts"), throttle, times=1))
    began = time.monotonic()
    documents, report = read(azure.collector(), "azure.storage.account")
    assert time.monotonic() - began >= 1
    assert report.complete
    assert len(documents) == estate.ACCOUNTS


def test_a_list_that_breaks_off_keeps_what_was_read(azure: Azure) -> None:
    azure.arm.rules.append(Rule(arm.later_page("/storageAccounts"), arm.break_off, after=1))
    documents, report = read(azure.collector(), "azure.storage.account")
    assert not report.complete
    assert [document.name for document in documents] == [f"account{number}" for number in range(4)]
    assert [gap.code for gap in report.gaps] == ["MalformedAnswer"]


@pytest.mark.parametrize(
    "body", [b"{}", b'{"values": []}', b'{"value": null}', b'{"value": {}}', b'{"value": ["a"]}']
)
def test_a_list_that_does_not_say_what_there_is_is_not_empty(azure: Azure, body: bytes) -> None:
    azure.arm.rules.append(Rule(arm.at("/storageAccounts"), arm.send(200, body)))
    documents, report = read(azure.collector(), "azure.storage.account")
    assert documents == []
    assert not report.complete
    assert [gap.code for gap in report.gaps] == ["MalformedAnswer"]


def test_a_list_with_an_error_beside_it_is_not_whole(azure: Azure) -> None:
    """Some resource providers answer for what they could reach."""
    body = b'{"value": [], "error": {"code": "PartialFailure", "message": "westeurope is away"}}'
    azure.arm.rules.append(Rule(arm.at("/Microsoft.Storage/storageAccounts"), arm.send(200, body)))
    documents, report = read(azure.collector(), "azure.storage.account")
    assert documents == []
    assert not report.complete
    assert [gap.code for gap in report.gaps] == ["LeftOut"]
    assert "PartialFailure" in report.gaps[0].message
    assert "westeurope" in report.gaps[0].message


def test_a_bare_list_is_a_list(azure: Azure) -> None:
    contact = (
        b'[{"id": "/subscriptions/s/providers/Microsoft.Security/securityContacts/x", "name": "default"}]'
    )
    azure.arm.rules.append(Rule(arm.at("/securityContacts"), arm.send(200, contact)))
    documents, report = read(azure.collector(), "azure.security.contact")
    assert [document.name for document in documents] == ["default"]
    assert report.complete


@pytest.mark.parametrize("body", [b"{}", b'{"status": "ok"}', b'{"error": {"code": "X"}}'])
def test_a_resource_that_is_none_is_a_gap(azure: Azure, body: bytes) -> None:
    azure.arm.rules.append(Rule(arm.at("/encryptionProtector/current"), arm.send(200, body)))
    (server,), report = read(azure.collector(), "azure.sql.server")
    assert "encryption_protector" not in server.content
    assert [gap.code for gap in report.gaps] == ["MalformedAnswer"]


def test_a_next_link_to_elsewhere_gets_no_token(azure: Azure) -> None:
    link = b'{"value": [], "nextLink": "https://evil.example/more"}'
    azure.arm.rules.append(Rule(arm.at("/vaults"), arm.send(200, link)))
    documents, report = read(azure.collector(), "azure.keyvault.vault")
    assert documents == []
    assert not report.complete
    assert [gap.code for gap in report.gaps] == ["ForeignLink"]


# Doctor and permissions.


def test_doctor_says_what_is_in_order(azure: Azure) -> None:
    lines = {line.name: line for line in azure.collector(exclude=[estate.DISABLED]).diagnose()}
    assert all(line.ok for line in lines.values())
    assert OBJECT in lines["credentials"].message
    assert estate.SUBSCRIPTION in lines["subscriptions"].message
    assert "actions are allowed" in lines["permissions Payroll"].message


def test_doctor_names_what_is_denied(azure: Azure) -> None:
    roles = [
        {"actions": ["*/read"], "notActions": ["Microsoft.KeyVault/*"]},
        {"actions": ["microsoft.keyvault/vaults/read"], "notActions": []},
    ]
    path = f"/subscriptions/{estate.SUBSCRIPTION}/providers/Microsoft.Authorization/permissions"
    azure.arm.put(path, roles, "2022-04-01")
    (line,) = [line for line in azure.collector().diagnose() if line.name == "permissions Payroll"]
    assert not line.ok
    assert "Microsoft.KeyVault/vaults/keys/read, Microsoft.KeyVault/vaults/secrets/read" in line.message
    assert "annexa permissions azure" in line.hint


def test_doctor_names_a_subscription_that_cannot_be_read(azure: Azure) -> None:
    lines = azure.collector().diagnose()
    (line,) = [line for line in lines if line.name == f"subscription {estate.DISABLED}"]
    assert not line.ok
    assert "SubscriptionDisabled" in line.message


def test_doctor_says_that_there_are_no_credentials(azure: Azure, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AZURE_CLIENT_SECRET")
    (line,) = azure.collector().diagnose()
    assert not line.ok
    assert "AZURE_CLIENT_SECRET" in line.message


# The section.


@pytest.mark.parametrize(
    ("section", "words"),
    [
        ({"subscriptions": ["payroll"]}, "no subscription id"),
        ({"management_groups": ["/providers/x"]}, "last part"),
        ({"cloud": "germany"}, "cloud"),
        ({"credential": "client_secret"}, "tenant_id and client_id"),
        ({"credential": "certificate", "tenant_id": "t", "client_id": CLIENT}, "certificate_path"),
        ({"client_secret": "in the clear"}, "client_secret: unknown key"),
        ({"endpoint_url": "http://azure.example"}, "endpoint_url"),
        ({"authority": "http://localhost"}, "authority"),
    ],
)
def test_a_section_that_is_wrong_is_refused(section: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words) as caught:
        AzureCollector(section, Tools(redaction_key=KEY))
    assert "in the clear" not in str(caught.value)


@pytest.mark.parametrize(
    ("cloud", "endpoint"),
    [
        ("public", "https://management.azure.com"),
        ("usgovernment", "https://management.usgovcloudapi.net"),
        ("china", "https://management.chinacloudapi.cn"),
    ],
)
def test_each_cloud_is_asked_where_it_is(cloud: str, endpoint: str) -> None:
    assert AzureCollector({"cloud": cloud}, Tools(redaction_key=KEY)).services()["arm"].base_url == endpoint
