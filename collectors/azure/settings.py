"""The ``[azure]`` section of the configuration."""

import re
from typing import Literal

from pydantic import Field, field_validator, model_validator

from collectors.rest.collector import RestSettings

_GUID = r"^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$"
_ENVIRONMENT_NAME = r"^[A-Za-z_][A-Za-z0-9_]*$"

_NEEDS = {
    "client_secret": ("tenant_id", "client_id"),
    "certificate": ("tenant_id", "client_id", "certificate_path"),
}

Credential = Literal["default", "client_secret", "certificate", "workload", "managed"]


class AzureSettings(RestSettings):
    """The ``[azure]`` section.

    Attributes:
        tenant_id: the tenant that gives tokens, by id or domain; default is the credential's own.
        subscriptions: the subscriptions to collect, by id; default is all that the principal can see.
        management_groups: collect the subscriptions below these groups, by id.
        exclude: subscriptions to leave out, by id.
        cloud: which of Azure's clouds.
        credential: how to sign in. ``default`` is azure-identity's usual chain.
        client_id: the application, or the user-assigned managed identity.
        client_secret_env: the environment variable with the application's secret.
        certificate_path: a PEM or PKCS#12 file with the application's certificate and private key, for
            credential ``certificate``.
        certificate_password_env: the environment variable with the file's password.
        token_file: the file with the workload's token; default is what ``AZURE_FEDERATED_TOKEN_FILE`` names.
        authority: sign in here instead of at the cloud's own address.
        endpoint_url: ask here instead of Azure Resource Manager's own address.
    """

    tenant_id: str = Field(default="", pattern=r"^[A-Za-z0-9.-]*$")
    subscriptions: tuple[str, ...] = ()
    management_groups: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    cloud: Literal["public", "usgovernment", "china"] = "public"
    credential: Credential = "default"
    client_id: str = Field(default="", pattern=r"^$|" + _GUID)
    client_secret_env: str = Field(default="AZURE_CLIENT_SECRET", pattern=_ENVIRONMENT_NAME)
    certificate_path: str = ""
    certificate_password_env: str = Field(default="", pattern=r"^$|" + _ENVIRONMENT_NAME)
    token_file: str = ""
    # A token goes to both: in the clear only where it does not leave the machine.
    authority: str = Field(default="", pattern=r"^$|^https://[^/]+/?$")
    endpoint_url: str = Field(
        default="", pattern=r"^$|^(https://[^/]+|http://(localhost|127\.0\.0\.1)(:\d+)?)/?$"
    )

    @field_validator("subscriptions", "exclude")
    @classmethod
    def _check_ids(cls, ids: tuple[str, ...]) -> tuple[str, ...]:
        for each in ids:
            if not re.match(_GUID, each):
                raise ValueError(f"{each!r} is no subscription id: 8-4-4-4-12 hexadecimal digits")
        return tuple(dict.fromkeys(each.lower() for each in ids))

    @field_validator("management_groups")
    @classmethod
    def _check_groups(cls, groups: tuple[str, ...]) -> tuple[str, ...]:
        for each in groups:
            if not each or "/" in each:
                raise ValueError(f"{each!r} is no id of a management group: write its last part only")
        return groups

    @model_validator(mode="after")
    def _check_credential(self) -> "AzureSettings":
        missing = [key for key in _NEEDS.get(self.credential, ()) if not getattr(self, key)]
        if missing:
            raise ValueError(f"credential {self.credential!r} needs {' and '.join(missing)}")
        return self
