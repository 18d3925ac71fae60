"""The ``[github]`` section of the configuration."""

import re
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from collectors.rest.collector import RestSettings

PUBLIC_API = "https://api.github.com"
PUBLISHED_HOURLY = 5_000
"""Requests in an hour that GitHub lets a token through, unless it says otherwise."""

_LOGIN = r"[A-Za-z0-9](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?"
_SLUG = r"^$|^[A-Za-z0-9](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?$"
# Another host may go on with a path (/api/v3); a token goes there: in the clear only on this machine.
_API_URL = r"^(https://[^/\s]+|http://(localhost|127\.0\.0\.1)(:\d+)?)(/[^\s?#]*)?$"

_NEEDS = {"token": ("token_env",), "app": ("app_id", "private_key_file")}


class GithubSettings(RestSettings):
    """The ``[github]`` section.

    Attributes:
        organizations: the organisations to read, by login.
        credential: ``token`` is a personal access token, ``app`` a GitHub App that each organisation has
            installed.
        token_env: the environment variable with the token.
        app_id: the App's id, or its client id.
        private_key_file: the PEM file with one of the App's private keys.
        enterprise: the slug of the enterprise whose audit log is streamed, and whose single sign-on says who
            members are; empty where there is none.
        api_url: where GitHub is asked; for GitHub Enterprise Server ``https://host/api/v3``,
            with data residency ``https://api.SUBDOMAIN.ghe.com``.
        requests_per_hour: what GitHub allows the credential.
    """

    organizations: tuple[str, ...] = Field(min_length=1)
    credential: Literal["token", "app"] = "token"
    token_env: str = Field(default="GITHUB_TOKEN", pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")
    app_id: str = Field(default="", pattern=r"^[A-Za-z0-9.]*$")
    private_key_file: str = ""
    enterprise: str = Field(default="", pattern=_SLUG)
    api_url: str = Field(default=PUBLIC_API, pattern=_API_URL)
    requests_per_hour: int = Field(default=PUBLISHED_HOURLY, ge=60)

    @field_validator("organizations")
    @classmethod
    def _check_logins(cls, logins: tuple[str, ...]) -> tuple[str, ...]:
        for each in logins:
            if not re.fullmatch(_LOGIN, each):
                raise ValueError(f"{each!r} is no login of an organisation: write what follows the host")
        # GitHub does not tell large letters from small ones in logins.
        return tuple({each.lower(): each for each in reversed(logins)}.values())[::-1]

    @field_validator("app_id", mode="before")
    @classmethod
    def _text(cls, number: object) -> object:
        return str(number) if isinstance(number, int) and not isinstance(number, bool) else number

    @model_validator(mode="after")
    def _check_credential(self) -> "GithubSettings":
        missing = [key for key in _NEEDS[self.credential] if not getattr(self, key)]
        if missing:
            raise ValueError(f"credential {self.credential!r} needs {' and '.join(missing)}")
        return self

    @property
    def base_url(self) -> str:
        """Where calls go, without a slash at the end."""
        return self.api_url.rstrip("/")

    @property
    def is_cloud(self) -> bool:
        """Whether GitHub runs it itself, with the limits that it publishes; not so a server of one's own."""
        host = urlsplit(self.api_url).hostname or ""
        return self.base_url == PUBLIC_API or host.endswith(".ghe.com")
