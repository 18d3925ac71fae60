"""What the organisation of the tests holds: something of every kind, some as it should be and some not."""

from typing import Any

from tests.collectors.okta import estate_security as security
from tests.collectors.okta.org import Org

ORG_ID = "00o1example"
USERS = 5
SECRET = "never-to-be-kept"


def user(number: int, status: str = "ACTIVE", **more: Any) -> dict[str, Any]:
    """One user as the list of users has it."""
    return {
        "id": f"00u{number}",
        "status": status,
        "created": "2024-01-01T00:00:00.000Z",
        "activated": "2024-01-02T00:00:00.000Z",
        "statusChanged": "2024-01-02T00:00:00.000Z",
        "lastLogin": "2025-12-01T00:00:00.000Z",
        "lastUpdated": "2025-12-01T00:00:00.000Z",
        "passwordChanged": "2025-06-01T00:00:00.000Z",
        "type": {"id": "oty1"},
        "profile": {
            "login": f"user{number}@example.com",
            "email": f"user{number}@example.com",
            "managerId": "00u1",
            "employeeNumber": str(number),
        },
        "credentials": {"provider": {"type": "OKTA", "name": "OKTA"}},
        "_links": {"self": {"href": f"https://example.okta.com/api/v1/users/00u{number}"}},
        **more,
    }


def factor(kind: str, status: str = "ACTIVE") -> dict[str, Any]:
    """One enrolled factor."""
    return {
        "id": f"f-{kind}",
        "factorType": kind,
        "provider": "OKTA",
        "status": status,
        "profile": {"credentialId": SECRET},
        "_embedded": {"activation": {"sharedSecret": SECRET}},
    }


def role(kind: str, assigned: str = "USER") -> dict[str, Any]:
    """One assignment of an administrator role."""
    return {"id": f"ra-{kind}", "label": kind, "type": kind, "status": "ACTIVE", "assignmentType": assigned}


def policy(policy_id: str, kind: str, **more: Any) -> dict[str, Any]:
    """One policy."""
    return {
        "id": policy_id,
        "name": policy_id,
        "type": kind,
        "status": "ACTIVE",
        "priority": 1,
        "system": False,
        **more,
    }


def rule(actions: dict[str, Any], **more: Any) -> dict[str, Any]:
    """One rule of a policy."""
    return {
        "id": "rul1",
        "name": "Catch-all",
        "status": "ACTIVE",
        "priority": 1,
        "conditions": None,
        "actions": actions,
        **more,
    }


def build(org: Org) -> None:
    """Fill the organisation."""
    _people(org)
    _groups(org)
    _policies(org)
    _apps(org)
    security.fill(org, SECRET)


def _people(org: Org) -> None:
    # One who never signed in, and one without an e-mail address.
    users = [
        user(1),
        user(2, lastLogin=None),
        user(3, profile={"login": "robot", "email": None}),
        user(4, "SUSPENDED"),
        user(5, "STAGED", lastLogin=None),
    ]
    org.lists |= {
        "/api/v1/users": users,
        '/api/v1/users?status eq "ACTIVE"': users[:3],
        '/api/v1/users?status eq "DEPROVISIONED"': [user(9, "DEPROVISIONED")],
        "/api/v1/users/00u1/factors": [factor("webauthn"), factor("sms")],
        "/api/v1/users/00u2/factors": [factor("sms")],
        **{f"/api/v1/users/00u{number}/factors": [] for number in (3, 4, 5)},
        "/api/v1/iam/assignees/users": [
            {"id": f"00u{number}", "orn": f"orn:okta:directory:{ORG_ID}:users:00u{number}"}
            for number in (1, 2, 4)
        ],
        "/api/v1/users/00u1/roles": [role("SUPER_ADMIN")],
        "/api/v1/users/00u2/roles": [role("SUPER_ADMIN"), role("APP_ADMIN", "GROUP")],
        "/api/v1/users/00u4/roles": [role("READ_ONLY_ADMIN")],
        "/api/v1/iam/roles": [{"id": "cr0", "label": "Helpers"}],
        "/api/v1/iam/resource-sets": [{"id": "iam1", "label": "Berlin"}],
    }
    org.objects |= {
        "/api/v1/users/me": user(1),
        "/api/v1/iam/roles/cr0/permissions": {"permissions": [{"label": "okta.users.read"}]},
        "/api/v1/iam/resource-sets/iam1/resources": {
            "resources": [{"id": "ire1", "orn": f"orn:okta:directory:{ORG_ID}:groups:00g2"}]
        },
        "/api/v1/iam/resource-sets/iam1/bindings": {"roles": [{"id": "cr0"}]},
        **{f"/api/v1/users/{each['id']}": each for each in users},
    }


