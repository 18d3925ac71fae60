"""What directories and SCIM services tell of people: who is who, who may sign in, and who administers."""

import datetime as dt
from typing import Any

import pytest

from mappings.account import BUILT_IN_ACCOUNTS, AccountDefinition, load_accounts
from mappings.people import Person, match
from mappings.reading_accounts import Account, Known, read_accounts
from store.model import Document

NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
BUILT_IN = load_accounts([BUILT_IN_ACCOUNTS])
DOMAIN = "S-1-5-21-1-2-3"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"


def accounts(*found: Known) -> list[Account]:
    documents: dict[str, list[Known]] = {}
    for each in found:
        documents.setdefault(each.document.resource_type, []).append(each)
    return list(read_accounts(BUILT_IN, documents, NOW).found.values())


def people(*found: Known) -> list[Person]:
    return match(accounts(*found))


def known(kind: str, content: dict[str, Any], scope: str = "one", **more: Any) -> Known:
    return Known(kind.split(".")[0], scope, Document(kind, "id", "name", "", content, **more), "00")


def ad_user(name: str, rid: int = 1104, flags: tuple[str, ...] = (), **attributes: Any) -> Known:
    """A user of a domain; an attribute without values is one that the user lacks."""
    found = {
        "objectGUID": [f"guid-{name}"],
        "objectSid": [f"{DOMAIN}-{rid}"],
        "sAMAccountName": [name],
        "accountExpires": ["never"],
        **attributes,
    }
    return known(
        "ldap.ad.user",
        {
            "item": {
                "attributes": {key: values for key, values in found.items() if values},
                "flags": {"userAccountControl": ["NORMAL_ACCOUNT", *flags]},
            }
        },
    )


def group(
    members: list[str], primary: list[str] | None = None, foreign: list[str] | None = None, **more: Any
) -> Known:
    """A privileged group, by the identifiers of its members."""
    content = {
        name: [{"attributes": {"objectSid": [sid]}} for sid in found]
        for name, found in (("members", members), ("primary", primary or []), ("foreign", foreign or []))
    }
    return known("ldap.ad.privileged-group", content, **more)


def forest(*domains: str, **more: Any) -> Known:
    """The forest of a domain, with all its domains."""
    return known(
        "ldap.ad.forest", {"domains": [{"attributes": {"dnsRoot": [each]}} for each in domains]}, **more
    )


def entry(name: str, **attributes: list[str]) -> Known:
    """An inetOrgPerson of OpenLDAP, unless said otherwise."""
    content = {"objectClass": ["inetOrgPerson"], "uid": [name], **attributes}
    return known(
        "ldap.directory.user",
        {"item": {"dn": f"uid={name},dc=example,dc=org", "attributes": content}},
    )


def entra_user(address: str, **more: Any) -> Known:
    item = {"id": "e", "userPrincipalName": address, "accountEnabled": True, "userType": "Member", **more}
    return known("entra.user.user", {"item": {"assignedLicenses": [], **item}})


def scim_user(identifier: str, name: str, scope: str = "one", **more: Any) -> Known:
    return known("scim.directory.user", {"item": {"id": identifier, "userName": name, **more}}, scope)


def test_a_user_of_a_domain_and_of_entra_with_one_security_identifier_are_one_person() -> None:
    synchronised = entra_user("ann@example.com", onPremisesSecurityIdentifier=f"{DOMAIN}-1104")
    (person,) = people(ad_user("ann", userPrincipalName=["ann@corp.local"]), synchronised)
    assert person.id == "entra-object-id:e"
    assert [each.provider for each in person.directory] == ["entra", "ldap"]


@pytest.mark.parametrize("attribute", ["mail", "userPrincipalName"])
def test_a_user_of_a_domain_and_of_entra_with_one_address_are_one_person(attribute: str) -> None:
    attributes: dict[str, Any] = {attribute: ["Ann@example.com"]}
    (person,) = people(ad_user("ann", **attributes), entra_user("ann@example.com"))
    assert [each.provider for each in person.directory] == ["entra", "ldap"]


def test_a_user_of_entra_alone_is_nobody_of_the_domain() -> None:
    cloud = entra_user("bob@example.com", onPremisesSecurityIdentifier=None)
    assert len(people(ad_user("ann", mail=["ann@example.com"]), cloud)) == 2


def test_a_name_without_a_domain_matches_nobody() -> None:
    assert len(people(ad_user("ann", userPrincipalName=["ann"]), scim_user("1", "ann"))) == 2


