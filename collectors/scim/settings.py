"""The ``[scim]`` section of the configuration: one section inside it for each service."""

import re
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from collectors.rest.collector import RestSettings
from store.model import Strict

_LOOPBACK = frozenset({"localhost", "127.0.0.1"})
_ENVIRONMENT_NAME = r"^$|^[A-Za-z_][A-Za-z0-9_]*$"
_NAME = r"[A-Za-z0-9][A-Za-z0-9_-]*"
_NEEDS = {
    "bearer": ("token_env",),
    "basic": ("username", "password_env"),
    "client_secret_basic": ("token_url", "client_id", "client_secret_env"),
    "client_secret_post": ("token_url", "client_id", "client_secret_env"),
    "private_key_jwt": ("token_url", "client_id", "private_key_file", "key_id"),
}


class ServiceSettings(RestSettings):
    """One service, ``[scim.services.NAME]``.

    No two services share a variable unless the configuration says so: none has a default, because what is in
    it would be sent to both.

    Attributes:
        base_url: the address below which ``/Users`` is found.
        credential: ``bearer`` (a token), ``basic`` (a name and a password), or client credentials (RFC 6749
            §4.4) with the client proving itself as registered: ``client_secret_basic``,
            ``client_secret_post`` or ``private_key_jwt``.
        token_env: the environment variable with the token.
        username: of ``basic``.
        password_env: the environment variable with its password.
        token_url: the token endpoint of client credentials.
        client_id: the client.
        client_secret_env: the environment variable with its secret.
        private_key_file: a PEM file, or one with a JWK, with the client's private key.
        key_id: the ``kid`` under which the endpoint has the public key.
        scope: what the client asks for, where the endpoint wants to be told.
        page_size: elements on a page, at least two: each page begins with the end of the one before.
    """

    base_url: str
    credential: Literal["bearer", "basic", "client_secret_basic", "client_secret_post", "private_key_jwt"] = (
        "bearer"
    )
    token_env: str = Field(default="", pattern=_ENVIRONMENT_NAME)
    username: str = ""
    password_env: str = Field(default="", pattern=_ENVIRONMENT_NAME)
    token_url: str = ""
    client_id: str = ""
    client_secret_env: str = Field(default="", pattern=_ENVIRONMENT_NAME)
    private_key_file: str = ""
    key_id: str = ""
    scope: str = ""
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
    def _check_credential(self) -> "ServiceSettings":
        missing = [key for key in ("base_url", *_NEEDS[self.credential]) if not getattr(self, key)]
        if missing:
            raise ValueError(f"credential {self.credential!r} needs {' and '.join(missing)}")
        return self


class ScimSettings(Strict):
    """The ``[scim]`` section.

    Attributes:
        services: name → service. The name is the scope: it tells services apart in the record.
    """

    services: dict[str, ServiceSettings]

    @model_validator(mode="before")
    @classmethod
    def _check_place(cls, section: Any) -> Any:
        if not isinstance(section, dict):
            return section
        for key, value in section.items():
            if key in ServiceSettings.model_fields:
                raise ValueError(f"{key} belongs to one service: write it under [scim.services.NAME]")
            if key != "services" and isinstance(value, dict) and "base_url" in value:
                raise ValueError(f"[scim.{key}] is no section: write [scim.services.{key}]")
        if not section.get("services"):
            raise ValueError("there is no service: write [scim.services.NAME] with its base_url")
        return section

    @field_validator("services")
    @classmethod
    def _check_names(cls, services: dict[str, ServiceSettings]) -> dict[str, ServiceSettings]:
        for name in services:
            if not re.fullmatch(_NAME, name):
                raise ValueError(f"{name!r} is no name: letters, digits, - and _")
        return services
