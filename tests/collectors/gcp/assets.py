"""Cloud Asset Inventory and two lists beside it, as far as their contract is published.

It answers for organisations and projects, in pages, by patterns of asset types, of the moment that is asked
for. Every answer is compared with the discovery document before it goes out.
"""

import json
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from annexa.demo.loopback import Answer, Asked
from collectors.gcp.asset_read import LIST
from collectors.gcp.fields import forms, published

ORGANIZATION = "100"
READ_TIME = "2026-05-04T03:02:01.123456789Z"
BUCKET = "storage.googleapis.com/Bucket"
TOPIC = "pubsub.googleapis.com/Topic"

PROJECT = "cloudresourcemanager.googleapis.com/Project"
ABOVE = "cloudresourcemanager.googleapis.com/Organization"

SUPPORTED = (ABOVE, PROJECT, BUCKET, TOPIC, "pubsub.googleapis.com/TopicSnapshot")

_EMPTY = {"encryption": {}, "cors": [], "lifecycle": {"rule": []}}
"""The inventory writes these where Cloud Storage leaves them out."""

Spoil = Callable[[Asked, Answer], Answer | None]


@dataclass
class Assets:
    """Projects with their resources; the same are in the inventory and in the lists.

    Attributes:
        buckets: project's id → names of its buckets.
        numbers: project's id → its number.
        policies: bucket's name → its policy, where it has one.
        page: the most assets on a page, whatever is asked for.
        folders: project's id → the number of the folder that it is in, where it is in one.
        unknown: projects that the inventory does not have yet.
        spoil: may change an answer of the inventory; None leaves it as it is.
        asked: (method, path) → how often.
    """

    buckets: dict[str, list[str]]
    policies: dict[str, dict[str, Any]] = field(default_factory=dict)
    page: int = 1000
    spoil: Spoil = lambda asked, answer: None
    asked: Counter[str] = field(default_factory=Counter)
    requests: list[dict[str, list[str]]] = field(default_factory=list)
    more: list[dict[str, Any]] = field(default_factory=list)

    unknown: set[str] = field(default_factory=set)
    folders: dict[str, str] = field(default_factory=dict)

    @property
    def numbers(self) -> dict[str, str]:
        return {project: str(7000 + index) for index, project in enumerate(self.buckets)}

    def __call__(self, asked: Asked) -> Answer:
        self.asked[asked.path] += 1
        if asked.path.startswith("/cloudasset/v1/"):
            answer = self._assets(asked)
            return self.spoil(asked, answer) or answer
        if asked.path == "/storage/storage/v1/b":
            names = self.buckets.get(asked.query["project"], [])
            return reply({"kind": "storage#buckets", "items": [bucket(name) for name in names]})
        found = re.fullmatch("/storage/storage/v1/b/([^/]+)/iam", asked.path)
        if found:
            return reply({"kind": "storage#policy", "etag": "CAE=", **self.policies.get(found[1], {})})
        if asked.path.endswith("/topics"):
            return reply({"topics": []})
        return refusal(404, "NOT_FOUND", "Not found.")

    def _assets(self, asked: Asked) -> Answer:
        query = parse_qs(urlsplit(asked.target).query)
        self.requests.append({**query, "parent": [asked.path.removeprefix("/cloudasset/v1/")]})
        unknown = query.keys() - set(method()["query"])
        if unknown:
            return refusal(400, "INVALID_ARGUMENT", f"Unknown name {sorted(unknown)}")
        for pattern in query["assetTypes"]:
            if not any(re.fullmatch(pattern, kind) for kind in SUPPORTED):
                return refusal(400, "INVALID_ARGUMENT", f"No supported asset type matches: {pattern}")
        parent = asked.path.removeprefix("/cloudasset/v1/").removesuffix("/assets")
        kind, _, name = parent.partition("/")
        number = f"{kind}/{self.numbers.get(name, name)}"
        wanted = [asset for asset in self._all(query["contentType"][0]) if number in asset["ancestors"]]
        wanted = [each for each in wanted if any(re.match(p, each["assetType"]) for p in query["assetTypes"])]
        start = int(query.get("pageToken", ["0"])[0])
        end = start + min(self.page, int(query["pageSize"][0]))
        body: dict[str, Any] = {"readTime": query.get("readTime", [READ_TIME])[0]}
        if wanted[start:end]:
            body["assets"] = wanted[start:end]
        if end < len(wanted):
            body["nextPageToken"] = str(end)
        wrong = list(forms().mismatches("answer", method()["form"], body))
        assert wrong == []
        return reply(body)

    def _all(self, content: str) -> list[dict[str, Any]]:
        found = self._owners() if content == "RESOURCE" else []
        for project, names in self.buckets.items():
            for name in names:
                asset = self.asset(project, BUCKET, f"//storage.googleapis.com/{name}")
                if content == "RESOURCE":
                    found.append({**asset, "resource": {"version": "v1", "data": {**bucket(name), **_EMPTY}}})
                elif name in self.policies:
                    found.append({**asset, "iamPolicy": self.policies[name]})
        return found + (self.more if content == "RESOURCE" else [])

    def _owners(self) -> list[dict[str, Any]]:
        host = "//cloudresourcemanager.googleapis.com"
        projects = [
            {**self.asset(project, PROJECT, f"{host}/projects/{number}"), "resource": {"data": {"x": "y"}}}
            for project, number in self.numbers.items()
            if project not in self.unknown
        ]
        return [*projects, self.asset("", ABOVE, f"{host}/organizations/{ORGANIZATION}")]

    def asset(self, project: str, kind: str, name: str) -> dict[str, Any]:
        above = [f"projects/{self.numbers[project]}"] if project else []
        above += [f"folders/{self.folders[project]}"] if project in self.folders else []
        return {"name": name, "assetType": kind, "ancestors": [*above, f"organizations/{ORGANIZATION}"]}


def method() -> dict[str, Any]:
    """The method as Google publishes it."""
    (found,) = published()["methods"][LIST]
    return dict(found)


def bucket(name: str) -> dict[str, Any]:
    return {"kind": "storage#bucket", "id": name, "name": name, "location": "EU", "labels": {"of": name}}


def reply(body: Any, status: int = 200) -> Answer:
    return Answer(status, (("Content-Type", "application/json"),), json.dumps(body).encode())


def refusal(status: int, code: str, message: str, reason: str = "") -> Answer:
    """An error as Google's APIs write it: https://google.aip.dev/193."""
    info = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason, "domain": "googleapis.com"}
    details = {"details": [info]} if reason else {}
    return reply({"error": {"code": status, "status": code, "message": message, **details}}, status)
