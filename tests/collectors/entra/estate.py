"""A small tenant with something of every kind that is read."""

from typing import Any

from tests.collectors.entra.graph import TENANT, Graph

GLOBAL = "62e90394-69f5-4237-9190-012177145e10"
SECURITY = "194ae4cb-b126-40b2-bd5b-6091b380977d"
MICROSOFT = "f8cdef31-a31e-4b4a-93e4-5f571e91255a"
GRAPH = "00000003-0000-0000-c000-000000000000"
TAKES_OVER = "9e3f62cf-ca93-4989-b6ce-bf83c28f9fe8"
"""The permission RoleManagement.ReadWrite.Directory."""

USERS = 5
HINT = "xQ7"
"""The beginning of an application's secret, which Graph shows."""


def build(graph: Graph) -> None:
    """Put everything in its place."""
    _tenant(graph)
    _users(graph)
    _groups_and_roles(graph)
    _conditional_access(graph)
    _policies(graph)
    _applications(graph)
    _governance(graph)
    _devices(graph)
    _security(graph)


def identifier(kind: str, number: int) -> str:
    """An object id."""
    return f"{kind}0000000-0000-4000-8000-{number:012}"


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
    score = {"id": f"{TENANT}_2026-05-01", "currentScore": 300.0, "maxScore": 400.0}
    update = {"state": "Ignored", "comment": "", "assignedTo": "ann@contoso.com"}
    control = {"id": "MFARegistrationV2", "title": "Ensure all users can complete MFA"}
    graph.put("/security/secureScoreControlProfiles", [{**control, "controlStateUpdates": [update]}])
    graph.put("/security/secureScores", [score, {**score, "id": f"{TENANT}_2026-04-30"}])
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
    graph.put(
        "/roleManagement/directory/roleEligibilityScheduleInstances",
        [{"id": "e1", **instance, "endDateTime": None, "memberType": "Direct"}],
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


def _applications(graph: Graph) -> None:
    secret = {
        "keyId": identifier("d", 9),
        "displayName": "deploy",
        "hint": HINT,
        "secretText": None,
        "startDateTime": "2020-01-01T00:00:00Z",
        "endDateTime": "2021-01-01T00:00:00Z",
    }
    owners = [{"@odata.type": "#microsoft.graph.user", "id": identifier("a", 0)}]
    application = {"signInAudience": "AzureADMyOrg", "passwordCredentials": [], "keyCredentials": []}
    graph.put(
        "/applications",
        [
            {"id": identifier("d", number), "displayName": f"App {number}", **application, "owners": owners}
            for number in range(2)
        ]
        + [{"id": identifier("d", 2), **application, "passwordCredentials": [secret], "owners": []}],
    )
    principal = {"servicePrincipalType": "Application", "accountEnabled": True, "keyCredentials": []}
    graph.put(
        "/servicePrincipals",
        [
            {
                "id": identifier("d", number),
                "displayName": f"Service {number}",
                "appOwnerOrganizationId": owner,
                "passwordCredentials": [],
                "verifiedPublisher": {"displayName": None, "verifiedPublisherId": None},
                **principal,
            }
            for number, owner in enumerate((TENANT, identifier("f", 1), MICROSOFT), 10)
        ],
    )
    granted = [
        {
            "id": f"g{number}",
            "appRoleId": TAKES_OVER,
            "principalId": identifier("d", number),
            "principalDisplayName": f"Service {number}",
            "principalType": "ServicePrincipal",
        }
        for number in (11, 12)
    ]
    graph.put(f"/servicePrincipals(appId='{GRAPH}')/appRoleAssignedTo", granted)
    consent = {"id": "o1", "clientId": identifier("d", 11), "consentType": "AllPrincipals"}
    graph.put("/oauth2PermissionGrants", [{**consent, "scope": "openid User.Read"}])


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


def _devices(graph: Graph) -> None:
    device = {"accountEnabled": True, "isManaged": True, "isCompliant": True, "operatingSystem": "Windows"}
    graph.put(
        "/devices",
        [
            {
                "id": identifier("e", 20 + number),
                "displayName": f"User {number}'s laptop",
                "approximateLastSignInDateTime": "2025-01-01T00:00:00Z",
                **device,
            }
            for number in range(2)
        ],
    )
    kind = "#microsoft.graph.windows10CompliancePolicy"
    target = {"@odata.type": "#microsoft.graph.allDevicesAssignmentTarget"}
    policy = {
        "id": identifier("e", 30),
        "displayName": "Windows",
        "assignments": [{"id": "1", "target": target}],
    }
    graph.put("/deviceManagement/deviceCompliancePolicies", [{"@odata.type": kind, **policy}])
    managed = {
        "id": identifier("e", 31),
        "deviceName": "LAPTOP-1",
        "userPrincipalName": "user0@contoso.com",
        "operatingSystem": "Windows",
        "complianceState": "compliant",
        "isEncrypted": False,
        "jailBroken": "Unknown",
        "lastSyncDateTime": "2026-05-01T00:00:00Z",
    }
    graph.put("/deviceManagement/managedDevices", [managed])


def _security(graph: Graph) -> None:
    incident = {
        "id": "17",
        "displayName": "Malware on LAPTOP-1",
        "status": "active",
        "severity": "high",
        "assignedTo": None,
        "createdDateTime": "2026-01-01T00:00:00Z",
    }
    graph.put("/security/incidents", [incident], premium=True)
    simulation = {"id": identifier("e", 40), "displayName": "Invoice", "status": "succeeded"}
    graph.put(
        "/security/attackSimulation/simulations",
        [{**simulation, "launchDateTime": "2025-01-01T00:00:00Z"}],
        premium=True,
    )
