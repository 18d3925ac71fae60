"""The ``[scim]`` section of the configuration."""

from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from collectors.rest.collector import RestSettings

_LOOPBACK = frozenset({"localhost", "127.0.0.1"})
_ENVIRONMENT_NAME = r"^[A-Za-z_][A-Za-z0-9_]*$"


class ScimSettings(RestSettings):
    """The ``[scim]`` section.

    Attributes:
        base_url: the address below which ``/Users`` is found.
        credential: ``bearer`` (a token), ``oauth`` (client credentials) or ``basic``.
        token_env: the environment variable with the token.
        token_url: the token endpoint of ``oauth``.
        client_id: the client of ``oauth``.
        client_secret_env: the environment variable with its secret.
        scope: what the client asks for, where the endpoint wants to be told.
        username: of ``basic``.
        password_env: the environment variable with its password.
        page_size: elements on a page, at least two: each page begins with the end of the one before.
    """

    base_url: str
    credential: Literal["bearer", "oauth", "basic"] = "bearer"
    token_env: str = Field(default="SCIM_TOKEN", pattern=_ENVIRONMENT_NAME)
    token_url: str = ""
    client_id: str = ""
    client_secret_env: str = Field(default="SCIM_CLIENT_SECRET", pattern=_ENVIRONMENT_NAME)
    scope: str = ""
    username: str = ""
    password_env: str = Field(default="SCIM_PASSWORD", pattern=_ENVIRONMENT_NAME)
    page_size: int = Field(default=200, ge=2, le=10_000)

    @field_validator("base_url", "token_url")
    @classmethod
    def _check_url(cls, url: str) -> str:
        if not url:
            return url
        parts = urlsplit(url)
        if not parts.hostname or parts.username is not None or parts.query or parts.fragment:
            raise ValueError(f"{url!r} must be the address alone, as https://example.com/scim/v2")
        if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _LOOPBACK):
            raise ValueError(f"{url!r} must begin with https: credentials go there")
        return url.rstrip("/")

    @model_validator(mode="after")
    def _check_credential(self) -> "ScimSettings":
        needs = {"oauth": ("token_url", "client_id"), "basic": ("username",)}.get(self.credential, ())
        missing = [key for key in ("base_url", *needs) if not getattr(self, key)]
        if missing:
            raise ValueError(f"credential {self.credential!r} needs {' and '.join(missing)}")
        return self
