"""Cloud Asset Inventory over sockets: one read for many projects, and the lists wherever it fails."""

import gc
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from annexa.demo.loopback import Answer, Asked, Loopback
from collectors.gcp.asset_read import LIST
from collectors.gcp.inventory import MOST_PROJECTS, AssetInventory
from store.model import Report, Scope
from tests.collectors.gcp.assets import (
    ABOVE,
    BUCKET,
    ORGANIZATION,
    PROJECT,
    READ_TIME,
    TOPIC,
    Assets,
    refusal,
    reply,
)
from tests.collectors.gcp.inventory_run import BUCKETS, TOPICS, Run

SECRET = "hunter2-very-secret"
DENIED = refusal(403, "PERMISSION_DENIED", "The caller does not have permission")
DISABLED = refusal(403, "PERMISSION_DENIED", "Cloud Asset API is disabled.", "SERVICE_DISABLED")

OWNERS = [ABOVE, PROJECT]

Start = Callable[..., Run]


@pytest.fixture
def assets() -> Assets:
    return Assets(
        {"one": ["a", "b", "c"], "two": ["d"], "none": []},
        policies={"a": {"bindings": [{"role": "r", "members": ["allUsers"]}]}, "d": {"bindings": []}},
    )


@pytest.fixture
def start(assets: Assets) -> Iterator[Start]:
    with Loopback(assets) as server:
        yield lambda **more: Run(assets, server.url, **more)


def refuse(answer: Answer, *parents: str, content: str = "", later_page: bool = False) -> Any:
    """Spoil the inventory's answers for parents (all, if none is named)."""

    def spoil(asked: Asked, right: Answer) -> Answer | None:
        if parents and not any(f"/{parent}/assets" in asked.path for parent in parents):
            return None
        if content not in asked.query["contentType"] or (later_page and "pageToken" not in asked.query):
            return None
        return answer

    return spoil


def used(report: Report) -> Any:
    return report.provenance["inventory"]


def test_documents_are_the_same_as_from_the_lists(start: Start) -> None:
    held, listed = start().all(), start(inventory=False).all()
    assert [documents for documents, _ in held] == [documents for documents, _ in listed]
    assert [len(documents) for documents, _ in held] == [3, 1, 0]
    assert held[0][0][1].content["iam"] == {}, "of b nothing is kept: its policy is empty"
    assert all(report.complete and not report.gaps for _, report in held)


def test_one_read_serves_all_projects_and_types(assets: Assets, start: Start) -> None:
    assets.page = 4
    run = start()
    jobs = [(scope, kind) for scope in run.scopes for kind in (BUCKETS, TOPICS)]
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda job: run.read(*job), jobs))
    assert assets.asked == {f"/cloudasset/v1/organizations/{ORGANIZATION}/assets": 2 + 1}
    resources, _, policies = assets.requests
    assert (resources["pageSize"], resources["assetTypes"]) == (["1000"], [*OWNERS, TOPIC, BUCKET])
    assert policies["assetTypes"] == [BUCKET], "no policy of a topic is wanted"
    assert policies["readTime"] == [READ_TIME], "the policies are of the moment of the resources"


def test_the_evidence_names_the_call_its_moment_and_what_was_of_this_scope(start: Start) -> None:
    _, report = start().all()[0]
    resources, policies = report.provenance["calls"]
    asked = {
        "parent": f"organizations/{ORGANIZATION}",
        "assetTypes": [*OWNERS, TOPIC, BUCKET],
        "pageSize": "1000",
    }
    counts = {"count": 1, "absent": 0, "failed": 0, "pages": 1}
    assert resources == {
        "call": LIST,
        "parameters": {**asked, "contentType": "RESOURCE"},
        "items": 3,
        **counts,
    }
    assert policies["parameters"]["readTime"] == "{read_time}"
    assert policies["items"] == 1
    assert report.provenance["provider_time"] == "2026-05-04T03:02:01.123Z"
    assert used(report) == {"used": True, "unread": {}}


def test_reports_of_runs_that_found_the_same_differ_in_times_only(start: Start) -> None:
    times = {"first_request", "last_receipt", "provider_time", "skew_s"}
    first, second = (start().all()[0][1].provenance for _ in range(2))
    assert {key for key in first if first[key] != second[key]} <= times


