"""People over all providers, at the end of a run: what follows from all accounts of somebody together."""

import datetime as dt
from dataclasses import replace
from pathlib import Path

import pytest

from collectors.privacy import Pseudonyms
from mappings.person import PERSON
from store import query
from store.model import Document, Outcome
from store.record import Record
from store.verify import verify
from tests.scheduler.organisation import LEAVE, REGISTRATION, USER, Organisation, Person

ANN, BOB = Person("a", "ann@example.com"), Person("b", "bob@example.com")
ANN_ID, BOB_ID = "entra-object-id:a", "entra-object-id:b"


@pytest.fixture
def firm(tmp_path: Path) -> Organisation:
    return Organisation(
        tmp_path / "store",
        people=[ANN, BOB],
        owners=["a"],
        members=["user:ann@example.com", "user:Bob@Example.com", "group:staff@example.com"],
    )


def test_everybody_has_one_document_with_every_account_and_its_evidence(firm: Organisation) -> None:
    assert firm.run().status == "complete"
    persons = firm.persons()
    assert persons.keys() == {ANN_ID, BOB_ID}
    content = persons[ANN_ID].content
    assert [account["provider"] for account in content["directory"]] == ["entra"]
    assert [account["provider"] for account in content["access"]] == ["azure", "gcp"]
    with Record.open(firm.path) as record:
        kept = {key for _, _, _, _, _, key in query.resources(record)}
    sources = [
        source for side in ("directory", "access") for each in content[side] for source in each["sources"]
    ]
    assert {source["document"] for source in sources} <= kept
    assert USER in {source["type"] for source in sources}


def test_the_evidence_says_what_people_were_matched_from(firm: Organisation) -> None:
    firm.run()
    with Record.open(firm.path) as record:
        uid = (query.last_run(record) or {})["run"]
        reports = [each for each in query.reports(record, uid) if "matched_from" in each["provenance"]]
        assert verify(record).problems == []
    (report,) = reports
    assert {each["type"] for each in report["provenance"]["matched_from"]} >= {USER, REGISTRATION}
    assert all(each["entry"] > 0 for each in report["provenance"]["matched_from"])


def test_whoever_is_disabled_in_the_directory_and_active_elsewhere_is_found(firm: Organisation) -> None:
    firm.people[1] = replace(BOB, enabled=False)
    firm.run()
    assert firm.outcome("no-access-after-leaving", BOB_ID) is Outcome.FAIL
    assert firm.outcome("no-access-after-leaving", ANN_ID) is Outcome.PASS


def test_whoever_is_deleted_from_the_directory_and_active_elsewhere_is_found(firm: Organisation) -> None:
    firm.run()
    firm.people.pop()
    firm.run()
    assert firm.persons()[BOB_ID].content["directory"][0]["deleted"]
    assert firm.outcome("no-access-after-leaving", BOB_ID) is Outcome.FAIL
    firm.run()
    assert firm.outcome("no-access-after-leaving", BOB_ID) is Outcome.FAIL


def test_whoever_is_gone_everywhere_is_no_longer_kept_as_there(firm: Organisation) -> None:
    firm.run()
    firm.people.pop()
    firm.members.remove("user:Bob@Example.com")
    firm.run()
    assert firm.persons().keys() == {ANN_ID}


def test_nobody_is_declared_gone_where_the_directory_could_not_be_read(firm: Organisation) -> None:
    firm.run()
    firm.people.pop()
    firm.denied = {USER}
    firm.run()
    assert firm.persons().keys() == {ANN_ID, BOB_ID}
    assert "deleted" not in firm.persons()[BOB_ID].content["directory"][0]
    assert "left" not in firm.facts(BOB_ID) or firm.facts(BOB_ID)["left"] is False
    assert {firm.outcome(check, BOB_ID) for check in ("belongs-to-directory", "told-apart", "mfa")} == {
        Outcome.UNKNOWN
    }
    with Record.open(firm.path) as record:
        (people,) = [each for each in query.latest_collections(record) if each.resource_type == PERSON]
        assert not people.complete


def test_without_a_directory_nobody_is_said_to_belong_or_not(firm: Organisation) -> None:
    firm.off = {"entra"}
    firm.run()
    person = "email:ann@example.com"
    assert firm.outcome("belongs-to-directory", person) is Outcome.UNKNOWN
    assert firm.outcome("no-access-after-leaving", person) is Outcome.UNKNOWN
    assert firm.outcome("mfa", person) is Outcome.UNKNOWN


def test_an_account_whom_no_directory_knows_is_found(firm: Organisation) -> None:
    firm.members.append("user:eve@elsewhere.org")
    firm.run()
    assert firm.outcome("belongs-to-directory", "email:eve@elsewhere.org") is Outcome.FAIL


def test_factors_that_could_not_be_read_are_not_known(firm: Organisation) -> None:
    firm.denied = {REGISTRATION}
    firm.run()
    assert firm.outcome("mfa", ANN_ID) is Outcome.UNKNOWN
    assert firm.outcome("separate-privileged-account", ANN_ID) is Outcome.UNKNOWN


def test_whoever_has_no_factor_anywhere_is_found(firm: Organisation) -> None:
    firm.people[0] = replace(ANN, mfa=False)
    firm.run()
    assert firm.outcome("mfa", ANN_ID) is Outcome.FAIL
    assert firm.outcome("administrators-have-mfa", ANN_ID) is Outcome.FAIL
    assert firm.outcome("mfa", BOB_ID) is Outcome.PASS


