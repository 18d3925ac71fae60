"""A cloud that answers after a while: any number of scopes with the same resources, in a process of its own.

    python -m benchmarks.distant SCOPES LATENCY_S

It prints its URL. What it answers has the form of Google's and Azure's interfaces; nothing is kept, all of it
follows from numbers.
"""

import asyncio
import json
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple
from urllib.parse import parse_qs, unquote, urlsplit

from annexa.demo import resource_graph

EACH = 5
"""Resources of each type in each scope."""
ORGANIZATION = "1"
READ_TIME = "2026-01-01T00:00:00Z"
POLICY = {"version": 1, "bindings": [{"role": "roles/owner", "members": ["user:admin@example.com"]}]}

_FILLING = {f"setting{number}": f"a value of some length, number {number}" for number in range(15)}
_GOOGLE_LISTS = {
    r"/storage/storage/v1/b": "items",
    r"/pubsub/v1/projects/[^/]+/topics": "topics",
    r"/pubsub/v1/projects/[^/]+/subscriptions": "subscriptions",
    r"/iam/v1/projects/[^/]+/serviceAccounts": "accounts",
}


def project(number: int) -> str:
    return f"project-{number}"


def subscription(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012}"


def item(scope: str, kind: str, number: int) -> dict[str, Any]:
    """A resource of Google."""
    return {"name": f"{scope}-{kind}-{number}".lower(), "location": "EU", **_FILLING}


class Reply(NamedTuple):
    """An answer: its JSON, and headers beside the usual ones."""

    content: bytes
    headers: tuple[tuple[str, str], ...] = ()


class Distant:
    """Answers requests."""

    def __init__(self, scopes: int) -> None:
        self._scopes = scopes

    def reply(self, target: str, body: bytes) -> Reply:
        return Reply(json.dumps(self._answer(target, body)).encode())

    def _answer(self, target: str, body: bytes) -> Any:
        parts = urlsplit(target)
        path, query = unquote(parts.path), parse_qs(parts.query)
        if path.startswith("/cloudasset/"):
            return self._assets(query)
        if path.lower() == resource_graph.PATH:
            return self._counts(json.loads(body))
        if path.startswith("/subscriptions/"):
            return _azure(path)
        if path.endswith("/iam"):
            return POLICY
        for pattern, key in _GOOGLE_LISTS.items():
            if re.fullmatch(pattern, path):
                scope = query["project"][0] if "project" in query else path.split("/")[4]
                return {key: [item(scope, key, number) for number in range(EACH)]}
        raise ValueError(path)

    def _assets(self, query: dict[str, list[str]]) -> dict[str, Any]:
        size, start = int(query["pageSize"][0]), int(query.get("pageToken", ["0"])[0])
        each = [
            (kind, number)
            for kind in query["assetTypes"]
            if not kind.endswith("/Organization")
            for number in range(1 if kind.endswith("/Project") else EACH)
        ]
        total = self._scopes * len(each)
        places = (divmod(at, len(each)) for at in range(start, min(start + size, total)))
        found = [_asset(scope, *each[place], query["contentType"][0]) for scope, place in places]
        more = {"nextPageToken": str(start + size)} if start + size < total else {}
        return {"readTime": READ_TIME, "assets": found, **more}

    def _counts(self, asked: dict[str, Any]) -> dict[str, Any]:
        kinds = re.findall(r"'([^']+)'", asked["query"])
        rows = [
            {"type": kind, "subscriptionId": each, "counted": EACH}
            for each in asked["subscriptions"]
            for kind in kinds
        ]
        return resource_graph.page(rows, asked["options"])


def _asset(scope: int, kind: str, number: int, content: str) -> dict[str, Any]:
    held = item(project(scope), kind.rpartition("/")[2], number)
    return {
        "name": f"//{kind.partition('/')[0]}/{held['name']}",
        "assetType": kind,
        "ancestors": [f"projects/{scope}", f"organizations/{ORGANIZATION}"],
        **({"resource": {"data": held}} if content == "RESOURCE" else {"iamPolicy": POLICY}),
    }


def _azure(path: str) -> dict[str, Any]:
    if path.endswith("/default"):
        return {"id": path, "name": "default", "type": path.split("/")[-2], "properties": _FILLING}
    return {"value": list(_resources(path))}


def _resources(path: str) -> Iterator[dict[str, Any]]:
    _, _, scope, _, namespace, kind = path.split("/")
    for number in range(EACH):
        yield {
            "id": f"/subscriptions/{scope}/resourceGroups/one/providers/{namespace}/{kind}/x{number}",
            "name": f"x{number}",
            "type": f"{namespace}/{kind}",
            "location": "westeurope",
            "properties": _FILLING,
        }


async def serve(answer: Callable[[str, bytes], Reply], latency: float) -> None:
    """Print an address, and answer there.

    Args:
        answer: gives what a target (path and query) and a body ask for.
        latency: seconds from a request to its answer, in which the answer is made.
    """

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                due = time.monotonic() + latency
                length = re.search(rb"(?i)content-length: (\d+)", head)
                body = await reader.readexactly(int(length[1])) if length else b""
                reply = answer(head.split(b" ", 2)[1].decode(), body)
                await asyncio.sleep(due - time.monotonic())
                headers = "".join(f"\r\n{name}: {value}" for name, value in reply.headers)
                start = f"HTTP/1.1 200 OK\r\nContent-Type: application/json{headers}"
                size = f"\r\nContent-Length: {len(reply.content)}\r\n\r\n"
                writer.write((start + size).encode() + reply.content)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    sys.stdout.write(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


@contextmanager
def running(module: str, *arguments: str) -> Iterator[str]:
    """Run a server of this form in a process of its own, and give its address."""
    command = [sys.executable, "-m", module, *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            yield server.stdout.readline().strip()
        finally:
            server.terminate()


if __name__ == "__main__":
    asyncio.run(serve(Distant(int(sys.argv[1])).reply, float(sys.argv[2])))
