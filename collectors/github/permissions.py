"""The least privilege for GitHub: permissions of a GitHub App, and the scopes of classic tokens instead."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from collectors.contract import Permissions

_LEVELS = ("read", "write", "admin")

_SCOPES = {
    "actions": "repo",
    "administration": "repo",
    "enterprise_administration": "read:audit_log",
    "enterprise_sso": "read:enterprise",
    "members": "read:org",
    "metadata": "repo",
    "organization_administration": "admin:org",
    "organization_custom_org_roles": "admin:org",
    "organization_custom_roles": "admin:org",
    "organization_hooks": "admin:org_hook",
    "organization_plan": "read:org",
    "organization_secrets": "admin:org",
    "organization_self_hosted_runners": "admin:org",
    "organization_user_blocking": "admin:org",
    "secret_scanning_alerts": "repo",
    "security_events": "repo",
    "vulnerability_alerts": "repo",
}
"""Permission → the narrowest scope of a classic token that covers it; none covers what only Apps may ask."""

_WITHIN = {
    "admin:org": ("write:org", "read:org"),
    "write:org": ("read:org",),
    "repo": ("public_repo", "security_events"),
    "admin:enterprise": ("read:enterprise", "read:audit_log"),
    "audit_log": ("read:audit_log",),
}
"""Scope → the scopes that are within it."""

_OF_ENTERPRISE = frozenset({"enterprise_administration", "enterprise_sso"})
"""Stand for what a GitHub App that an organisation installs cannot be granted."""


def of_enterprise(grant: str) -> bool:
    """Say whether only an enterprise can give a grant."""
    return grant.partition(":")[0] in _OF_ENTERPRISE


def permissions(grants: tuple[str, ...]) -> Permissions:
    """Return grants as ``default_permissions`` of a GitHub App's manifest has them.

    Args:
        grants: ``permission:level``, sorted.
    """
    wanted = {name: level for name, level in levels(grants).items() if name not in _OF_ENTERPRISE}
    scopes = ", ".join(sorted(scopes_for(grants)))
    return Permissions(
        grants=grants,
        documents=(json.dumps(wanted, indent=2),),
        note=(
            "Create a GitHub App with these permissions (default_permissions of its manifest) and install it "
            f"for all repositories. A classic token needs the scopes {scopes} of an organisation's owner "
            "instead; some of these also allow to write. What GitHub gives only to those that may write "
            "(rulesets of the organisation, code security configurations) stays a gap with the App."
        ),
    )


def levels(grants: Iterable[str]) -> dict[str, str]:
    """Return permission → the highest level among the grants."""
    wanted: dict[str, str] = {}
    for grant in sorted(grants):
        name, _, level = grant.partition(":")
        wanted[name] = max(level, wanted.get(name, level), key=_LEVELS.index)
    return wanted


def lacking(grants: Iterable[str], granted: Mapping[str, str]) -> list[str]:
    """Return the grants that an installation's permissions do not cover."""
    return [
        f"{name}:{level}"
        for name, level in levels(grants).items()
        if name not in _OF_ENTERPRISE
        and (granted.get(name) not in _LEVELS or _LEVELS.index(granted[name]) < _LEVELS.index(level))
    ]


def lacking_of(grants: Iterable[str], installation: Mapping[str, Any]) -> list[str]:
    """Return what an installation lacks: grants, and repositories that were not chosen."""
    found = lacking(grants, installation.get("permissions") or {})
    return found if installation.get("repository_selection") == "all" else ["all repositories", *found]


def scopes_for(grants: Iterable[str]) -> frozenset[str]:
    """Return the scopes that a classic token needs; none twice, and none that another one holds."""
    needed = {_SCOPES[name] for name in levels(grants) if name in _SCOPES}
    held = {inner for scope in needed for inner in _WITHIN.get(scope, ())}
    return frozenset(needed - held)


def lacking_scopes(grants: Iterable[str], scopes: Iterable[str]) -> list[str]:
    """Return the scopes that a classic token lacks.

    Args:
        scopes: what ``X-OAuth-Scopes`` names.
    """
    has = set(scopes)
    has |= {inner for scope in has for inner in _WITHIN.get(scope, ())}
    return sorted(scopes_for(grants) - has)
