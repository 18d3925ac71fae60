"""The policies of the small tenant, and how it governs access."""

from tests.collectors.entra.graph import Graph
from tests.collectors.entra.names import identifier


def build(graph: Graph) -> None:
    """Put the policies in their places."""
    _conditional_access(graph)
    _policies(graph)
    _governance(graph)


def _conditional_access(graph: Graph) -> None:
    everybody = {"includeUsers": ["All"], "excludeUsers": [identifier("a", 0)], "excludeGroups": []}
    conditions = {
        "users": {**everybody, "includeGroups": [], "includeRoles": [], "excludeRoles": []},
        "applications": {"includeApplications": ["All"], "includeUserActions": []},
        "clientAppTypes": ["all"],
        "signInRiskLevels": [],
        "userRiskLevels": [],
        "platforms": None,
        "locations": None,
        "devices": None,
        "authenticationFlows": None,
    }
    grant = {
        "operator": "OR",
        "builtInControls": ["mfa"],
        "customAuthenticationFactors": [],
        "termsOfUse": [],
    }
    policy = {
        "id": identifier("e", 1),
        "displayName": "Second factor for all",
        "state": "enabled",
        "conditions": conditions,
        "grantControls": {**grant, "authenticationStrength": None},
        "sessionControls": None,
    }
    graph.put("/identity/conditionalAccess/policies", [policy])
    ranges = [{"@odata.type": "#microsoft.graph.iPv4CidrRange", "cidrAddress": "198.51.100.0/24"}]
    location = {"id": identifier("e", 2), "displayName": "Office", "isTrusted": True, "ipRanges": ranges}
    kind = "#microsoft.graph.ipNamedLocation"
    graph.put("/identity/conditionalAccess/namedLocations", [{"@odata.type": kind, **location}])


def _policies(graph: Graph) -> None:
    strength = {"id": "00000000-0000-0000-0000-000000000004", "displayName": "Phishing-resistant MFA"}
    graph.put("/policies/authenticationStrengthPolicies", [{**strength, "allowedCombinations": ["fido2"]}])
    methods = [{"id": "Sms", "state": "disabled"}, {"id": "Voice", "state": "enabled"}]
    graph.put(
        "/policies/authenticationMethodsPolicy",
        {"id": "authenticationMethodsPolicy", "authenticationMethodConfigurations": methods},
    )
    permissions = {"allowedToCreateApps": False, "allowedToCreateTenants": True}
    graph.put(
        "/policies/authorizationPolicy",
        {
            "id": "authorizationPolicy",
            "allowInvitesFrom": "everyone",
            "guestUserRoleId": "2af84b1e-32c8-42b7-82bc-daa82404023b",
            "defaultUserRolePermissions": permissions,
        },
    )
    target = {"usersAndGroups": {"accessType": "blocked", "targets": []}}
    graph.put(
        "/policies/crossTenantAccessPolicy/default",
        {"isServiceDefault": True, "b2bDirectConnectInbound": target},
    )
    partner = {"tenantId": identifier("f", 1), "isServiceProvider": None, "b2bDirectConnectInbound": None}
    graph.put("/policies/crossTenantAccessPolicy/partners", [partner])
    defaults = {"id": "00000000-0000-0000-0000-000000000005", "isEnabled": False}
    graph.put("/policies/identitySecurityDefaultsEnforcementPolicy", defaults)
    graph.put("/policies/adminConsentRequestPolicy", {"isEnabled": True, "reviewers": []})
    grant = {"id": "microsoft-user-default-low", "displayName": "Low", "includes": [], "excludes": []}
    graph.put("/policies/permissionGrantPolicies", [grant])
    graph.put(
        "/policies/deviceRegistrationPolicy",
        {"id": "deviceRegistrationPolicy", "userDeviceQuota": 10, "localAdminPassword": {"isEnabled": True}},
    )
    graph.put("/policies/defaultAppManagementPolicy", {"id": "default", "isEnabled": False})


def _governance(graph: Graph) -> None:
    base = "/identityGovernance"
    review = {
        "id": identifier("e", 10),
        "displayName": "Guests",
        "status": "InProgress",
        "createdBy": {
            "id": identifier("a", 0),
            "displayName": "User 0",
            "userPrincipalName": "user0@contoso.com",
        },
        "scope": {"@odata.type": "#microsoft.graph.accessReviewQueryScope", "query": "/users"},
        "settings": {"autoApplyDecisionsEnabled": True, "recurrence": None},
    }
    graph.put(f"{base}/accessReviews/definitions", [review], premium=True)
    catalog = {"id": identifier("e", 11), "displayName": "General", "catalogType": "serviceDefault"}
    graph.put(f"{base}/entitlementManagement/catalogs", [catalog], premium=True)
    package = {"id": identifier("e", 12), "displayName": "Sales", "assignmentPolicies": []}
    graph.put(f"{base}/entitlementManagement/accessPackages", [package], premium=True)
    workflow = {"id": identifier("e", 13), "displayName": "Leave", "category": "leaver", "isEnabled": True}
    graph.put(
        f"{base}/lifecycleWorkflows/workflows", [{**workflow, "isSchedulingEnabled": True}], premium=True
    )
