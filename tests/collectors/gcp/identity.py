"""What gives Google's tokens, as far as its contract is published, and judges them.

A service account's assertion is verified as Google verifies it: signature, audience, age and scope.
"""

import base64
import json
import threading
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from google.auth import jwt

from annexa.demo.loopback import Answer, Asked

ACCOUNT = "annexa@audit-home.iam.gserviceaccount.com"
TARGET = "reader@audit-home.iam.gserviceaccount.com"
MACHINE = "machine@audit-home.iam.gserviceaccount.com"
USER = "ann@example.com"
SUBJECT_TOKEN = "from-the-other-cloud"
REFRESH_TOKEN = "of-ann"
AUDIENCE = "//iam.googleapis.com/projects/1234/locations/global/workloadIdentityPools/ci/providers/runner"
SCOPE = "https://www.googleapis.com/auth/cloud-platform"
# google-auth writes it into assertions whatever the token_uri.
_TOKEN_AUDIENCE = "https://oauth2.googleapis.com/token"
_METADATA = "/computeMetadata/v1/"
_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"


def new_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


@dataclass
class Identity:
    """Answers requests for tokens; see :class:`annexa.demo.loopback.Loopback`.

    Attributes:
        key: the service account's key.
        lives: requests that a token given from now on is good for; None is for ever.
        expires_in: seconds that tokens are said to be good for.
        issued: tokens given out.
        owners: token → whose it is.
        may_impersonate: who may have a token of another service account.
    """

    key: rsa.RSAPrivateKey
    lives: int | None = None
    expires_in: int = 3599
    issued: list[str] = field(default_factory=list)
    owners: dict[str, str] = field(default_factory=dict)
    may_impersonate: set[str] = field(default_factory=lambda: {ACCOUNT, AUDIENCE, USER, MACHINE})
    _left: dict[str, int | None] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, asked: Asked) -> Answer | None:
        """Answer; None where the request is not about tokens."""
        if asked.path == "/token":
            return self._token(form_of(asked))
        if asked.path == "/sts":
            return self._sts(form_of(asked))
        if asked.path.startswith("/iamcredentials/"):
            return self._impersonate(asked)
        if asked.path == "/" or asked.path.startswith(_METADATA):
            return self._metadata(asked)
        return None

    def expire(self) -> None:
        """Let every token given so far be good for nothing."""
        self._left = dict.fromkeys(self._left, 0)

    def refusal(self, authorization: str) -> Answer | None:
        """Return the refusal of a token; None where it is good. Counts as a use of it."""
        token = authorization.removeprefix("Bearer ")
        with self._lock:
            left = self._left.get(token, -1)
            if left is None:
                return None
            if left > 0:
                self._left[token] = left - 1
                return None
        reason = "ACCESS_TOKEN_EXPIRED" if left == 0 else "ACCESS_TOKEN_TYPE_UNSUPPORTED"
        reason = reason if token else "CREDENTIALS_MISSING"
        said = "Request had invalid authentication credentials. Expected OAuth 2 access token."
        return error(401, "UNAUTHENTICATED", said, reason)

    def service_account(self, base: str, key: rsa.RSAPrivateKey | None = None) -> dict[str, Any]:
        """The JSON file with the service account's key, or with another that is not its."""
        pem = (key or self.key).private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return {
            "type": "service_account",
            "project_id": "audit-home",
            "private_key_id": "0f",
            "private_key": pem.decode(),
            "client_email": ACCOUNT,
            "client_id": "1",
            "token_uri": f"{base}/token",
        }

    def federation(self, base: str, token_file: Path) -> dict[str, Any]:
        """The JSON file with the configuration of a federation; the token is in another file."""
        return {
            "type": "external_account",
            "audience": AUDIENCE,
            "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
            "token_url": f"{base}/sts",
            "credential_source": {"file": str(token_file)},
        }

    def user(self) -> dict[str, Any]:
        """What ``gcloud auth application-default login`` leaves behind."""
        return {
            "type": "authorized_user",
            "client_id": "gcloud",
            "client_secret": "known to all",
            "refresh_token": REFRESH_TOKEN,
            "quota_project_id": "ann-s-project",
        }

    def _issue(self, owner: str) -> str:
        token = f"ya29.{uuid.uuid4().hex}"
        with self._lock:
            self.issued.append(token)
            self.owners[token] = owner
            self._left[token] = self.lives
        return token

    def _granted(self, owner: str, **more: Any) -> Answer:
        token = self._issue(owner)
        return reply(
            200, {"access_token": token, "expires_in": self.expires_in, "token_type": "Bearer", **more}
        )

    def _token(self, form: dict[str, str]) -> Answer:
        if form.get("grant_type") == "refresh_token":
            if form.get("refresh_token") != REFRESH_TOKEN:
                return oauth_error("invalid_grant", "Token has been expired or revoked.")
            return self._granted(USER, id_token=_unsigned({"email": USER}), scope=SCOPE)
        public = self.key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        try:
            claims = jwt.decode(form["assertion"], certs=public, audience=_TOKEN_AUDIENCE)
        except ValueError:
            return oauth_error("invalid_grant", "Invalid JWT Signature.")
        if claims["iss"] != ACCOUNT:
            return oauth_error("invalid_grant", "Invalid grant: account not found")
        if not claims.get("scope"):
            return oauth_error("invalid_scope", "Empty or missing scope not allowed.")
        return self._granted(ACCOUNT)

    def _sts(self, form: dict[str, str]) -> Answer:
        if form.get("grant_type") != _EXCHANGE or form.get("audience") != AUDIENCE:
            return oauth_error("invalid_request", "Invalid value for audience.")
        if form.get("subject_token") != SUBJECT_TOKEN:
            return oauth_error("invalid_grant", "The subject token is not valid.")
        kind = "urn:ietf:params:oauth:token-type:access_token"
        return self._granted(AUDIENCE, issued_token_type=kind)

    def _impersonate(self, asked: Asked) -> Answer:
        authorization = asked.headers.get("authorization", "")
        refused = self.refusal(authorization)
        if refused is not None:
            return refused
        wanted = f"/iamcredentials/v1/projects/-/serviceAccounts/{TARGET}:generateAccessToken"
        asker = self.owners[authorization.removeprefix("Bearer ")]
        if asked.path != wanted or asker not in self.may_impersonate:
            said = "Permission 'iam.serviceAccounts.getAccessToken' denied on resource (or it may not exist)."
            return error(403, "PERMISSION_DENIED", said, "IAM_PERMISSION_DENIED")
        until = datetime.now(UTC) + timedelta(seconds=self.expires_in)
        token = self._issue(TARGET)
        return reply(200, {"accessToken": token, "expireTime": until.strftime("%Y-%m-%dT%H:%M:%SZ")})

    def _metadata(self, asked: Asked) -> Answer:
        if asked.headers.get("metadata-flavor") != "Google":
            return Answer(403, (("Metadata-Flavor", "Google"),), b"")
        path = asked.path.removeprefix(_METADATA).rstrip("/")
        if not path:
            return _flavoured(b"0.1/\ncomputeMetadata/\n", "text/plain")
        if path == "project/project-id":
            return _flavoured(b"audit-home", "text/plain")
        if path == "universe/universe-domain":
            return _flavoured(b"googleapis.com", "text/plain")
        if path == "instance/service-accounts/default":
            about = {"email": MACHINE, "scopes": [SCOPE], "aliases": ["default"]}
            return _flavoured(json.dumps(about).encode(), "application/json")
        if path == "instance/service-accounts/default/token":
            return _flavoured(self._granted(MACHINE).body, "application/json")
        return Answer(404, (("Metadata-Flavor", "Google"),), b"")