def test_of_accounts_of_which_no_provider_tells_factors_nothing_is_known(firm: Organisation) -> None:
    firm.members.append("user:eve@elsewhere.org")
    firm.run()
    assert "mfa" not in firm.facts("email:eve@elsewhere.org")
    assert firm.outcome("mfa", "email:eve@elsewhere.org") is Outcome.UNKNOWN


def test_an_administrator_with_an_everyday_account_is_found(firm: Organisation) -> None:
    firm.people[0] = replace(ANN, admin=True)
    firm.run()
    assert firm.facts(ANN_ID)["admin_in"] == ["azure", "entra"]
    assert firm.outcome("separate-privileged-account", ANN_ID) is Outcome.FAIL
    assert firm.outcome("administers-few-places", ANN_ID) is Outcome.PASS


def test_whoever_has_passed_the_last_day_is_found(firm: Organisation) -> None:
    firm.people[:] = [
        replace(ANN, leaves="2026-02-01T00:00:00Z"),
        replace(BOB, leaves="2026-12-01T00:00:00Z"),
    ]
    firm.run()
    assert firm.outcome("no-access-after-last-day", ANN_ID) is Outcome.FAIL
    assert firm.outcome("no-access-after-last-day", BOB_ID) is Outcome.PASS


def test_nothing_is_said_of_last_days_that_could_not_be_read(firm: Organisation) -> None:
    firm.denied = {LEAVE}
    firm.run()
    assert firm.outcome("no-access-after-last-day", ANN_ID) is Outcome.UNKNOWN


def test_whoever_has_signed_in_nowhere_for_long_is_found(firm: Organisation) -> None:
    firm.people[0] = replace(ANN, last_sign_in="2025-06-01T00:00:00Z")
    firm.run()
    assert firm.outcome("not-dormant", ANN_ID) is Outcome.FAIL
    assert firm.outcome("not-dormant", BOB_ID) is Outcome.PASS


def test_a_guest_who_administers_is_found(firm: Organisation) -> None:
    firm.people[0] = replace(ANN, guest=True)
    firm.run()
    assert firm.outcome("guests-do-not-administer", ANN_ID) is Outcome.FAIL


def test_an_address_that_two_accounts_have_tells_nobody_apart(firm: Organisation) -> None:
    firm.people.append(Person("c", "bob@example.com"))
    firm.run()
    for person in (
        BOB_ID,
        "entra-object-id:c",
        "account:gcp/one/gcp.cloudresourcemanager.project/bob@example.com",
    ):
        assert firm.outcome("told-apart", person) is Outcome.FAIL
    assert (
        firm.outcome(
            "belongs-to-directory", "account:gcp/one/gcp.cloudresourcemanager.project/bob@example.com"
        )
        is Outcome.UNKNOWN
    )


def test_a_new_address_is_the_same_person(firm: Organisation) -> None:
    firm.run()
    firm.people[0] = replace(ANN, address="ann.jones@example.com")
    firm.members[0] = "user:ann.jones@example.com"
    firm.run()
    assert firm.persons().keys() == {ANN_ID, BOB_ID}


def test_a_run_that_finds_everything_as_it_was_changes_nothing(firm: Organisation) -> None:
    firm.run()
    assert firm.run().changed == 0


def test_without_accounts_there_are_no_people(firm: Organisation) -> None:
    firm.off = {"entra", "azure", "gcp"}
    firm.run()
    assert firm.persons() == {}


def test_pseudonyms_match_as_addresses_do(firm: Organisation, monkeypatch: pytest.MonkeyPatch) -> None:
    pseudonyms = Pseudonyms.of_store(b"key")
    plain = Organisation.documents
    personal = ("item.userPrincipalName", "item.mail", "iam.bindings.*.members.*@")

    def unnamed(self: Organisation) -> dict[str, list[Document]]:
        return {
            kind: [
                replace(each, content=pseudonyms.put_into(each.content, personal)[0]) for each in documents
            ]
            for kind, documents in plain(self).items()
        }

    monkeypatch.setattr(Organisation, "documents", unnamed)
    firm.people[1] = replace(BOB, enabled=False)
    firm.run()
    assert firm.outcome("no-access-after-leaving", BOB_ID) is Outcome.FAIL
    kept = repr([each.content for each in firm.persons().values()])
    assert "bob@" not in kept.casefold()
    assert pseudonyms.of("bob@example.com") in kept


def test_what_nobody_has_read_for_long_proves_nothing_any_more(firm: Organisation) -> None:
    firm.run()
    firm.off = {"entra"}
    firm.run()
    assert firm.outcome("mfa", BOB_ID) is Outcome.PASS
    firm.now += dt.timedelta(days=8)
    firm.run()
    assert firm.outcome("mfa", BOB_ID) is Outcome.UNKNOWN
    assert firm.outcome("no-access-after-leaving", BOB_ID) is Outcome.UNKNOWN


def test_whoever_is_gone_everywhere_goes_though_a_successor_has_the_address(firm: Organisation) -> None:
    firm.run()
    firm.people[1] = Person("c", "bob@example.com")
    firm.members.remove("user:Bob@Example.com")
    firm.run()
    assert BOB_ID not in firm.persons()
    assert firm.outcome("told-apart", "entra-object-id:c") is Outcome.PASS


def test_whoever_is_gone_stays_while_a_successors_address_has_access(firm: Organisation) -> None:
    firm.run()
    firm.people[1] = Person("c", "bob@example.com")
    firm.run()
    firm.run()
    assert BOB_ID in firm.persons()
    assert firm.outcome("told-apart", BOB_ID) is Outcome.FAIL
