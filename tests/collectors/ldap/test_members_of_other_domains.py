"""Members of privileged groups whom this domain only names: they are of other domains, or hidden."""

from typing import Any

import pytest

from annexa.demo.domain import Domain
from annexa.demo.ldap_server import LdapServer
from annexa.demo.tls import make_certificate
from annexa.plugin import Document, Tools
from collectors.ldap import LdapCollector
from collectors.ldap.members import named_only
from tests.collectors.ldap.conftest import read

BASE = "DC=example,DC=org"
SID = "S-1-5-21-1-2-3"
STRANGER = "S-1-5-21-7-8-9-1104"
READER = ("reader@example.org", "Reader-Secret-1")
ROOT = {
    "defaultNamingContext": [BASE],
    "configurationNamingContext": [f"CN=Configuration,{BASE}"],
    "supportedCapabilities": ["1.2.840.113556.1.4.800"],
}


def group(name: str, sid: str, *members: str) -> tuple[str, dict[str, Any]]:
    content = {
        "objectClass": "group",
        "sAMAccountName": name,
        "objectSid": sid,
        "groupType": "SECURITY_ENABLED",
    }
    return f"CN={name},CN=Users,{BASE}", content | {"member": list(members)}


@pytest.fixture(scope="module")
def groups(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Document]:
    """The privileged groups of a domain, by name."""
    domain = Domain(BASE, ROOT, READER)
    domain.put(BASE, {"objectClass": "domainDNS", "objectSid": SID})
    user = {"objectClass": "user", "userAccountControl": "NORMAL_ACCOUNT"}
    domain.put(f"CN=ann,CN=Users,{BASE}", user | {"sAMAccountName": "ann", "objectSid": f"{SID}-1104"})
    domain.put(f"CN=secret,CN=Users,{BASE}", user | {"sAMAccountName": "secret", "objectSid": f"{SID}-1105"})
    domain.hide(f"CN=secret,CN=Users,{BASE}")
    foreign = f"CN={STRANGER},CN=ForeignSecurityPrincipals,{BASE}"
    domain.put(foreign, {"objectClass": "foreignSecurityPrincipal", "objectSid": STRANGER})
    ann, inner = f"CN=ann,CN=Users,{BASE}", f"CN=inner,CN=Users,{BASE}"
    for each in (
        group("Domain Admins", f"{SID}-512", ann),
        group("inner", f"{SID}-1200", f"CN=bob,CN=Users,DC=child,{BASE}", foreign),
        group("Administrators", "S-1-5-32-544", ann, inner),
        group("Backup Operators", "S-1-5-32-551", f"CN=secret,CN=Users,{BASE}"),
    ):
        domain.put(*each)
    certificate = make_certificate(tmp_path_factory.mktemp("tls"))
    with pytest.MonkeyPatch.context() as patch, LdapServer(domain, certificate.server) as server:
        patch.setenv("TEST_LDAP_PASSWORD", READER[1])
        settings = {
            "servers": [server.url],
            "bind_dn": READER[0],
            "password_env": "TEST_LDAP_PASSWORD",
            "ca_file": str(certificate.file),
        }
        documents, report = read(
            LdapCollector(settings, Tools(redaction_key=b"test")), "ldap.ad.privileged-group"
        )
    assert report.complete
    return {document.name: document for document in documents.values()}


def names(document: Document, key: str) -> list[str]:
    return [each["dn"].partition(",")[0] for each in document.content[key]]


def test_a_group_of_its_own_people_names_nobody_else(groups: dict[str, Document]) -> None:
    admins = groups["Domain Admins"]
    assert [names(admins, key) for key in ("members", "foreign", "unseen")] == [["CN=ann"], [], []]


def test_a_member_of_a_trusted_domain_is_found_through_groups_within_groups(
    groups: dict[str, Document],
) -> None:
    (found,) = groups["Administrators"].content["foreign"]
    assert found["attributes"]["objectSid"] == [STRANGER]
    assert names(groups["Administrators"], "members") == ["CN=ann"]


def test_a_member_of_another_domain_of_the_forest_is_named(groups: dict[str, Document]) -> None:
    assert names(groups["Administrators"], "unseen") == ["CN=bob"]


def test_a_member_whom_the_account_may_not_see_is_named(groups: dict[str, Document]) -> None:
    assert names(groups["Backup Operators"], "members") == []
    assert names(groups["Backup Operators"], "unseen") == ["CN=secret"]


def test_names_are_compared_as_directories_compare_them() -> None:
    entries = [
        {"dn": "CN=G,DC=x", "attributes": {"member": ["cn=A, dc=x", "CN=b,DC=y", "CN=B,dc=Y"]}},
        {"dn": "CN=a,DC=x", "attributes": {}},
    ]
    assert named_only(entries) == ["CN=B,dc=Y"]
