"""One run over many scopes, whose time and memory :mod:`benchmarks.scopes` measures.

python -m benchmarks.scopes_run gcp-inventory|gcp-lists|azure SCOPES URL FOLDER
"""

import sys
import threading
from pathlib import Path
from typing import Any

from benchmarks.distant import EACH, ORGANIZATION, project, subscription
from collectors.azure.collector import AzureCollector
from collectors.contract import Collector, Discovery, Tools
from collectors.gcp.collector import GcpCollector
from scheduler.plan import Selection, plan
from scheduler.readers import read
from scheduler.runner import Runner
from store.model import Scope
from store.record import Record

WORKERS = 8
_TYPES = {
    "azure": (
        "azure.compute.disk",
        "azure.network.security-group",
        "azure.network.virtual-network",
        "azure.storage.account",
    ),
    "gcp": ("gcp.bench.*",),
}
_LIST = """
[[resource]]
type = "gcp.bench.{name}"
title = "{name}"
region = "global"
id = "//{host}/{{item.name}}"
name = "{{item.name}}"
inventory = "{inventory}"
[resource.list]
call = "{call}"
with = {{ {parent} }}
items = "{items}"
"""
_POLICY = """
[resource.detail.iam]
call = "storage:GET /storage/v1/b/{bucket}/iam"
with = { bucket = "{item.name}" }
inventory = "IAM_POLICY"
"""


class _SignedIn:
    """Stands for credentials: nobody asks for them here."""

    def authorization(self, refused: str = "") -> str:
        del refused
        return "Bearer x"

    def headers(self) -> dict[str, str]:
        return {}


class _Gcp(GcpCollector):
    _tokens: Any = _SignedIn()
    scopes: tuple[Scope, ...] = ()

    def discover(self) -> Discovery:
        return Discovery(self.scopes)

    def elsewhere(self) -> bool:
        return False  # the published limits hold here as well


class _Azure(AzureCollector):
    _tokens: Any = _SignedIn()
    scopes: tuple[Scope, ...] = ()

    def discover(self) -> Discovery:
        return Discovery(self.scopes)

    def elsewhere(self) -> bool:
        return False


def _google_definitions() -> str:
    pubsub = 'project = "projects/{account}"'
    rows = (
        ("bucket", "storage", "Bucket", "storage:GET /storage/v1/b", 'project = "{account}"', "items"),
        ("topic", "pubsub", "Topic", "pubsub:GET /v1/{+project}/topics", pubsub, "topics"),
        (
            "subscription",
            "pubsub",
            "Subscription",
            "pubsub:GET /v1/{+project}/subscriptions",
            pubsub,
            "subscriptions",
        ),
        ("account", "iam", "ServiceAccount", "iam:GET /v1/{+project}/serviceAccounts", pubsub, "accounts"),
    )
    written = []
    for name, service, kind, call, parent, items in rows:
        host = f"{service}.googleapis.com"
        text = _LIST.format(
            name=name, host=host, inventory=f"{host}/{kind}", call=call, parent=parent, items=items
        )
        written.append(text + (_POLICY if name == "bucket" else ""))
    return "".join(written)


def main(mode: str, count: int, url: str, folder: Path, keep: bool) -> None:
    """Collect, and make sure that everything came."""
    provider = mode.partition("-")[0]
    definitions = folder / "definitions"
    definitions.mkdir()
    (definitions / "bench.toml").write_text(_google_definitions(), encoding="utf-8")
    tools = Tools(redaction_key=b"bench", definition_folders=(definitions,))
    settings: dict[str, Any] = {"endpoint_url": url}
    collector: _Gcp | _Azure
    if provider == "gcp":
        inventory = "auto" if mode == "gcp-inventory" else "off"
        collector = _Gcp({**settings, "inventory": inventory}, tools)
        collector.scopes = tuple(_project(number) for number in range(count))
    else:
        collector = _Azure(settings, tools)
        collector.scopes = tuple(_subscription(number) for number in range(count))
    selection = {provider: Selection(only=_TYPES[provider])}
    complete, resources = (_kept if keep else _read)(collector, selection, folder)
    if not complete or resources != count * EACH * 4:
        raise SystemExit(f"complete: {complete}; {resources} resources")


def _read(collector: Collector, selection: dict[str, Selection], folder: Path) -> tuple[bool, int]:
    del folder
    jobs = plan([collector], {collector.provider: collector.discover()}, selection)
    complete, resources = True, 0
    for batch in read(jobs, WORKERS, threading.Event()):
        complete = complete and (batch.report is None or batch.report.complete)
        resources += len(batch.documents)
    return complete, resources


def _kept(collector: Collector, selection: dict[str, Selection], folder: Path) -> tuple[bool, int]:
    with Record.writer(folder / "store") as record:
        result = Runner(record, [collector], [], selection, workers=WORKERS).run("bench")
    return result.status == "complete", result.resources


def _project(number: int) -> Scope:
    attributes = {"kind": "project", "project_number": str(number), "organization": ORGANIZATION}
    return Scope("gcp", project(number), project(number), (), attributes)


def _subscription(number: int) -> Scope:
    return Scope("azure", subscription(number), subscription(number))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3], Path(sys.argv[4]), sys.argv[5:] == ["keep"])
