"""How Annexa proves itself to a SCIM service: a token, client credentials, or a name and a password."""

import base64
import os
import threading
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

import httpx

from collectors.rest.failures import brief, connection_error, refusal
from collectors.rest.service import TokenSource
from collectors.scim.settings import ScimSettings
from collectors.transport import CallError

_EARLY_SECONDS = 60


class Fixed:
    """A header that does not change: a bearer token, or a name and a password (RFC 7617)."""

    def __init__(self, settings: ScimSettings) -> None:
        self._settings = settings

    def authorization(self, refused: str = "") -> str:
        del refused  # There is no other one: the second refusal is then the answer.
        if self._settings.credential == "bearer":
            return f"Bearer {_secret(self._settings.token_env)}"
        pair = f"{self._settings.username}:{_secret(self._settings.password_env)}"
        return f"Basic {base64.b64encode(pair.encode()).decode('ascii')}"


class ClientCredentials:
    """Access tokens by client credentials: RFC 6749 §4.4, the client proving itself as §2.3.1 says."""

    def __init__(self, settings: ScimSettings, client: httpx.Client, now: Callable[[], datetime]) -> None:
        self._settings = settings
        self._client = client
        self._now = now
        self._lock = threading.Lock()
        self._header = ""
        self._until = 0.0

    def authorization(self, refused: str = "") -> str:
        with self._lock:
            if not self._header or self._header == refused or time.monotonic() >= self._until:
                self._renew()
            return self._header

    def _renew(self) -> None:
        form = {"grant_type": "client_credentials"}
        if self._settings.scope:
            form["scope"] = self._settings.scope
        secret = _secret(self._settings.client_secret_env)
        try:
            response = self._client.post(
                self._settings.token_url, data=form, auth=httpx.BasicAuth(self._settings.client_id, secret)
            )
        except httpx.HTTPError as error:
            raise connection_error(error) from error
        body = _json(response)
        token, lasts = body.get("access_token"), body.get("expires_in")
        if response.status_code != 200 or not isinstance(token, str) or not token:
            said = str(body.get("error") or ""), str(body.get("error_description") or "")
            why = refusal(response.status_code, response.headers, response.content, said, self._now())
            if why.retryable:
                raise why
            raise CallError("CredentialsFailed", brief(f"{why.code}: {why.message}").replace(secret, "…"))
        self._header = f"Bearer {token}"
        seconds = lasts if isinstance(lasts, int) else 300
        self._until = time.monotonic() + max(1, seconds - _EARLY_SECONDS)


def token_source(settings: ScimSettings, client: httpx.Client, now: Callable[[], datetime]) -> TokenSource:
    """Return what the section asks for."""
    return ClientCredentials(settings, client, now) if settings.credential == "oauth" else Fixed(settings)


def _secret(variable: str) -> str:
    value = os.environ.get(variable, "").strip()
    if not value:
        raise CallError("NoCredentials", f"the environment variable {variable} is not set")
    if not value.isprintable():
        raise CallError("NoCredentials", f"what {variable} holds is no token or password")
    return value


def _json(response: httpx.Response) -> dict[str, Any]:
    try:
        body = response.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}
