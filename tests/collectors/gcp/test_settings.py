"""The ``[gcp]`` section: what is refused, and why."""

from typing import Any

import pytest
from pydantic import ValidationError

from collectors.gcp.settings import GcpSettings


@pytest.mark.parametrize(
    ("section", "words"),
    [
        ({"organizations": ["organizations/1001"]}, "digits only"),
        ({"folders": ["shops"]}, "digits only"),
        ({"projects": ["3001"]}, "no project id"),
        ({"projects": ["My Project"]}, "no project id"),
        ({"exclude": ["projects/shop-one"]}, "no pattern"),
        ({"quota_project": "Shop"}, "no project id"),
        ({"credential": "service_account"}, "needs credentials_file"),
        ({"credential": "federated"}, "needs credentials_file"),
        ({"credential": "impersonated"}, "needs impersonate"),
        ({"credential": "impersonated", "impersonate": "reader"}, "impersonate"),
        ({"credential": "metadata"}, "credential"),
        ({"credentials_file": "key.json"}, "no use for credentials_file: choose service_account"),
        ({"impersonate": "a@b.iam.gserviceaccount.com"}, "no use for impersonate: choose impersonated"),
        ({"endpoint_url": "http://google.example"}, "endpoint_url"),
        ({"endpoint_url": "https://google.example/path"}, "endpoint_url"),
        ({"universe_domain": "https://googleapis.com"}, "universe_domain"),
        ({"inventory": "on"}, "inventory"),
        ({"private_key": "in the clear"}, "private_key"),
    ],
)
def test_a_section_that_is_wrong_is_refused(section: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        GcpSettings.model_validate(section)


def test_an_empty_section_means_everything_that_can_be_seen() -> None:
    settings = GcpSettings.model_validate({})
    assert not settings.narrowed
    assert settings.credential == "default"
    assert settings.inventory == "auto"


def test_a_project_may_belong_to_a_domain() -> None:
    assert GcpSettings.model_validate({"projects": ["example.com:payroll"]}).narrowed


def test_projects_may_be_excluded_by_pattern() -> None:
    settings = GcpSettings.model_validate({"exclude": ["sys-*", "payroll-old"]})
    excluded = [settings.excludes(each) for each in ("sys-123", "payroll-old", "payroll", "my-sys-1")]
    assert excluded == [True, True, False, False]


def test_what_is_named_twice_counts_once() -> None:
    settings = GcpSettings.model_validate({"projects": ["shop-one", "shop-one"], "folders": ["1", "1"]})
    assert (settings.projects, settings.folders) == (("shop-one",), ("1",))


@pytest.mark.parametrize(
    ("section", "address"),
    [
        ({}, "https://compute.googleapis.com"),
        ({"universe_domain": "apis.example.fr"}, "https://compute.apis.example.fr"),
        ({"endpoint_url": "http://localhost:8080/"}, "http://localhost:8080/compute"),
    ],
)
def test_each_service_is_asked_where_it_is(section: dict[str, Any], address: str) -> None:
    assert GcpSettings.model_validate(section).base_url("compute") == address