def test_what_was_read_for_several_projects_cannot_be_read_on_disk(
    assets: Assets, start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assets.buckets["one"] = [SECRET]
    run = start()
    assert run.all()[0][0][0].name == SECRET
    written = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert written
    assert SECRET.encode() not in written
    del run
    gc.collect()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("answer", [DISABLED, refusal(400, "INVALID_ARGUMENT", "No."), reply({}), reply([1])])
def test_lists_are_asked_where_the_inventory_answers_nothing(
    assets: Assets, start: Start, answer: Answer
) -> None:
    assets.spoil = refuse(answer)
    documents = [documents for documents, _ in start().all()]
    assert documents == [documents for documents, _ in start(inventory=False).all()]


def test_the_evidence_says_why_lists_were_asked(assets: Assets, start: Start) -> None:
    assets.spoil = refuse(DISABLED)
    _, report = start().all()[0]
    assert used(report) == {
        "used": False,
        "code": "SERVICE_DISABLED",
        "message": "Cloud Asset API is disabled.",
    }
    assert report.complete
    assert report.gaps == []


def test_a_later_page_that_fails_leaves_nothing_of_the_inventory(
    assets: Assets, start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assets.page = 2
    assets.spoil = refuse(refusal(503, "UNAVAILABLE", "Try later."), later_page=True)
    (documents, report), *_ = start().all()
    assert [document.name for document in documents] == ["a", "b", "c"]
    assert assets.asked["/storage/storage/v1/b"] == 3
    assert used(report)["code"] == "UNAVAILABLE"
    assert list(tmp_path.iterdir()) == []


def test_policies_that_cannot_be_read_are_asked_for_one_by_one(assets: Assets, start: Start) -> None:
    assets.spoil = refuse(DENIED, content="IAM_POLICY")
    run = start()
    documents, report = run.read(run.scopes[0])
    assert documents == start(inventory=False).read(run.scopes[0])[0]
    assert assets.asked["/storage/storage/v1/b"] == 1, "only by the run without an inventory"
    assert used(report)["unread"] == {"IAM_POLICY": "PERMISSION_DENIED: The caller does not have permission"}
    assert report.provenance["calls"][1]["failed"] == 1


def test_policies_are_asked_for_where_the_inventory_has_none_of_the_type(
    assets: Assets, start: Start
) -> None:
    assets.policies = {}
    _, report = start().all()[1]
    assert assets.asked["/storage/storage/v1/b/d/iam"] == 1
    assert "may not keep them" in used(report)["unread"]["IAM_POLICY"]
    assert report.complete


def test_projects_are_read_one_by_one_where_the_organisation_is_denied(assets: Assets, start: Start) -> None:
    assets.spoil = refuse(DENIED, "organizations/100", "projects/two")
    (_, one), (_, two), (_, none) = start().all()
    assert [used(one)["used"], used(two)["used"], used(none)["used"]] == [True, False, True]
    assert one.provenance["calls"][0]["parameters"]["parent"] == "projects/one"
    assert assets.asked["/cloudasset/v1/organizations/100/assets"] == 1
    assert assets.asked["/storage/storage/v1/b"] == 1, "only of the project whose inventory is denied as well"


def test_many_projects_are_not_read_one_by_one(assets: Assets, start: Start) -> None:
    assets.buckets = {f"project-{number}": [] for number in range(MOST_PROJECTS + 1)}
    assets.spoil = refuse(DENIED, "organizations/100")
    results = start().all()
    assert sum(times for path, times in assets.asked.items() if "/assets" in path) == 1
    assert used(results[0][1])["message"].endswith("; 51 projects are too many to be read one by one")
    assert all(report.complete for _, report in results)


def test_an_organisation_that_is_not_wanted_whole_is_not_read_as_a_whole(
    assets: Assets, start: Start
) -> None:
    assert [used(report)["used"] for _, report in start(whole=False).all()] == [True, True, True]
    assert not any("organizations" in path for path in assets.asked)


def test_many_projects_of_an_organisation_that_is_not_wanted_whole_are_listed(
    assets: Assets, start: Start
) -> None:
    assets.buckets = {f"project-{number}": [] for number in range(MOST_PROJECTS + 1)}
    _, report = start(whole=False).all()[0]
    assert used(report)["code"] == "TooManyProjects"


def test_folders_are_read_as_a_whole(assets: Assets, start: Start) -> None:
    assets.folders = {"one": "5", "two": "6"}
    reports = [report for _, report in start(whole=False, folders=("5", "6")).all()]
    parents = [report.provenance["calls"][0]["parameters"]["parent"] for report in reports]
    assert parents == ["folders/5", "folders/6", "projects/none"]


def test_a_project_that_the_inventory_does_not_have_is_listed(assets: Assets, start: Start) -> None:
    assets.unknown = {"one"}
    run = start()
    documents, report = run.read(run.scopes[0])
    assert [document.name for document in documents] == ["a", "b", "c"]
    assert used(report)["code"] == "UnknownToInventory"
    assert list(assets.asked)[:2] == [
        f"/cloudasset/v1/organizations/{ORGANIZATION}/assets",
        "/cloudasset/v1/projects/one/assets",
    ]


@pytest.mark.parametrize(
    "flaw",
    [
        {"resource": {"version": "v1"}},
        {"resource": {"data": {"name": "x"}}, "assetExceptions": [{"exceptionType": "TRUNCATION"}]},
    ],
)
def test_a_type_of_which_some_content_is_missing_is_listed_in_that_project_only(
    assets: Assets, start: Start, flaw: dict[str, Any]
) -> None:
    assets.more = [{**assets.asset("one", BUCKET, "//storage.googleapis.com/x"), **flaw}]
    (documents, one), (_, two), _ = start().all()
    assert [document.name for document in documents] == ["a", "b", "c"]
    assert used(one)["code"] == "InventoryIncomplete"
    assert "//storage.googleapis.com/x" in used(one)["message"]
    assert used(two)["used"]


def test_assets_of_types_that_were_not_asked_for_are_passed_over(assets: Assets, start: Start) -> None:
    more = assets.asset("one", "pubsub.googleapis.com/TopicSnapshot", "//pubsub.googleapis.com/s")
    assets.more = [{**more, "resource": {"data": {"name": "s"}}}]
    run = start()
    assert run.read(run.scopes[0], TOPICS)[0] == []


def test_what_hangs_at_the_organisation_belongs_to_the_organisation(assets: Assets, start: Start) -> None:
    asset = {**assets.asset("", BUCKET, "//storage.googleapis.com/o"), "resource": {"data": {"name": "o"}}}
    assets.more = [asset]
    run = start()
    above = Scope("gcp", ORGANIZATION, "Org", (), {"kind": "organization", "organization": ORGANIZATION})
    assert [document.name for document in run.read(above)[0]] == ["o"]
    assert [len(documents) for documents, _ in run.all()] == [3, 1, 0]


def test_smaller_pages_are_asked_for_where_a_page_is_too_large(assets: Assets, start: Start) -> None:
    assets.buckets["one"] = [f"bucket-{number:04}" for number in range(1500)]
    documents, report = start().all()[0]
    assert len(documents) == 1500
    assert report.provenance["calls"][0]["parameters"]["pageSize"] == "200"
    assert {tuple(request["pageSize"]) for request in assets.requests} == {("1000",), ("200",)}


def test_an_interrupted_run_does_not_turn_to_the_lists(assets: Assets, start: Start) -> None:
    run = start()
    entered = threading.Event()

    def cancel(asked: Asked, answer: Answer) -> Answer:
        run.tools.cancelled.set()
        entered.set()
        return refusal(503, "UNAVAILABLE", "Later.")

    assets.spoil = cancel
    documents, report = run.read(run.scopes[0])
    assert entered.is_set()
    assert documents == []
    assert not report.complete
    assert assets.asked["/storage/storage/v1/b"] == 0


def test_a_project_whose_number_is_not_known_is_listed(start: Start) -> None:
    run = start()
    scope = Scope("gcp", "one", "one", (), {"kind": "project", "organization": ORGANIZATION})
    documents, report = run.read(scope)
    assert len(documents) == 3
    assert used(report)["code"] == "NoProjectNumber"


def test_a_type_that_the_inventory_does_not_know_costs_only_itself(assets: Assets, start: Start) -> None:
    run = start()
    odd = BUCKETS.model_copy(update={"type": "gcp.a.odd", "inventory": "a.googleapis.com/Odd"})
    assert isinstance(run.inventory, AssetInventory)
    run.inventory.plan(run.scopes[0], [odd])
    results = [run.read(run.scopes[0], kind) for kind in (BUCKETS, TOPICS, odd)]
    assert [used(report)["used"] for _, report in results] == [True, True, False]
    assert used(results[2][1])["code"] == "InventoryUnsupported"
    asked_for = results[0][1].provenance["calls"][0]["parameters"]["assetTypes"]
    assert asked_for == [*OWNERS, TOPIC, BUCKET]


def test_a_request_that_is_refused_whatever_it_asks_for_is_not_taken_apart(
    assets: Assets, start: Start
) -> None:
    assets.spoil = refuse(refusal(400, "INVALID_ARGUMENT", "No."))
    start().all()
    assert len(assets.requests) == 2


def test_a_type_that_nobody_planned_for_is_listed(start: Start) -> None:
    run = start()
    run.read(run.scopes[0])
    later = BUCKETS.model_copy(update={"type": "gcp.a.later", "inventory": "a.googleapis.com/Later"})
    _, report = run.read(run.scopes[0], later)
    assert used(report)["code"] == "NotRead"


def test_the_moment_is_kept_to_the_millisecond() -> None:
    assert datetime.fromisoformat(READ_TIME) == datetime(2026, 5, 4, 3, 2, 1, 123456, tzinfo=UTC)
