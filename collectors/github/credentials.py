"""Whose eyes Annexa sees GitHub with: a token, or a GitHub App as one organisation has installed it."""

import base64
import json
import os
import threading
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from collectors.caller import Caller
from collectors.definition import Call
from collectors.ledger import Ledger
from collectors.transport import CallError

CREDENTIAL_CODES = frozenset({"NoCredentials", "CredentialsFailed", "BadCredentials", "401"})
"""Codes that say that the credentials themselves are no good."""

INSTALLATION = Call.model_validate(
    {"call": "app:GET /orgs/{org}/installation", "with": {"org": "{account}"}, "permission": []}
)
INSTALLATION_TOKEN = Call.model_validate(
    {"call": "app:POST /app/installations/{installation_id}/access_tokens", "with": {}, "permission": []}
)

_JWT_LIVES = timedelta(minutes=9)  # GitHub takes ten, and clocks differ
_CLOCKS_DIFFER = timedelta(minutes=1)
_RENEW_BEFORE = timedelta(minutes=5)


class FixedToken:
    """A personal access token; see :class:`collectors.rest.service.TokenSource`.

    Args:
        variable: the environment variable that holds it.
    """

    def __init__(self, variable: str) -> None:
        self._variable = variable

    def authorization(self, refused: str = "") -> str:
        del refused  # there is no other one
        token = os.environ.get(self._variable, "").strip()
        if not token:
            raise CallError("NoCredentials", f"the environment variable {self._variable} is not set")
        return f"Bearer {token}"


class AppJwt:
    """The App's own proof of who it is, signed with its private key (RS256).

    Args:
        app_id: the App's id or client id.
        key_file: a PEM file; read when the first proof is needed.
        clock: returns the time, with a time zone.
    """

    def __init__(self, app_id: str, key_file: str, clock: Callable[[], datetime]) -> None:
        self._app_id = app_id
        self._key_file = Path(key_file)
        self._clock = clock
        self._key: rsa.RSAPrivateKey | None = None
        self._lock = threading.Lock()

    def authorization(self, refused: str = "") -> str:
        del refused  # each one is new
        with self._lock:
            self._key = self._key or _private_key(self._key_file)
        now = self._clock()
        claims = {
            "iat": int((now - _CLOCKS_DIFFER).timestamp()),
            "exp": int((now + _JWT_LIVES).timestamp()),
            "iss": self._app_id,
        }
        signed = f"{_part({'alg': 'RS256', 'typ': 'JWT'})}.{_part(claims)}"
        signature = self._key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
        return f"Bearer {signed}.{_base64(signature)}"


class InstallationTokens:
    """Tokens of an App for one organisation; they live an hour, and are renewed before it ends.

    Args:
        caller: makes calls as the App itself.
    """

    def __init__(self, organization: str, caller: Caller, clock: Callable[[], datetime]) -> None:
        self._organization = organization
        self._caller = caller
        self._clock = clock
        self._installation: Mapping[str, Any] | None = None
        self._header = ""
        self._ends: datetime | None = None
        self._lock = threading.Lock()

    def authorization(self, refused: str = "") -> str:
        with self._lock:
            ending = self._ends is None or self._clock() >= self._ends - _RENEW_BEFORE
            if ending or self._header == refused:
                self._renew()
            return self._header

    def installation(self) -> Mapping[str, Any]:
        """Return what GitHub says of the installation.

        Raises:
            CallError: ``NotInstalled`` or ``Suspended``, or it cannot be asked.
        """
        with self._lock:
            return self._found()

    def _found(self) -> Mapping[str, Any]:
        if self._installation is None:
            try:
                found = self._caller.whole(INSTALLATION, {"org": self._organization}, "", Ledger())
            except CallError as error:
                if error.status != 404:
                    raise
                raise CallError(
                    "NotInstalled",
                    f"{self._organization} has not installed the GitHub App; install it for all repositories",
                    status=404,
                ) from error
            if found.get("suspended_at"):
                raise CallError(
                    "Suspended", f"{self._organization} has suspended the GitHub App's installation"
                )
            if not isinstance(found.get("id"), int):
                raise CallError("MalformedAnswer", "the installation has no id")
            self._installation = found
        return self._installation

    def _renew(self) -> None:
        parameters = {"installation_id": self._found()["id"]}
        try:
            answer = self._caller.whole(INSTALLATION_TOKEN, parameters, "", Ledger())
        except CallError as error:
            if error.status == 404:  # it was removed, and may have been made anew under another number
                self._installation = None
            raise
        token, ends = answer.get("token"), answer.get("expires_at")
        try:
            moment = datetime.fromisoformat(str(ends))
        except ValueError as error:
            raise CallError("MalformedAnswer", "the token does not say when it ends") from error
        if not isinstance(token, str) or not token or moment.tzinfo is None:
            raise CallError("MalformedAnswer", "the answer has no token that can be used")
        self._header, self._ends = f"Bearer {token}", moment


def _private_key(path: Path) -> rsa.RSAPrivateKey:
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except OSError as error:
        raise CallError("NoCredentials", f"github.private_key_file: {path}: {error.strerror}") from error
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise CallError("NoCredentials", f"github.private_key_file: {path} holds no private key") from error
    if not isinstance(key, rsa.RSAPrivateKey):
        raise CallError("NoCredentials", f"github.private_key_file: the key in {path} is not RSA")
    return key


def _part(value: Mapping[str, Any]) -> str:
    return _base64(json.dumps(value, separators=(",", ":")).encode())


def _base64(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).decode("ascii").rstrip("=")
