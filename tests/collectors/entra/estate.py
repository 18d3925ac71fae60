"""A small tenant with something of every kind that is read."""

from typing import Any

from tests.collectors.entra import estate_policies, estate_things
from tests.collectors.entra.graph import TENANT, Graph
from tests.collectors.entra.names import (
    GLOBAL,
    GRAPH,
    HINT,
    MICROSOFT,
    SECURITY,
    identifier,
)

__all__ = ["GLOBAL", "GRAPH", "HINT", "MICROSOFT", "USERS", "build", "identifier", "user"]

USERS = 5


def build(graph: Graph) -> None:
    """Put everything in its place."""
    _tenant(graph)
    _users(graph)
    _groups_and_roles(graph)
    estate_policies.build(graph)
    estate_things.build(graph)


def user(number: int, **more: Any) -> dict[str, Any]:
    """A user; the fourth is a guest without an address, the fifth is disabled."""
    guest = number == 3
    name = f"user{number}{'_fabrikam.com#EXT#' if guest else ''}@contoso.com"
    return {
        "id": identifier("a", number),
        "displayName": f"User {number}",
        "userPrincipalName": name,
        "mail": None if guest else name,
        "accountEnabled": number != 4,
        "userType": "Guest" if guest else "Member",
        "createdDateTime": "2024-01-01T00:00:00Z",
        "externalUserState": "PendingAcceptance" if guest else None,
        "onPremisesSyncEnabled": True if number == 1 else None,
        "passwordPolicies": None,
        "employeeLeaveDateTime": "2026-01-31T00:00:00Z" if number == 2 else None,
        "assignedLicenses": [{"skuId": identifier("b", 1), "disabledPlans": []}],
        "signInActivity": {
            "lastSignInDateTime": "2025-01-01T00:00:00Z",
            "lastSignInRequestId": f"request-{number}",
            "lastNonInteractiveSignInDateTime": None,
        },
        **more,
    }


def _tenant(graph: Graph) -> None:
    organization = {
        "id": TENANT,
        "displayName": "Contoso",
        "technicalNotificationMails": ["ann@contoso.com"],
        "onPremisesSyncEnabled": True,
        "onPremisesLastSyncDateTime": "2026-05-01T00:00:00Z",
        "verifiedDomains": [{"name": "contoso.com", "isDefault": True, "type": "Managed"}],
    }
    graph.put("/organization", [organization])
    domain = {"isVerified": True, "passwordValidityPeriodInDays": 2147483647, "isDefault": True}
    graph.put(
        "/domains",
        [
            {"id": "contoso.com", "authenticationType": "Managed", **domain},
            {"id": "corp.contoso.com", "authenticationType": "Federated", **domain},
        ],
    )
    federation = {
        "id": identifier("b", 2),
        "issuerUri": "https://sts.contoso.com/adfs",
        "federatedIdpMfaBehavior": "acceptIfMfaDoneByFederatedIdp",
    }
    graph.put("/domains/corp.contoso.com/federationConfiguration", [federation])
    units = {"enabled": 25, "suspended": 0, "warning": 0}
    sku = {"id": "x_y", "skuId": identifier("b", 1), "skuPartNumber": "SPE_E5", "consumedUnits": 5}
    graph.put("/subscribedSkus", [{**sku, "prepaidUnits": units}])
    values = [
        {"name": "EnableBannedPasswordCheck", "value": "True"},
        {"name": "BannedPasswordList", "value": "contoso"},
    ]
    graph.put(
        "/groupSettings",
        [{"id": identifier("b", 3), "displayName": "Password Rule Settings", "values": values}],
    )
    day = {"id": f"{TENANT}_2026-05-01", "createdDateTime": "2026-05-01T00:00:00Z"}
    score = {**day, "currentScore": 300.0, "maxScore": 400.0}
    update = {"state": "Ignored", "comment": "", "assignedTo": "ann@contoso.com"}
    control = {"id": "MFARegistrationV2", "title": "Ensure all users can complete MFA"}
    graph.put("/security/secureScoreControlProfiles", [{**control, "controlStateUpdates": [update]}])
    graph.put(
        "/security/secureScores",
        [score, {**score, "id": f"{TENANT}_2026-04-30", "createdDateTime": "2026-04-30T00:00:00Z"}],
    )
    graph.put(
        "/admin/sharepoint/settings",
        {"sharingCapability": "externalUserSharingOnly", "isLegacyAuthProtocolsEnabled": False},
    )


