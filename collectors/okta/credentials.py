"""Whose eyes Annexa sees Okta with: an API token, or access tokens of a service app."""

import os
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from collectors.okta.answers import read_error
from collectors.okta.possession import SCHEME, WANTS_NONCE, WRONG_PROOF, Possession, Proofs
from collectors.okta.settings import OktaSettings
from collectors.rest.client_assertion import ClientAssertions
from collectors.rest.failures import brief, connection_error, refusal
from collectors.transport import CallError

CREDENTIAL_CODES = frozenset(
    {
        "NoCredentials",
        "CredentialsFailed",
        "E0000011",
        "E0000005",
        "invalid_token",
        WANTS_NONCE,
        WRONG_PROOF,
    }
)

_EARLY_SECONDS = 120
_NOT_GRANTED = frozenset({"invalid_scope", "consent_required", "access_denied"})
_SCHEMES = {"bearer": "Bearer", "dpop": SCHEME}
_NONCE_TRIES = 3


class ApiToken:
    """A token that an administrator made (SSWS); see :class:`collectors.rest.service.TokenSource`."""

    def __init__(self, settings: OktaSettings) -> None:
        self._variable = settings.api_token_env

    def authorization(self, refused: str = "") -> str:
        del refused  # There is no other one: the second refusal is then the answer.
        token = os.environ.get(self._variable, "").strip()
        if not token:
            raise CallError("NoCredentials", f"the environment variable {self._variable} is not set")
        if not token.isascii() or not token.isprintable() or " " in token:
            raise CallError("NoCredentials", f"what {self._variable} holds is no API token")
        return f"SSWS {token}"


class ServiceAppTokens:
    """Access tokens by client credentials with ``private_key_jwt`` (RFC 7523), with scopes.

    Okta gives no token at all where one of the scopes is not granted. The scopes are then asked for one by
    one, and those that are granted together: what takes another one is a gap, and the rest is read.

    Every request for a token has a proof of possession (DPoP, RFC 9449), which new service apps require;
    whether the token is bound to it is what the answer's ``token_type`` says.

    Args:
        client: sends the request.
        scopes: all that may be needed.
        wall: seconds since 1970, for assertions and proofs; Okta refuses those that are of another time.

    Attributes:
        possession: proves the same with every request that shows the token.
    """

    def __init__(
        self,
        settings: OktaSettings,
        client: httpx.Client,
        scopes: tuple[str, ...],
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._settings = settings
        self._client = client
        self._scopes = scopes
        self._wall = wall
        proofs = Proofs(wall)
        self.possession = Possession(proofs)
        # A nonce is for the server that gave it: tokens are given and taken by two, behind one address.
        self._asking = Possession(proofs)
        self._lock = threading.Lock()
        self._assertions = ClientAssertions(
            settings.client_id, self._endpoint, Path(settings.private_key_file), settings.key_id, wall
        )
        self._asked = scopes
        self._granted: tuple[str, ...] = ()
        self._header = ""
        self._until = 0.0

    def authorization(self, refused: str = "") -> str:
        with self._lock:
            if not self._header or self._header == refused or time.monotonic() >= self._until:
                self._renew()
            return self._header

    def granted(self) -> tuple[str, ...]:
        """Return those of the scopes that the token has: fewer may be given than were asked for.

        Raises:
            CallError: there is no token.
        """
        self.authorization()
        return self._granted

    def _renew(self) -> None:
        answer = self._token(self._asked)
        if answer is None:
            self._asked = tuple(each for each in self._scopes if self._token((each,)) is not None)
            answer = self._token(self._asked) if self._asked else None
        if answer is None:
            self._asked = self._scopes
            raise CallError(
                "CredentialsFailed",
                f"none of the scopes {', '.join(self._scopes[:3])} … is granted to the service app "
                f"{self._settings.client_id}: grant what `annexa permissions okta` prints",
            )
        token, kind, lasts, scope = (
            answer.get(key) for key in ("access_token", "token_type", "expires_in", "scope")
        )
        scheme = _SCHEMES.get(str(kind).lower())
        if not isinstance(token, str) or not token.isascii() or not token:
            raise CallError("CredentialsFailed", "the token endpoint's answer has no access token")
        if scheme is None:
            raise CallError("CredentialsFailed", "the token that was given is neither a Bearer's nor DPoP")
        # RFC 6749 §5.1: where it is left out, all that was asked for is granted.
        self._granted = tuple(scope.split()) if isinstance(scope, str) else self._asked
        self._header = f"{scheme} {token}"
        seconds = lasts if isinstance(lasts, int) else 3600
        self._until = time.monotonic() + max(0, seconds - _EARLY_SECONDS)

    def _token(self, scopes: tuple[str, ...]) -> dict[str, Any] | None:
        """Return the endpoint's answer; None where it does not grant the scopes."""
        for left in reversed(range(_NONCE_TRIES)):
            response = self._ask(scopes)
            given = self._asking.learn(response)
            body = _json(response)
            if response.status_code == 200 and isinstance(body, dict):
                return body
            code, message = read_error(body)
            if not (code == WANTS_NONCE and given and left):
                break
        if code in _NOT_GRANTED:
            return None
        refused = refusal(
            response.status_code, response.headers, response.content, (code, message), self._now()
        )
        if refused.retryable:
            raise refused
        raise CallError("CredentialsFailed", brief(f"{refused.code}: {refused.message}"))

    def _ask(self, scopes: tuple[str, ...]) -> httpx.Response:
        form = {
            "grant_type": "client_credentials",
            "scope": " ".join(scopes),
            **self._assertions.form(),
        }
        headers = {SCHEME: self._asking.for_token(self._endpoint)}
        try:
            return self._client.post(self._endpoint, data=form, headers=headers)
        except httpx.HTTPError as error:
            raise connection_error(error) from error

    @property
    def _endpoint(self) -> str:
        return f"{self._settings.org_url}/oauth2/v1/token"

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._wall(), UTC)


def _json(response: httpx.Response) -> Any:
    try:
        return response.json()
    except ValueError:
        return None
