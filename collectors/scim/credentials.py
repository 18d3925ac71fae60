"""How Annexa proves itself to a SCIM service: a token, a name and a password, or client credentials."""

import base64
import os
import threading
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx

from collectors.rest.client_assertion import ClientAssertions
from collectors.rest.failures import brief, connection_error, refusal
from collectors.rest.service import TokenSource
from collectors.scim.settings import ServiceSettings
from collectors.transport import CallError

_EARLY_SECONDS = 60


class Fixed:
    """A header that does not change: a bearer token, or a name and a password (RFC 7617)."""

    def __init__(self, settings: ServiceSettings) -> None:
        self._settings = settings

    def authorization(self, refused: str = "") -> str:
        del refused  # There is no other one: the second refusal is then the answer.
        if self._settings.credential == "bearer":
            return f"Bearer {_secret(self._settings.token_env)}"
        return _basic(self._settings.username, _secret(self._settings.password_env))


class ClientCredentials:
    """Access tokens by client credentials: RFC 6749 §4.4, the client proving itself as it is registered."""

    def __init__(self, settings: ServiceSettings, client: httpx.Client, now: Callable[[], datetime]) -> None:
        self._settings = settings
        self._client = client
        self._now = now
        self._assertions = ClientAssertions(
            settings.client_id, settings.token_url, Path(settings.private_key_file), settings.key_id
        )
        self._lock = threading.Lock()
        self._header = ""
        self._until = 0.0

    def authorization(self, refused: str = "") -> str:
        with self._lock:
            if not self._header or self._header == refused or time.monotonic() >= self._until:
                self._renew()
            return self._header

    def _renew(self) -> None:
        proven = self._credential == "private_key_jwt"
        secret = "" if proven else _secret(self._settings.client_secret_env)
        form = {"grant_type": "client_credentials"}
        if self._settings.scope:
            form["scope"] = self._settings.scope
        headers = {}
        if proven:
            form |= self._assertions.form()
        elif self._credential == "client_secret_post":
            form |= {"client_id": self._settings.client_id, "client_secret": secret}
        else:
            headers["Authorization"] = _basic(*map(_form_encoded, (self._settings.client_id, secret)))
        try:
            response = self._client.post(self._settings.token_url, data=form, headers=headers)
        except httpx.HTTPError as error:
            raise connection_error(error) from error
        body = _json(response)
        token, lasts = body.get("access_token"), body.get("expires_in")
        if response.status_code != 200 or not isinstance(token, str) or not token:
            raise self._why(response, body, secret)
        kind = body.get("token_type", "Bearer")
        if str(kind).lower() != "bearer":  # RFC 6749 §7.1: not to be used
            raise CallError("CredentialsFailed", brief(f"the token is of a kind not known here: {kind}"))
        self._header = f"Bearer {token}"
        seconds = lasts if isinstance(lasts, int) else 300
        self._until = time.monotonic() + max(1, seconds - _EARLY_SECONDS)

    def _why(self, response: httpx.Response, body: dict[str, Any], secret: str) -> CallError:
        said = str(body.get("error") or ""), str(body.get("error_description") or "")
        why = refusal(response.status_code, response.headers, response.content, said, self._now())
        if why.retryable:
            return why
        message = brief(f"{why.code}: {why.message}")
        return CallError("CredentialsFailed", message.replace(secret, "…") if secret else message)

    @property
    def _credential(self) -> str:
        return self._settings.credential


def token_source(settings: ServiceSettings, client: httpx.Client, now: Callable[[], datetime]) -> TokenSource:
    """Return what the section asks for."""
    fixed = settings.credential in ("bearer", "basic")
    return Fixed(settings) if fixed else ClientCredentials(settings, client, now)


def _basic(name: str, secret: str) -> str:
    """RFC 7617."""
    return f"Basic {base64.b64encode(f'{name}:{secret}'.encode()).decode('ascii')}"


def _form_encoded(text: str) -> str:
    """What RFC 6749 §2.3.1 wants of id and secret before they stand in a header.

    A space is ``%20`` and not ``+``: all who decode forms read the one, and some do not read the other.
    """
    return quote(text, safe="")


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
