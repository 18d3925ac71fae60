"""The ``[google_workspace]`` section of the configuration."""

from typing import ClassVar, Literal

from pydantic import Field, model_validator

from collectors.rest.address import Address
from collectors.rest.collector import RestSettings

_ADDRESS = r"[^@\s/]+@[^@\s/]+\.[^@\s/]+"

_HOSTS = {"groupssettings": "www.googleapis.com"}
"""Services whose host has another name."""


class GoogleWorkspaceSettings(RestSettings):
    """The ``[google_workspace]`` section.

    A service account reads with the rights of an administrator, by domain-wide delegation. A section without
    both does for what needs no answers of Google's, such as printing the scopes.

    Attributes:
        customer: the id (``C0…``) that the administrator's own customer must have; ``my_customer`` is any.
        admin: the administrator whom the service account stands for, by e-mail address.
        credential: ``service_account`` signs with a key of its own; ``impersonated`` has IAM sign, so that
            there is no key.
        credentials_file: the JSON file with the service account's key. With ``impersonated`` the JSON file of
            whoever impersonates, or "" for Google's chain of application default credentials.
        impersonate: the service account that has the delegation, with ``impersonated``, by e-mail address.
        endpoint_url: ask every service at ``{endpoint_url}/{service}`` instead of its own address.
    """

    section: ClassVar[str] = "google_workspace"
    quota_project: ClassVar[str] = ""

    customer: str = Field(default="my_customer", pattern=r"^[A-Za-z0-9_]+$")
    admin: str = Field(default="", pattern=f"^$|^{_ADDRESS}$")
    credential: Literal["service_account", "impersonated"] = "service_account"
    credentials_file: str = ""
    impersonate: str = Field(default="", pattern=f"^$|^{_ADDRESS}$")
    endpoint_url: Address = ""

    @model_validator(mode="after")
    def _check_credential(self) -> "GoogleWorkspaceSettings":
        if not (self.admin or self.credentials_file or self.impersonate):
            return self
        if not self.admin:
            raise ValueError("needs admin, the administrator whom the service account stands for")
        if self.credential == "service_account" and not self.credentials_file:
            raise ValueError("credential 'service_account' needs credentials_file")
        if self.credential == "impersonated" and not self.impersonate:
            raise ValueError("credential 'impersonated' needs impersonate")
        if self.credential == "service_account" and self.impersonate:
            raise ValueError("credential 'service_account' has no use for impersonate: choose impersonated")
        return self

    def base_url(self, service: str) -> str:
        """Return where a service is asked, without a slash at the end.

        Args:
            service: its name, as calls begin with it.
        """
        if self.endpoint_url:
            return f"{self.endpoint_url.rstrip('/')}/{service}"
        return f"https://{_HOSTS.get(service, f'{service}.googleapis.com')}"
