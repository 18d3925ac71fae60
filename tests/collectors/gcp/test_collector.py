"""The GCP collector against an organisation: what it reads, and what it says of the rest."""

import re
import sys
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from annexa.demo.google import Aggregated
from annexa.demo.loopback import Answer, Loopback
from annexa.plugin import Document, Report, Scope, Tools
from collectors.gcp.collector import GcpCollector
from store.errors import CollectorError
from tests.collectors.gcp import estate, google
from tests.collectors.gcp.conftest import KEY, Gcp
from tests.collectors.rest.rules import Rule, at, break_off, send

INVENTORY = "cloudasset:GET /v1/{+parent}/assets"
_INSTANCES = f"/compute/v1/projects/{estate.PROJECT}/aggregated/instances"


@pytest.fixture(autouse=True)
def healthy(gcp: Gcp) -> Iterator[None]:
    """What a test breaks is whole again for the next."""
    places = {place: list(contents) for place, contents in gcp.google.estate.places.items()}
    yield
    gcp.google.rules.clear()
    gcp.google.withheld.clear()
    gcp.google.tokens.lives = None
    gcp.google.estate.places = places


def scopes(collector: GcpCollector) -> dict[str, Scope]:
    return {scope.id: scope for scope in collector.discover().scopes}


def read(collector: GcpCollector, kind: str, scope: str = estate.PROJECT) -> tuple[list[Document], Report]:
    found = scopes(collector)[scope]
    (target,) = collector.targets(found, [kind])
    with collector.collect(found, target) as collection:
        documents = list(collection)
    return documents, collection.report


def codes(report: Report) -> list[str]:
    return [gap.code for gap in report.gaps]


# What is read.


@pytest.mark.parametrize("scope", [estate.PROJECT, estate.ORGANIZATION])
def test_every_type_is_read_without_a_gap(gcp: Gcp, scope: str) -> None:
    collector = gcp.collector(projects=[], organizations=[estate.ORGANIZATION])
    found = scopes(collector)[scope]
    wrong, ids = [], []
    for target in collector.targets(found, collector.resource_types()):
        with collector.collect(found, target) as collection:
            documents = list(collection)
        ids += [document.id for document in documents]
        if not documents or not collection.report.complete or collection.report.gaps:
            wrong.append((target.resource_type, len(documents), collection.report.gaps))
    assert wrong == []
    assert [each for each, times in Counter(ids).items() if times > 1] == [], "two types give one id"
    assert [each for each in ids if not re.match(r"//[a-z]+\.googleapis\.com/", each)] == []
    assert gcp.google.gate.problems() == []
    assert gcp.google.gate.passed > 20


def test_the_inventory_gives_what_the_lists_give(gcp: Gcp) -> None:
    listing, taking = gcp.collector(), gcp.collector(inventory="auto")
    kinds = [kind for kind, each in listing.resource_types().items() if each.inventory and not each.scope]
    assert len(kinds) > 20
    found = scopes(listing)[estate.PROJECT]
    assert [target.resource_type for target in taking.targets(found, kinds)] == kinds
    differing = {}
    for kind in kinds:
        (listed, _), (taken, report) = read(listing, kind), read(taking, kind)
        assert report.complete
        assert report.gaps == []
        assert {each["call"] for each in report.provenance["calls"]} & {INVENTORY}, "the inventory was asked"
        if contents(listed) != contents(taken):
            differing[kind] = (contents(listed), contents(taken))
    assert differing == {}


def contents(documents: list[Document]) -> dict[str, Any]:
    """Id → content, without the parents, which only lists have."""
    return {
        document.id: {key: value for key, value in document.content.items() if key != "over"}
        for document in documents
    }


def test_a_scope_has_the_types_of_its_kind(gcp: Gcp) -> None:
    collector = gcp.collector(projects=[], organizations=[estate.ORGANIZATION])
    types = collector.resource_types()
    kinds: dict[str, set[str]] = {"project": set(), "organization": set()}
    for scope in scopes(collector).values():
        kinds[scope.attributes["kind"]] |= {each.resource_type for each in collector.targets(scope, types)}
    assert kinds["organization"] == {kind for kind, each in types.items() if each.scope == "organization"}
    assert kinds["project"] == types.keys() - kinds["organization"]
    assert all(kinds.values())


