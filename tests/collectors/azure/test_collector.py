"""The Azure collector against a tenant: what it finds, what it reads, and what it says of the rest."""

from annexa.plugin import Document, Report, Tools
from collectors.azure.collector import AzureCollector
from tests.collectors.azure import estate
from tests.collectors.azure.conftest import KEY, Azure


def read(collector: AzureCollector, kind: str) -> tuple[list[Document], Report]:
    (scope,) = collector.discover().scopes
    (target,) = collector.targets(scope, [kind])
    with collector.collect(scope, target) as collection:
        documents = list(collection)
    return documents, collection.report


def test_every_type_is_read_without_a_gap(azure: Azure) -> None:
    collector = azure.collector()
    (scope,) = collector.discover().scopes
    gaps = []
    for target in collector.targets(scope, collector.resource_types()):
        with collector.collect(scope, target) as collection:
            list(collection)
        gaps += collection.report.gaps
        assert collection.report.complete, target
    assert gaps == []
