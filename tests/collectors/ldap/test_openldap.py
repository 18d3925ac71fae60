"""Reading a real OpenLDAP: lists, pages, groups within groups, TLS, and what an account may not see."""

from typing import Any

import pytest

from annexa.plugin import Tools
from collectors.ldap import LdapCollector
from store.errors import CollectorError, ConfigError
from tests.collectors.ldap.conftest import Ldap, read
from tests.collectors.ldap.directory import BASE, READER, SERVICES, USERS, needs_slapd
from tests.collectors.ldap.proxy import result

pytestmark = needs_slapd

USER = "ldap.directory.user"
GROUP = "ldap.directory.group"
SERVER = "ldap.directory.server"
POLICY = "ldap.openldap.password-policy"


def service(name: str) -> str:
    return f"uid={name},ou=services,{BASE}"


def test_the_directory_is_found_in_the_root_dse(ldap: Ldap) -> None:
    (scope,) = ldap.collector().discover().scopes
    assert scope.id == BASE
    assert scope.name == "example.org"
    assert scope.attributes["kind"] == "openldap"
    assert scope.attributes["principal"] == f"dn:{READER}"


def test_only_types_of_its_kind_are_collected(ldap: Ldap) -> None:
    collector = ldap.collector()
    scope = collector.discover().scopes[0]
    kinds = {target.resource_type for target in collector.targets(scope, collector.resource_types())}
    assert kinds == {USER, GROUP, SERVER, POLICY}


def test_a_list_is_read_page_by_page_to_its_end(ldap: Ldap) -> None:
    documents, report = ldap.read(USER)
    assert report.complete
    assert len(documents) == USERS + len(SERVICES)
    assert report.provenance["calls"]


def test_operational_attributes_are_read_and_times_are_rfc_3339(ldap: Ldap) -> None:
    documents, _ = ldap.read(USER)
    attributes = documents[READER].content["item"]["attributes"]
    assert attributes["authTimestamp"][0].endswith("Z")
    assert attributes["createTimestamp"][0][10] == "T"
    assert len(attributes["entryUUID"][0]) == 36


def test_people_without_e_mail_are_read(ldap: Ldap) -> None:
    documents, _ = ldap.read(USER)
    assert "mail" not in documents[f"uid=u0,ou=people,{BASE}"].content["item"]["attributes"]


def test_no_password_is_read(ldap: Ldap) -> None:
    documents, _ = ldap.read(USER)
    assert not any(
        "Correct-Horse" in str(each.content) or "{SSHA}" in str(each.content) for each in documents.values()
    )


def test_members_of_nested_and_circular_groups_are_found_once(ldap: Ldap) -> None:
    documents, report = ldap.read(GROUP)
    assert report.complete
    members = documents[f"cn=admins,ou=groups,{BASE}"].content["members"]
    assert [(each["dn"].split(",")[0], each["depth"]) for each in members] == [("uid=u1", 1), ("uid=u2", 2)]


def test_groups_with_odd_names_are_read(ldap: Ldap) -> None:
    documents, _ = ldap.read(GROUP)
    (odd,) = [each for name, each in documents.items() if name.startswith("cn=odd")]
    assert [each["dn"].split(",")[0] for each in odd.content["members"]] == ["uid=u3"]


def test_a_password_policy_is_read(ldap: Ldap) -> None:
    documents, _ = ldap.read(POLICY)
    (policy,) = documents.values()
    assert policy.content["item"]["attributes"]["pwdMinLength"] == ["14"]


def test_a_server_that_refuses_anonymous_reading_shows_none(ldap: Ldap) -> None:
    documents, report = ldap.read(SERVER)
    (server,) = documents.values()
    assert report.complete
    assert not server.content["anonymous"]


# --- TLS ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("starttls", [False, True])
def test_tls_is_spoken_and_seen(ldap: Ldap, starttls: bool) -> None:
    url = (
        f"ldap://localhost:{ldap.server.port}" if starttls else f"ldaps://localhost:{ldap.server.secure_port}"
    )
    documents, _ = ldap.read(SERVER, servers=[url], starttls=starttls, ca_file=str(ldap.authority))
    (server,) = documents.values()
    assert server.content["connection"]["tls"] is True
    assert server.content["connection"]["version"] in ("TLSv1.2", "TLSv1.3")


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_a_certificate_of_another_name_or_authority_is_refused(ldap: Ldap, host: str) -> None:
    trusted = str(ldap.authority) if host == "127.0.0.1" else ""
    found = ldap.collector(servers=[f"ldaps://{host}:{ldap.server.secure_port}"], ca_file=trusted).discover()
    assert found.scopes == ()
    assert [gap.code for gap in found.gaps] == ["TlsFailed"]


def test_a_password_does_not_leave_the_machine_in_the_clear() -> None:
    with pytest.raises(ConfigError, match="in the clear"):
        LdapCollector(
            {"servers": ["ldap://ldap.example.org"], "bind_dn": "cn=x"}, Tools(redaction_key=b"test")
        )


def test_the_next_server_is_asked_where_one_does_not_answer(ldap: Ldap) -> None:
    found = ldap.collector(servers=["ldap://127.0.0.1:1", ldap.server.url]).discover()
    assert len(found.scopes) == 1


# --- what the account may not do ------------------------------------------------------------------