def test_a_list_is_read_to_its_last_page(gcp: Gcp) -> None:
    documents, report = read(gcp.collector(), "gcp.storage.bucket")
    names = [f"{estate.PROJECT}-{number}" for number in range(estate.BUCKETS)]
    assert [document.name for document in documents] == names
    assert [document.id for document in documents] == [f"//storage.googleapis.com/{name}" for name in names]
    assert {document.region for document in documents} == {"EUROPE-WEST1"}
    listed = report.provenance["calls"][0]
    assert listed["call"] == "storage:GET /storage/v1/b"
    assert (listed["pages"], listed["items"]) == (3, estate.BUCKETS)


def test_an_aggregated_list_is_read_across_zones_and_pages(gcp: Gcp) -> None:
    documents, report = read(gcp.collector(), "gcp.compute.instance")
    assert [document.name for document in documents] == ["front", "batch", "spare"]
    assert report.complete
    assert report.gaps == []


def test_an_aggregated_list_of_warnings_that_nothing_is_there_is_empty(gcp: Gcp) -> None:
    gcp.google.estate.put("compute", _INSTANCES, Aggregated("instances"))
    documents, report = read(gcp.collector(), "gcp.compute.instance")
    assert documents == []
    assert report.complete
    assert report.gaps == []


def test_an_empty_object_is_an_empty_list(gcp: Gcp) -> None:
    documents, report = read(gcp.collector(projects=[estate.BARE]), "gcp.storage.bucket", estate.BARE)
    assert documents == []
    assert report.complete
    assert report.gaps == []


def test_parents_are_read_first(gcp: Gcp) -> None:
    documents, _ = read(gcp.collector(), "gcp.iam.service-account-key")
    assert {document.content["item"]["keyType"] for document in documents} == {
        "USER_MANAGED",
        "SYSTEM_MANAGED",
    }


def test_metadata_that_may_hold_secrets_is_not_kept(gcp: Gcp) -> None:
    documents, _ = read(gcp.collector(), "gcp.compute.instance")
    assert estate.STARTUP_SCRIPT not in str([document.payload() for document in documents])
    assert documents[0].redacted == ("item.metadata.items.0.value",)


def test_variables_that_may_hold_secrets_are_not_kept(gcp: Gcp) -> None:
    (function,), _ = read(gcp.collector(), "gcp.cloudfunctions.function")
    assert estate.VARIABLE not in str(function.payload())
    assert function.redacted == ("item.serviceConfig.environmentVariables.TOKEN",)


def test_the_evidence_says_who_read_what_and_when(gcp: Gcp) -> None:
    _, report = read(gcp.collector(), "gcp.storage.bucket")
    provenance = report.provenance
    assert provenance["principal"] == f"service account {estate.READER}"
    assert provenance["endpoints"] == [gcp.server.url]
    assert provenance["provider_time"] is not None
    assert abs(provenance["skew_s"]) < 5


def test_no_token_and_no_key_is_kept(gcp: Gcp) -> None:
    documents, report = read(gcp.collector(), "gcp.storage.bucket")
    kept = str([document.payload() for document in documents]) + str(report)
    assert gcp.google.tokens.issued
    assert not any(token in kept for token in gcp.google.tokens.issued)
    assert "PRIVATE KEY" not in kept


def test_what_a_check_reads_of_a_notebook_is_not_taken_for_a_secret(gcp: Gcp) -> None:
    kind = "gcp.notebooks.instance"
    metadata = {"notebook-disable-root": "true", "startup-script": "curl -u admin:hunter2"}
    item = {"name": f"projects/{estate.PROJECT}/locations/l/instances/n", "gceSetup": {"metadata": metadata}}
    gcp.google.estate.put_list(kind, estate.PROJECT, item)
    (document,), _ = read(gcp.collector(), kind)
    kept = document.content["item"]["gceSetup"]["metadata"]
    assert kept["notebook-disable-root"] == "true"
    assert "hunter2" not in kept["startup-script"]


# What Google says that it left out.