def _groups(org: Org) -> None:
    def group(group_id: str, name: str, kind: str, stats: dict[str, Any]) -> dict[str, Any]:
        return {
            "id": group_id,
            "type": kind,
            "objectClass": ["okta:user_group"],
            "profile": {"name": name, "description": ""},
            "_embedded": {"stats": stats},
        }

    org.lists |= {
        "/api/v1/groups": [
            group("00g0", "Everyone", "BUILT_IN", {"hasAdminPrivlege": False}),
            group("00g1", "Helpers", "OKTA_GROUP", {"hasAdminPrivlege": True}),
            group("00g2", "Sales", "OKTA_GROUP", {}),  # does not say: must be asked for
        ],
        "/api/v1/groups/00g1/roles": [role("HELP_DESK_ADMIN", "GROUP")],
        "/api/v1/groups/00g1/users": [user(1), user(2), user(4, "SUSPENDED")],
        "/api/v1/groups/00g2/roles": [],
        "/api/v1/groups/rules": [
            {
                "id": "0pr1",
                "name": "All of sales",
                "type": "group_rule",
                "status": "ACTIVE",
                "actions": {"assignUserToGroups": {"groupIds": ["00g2"]}},
            }
        ],
    }


def _policies(org: Org) -> None:
    session = {"maxSessionIdleMinutes": 120, "maxSessionLifetimeMinutes": 720, "usePersistentCookie": False}
    verified = {"type": "ASSURANCE", "factorMode": "2FA", "reauthenticateIn": "PT2H", "constraints": []}
    password = {
        "complexity": {
            "minLength": 14,
            "minLowerCase": 1,
            "minUpperCase": 1,
            "minNumber": 1,
            "minSymbol": 0,
            "excludeUsername": True,
            "dictionary": {"common": {"exclude": True}},
        },
        "age": {"maxAgeDays": 0, "expireWarnDays": 0, "minAgeMinutes": 0, "historyCount": 5},
        "lockout": {"maxAttempts": 10, "autoUnlockMinutes": 0, "userLockoutNotificationChannels": []},
    }
    recovery = {"factors": {"okta_email": {"status": "ACTIVE"}, "okta_sms": {"status": "INACTIVE"}}}
    chosen = [
        {"key": "okta_verify", "enroll": {"self": "REQUIRED"}},
        {"key": "okta_password", "enroll": {"self": "REQUIRED"}},
        {"key": "phone_number", "enroll": {"self": "OPTIONAL"}},
    ]
    signon = {"access": "ALLOW", "requireFactor": True, "session": session}
    enrolled = {"access": "ALLOW", "unknownUserAction": "DENY"}
    held: dict[str, tuple[dict[str, Any], list[dict[str, Any]]]] = {
        "OKTA_SIGN_ON": ({}, [rule({"signon": signon})]),
        "PASSWORD": (
            {
                "conditions": {"authProvider": {"provider": "OKTA"}},
                "settings": {"password": password, "recovery": recovery},
            },
            [rule({"passwordChange": {"access": "ALLOW"}, "selfServiceUnlock": {"access": "DENY"}})],
        ),
        "MFA_ENROLL": (
            {"settings": {"type": "AUTHENTICATORS", "authenticators": chosen}},
            [rule({"enroll": {"self": "LOGIN"}})],
        ),
        "ACCESS_POLICY": ({}, [rule({"appSignOn": {"access": "ALLOW", "verificationMethod": verified}})]),
        "PROFILE_ENROLLMENT": ({}, [rule({"profileEnrollment": enrolled})]),
        "IDP_DISCOVERY": ({}, [rule({"idp": {"providers": [{"type": "OKTA"}]}})]),
        "POST_AUTH_SESSION": ({}, [rule({"postAuthSession": {"failureActions": []}})]),
        "ENTITY_RISK": ({}, [rule({"entityRisk": {"actions": []}})]),
    }
    for kind, (more, rules) in held.items():
        policy_id = f"pol-{kind.lower()}"
        org.lists[f"/api/v1/policies?{kind}"] = [policy(policy_id, kind, **more)]
        org.lists[f"/api/v1/policies/{policy_id}/rules"] = rules


