"""The applications and devices of the small tenant, and what happens to them."""

from tests.collectors.entra.graph import TENANT, Graph
from tests.collectors.entra.names import GRAPH, HINT, MICROSOFT, TAKES_OVER, identifier


def build(graph: Graph) -> None:
    """Put the applications and devices in their places."""
    _applications(graph)
    _devices(graph)
    _security(graph)


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
