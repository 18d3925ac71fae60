"""Whose eyes Annexa sees Google Cloud with: tokens from google-auth."""

import json
import logging
import os
import threading
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Protocol

import google.auth
import requests
from google.auth import aws, external_account, identity_pool, impersonated_credentials, jwt, pluggable
from google.auth.credentials import (
    Credentials,
    CredentialsWithQuotaProject,
    TokenState,
    with_scopes_if_required,
)
from google.auth.exceptions import DefaultCredentialsError, GoogleAuthError, TransportError
from google.auth.transport.requests import Request
from google.oauth2 import service_account

from collectors.rest.failures import brief, nested_error
from collectors.transport import CallError

# What it logs when no credential is found is what its exception says, and that is reported.
logging.getLogger("google.auth").setLevel(logging.CRITICAL)

CREDENTIAL_CODES = frozenset(
    {
        "NoCredentials",
        "CredentialsFailed",
        "UNAUTHENTICATED",
        "CREDENTIALS_MISSING",
        "ACCESS_TOKEN_EXPIRED",
        "ACCESS_TOKEN_TYPE_UNSUPPORTED",
        "ACCESS_TOKEN_SCOPE_INSUFFICIENT",
        "ACCOUNT_STATE_INVALID",
        "ACCOUNT_TYPE_UNSUPPORTED",
        "CREDENTIAL_TYPE_UNSUPPORTED",
        "JWT_TOKEN_INVALID",
        "USER_BLOCKED_BY_ADMIN",
        "authError",
        "unauthorized",
        "401",
    }
)
"""Codes that say that the credentials themselves are no good: our own, the status and the reasons of
google.api.ErrorReason that come with it, and what APIs of the older kind say."""

# Nothing narrower is taken by all of Google Cloud's APIs; what may be read is for IAM to say.
CLOUD_PLATFORM = ("https://www.googleapis.com/auth/cloud-platform",)
_AWS_TOKEN = "urn:ietf:params:aws:token-type:aws4_request"
_TYPES = {"service_account": "service_account", "federated": "external_account"}
_SIGN_IN = (
    "Run `gcloud auth application-default login`, let GOOGLE_APPLICATION_CREDENTIALS name a file, or set "
    "credential and credentials_file under [{}]."
)


class SignIn(Protocol):
    """What settings say of how to sign in to Google.

    Attributes:
        section: the section of the configuration, for messages.
        credential: ``default``, ``service_account``, ``federated`` or ``impersonated``.
        credentials_file: the JSON file with a key or a federation's configuration, or "".
        impersonate: the service account to impersonate, or "".
        quota_project: the project whose quota counts, or "" for the credential's own.
        connect_timeout, read_timeout: seconds.
    """

    section: ClassVar[str]

    @property
    def credential(self) -> str: ...
    @property
    def credentials_file(self) -> str: ...
    @property
    def impersonate(self) -> str: ...
    @property
    def quota_project(self) -> str: ...
    @property
    def connect_timeout(self) -> float: ...
    @property
    def read_timeout(self) -> float: ...

    def base_url(self, service: str) -> str:
        """Return where a service is asked, without a slash at the end."""
        ...


class GoogleTokens:
    """The tokens for Google's APIs; see :class:`collectors.rest.service.TokenSource`.

    A token is kept until shortly before it expires; one that Google refuses before is replaced.

    Args:
        credential: makes a credential; called when the first token is needed.
        scopes: what the tokens are good for.
        subject: the user whom a service account stands for, by domain-wide delegation, or "" for itself.
    """

    def __init__(
        self,
        settings: SignIn,
        credential: "Callable[[], Credentials] | None" = None,
        *,
        scopes: Sequence[str] = CLOUD_PLATFORM,
        subject: str = "",
    ) -> None:
        self._quota_project = settings.quota_project
        self._request = _Asking(settings)
        self._make = credential or (lambda: make_credential(settings, self._request, scopes, subject))
        self._credential: Credentials | None = None
        self._lock = threading.Lock()

    def authorization(self, refused: str = "") -> str:
        with self._lock:
            credential = self._made()
            if credential.token_state is not TokenState.FRESH:
                self._refresh(credential)
            if refused and refused == f"Bearer {credential.token}":
                self._refresh(credential)
            return f"Bearer {credential.token}"

    def headers(self) -> dict[str, str]:
        """Return the header that names the project whose quota counts, where there is one.

        Raises:
            CallError: there is no credential.
        """
        with self._lock:
            project = self._quota_project or self._made().quota_project_id
        return {"x-goog-user-project": project} if project else {}

    def principal(self) -> str:
        """Return whom Google sees, as far as the credential says it; "" where it does not.

        Raises:
            CallError: there is no token.
        """
        self.authorization()  # some credentials know it only then
        with self._lock:
            return _name(self._made())

    def _made(self) -> Credentials:
        if self._credential is None:
            self._credential = self._make()
        return self._credential

    def _refresh(self, credential: Credentials) -> None:
        try:
            credential.refresh(self._request)
        except GoogleAuthError as error:
            passing = error.retryable or isinstance(error, TransportError)
            raise CallError("CredentialsFailed", _said(error), retryable=passing) from error
        except (ValueError, OSError) as error:
            raise CallError("CredentialsFailed", brief(f"{type(error).__name__}: {error}")) from error


