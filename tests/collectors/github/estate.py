"""The organisation ``example``: some things in order, some not."""

from datetime import UTC, datetime, timedelta
from typing import Any

from tests.collectors.github.github import Github, Refused, Wrapped

ORG = "example"
REPOSITORIES = ("attic", "billing", "payroll", "scratch", "website")
SECRET = "hook-secret-that-is-not-masked"
LEAKED = "AKIA-leaked-into-code"


def user(number: int, login: str) -> dict[str, Any]:
    """Whoever has an account; without an address, as most."""
    return {"login": login, "id": number, "type": "User", "site_admin": False}


MONA, HUBOT, OCTO, GUEST = user(1, "mona"), user(2, "hubot"), user(3, "octo"), user(9, "guest")
MEMBERS = [MONA, HUBOT, OCTO]


def ago(**length: float) -> str:
    """The moment so long ago, as GitHub writes it."""
    return (datetime.now(UTC) - timedelta(**length)).strftime("%Y-%m-%dT%H:%M:%SZ")


def repository(number: int, name: str, **more: Any) -> dict[str, Any]:
    """A repository as the list of an organisation has it."""
    on = {"status": "enabled"}
    return {
        "id": number,
        "name": name,
        "full_name": f"{ORG}/{name}",
        "private": True,
        "visibility": "private",
        "archived": False,
        "default_branch": "main",
        "pushed_at": ago(days=3),
        "size": 12,
        "license": None,
        "security_and_analysis": {
            "secret_scanning": on,
            "secret_scanning_push_protection": on,
            "dependabot_security_updates": on,
            "advanced_security": on,
        },
        **more,
    }


def protection(reviews: int) -> dict[str, Any]:
    """A classic protection."""
    return {
        "enforce_admins": {"enabled": True},
        "required_pull_request_reviews": {
            "dismiss_stale_reviews": True,
            "require_code_owner_reviews": True,
            "require_last_push_approval": True,
            "required_approving_review_count": reviews,
        },
        "required_status_checks": {"strict": True, "contexts": ["test"]},
        "required_signatures": {"enabled": True},
        "required_linear_history": {"enabled": True},
        "required_conversation_resolution": {"enabled": True},
        "allow_force_pushes": {"enabled": False},
        "allow_deletions": {"enabled": False},
    }


def build(github: Github) -> None:
    """Place everything."""
    places, org = github.places, f"/orgs/{ORG}"
    places["/user"] = user(1, "mona")
    places[org] = settings()
    places["/enterprises/example-inc/audit-log/streams"] = [
        {"id": 1, "stream_type": "Amazon S3", "enabled": True, "paused_at": None}
    ]
    _people(github, org)
    _identities(github)
    _rules(github, org)
    _actions(github, org)
    _alerts(github, org)
    _repositories(github, org)


def settings(**more: Any) -> dict[str, Any]:
    """The organisation as its owners see it."""
    return {
        "login": ORG,
        "id": 42,
        "name": "Example Ltd",
        "billing_email": "accounts@example.com",
        "two_factor_requirement_enabled": True,
        "default_repository_permission": "write",
        "members_can_create_public_repositories": False,
        "members_can_change_repo_visibility": True,
        "plan": {"name": "enterprise", "seats": 10},
        **more,
    }


def installation(number: int = 77, **more: Any) -> dict[str, Any]:
    """An App that was installed for all repositories, and may read little."""
    permissions = {"metadata": "read", "members": "read"}
    return {"id": number, "repository_selection": "all", "permissions": permissions, **more}