@pytest.mark.parametrize(
    ("flags", "expires", "active", "leaves_on"),
    [
        ((), "never", True, ""),
        (("ACCOUNTDISABLE",), "never", False, ""),
        ((), "2026-03-01T00:00:00Z", True, "2026-03-01T00:00:00Z"),
        ((), "2025-12-31T00:00:00Z", False, "2025-12-31T00:00:00Z"),
    ],
)
def test_a_user_of_a_domain_is_active_unless_disabled_or_past_the_end(
    flags: tuple[str, ...], expires: str, active: bool, leaves_on: str
) -> None:
    (account,) = accounts(ad_user("ann", flags=flags, accountExpires=[expires]))
    assert (account.known["active"], account.known["leaves_on"]) == (active, leaves_on)


def test_an_end_that_cannot_be_read_is_not_known_but_disabled_is_disabled() -> None:
    (account,) = accounts(ad_user("ann", accountExpires=[]))
    assert (account.known["active"], account.known["leaves_on"]) == (None, None)
    (disabled,) = accounts(ad_user("ann", flags=("ACCOUNTDISABLE",), accountExpires=[]))
    assert disabled.known["active"] is False


def test_the_domain_tells_of_the_last_sign_in_and_of_smart_cards() -> None:
    (account,) = accounts(
        ad_user("ann", flags=("SMARTCARD_REQUIRED",), lastLogonTimestamp=["2025-12-01T00:00:00Z"])
    )
    assert (account.known["last_used"], account.known["mfa"]) == ("2025-12-01T00:00:00Z", True)
    (new,) = accounts(ad_user("bob"))
    assert new.known["last_used"] == ""
    assert "mfa" not in new.known, "that no smart card is required says nothing of other factors"


def test_members_of_privileged_groups_administer_also_by_their_primary_group() -> None:
    users = [ad_user("ann", 1104), ad_user("bob", 1105), ad_user("eve", 1106)]
    found = accounts(*users, group([f"{DOMAIN}-1104"], [f"{DOMAIN}-1105"]), forest("example.com"))
    assert {each.label: each.known["admin"] for each in found} == {"ann": True, "bob": True, "eve": False}


def test_who_else_administers_is_not_known_where_the_members_of_a_group_were_not_read() -> None:
    users = [ad_user("ann", 1104), ad_user("eve", 1106)]
    gap = {"primary": {"call": "ldap:SEARCH subtree", "code": "insufficientAccessRights"}}
    found = accounts(*users, group([f"{DOMAIN}-1104"]), group([], gaps=gap), forest("example.com"))
    assert {each.label: each.known["admin"] for each in found} == {"ann": True, "eve": None}
    assert {each.known["admin"] for each in accounts(*users)} == {None}


def test_whom_another_domain_of_the_forest_may_name_is_not_known_to_be_no_administrator() -> None:
    users = [ad_user("ann", 1104), ad_user("eve", 1106)]
    found = accounts(*users, group([f"{DOMAIN}-1104"]), forest("example.com", "child.example.com"))
    assert {each.label: each.known["admin"] for each in found} == {"ann": True, "eve": None}


def test_facts_are_about_everybody_or_about_somebody_by_name() -> None:
    facts = {"type": "ldap.ad.forest", "kind": "facts", "of": "ldap.ad.user", "admin": "false"}
    with pytest.raises(ValueError, match="need an identifier"):
        AccountDefinition.model_validate(facts)
    named = {"identifier": [{"kind": "ldap-sid", "value": "resource.id"}]}
    with pytest.raises(ValueError, match="takes the place"):
        AccountDefinition.model_validate({**facts, **named, "everybody": True})


def test_a_forest_whose_domains_were_not_read_may_have_others() -> None:
    gap = {"domains": {"call": "ldap:SEARCH onelevel", "code": "insufficientAccessRights"}}
    for unread in ([], [forest(gaps=gap)], [forest("elsewhere.example", scope="another")]):
        (eve,) = accounts(ad_user("eve", 1106), group([]), *unread)
        assert eve.known["admin"] is None


def test_a_member_from_a_trusted_domain_is_known_by_the_identifier() -> None:
    found = accounts(
        ad_user("ann", 1104), group([], foreign=[f"{DOMAIN}-1104"], scope="trusting"), forest("x")
    )
    assert [each.known["admin"] for each in found] == [True]


