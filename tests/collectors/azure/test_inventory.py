"""Azure Resource Graph beside the lists: as many, fewer, more, and no answer."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from annexa.demo.loopback import Answer, Asked
from annexa.plugin import Document, Report, Scope, Target, load_resource_types
from collectors.azure import lint
from collectors.azure.collector import AzureCollector
from collectors.azure.inventory import PERMISSIONS, RESOURCES
from tests.collectors.azure import arm, estate
from tests.collectors.azure.arm import Rule
from tests.collectors.azure.conftest import Azure

GRAPH = "/providers/Microsoft.ResourceGraph/resources"
ACCOUNT = "azure.storage.account"
LIST = f"/subscriptions/{estate.SUBSCRIPTION}/providers/Microsoft.Storage/storageAccounts"
LOST = LIST.replace("/providers/", "/resourceGroups/Payroll/providers/") + "/lost"


@pytest.fixture(autouse=True)
def healthy(azure: Azure) -> Iterator[None]:
    """What a test breaks is whole again for the next."""
    places = dict(azure.arm.places)
    yield
    azure.arm.rules.clear()
    azure.arm.indexed.clear()
    azure.arm.places = places
    azure.server.asked.clear()


def read(
    collector: AzureCollector, kind: str = ACCOUNT, *more: str
) -> tuple[list[Document], Report, dict[str, Any]]:
    scope = next(iter(collector.discover().scopes))
    target, *_ = collector.targets(scope, [kind, *more])
    with collector.collect(scope, target) as collection:
        documents = list(collection)
    return documents, collection.report, collection.report.provenance.get("count", {})


def queries(azure: Azure) -> list[dict[str, Any]]:
    return [json.loads(asked.body) for asked in azure.server.asked if asked.path == GRAPH]


def test_as_many_as_were_counted_is_a_whole_list(azure: Azure) -> None:
    documents, report, count = read(azure.collector())
    assert count == {"source": RESOURCES.call, "counted": estate.ACCOUNTS}
    assert len(documents) == estate.ACCOUNTS
    assert report.complete
    assert report.gaps == []
    assert len(queries(azure)) == 1


def test_one_question_counts_all_types_of_all_subscriptions(azure: Azure) -> None:
    collector = azure.collector()
    (scope,) = collector.discover().scopes
    other = Scope("azure", estate.DISABLED, "Other")
    collector.targets(other, [ACCOUNT])
    for target in collector.targets(scope, collector.resource_types()):
        with collector.collect(scope, target) as collection:
            list(collection)
        assert collection.report.complete, (target, collection.report.gaps)
    (asked,) = queries(azure)
    assert asked["subscriptions"] == sorted([estate.SUBSCRIPTION, estate.DISABLED])
    assert "'microsoft.storage/storageaccounts'" in asked["query"]
    assert "'microsoft.compute/disks'" in asked["query"]


def test_what_the_list_leaves_out_although_it_is_there_makes_it_incomplete(azure: Azure) -> None:
    azure.arm.indexed[LIST.lower()] = [LOST]
    azure.arm.put(LOST, {"id": LOST, "name": "lost"}, "2023-05-01")
    documents, report, count = read(azure.collector())
    assert len(documents) == estate.ACCOUNTS
    assert not report.complete
    assert count["counted"] == estate.ACCOUNTS + 1
    (gap,) = report.gaps
    assert (gap.call, gap.code) == (RESOURCES.call, "CountMismatch")
    assert LOST.lower() in gap.message


def test_what_is_gone_although_the_index_still_has_it_is_not_missed(azure: Azure) -> None:
    azure.arm.indexed[LIST.lower()] = [LOST]
    _, report, count = read(azure.collector())
    assert report.complete
    assert report.gaps == []
    assert count["counted"] == estate.ACCOUNTS


def test_what_may_not_be_read_may_be_there(azure: Azure) -> None:
    azure.arm.indexed[LIST.lower()] = [LOST]
    azure.arm.rules.append(Rule(arm.at("/lost"), arm.refuse(403, "AuthorizationFailed")))
    _, report, _ = read(azure.collector())
    assert not report.complete
    assert [gap.code for gap in report.gaps] == ["CountMismatch"]


def test_more_than_were_counted_is_no_gap_since_the_index_follows_with_a_delay(azure: Azure) -> None:
    azure.arm.rules.append(Rule(arm.at(GRAPH), counts({})))
    _, report, count = read(azure.collector())
    assert report.complete
    assert report.gaps == []
    assert count["counted"] == 0


@pytest.mark.parametrize(
    "fault",
    [
        arm.refuse(403, "AuthorizationFailed"),
        arm.refuse(409, "MissingSubscriptionRegistration"),
        arm.send(200, b'{"data": "none"}'),
        arm.send(200, b'{"data": [], "totalRecords": 3}'),
        arm.send(200, b'{"data": [{"type": 1}], "totalRecords": 1}'),
    ],
)
def test_no_count_is_said_with_its_reason_and_is_no_gap(azure: Azure, fault: Any) -> None:
    azure.arm.rules.append(Rule(arm.at(GRAPH), fault))
    documents, report, count = read(azure.collector())
    assert len(documents) == estate.ACCOUNTS
    assert report.complete
    assert report.gaps == []
    assert count["counted"] is None
    assert count["reason"]


def test_a_count_that_cannot_be_explained_makes_the_list_incomplete(azure: Azure) -> None:
    azure.arm.rules.append(Rule(arm.at(GRAPH), counts({"microsoft.storage/storageaccounts": 99}), times=1))
    azure.arm.rules.append(Rule(arm.at(GRAPH), arm.refuse(403, "AuthorizationFailed")))
    _, report, count = read(azure.collector())
    assert not report.complete
    assert count["counted"] == 99
    assert "AuthorizationFailed" in report.gaps[0].message


def test_a_count_that_was_of_another_moment_is_asked_for_again(azure: Azure) -> None:
    azure.arm.rules.append(Rule(arm.at(GRAPH), counts({"microsoft.storage/storageaccounts": 99}), times=1))
    _, report, count = read(azure.collector())
    assert report.complete
    assert count["counted"] == estate.ACCOUNTS


def test_many_that_are_missing_are_not_asked_for_one_by_one(azure: Azure) -> None:
    azure.arm.indexed[LIST.lower()] = [f"{LOST}{number:03}" for number in range(101)]
    _, report, _ = read(azure.collector())
    assert not report.complete
    assert "101 of 106" in report.gaps[0].message
    assert not any("/lost" in asked.path for asked in azure.server.asked)


def test_counts_come_in_pages(azure: Azure, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("collectors.azure.inventory._MOST_ROWS", 1)
    _, report, count = read(azure.collector(), ACCOUNT, "azure.compute.disk", "azure.keyvault.vault")
    assert report.complete
    assert count["counted"] == estate.ACCOUNTS
    tokens = [asked["options"].get("$skipToken") for asked in queries(azure)]
    assert tokens == [None, "1"], "one row for each kind of which there is something"


def test_many_subscriptions_are_counted_a_thousand_at_a_time(azure: Azure) -> None:
    collector = azure.collector()
    collector.discover()
    ids = [f"bbbbbbbb-0000-4000-8000-{number:012}" for number in range(1500)]
    for each in ids:
        collector.targets(Scope("azure", each, each), [ACCOUNT])
    for each in (ids[0], ids[1200], ids[3]):
        azure.arm.put(LIST.replace(estate.SUBSCRIPTION, each), [], "2023-05-01")
        (target,) = collector.targets(Scope("azure", each, each), [ACCOUNT])
        with collector.collect(Scope("azure", each, each), target) as collection:
            list(collection)
        assert collection.report.complete
    assert [len(asked["subscriptions"]) for asked in queries(azure)] == [1000, 500]


def test_a_type_that_nobody_planned_for_is_counted_as_well(azure: Azure) -> None:
    collector = azure.collector()
    (scope,) = collector.discover().scopes
    (planned,) = collector.targets(scope, ["azure.compute.disk"])
    for target in (planned, Target(ACCOUNT, "")):
        with collector.collect(scope, target) as collection:
            list(collection)
    assert collection.report.provenance["count"]["counted"] == estate.ACCOUNTS


def test_types_without_an_inventory_are_not_counted(azure: Azure) -> None:
    _, report, count = read(azure.collector(), "azure.storage.container")
    assert report.complete
    assert count == {}
    assert queries(azure) == []


def test_counting_takes_a_permission_of_its_own(azure: Azure) -> None:
    collector = azure.collector()
    assert set(PERMISSIONS) <= set(collector.permissions([ACCOUNT]).grants)
    assert set(PERMISSIONS).isdisjoint(collector.permissions(["azure.storage.container"]).grants)


def test_an_inventory_must_be_of_the_kind_that_the_list_gives() -> None:
    account = load_resource_types([AzureCollector.folder])[ACCOUNT]
    assert lint.definition_problems(account) == []
    wrong = account.model_copy(update={"inventory": "Microsoft.Storage/storageAccounts"})
    assert "but the list is of 'microsoft.storage/storageaccounts'" in lint.definition_problems(wrong)[0]
    assert account.list is not None
    some = account.list.model_copy(update={"items": "value[?kind=='StorageV2']"})
    partial = account.model_copy(update={"list": some})
    assert any("must give all" in problem for problem in lint.definition_problems(partial))


def counts(found: dict[str, int]) -> Any:
    """Resource Graph counting what it is told."""
    rows = [{"type": kind, "subscriptionId": estate.SUBSCRIPTION, "counted": n} for kind, n in found.items()]
    body = {"totalRecords": len(rows), "count": len(rows), "data": rows, "resultTruncated": "false"}

    def answer(asked: Asked, right: Any) -> Answer:
        return arm.reply(200, body)

    return answer
