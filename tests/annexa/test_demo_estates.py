"""What the demo's clouds hold: it is of the form that their providers publish, and all of it is read."""

from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import pytest

from annexa.demo.azure import CLIENT, MANAGEMENT_GROUP, SECRET, SECRET_VARIABLE, TENANT, tenant
from annexa.demo.cloud import REFUSED, estate
from annexa.demo.loopback import Loopback
from annexa.demo.tls import make_certificate
from annexa.plugin import Tools
from collectors.azure.arm_path import arm_path
from collectors.azure.collector import AzureCollector
from collectors.azure.fields import form_of, forms
from collectors.rest.forms import ANY
from store.model import Gap

_OTHER_FORM = "/config/authsettingsV2"
"""Sign-in settings have the path of a site's configuration, but fields of their own."""


class Azure:
    """The tenant, read as a whole.

    Attributes:
        asked: paths, in lower case.
    """

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        certificate = make_certificate(folder)
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate.file))
        monkeypatch.setenv(SECRET_VARIABLE, SECRET)
        self.arm = tenant()
        with Loopback(self.arm, certificate.server) as server:
            self.arm.base = server.url
            section = {
                "tenant_id": TENANT,
                "management_groups": [MANAGEMENT_GROUP],
                "credential": "client_secret",
                "client_id": CLIENT,
                "client_secret_env": SECRET_VARIABLE,
                "authority": server.url,
                "endpoint_url": server.url,
            }
            read = list(_read(AzureCollector(section, Tools(redaction_key=b"key"))))
            self.asked = {each.path.lower() for each in server.asked}
        self.types = {kind for kind, _, _ in read}
        self.resources = sum(found for _, found, _ in read)
        self.gaps = list(chain.from_iterable(gaps for _, _, gaps in read))


def _read(collector: AzureCollector) -> Iterator[tuple[str, int, tuple[Gap, ...]]]:
    """Yield type, number of resources and gaps of everything that there is."""
    found = collector.discover()
    assert found.gaps == ()
    for scope in found.scopes:
        for target in collector.targets(scope, collector.resource_types()):
            collection = collector.collect(scope, target)
            resources = list(collection)
            gaps = (*collection.report.gaps, *chain.from_iterable(each.gaps.values() for each in resources))
            if resources:
                yield target.resource_type, len(resources), gaps
            elif gaps:
                yield "", 0, gaps


@pytest.fixture(scope="module")
def azure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Azure]:
    with pytest.MonkeyPatch.context() as monkeypatch:
        yield Azure(tmp_path_factory.mktemp("azure"), monkeypatch)


def _misfits() -> Iterator[str]:
    for path, content in estate("azure"):
        if REFUSED in content:
            continue
        form = arm_path(path)
        assert form is not None, path
        assert isinstance(content, list) == form.lists, path
        kind = ANY if path.endswith(_OTHER_FORM) else form_of(form.kind)
        for element in content if form.lists else [content]:
            yield from forms().mismatches(path, kind, element)


def test_everything_in_azure_has_the_published_fields() -> None:
    assert list(_misfits()) == []


def test_every_place_in_azure_is_asked_for(azure: Azure) -> None:
    assert set(azure.arm.places) - azure.asked == set()


def test_azure_has_something_of_nearly_every_type(azure: Azure) -> None:
    known = {*AzureCollector({}, Tools(redaction_key=b"key")).resource_types()}
    assert len(known - azure.types) <= 3
    assert azure.resources > 150


def test_azure_refuses_what_it_was_told_to_refuse_and_nothing_else(azure: Azure) -> None:
    refused = [path for path, content in estate("azure") if REFUSED in content]
    assert {gap.code for gap in azure.gaps} == {"AuthorizationFailed"}
    assert len(azure.gaps) >= len(refused) > 1


@pytest.mark.parametrize("cloud", ["azure"])
def test_no_id_is_there_twice(cloud: str) -> None:
    lists = [content for _, content in estate(cloud) if isinstance(content, list)]
    ids = [_identity(each) for each in chain.from_iterable(lists)]
    assert len(ids) == len(set(ids))


def _identity(element: dict[str, Any]) -> str:
    return str(element["id"]).lower()
