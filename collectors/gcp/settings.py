"""The ``[gcp]`` section of the configuration."""

import re
from fnmatch import fnmatchcase
from typing import ClassVar, Literal

from pydantic import Field, field_validator, model_validator

from collectors.rest.address import Address
from collectors.rest.collector import RestSettings

# With the domain in front that projects of before 2012 may have: example.com:payroll.
_PROJECT = r"([a-z0-9][a-z0-9.-]*:)?[a-z][a-z0-9-]{4,28}[a-z0-9]"

Credential = Literal["default", "service_account", "impersonated", "federated"]

_NEEDS: dict[Credential, tuple[str, ...]] = {
    "service_account": ("credentials_file",),
    "federated": ("credentials_file",),
    "impersonated": ("impersonate",),
}
_TAKES: dict[str, tuple[Credential, ...]] = {
    "credentials_file": ("service_account", "federated", "impersonated"),
    "impersonate": ("impersonated",),
}


class GcpSettings(RestSettings):
    """The ``[gcp]`` section.

    Where neither projects nor folders nor organisations are named, all that the principal can see are read.

    Attributes:
        organizations: read these, and every project below them, by number.
        folders: read every project below these, by number.
        projects: read these, by id.
        exclude: projects to leave out, by id or by pattern (``sys-*``).
        credential: how to sign in. ``default`` is Google's chain of application default credentials.
        credentials_file: the JSON file with a service account's key, or with the configuration of a
            workload identity federation. With ``impersonated`` either serves as the source.
        impersonate: the service account to impersonate, by e-mail address.
        quota_project: the project whose quota calls count against; default is what the credential says.
        inventory: ``auto`` reads from Cloud Asset Inventory what it keeps, where it can be read.
        endpoint_url: ask every service at ``{endpoint_url}/{service}`` instead of its own address.
        universe_domain: the domain of the cloud, for those that Google's partners run.
    """

    section: ClassVar[str] = "gcp"

    organizations: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()
    projects: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    credential: Credential = "default"
    credentials_file: str = ""
    impersonate: str = Field(default="", pattern=r"^$|^[^@\s/]+@[^@\s/]+\.[^@\s/]+$")
    quota_project: str = ""
    inventory: Literal["auto", "off"] = "auto"
    endpoint_url: Address = ""
    universe_domain: str = Field(default="googleapis.com", pattern=r"^[a-z0-9-]+(\.[a-z0-9-]+)+$")

    @field_validator("organizations", "folders")
    @classmethod
    def _check_numbers(cls, numbers: tuple[str, ...]) -> tuple[str, ...]:
        for each in numbers:
            if not re.fullmatch(r"[0-9]+", each):
                raise ValueError(f"{each!r} is no number: write the digits only, without 'folders/'")
        return tuple(dict.fromkeys(numbers))

    @field_validator("exclude")
    @classmethod
    def _check_patterns(cls, patterns: tuple[str, ...]) -> tuple[str, ...]:
        for each in patterns:
            if not re.fullmatch(r"[a-z0-9.:*?-]+", each):
                raise ValueError(f"{each!r} is no project id, and no pattern of such with * and ?")
        return patterns

    @field_validator("projects")
    @classmethod
    def _check_ids(cls, ids: tuple[str, ...]) -> tuple[str, ...]:
        for each in ids:
            if not re.fullmatch(_PROJECT, each):
                raise ValueError(f"{each!r} is no project id: not its number and not its name, but its id")
        return tuple(dict.fromkeys(ids))

    @field_validator("quota_project")
    @classmethod
    def _check_quota_project(cls, project: str) -> str:
        if project and not re.fullmatch(_PROJECT, project):
            raise ValueError(f"{project!r} is no project id")
        return project

    @model_validator(mode="after")
    def _check_credential(self) -> "GcpSettings":
        missing = [key for key in _NEEDS.get(self.credential, ()) if not getattr(self, key)]
        if missing:
            raise ValueError(f"credential {self.credential!r} needs {' and '.join(missing)}")
        for key, takers in _TAKES.items():
            if getattr(self, key) and self.credential not in takers:
                raise ValueError(
                    f"credential {self.credential!r} has no use for {key}: choose {' or '.join(takers)}"
                )
        return self

    def excludes(self, project_id: str) -> bool:
        """Say whether a project is to be left out."""
        return any(fnmatchcase(project_id, pattern) for pattern in self.exclude)

    @property
    def narrowed(self) -> bool:
        """Whether the section names what to read."""
        return bool(self.organizations or self.folders or self.projects)

    def base_url(self, service: str) -> str:
        """Return where a service is asked, without a slash at the end.

        Args:
            service: the first label of its host, e.g. ``compute``.
        """
        if self.endpoint_url:
            return f"{self.endpoint_url.rstrip('/')}/{service}"
        return f"https://{service}.{self.universe_domain}"
