"""Whichever call of a definition is denied: it is a gap, and never "there is none"."""

from collections.abc import Iterator

import pytest

from annexa.demo.google.routes import method_at
from annexa.demo.loopback import Asked
from annexa.plugin import ResourceType, Scope, Tools
from collectors.definition import Call, Detail
from collectors.gcp.collector import GcpCollector
from collectors.gcp.methods import method_of, methods_of
from collectors.rest import collector as rest
from tests.collectors.gcp import estate, google
from tests.collectors.gcp.conftest import Gcp
from tests.collectors.rest.rules import Matcher, Rule

pytestmark = pytest.mark.slow

TYPES = GcpCollector({}, Tools(redaction_key=b"key")).resource_types()


@pytest.fixture(scope="module")
def scopes(gcp: Gcp) -> dict[str, Scope]:
    """Kind → a scope of that kind."""
    found = gcp.collector(organizations=[estate.ORGANIZATION], exclude=[estate.BARE]).discover().scopes
    return {scope.attributes["kind"]: scope for scope in found}


@pytest.fixture(autouse=True, scope="module")
def definitions_are_read_once() -> Iterator[None]:
    """Every collector of this module has the same."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rest, "resource_types_of", lambda provider, folders: TYPES)
        yield


def requests_of(definition: ResourceType, call: Call) -> Matcher:
    """The requests that a call makes."""
    told = method_of(definition, call)
    ids = {told.id} if told is not None else {each.id for each in methods_of(call)}

    def matches(asked: Asked) -> bool:
        _, service, path = asked.path.split("/", 2)
        found = method_at(service, asked.method, f"/{path}")
        return service == call.service and found is not None and found.id in ids

    return matches


@pytest.mark.parametrize("kind", TYPES)
def test_a_call_that_is_denied_is_a_gap(gcp: Gcp, scopes: dict[str, Scope], kind: str) -> None:
    definition = TYPES[kind]
    scope = scopes[definition.scope or "project"]
    for call in definition.calls():
        rule = Rule(requests_of(definition, call), google.refuse(403, "The caller does not have permission"))
        gcp.google.rules[:] = [rule]
        collector = gcp.collector()  # one that has asked nothing: it remembers what serves a whole scope
        (target,) = collector.targets(scope, [kind])
        with collector.collect(scope, target) as collection:
            documents = list(collection)
        gcp.google.rules.clear()
        report = collection.report
        assert rule.seen, f"{call.call} is never made"
        assert call.call in {gap.call for gap in report.gaps}, call.call
        if not isinstance(call, Detail):
            assert not report.complete, call.call
            continue
        keys = [key for key, each in definition.detail.items() if each.call == call.call]
        assert any(key not in each.content for each in documents for key in keys) or not documents, call.call
