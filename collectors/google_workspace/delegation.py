"""Tokens by domain-wide delegation, one for each set of scopes.

Google refuses a token as a whole where one of its scopes is not delegated; so a missing one costs only what
needs it.
Source: https://support.google.com/a/answer/162106.
"""

import json
import threading
from collections.abc import Sequence
from pathlib import Path

from collectors.gcp.credentials import GoogleTokens
from collectors.google_workspace.settings import GoogleWorkspaceSettings
from collectors.transport import CallError

NOT_DELEGATED = "ScopeNotDelegated"
"""The code where Google gives no token because a scope is not delegated."""

_REFUSED = "unauthorized_client"


class DelegatedTokens:
    """The tokens for some scopes; see :class:`collectors.rest.service.TokenSource`."""

    def __init__(self, settings: GoogleWorkspaceSettings, scopes: Sequence[str]) -> None:
        self._settings = settings
        self._scopes = scopes
        self._tokens = GoogleTokens(settings, scopes=scopes, subject=settings.admin)

    def authorization(self, refused: str = "") -> str:
        if not self._settings.admin:
            raise CallError(
                "NoCredentials",
                "[google_workspace] names nobody to read as: set admin, and credentials_file or impersonate",
            )
        try:
            return self._tokens.authorization(refused)
        except CallError as error:
            if not error.message.startswith(_REFUSED):
                raise
            raise CallError(
                NOT_DELEGATED,
                f"{error.message.rstrip('.')}. Delegate {', '.join(self._scopes)} to "
                f"{client(self._settings)} in the admin console: Security > Access and data control > API "
                "controls > Domain-wide delegation. It may take a day until it holds.",
            ) from error

    def principal(self) -> str:
        """Return whom Google sees.

        Raises:
            CallError: there is no token.
        """
        self.authorization()
        return f"{self._tokens.principal()} as {self._settings.admin}"


class Delegation:
    """Keeps one source of tokens for each set of scopes."""

    def __init__(self, settings: GoogleWorkspaceSettings) -> None:
        self._settings = settings
        self._sources: dict[tuple[str, ...], DelegatedTokens] = {}
        self._lock = threading.Lock()

    def tokens(self, scopes: Sequence[str]) -> DelegatedTokens:
        """Return the tokens for these scopes, and for no others."""
        key = tuple(sorted(scopes))
        with self._lock:
            if key not in self._sources:
                self._sources[key] = DelegatedTokens(self._settings, key)
            return self._sources[key]

    def lacking(self, scopes: Sequence[str]) -> list[str]:
        """Return those of the scopes that are not delegated, by asking for a token for each.

        Raises:
            CallError: there are no tokens for another reason.
        """
        return [scope for scope in scopes if not self._delegated(scope)]

    def _delegated(self, scope: str) -> bool:
        try:
            self.tokens((scope,)).authorization()
        except CallError as error:
            if error.code != NOT_DELEGATED:
                raise
            return False
        return True


def client(settings: GoogleWorkspaceSettings) -> str:
    """Return to whom scopes are delegated, as the admin console wants it named where that is known."""
    if settings.credential == "impersonated":
        return f"the client id (unique id) of {settings.impersonate}"
    try:
        found = json.loads(Path(settings.credentials_file).read_bytes())
        return f"the client id {found['client_id']}"
    except (OSError, ValueError, KeyError, TypeError):
        return "the client id of the service account"