def _users(graph: Graph) -> None:
    users = [user(number) for number in range(USERS)]
    graph.put("/users", users)
    for each in users:
        graph.put(f"/users/{each['id']}", each)
    graph.put(
        "/reports/authenticationMethods/userRegistrationDetails",
        [_registration(number) for number in range(USERS)],
        premium=True,
    )
    risky = {"riskLevel": "high", "riskState": "atRisk", "riskLastUpdatedDateTime": "2026-01-01T00:00:00Z"}
    named = {"id": identifier("a", 2), "userPrincipalName": "user2@contoso.com", "userDisplayName": "User 2"}
    graph.put("/identityProtection/riskyUsers", [{**named, **risky, "isDeleted": False}], premium=True)


def _registration(number: int) -> dict[str, Any]:
    capable = number != 2
    return {
        "id": identifier("a", number),
        "userPrincipalName": f"user{number}@contoso.com",
        "userDisplayName": f"User {number}",
        "userType": "member",
        "isAdmin": number < 2,
        "isMfaCapable": capable,
        "isMfaRegistered": capable,
        "isSsprEnabled": False,
        "isSsprRegistered": False,
        "methodsRegistered": ["fido2SecurityKey"] if number == 0 else ["microsoftAuthenticatorPush"],
        "lastUpdatedDateTime": "2026-05-01T00:00:00Z",
    }


def _groups_and_roles(graph: Graph) -> None:
    admins, inner = identifier("c", 1), identifier("c", 2)
    graph.put(
        "/groups",
        [
            {"id": admins, "displayName": "Admins", "isAssignableToRole": True, "groupTypes": []},
            {"id": inner, "displayName": "Everybody", "isAssignableToRole": None, "groupTypes": ["Unified"]},
        ],
    )
    # The groups are members of each other; Graph names each once.
    members = [
        {"@odata.type": "#microsoft.graph.user", **user(1)},
        {"@odata.type": "#microsoft.graph.group", "id": inner, "displayName": "Everybody"},
        {"@odata.type": "#microsoft.graph.group", "id": admins, "displayName": "Admins"},
        {"@odata.type": "#microsoft.graph.user", **user(4)},
    ]
    graph.put(f"/groups/{admins}/transitiveMembers", members)
    graph.put(f"/groups/{admins}/owners", [{"@odata.type": "#microsoft.graph.user", **user(0)}])
    definitions = [
        {"id": GLOBAL, "displayName": "Global Administrator", "isBuiltIn": True, "rolePermissions": []},
        {"id": SECURITY, "displayName": "Security Administrator", "isBuiltIn": True, "rolePermissions": []},
    ]
    graph.put("/roleManagement/directory/roleDefinitions", definitions)
    gone = identifier("a", 99)
    graph.put(
        "/roleManagement/directory/roleAssignments",
        [
            _assignment("1", identifier("a", 0), "user"),
            _assignment("2", admins, "group"),
            _assignment("3", identifier("d", 1), "servicePrincipal"),
            _assignment("4", gone, "user"),
        ],
    )
    instance = {"principalId": identifier("a", 0), "roleDefinitionId": GLOBAL, "directoryScopeId": "/"}
    principal = {"@odata.type": "#microsoft.graph.user", "id": identifier("a", 0)}
    group = {"@odata.type": "#microsoft.graph.group", "id": admins}
    graph.put(
        "/roleManagement/directory/roleEligibilityScheduleInstances",
        [
            {"id": "e1", **instance, "endDateTime": None, "principal": principal, "memberType": "Direct"},
            {"id": "e2", **instance, "endDateTime": None, "principalId": admins, "principal": group},
        ],
        premium=True,
    )
    graph.put(
        "/roleManagement/directory/roleAssignmentScheduleInstances",
        [{"id": "i1", **instance, "endDateTime": None, "assignmentType": "Assigned"}],
        premium=True,
    )
    rules = [
        {
            "@odata.type": "#microsoft.graph.unifiedRoleManagementPolicyEnablementRule",
            "id": "Enablement_EndUser_Assignment",
            "enabledRules": ["MultiFactorAuthentication", "Justification"],
        }
    ]
    policy = {"id": "p1", "displayName": "DirectoryRole", "rules": rules}
    assigned = {"id": "r1", "policyId": "p1", "roleDefinitionId": GLOBAL, "policy": policy}
    graph.put("/policies/roleManagementPolicyAssignments", [assigned], premium=True)


def _assignment(number: str, principal: str, kind: str) -> dict[str, Any]:
    return {
        "id": f"assignment-{number}",
        "principalId": principal,
        "roleDefinitionId": GLOBAL,
        "directoryScopeId": "/",
        "principal": {
            "@odata.type": f"#microsoft.graph.{kind}",
            "id": principal,
            "displayName": f"{kind} {number}",
        },
    }