@pytest.mark.parametrize(
    ("kind", "more"),
    [
        ("gcp.cloudfunctions.function", {"unreachable": ["projects/p/locations/us-east1"]}),
        ("gcp.container.cluster", {"missingZones": ["us-east1"]}),
        ("gcp.bigtableadmin.instance", {"failedLocations": ["projects/p/locations/us-east1-b"]}),
        (
            "gcp.sqladmin.instance",
            {"warnings": [{"code": "REGION_UNREACHABLE", "message": "No.", "region": "us-east1"}]},
        ),
        ("gcp.storage.bucket", {"unreachable": ["projects/_/buckets/us-east1-ledger"]}),
    ],
)
def test_a_list_that_admits_to_lack_something_is_incomplete(
    gcp: Gcp, kind: str, more: dict[str, Any]
) -> None:
    before, _ = read(gcp.collector(), kind)
    gcp.google.estate.put_list(
        kind, estate.PROJECT, *(document.content["item"] for document in before), **more
    )
    documents, report = read(gcp.collector(), kind)
    assert [document.id for document in documents] == [document.id for document in before], "the rest is kept"
    assert not report.complete
    assert codes(report) == ["LeftOut"]
    assert "us-east1" in report.gaps[0].message


def test_a_zone_that_could_not_be_reached_makes_the_list_incomplete(gcp: Gcp) -> None:
    gone = "zones/us-east1-b"
    elements = [{"name": "far", "selfLink": "https://www.googleapis.com/compute/v1/projects/p/instances/far"}]
    gcp.google.estate.put(
        "compute", _INSTANCES, Aggregated("instances", {"zones/us-west1-a": elements}, unreachable=(gone,))
    )
    documents, report = read(gcp.collector(), "gcp.compute.instance")
    assert [document.name for document in documents] == ["far"]
    assert not report.complete
    assert codes(report) == ["LeftOut"]
    assert gone in report.gaps[0].message


# What may not be read.


@pytest.mark.parametrize("kind", ["gcp.compute.instance", "gcp.pubsub.topic"])
def test_a_service_that_is_not_enabled_is_a_gap_and_not_an_empty_list(gcp: Gcp, kind: str) -> None:
    documents, report = read(gcp.collector(projects=[estate.BARE]), kind, estate.BARE)
    assert documents == []
    assert not report.complete
    assert codes(report) == ["SERVICE_DISABLED"]
    assert f"project {estate.BARE_NUMBER}" in report.gaps[0].message


def test_a_permission_that_is_missing_is_a_gap(gcp: Gcp) -> None:
    gcp.google.withheld.add("pubsub.topics.list")
    documents, report = read(gcp.collector(), "gcp.pubsub.topic")
    assert documents == []
    assert not report.complete
    assert codes(report) == ["IAM_PERMISSION_DENIED"]
    assert "pubsub.topics.list" in report.gaps[0].message


def test_a_policy_that_may_not_be_read_is_a_gap_and_the_resource_is_kept(gcp: Gcp) -> None:
    gcp.google.withheld.add("storage.buckets.getIamPolicy")
    documents, report = read(gcp.collector(), "gcp.storage.bucket")
    assert len(documents) == estate.BUCKETS
    assert report.complete
    assert set(codes(report)) == {"forbidden"}
    assert all("iam" not in document.content for document in documents)


def test_what_google_says_there_is_none_of_is_null(gcp: Gcp) -> None:
    (settings,), report = read(gcp.collector(), "gcp.accessapproval.settings")
    assert settings.content["settings"] is None
    assert report.gaps == []


# Trouble on the way.


def test_tokens_that_expire_in_the_middle_are_renewed(gcp: Gcp) -> None:
    collector = gcp.collector(Tools(redaction_key=KEY, concurrency=1))
    found = scopes(collector)
    gcp.google.tokens.lives = 4
    gcp.google.tokens.expire()
    before = len(gcp.google.tokens.issued)
    (target,) = collector.targets(found[estate.PROJECT], ["gcp.storage.bucket"])
    with collector.collect(found[estate.PROJECT], target) as collection:
        documents = list(collection)
    assert collection.report.complete
    assert collection.report.gaps == []
    assert len(documents) == estate.BUCKETS
    assert len(gcp.google.tokens.issued) - before >= 2


def test_throttling_is_waited_for_as_google_asks(gcp: Gcp) -> None:
    gcp.google.rules.append(Rule(google.later_page("/storage/v1/b"), google.throttle(1), times=1))
    began = time.monotonic()
    documents, report = read(gcp.collector(), "gcp.storage.bucket")
    assert time.monotonic() - began >= 1
    assert report.complete
    assert len(documents) == estate.BUCKETS


