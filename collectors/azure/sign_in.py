"""How to sign in to Microsoft's clouds: the keys that the sections of all collectors there share."""

from typing import ClassVar, Literal

from pydantic import Field, model_validator

from collectors.rest.address import Address
from collectors.rest.collector import RestSettings

GUID = r"^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$"
_ENVIRONMENT_NAME = r"^[A-Za-z_][A-Za-z0-9_]*$"

_NEEDS = {
    "client_secret": ("tenant_id", "client_id"),
    "certificate": ("tenant_id", "client_id", "certificate_path"),
}

Credential = Literal["default", "client_secret", "certificate", "workload", "managed"]


class SignInSettings(RestSettings):
    """The keys that say who asks, and where.

    Attributes:
        section: the name of the section, for messages.
        tenant_id: the tenant that gives tokens, by id or domain; default is the credential's own.
        cloud: which of Microsoft's clouds.
        credential: how to sign in. ``default`` is azure-identity's usual chain.
        client_id: the application, or the user-assigned managed identity.
        client_secret_env: the environment variable with the application's secret.
        certificate_path: a PEM or PKCS#12 file with the application's certificate and private key, for
            credential ``certificate``.
        certificate_password_env: the environment variable with the file's password.
        token_file: the file with the workload's token; default is what ``AZURE_FEDERATED_TOKEN_FILE`` names.
        authority: sign in here instead of at the cloud's own address.
        endpoint_url: ask here instead of the cloud's own address.
    """

    section: ClassVar[str]
    tenant_id: str = Field(default="", pattern=r"^[A-Za-z0-9.-]*$")
    cloud: Literal["public", "usgovernment", "china"] = "public"
    credential: Credential = "default"
    client_id: str = Field(default="", pattern=r"^$|" + GUID)
    client_secret_env: str = Field(default="AZURE_CLIENT_SECRET", pattern=_ENVIRONMENT_NAME)
    certificate_path: str = ""
    certificate_password_env: str = Field(default="", pattern=r"^$|" + _ENVIRONMENT_NAME)
    token_file: str = ""
    authority: str = Field(default="", pattern=r"^$|^https://[^/]+/?$")
    endpoint_url: Address = ""

    @model_validator(mode="after")
    def _check_credential(self) -> "SignInSettings":
        missing = [key for key in _NEEDS.get(self.credential, ()) if not getattr(self, key)]
        if missing:
            raise ValueError(f"credential {self.credential!r} needs {' and '.join(missing)}")
        return self
