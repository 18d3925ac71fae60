"""A real SCIM server (PyPI scim2-server) in a process of its own, and a proxy that breaks it on request."""

import socket
import subprocess
import sys
import time
from types import TracebackType
from typing import Any

import httpx

from annexa.demo.loopback import Answer, Asked, Loopback
from tests.collectors.rest.rules import Rules

TOKEN = "a-token-that-may-read"
USERS = 7

_USER = "urn:ietf:params:scim:schemas:core:2.0:User"
_ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
_GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"


class ScimServer:
    """The server with its accounts, for as long as the ``with`` block lasts.

    Attributes:
        users: the identifiers of the accounts, in the order in which they were made.
        groups: name → identifier.
    """

    def __init__(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as found:
            port = found.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}/v2"
        self._port = port
        self.users: list[str] = []
        self.groups: dict[str, str] = {}

    def __enter__(self) -> "ScimServer":
        program = "import sys; from scim2_server.testserver.cli import main; sys.exit(main())"
        arguments = ["--port", str(self._port), "--bearer-token", TOKEN]
        self._process = subprocess.Popen(
            [sys.executable, "-c", program, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        self.client = httpx.Client(headers={"Authorization": f"Bearer {TOKEN}"}, timeout=20)
        try:
            self._wait()
            self._seed()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.client.close()
        self._process.terminate()
        self._process.wait(timeout=20)

    def make(self, path: str, body: dict[str, Any]) -> str:
        """Make a resource, and return its identifier."""
        made = self.client.post(f"{self.url}/{path}", json=body)
        made.raise_for_status()
        found: str = made.json()["id"]
        return found

    def user(self, user_name: str, **more: Any) -> str:
        """Make an account."""
        return self.make("Users", {"schemas": [_USER], "userName": user_name, "active": True, **more})

    def delete(self, path: str) -> None:
        """Delete a resource."""
        self.client.delete(f"{self.url}/{path}").raise_for_status()

    def _seed(self) -> None:
        for number in range(USERS):
            more: dict[str, Any] = {"name": {"familyName": f"Family {number}"}}
            if number:  # the first one has no e-mail
                more["emails"] = [{"value": f"u{number}@example.org"}]
            if number == 1:
                more |= {"schemas": [_USER, _ENTERPRISE], _ENTERPRISE: {"department": "Sales"}}
            if number == 2:
                more["active"] = False
            self.users.append(self.user(f"u{number}@example.org", **more))
        for name, members in {"admins": self.users[:2], "staff": self.users[2:4], "empty": []}.items():
            listed = [{"value": each} for each in members]
            body = {"schemas": [_GROUP], "displayName": name, "members": listed}
            self.groups[name] = self.make("Groups", body)

    def _wait(self) -> None:
        end = time.monotonic() + 20
        while True:
            try:
                self.client.get(f"{self.url}/ServiceProviderConfig").raise_for_status()
            except httpx.HTTPError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.05)
            else:
                return


class Proxy:
    """Hands requests on to the server, unless a rule says otherwise."""

    def __init__(self, server: ScimServer) -> None:
        self.rules = Rules()
        self._base = server.url.removesuffix("/v2")
        self._client = httpx.Client(timeout=20)
        self.loopback = Loopback(lambda asked: self.rules.answer(asked, lambda: self._forward(asked)))

    @property
    def url(self) -> str:
        return f"{self.loopback.url}/v2"

    def _forward(self, asked: Asked) -> Answer:
        headers = {"Authorization": asked.headers.get("authorization", ""), "Accept": asked.headers["accept"]}
        found = self._client.request(asked.method, self._base + asked.target, headers=headers)
        kind = found.headers.get("content-type", "")
        return Answer(found.status_code, (("Content-Type", kind),), found.content)
