"""What `annexa permissions ldap` prints for OpenLDAP, put into a server as an administrator would."""

from collections.abc import Iterator
from typing import Any

import ldap3
import pytest

from annexa.plugin import Tools
from collectors.ldap import LdapCollector
from tests.collectors.ldap.directory import BASE, PASSWORD, OpenLdap, needs_slapd

pytestmark = needs_slapd

ACCOUNT = f"uid=nobody,ou=services,{BASE}"
"""Whom the server shows nothing."""

_UNKNOWN = {"memberOf", "pwdUseCheckModule"}
"""What is asked for and no schema or overlay of this server knows, in one of its versions."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenLdap]:
    made = OpenLdap(tmp_path_factory.mktemp("slapd"))
    made.configurable("config-secret")
    with pytest.MonkeyPatch.context() as patch, made:
        patch.setenv("ANNEXA_LDAP_PASSWORD", PASSWORD)
        yield made


def _collector(server: OpenLdap) -> LdapCollector:
    section: dict[str, Any] = {"servers": [server.url], "bind_dn": ACCOUNT, "retries": 1}
    return LdapCollector(section, Tools(redaction_key=b"test"))


def _records(document: str) -> Iterator[tuple[str, str, str]]:
    """Yield name, attribute and value of each change, as ldapmodify reads them."""
    for record in document.replace("BIND_DN", ACCOUNT).strip().split("\n\n"):
        lines = dict(line.split(": ", 1) for line in record.splitlines())
        yield lines["dn"], lines["add"], lines[lines["add"]]


def _bound(server: OpenLdap, name: str, password: str) -> Any:
    return ldap3.Connection(ldap3.Server(server.url), name, password, auto_bind=True, check_names=False)


def test_what_is_printed_lets_the_account_read_everything_and_no_password(server: OpenLdap) -> None:
    collector = _collector(server)
    assert not {line.name: line for line in collector.diagnose()}["permissions"].ok

    connection = _bound(server, "cn=config", "config-secret")
    refused = []
    for name, attribute, value in _records(collector.permissions(collector.resource_types()).documents[0]):
        if not connection.modify(name, {attribute: [(ldap3.MODIFY_ADD, [value])]}):
            refused.append(value.split("attrs=")[1].split(" ")[0])
    assert set(refused) <= _UNKNOWN

    assert {line.name: line for line in _collector(server).diagnose()}["permissions"].ok
    reader = _bound(server, ACCOUNT, PASSWORD)
    reader.search(BASE, "(uid=u1)", attributes=["uid", "userPassword"])
    assert [entry.entry_attributes_as_dict for entry in reader.entries] == [
        {"uid": ["u1"], "userPassword": []}
    ]


def test_rights_of_others_to_passwords_stay_as_they_are(server: OpenLdap) -> None:
    collector = _collector(server)
    document = collector.permissions(collector.resource_types()).documents[0]
    assert [line for line in document.splitlines() if "userPassword" in line] == [
        'olcAccess: {0}to attrs=userPassword by dn.exact="BIND_DN" none by * break'
    ]


def test_what_is_asked_of_the_root_dse_only_is_not_granted(server: OpenLdap) -> None:
    collector = _collector(server)
    assert "supportedCapabilities" not in collector.permissions(collector.resource_types()).documents[0]


def test_only_what_is_on_is_granted(server: OpenLdap) -> None:
    document = _collector(server).permissions(["ldap.directory.group"]).documents[0]
    assert "member" in document
    assert "pwdMinLength" not in document
