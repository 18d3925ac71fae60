"""Whose eyes Annexa sees Microsoft's clouds with: tokens from azure-identity."""

import base64
import binascii
import json
import logging
import os
import re
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from azure.core.credentials import AccessToken, TokenCredential
from azure.core.exceptions import AzureError, ClientAuthenticationError
from azure.identity import (
    CertificateCredential,
    ClientSecretCredential,
    CredentialUnavailableError,
    DefaultAzureCredential,
    ManagedIdentityCredential,
    WorkloadIdentityCredential,
)

from collectors.azure.cloud import CLOUDS
from collectors.azure.sign_in import SignInSettings
from collectors.rest.failures import brief
from collectors.transport import CallError
from store.errors import ConfigError

# What it logs when no credential is found is what its exception says, and that is reported.
logging.getLogger("azure.identity").setLevel(logging.CRITICAL)

CREDENTIAL_CODES = frozenset(
    {
        "NoCredentials",
        "CredentialsFailed",
        "InvalidAuthenticationToken",
        "InvalidAuthenticationTokenTenant",
        "InvalidAuthenticationTokenAudience",
        "ExpiredAuthenticationToken",
        "AuthenticationFailed",
        "AuthenticationFailedMissingToken",
        "AuthenticationFailedInvalidHeader",
    }
)
"""Codes that say that the credentials themselves are no good."""

_FILES = {"certificate": "certificate_path", "workload": "token_file"}
"""Kind of credential → the key that names its file."""

_TOKEN_FILE = "AZURE_FEDERATED_TOKEN_FILE"


class AzureTokens:
    """The tokens for one audience; see :class:`collectors.rest.service.TokenSource`.

    azure-identity keeps a token until it is about to expire. One that Azure refuses before is
    replaced by that of a new credential, which has no cache.

    Args:
        credential: makes a credential; called when the first token is needed.
        audience: whom the tokens are for; default is the cloud's Azure Resource Manager.
    """

    def __init__(
        self,
        settings: SignInSettings,
        credential: "Callable[[], TokenCredential] | None" = None,
        *,
        audience: str = "",
    ) -> None:
        self._scope = f"{audience or CLOUDS[settings.cloud].resource_manager}/.default"
        self._tenant = settings.tenant_id if settings.credential == "default" else ""
        self._make = credential or (lambda: make_credential(settings))
        self._credential: TokenCredential | None = None
        self._lock = threading.Lock()

    def authorization(self, refused: str = "") -> str:
        with self._lock:
            if self._credential is None:
                self._credential = self._make()
            header = f"Bearer {self._token().token}"
            if refused and header == refused:
                self._credential = self._make()
                header = f"Bearer {self._token().token}"
            return header

    def claims(self) -> dict[str, str]:
        """Return what the token says of the principal: ``oid``, ``appid``, ``tid`` …; not verified.

        Empty where the token is opaque. Only Azure may judge a token; this is for the evidence.

        Raises:
            CallError: there is no token.
        """
        return {key: value for key, value in self._said().items() if isinstance(value, str)}

    def granted(self) -> frozenset[str] | None:
        """Return the permissions that the token says it has, an application's and a user's alike.

        None where the token is opaque; not verified.

        Raises:
            CallError: there is no token.
        """
        said = self._said()
        if not said:
            return None
        roles, scopes = said.get("roles"), said.get("scp")
        listed = [each for each in roles if isinstance(each, str)] if isinstance(roles, list) else []
        return frozenset([*listed, *(scopes.split() if isinstance(scopes, str) else ())])

    def _said(self) -> dict[str, Any]:
        parts = self.authorization().removeprefix("Bearer ").split(".")
        try:
            payload = base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4))
            said = json.loads(payload)
        except (IndexError, ValueError, binascii.Error):
            return {}
        return said if isinstance(said, dict) else {}

    def _token(self) -> AccessToken:
        assert self._credential is not None
        more: dict[str, Any] = {"tenant_id": self._tenant} if self._tenant else {}
        try:
            return self._credential.get_token(self._scope, **more)
        except CredentialUnavailableError as error:
            raise CallError("NoCredentials", _said(error)) from error
        except ClientAuthenticationError as error:
            raise CallError("CredentialsFailed", _said(error)) from error
        except (AzureError, ValueError, OSError) as error:
            raise CallError("CredentialsFailed", brief(f"{type(error).__name__}: {error}")) from error


def make_credential(settings: SignInSettings) -> TokenCredential:
    """Return the credential that the settings mean; nothing is asked yet.

    Raises:
        CallError: ``NoCredentials``, if a file or environment variable is missing or cannot be used.
    """
    try:
        return _credential(settings)
    except ConfigError as error:
        raise CallError("NoCredentials", f"{error} {error.hint}") from error
    except (ValueError, OSError) as error:
        key = _FILES.get(settings.credential, "credential")
        why = f"{error.filename}: {error.strerror}" if isinstance(error, OSError) else str(error)
        raise CallError("NoCredentials", brief(f"{settings.section}.{key}: {why}")) from error


def _credential(settings: SignInSettings) -> TokenCredential:
    tenant, client = settings.tenant_id, settings.client_id
    common = _common(settings)
    if settings.credential == "client_secret":
        secret = _secret(settings, "client_secret_env")
        return ClientSecretCredential(tenant, client, secret, **common)
    if settings.credential == "certificate":
        protected = bool(settings.certificate_password_env)
        return CertificateCredential(
            tenant,
            client,
            certificate_data=Path(settings.certificate_path).read_bytes(),
            password=_secret(settings, "certificate_password_env") if protected else None,
            **common,
        )
    if settings.credential == "workload":
        if not settings.token_file and not os.environ.get(_TOKEN_FILE):
            raise ConfigError(
                f"{settings.section}.token_file: neither it nor the variable {_TOKEN_FILE} is set.",
                "Name the file with the workload's token.",
            )
        return WorkloadIdentityCredential(
            tenant_id=tenant or None,
            client_id=client or None,
            token_file_path=settings.token_file or None,
            **common,
        )
    if settings.credential == "managed":
        return ManagedIdentityCredential(client_id=client or None)
    if tenant:
        common["additionally_allowed_tenants"] = [tenant]
    if client:
        common["managed_identity_client_id"] = client
    return DefaultAzureCredential(**common)


def _common(settings: SignInSettings) -> dict[str, Any]:
    common: dict[str, Any] = {"retry_total": 2}
    if settings.authority:
        # An authority of one's own is none that Microsoft could vouch for.
        common |= {"authority": settings.authority, "disable_instance_discovery": True}
    elif settings.cloud != "public":
        common["authority"] = CLOUDS[settings.cloud].authority
    certificates = os.environ.get("SSL_CERT_FILE")
    if certificates:
        common["connection_verify"] = certificates
    return common


def _said(error: ClientAuthenticationError) -> str:
    """Return what azure-identity says; of a chain, what each of its credentials says first."""
    message = str(error.message)
    attempts = re.findall(r"^\t(\w+?)(?:Credential)?: (.+)$", message, re.MULTILINE)
    said = [f"{name}: {why.split('. ')[0].rstrip('.')}" for name, why in attempts]
    return brief("; ".join(said) or message)


def _secret(settings: SignInSettings, key: str) -> str:
    variable: str = getattr(settings, key)
    value = os.environ.get(variable, "")
    if not value:
        raise ConfigError(
            f"{settings.section}.{key}: the environment variable {variable} is not set.",
            "Set it, or name another one.",
        )
    return value