def _people(github: Github, org: str) -> None:
    def members(query: dict[str, str]) -> list[dict[str, Any]]:
        if query.get("filter") == "2fa_disabled":
            return [OCTO]
        if query.get("filter") == "2fa_insecure":
            return []
        return [MONA, HUBOT] if query.get("role") == "admin" else MEMBERS

    places = github.places
    places[f"{org}/members"] = members
    places[f"{org}/outside_collaborators"] = lambda query: [] if query.get("filter") else [GUEST]
    places[f"{org}/invitations"] = [
        {
            "id": 5,
            "login": None,
            "email": "new@example.com",
            "role": "direct_member",
            "created_at": ago(days=2),
        }
    ]
    # Two teams within one another: GitHub lists the members of the inner one with the outer one.
    outer = {"id": 1, "slug": "engineering", "name": "Engineering", "parent": None}
    inner = {"id": 2, "slug": "platform", "name": "Platform", "parent": {"id": 1, "slug": "engineering"}}
    places[f"{org}/teams"] = [outer, inner]
    places[f"{org}/teams/engineering/members"] = MEMBERS
    places[f"{org}/teams/platform/members"] = [OCTO]
    places[f"{org}/organization-roles"] = {
        "total_count": 2,
        "roles": [
            {"id": 8, "name": "security_manager", "source": "Predefined", "base_role": "read"},
            {"id": 9, "name": "all_repo_write", "source": "Predefined", "base_role": "write"},
        ],
    }
    for number in (8, 9):
        places[f"{org}/organization-roles/{number}/teams"] = []
        places[f"{org}/organization-roles/{number}/users"] = [HUBOT]
    places[f"{org}/custom-repository-roles"] = {
        "total_count": 1,
        "custom_roles": [
            {"id": 3, "name": "deployer", "base_role": "write", "permissions": ["manage_deploy_keys"]}
        ],
    }
    places[f"{org}/credential-authorizations"] = [
        {
            "login": "octo",
            "credential_id": 7,
            "credential_type": "personal access token",
            "token_last_eight": "12345678",
            "credential_authorized_at": ago(days=9),
            "credential_accessed_at": ago(days=1),
            "scopes": ["repo"],
        }
    ]
    places[f"{org}/personal-access-tokens"] = [
        {
            "id": 6,
            "owner": OCTO,
            "repository_selection": "all",
            "token_name": "laptop",
            "access_granted_at": ago(days=9),
            "token_expires_at": None,
            "token_last_used_at": ago(days=1),
        }
    ]
    places[f"{org}/personal-access-token-requests"] = []
    places[f"{org}/blocks"] = []


def identity(number: int, name: str, user: dict[str, Any] | None) -> dict[str, Any]:
    """An identity of single sign-on, linked to a user or not yet."""
    return {
        "guid": f"00000000-0000-0000-0000-{number:012}",
        "samlIdentity": {"nameId": name, "username": None, "emails": [{"value": name}]},
        "scimIdentity": {"username": name, "emails": None},
        "user": None if user is None else {"databaseId": user["id"], "login": user["login"]},
    }


def _identities(github: Github) -> None:
    linked = [
        identity(1, "Mona@example.com", MONA),
        identity(2, "hubert@example.com", HUBOT),
        identity(3, "new@example.com", None),
    ]
    github.graph.organizations[ORG] = {
        "viewerCanAdminister": True,
        "samlIdentityProvider": {"externalIdentities": linked},
        "membersWithRole": [
            {"databaseId": each["id"], "organizationVerifiedDomainEmails": emails}
            for each, emails in ((MONA, []), (HUBOT, []), (OCTO, ["octavia@example.com"]))
        ],
    }
    github.graph.enterprises["example-inc"] = {
        "ownerInfo": {"samlIdentityProvider": None, "oidcProvider": None},
    }


def _rules(github: Github, org: str) -> None:
    places = github.places
    places[f"{org}/rulesets"] = [{"id": 1, "name": "main", "target": "branch", "enforcement": "active"}]
    places[f"{org}/rulesets/1"] = {
        "id": 1,
        "name": "main",
        "enforcement": "active",
        "bypass_actors": [{"actor_id": 1, "actor_type": "OrganizationAdmin", "bypass_mode": "always"}],
        "rules": [{"type": "pull_request", "parameters": {"required_approving_review_count": 1}}],
    }
    places[f"{org}/hooks"] = [
        {
            "id": 1,
            "name": "web",
            "active": True,
            "config": {"url": "https://hooks.example.com", "insecure_ssl": "0", "secret": SECRET},
        },
        {
            "id": 2,
            "name": "web",
            "active": True,
            "config": {"url": "http://old.example.com", "insecure_ssl": "0"},
        },
    ]
    board = {"id": 1, "app_slug": "board", "repository_selection": "all", "permissions": {"issues": "write"}}
    helper = {
        "id": 2,
        "app_slug": "helper",
        "repository_selection": "all",
        "permissions": {"workflows": "write"},
    }
    places[f"{org}/installations"] = Wrapped("installations", [board, helper])