def _apps(org: Org) -> None:
    linked = {"accessPolicy": {"href": "https://example.okta.com/api/v1/policies/pol-access_policy"}}
    service = {
        "id": "0oa3",
        "name": "oidc_client",
        "label": "Reader",
        "status": "ACTIVE",
        "signOnMode": "OPENID_CONNECT",
        "lastUpdated": "2025-01-01T00:00:00.000Z",
        "credentials": {
            "oauthClient": {
                "client_id": "0oa3",
                "client_secret": SECRET,
                "token_endpoint_auth_method": "private_key_jwt",
            }
        },
        "settings": {
            "oauthClient": {"grant_types": ["client_credentials"], "application_type": "service"},
            "notes": {"admin": SECRET},
        },
    }
    apps: list[dict[str, Any]] = [
        {
            "id": "0oa1",
            "name": "saasure",
            "label": "Okta Admin Console",
            "status": "ACTIVE",
            "signOnMode": "OPENID_CONNECT",
            "_links": linked,
            "settings": {},
        },
        {
            "id": "0oa2",
            "name": "acme",
            "label": "Acme",
            "status": "ACTIVE",
            "signOnMode": "SAML_2_0",
            "settings": {"app": {"url": SECRET}, "signOn": {"signatureAlgorithm": "RSA_SHA256"}},
        },
        service,
    ]
    scheduled = {"token": {"accessTokenLifetimeMinutes": 60, "refreshTokenLifetimeMinutes": 0}}
    server = "/api/v1/authorizationServers"
    org.lists |= {
        "/api/v1/apps": apps,
        '/api/v1/apps?status eq "ACTIVE"': apps,
        "/api/v1/apps/0oa1/groups": [{"id": "00g1", "priority": 0}],
        "/api/v1/apps/0oa2/groups": [{"id": "00g0", "priority": 0}],
        "/api/v1/apps/0oa3/groups": [],
        "/api/v1/apps/0oa3/users": [],
        "/api/v1/apps/0oa3/grants": [{"id": "oag1", "scopeId": "okta.users.read", "status": "ACTIVE"}],
        "/oauth2/v1/clients/0oa3/roles": [role("READ_ONLY_ADMIN", "CLIENT")],
        "/integrations/api/v1/api-services": [
            {"id": "0oa8", "type": "siem", "name": "SIEM", "grantedScopes": ["okta.logs.read"]}
        ],
        "/api/v1/api-tokens": [
            {
                "id": "00T1",
                "name": "Annexa",
                "userId": "00u4",
                "created": "2025-06-01T00:00:00.000Z",
                "network": {"connection": "ANYWHERE"},
            }
        ],
        server: [
            {
                "id": "aus1",
                "name": "default",
                "status": "ACTIVE",
                "audiences": ["api://default"],
                "credentials": {"signing": {"rotationMode": "AUTO"}},
            }
        ],
        f"{server}/aus1/policies": [
            {"id": "00p1", "status": "ACTIVE", "conditions": {"clients": {"include": ["ALL_CLIENTS"]}}}
        ],
        f"{server}/aus1/policies/00p1/rules": [{"id": "0pr9", "status": "ACTIVE", "actions": scheduled}],
    }