def reply(status: int, body: Any, *headers: tuple[str, str]) -> Answer:
    """An answer in JSON."""
    return Answer(
        status, (("Content-Type", "application/json; charset=UTF-8"), *headers), json.dumps(body).encode()
    )


def error(
    status: int, name: str, message: str, reason: str = "", *headers: tuple[str, str], **metadata: str
) -> Answer:
    """An error as Google's APIs write it (google.rpc.Status); a reason comes as google.rpc.ErrorInfo."""
    body: dict[str, Any] = {"code": status, "message": message, "status": name}
    if reason:
        kind = "type.googleapis.com/google.rpc.ErrorInfo"
        info = {"@type": kind, "reason": reason, "domain": "googleapis.com", "metadata": metadata}
        body["details"] = [info]
    return reply(status, {"error": body}, *headers)


def oauth_error(code: str, description: str, status: int = 400) -> Answer:
    """A refusal of an OAuth endpoint (RFC 6749 section 5.2)."""
    return reply(status, {"error": code, "error_description": description})


def _flavoured(body: bytes, content_type: str) -> Answer:
    return Answer(200, (("Content-Type", content_type), ("Metadata-Flavor", "Google")), body)


def form_of(asked: Asked) -> dict[str, str]:
    """The fields of a form that was posted."""
    return {name: values[0] for name, values in parse_qs(asked.body.decode()).items()}


def _unsigned(claims: dict[str, str]) -> str:
    parts = ({"alg": "RS256", "typ": "JWT"}, claims, "signature")
    return ".".join(
        base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts
    )