@pytest.mark.parametrize("reason", ["rateLimitExceeded", "userRateLimitExceeded"])
def test_throttling_that_looks_like_a_denial_is_tried_again(gcp: Gcp, reason: str) -> None:
    refused = google.refuse(403, "Rate Limit Exceeded", older=reason)
    gcp.google.rules.append(Rule(at("/storage/v1/b"), refused, times=1))
    documents, report = read(gcp.collector(), "gcp.storage.bucket")
    assert report.complete
    assert report.gaps == []
    assert len(documents) == estate.BUCKETS


def test_a_denial_is_not_tried_again(gcp: Gcp) -> None:
    gcp.google.rules.append(Rule(at("/storage/v1/b"), google.refuse(403, "No."), times=1))
    _, report = read(gcp.collector(retries=5), "gcp.storage.bucket")
    assert codes(report) == ["forbidden"]


def test_a_list_that_breaks_off_keeps_what_was_read(gcp: Gcp) -> None:
    gcp.google.rules.append(Rule(google.later_page("/storage/v1/b"), break_off, after=1))
    documents, report = read(gcp.collector(), "gcp.storage.bucket")
    assert not report.complete
    assert len(documents) == 4
    assert codes(report) == ["MalformedAnswer"]


@pytest.mark.parametrize(
    "body", [b'{"error": {"code": 500}}', b'{"items": "a"}', b'{"items": 1}', b"[", b"null", b"no"]
)
def test_an_answer_that_is_none_is_not_an_empty_list(gcp: Gcp, body: bytes) -> None:
    gcp.google.rules.append(Rule(at("/storage/v1/b"), send(200, body)))
    documents, report = read(gcp.collector(), "gcp.storage.bucket")
    assert documents == []
    assert not report.complete
    assert codes(report) == ["MalformedAnswer"]


def test_a_redirect_gets_no_token(gcp: Gcp) -> None:
    with Loopback(lambda asked: None) as elsewhere:
        away = Answer(302, (("Location", f"{elsewhere.url}/storage/v1/b"),), b"")
        gcp.google.rules.append(Rule(at("/storage/v1/b"), lambda asked, right: away))
        _, report = read(gcp.collector(), "gcp.storage.bucket")
        assert elsewhere.asked == []
    assert codes(report) == ["Redirected"]
    assert not report.complete


def test_a_page_that_comes_twice_ends_the_list(gcp: Gcp) -> None:
    again = b'{"items": [], "nextPageToken": "again"}'
    gcp.google.rules.append(Rule(at("/storage/v1/b"), send(200, again)))
    _, report = read(gcp.collector(), "gcp.storage.bucket")
    assert not report.complete
    assert codes(report) == ["RepeatedToken"]


# Doctor.


def test_doctor_says_what_is_in_order(gcp: Gcp) -> None:
    lines = {line.name: line for line in gcp.collector().diagnose()}
    assert all(line.ok for line in lines.values())
    assert estate.READER in lines["credentials"].message
    assert estate.PROJECT in lines["projects"].message
    assert "permissions are there" in lines["permissions Payroll"].message
    assert "are enabled" in lines["apis Payroll"].message


def test_doctor_names_what_is_denied(gcp: Gcp) -> None:
    gcp.google.withheld.add("storage.buckets.getIamPolicy")
    (line,) = [line for line in gcp.collector().diagnose() if line.name == "permissions Payroll"]
    assert not line.ok
    assert "storage.buckets.getIamPolicy" in line.message
    assert "annexa permissions gcp" in line.hint


def test_doctor_names_services_that_are_not_enabled(gcp: Gcp) -> None:
    lines = gcp.collector(projects=[estate.BARE]).diagnose()
    (line,) = [line for line in lines if line.name == "apis Front"]
    assert "not enabled" in line.message
    assert "gcloud services enable" in line.hint
    assert f"--project={estate.BARE}" in line.hint


# What is not installed.


def test_a_library_that_is_missing_ends_it_with_a_hint(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is imported when projects are looked for, not when the collector is made."""
    for name in ("google.cloud.resourcemanager_v3", "collectors.gcp.discovery"):
        monkeypatch.setitem(sys.modules, name, None)
    collector = GcpCollector({}, Tools(redaction_key=KEY))
    with pytest.raises(CollectorError) as caught:
        collector.discover()
    assert "pip install 'annexa[gcp]'" in caught.value.hint
    (line,) = collector.diagnose()
    assert (line.name, line.ok, line.hint) == ("installation", False, caught.value.hint)
