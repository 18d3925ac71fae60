"""A small tenant: two subscriptions, and in the first of them something of most kinds."""

from typing import Any

from tests.collectors.azure.arm import TENANT, Arm

SUBSCRIPTION = "aaaaaaaa-0000-4000-8000-000000000001"
DISABLED = "aaaaaaaa-0000-4000-8000-000000000002"
GROUP = "corp"

ACCOUNTS = 5
BREACHES = 3
"""Storage accounts that break a rule: more than are on one page."""
OWNER = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635"
"""The number of the built-in role Owner, which is the same everywhere."""
COMMAND = "provision --password hunter2"
"""A secret in the settings of an extension."""

_SUB = f"/subscriptions/{SUBSCRIPTION}"
_RG = f"{_SUB}/resourceGroups/Payroll/providers"
_NO_BLOB = ("FeatureNotSupportedForAccount", "Blob is not supported for the account.")


def build(arm: Arm) -> None:
    """Put everything in its place."""
    _tenant(arm)
    _storage(arm)
    _keyvault(arm)
    _network(arm)
    _compute(arm)
    _governance(arm)
    _sql(arm)
    _web(arm)
    _platform(arm)


def resource(namespace: str, of: str, name: str, properties: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A resource as its list gives it."""
    return {
        "id": f"{_RG}/{namespace}/{of}/{name}",
        "name": name,
        "type": f"{namespace}/{of}",
        "location": "westeurope",
        "properties": properties,
        **more,
    }


def _list(arm: Arm, kind: str, version: str, *resources: dict[str, Any]) -> None:
    arm.put(f"{_SUB}/providers/{kind}", list(resources), version)


def _extension(name: str, namespace: str, kind: str, properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": f"{_SUB}/providers/{namespace}/{kind}/{name}",
        "name": name,
        "type": f"{namespace}/{kind}",
        "properties": properties,
    }


def subscription(number: str, name: str, state: str) -> dict[str, Any]:
    return {
        "id": f"/subscriptions/{number}",
        "subscriptionId": number,
        "tenantId": TENANT,
        "displayName": name,
        "state": state,
    }


def _tenant(arm: Arm) -> None:
    enabled = subscription(SUBSCRIPTION, "Payroll", "Enabled")
    arm.put("/subscriptions", [enabled, subscription(DISABLED, "Old", "Disabled")], "2022-12-01")
    arm.put(_SUB, enabled, "2022-12-01")
    group = {"id": f"{_SUB}/resourceGroups/Payroll", "name": "Payroll", "location": "westeurope"}
    arm.put(f"{_SUB}/resourceGroups", [{**group, "type": "Microsoft.Resources/resourceGroups"}], "2021-04-01")
    arm.put(
        f"/providers/Microsoft.Management/managementGroups/{GROUP}/descendants",
        [
            {"id": "/x", "name": "sandbox", "type": "Microsoft.Management/managementGroups"},
            {"id": "/y", "name": SUBSCRIPTION, "type": "Microsoft.Management/managementGroups/subscriptions"},
        ],
        "2020-05-01",
    )
    _management_group(arm)
    roles = [{"actions": ["*/read"], "notActions": [], "dataActions": [], "notDataActions": []}]
    arm.put(f"{_SUB}/providers/Microsoft.Authorization/permissions", roles, "2022-04-01")


def _management_group(arm: Arm) -> None:
    path = f"/providers/Microsoft.Management/managementGroups/{GROUP}"
    properties: dict[str, Any] = {"tenantId": TENANT, "displayName": "Corporation"}
    named = {
        "id": path,
        "name": GROUP,
        "type": "Microsoft.Management/managementGroups",
        "properties": properties,
    }
    groups = path.rpartition("/")[0]
    arm.put(groups, [named], "2023-04-01")
    arm.places[groups.lower()].link = "@nextLink"
    child = {"id": _SUB, "type": "/subscriptions", "name": SUBSCRIPTION, "displayName": "Payroll"}
    arm.put(path, {**named, "properties": {**properties, "children": [child]}}, "2023-04-01")


def account(number: int) -> dict[str, Any]:
    """A storage account; the first takes plain HTTP, the last holds files only."""
    return resource(
        "Microsoft.Storage",
        "storageAccounts",
        f"account{number}",
        {
            "supportsHttpsTrafficOnly": number > 0,
            "minimumTlsVersion": "TLS1_2",
            "allowBlobPublicAccess": False,
            "publicNetworkAccess": "Enabled",
            "networkAcls": {"bypass": "AzureServices", "defaultAction": "Deny", "ipRules": []},
            "encryption": {"keySource": "Microsoft.Storage"},
        },
        kind="FileStorage" if number == ACCOUNTS - 1 else "StorageV2",
        sku={"name": "Standard_LRS", "tier": "Standard"},
        tags={"owner": f"tag-secret-{number}"},
    )


def _storage(arm: Arm) -> None:
    accounts = [account(number) for number in range(ACCOUNTS)]
    # Azure writes the ids of one account in several ways.
    accounts[1]["id"] = accounts[1]["id"].replace("resourceGroups/Payroll", "resourcegroups/PAYROLL")
    _list(arm, "Microsoft.Storage/storageAccounts", "2023-05-01", *accounts)
    for each in accounts:
        blob, file = f"{each['id']}/blobServices/default", f"{each['id']}/fileServices/default"
        arm.put(
            file,
            _service(file, "fileServices", {"shareDeleteRetentionPolicy": {"enabled": True, "days": 7}}),
            "2023-05-01",
        )
        if each["kind"] == "FileStorage":
            for path in (blob, f"{blob}/containers"):
                arm.put(path, None, "2023-05-01")
                arm.places[path.lower()].absent = _NO_BLOB
            continue
        retention = {"deleteRetentionPolicy": {"enabled": True, "days": 30}, "isVersioningEnabled": True}
        arm.put(blob, _service(blob, "blobServices", retention), "2023-05-01")
        container = {
            "id": f"{blob}/containers/reports",
            "name": "reports",
            "type": "Microsoft.Storage/storageAccounts/blobServices/containers",
            "etag": '"0x8D9"',
            "properties": {"publicAccess": "None", "hasImmutabilityPolicy": False},
        }
        arm.put(f"{blob}/containers", [container], "2023-05-01")


def _service(path: str, kind: str, properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": path,
        "name": "default",
        "type": f"Microsoft.Storage/storageAccounts/{kind}",
        "properties": properties,
    }


def _keyvault(arm: Arm) -> None:
    vault = resource(
        "Microsoft.KeyVault",
        "vaults",
        "payroll-vault",
        {
            "tenantId": TENANT,
            "enableSoftDelete": True,
            "enablePurgeProtection": True,
            "enableRbacAuthorization": True,
            "publicNetworkAccess": "Disabled",
        },
    )
    _list(arm, "Microsoft.KeyVault/vaults", "2023-07-01", vault)
    arm.put(f"{vault['id']}/providers/Microsoft.Insights/diagnosticSettings", [], "2021-05-01-preview")
    for kind in ("keys", "secrets"):
        one = resource(
            "Microsoft.KeyVault/vaults/payroll-vault", kind, "one", {"attributes": {"enabled": True}}
        )
        arm.put(f"{vault['id']}/{kind}", [{**one, "type": f"Microsoft.KeyVault/vaults/{kind}"}], "2023-07-01")


def _network(arm: Arm) -> None:
    rule = {
        "name": "ssh",
        "etag": 'W/"1"',
        "properties": {
            "access": "Allow",
            "direction": "Inbound",
            "protocol": "Tcp",
            "priority": 100,
            "sourceAddressPrefix": "*",
            "destinationPortRange": "22",
        },
    }
    group = resource(
        "Microsoft.Network", "networkSecurityGroups", "front", {"securityRules": [rule]}, etag='W/"1"'
    )
    _list(arm, "Microsoft.Network/networkSecurityGroups", "2024-01-01", group)
    watcher = resource("Microsoft.Network", "networkWatchers", "watcher", {"provisioningState": "Succeeded"})
    _list(arm, "Microsoft.Network/networkWatchers", "2024-01-01", watcher)
    flow = {
        "id": f"{watcher['id']}/flowLogs/front",
        "name": "front",
        "type": "Microsoft.Network/networkWatchers/flowLogs",
        "location": "westeurope",
        "properties": {
            "targetResourceId": group["id"],
            "enabled": True,
            "retentionPolicy": {"days": 90, "enabled": True},
        },
    }
    arm.put(f"{watcher['id']}/flowLogs", [flow], "2024-01-01")
    for kind in (
        "virtualNetworks",
        "networkInterfaces",
        "publicIPAddresses",
        "applicationGateways",
        "ApplicationGatewayWebApplicationFirewallPolicies",
        "azureFirewalls",
        "firewallPolicies",
        "bastionHosts",
        "ddosProtectionPlans",
    ):
        _list(arm, f"Microsoft.Network/{kind}", "2024-01-01")


def _compute(arm: Arm) -> None:
    size = {"hardwareProfile": {"vmSize": "Standard_B1s"}}
    bare = resource("Microsoft.Compute", "virtualMachines", "bare", size)
    machine = resource("Microsoft.Compute", "virtualMachines", "ledger", size)
    script = {
        "id": f"{machine['id']}/extensions/script",
        "name": "script",
        "type": "Microsoft.Compute/virtualMachines/extensions",
        "location": "westeurope",
        "properties": {"publisher": "Microsoft.Azure.Extensions", "settings": {"commandToExecute": COMMAND}},
    }
    machine["resources"] = [{"id": script["id"]}]
    _list(arm, "Microsoft.Compute/virtualMachines", "2024-03-01", bare, machine)
    arm.put(f"{machine['id']}/extensions", [script], "2024-03-01")
    _list(arm, "Microsoft.Compute/virtualMachineScaleSets", "2024-03-01")
    _list(arm, "Microsoft.Compute/images", "2024-03-01")
    _list(arm, "Microsoft.GuestConfiguration/guestConfigurationAssignments", "2022-01-25")
    for kind in ("disks", "snapshots", "diskEncryptionSets"):
        _list(arm, f"Microsoft.Compute/{kind}", "2023-10-02")


def _governance(arm: Arm) -> None:
    owner = {
        "roleDefinitionId": f"{_SUB}/providers/Microsoft.Authorization/roleDefinitions/{OWNER}",
        "principalId": "p",
        "principalType": "User",
        "scope": _SUB,
    }
    _list(
        arm,
        "Microsoft.Authorization/roleAssignments",
        "2022-04-01",
        _extension("ra", "Microsoft.Authorization", "roleAssignments", owner),
    )
    _list(
        arm,
        "Microsoft.Authorization/roleDefinitions",
        "2022-04-01",
        _extension(
            "cr",
            "Microsoft.Authorization",
            "roleDefinitions",
            {"roleName": "Operators", "type": "CustomRole"},
        ),
    )
    assignment = {"scope": f"/providers/Microsoft.Management/managementGroups/{GROUP}", "parameters": {}}
    assigned = _extension("rules", "Microsoft.Authorization", "policyAssignments", assignment)
    _list(arm, "Microsoft.Authorization/policyAssignments", "2024-04-01", assigned)
    arm.put_query(
        f"{_SUB}/providers/Microsoft.PolicyInsights/policyStates/latest/queryResults",
        [
            {
                "@odata.id": None,
                "resourceId": account(number)["id"],
                "resourceType": "Microsoft.Storage/storageAccounts",
                "policyAssignmentId": assigned["id"],
                "policyDefinitionId": "/providers/Microsoft.Authorization/policyDefinitions/plain-http",
                "policyDefinitionAction": "audit",
                "complianceState": "NonCompliant",
            }
            for number in range(BREACHES)
        ],
        "2019-10-01",
    )
    _list(arm, "Microsoft.Authorization/policyExemptions", "2022-07-01-preview")
    _list(
        arm,
        "Microsoft.Authorization/locks",
        "2020-05-01",
        _extension("keep", "Microsoft.Authorization", "locks", {"level": "CanNotDelete"}),
    )
    _list(
        arm,
        "Microsoft.Security/pricings",
        "2024-01-01",
        _extension(
            "KeyVaults",
            "Microsoft.Security",
            "pricings",
            {"pricingTier": "Standard", "freeTrialRemainingTime": "PT0S"},
        ),
    )
    _list(arm, "Microsoft.Security/securityContacts", "2023-12-01-preview")
    _list(arm, "Microsoft.Security/settings", "2022-05-01")
    _list(arm, "Microsoft.Security/assessments", "2021-06-01")
    _list(arm, "Microsoft.Security/alerts", "2022-01-01")
    _list(arm, "Microsoft.Insights/activityLogAlerts", "2020-10-01")
    _list(arm, "Microsoft.Insights/diagnosticSettings", "2021-05-01-preview")
    _list(arm, "Microsoft.OperationalInsights/workspaces", "2023-09-01")


def _sql(arm: Arm) -> None:
    version = "2021-11-01"
    server = resource(
        "Microsoft.Sql",
        "servers",
        "ledger-sql",
        {"publicNetworkAccess": "Disabled", "minimalTlsVersion": "1.2"},
        kind="v12.0",
    )
    _list(arm, "Microsoft.Sql/servers", version, server)
    for path, properties in (
        ("auditingSettings/default", {"state": "Enabled", "isAzureMonitorTargetEnabled": True}),
        ("securityAlertPolicies/Default", {"state": "Enabled"}),
        ("encryptionProtector/current", {"serverKeyType": "ServiceManaged"}),
    ):
        place = f"{server['id']}/{path}"
        arm.put(place, {"id": place, "name": place.rsplit("/", 1)[1], "properties": properties}, version)
    for path in ("firewallRules", "administrators", "azureADOnlyAuthentications"):
        arm.put(f"{server['id']}/{path}", [], version)
    database = {
        "id": f"{server['id']}/databases/ledger",
        "name": "ledger",
        "type": "Microsoft.Sql/servers/databases",
        "location": "westeurope",
        "properties": {"status": "Online", "earliestRestoreDate": "2026-01-01T00:00:00Z"},
    }
    arm.put(f"{server['id']}/databases", [database], version)
    encryption = f"{database['id']}/transparentDataEncryption/current"
    arm.put(encryption, {"id": encryption, "name": "current", "properties": {"state": "Enabled"}}, version)
    masking = f"{database['id']}/dataMaskingPolicies/Default"
    policy = {"id": masking, "name": "Default", "properties": {"dataMaskingState": "Disabled"}}
    arm.put(masking, policy, version)


def _web(arm: Arm) -> None:
    version = "2023-12-01"
    site = resource("Microsoft.Web", "sites", "shop", {"httpsOnly": True, "enabled": True}, kind="app,linux")
    _list(arm, "Microsoft.Web/sites", version, site)
    for name, properties in (
        ("web", {"minTlsVersion": "1.2", "ftpsState": "FtpsOnly", "remoteDebuggingEnabled": False}),
        ("authsettingsV2", {"platform": {"enabled": False}}),
    ):
        place = f"{site['id']}/config/{name}"
        found = {"id": place, "name": name, "type": "Microsoft.Web/sites/config", "properties": properties}
        arm.put(place, found, version)
    kind = "basicPublishingCredentialsPolicies"
    policies = [
        {"id": f"{site['id']}/{kind}/{name}", "properties": {"allow": name == "ftp"}}
        for name in ("ftp", "scm")
    ]
    arm.put(f"{site['id']}/{kind}", policies, version)
    arm.put(f"{site['id']}/providers/Microsoft.Insights/diagnosticSettings", [], "2021-05-01-preview")


def _platform(arm: Arm) -> None:
    """Kinds that the subscription has none of."""
    for kind, version in (
        ("Microsoft.ApiManagement/service", "2022-08-01"),
        ("Microsoft.App/containerApps", "2024-03-01"),
        ("Microsoft.App/managedEnvironments", "2024-03-01"),
        ("Microsoft.Automation/automationAccounts", "2023-11-01"),
        ("Microsoft.Cache/redis", "2024-03-01"),
        ("Microsoft.CognitiveServices/accounts", "2023-05-01"),
        ("Microsoft.ContainerRegistry/registries", "2023-07-01"),
        ("Microsoft.ContainerService/managedClusters", "2024-02-01"),
        ("Microsoft.DBforMySQL/flexibleServers", "2023-12-30"),
        ("Microsoft.DBforPostgreSQL/flexibleServers", "2022-12-01"),
        ("Microsoft.DataFactory/factories", "2018-06-01"),
        ("Microsoft.DataProtection/backupVaults", "2024-04-01"),
        ("Microsoft.Databricks/workspaces", "2024-05-01"),
        ("Microsoft.DocumentDB/databaseAccounts", "2024-05-15"),
        ("Microsoft.EventHub/namespaces", "2024-01-01"),
        ("Microsoft.MachineLearningServices/workspaces", "2023-04-01"),
        ("Microsoft.RecoveryServices/vaults", "2024-04-01"),
        ("Microsoft.ServiceBus/namespaces", "2024-01-01"),
    ):
        _list(arm, kind, version)
