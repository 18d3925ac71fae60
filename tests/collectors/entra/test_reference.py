"""What is taken for published of Graph's answers, against Microsoft's examples where they are at hand.

``ANNEXA_REFERENCE`` names a folder with ``graph-examples/INDEX.json``, whose entries name the file with an
answer and the request that it answers.
"""

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from collectors.entra.answers import AnswerCheck
from collectors.entra.collector import EntraCollector
from collectors.rest.operation import Ask
from collectors.rest.published import published
from tests.collectors.entra.test_definitions import _TYPES

_EXAMPLES = Path(os.environ.get("ANNEXA_REFERENCE", "/nowhere")) / "graph-examples"
_OF_OLD = {"Manufacturer", "Model", "resourceScope"}
"""Fields that examples have and the metadata of the same version does not."""

_MISWRITTEN = {"users/user-list.2.json"}
"""Has one user in the place of a list."""

needs_examples = pytest.mark.skipif(
    not (_EXAMPLES / "INDEX.json").is_file(), reason="ANNEXA_REFERENCE names no folder with graph-examples"
)


def examples() -> Iterator[tuple[str, Any]]:
    """Yield the call and the body of every example whose call the definitions make."""
    made = {call.operation: call.call for each in _TYPES.values() for call in each.calls()}
    for entry in json.loads((_EXAMPLES / "INDEX.json").read_text(encoding="utf-8")):
        request = (entry["request"] or "").splitlines()
        if not entry["parsed"] or not request or entry["file"] in _MISWRITTEN:
            continue
        method, _, address = request[0].partition(" ")
        path = re.sub(
            r"(?<=/)(?:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|\{[^}]*\})", "{id}", _path(address)
        )
        if f"{method} {path}" in made:
            body = _body(_EXAMPLES / entry["file"])
            if isinstance(body, dict):  # a count is a number
                yield made[f"{method} {path}"], body


def _path(address: str) -> str:
    return urlsplit(address).path


def _body(file: Path) -> Any:
    return json.loads(file.read_text(encoding="utf-8"))["body"]


@needs_examples
def test_microsoft_s_examples_have_the_published_fields() -> None:
    known, seen = published(EntraCollector.folder), set()
    check = AnswerCheck(_TYPES.values())
    for call, body in examples():
        found = known.call(call)
        assert found is not None, call
        seen.add(call)
        if "value" in body:  # of single objects the examples leave out much
            check(Ask("GET", call.partition(" ")[2], ()), body)
        wrong = [
            each
            for each in known.forms.mismatches("answer", found.form, _without_annotations(body))
            if not any(f"no field {field!r}" in each for field in _OF_OLD)
        ]
        assert wrong == [], call
    assert len(seen) >= 12


def _without_annotations(value: Any) -> Any:
    if isinstance(value, list):
        return [_without_annotations(each) for each in value]
    if isinstance(value, dict):
        kept = {
            key: each for key, each in value.items() if "@odata." not in key or key.startswith("@odata.t")
        }
        return {key: _without_annotations(each) for key, each in kept.items()}
    return value
