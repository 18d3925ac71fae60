"""People of Active Directory, OpenLDAP and SCIM are matched by names and by pseudonyms alike."""

from dataclasses import replace
from pathlib import Path

import pytest

import collectors
from collectors.definition import load_resource_types
from collectors.privacy import Pseudonyms
from mappings.people import match
from mappings.reading_accounts import Known
from tests.mappings.test_directory_accounts import accounts, ad_user, entra_user, entry, scim_user

PSEUDONYMS = Pseudonyms.of_store(b"redaction key")
TYPES = load_resource_types(
    Path(collectors.__file__).parent / provider for provider in ("entra", "ldap", "scim")
)
ADDRESS = "Ann@example.com"
PEOPLE = [
    ad_user("ann", mail=[ADDRESS]),
    ad_user("svc", rid=1200, servicePrincipalName=["HTTP/x"]),
    ad_user("partner$", rid=1201, flags=("INTERDOMAIN_TRUST_ACCOUNT",)),
    entra_user(ADDRESS),
    entry("ann", mail=[ADDRESS], entryUUID=["u"]),
    entry("pc", objectClass=["account"]),
    scim_user("1", ADDRESS, active=True),
]


def unnamed(told: Known) -> Known:
    """The document as a store of pseudonyms keeps it."""
    document = told.document
    content, _ = PSEUDONYMS.put_into(document.content, TYPES[document.resource_type].personal)
    return replace(told, document=replace(document, content=content))


@pytest.mark.parametrize("kept", [PEOPLE, [unnamed(each) for each in PEOPLE]], ids=["names", "pseudonyms"])
def test_one_person_has_accounts_in_every_directory_and_service(kept: list[Known]) -> None:
    (person,) = match(accounts(*kept))
    assert person.id == "entra-object-id:e"
    assert [each.type for each in person.directory] == [
        "entra.user.user",
        "ldap.ad.user",
        "ldap.directory.user",
    ]
    assert [each.type for each in person.access] == ["scim.directory.user"]


def test_pseudonyms_leave_no_address() -> None:
    assert all(ADDRESS.casefold() not in str(unnamed(each).document.content).casefold() for each in PEOPLE)


def test_every_attribute_that_people_are_told_by_is_asked_for() -> None:
    asked = {
        kind: {*definition.list.with_["attributes"]}
        for kind, definition in TYPES.items()
        if definition.list is not None and kind in ("ldap.ad.user", "ldap.directory.user")
    }
    assert {"objectGUID", "objectSid", "userPrincipalName", "mail", "accountExpires"} <= asked["ldap.ad.user"]
    assert {"entryUUID", "employeeNumber", "mail", "pwdAccountLockedTime"} <= asked["ldap.directory.user"]
    listed = TYPES["entra.user.user"].list
    assert listed is not None
    assert "onPremisesSecurityIdentifier" in str(listed.with_["$select"]).split(",")
