"""What stands above single resources: breaches of policies, management groups; and what is asked of which."""

from collections.abc import Iterator

import pytest

from tests.collectors.azure import arm, estate
from tests.collectors.azure.arm import Rule
from tests.collectors.azure.conftest import Azure
from tests.collectors.azure.test_collector import read

STATES = "azure.policyinsights.policy-state"
QUERY = "/policyStates/latest/queryResults"


@pytest.fixture(autouse=True)
def healthy(azure: Azure) -> Iterator[None]:
    """What a test breaks is whole again for the next."""
    places = dict(azure.arm.places)
    yield
    azure.arm.rules.clear()
    azure.arm.places = places


def test_breaches_of_policies_are_asked_for_by_post_on_every_page(azure: Azure) -> None:
    before = len(azure.server.asked)
    documents, report = read(azure.collector(), STATES)
    asked = [each for each in azure.server.asked[before:] if each.path.endswith(QUERY)]
    assert [each.method for each in asked] == ["POST", "POST"]
    assert asked[0].query["$filter"] == "ComplianceState eq 'NonCompliant'"
    assert report.complete
    assert len({document.id for document in documents}) == len(documents) == estate.BREACHES > azure.arm.page


def test_breaches_of_several_policies_by_one_resource_are_kept_apart(azure: Azure) -> None:
    (path,) = [path for path in azure.arm.places if path.endswith(QUERY.lower())]
    rows = azure.arm.places[path].content
    twice = [rows[0], {**rows[0], "policyDefinitionId": "/providers/x/policyDefinitions/other"}]
    azure.arm.put_query(path, twice, "2019-10-01")
    documents, report = read(azure.collector(), STATES)
    assert len(documents) == 2
    assert report.gaps == []


@pytest.mark.parametrize("body", [b"{}", b'{"value": null}', b'{"@odata.count": 0}', b'{"value": [1]}'])
def test_a_query_that_does_not_say_what_it_found_did_not_find_nothing(azure: Azure, body: bytes) -> None:
    azure.arm.rules.append(Rule(arm.at(QUERY), arm.send(200, body)))
    documents, report = read(azure.collector(), STATES)
    assert documents == []
    assert not report.complete
    assert [gap.code for gap in report.gaps] == ["MalformedAnswer"]


def test_a_later_page_of_a_query_that_is_refused_is_a_gap(azure: Azure) -> None:
    azure.arm.rules.append(Rule(arm.later_page(QUERY), arm.refuse(403, "AuthorizationFailed")))
    documents, report = read(azure.collector(), STATES)
    assert len(documents) == azure.arm.page
    assert not report.complete


def test_the_role_that_reads_breaches_changes_nothing(azure: Azure) -> None:
    grants = azure.collector().permissions([STATES]).grants
    assert "Microsoft.PolicyInsights/policyStates/queryResults/read" in grants
    assert all(grant.endswith("/read") for grant in grants)


def test_a_management_group_comes_with_what_is_directly_below_it(azure: Azure) -> None:
    (group,), report = read(azure.collector(), "azure.management.group")
    assert group.name == "Corporation"
    (child,) = group.content["group"]["properties"]["children"]
    assert child["name"] == estate.SUBSCRIPTION
    assert report.complete


def test_more_management_groups_are_on_the_next_page(azure: Azure) -> None:
    path = "/providers/Microsoft.Management/managementGroups"
    (one,) = azure.arm.places[path.lower()].content
    groups = [{**one, "id": f"{path}/g{n}", "name": f"g{n}"} for n in range(3)]
    azure.arm.put(path, groups, "2023-04-01")
    azure.arm.places[path.lower()].link = "@nextLink"
    for group in groups:
        azure.arm.put(group["id"], group, "2023-04-01")
    documents, report = read(azure.collector(), "azure.management.group")
    assert len(documents) == 3
    assert report.complete


def test_the_database_master_is_not_asked_how_it_masks(azure: Azure) -> None:
    (path,) = [path for path in azure.arm.places if path.endswith("/databases")]
    (ledger,) = azure.arm.places[path].content
    master = {**ledger, "id": ledger["id"].replace("/ledger", "/master"), "name": "master"}
    azure.arm.put(path, [ledger, master], "2021-11-01")
    encryption = f"{master['id']}/transparentDataEncryption/current"
    azure.arm.put(encryption, {"id": encryption, "properties": {}}, "2021-11-01")
    documents, report = read(azure.collector(), "azure.sql.database")
    masking = {document.name: document.content["masking"] for document in documents}
    assert masking["ledger"]["properties"]["dataMaskingState"] == "Disabled"
    assert masking["master"] is None
    assert report.gaps == []