@pytest.mark.parametrize(
    "user",
    [
        ad_user("partner$", flags=("INTERDOMAIN_TRUST_ACCOUNT",)),
        ad_user("Guest", 501),
        ad_user("krbtgt", 502),
        ad_user("svc-sql", servicePrincipalName=["MSSQLSvc/db.example.com"]),
        entry("svc", objectClass=["account", "posixAccount"], loginShell=["/usr/sbin/nologin"]),
        entry("host", objectClass=["account"]),
        known("ldap.ad.computer", {"item": {}}),
        known("ldap.ad.service-account", {"item": {}}),
    ],
    ids=lambda user: str(user.document.content["item"].get("attributes", user.document.resource_type))[:40],
)
def test_services_trusts_and_computers_are_no_people(user: Known) -> None:
    assert accounts(user) == []


def test_somebody_with_a_mailbox_or_an_ordinary_number_stays_a_person() -> None:
    served = ad_user("ann", servicePrincipalName=["HTTP/ann"], mail=["ann@example.com"])
    assert [each.label for each in accounts(served, ad_user("bob", 1501))] == ["ann", "bob"]
    (shell,) = accounts(entry("eve", objectClass=["account", "posixAccount"], loginShell=["/bin/bash"]))
    assert shell.known["active"] is True


@pytest.mark.parametrize(
    ("attributes", "active", "leaves_on"),
    [
        ({}, True, ""),
        ({"pwdAccountLockedTime": ["000001010000Z"]}, False, ""),
        ({"pwdAccountLockedTime": ["2025-12-31T23:00:00Z"]}, True, ""),
        ({"pwdEndTime": ["2025-12-31T00:00:00Z"]}, False, "2025-12-31T00:00:00Z"),
        ({"pwdEndTime": ["2026-02-01T00:00:00Z"]}, True, "2026-02-01T00:00:00Z"),
        ({"shadowExpire": ["20454"]}, True, "2026-01-01T00:00:00Z"),
        ({"shadowExpire": ["-1"]}, True, ""),
    ],
)
def test_an_entry_is_active_unless_an_administrator_locked_it_or_its_time_is_over(
    attributes: dict[str, list[str]], active: bool, leaves_on: str
) -> None:
    (account,) = accounts(entry("ann", **attributes))
    assert (account.known["active"], account.known["leaves_on"]) == (active, leaves_on)


@pytest.mark.parametrize("attribute", ["pwdLastSuccess", "authTimestamp"])
def test_the_last_sign_in_of_an_entry_is_known_only_where_the_directory_keeps_it(attribute: str) -> None:
    (account,) = accounts(entry("ann", **{attribute: ["2025-12-01T00:00:00Z"]}))
    assert account.known["last_used"] == "2025-12-01T00:00:00Z"
    (other,) = accounts(entry("bob"))
    assert other.known["last_used"] is None


def test_an_entry_is_known_by_its_uuid_number_and_address() -> None:
    (account,) = accounts(entry("ann", entryUUID=["U-1"], employeeNumber=["7"], mail=["Ann@example.com"]))
    assert account.key == "U-1"
    assert account.names == {("ldap-guid", "u-1"), ("employee-number", "7"), ("email", "ann@example.com")}
    (bare,) = accounts(entry("bob"))
    assert (bare.key, bare.names) == ("uid=bob,dc=example,dc=org", set())


def test_an_account_of_a_service_is_access_and_belongs_to_who_has_its_user_name() -> None:
    (person,) = people(
        ad_user("ann", mail=["ann@example.com"]), scim_user("1", "ann@example.com", active=True)
    )
    assert [each.provider for each in person.access] == ["scim"]


@pytest.mark.parametrize(
    ("said", "active"), [({"active": False}, False), ({"active": True}, True), ({}, None)]
)
def test_an_account_of_a_service_is_as_active_as_the_service_says(
    said: dict[str, Any], active: bool | None
) -> None:
    (account,) = accounts(scim_user("1", "ann@example.com", **said))
    assert account.known["active"] is active


def test_an_address_in_a_service_that_nobody_verified_matches_nobody() -> None:
    claimed = scim_user("1", "eve", emails=[{"value": "ann@example.com", "primary": True}])
    assert len(people(ad_user("ann", mail=["ann@example.com"]), claimed)) == 2


def test_one_id_at_two_services_is_not_one_person() -> None:
    assert len(people(scim_user("1", "ann", "a.example"), scim_user("1", "bob", "b.example"))) == 2


def test_an_employee_number_joins_an_account_of_a_service_to_its_person() -> None:
    more: dict[str, Any] = {ENTERPRISE: {"employeeNumber": "7"}}
    (person,) = people(entry("ann", employeeNumber=["7"]), scim_user("1", "a7", **more))
    assert [each.provider for each in person.accounts] == ["ldap", "scim"]
