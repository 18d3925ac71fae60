"""The application permissions of Microsoft Graph that reading some resource types takes."""

import json
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import orjson

from collectors.contract import Permissions

_GRAPH = "00000003-0000-0000-c000-000000000000"
"""The application id of Microsoft Graph, which is the same in every tenant and cloud."""

# Source: https://learn.microsoft.com/graph/permissions-reference#directoryreadall
_IN_DIRECTORY = frozenset(
    {
        "Application.Read.All",
        "Device.Read.All",
        "Domain.Read.All",
        "Group.Read.All",
        "GroupMember.Read.All",
        "Organization.Read.All",
        "User.Read.All",
    }
)


@cache
def app_roles() -> dict[str, str]:
    """Return permission → the id that Microsoft publishes for it as an application permission."""
    path = Path(__file__).parent / "app_roles.json"
    found: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))
    return found


def permissions(grants: tuple[str, ...]) -> Permissions:
    """Return permissions in the form of an application manifest's ``requiredResourceAccess``."""
    access = [{"id": app_roles()[grant], "type": "Role"} for grant in grants]
    required = [{"resourceAppId": _GRAPH, "resourceAccess": access}]
    note = (
        "Ask for them with `az ad app update --id APPLICATION --required-resource-accesses @FILE`, and "
        f"consent with `az ad app permission admin-consent --id APPLICATION`. They are: {', '.join(grants)}."
    )
    return Permissions(grants, (orjson.dumps(required, option=orjson.OPT_INDENT_2).decode(),), note=note)


def lacking(grants: Iterable[str], granted: frozenset[str]) -> list[str]:
    """Return the permissions that neither themselves nor by a wider one are among those granted."""
    return [grant for grant in grants if not _has(grant, granted)]


def _has(grant: str, granted: frozenset[str]) -> bool:
    if grant in granted or grant.replace(".Read.", ".ReadWrite.") in granted:
        return True
    return grant in _IN_DIRECTORY and not granted.isdisjoint(
        {"Directory.Read.All", "Directory.ReadWrite.All"}
    )
