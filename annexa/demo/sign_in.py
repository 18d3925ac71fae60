"""The part of Entra ID that gives tokens to applications, as far as its contract is published."""

import base64
import json
import threading
import time
import uuid
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from annexa.demo.loopback import Answer, Asked

OBJECT = "22222222-aaaa-bbbb-cccc-dddddddddddd"


class SignIn(ABC):
    """Gives tokens for one application, and knows them again.

    Args:
        secret: the application's secret; an assertion is taken too, whatever it says.

    Attributes:
        expired: code and message for a token that is good no more.
        claims: what tokens say besides whose they are.
        lives: requests that a token is good for; None is for ever.
        issued: tokens given out.
        base: its own URL.
    """

    expired = ("ExpiredAuthenticationToken", "The access token expiry is in the past.")

    def __init__(self, tenant: str, client: str, secret: str) -> None:
        self.tenant = tenant
        self.client = client
        self.claims: Mapping[str, Any] = {}
        self.lives: int | None = None
        self.issued: list[str] = []
        self.base = ""
        self.secret = secret
        self._left: dict[str, int | None] = {}
        self._lock = threading.Lock()

    def expire(self) -> None:
        """Let every token given so far be good for nothing."""
        self._left = dict.fromkeys(self._left, 0)

    def __call__(self, asked: Asked) -> Answer | None:
        if "/oauth2/" in asked.path or asked.path.endswith("/.well-known/openid-configuration"):
            return self._sign_in(asked)
        return self.answer(asked)

    @abstractmethod
    def answer(self, asked: Asked) -> Answer | None:
        """Answer whatever else is asked."""

    def unauthorized(self, asked: Asked) -> Answer | None:
        """Return the refusal of a request without a token that is good; None for any other."""
        token = asked.headers.get("authorization", "").removeprefix("Bearer ")
        with self._lock:
            left = self._left.get(token, -1)
            if left is None:
                return None
            if left > 0:
                self._left[token] = left - 1
                return None
        if left == 0:
            return error(401, *self.expired)
        return error(401, "InvalidAuthenticationToken", "The access token is invalid.")

    def _sign_in(self, asked: Asked) -> Answer:
        if asked.method == "GET":
            base = f"{self.base}/{self.tenant}"
            return reply(
                200,
                {
                    "issuer": f"{base}/v2.0",
                    "token_endpoint": f"{base}/oauth2/v2.0/token",
                    "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
                    "device_authorization_endpoint": f"{base}/oauth2/v2.0/devicecode",
                    "jwks_uri": f"{base}/discovery/v2.0/keys",
                },
            )
        form = {name: values[0] for name, values in parse_qs(asked.body.decode()).items()}
        if form.get("client_id") != self.client or not (
            form.get("client_secret") == self.secret or "client_assertion" in form
        ):
            said = "AADSTS7000215: Invalid client secret provided."
            return reply(
                401, {"error": "invalid_client", "error_description": said, "error_codes": [7000215]}
            )
        token = self._jwt(form["scope"].removesuffix("/.default"))
        self.issued.append(token)
        self._left[token] = self.lives
        return reply(
            200, {"token_type": "Bearer", "expires_in": 3599, "ext_expires_in": 3599, "access_token": token}
        )

    def _jwt(self, audience: str) -> str:
        said = {"tid": self.tenant, "oid": OBJECT, "appid": self.client, "exp": int(time.time()) + 3599}
        body = _part({"aud": audience, **said, **self.claims, "uti": uuid.uuid4().hex})
        return f"{_part({'alg': 'RS256', 'typ': 'JWT'})}.{body}.c2ln"


def _part(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def reply(status: int, body: Any, *headers: tuple[str, str]) -> Answer:
    """An answer in JSON."""
    named = (
        ("Content-Type", "application/json; charset=utf-8"),
        ("x-ms-request-id", str(uuid.uuid4())),
        *headers,
    )
    return Answer(status, named, json.dumps(body).encode())


def error(status: int, code: str, message: str, *headers: tuple[str, str]) -> Answer:
    """An error as Resource Manager and Graph write it."""
    return reply(status, {"error": {"code": code, "message": message}}, *headers)


def section(
    server: SignIn, variable: str, certificate: Path, **more: Any
) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the keys of a section that reads a tenant, and the environment that it takes.

    Args:
        variable: the environment variable that holds the application's secret.
        certificate: the file with the server's certificate.
        more: further keys.
    """
    keys = {
        "tenant_id": server.tenant,
        "credential": "client_secret",
        "client_id": server.client,
        "client_secret_env": variable,
        "authority": server.base,
        "endpoint_url": server.base,
        "retries": 2,
        **more,
    }
    return keys, {variable: server.secret, "SSL_CERT_FILE": str(certificate)}
