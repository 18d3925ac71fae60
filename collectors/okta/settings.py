"""The ``[okta]`` section of the configuration."""

import re
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from collectors.rest.collector import RestSettings

_ENVIRONMENT_NAME = r"^[A-Za-z_][A-Za-z0-9_]*$"
_HOST = re.compile(r"(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}")
_LOOPBACK = frozenset({"localhost", "127.0.0.1"})
_OKTA_DOMAINS = (".okta.com", ".oktapreview.com", ".okta-emea.com", ".okta-gov.com", ".okta.mil")
_NEEDS = ("client_id", "private_key_file", "key_id")


class OktaSettings(RestSettings):
    """The ``[okta]`` section.

    Attributes:
        org_url: the organisation's own address, or its custom domain; the token goes there. Definitions are
            looked at without it, and nothing is read.
        credential: ``api_token`` (SSWS), or ``oauth`` (a service app with a private key).
        api_token_env: the environment variable with the API token.
        client_id: the service app.
        private_key_file: a PEM file, or one with a JWK, with the private key of the service app.
        key_id: the ``kid`` under which Okta has the public key.
    """

    org_url: str = ""
    credential: Literal["api_token", "oauth"] = "api_token"
    api_token_env: str = Field(default="OKTA_API_TOKEN", pattern=_ENVIRONMENT_NAME)
    client_id: str = Field(default="", pattern=r"^[A-Za-z0-9_-]*$")
    private_key_file: str = ""
    key_id: str = ""

    @field_validator("org_url")
    @classmethod
    def _check_org(cls, url: str) -> str:
        url = url.rstrip("/")
        if not url:
            return ""
        try:
            parts = urlsplit(url)
            host, port = (parts.hostname or "").lower(), parts.port
        except ValueError as error:
            raise ValueError(f"{url!r} is no address: {error}") from error
        if url.lower() != f"{parts.scheme}://{host}{f':{port}' if port else ''}":
            raise ValueError(f"{url!r} must be the address alone, as https://example.okta.com")
        if host in _LOOPBACK:
            if parts.scheme not in ("http", "https"):
                raise ValueError(f"{url!r} is neither http nor https")
            return url.lower()
        if parts.scheme != "https":
            raise ValueError(f"{url!r} must begin with https: a token goes there")
        if not _HOST.fullmatch(host):
            raise ValueError(f"{host!r} is no domain")
        if host.endswith(_OKTA_DOMAINS) and host.split(".")[0].endswith("-admin"):
            raise ValueError(f"{url!r} is the Admin Console: leave -admin out")
        if f".{host}" in _OKTA_DOMAINS:
            raise ValueError(f"{url!r} names no organisation, as https://example.okta.com does")
        return url.lower()

    @model_validator(mode="after")
    def _check_credential(self) -> "OktaSettings":
        missing = [key for key in _NEEDS if self.credential == "oauth" and not getattr(self, key)]
        if missing:
            raise ValueError(f"credential 'oauth' needs {' and '.join(missing)}")
        return self

    @property
    def on_loopback(self) -> bool:
        """Whether the address is this machine, and so no organisation of Okta's."""
        return urlsplit(self.org_url).hostname in _LOOPBACK
