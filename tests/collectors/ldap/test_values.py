"""What a directory keeps as bytes, as text; and what of its answers is no whole answer."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from collectors.definition import ResourceType
from collectors.ldap import values
from collectors.ldap.discovery import Directory, domain_of
from collectors.ldap.failures import refusal
from collectors.ldap.filters import filled
from collectors.ldap.lint import definition_problems
from collectors.ldap.members import key, transitive
from collectors.ldap.session import Sessions
from collectors.ldap.settings import Address, LdapSettings
from collectors.ldap.transport import LdapTransport
from collectors.transport import CallError, Request


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        # [MS-DTYP] 2.3.4.2: the first three parts are little-endian
        (
            "objectGUID",
            bytes.fromhex("33221100554477668899aabbccddeeff"),
            "00112233-4455-6677-8899-aabbccddeeff",
        ),
        # the well-known identifier of BUILTIN\Administrators, [MS-DTYP] 2.4.2.4
        ("objectSid", bytes.fromhex("01020000000000052000000020020000"), "S-1-5-32-544"),
        ("pwdLastSet", b"116444736000000000", "1970-01-01T00:00:00Z"),
        ("pwdLastSet", b"0", "never"),
        ("accountExpires", b"9223372036854775807", "never"),
        ("maxPwdAge", b"-36288000000000", "3628800s"),
        ("maxPwdAge", b"-9223372036854775808", "never"),
        ("lockoutDuration", b"0", "0s"),
        ("whenCreated", b"20260102030405.0Z", "2026-01-02T03:04:05Z"),
        ("pwdChangedTime", b"20260102030405Z", "2026-01-02T03:04:05Z"),
        ("createTimestamp", b"202601020304+0130", "2026-01-02T01:34:00Z"),
        ("pwdAccountLockedTime", b"000001010000Z", "000001010000Z"),
        ("cn", "Zoë".encode(), "Zoë"),
        ("cn", b"\xff\xfe", "//4="),
        ("objectSid", b"\x01", "\x01"),
    ],
)
def test_values_become_text(name: str, value: bytes, text: str) -> None:
    assert values.text(name, value) == text


@pytest.mark.parametrize(
    ("name", "value", "bits"),
    [
        # https://learn.microsoft.com/troubleshoot/windows-server/active-directory/useraccountcontrol-manipulate-account-properties
        ("userAccountControl", "514", ["ACCOUNTDISABLE", "NORMAL_ACCOUNT"]),
        ("userAccountControl", "66048", ["NORMAL_ACCOUNT", "DONT_EXPIRE_PASSWORD"]),
        ("userAccountControl", "532480", ["SERVER_TRUST_ACCOUNT", "TRUSTED_FOR_DELEGATION"]),
        ("groupType", "-2147483646", ["ACCOUNT_GROUP", "SECURITY_ENABLED"]),
        ("trustAttributes", "0", []),
    ],
)
def test_flags_have_names(name: str, value: str, bits: list[str]) -> None:
    assert values.flags(name, [value]) == bits


def test_what_is_no_number_has_no_flags() -> None:
    assert values.flags("userAccountControl", ["x"]) is None
    assert values.flags("cn", ["1"]) is None


def test_a_value_cannot_become_part_of_a_filter() -> None:
    found = filled("(memberOf=<group>)", {"group": "CN=a)(cn=*\\"})
    assert found == "(memberOf=CN=a\\29\\28cn=\\2a\\5c)"


def test_a_filter_without_its_value_is_refused() -> None:
    with pytest.raises(CallError, match="has no value"):
        filled("(cn=<name>)", {})


@pytest.mark.parametrize(
    ("data", "words"), [("52e", "password is wrong"), ("533", "disabled"), ("773", "must be changed")]
)
def test_active_directory_says_why_it_refuses_a_name(data: str, words: str) -> None:
    said = f"80090308: LdapErr: DSID-0C0903A9, comment: AcceptSecurityContext error, data {data}, v1db1"
    error = refusal({"result": 49, "description": "invalidCredentials", "message": said})
    assert error.code == "invalidCredentials"
    assert words in error.message


@pytest.mark.parametrize(
    ("attributes", "kind"),
    [
        ({"supportedCapabilities": ["1.2.840.113556.1.4.800"]}, "active_directory"),
        ({"supportedCapabilities": ["1.2.840.113556.1.4.1851"]}, "generic"),  # AD LDS
        ({"objectClass": ["top", "OpenLDAProotDSE"]}, "openldap"),
        ({"vendorName": ["389 Project"]}, "generic"),
    ],
)
def test_the_root_dse_tells_what_directory_it_is(attributes: dict[str, list[str]], kind: str) -> None:
    settings = LdapSettings(servers=("ldaps://dc.example.org",), bind_dn="cn=reader")
    found = Directory.of({"entries": [{"dn": "", "attributes": attributes}]}, settings)
    assert found.kind == kind


def test_a_domain_is_read_off_a_name() -> None:
    assert domain_of("OU=x, DC=Example,dc=org") == "example.org"
    assert domain_of("o=example") == ""


def test_a_group_within_itself_has_the_members_it_names() -> None:
    groups = {"cn=a": ("cn=B", "uid=1"), "cn=b": ("cn=A", "uid=2", "uid=1")}
    assert [each["dn"] for each in transitive(groups, "cn=a")] == ["uid=1", "uid=2"]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("CN=Team\\, North,DC=x", "cn=team\\2c north, dc=x"),
        ("CN=Zo\\c3\\ab,DC=x", "cn = Zoë,DC=X"),
        ("CN=a\\\\b,DC=x", "CN=a\\5cb,DC=x"),
        ("CN=\\#1\\20,DC=x", "CN=\\231\\ ,DC=x"),
    ],
)
def test_a_name_may_be_escaped_in_several_ways(one: str, other: str) -> None:
    assert key(one) == key(other)


def test_an_escaped_sign_is_none_of_the_name() -> None:
    assert key("CN=a\\,DC=x") != key("CN=a,DC=x")


# --- answers of Active Directory, as documented ---------------------------------------------------


class Documented:
    """A session that answers as the documentation shows, range by range ([MS-ADTS] 3.1.1.3.1.3.3)."""

    address = Address("dc.example.org", 636, True)
    broken = False

    def __init__(self, members: int, size: int, *, lost: int | None = None) -> None:
        self._members, self._size, self._lost = members, size, lost

    def search(
        self, base: str, scope: str, search_filter: str, attributes: Iterable[str], **more: Any
    ) -> tuple[Mapping[str, Any], list[dict[str, Any]]]:
        wanted = next((each for each in attributes if each.startswith("member")), "member")
        start = int(wanted.partition("=")[2].partition("-")[0] or 0)
        end = min(start + self._size, self._members)
        last = "*" if end == self._members else str(end - 1)
        found = [f"CN=m{number}".encode() for number in range(start, end)]
        if start == self._lost:
            found = []
        raw = {"member": [], f"member;range={start}-{last}": found} if found else {}
        entry = {"type": "searchResEntry", "dn": base, "raw_attributes": raw}
        return {"result": 0, "description": "success"}, [entry]

    def close(self) -> None:
        self.broken = True


def ranged(session: Documented) -> list[str]:
    open_one: Any = lambda: session  # noqa: E731
    transport = LdapTransport(Sessions(open_one), open_one, lambda: datetime.now(UTC), 500)
    asked = {"base": "CN=g", "attributes": ["member"]}
    answer = transport.send(Request("ldap:SEARCH base", asked, ""))
    members: list[str] = answer.body["entries"][0]["attributes"]["member"]
    return members


@pytest.mark.parametrize("members", [1, 1499, 1500, 1501, 4000])
def test_long_lists_of_values_are_read_range_by_range(members: int) -> None:
    assert len(set(ranged(Documented(members, 1500)))) == members


def test_a_range_that_is_lost_is_no_shorter_list() -> None:
    with pytest.raises(CallError, match="breaks off"):
        ranged(Documented(4000, 1500, lost=1500))


# --- definitions ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["userPassword", "unicodePwd", "ms-Mcs-AdmPwd", "msDS-ManagedPassword", "*", "+"]
)
def test_no_definition_may_ask_for_a_password(name: str) -> None:
    content = {
        "type": "ldap.test.thing",
        "title": "Thing",
        "region": "global",
        "id": "{item.dn}",
        "name": "{item.dn}",
        "list": {
            "call": "ldap:SEARCH subtree",
            "items": "entries",
            "with": {"base": "x", "attributes": [name]},
        },
    }
    assert any("holds a secret" in each for each in definition_problems(ResourceType.model_validate(content)))
    session: Any = Documented(1, 1)
    transport = LdapTransport(Sessions(lambda: session), lambda: session, lambda: datetime.now(UTC), 500)
    with pytest.raises(CallError, match="never asked for"):
        transport.send(Request("ldap:SEARCH base", {"base": "x", "attributes": [name]}, ""))
