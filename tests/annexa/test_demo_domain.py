"""The demo's domain controller answers as Active Directory does, and all that it holds is read."""

import socket
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ldap3
import pytest

from annexa.demo.cloud import REFUSED, DemoCloud, estate
from annexa.demo.domain import Domain, encoded
from annexa.demo.ldap import ldap
from annexa.demo.ldap_server import LdapServer
from annexa.demo.tls import make_certificate
from annexa.plugin import Tools
from collectors.ldap import LdapCollector
from collectors.ldap.members import key
from collectors.ldap.values import flags, known, text

_TOOLS = Tools(redaction_key=b"key")
_NOT_ASKED = {"objectClass", "objectCategory"}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoCloud]:
    with (
        pytest.MonkeyPatch.context() as patch,
        ldap(make_certificate(tmp_path_factory.mktemp("tls"))) as cloud,
    ):
        for name, value in cloud.environment.items():
            patch.setenv(name, value)
        yield cloud


def collector(served: DemoCloud, **more: Any) -> LdapCollector:
    return LdapCollector({**served.settings, **more}, _TOOLS)


def read(collector: LdapCollector) -> tuple[dict[str, list[Any]], list[str]]:
    """Return resource type → its documents, and the codes of the gaps."""
    (scope,) = collector.discover().scopes
    found, codes = {}, []
    for target in collector.targets(scope, collector.resource_types()):
        collection = collector.collect(scope, target)
        found[target.resource_type] = [*collection]
        codes += [gap.code for gap in collection.report.gaps]
    return found, codes


@pytest.mark.parametrize("page_size", [500, 7])
def test_everything_is_read_but_what_domain_admins_alone_may_see(served: DemoCloud, page_size: int) -> None:
    found, codes = read(collector(served, page_size=page_size))
    assert codes == ["noSuchObject"]
    assert {kind for kind, documents in found.items() if not documents} == {"ldap.ad.password-policy"}
    assert len(found["ldap.ad.user"]) == 32
    names = {
        key(each.content["item"]["dn"])
        for documents in found.values()
        for each in documents
        if "item" in each.content
    }
    placed = {
        key(f"{name},DC=fernhill,DC=example")
        for name, content in estate("ldap")
        if REFUSED not in content and name not in ("root", "")
    }
    partitions = {each for each in placed if "cn=partitions," in each or "cn=directory service" in each}
    assert placed - names - partitions == set()


def test_it_holds_only_attributes_and_flags_that_are_known() -> None:
    for name, content in estate("ldap"):
        if name == "root" or REFUSED in content:
            continue
        assert content.keys() - _NOT_ASKED <= known().syntax.keys(), name


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("objectSid", "S-1-5-21-1708537768-844245398-2146973085-500"),
        ("objectGUID", "00112233-4455-6677-8899-aabbccddeeff"),
        ("pwdLastSet", "2026-01-02T03:04:05Z"),
        ("pwdLastSet", "never"),
        ("accountExpires", "never"),
        ("maxPwdAge", "7776000s"),
        ("maxPwdAge", "never"),
        ("whenCreated", "2026-01-02T03:04:05Z"),
    ],
)
def test_a_value_comes_back_as_it_was_written(name: str, value: str) -> None:
    assert text(name, encoded(name, value)) == value


def test_flags_become_the_number_of_a_domain_controller() -> None:
    assert encoded("groupType", "ACCOUNT_GROUP SECURITY_ENABLED") == b"-2147483646"
    number = encoded("userAccountControl", "NORMAL_ACCOUNT ACCOUNTDISABLE").decode()
    assert flags("userAccountControl", [number]) == ["ACCOUNTDISABLE", "NORMAL_ACCOUNT"]


def test_members_are_followed_through_groups_that_contain_one_another(served: DemoCloud) -> None:
    found, _ = read(collector(served))
    (admins,) = [each for each in found["ldap.ad.privileged-group"] if each.name == "Domain Admins"]
    names = {each["attributes"]["sAMAccountName"][0] for each in admins.content["members"]}
    assert names == {"Administrator", "bruno.hoang", "farid.fontaine", "svc-sql", "adm-jonas"}


def test_it_is_the_only_domain_of_its_forest(served: DemoCloud) -> None:
    found, _ = read(collector(served))
    (forest,) = found["ldap.ad.forest"]
    assert [each["attributes"]["dnsRoot"] for each in forest.content["domains"]] == [["fernhill.example"]]


def test_nobody_reads_it_without_a_name_and_a_password(
    served: DemoCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    found, _ = read(collector(served))
    (server,) = found["ldap.directory.server"]
    assert server.content["anonymous"] is None
    for name in served.environment:
        monkeypatch.setenv(name, "wrong")
    (line,) = collector(served).diagnose()
    assert "the password is wrong" in line.message


def test_nothing_is_changed_in_it(served: DemoCloud) -> None:
    host, _, port = served.settings["servers"][0].removeprefix("ldaps://").partition(":")
    context = ssl.create_default_context(cafile=served.settings["ca_file"])
    delete = bytes.fromhex("300a0201014a05") + b"CN=x,"[:5]
    with (
        socket.create_connection((host, int(port))) as plain,
        context.wrap_socket(plain, server_hostname=host) as tls,
    ):
        tls.sendall(delete)
        assert tls.recv(100) == b""


def test_lists_end_at_a_thousand_entries_unless_they_are_paged(tmp_path: Path) -> None:
    many = Domain("DC=x", {"defaultNamingContext": ["DC=x"]}, ("reader@x", "secret"))
    many.put("DC=x", {"objectClass": "domainDNS"})
    for number in range(1001):
        many.put(f"CN=u{number},DC=x", {"objectClass": "user", "sAMAccountName": f"u{number}"})

    with LdapServer(many, make_certificate(tmp_path).server) as server:
        connection: Any = ldap3.Connection(
            ldap3.Server(server.url, get_info=ldap3.NONE), "reader@x", "secret", auto_bind=True
        )
        connection.search("DC=x", "(objectClass=user)", attributes=["cn"])
        assert connection.result["description"] == "sizeLimitExceeded"
        assert len(connection.entries) == 1000
        paged = connection.extend.standard.paged_search(
            "DC=x", "(objectClass=user)", attributes=["cn"], paged_size=400
        )
        assert len([*paged]) == 1001
        connection.unbind()
