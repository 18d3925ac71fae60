"""A client proves itself to a token endpoint by a JWT that it signs: ``private_key_jwt``, RFC 7523 §2.2."""

import json
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from collectors.transport import CallError

TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

_SECONDS = 300
_EC_ALGORITHMS = {256: "ES256", 384: "ES384", 521: "ES512"}

PrivateKey = RSAPrivateKey | EllipticCurvePrivateKey


class ClientAssertions:
    """Assertions of one client, each for one request; the key's file is read for the first.

    Args:
        audience: the token endpoint.
        wall: seconds since 1970.
    """

    def __init__(
        self,
        client_id: str,
        audience: str,
        key_file: Path,
        key_id: str,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._client_id = client_id
        self._audience = audience
        self._key_file = key_file
        self._key_id = key_id
        self._wall = wall
        self._key: PrivateKey | None = None

    def form(self) -> dict[str, str]:
        """Return what a request for a token carries.

        Raises:
            CallError: ``NoCredentials``; see :func:`load_private_key`.
        """
        return {"client_assertion_type": TYPE, "client_assertion": self._signed()}

    def _signed(self) -> str:
        now = int(self._wall())
        claims = {
            "iss": self._client_id,
            "sub": self._client_id,
            "aud": self._audience,
            "iat": now,
            "exp": now + _SECONDS,
            "jti": str(uuid.uuid4()),
        }
        self._key = self._key or load_private_key(self._key_file)
        algorithm = (
            "RS256" if isinstance(self._key, RSAPrivateKey) else _EC_ALGORITHMS[self._key.curve.key_size]
        )
        return jwt.encode(claims, self._key, algorithm, headers={"kid": self._key_id})


def load_private_key(path: Path) -> PrivateKey:
    """Read a private key, PEM or JWK.

    Raises:
        CallError: ``NoCredentials``, if there is none of a kind that token endpoints take.
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