def _actions(github: Github, org: str) -> None:
    places, policy = github.places, f"{org}/actions/permissions"
    places[policy] = {
        "enabled_repositories": "all",
        "allowed_actions": "selected",
        "sha_pinning_required": False,
    }
    places[f"{policy}/selected-actions"] = {"github_owned_allowed": True, "patterns_allowed": ["docker/*"]}
    places[f"{policy}/workflow"] = {
        "default_workflow_permissions": "read",
        "can_approve_pull_request_reviews": True,
    }
    places[f"{policy}/fork-pr-contributor-approval"] = {"approval_policy": "first_time_contributors"}
    places[f"{policy}/fork-pr-workflows-private-repos"] = {
        "run_workflows_from_fork_pull_requests": False,
        "send_write_tokens_to_workflows": False,
        "send_secrets_and_variables": False,
        "require_approval_for_fork_pr_workflows": True,
    }
    places[f"{policy}/self-hosted-runners"] = {"enabled_repositories": "none"}
    groups = [{"id": 1, "name": "Default", "visibility": "all", "allows_public_repositories": True}]
    places[f"{org}/actions/runner-groups"] = Wrapped("runner_groups", groups)
    runners = [
        {"id": 1, "name": "build-1", "os": "linux", "status": "online", "busy": False, "ephemeral": True}
    ]
    places[f"{org}/actions/runners"] = Wrapped("runners", runners)
    kept = [{"name": "DEPLOY", "visibility": "all", "created_at": ago(days=9), "updated_at": ago(days=9)}]
    places[f"{org}/actions/secrets"] = Wrapped("secrets", kept)


def _alerts(github: Github, org: str) -> None:
    places, where = github.places, {"id": 2, "name": "payroll", "full_name": f"{ORG}/payroll"}
    places[f"{org}/code-security/configurations"] = [
        {
            "id": 17,
            "name": "Strict",
            "target_type": "organization",
            "enforcement": "enforced",
            "secret_scanning": "enabled",
            "dependabot_alerts": "enabled",
        }
    ]
    places[f"{org}/code-security/configurations/defaults"] = [
        {"default_for_new_repos": "all", "configuration": {"id": 17, "name": "Strict"}}
    ]
    places[f"{org}/secret-scanning/alerts"] = [
        {
            "number": 1,
            "created_at": ago(days=30),
            "state": "open",
            "secret_type_display_name": "Amazon AWS Access Key ID",
            "secret": LEAKED,
            "validity": "unknown",
            "repository": where,
        }
    ]
    places[f"{org}/dependabot/alerts"] = [
        {
            "number": 4,
            "state": "open",
            "created_at": ago(days=1),
            "security_advisory": {"ghsa_id": "GHSA-aaaa-bbbb-cccc", "severity": "high"},
            "security_vulnerability": {"severity": "high"},
            "repository": where,
        }
    ]

    def findings(query: dict[str, str]) -> list[dict[str, Any]]:
        if query.get("severity") != "critical":
            return []
        rule = {"id": "py/sql-injection", "security_severity_level": "critical"}
        return [{"number": 2, "state": "open", "created_at": ago(days=90), "rule": rule, "repository": where}]

    places[f"{org}/code-scanning/alerts"] = findings


def _repositories(github: Github, org: str) -> None:
    places = github.places
    places[f"{org}/repos"] = [
        repository(1, "attic", archived=True),
        repository(2, "billing", security_and_analysis={"advanced_security": {"status": "disabled"}}),
        repository(3, "payroll", temp_clone_token="clone-token"),
        repository(4, "scratch", pushed_at=ago(days=800)),
        repository(5, "website", visibility="public", private=False),
    ]
    rule = {"type": "pull_request", "ruleset_id": 1, "parameters": {"required_approving_review_count": 1}}
    for name in REPOSITORIES:
        at = f"/repos/{ORG}/{name}"
        places[f"{at}/branches/main/protection"] = Refused(404, "Branch not protected")
        places[f"{at}/rules/branches/main"] = []
        places[f"{at}/code-scanning/default-setup"] = {"state": "configured", "languages": ["python"]}
        places[f"{at}/collaborators"] = []
        places[f"{at}/keys"] = []
        places[f"{at}/environments"] = Wrapped("environments", [])
    places[f"/repos/{ORG}/payroll/branches/main/protection"] = protection(2)
    places[f"/repos/{ORG}/website/rules/branches/main"] = [rule]
    places[f"/repos/{ORG}/scratch/collaborators"] = [GUEST]
    key = {"id": 1, "title": "ci", "key": "ssh-ed25519 AAAA", "read_only": False, "created_at": ago(days=700)}
    places[f"/repos/{ORG}/payroll/keys"] = [key]
    environment = {
        "id": 1,
        "name": "production",
        "protection_rules": [{"id": 1, "type": "required_reviewers"}],
    }
    places[f"/repos/{ORG}/payroll/environments"] = Wrapped("environments", [environment])
