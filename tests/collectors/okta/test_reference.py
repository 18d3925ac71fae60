"""Okta's published example answers are read and judged, where a folder with them is at hand.

``ANNEXA_REFERENCE`` names a folder with ``okta-examples``: examples of the OpenAPI specification, each with
the path that it answers in ``_meta``. They are no part of the project.
"""

import json
import os
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from annexa.plugin import Document, Gap, Target
from mappings.check import Check, load_checks
from mappings.evaluate import judge
from store.model import Outcome
from tests.collectors.okta import estate
from tests.collectors.okta.conftest import Okta
from tests.collectors.okta.org import ENVELOPES
from tests.collectors.okta.test_definitions import CALLS, TYPES

FOLDER = Path(os.environ.get("ANNEXA_REFERENCE", "")) / "okta-examples"
NOW = datetime(2026, 1, 1, tzinfo=UTC)

# Where an example is one object, though the schema of the same page says that a list is answered.
_CONTRADICTORY = ("listAuthenticatorMethods.TAC", "listAuthenticatorMethods.WebAuthn")

pytestmark = pytest.mark.skipif("ANNEXA_REFERENCE" not in os.environ, reason="no ANNEXA_REFERENCE")


def examples() -> list[str]:
    """The examples of calls that definitions make."""
    if "ANNEXA_REFERENCE" not in os.environ:
        return [""]
    found = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in FOLDER.glob("*.json")}
    return sorted(
        name
        for name, example in found.items()
        if f"okta:GET {example['_meta']['path']}" in CALLS and not name.startswith(_CONTRADICTORY)
    )


@pytest.fixture(scope="module")
def checks() -> dict[str, list[Check]]:
    """Type → the checks that judge its resources one by one."""
    found: dict[str, list[Check]] = {}
    for check in load_checks([Path(__file__).parents[3] / "mappings" / "checks" / "okta"]).values():
        found.setdefault(check.resource, []).append(check)
    return found


def serve(okta: Okta, template: str, body: Any) -> None:
    """Put an example in the place of all answers to a call."""
    pattern = re.compile(re.sub(r"\{\w+\}", "[^/]+", template))
    estate.build(okta.org)
    elements: list[Any] | None = body.get(ENVELOPES.get(template, "")) if isinstance(body, dict) else body
    kind = elements[0].get("type", "") if elements and template == "/api/v1/policies" else ""
    kept: dict[str, Any] = okta.org.lists if elements is not None else okta.org.objects
    for path in list(kept):
        bare, _, narrowed = path.partition("?")
        if pattern.fullmatch(bare) and (not kind or narrowed == kind):
            kept[path] = body if elements is None else elements


def read(okta: Okta, kind: str) -> tuple[list[Document], list[Gap]]:
    collector = okta.collector()
    collection = collector.collect(collector.discover().scopes[0], Target(kind, ""))
    return list(collection), collection.report.gaps


@pytest.mark.parametrize("name", examples())
def test_an_example_is_read_and_no_rule_breaks_on_it(
    okta: Okta, checks: dict[str, list[Check]], name: str
) -> None:
    example = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    template = example["_meta"]["path"]
    serve(okta, template, example["body"])
    call = f"okta:GET {template}"
    seen = 0
    for kind in (each for each, definition in TYPES.items() if call in {c.call for c in definition.calls()}):
        documents, gaps = read(okta, kind)
        seen += len(documents)
        assert [gap for gap in gaps if gap.call == call and gap.code == "MalformedAnswer"] == []
        for document in documents:
            found = judge(checks.get(kind, []), document, "", {"id": estate.ORG_ID}, NOW)
            assert [each for each in found if each.outcome is Outcome.ERROR] == []
    assert seen


def test_there_are_examples_of_most_of_what_is_read() -> None:
    assert len(examples()) > 50
