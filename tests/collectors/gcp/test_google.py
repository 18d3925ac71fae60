"""The fake of Google's APIs keeps to their contract: what it gives, pages, leaves out and refuses."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from annexa.demo.google import TOKEN_PATH, Aggregated, Estate, Listed, One
from collectors.gcp.answers import read_error
from collectors.gcp.settings import GcpSettings
from tests.collectors.gcp import estate
from tests.collectors.gcp.conftest import Gcp

BUCKETS = f"/storage/storage/v1/b?project={estate.PROJECT}"
INSTANCES = f"/compute/compute/v1/projects/{estate.PROJECT}/aggregated/instances"
ACCOUNTS = f"/iam/v1/projects/{estate.PROJECT}/serviceAccounts"


@pytest.fixture
def ask(gcp: Gcp) -> Iterator[httpx.Client]:
    """A client with a token."""
    from collectors.gcp.credentials import GoogleTokens

    settings = {key: value for key, value in gcp.settings().items() if key != "inventory"}
    tokens = GoogleTokens(GcpSettings.model_validate(settings))
    headers = {"Authorization": tokens.authorization()}
    with httpx.Client(base_url=gcp.server.url, headers=headers) as client:
        yield client


def pages(ask: httpx.Client, path: str, **query: str) -> list[dict[str, Any]]:
    found, token = [], ""
    while True:
        more = {**query, "pageToken": token} if token else query
        answer = ask.get(path, params={**httpx.URL(path).params, **more})
        assert answer.status_code == 200, answer.text
        found.append(answer.json())
        token = found[-1].get("nextPageToken", "")
        if not token:
            return found


def error(answer: httpx.Response) -> dict[str, Any]:
    found: dict[str, Any] = answer.json()["error"]
    assert found["code"] == answer.status_code
    return found


# Tokens.


@pytest.mark.parametrize(
    ("authorization", "reason"),
    [("", "CREDENTIALS_MISSING"), ("Bearer ya29.forged", "ACCESS_TOKEN_TYPE_UNSUPPORTED")],
)
def test_a_request_needs_a_token_that_was_given(gcp: Gcp, authorization: str, reason: str) -> None:
    headers = {"Authorization": authorization} if authorization else {}
    answer = httpx.get(gcp.server.url + ACCOUNTS, headers=headers)
    assert answer.status_code == 401
    assert error(answer)["status"] == "UNAUTHENTICATED"
    assert read_error(answer.json())[0] == reason


def test_a_token_may_expire(gcp: Gcp, ask: httpx.Client) -> None:
    assert ask.get(ACCOUNTS).status_code == 200
    gcp.google.tokens.expire()
    assert read_error(ask.get(ACCOUNTS).json())[0] == "ACCESS_TOKEN_EXPIRED"


def test_a_token_is_given_only_for_the_account_s_own_signature(gcp: Gcp) -> None:
    form = {"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion": "e30.e30.c2ln"}
    answer = httpx.post(gcp.server.url + TOKEN_PATH, data=form)
    assert answer.status_code == 400
    assert answer.json()["error"] == "invalid_grant"


# Lists.


def test_a_list_comes_in_pages_of_the_size_that_is_asked_for(ask: httpx.Client) -> None:
    assert [len(page["items"]) for page in pages(ask, BUCKETS)] == [2, 2, 1]
    assert [len(page["items"]) for page in pages(ask, BUCKETS, maxResults="1")] == [1, 1, 1, 1, 1]
    assert [len(page["items"]) for page in pages(ask, BUCKETS, maxResults="1000")] == [2, 2, 1], "no more"


def test_a_page_token_is_good_for_its_own_list_only(ask: httpx.Client) -> None:
    token = ask.get(BUCKETS).json()["nextPageToken"]
    assert ask.get(ACCOUNTS, params={"pageToken": token}).status_code == 400
    assert ask.get(ACCOUNTS, params={"pageToken": "made-up"}).status_code == 400


def test_an_empty_list_is_an_empty_object(ask: httpx.Client) -> None:
    assert ask.get("/storage/storage/v1/b", params={"project": estate.BARE}).json() == {}


def test_an_aggregated_list_speaks_of_every_place_on_every_page(ask: httpx.Client) -> None:
    first, second = pages(ask, INSTANCES)
    assert first["items"].keys() == second["items"].keys()
    assert [len(page["items"]["zones/europe-west1-b"].get("instances", [])) for page in (first, second)] == [
        2,
        0,
    ]
    assert second["items"]["zones/europe-west1-b"]["warning"]["code"] == "NO_RESULTS_ON_PAGE"
    assert len(second["items"]["zones/europe-west1-c"]["instances"]) == 1


def test_a_project_goes_by_its_number_as_well(ask: httpx.Client) -> None:
    by_number = ACCOUNTS.replace(estate.PROJECT, estate.NUMBER)
    assert ask.get(by_number).json() == ask.get(ACCOUNTS).json()


# Refusals.


def test_a_service_that_a_project_has_not_enabled(ask: httpx.Client) -> None:
    answer = ask.get(f"/pubsub/v1/projects/{estate.BARE}/topics")
    found = error(answer)
    (told,) = found["details"]
    assert (answer.status_code, found["status"], told["reason"]) == (
        403,
        "PERMISSION_DENIED",
        "SERVICE_DISABLED",
    )
    assert told["metadata"] == {
        "service": "pubsub.googleapis.com",
        "consumer": f"projects/{estate.BARE_NUMBER}",
    }


def test_something_that_is_not_there_in_the_form_of_today(ask: httpx.Client) -> None:
    found = error(ask.get(f"/accessapproval/v1/projects/{estate.PROJECT}/accessApprovalSettings"))
    assert found["status"] == "NOT_FOUND"
    assert "errors" not in found


def test_something_that_is_not_there_in_the_older_form(ask: httpx.Client) -> None:
    found = error(ask.get(f"/bigquery/bigquery/v2/projects/{estate.PROJECT}/datasets/none"))
    assert "status" not in found
    assert found["errors"][0]["reason"] == "notFound"


def test_a_project_that_is_not_there_is_denied(ask: httpx.Client) -> None:
    answer = ask.get("/pubsub/v1/projects/no-such-project/topics")
    assert answer.status_code == 403
    assert read_error(answer.json())[0] == "CONSUMER_INVALID"


def test_a_method_that_no_document_has(gcp: Gcp, ask: httpx.Client) -> None:
    answer = ask.get(f"/pubsub/v1/projects/{estate.PROJECT}/subjects")
    assert answer.status_code == 404
    assert answer.headers["content-type"].startswith("text/html")
    (problem,) = gcp.google.gate.problems()
    assert "no such method" in problem


def test_a_parameter_that_the_method_does_not_have(gcp: Gcp, ask: httpx.Client) -> None:
    answer = ask.get(f"/pubsub/v1/projects/{estate.PROJECT}/topics", params={"maxResults": "5"})
    assert answer.status_code == 400
    assert 'Unknown name "maxResults"' in error(answer)["message"]
    (problem,) = gcp.google.gate.problems()
    assert "no parameter 'maxResults'" in problem


def test_a_parameter_that_the_method_requires(ask: httpx.Client) -> None:
    answer = ask.get("/storage/storage/v1/b")
    assert answer.status_code == 400
    assert error(answer)["message"] == "Required parameter: project"


def test_permissions_that_are_held(gcp: Gcp, ask: httpx.Client) -> None:
    path = f"/cloudresourcemanager/v3/projects/{estate.PROJECT}:testIamPermissions"
    gcp.google.withheld.add("storage.buckets.list")
    try:
        named = {"permissions": ["storage.buckets.list", "pubsub.topics.list"]}
        assert ask.post(path, json=named).json() == {"permissions": ["pubsub.topics.list"]}
        assert ask.post(path, json={"permissions": ["storage.buckets.list"]}).json() == {}
        assert ask.post(path, json={"permissions": ["a.b.c"] * 101}).status_code == 400
        denied = ask.get(BUCKETS)
        assert denied.status_code == 403
        assert "storage.buckets.list" in error(denied)["message"]
    finally:
        gcp.google.withheld.clear()


# The inventory.


@pytest.mark.parametrize(
    "parent",
    [
        f"projects/{estate.PROJECT}",
        f"projects/{estate.NUMBER}",
        f"folders/{estate.FOLDER}",
        f"organizations/{estate.ORGANIZATION}",
    ],
)
def test_the_inventory_has_what_the_lists_have(ask: httpx.Client, parent: str) -> None:
    kinds = ["storage.googleapis.com/Bucket", "iam.googleapis.com/ServiceAccountKey"]
    query = {"contentType": "RESOURCE", "assetTypes": kinds}
    found, token = [], ""
    while True:
        answer = ask.get(f"/cloudasset/v1/{parent}/assets", params={**query, "pageToken": token}).json()
        assert answer["readTime"]
        found += answer["assets"]
        token = answer.get("nextPageToken", "")
        if not token:
            break
    buckets = [each["resource"]["data"] for each in found if each["assetType"] == kinds[0]]
    assert buckets == [bucket for page in pages(ask, BUCKETS) for bucket in page["items"]]
    assert len(found) == estate.BUCKETS + 2
    assert {tuple(each["ancestors"]) for each in found} == {
        (f"projects/{estate.NUMBER}", f"folders/{estate.FOLDER}", f"organizations/{estate.ORGANIZATION}")
    }


def test_the_inventory_has_only_policies_that_grant_something(ask: httpx.Client) -> None:
    path = f"/cloudasset/v1/projects/{estate.PROJECT}/assets"
    found = [asset for page in pages(ask, path, contentType="IAM_POLICY") for asset in page["assets"]]
    assert [each["name"] for each in found] == [
        f"//cloudresourcemanager.googleapis.com/projects/{estate.NUMBER}",
        *(f"//storage.googleapis.com/{estate.PROJECT}-{number}" for number in range(estate.BUCKETS)),
    ]
    assert all(each["iamPolicy"]["bindings"] and "resource" not in each for each in found)


def test_the_inventory_has_projects_and_the_organisation_themselves(ask: httpx.Client) -> None:
    path = f"/cloudasset/v1/organizations/{estate.ORGANIZATION}/assets"
    kinds = [f"cloudresourcemanager.googleapis.com/{kind}" for kind in ("Organization", "Project")]
    found = ask.get(path, params={"contentType": "RESOURCE", "assetTypes": kinds}).json()["assets"]
    assert found[0]["resource"]["data"]["displayName"] == "example.com"
    assert found[1]["resource"]["data"]["projectId"] == estate.PROJECT


# Estates as data.


def test_an_estate_may_be_whole_answers() -> None:
    placed = Estate()
    placed.hierarchy.add_project("shop-one", "1", "Shop", "", {"storage", "compute"})
    placed.put_answer("storage/storage/v1/b?project=shop-one", {"items": [{"name": "a"}, {"name": "b"}]})
    placed.put_answer("storage/storage/v1/b/a/iam", {"bindings": [], "etag": "CAE="})
    zone = {"instances": [{"name": "till"}]}
    placed.put_answer(
        "compute/compute/v1/projects/shop-one/aggregated/instances", {"items": {"zones/z": zone}}
    )
    listed = placed.find("storage", "/storage/v1/b", {"project": ["shop-one"]})
    assert listed == Listed("items", [{"name": "a"}, {"name": "b"}])
    instances = placed.find("compute", "/compute/v1/projects/shop-one/aggregated/instances", {})
    assert instances == Aggregated("instances", {"zones/z": [{"name": "till"}]})
    policy = placed.find("storage", "/storage/v1/b/a/iam", {})
    assert policy == One({"bindings": [], "etag": "CAE="})
