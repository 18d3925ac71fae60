"""What gives tokens by domain-wide delegation, as far as its contract is published, and judges them.

A service account's assertion is verified as Google verifies it: signature, audience, subject and scopes. One
scope that is not delegated spoils the whole token.
"""

import json
import threading
import uuid
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from google.auth import crypt, jwt

from annexa.demo.loopback import Answer, Asked
from tests.collectors.gcp.identity import error, form_of, oauth_error, reply

ADMIN = "audit@example.com"
ACCOUNT = "annexa@audit-home.iam.gserviceaccount.com"
KEYLESS = "reader@audit-home.iam.gserviceaccount.com"
CLIENT_ID = "104512345678901234567"
_IAM = {"https://www.googleapis.com/auth/cloud-platform", "https://www.googleapis.com/auth/iam"}
# google-auth writes it into assertions whatever the token_uri.
_AUDIENCE = "https://oauth2.googleapis.com/token"
_UNAUTHORIZED = (
    "Client is unauthorized to retrieve access tokens using this method, or client not authorized for any of "
    "the scopes requested."
)


@dataclass
class Delegated:
    """Answers requests for tokens; see :class:`annexa.demo.loopback.Loopback`.

    Attributes:
        key: signs for both service accounts.
        delegated: the scopes that are delegated to them; None is all.
        may_sign: whether ``ACCOUNT`` may have IAM sign for ``KEYLESS``.
        base: where this is served: the audience, beside Google's own, of what is handed in.
        scopes: token → what it is good for.
        lives: requests that a token given from now on is good for; None is for ever.
    """

    key: rsa.RSAPrivateKey
    delegated: set[str] | None = None
    may_sign: bool = True
    base: str = ""
    scopes: dict[str, set[str]] = field(default_factory=dict)
    lives: int | None = None
    _left: dict[str, int | None] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, asked: Asked) -> Answer | None:
        """Answer; None where the request is not about tokens."""
        if asked.path == "/token":
            return self._token(form_of(asked))
        if asked.path.startswith("/iamcredentials/"):
            return self._sign(asked)
        return None

    def refusal(self, asked: Asked, wanted: set[str]) -> Answer | None:
        """Return the refusal of a token; None where it is good for one of the scopes. Counts as a use."""
        token = asked.headers.get("authorization", "").removeprefix("Bearer ")
        with self._lock:
            left = self._left.get(token, 0)
            if left is not None:
                self._left[token] = left - 1
        if left is not None and left <= 0:
            return error(401, "UNAUTHENTICATED", "Request had invalid authentication credentials.")
        if not self.scopes[token] & wanted:
            said = "Request had insufficient authentication scopes."
            return error(403, "PERMISSION_DENIED", said, "ACCESS_TOKEN_SCOPE_INSUFFICIENT")
        return None

    def file(self, base: str) -> dict[str, Any]:
        """The JSON file with the service account's key."""
        return {
            "type": "service_account",
            "project_id": "audit-home",
            "private_key_id": "0f",
            "private_key": self._pem().decode(),
            "client_email": ACCOUNT,
            "client_id": CLIENT_ID,
            "token_uri": f"{base}/token",
        }

    def _pem(self) -> bytes:
        return self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )

    def _token(self, form: dict[str, str]) -> Answer:
        public = self.key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        try:
            audiences = [_AUDIENCE, f"{self.base}/token"]
            claims = jwt.decode(form["assertion"], certs=public, audience=audiences)
        except ValueError:
            return oauth_error("invalid_grant", "Invalid JWT Signature.")
        wanted = set(claims.get("scope", "").split())
        subject = claims.get("sub", "")
        if not wanted:
            return oauth_error("invalid_scope", "Empty or missing scope not allowed.")
        if not subject or subject == claims["iss"]:
            return self._granted(wanted)  # for itself; what that may do is for IAM to say
        if subject != ADMIN:
            return oauth_error("invalid_grant", "Invalid email or User ID")
        if self.delegated is not None and wanted - self.delegated:
            return oauth_error("unauthorized_client", _UNAUTHORIZED, 401)
        return self._granted(wanted)

    def _granted(self, scopes: set[str]) -> Answer:
        token = f"ya29.{uuid.uuid4().hex}"
        with self._lock:
            self.scopes[token] = scopes
            self._left[token] = self.lives
        return reply(200, {"access_token": token, "expires_in": 3599, "token_type": "Bearer"})

    def _sign(self, asked: Asked) -> Answer:
        refused = self.refusal(asked, _IAM)
        if refused is not None:
            return refused
        if not self.may_sign or not asked.path.endswith(f"/serviceAccounts/{KEYLESS}:signJwt"):
            said = "Permission 'iam.serviceAccounts.signJwt' denied on resource (or it may not exist)."
            return error(403, "PERMISSION_DENIED", said, "IAM_PERMISSION_DENIED")
        signer = crypt.RSASigner.from_string(self._pem(), "0f")
        signed = jwt.encode(signer, json.loads(json.loads(asked.body)["payload"]))
        return reply(200, {"keyId": "0f", "signedJwt": signed.decode()})
