"""What is read of a customer, what of it is kept, and how many questions that takes."""

import json
from collections import Counter
from pathlib import Path

import pytest

from annexa.plugin import Collection, Target, Tools
from collectors.google_workspace.collector import GoogleWorkspaceCollector
from store.canonical import canonical
from store.model import Document, Scope
from tests.collectors.google_workspace import estate
from tests.collectors.google_workspace.conftest import Served
from tests.collectors.google_workspace.delegated import ADMIN


class Read:
    """Everything that is read of the customer."""

    def __init__(self, google: Served) -> None:
        self.collector = google.collector()
        self.discovery = self.collector.discover()
        self.scope: Scope = self.discovery.scopes[0]
        self.documents: dict[str, list[Document]] = {}
        self.collections: dict[str, Collection] = {}
        google.server.asked.clear()
        for target in self.collector.targets(self.scope, self.collector.resource_types()):
            collection = self.collector.collect(self.scope, target)
            self.collections[target.resource_type] = collection
            self.documents[target.resource_type] = list(collection)
        self.asked = Counter(each.path for each in google.server.asked)

    def of(self, kind: str) -> list[Document]:
        return self.documents[f"google_workspace.{kind}"]


@pytest.fixture(scope="module")
def read(google: Served) -> Read:
    return Read(google)


def test_the_scope_is_the_customer(read: Read) -> None:
    assert (read.scope.id, read.scope.name) == (estate.CUSTOMER, "example.com")
    principal = read.scope.attributes["principal"]
    assert principal == f"service account annexa@audit-home.iam.gserviceaccount.com as {ADMIN}"
    assert read.discovery.gaps == ()


def test_an_administrator_of_another_customer_is_told_apart(google: Served) -> None:
    assert google.collector(customer=estate.CUSTOMER).discover().scopes[0].id == estate.CUSTOMER
    found = google.collector(customer="C0other").discover()
    assert found.scopes == ()
    assert [gap.code for gap in found.gaps] == ["OtherCustomer"]
    assert f"belongs to the customer {estate.CUSTOMER}" in found.gaps[0].message


def test_only_domains_that_were_verified_are_the_organisation_s_own(read: Read) -> None:
    for document in (*read.of("groups.group"), *read.of("directory.role-assignment")):
        assert document.content["domains"] == ["example.com"]
    assert {tuple(each.content["aliases"]) for each in read.of("groups.group")} == {("example.net",)}


def test_every_type_is_read_whole(read: Read) -> None:
    for kind, collection in read.collections.items():
        assert collection.report.gaps == [], kind
        assert collection.report.complete, kind


def test_questions_and_answers_are_as_google_publishes_them(google: Served, read: Read) -> None:
    assert read.documents
    assert google.workspace.strange == []


def test_users_come_over_all_pages_and_with_what_is_needed_only(read: Read) -> None:
    users = read.of("directory.user")
    assert len(users) == estate.USERS
    assert "phones" not in users[0].content["item"]


def test_that_there_is_a_recovery_address_is_kept_and_the_address_is_not(read: Read) -> None:
    kept = canonical([each.payload() for found in read.documents.values() for each in found]).decode()
    assert estate.RECOVERY not in kept
    first = next(each for each in read.of("directory.user") if each.name == ADMIN)
    assert first.content["item"]["recoveryEmail"]
    assert first.redacted == ("item.recoveryEmail",)


def test_apps_and_passwords_are_read_of_administrators_only(read: Read) -> None:
    (found,) = [each for each in read.of("directory.super-admin") if each.name == ADMIN]
    assert found.content["apps"][0]["displayText"] == "Planner"
    assert found.content["passwords"] == [{"codeId": 1, "name": "Old mail"}]
    assert sum(count for path, count in read.asked.items() if path.endswith("/tokens")) == 4


def test_members_are_read_of_groups_that_hold_a_role_or_let_outsiders_in(read: Read) -> None:
    groups = {each.name: each.content for each in read.of("groups.group")}
    assert groups["helpdesk@example.com"]["members"] is None
    assert [each["id"] for each in groups["partners@example.com"]["members"]] == [
        "m1",
        "g2",
        "m2",
        estate.CUSTOMER,
    ]
    assigned = {each.id: each for each in read.of("directory.role-assignment")}
    assert assigned["roleAssignments/51"].content["members"] is None
    assert len(assigned["roleAssignments/52"].content["members"]) == 2
    assert assigned["roleAssignments/52"].name == "Help desk for g1"


def test_all_settings_of_the_console_come_with_one_list(read: Read) -> None:
    (security,) = read.of("settings.security")
    assert security.content["root"] == estate.ROOT
    assert len(security.content["password"]) == 2
    assert security.content["session"] == []
    (gmail,) = read.of("settings.gmail")
    assert {each["type"] for each in gmail.content["forwarding"]} == {"SYSTEM", "ADMIN"}
    assert read.asked["/cloudidentity/v1/policies"] == -(-len(estate.policies()) // 3)


def test_what_an_alert_tells_of_people_is_left_out(read: Read) -> None:
    (alert,) = read.of("alertcenter.alert")
    assert "data" not in alert.content["item"]


def test_a_definition_of_one_s_own_takes_the_scopes_that_it_names(google: Served, tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text(
        """
[[resource]]
type   = "google_workspace.own.domain"
title  = "Domain"
region = "global"
id     = "{item.domainName}"
name   = "{item.domainName}"
[resource.list]
call       = "admin:GET /admin/directory/v1/customer/{customer}/domains"
with       = { customer = "{account}" }
items      = "domains"
permission = ["https://www.googleapis.com/auth/admin.directory.domain.readonly"]
"""
    )
    collector = google.collector(Tools(redaction_key=b"own", definition_folders=(tmp_path,)))
    scope = collector.discover().scopes[0]
    collection = collector.collect(scope, Target("google_workspace.own.domain", ""))
    assert [each.name for each in collection] == ["example.com", "partner.example"]


def test_permissions_are_the_scopes_as_the_console_takes_them() -> None:
    settings = {"admin": ADMIN, "credentials_file": "none.json"}
    collector = GoogleWorkspaceCollector(settings, Tools(redaction_key=b"none"))
    granted = collector.permissions(["google_workspace.directory.user"])
    assert granted.grants == (
        "https://www.googleapis.com/auth/admin.directory.customer.readonly",
        "https://www.googleapis.com/auth/admin.directory.user.readonly",
    )
    assert granted.documents == (",".join(granted.grants) + "\n",)
    everything = collector.permissions(collector.resource_types())
    writing = [each for each in everything.grants if not each.endswith(".readonly")]
    assert [each.rpartition("/")[2] for each in writing] == [
        "admin.directory.user.security",
        "apps.alerts",
        "apps.groups.settings",
    ], "scopes that have a form which only reads are asked for in that form"


def test_definitions_name_no_person_that_they_do_not_declare(read: Read) -> None:
    addressed = {
        kind
        for kind, found in read.documents.items()
        if any("@example.com" in json.dumps(each.content) for each in found)
    }
    types = read.collector.resource_types()
    assert {kind for kind in addressed if not types[kind].personal} == set()