class _Asking(Request):
    """Google's way of asking for tokens, with our timeouts and certificates."""

    def __init__(self, settings: SignIn) -> None:
        session = requests.Session()
        # The file that the rest of the collector checks certificates against.
        session.verify = os.environ.get("SSL_CERT_FILE") or True
        super().__init__(session)
        self._timeouts = (settings.connect_timeout, settings.read_timeout)

    def __call__(
        self,
        url: str,
        method: str = "GET",
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: Any = None,
        **more: Any,
    ) -> Any:
        return Request.__call__(self, url, method, body, headers, timeout or self._timeouts, **more)


def make_credential(
    settings: SignIn, request: Any, scopes: Sequence[str] = CLOUD_PLATFORM, subject: str = ""
) -> Credentials:
    """Return the credential that the settings mean; no token is asked for yet.

    Args:
        request: asks, where the chain of application default credentials looks for a metadata server.
        scopes, subject: as for :class:`GoogleTokens`.

    Raises:
        CallError: ``NoCredentials``, if there is none, or a file is missing or cannot be used.
    """
    try:
        return _credential(settings, request, scopes, subject)
    except DefaultCredentialsError as error:
        advice = _SIGN_IN.format(settings.section)
        raise CallError("NoCredentials", f"{_said(error).rstrip('.')}. {advice}") from error
    except GoogleAuthError as error:
        raise CallError("NoCredentials", _said(error)) from error


def _credential(settings: SignIn, request: Any, scopes: Sequence[str], subject: str) -> Credentials:
    impersonates = settings.credential == "impersonated"
    # Who impersonates asks IAM for it, as itself.
    own: tuple[Sequence[str], str] = (CLOUD_PLATFORM, "") if impersonates else (scopes, subject)
    source = _from_file(settings, *own) if settings.credentials_file else _default(request)
    if settings.quota_project and isinstance(source, CredentialsWithQuotaProject):
        source = source.with_quota_project(settings.quota_project)
    if not impersonates:
        return source
    path = f"/v1/projects/-/serviceAccounts/{settings.impersonate}:generateAccessToken"
    return impersonated_credentials.Credentials(
        source_credentials=source,
        target_principal=settings.impersonate,
        target_scopes=list(scopes),
        subject=subject or None,
        iam_endpoint_override=settings.base_url("iamcredentials") + path,
    )


def _default(request: Any) -> Credentials:
    with warnings.catch_warnings():
        # That a user's own credentials name no quota project; the doctor is there to say so.
        warnings.simplefilter("ignore")
        # With scopes it would ask Resource Manager for the project of a federation, for nothing.
        found, _ = google.auth.default(request=request)
    scoped: Credentials = with_scopes_if_required(found, CLOUD_PLATFORM)
    return scoped


def _from_file(settings: SignIn, scopes: Sequence[str], subject: str) -> Credentials:
    path = settings.credentials_file
    try:
        info = json.loads(Path(path).read_bytes())
        kind = info.get("type") if isinstance(info, dict) else None
        wanted = _TYPES.get(settings.credential)
        if kind not in _TYPES.values() or (wanted and kind != wanted):
            raise ValueError(f"it is of type {kind!r}, not {wanted or ' or '.join(_TYPES.values())!r}")
        if kind == "service_account":
            return _of_service_account(info, scopes, subject)
        return _of_federation(info)
    except OSError as error:
        raise CallError(
            "NoCredentials",
            f"credentials_file {path} cannot be read: {error.strerror or error}. Name the JSON file with the "
            "service account's key or the federation's configuration.",
        ) from error
    except (ValueError, TypeError, AttributeError, KeyError) as error:
        said = _said(error) if isinstance(error, GoogleAuthError) else brief(str(error))
        raise CallError("NoCredentials", f"credentials_file {path} cannot be used: {said}") from error


def _of_service_account(info: dict[str, Any], scopes: Sequence[str], subject: str) -> Credentials:
    made: Credentials = service_account.Credentials.from_service_account_info(
        info, scopes=scopes, subject=subject or None
    )
    return made


def _of_federation(info: dict[str, Any]) -> Credentials:
    kind: Any = identity_pool.Credentials
    if info.get("subject_token_type") == _AWS_TOKEN:
        kind = aws.Credentials
    elif "executable" in (info.get("credential_source") or {}):
        # Runs only where GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES is 1: google-auth sees to it.
        kind = pluggable.Credentials
    made: Credentials = kind.from_info(info, scopes=CLOUD_PLATFORM)
    return made


def _name(credential: Any) -> str:
    if isinstance(credential, external_account.Credentials) and not credential.service_account_email:
        audience = credential.info["audience"].removeprefix("//iam.googleapis.com/")
        return f"federated identity of {audience}"
    account = getattr(credential, "service_account_email", "")
    if isinstance(account, str) and account:
        return f"service account {account}"
    user = getattr(credential, "account", "") or _email(getattr(credential, "id_token", None))
    return f"user {user}" if user else ""


def _email(id_token: Any) -> str:
    """Return the address in the token that came with the access token; for the evidence, so not verified."""
    try:
        return str(jwt.decode(id_token, verify=False).get("email") or "") if id_token else ""
    except (ValueError, GoogleAuthError):
        return ""


def _said(error: BaseException) -> str:
    """Return what google-auth says, and what Google said to it; never the body of a request."""
    parts = [str(part) for part in error.args[:1]] or [type(error).__name__]
    for part in error.args[1:]:
        try:
            answered = json.loads(part) if isinstance(part, str) else None
        except ValueError:
            answered = None
        parts += [each for each in nested_error(answered) if each]
    return brief(": ".join(parts))
