"""The custom role that reading some resource types takes."""

from collections.abc import Iterable

from collectors.contract import Permissions
from collectors.definition import ResourceType
from collectors.gcp.methods import permissions_of
from collectors.gcp.settings import GcpSettings

DISCOVERY = (
    "resourcemanager.folders.get",
    "resourcemanager.folders.list",
    "resourcemanager.organizations.get",
    "resourcemanager.projects.get",
    "resourcemanager.projects.list",
)
"""What finding organisations and the projects below them takes."""
OF_A_PROJECT = ("resourcemanager.projects.get",)
DIAGNOSIS = "serviceusage.services.list"
"""What the doctor asks besides."""
INVENTORY = ("cloudasset.assets.listIamPolicy", "cloudasset.assets.listResource")

_ROLE = """\
title: Annexa Reader
description: Reads the configuration that Annexa collects. Changes nothing and reads no data.
stage: GA
includedPermissions:
"""


def permissions(definitions: Iterable[ResourceType], settings: GcpSettings) -> Permissions:
    """Return a custom role with the permissions that reading takes.

    Where the settings name single projects only, it has nothing that only an organisation can grant.
    """
    single = bool(settings.projects) and not settings.organizations and not settings.folders
    wanted = {DIAGNOSIS, *(OF_A_PROJECT if single else DISCOVERY)}
    if settings.inventory != "off":
        wanted.update(INVENTORY)
    if settings.quota_project:
        wanted.add("serviceusage.services.use")
    for definition in definitions:
        if not (single and definition.scope == "organization"):
            wanted.update(each for call in definition.calls() for each in permissions_of(definition, call))
    role = _ROLE + "".join(f"- {each}\n" for each in sorted(wanted))
    where = "--project=PROJECT" if single else "--organization=ORGANIZATION"
    note = (
        f"Create it with `gcloud iam roles create annexaReader {where} --file=FILE`, "
        "and grant it to the principal."
    )
    return Permissions(tuple(sorted(wanted)), (role,), suffix=".yaml", note=note)