def test_a_wrong_password_is_said_plainly(ldap: Ldap, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_LDAP_PASSWORD", "wrong")
    with pytest.raises(CollectorError, match="invalidCredentials"):
        ldap.collector().discover()


def test_an_empty_password_does_not_bind_anonymously(ldap: Ldap, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_LDAP_PASSWORD", "")
    with pytest.raises(CollectorError, match="TEST_LDAP_PASSWORD is not set"):
        ldap.collector().discover()


def test_a_size_limit_is_a_gap_and_never_a_shorter_list(ldap: Ldap) -> None:
    documents, report = ldap.read(USER, bind_dn=service("small"))
    assert not report.complete
    assert len(documents) < USERS + len(SERVICES)
    assert [gap.code for gap in report.gaps] == ["sizeLimitExceeded"]
    assert "raise its size limit" in report.gaps[0].message


def test_an_attribute_that_every_entry_has_and_none_shows_is_a_gap(ldap: Ldap) -> None:
    documents, report = ldap.read(POLICY, bind_dn=service("blind"))
    assert len(documents) == 1
    assert not report.complete
    assert [gap.code for gap in report.gaps] == ["LeftOut"]
    assert "may not read it" in report.gaps[0].message


@pytest.mark.parametrize("kind", [USER, GROUP, POLICY])
def test_entries_that_are_hidden_whole_show_by_what_is_above_them(ldap: Ldap, kind: str) -> None:
    _, report = ldap.read(kind, bind_dn=service("walled"))
    assert not report.complete
    assert [gap.code for gap in report.gaps] == ["CountMismatch"]
    assert report.gaps[0].message.startswith(f"ou=policies,{BASE} has subordinates")


def test_where_nothing_is_hidden_the_evidence_says_that_it_was_looked_for(ldap: Ldap) -> None:
    _, report = ldap.read(USER)
    assert report.complete
    assert report.provenance["count"]["source"] == "ldap:SEARCH subtree"
    assert report.provenance["count"]["reason"].startswith("every entry shows")


def test_a_count_that_cannot_be_had_says_why_and_nothing_else(ldap: Ldap) -> None:
    with ldap.proxy.broken(b"hasSubordinates", result(50, "no access")):
        _, report = ldap.read(USER)
    assert report.complete
    assert report.provenance["count"]["counted"] is None
    assert "no access" in report.provenance["count"]["reason"]


def test_a_base_that_may_not_be_seen_is_a_gap(ldap: Ldap) -> None:
    _, report = read(ldap.collector(bind_dn=service("nobody")), USER)
    assert not report.complete
    assert [gap.code for gap in report.gaps] == ["noSuchObject"]


def test_a_base_that_does_not_exist_is_a_gap(ldap: Ldap) -> None:
    _, report = ldap.read(USER, base_dn=f"ou=nothing,{BASE}")
    assert [gap.code for gap in report.gaps] == ["noSuchObject"]


def test_a_referral_is_not_followed_but_named(ldap: Ldap) -> None:
    with ldap.proxy.broken(b"inetOrgPerson", result(10)):
        _, report = ldap.read(USER)
    assert [gap.code for gap in report.gaps] == ["ReferralNotFollowed"]


@pytest.mark.parametrize(
    ("code", "name"), [(3, "timeLimitExceeded"), (11, "adminLimitExceeded"), (51, "busy")]
)
def test_limits_and_a_busy_server_are_gaps(ldap: Ldap, code: int, name: str) -> None:
    with ldap.proxy.broken(b"inetOrgPerson", result(code)):
        documents, report = ldap.read(USER)
    assert documents == {}
    assert not report.complete
    assert [gap.code for gap in report.gaps] == [name]


def test_groups_that_cannot_be_walked_are_a_gap_of_each_group(ldap: Ldap) -> None:
    only_members = b"\x30\x16\x04\x06member\x04\x0cuniqueMember"  # what the walk asks for, and no list
    with ldap.proxy.broken(only_members, result(50, "no access")):
        documents, report = ldap.read(GROUP)
    assert len(documents) == 3
    assert all("members" not in each.content for each in documents.values())
    assert {gap.code for gap in report.gaps} == {"insufficientAccessRights"}


def test_doctor_names_directory_and_rights(ldap: Ldap) -> None:
    lines = {line.name: line for line in ldap.collector().diagnose()}
    assert lines["directory"].message == "example.org (openldap)"
    assert lines["permissions"].ok
    blind = {line.name: line for line in ldap.collector(bind_dn=service("blind")).diagnose()}
    assert not blind["permissions"].ok
    assert POLICY in blind["permissions"].message


@pytest.mark.parametrize(
    ("section", "named"),
    [
        ({"ca_file": __file__}, "ca_file"),
        ({"ca_file": "/none.pem"}, "ca_file: there is no file /none.pem"),
        ({"credential": "sasl-external", "certificate_file": __file__}, "certificate_file"),
    ],
)
def test_doctor_names_the_key_whose_file_is_of_no_use(
    ldap: Ldap, section: dict[str, Any], named: str
) -> None:
    (line,) = ldap.collector(servers=[f"ldaps://localhost:{ldap.server.secure_port}"], **section).diagnose()
    assert not line.ok
    assert named in line.message


def test_doctor_says_in_plain_words_that_nobody_vouches_for_the_server(ldap: Ldap) -> None:
    (line,) = ldap.collector(servers=[f"ldaps://localhost:{ldap.server.secure_port}"]).diagnose()
    assert line.message.startswith("TlsFailed: certificate verify failed: ")
    assert "in ca_file" in line.message


def test_permissions_name_what_the_definitions_read_and_no_password(ldap: Ldap) -> None:
    collector = ldap.collector()
    granted = collector.permissions(collector.resource_types())
    assert "read pwdChangedTime" in granted.grants
    assert not any("userPassword" in each for each in granted.grants)
    assert 'dn.exact="BIND_DN" read' in granted.documents[0]
    assert "fine-grained password policies" in granted.documents[1]
