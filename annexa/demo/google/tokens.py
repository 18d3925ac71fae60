"""The tokens of make-believe service accounts, as Google's token endpoint gives them.

Source: https://developers.google.com/identity/protocols/oauth2/service-account.
"""

import threading
import uuid
from typing import Any
from urllib.parse import parse_qs

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from google.auth import jwt
from google.auth.exceptions import GoogleAuthError

from annexa.demo.google.reply import reply, unauthenticated
from annexa.demo.loopback import Answer

# google-auth writes it into assertions whatever the token_uri.
_AUDIENCE = "https://oauth2.googleapis.com/token"
_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"


class Tokens:
    """Gives tokens to service accounts that prove themselves, and knows them again.

    Attributes:
        issued: tokens given out.
        lives: requests that a token is good for; None is for as long as it says.
    """

    def __init__(self) -> None:
        self.issued: list[str] = []
        self.lives: int | None = None
        self._accounts: dict[str, str] = {}
        self._left: dict[str, int | None] = {}
        self._lock = threading.Lock()

    def key_file(self, email: str, project: str, token_uri: str) -> dict[str, Any]:
        """Return a new key of a service account, in the form in which Google hands it out."""
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        public = key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        self._accounts[email] = public.decode()
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return {
            "type": "service_account",
            "project_id": project,
            "private_key_id": uuid.uuid4().hex,
            "private_key": private.decode(),
            "client_email": email,
            "client_id": "100000000000000000001",
            "token_uri": token_uri,
        }

    def expire(self) -> None:
        """Let every token given so far be good for nothing."""
        with self._lock:
            self._left = dict.fromkeys(self._left, 0)

    def answer(self, body: bytes) -> Answer:
        """Answer a request for a token."""
        form = {name: values[-1] for name, values in parse_qs(body.decode()).items()}
        if form.get("grant_type") != _GRANT or not self._proven(form.get("assertion", "")):
            said = {"error": "invalid_grant", "error_description": "Invalid JWT Signature."}
            return reply(400, said)
        token = f"ya29.{uuid.uuid4().hex}"
        with self._lock:
            self.issued.append(token)
            self._left[token] = self.lives
        return reply(200, {"access_token": token, "expires_in": 3599, "token_type": "Bearer"})

    def refusal(self, service: str, authorization: str) -> Answer | None:
        """Refuse a request without a token that is good; None lets it pass."""
        token = authorization.removeprefix("Bearer ")
        if not token:
            return unauthenticated(service, "CREDENTIALS_MISSING")
        with self._lock:
            left = self._left.get(token, -1)
            if left is not None and left > 0:
                self._left[token] = left - 1
        if left is None or left > 0:
            return None
        return unauthenticated(
            service, "ACCESS_TOKEN_EXPIRED" if left == 0 else "ACCESS_TOKEN_TYPE_UNSUPPORTED"
        )

    def _proven(self, assertion: str) -> bool:
        decode: Any = jwt.decode  # google-auth does not type it
        try:
            public = self._accounts.get(str(decode(assertion, verify=False).get("iss")))
            return public is not None and bool(decode(assertion, certs=public, audience=_AUDIENCE))
        except (ValueError, GoogleAuthError):
            return False
