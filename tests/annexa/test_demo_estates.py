"""What the demo's clouds hold: it is of the form that their providers publish, and all of it is read."""

import json
import re
from collections.abc import Callable, Iterator, Set
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain
from pathlib import Path

import pytest

from annexa.demo.azure import settings as azure_settings
from annexa.demo.azure import tenant
from annexa.demo.cloud import REFUSED, estate
from annexa.demo.entra import directory
from annexa.demo.entra import settings as entra_settings
from annexa.demo.gcp import Organisation
from annexa.demo.gcp import section as gcp_section
from annexa.demo.graph import paths
from annexa.demo.loopback import Answer, Asked, Loopback
from annexa.demo.tls import make_certificate
from annexa.plugin import Tools
from collectors.azure.arm_path import arm_path
from collectors.azure.collector import AzureCollector
from collectors.azure.fields import form_of, forms
from collectors.entra.collector import EntraCollector
from collectors.gcp.collector import GcpCollector
from collectors.rest.forms import ANY
from collectors.rest.published import published
from store.instant import utc_now
from tests.collectors.gcp.gate import Gate, has_documents

_OTHER_FORM = "/config/authsettingsV2"
"""Sign-in settings have the path of a site's configuration, but fields of their own."""

_USER = re.compile(r"/v1[.]0/users/[^/]+")
"""Users have a place each, and only those of administrators are asked for."""

_ID = re.compile(r"/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/")
_GRAPH = "00000003-0000-0000-c000-000000000000"

_TOOLS = Tools(redaction_key=b"key")


@dataclass
class Reading:
    """A cloud that was read as a whole.

    Attributes:
        known: the types that there are.
        found: type → number of resources, where there are any.
        refused: codes of the gaps, each as often as it occurs.
        left: places that nobody asked for.
        problems: what the provider's documents do not allow.
    """

    known: set[str]
    found: dict[str, int]
    refused: list[str]
    left: Set[object]
    problems: list[str]


def _read(
    collector: AzureCollector | EntraCollector | GcpCollector,
) -> tuple[set[str], dict[str, int], list[str]]:
    """Return the types that there are, the number of resources of each, and the codes of the gaps."""
    discovered = collector.discover()
    assert discovered.gaps == ()
    found: dict[str, int] = {}
    codes: list[str] = []
    for scope in discovered.scopes:
        for target in collector.targets(scope, collector.resource_types()):
            collection = collector.collect(scope, target)
            number = len(list(collection))
            if number:
                found[target.resource_type] = found.get(target.resource_type, 0) + number
            codes += [gap.code for gap in collection.report.gaps]
    return {*collector.resource_types()}, found, codes


def _azure(folder: Path, patch: pytest.MonkeyPatch) -> Reading:
    arm, certificate = tenant(), make_certificate(folder)
    with Loopback(arm, certificate.server) as server:
        arm.base = server.url
        section, environment = azure_settings(arm, certificate.file)
        for name, value in environment.items():
            patch.setenv(name, value)
        read = _read(AzureCollector(section, _TOOLS))
        asked = {each.path.lower() for each in server.asked}
    return Reading(*read, {*arm.places} - asked, [*_misfits()])


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


def _entra(folder: Path, patch: pytest.MonkeyPatch) -> Reading:
    graph, certificate = directory(), make_certificate(folder)
    with Loopback(graph, certificate.server) as server:
        graph.base = server.url
        section, environment = entra_settings(graph, certificate.file)
        for name, value in environment.items():
            patch.setenv(name, value)
        read = _read(EntraCollector(section, _TOOLS))
        asked = {path for each in server.asked for path in paths(each)}
    left = {path for path in graph.places if not _USER.fullmatch(path)} - asked
    return Reading(*read, left, [*_entra_misfits()])


def _entra_misfits() -> Iterator[str]:
    known = published(EntraCollector.folder)
    calls = {
        call.operation.partition(" ")[2].format(appId=_GRAPH, id="{id}"): call.call
        for definition in EntraCollector({}, _TOOLS).resource_types().values()
        for call in definition.calls()
    }
    for path, content in estate("entra"):
        if REFUSED in content:
            continue
        call = known.call(calls[_ID.sub("/{id}/", f"/v1.0{path}")])
        assert call is not None, path
        body = {"value": content} if isinstance(content, list) else content
        yield from known.forms.mismatches(path, call.form, body)


class _Noted(Organisation):
    """Notes what was asked, and whether what is answered is as Google publishes it."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = Gate()
        self.asked: set[tuple[str, str]] = set()

    def answer(self, asked: Asked) -> Answer | None:
        service, path, _ = self.estate.parts(asked.target)
        self.asked.add((service, path))
        answer = super().answer(asked)
        if answer is not None:
            self.gate.note(asked, answer)
        return answer


def _gcp(folder: Path, patch: pytest.MonkeyPatch) -> Reading:
    del patch
    organisation = _Noted()
    with Loopback(organisation) as server:
        # The inventory would stand for many of the lists, which are to be seen as well.
        section = {**gcp_section(organisation, server.url, folder), "inventory": "off"}
        read = _read(GcpCollector(section, _TOOLS))
    left = {*organisation.estate.places, *organisation.refused} - organisation.asked
    return Reading(*read, left, organisation.gate.problems())


_READERS: dict[str, Callable[[Path, pytest.MonkeyPatch], Reading]] = {
    "azure": _azure,
    "entra": _entra,
    "gcp": _gcp,
}


@pytest.fixture(scope="module", params=sorted(_READERS))
def cloud(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    if name == "gcp" and not has_documents():
        pytest.skip("google-api-python-client, which brings the discovery documents, is not installed")
    return name


@pytest.fixture(scope="module")
def reading(cloud: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reading]:
    with pytest.MonkeyPatch.context() as patch:
        yield _READERS[cloud](tmp_path_factory.mktemp(cloud), patch)


def test_everything_has_the_fields_that_the_provider_publishes(reading: Reading) -> None:
    assert reading.problems == []


def test_every_place_is_asked_for(reading: Reading) -> None:
    assert reading.left == set()


def test_there_is_something_of_most_types(reading: Reading) -> None:
    assert len(reading.found) >= 0.9 * len(reading.known)
    assert 120 < sum(reading.found.values()) < 600


def test_a_few_things_may_not_be_read_and_nothing_is_missing(cloud: str, reading: Reading) -> None:
    denied = {
        "azure": {"AuthorizationFailed"},
        "entra": {"BadRequest"},
        "gcp": {"IAM_PERMISSION_DENIED", "SERVICE_DISABLED", "forbidden"},
    }
    assert set(reading.refused) == denied[cloud]
    assert len(reading.refused) < 10


def test_no_two_resources_of_azure_have_one_id() -> None:
    lists = [content for _, content in estate("azure") if isinstance(content, list)]
    ids = [each["id"].lower() for each in chain.from_iterable(lists) if "id" in each]
    assert len(ids) == len(set(ids))


def test_what_is_fresh_today_is_fresh_tomorrow() -> None:
    (last,) = [
        datetime.fromisoformat(item["properties"]["lastRecoveryPoint"])
        for path, content in estate("azure")
        if path.endswith("/vaults/rsv-fernhill-prod/backupProtectedItems")
        for item in content
        if item["properties"]["friendlyName"] == "vm-records-01"
    ]
    assert timedelta() < utc_now() - last < timedelta(days=1)


@pytest.mark.parametrize("name", ["azure", "entra", "gcp", "ldap"])
def test_every_time_of_an_estate_is_understood(name: str) -> None:
    assert re.findall(r'"@(?:epoch)?[+-]', json.dumps(dict(estate(name)))) == []
