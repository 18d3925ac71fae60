"""The ``[ldap]`` section of the configuration."""

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from collectors.transport import CallError
from store.model import Strict

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})

_PORTS = {"ldap": 389, "ldaps": 636}
_ENVIRONMENT_NAME = r"^[A-Za-z_][A-Za-z0-9_]*$"

Credential = Literal["simple", "sasl-external", "gssapi"]
Kind = Literal["active_directory", "openldap", "generic"]


@dataclass(frozen=True, slots=True)
class Address:
    """Where a server listens.

    Attributes:
        tls: whether TLS begins with the connection (``ldaps``).
    """

    host: str
    port: int
    tls: bool

    @classmethod
    def parse(cls, url: str) -> "Address":
        """Read ``ldap://host:port`` or ``ldaps://host:port``.

        Raises:
            ValueError: it is neither.
        """
        parts = urlsplit(url)
        if parts.scheme not in _PORTS or not parts.hostname or parts.path not in ("", "/"):
            raise ValueError(
                f"{url!r} is not of the form ldaps://host, with a port where it is not the usual"
            )
        if parts.username is not None or parts.query or parts.fragment:
            raise ValueError(f"{url!r} must be the address alone")
        return cls(parts.hostname, parts.port or _PORTS[parts.scheme], parts.scheme == "ldaps")

    @property
    def url(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'ldaps' if self.tls else 'ldap'}://{host}:{self.port}"


class LdapSettings(Strict):
    """The ``[ldap]`` section.

    Attributes:
        servers: addresses of one directory, in the order in which they are tried.
        starttls: begin TLS on ``ldap://`` before anything else is said.
        ca_file: the PEM file with the authorities of the servers; by default the usual ones.
        credential: ``simple`` (name and password), ``sasl-external`` (the certificate of the connection) or
            ``gssapi`` (Kerberos, from the credential cache; needs the package ``gssapi``).
        bind_dn: whom to bind as; Active Directory also takes ``user@domain``.
        password_env: the environment variable with the password.
        certificate_file, key_file: the PEM files of ``sasl-external``.
        base_dn: what to read; by default what the root DSE names.
        kind: what directory it is; ``auto`` asks the root DSE.
        page_size: entries on a page.
        connect_timeout: seconds.
        read_timeout: whole seconds to wait for the next part of an answer.
        retries: tries of a call that fails in a way that may pass.
        connections: connections that are open at once.
    """

    servers: tuple[str, ...] = Field(min_length=1)
    starttls: bool = False
    ca_file: str = ""
    credential: Credential = "simple"
    bind_dn: str = ""
    password_env: str = Field(default="ANNEXA_LDAP_PASSWORD", pattern=_ENVIRONMENT_NAME)
    certificate_file: str = ""
    key_file: str = ""
    base_dn: str = ""
    kind: Literal["auto", "active_directory", "openldap", "generic"] = "auto"
    page_size: int = Field(default=500, ge=1, le=10_000)
    connect_timeout: float = Field(default=10, gt=0)
    read_timeout: int = Field(default=60, ge=1)
    retries: int = Field(default=3, ge=1, le=20)
    connections: int = Field(default=4, ge=1, le=64)

    @field_validator("servers")
    @classmethod
    def _check_servers(cls, servers: tuple[str, ...]) -> tuple[str, ...]:
        for each in servers:
            Address.parse(each)
        return servers

    @field_validator("base_dn")
    @classmethod
    def _check_base(cls, base: str) -> str:
        if base and not re.match(r"[A-Za-z0-9.-]+\s*=", base):
            raise ValueError(f"{base!r} is no distinguished name, as dc=example,dc=org is")
        return base

    @model_validator(mode="after")
    def _check_together(self) -> "LdapSettings":
        for each in self.addresses:
            if not each.tls and not self.starttls and each.host not in LOOPBACK:
                raise ValueError(
                    f"servers: {each.url} would take the password in the clear: use ldaps:// or starttls"
                )
        if self.credential == "simple" and not self.bind_dn:
            raise ValueError("credential 'simple' needs bind_dn")
        if self.credential == "sasl-external" and not self.certificate_file:
            raise ValueError("credential 'sasl-external' needs certificate_file (and key_file)")
        return self

    @property
    def addresses(self) -> tuple[Address, ...]:
        return tuple(Address.parse(each) for each in self.servers)

    def password(self) -> str:
        """Return the password.

        Raises:
            CallError: ``NoCredentials``, if there is none. An empty one would bind anonymously: RFC 4513
                §5.1.2.
        """
        password = os.environ.get(self.password_env, "")
        if not password:
            raise CallError(
                "NoCredentials", f"password_env: the environment variable {self.password_env} is not set"
            )
        return password

    def checked_file(self, key: Literal["ca_file", "certificate_file", "key_file"]) -> str | None:
        """Return the path that the section has for a key, None where it is empty.

        Raises:
            CallError: ``NoCredentials``, if there is no such file.
        """
        path: str = getattr(self, key)
        if path and not Path(path).is_file():
            raise CallError("NoCredentials", f"{key}: there is no file {path}")
        return path or None
