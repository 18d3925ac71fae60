"""The collector and Cloud Asset Inventory: what the settings and the plan of a run have to do with it."""

from pathlib import Path
from typing import Any

import pytest

from annexa.plugin import Document, Report, Tools
from collectors.gcp.collector import GcpCollector
from tests.collectors.gcp.assets import ABOVE, BUCKET, ORGANIZATION, PROJECT, TOPIC, Assets
from tests.collectors.gcp.conftest import Google
from tests.collectors.rest.rules import Rule

DEFINITIONS = f"""
[[resource]]
type = "gcp.test.bucket"
title = "Bucket"
region = "global"
id = "//storage.googleapis.com/{{item.name}}"
name = "{{item.name}}"
inventory = "{BUCKET}"
[resource.list]
call = "storage:GET /storage/v1/b"
with = {{ project = "{{account}}" }}
items = "items"

[[resource]]
type = "gcp.test.topic"
title = "Topic"
region = "global"
id = "//pubsub.googleapis.com/{{item.name}}"
name = "{{item.name}}"
inventory = "{TOPIC}"
[resource.list]
call = "pubsub:GET /v1/{{+project}}/topics"
with = {{ project = "projects/{{account}}" }}
items = "topics"
"""


@pytest.fixture
def assets(google: Google) -> Assets:
    kept = Assets({"payroll-1": ["a", "b"], "payroll-2": ["c"]})
    google.hierarchy.organization(ORGANIZATION, "Example")
    for project, number in kept.numbers.items():
        google.hierarchy.project(number, project, project, f"organizations/{ORGANIZATION}")
    asked = ("/cloudasset/", "/storage/", "/pubsub/")
    google.rules.append(
        Rule(lambda request: request.path.startswith(asked), lambda request, right: kept(request))
    )
    return kept


@pytest.fixture
def definitions(tmp_path: Path) -> Path:
    folder = tmp_path / "definitions"
    folder.mkdir()
    (folder / "test.toml").write_text(DEFINITIONS)
    return folder


def collect(
    google: Google, definitions: Path, *types: str, **section: Any
) -> dict[str, tuple[list[Document], Report]]:
    """Run it as the scheduler does: everything is planned before anything is read."""
    settings = google.settings(**section).model_dump()
    collector = GcpCollector(settings, Tools(redaction_key=b"key", definition_folders=(definitions,)))
    found = collector.discover()
    assert found.gaps == ()
    jobs = [(scope, target) for scope in found.scopes for target in collector.targets(scope, types)]
    read = {}
    for scope, target in jobs:
        with collector.collect(scope, target) as collection:
            read[f"{scope.id} {target.resource_type}"] = (list(collection), collection.report)
    return read


def names(read: dict[str, tuple[list[Document], Report]]) -> dict[str, list[str]]:
    assert all(report.complete for _, report in read.values())
    return {key: sorted(each.name for each in documents) for key, (documents, _) in read.items()}


def test_the_organisation_is_read_once_for_the_types_that_are_selected(
    google: Google, assets: Assets, definitions: Path
) -> None:
    read = collect(google, definitions, "gcp.test.bucket")
    assert names(read) == {"payroll-1 gcp.test.bucket": ["a", "b"], "payroll-2 gcp.test.bucket": ["c"]}
    (asked,) = assets.requests
    assert asked["parent"] == [f"organizations/{ORGANIZATION}/assets"]
    assert asked["assetTypes"] == [ABOVE, PROJECT, BUCKET], "topics are not selected"
    assert "/storage/storage/v1/b" not in assets.asked


def test_named_projects_are_read_one_by_one(google: Google, assets: Assets, definitions: Path) -> None:
    read = collect(google, definitions, "gcp.test.bucket", "gcp.test.topic", projects=["payroll-2"])
    assert names(read) == {"payroll-2 gcp.test.bucket": ["c"], "payroll-2 gcp.test.topic": []}
    (asked,) = assets.requests
    assert asked["parent"] == ["projects/payroll-2/assets"]


def test_it_can_be_turned_off(google: Google, assets: Assets, definitions: Path) -> None:
    read = collect(google, definitions, "gcp.test.bucket", inventory="off")
    assert names(read) == {"payroll-1 gcp.test.bucket": ["a", "b"], "payroll-2 gcp.test.bucket": ["c"]}
    assert assets.requests == []
    assert {report.provenance["inventory"]["code"] for _, report in read.values()} == {"TurnedOff"}
