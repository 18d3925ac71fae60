"""Published examples and recorded answers, where a folder or file with them is at hand.

``ANNEXA_REFERENCE`` names a folder with ``azure-examples`` of the Azure REST API specifications:
``INDEX.json`` says of each file which path and API version it answers. ``ANNEXA_RECORDINGS`` names a folder
with ``azure.jsonl``: one recorded exchange a line, with method, uri, status, headers and body. Neither is
part of the project.
"""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

from collectors.azure.arm_path import ArmPath, arm_path

needs_examples = pytest.mark.skipif("ANNEXA_REFERENCE" not in os.environ, reason="no ANNEXA_REFERENCE")
needs_recordings = pytest.mark.skipif("ANNEXA_RECORDINGS" not in os.environ, reason="no ANNEXA_RECORDINGS")

_HOST = "management.azure.com"


@dataclass(frozen=True)
class Example:
    """An answer that the specification gives as an example."""

    file: str
    method: str
    template: str
    path: ArmPath
    version: str
    body: Any


@dataclass(frozen=True)
class Recorded:
    """An answer that Azure gave."""

    uri: str
    path: ArmPath
    status: int
    headers: dict[str, str]
    content: bytes


def same(path: ArmPath) -> tuple[tuple[str, ...], bool]:
    """Return what two paths of one kind have in common."""
    return tuple(part.lower() for part in path.kind), path.lists


def examples() -> Iterator[Example]:
    folder = Path(os.environ["ANNEXA_REFERENCE"]) / "azure-examples"
    for entry in json.loads((folder / "INDEX.json").read_text(encoding="utf-8")):
        template = entry["path"]
        # A scope in front stands for any resource; what follows is what counts.
        if template.startswith("/{"):
            template = "/subscriptions/x/" + template.split("/", 2)[2]
        path = arm_path(template)
        if path is not None:
            content = json.loads((folder / entry["file"]).read_text(encoding="utf-8"))
            body = content.get("responses", {}).get("200", {}).get("body")
            if isinstance(body, list):
                body = {"value": body}  # as the service's `array` has it
            if body is not None:
                yield Example(entry["file"], entry["method"], template, path, entry["apiVersion"], body)


def recordings() -> Iterator[Recorded]:
    recorded = Path(os.environ["ANNEXA_RECORDINGS"]) / "azure.jsonl"
    for line in recorded.read_text(encoding="utf-8").splitlines():
        entry = json.loads(line)
        parts = urlsplit(entry["uri"])
        path = arm_path(unquote(parts.path)) if parts.netloc == _HOST else None
        if entry["method"] == "GET" and path is not None:
            body = entry["body"]
            raw = body["string"] if isinstance(body, dict) and body.keys() == {"string"} else json.dumps(body)
            headers = {name.lower(): values[0] for name, values in entry["headers"].items()}
            yield Recorded(entry["uri"], path, entry["status"], headers, raw.encode())
