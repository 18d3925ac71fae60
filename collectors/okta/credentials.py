"""Whose eyes Annexa sees Okta with: an API token, or access tokens of a service app."""

import json
import os
import threading
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import jwt
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from collectors.okta.answers import read_error
from collectors.okta.settings import OktaSettings
from collectors.rest.failures import brief, connection_error, refusal
from collectors.transport import CallError

CREDENTIAL_CODES = frozenset({"NoCredentials", "CredentialsFailed", "E0000011", "E0000005", "invalid_token"})

_ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_ASSERTED_SECONDS = 300
_EARLY_SECONDS = 120
_EC_ALGORITHMS = {256: "ES256", 384: "ES384", 521: "ES512"}
_NOT_GRANTED = frozenset({"invalid_scope", "consent_required", "access_denied"})
_DPOP = frozenset({"invalid_dpop_proof", "use_dpop_nonce"})

PrivateKey = RSAPrivateKey | EllipticCurvePrivateKey


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

    Args:
        client: sends the request.
        scopes: all that may be needed.
        wall: seconds since 1970, for the assertion; Okta refuses one that is of another time.
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
        self._lock = threading.Lock()
        self._key: PrivateKey | None = None
        self._granted: tuple[str, ...] | None = None
        self._header = ""
        self._until = 0.0

    def authorization(self, refused: str = "") -> str:
        with self._lock:
            if not self._header or self._header == refused or time.monotonic() >= self._until:
                self._renew()
            return self._header

    def granted(self) -> tuple[str, ...]:
        """Return those of the scopes that the service app has.

        Raises:
            CallError: there is no token.
        """
        self.authorization()
        return self._granted or ()

    def _renew(self) -> None:
        answer = self._token(self._granted or self._scopes) if self._granted != () else None
        if answer is None:
            self._granted = tuple(each for each in self._scopes if self._token((each,)) is not None)
            answer = self._token(self._granted) if self._granted else None
        if answer is None:
            raise CallError(
                "CredentialsFailed",
                f"none of the scopes {', '.join(self._scopes[:3])} … is granted to the service app "
                f"{self._settings.client_id}: grant what `annexa permissions okta` prints",
            )
        self._granted = self._granted or self._scopes
        token, kind, lasts = (answer.get(key) for key in ("access_token", "token_type", "expires_in"))
        if str(kind).lower() == "dpop":
            raise _dpop()
        if not isinstance(token, str) or not token:
            raise CallError("CredentialsFailed", "the token endpoint's answer has no access token")
        self._header = f"Bearer {token}"
        seconds = lasts if isinstance(lasts, int) else 3600
        self._until = time.monotonic() + max(0, seconds - _EARLY_SECONDS)

    def _token(self, scopes: tuple[str, ...]) -> dict[str, Any] | None:
        """Return the endpoint's answer; None where it does not grant the scopes."""
        form = {
            "grant_type": "client_credentials",
            "scope": " ".join(scopes),
            "client_assertion_type": _ASSERTION,
            "client_assertion": self._assertion(),
        }
        try:
            response = self._client.post(self._endpoint, data=form)
        except httpx.HTTPError as error:
            raise connection_error(error) from error
        try:
            body: Any = response.json()
        except ValueError:
            body = None
        if response.status_code == 200 and isinstance(body, dict):
            return body
        code, message = read_error(body)
        if code in _DPOP:
            raise _dpop()
        if code in _NOT_GRANTED:
            return None
        refused = refusal(
            response.status_code, response.headers, response.content, (code, message), self._now()
        )
        if refused.retryable:
            raise refused
        raise CallError("CredentialsFailed", brief(f"{refused.code}: {refused.message}"))

    def _assertion(self) -> str:
        now = int(self._wall())
        claims = {
            "iss": self._settings.client_id,
            "sub": self._settings.client_id,
            "aud": self._endpoint,
            "iat": now,
            "exp": now + _ASSERTED_SECONDS,
            "jti": str(uuid.uuid4()),
        }
        if self._key is None:
            self._key = load_private_key(Path(self._settings.private_key_file))
        algorithm = (
            "RS256" if isinstance(self._key, RSAPrivateKey) else _EC_ALGORITHMS[self._key.curve.key_size]
        )
        return jwt.encode(claims, self._key, algorithm, headers={"kid": self._settings.key_id})

    @property
    def _endpoint(self) -> str:
        return f"{self._settings.org_url}/oauth2/v1/token"

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._wall(), UTC)


def load_private_key(path: Path) -> PrivateKey:
    """Read a private key, PEM or JWK.

    Raises:
        CallError: ``NoCredentials``, if there is none of a kind that Okta takes.
    """
    try:
        content = path.read_bytes()
        if content.lstrip()[:1] == b"{":
            key: Any = jwt.PyJWK.from_dict(json.loads(content)).key
        else:
            key = load_pem_private_key(content, password=None)
    except OSError as error:
        raise CallError("NoCredentials", f"{path} cannot be read: {error.strerror}") from error
    except (ValueError, TypeError, jwt.PyJWTError) as error:
        raise CallError(
            "NoCredentials", f"{path} holds no private key: PEM without a password, or a JWK"
        ) from error
    if isinstance(key, RSAPrivateKey):
        return key
    if isinstance(key, EllipticCurvePrivateKey) and key.curve.key_size in _EC_ALGORITHMS:
        return key
    raise CallError("NoCredentials", f"{path} holds no private RSA or EC key")


def _dpop() -> CallError:
    return CallError(
        "CredentialsFailed",
        "the service app requires DPoP, which Annexa does not speak: in the Admin Console, turn off "
        "'Require Demonstrating Proof of Possession (DPoP) header in token requests' for it",
    )
