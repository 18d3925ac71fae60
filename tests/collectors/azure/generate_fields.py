"""Writes ``collectors/azure/fields.json`` from the models of Microsoft's management libraries.

    pip install --target DIR $(python -m tests.collectors.azure.generate_fields --packages)
    PYTHONPATH=DIR:. python -m tests.collectors.azure.generate_fields

The libraries are generated from the Azure REST API specifications, and used nowhere else. Only names and
types of fields are taken, of the kinds of resources that the definitions read.
"""

import importlib
import inspect
import json
import re
import sys
import typing
from collections.abc import Iterator
from pathlib import Path
from types import NoneType, UnionType
from typing import Any

TARGET = Path(__file__).parents[3] / "collectors" / "azure" / "fields.json"

PACKAGES = (
    "azure-mgmt-apimanagement==5.0.0",
    "azure-mgmt-appcontainers==5.1.0",
    "azure-mgmt-authorization==4.0.0",
    "azure-mgmt-automation==2.0.0",
    "azure-mgmt-cognitiveservices==14.1.0",
    "azure-mgmt-compute==39.0.0",
    "azure-mgmt-containerregistry==15.0.0",
    "azure-mgmt-containerservice==41.8.0",
    "azure-mgmt-cosmosdb==10.0.0",
    "azure-mgmt-databricks==3.0.0",
    "azure-mgmt-datafactory==10.0.0",
    "azure-mgmt-dataprotection==2.2.0",
    "azure-mgmt-eventhub==12.0.0",
    "azure-mgmt-guestconfig==1.0.0",
    "azure-mgmt-keyvault==14.1.0",
    "azure-mgmt-loganalytics==14.0.0",
    "azure-mgmt-machinelearningservices==2.0.0b2",
    "azure-mgmt-managementgroups==2.0.0",
    "azure-mgmt-monitor==6.0.2",
    "azure-mgmt-mysqlflexibleservers==1.0.0",
    "azure-mgmt-network==33.1.0",
    "azure-mgmt-policyinsights==1.0.1",
    "azure-mgmt-postgresqlflexibleservers==3.0.0",
    "azure-mgmt-recoveryservices==4.3.0",
    "azure-mgmt-recoveryservicesbackup==11.2.0",
    "azure-mgmt-redis==14.5.0",
    "azure-mgmt-resource==26.0.0",
    "azure-mgmt-resource-locks==1.0.0",
    "azure-mgmt-resource-policy==1.0.0",
    "azure-mgmt-resource-subscriptions==1.0.0",
    "azure-mgmt-security==7.0.0",
    "azure-mgmt-servicebus==10.0.0",
    "azure-mgmt-sql==4.0.0",
    "azure-mgmt-storage==25.3.0",
    "azure-mgmt-web==8.0.0",
)

_NETWORK = "Microsoft.Network"
_SITES = "Microsoft.Web/sites"
_DATABASES = "Microsoft.Sql/servers/databases"

KINDS = {
    "Microsoft.ApiManagement/service": "apimanagement:ApiManagementServiceResource",
    "Microsoft.App/containerApps": "appcontainers:ContainerApp",
    "Microsoft.App/managedEnvironments": "appcontainers:ManagedEnvironment",
    "Microsoft.Authorization/locks": "resource.locks:ManagementLockObject",
    "Microsoft.Authorization/policyAssignments": "resource.policy:PolicyAssignment",
    "Microsoft.Authorization/roleAssignments": "authorization.v2022_04_01:RoleAssignment",
    "Microsoft.Authorization/roleDefinitions": "authorization.v2022_04_01:RoleDefinition",
    "Microsoft.Automation/automationAccounts": "automation:AutomationAccount",
    "Microsoft.Automation/automationAccounts/runbooks": "automation:Runbook",
    "Microsoft.Automation/automationAccounts/variables": "automation:Variable",
    "Microsoft.Cache/redis": "redis:RedisResource",
    "Microsoft.Cache/redis/firewallRules": "redis:RedisFirewallRule",
    "Microsoft.CognitiveServices/accounts": "cognitiveservices:Account",
    "Microsoft.Compute/diskEncryptionSets": "compute:DiskEncryptionSet",
    "Microsoft.Compute/disks": "compute:Disk",
    "Microsoft.Compute/images": "compute:Image",
    "Microsoft.Compute/snapshots": "compute:Snapshot",
    "Microsoft.Compute/virtualMachines": "compute:VirtualMachine",
    "Microsoft.Compute/virtualMachines/extensions": "compute:VirtualMachineExtension",
    "Microsoft.Compute/virtualMachineScaleSets": "compute:VirtualMachineScaleSet",
    "Microsoft.ContainerRegistry/registries": "containerregistry:Registry",
    "Microsoft.ContainerService/managedClusters": "containerservice:ManagedCluster",
    "Microsoft.Databricks/workspaces": "databricks:Workspace",
    "Microsoft.DataFactory/factories": "datafactory:Factory",
    "Microsoft.DataProtection/backupVaults": "dataprotection:BackupVaultResource",
    "Microsoft.DataProtection/backupVaults/backupInstances": "dataprotection:BackupInstanceResource",
    "Microsoft.DBforMySQL/flexibleServers": "mysqlflexibleservers:Server",
    "Microsoft.DBforMySQL/flexibleServers/configurations": "mysqlflexibleservers:Configuration",
    "Microsoft.DBforMySQL/flexibleServers/firewallRules": "mysqlflexibleservers:FirewallRule",
    "Microsoft.DBforPostgreSQL/flexibleServers": "postgresqlflexibleservers:Server",
    "Microsoft.DBforPostgreSQL/flexibleServers/configurations": "postgresqlflexibleservers:Configuration",
    "Microsoft.DBforPostgreSQL/flexibleServers/firewallRules": "postgresqlflexibleservers:FirewallRule",
    "Microsoft.DocumentDB/databaseAccounts": "cosmosdb:DatabaseAccountGetResults",
    "Microsoft.EventHub/namespaces": "eventhub:EHNamespace",
    "Microsoft.EventHub/namespaces/networkRuleSets": "eventhub:NetworkRuleSet",
    "Microsoft.GuestConfiguration/guestConfigurationAssignments": "guestconfig:GuestConfigurationAssignment",
    "Microsoft.Insights/activityLogAlerts": "monitor.v2020_10_01:ActivityLogAlertResource",
    "Microsoft.Insights/diagnosticSettings": "monitor.v2021_05_01_preview:DiagnosticSettingsResource",
    "Microsoft.KeyVault/vaults": "keyvault:Vault",
    "Microsoft.KeyVault/vaults/keys": "keyvault:Key",
    "Microsoft.KeyVault/vaults/secrets": "keyvault:Secret",
    "Microsoft.MachineLearningServices/workspaces": "machinelearningservices:Workspace",
    "Microsoft.Management/managementGroups": "managementgroups:ManagementGroup",
    f"{_NETWORK}/applicationGateways": "network:ApplicationGateway",
    f"{_NETWORK}/ApplicationGatewayWebApplicationFirewallPolicies": "network:WebApplicationFirewallPolicy",
    f"{_NETWORK}/azureFirewalls": "network:AzureFirewall",
    f"{_NETWORK}/bastionHosts": "network:BastionHost",
    f"{_NETWORK}/ddosProtectionPlans": "network:DdosProtectionPlan",
    f"{_NETWORK}/firewallPolicies": "network:FirewallPolicy",
    f"{_NETWORK}/networkInterfaces": "network:NetworkInterface",
    f"{_NETWORK}/networkSecurityGroups": "network:NetworkSecurityGroup",
    f"{_NETWORK}/networkWatchers": "network:NetworkWatcher",
    f"{_NETWORK}/networkWatchers/flowLogs": "network:FlowLog",
    f"{_NETWORK}/publicIPAddresses": "network:PublicIPAddress",
    f"{_NETWORK}/virtualNetworks": "network:VirtualNetwork",
    "Microsoft.OperationalInsights/workspaces": "loganalytics:Workspace",
    "Microsoft.PolicyInsights/policyStates/queryResults": "policyinsights:PolicyState",
    "Microsoft.RecoveryServices/vaults": "recoveryservices:Vault",
    "Microsoft.RecoveryServices/vaults/backupPolicies": "recoveryservicesbackup:ProtectionPolicyResource",
    "Microsoft.RecoveryServices/vaults/backupProtectedItems": "recoveryservicesbackup:ProtectedItemResource",
    "Microsoft.Resources/subscriptions": "resource.subscriptions:Subscription",
    "Microsoft.Resources/subscriptions/resourceGroups": "resource.resources:ResourceGroup",
    "Microsoft.Security/alerts": "security.v2022_01_01:Alert",
    "Microsoft.Security/assessments": "security.v2021_06_01:SecurityAssessmentResponse",
    "Microsoft.Security/pricings": "security.v2024_01_01:Pricing",
    "Microsoft.Security/settings": "security.v2022_05_01:Setting",
    "Microsoft.ServiceBus/namespaces": "servicebus:SBNamespace",
    "Microsoft.ServiceBus/namespaces/networkRuleSets": "servicebus:NetworkRuleSet",
    "Microsoft.Sql/servers": "sql:Server",
    "Microsoft.Sql/servers/administrators": "sql:ServerAzureADAdministrator",
    "Microsoft.Sql/servers/auditingSettings": "sql:ServerBlobAuditingPolicy",
    "Microsoft.Sql/servers/azureADOnlyAuthentications": "sql:ServerAzureADOnlyAuthentication",
    _DATABASES: "sql:Database",
    f"{_DATABASES}/dataMaskingPolicies": "sql:DataMaskingPolicy",
    f"{_DATABASES}/transparentDataEncryption": "sql:LogicalDatabaseTransparentDataEncryption",
    "Microsoft.Sql/servers/encryptionProtector": "sql:EncryptionProtector",
    "Microsoft.Sql/servers/firewallRules": "sql:FirewallRule",
    "Microsoft.Sql/servers/securityAlertPolicies": "sql:ServerSecurityAlertPolicy",
    "Microsoft.Storage/storageAccounts": "storage:StorageAccount",
    "Microsoft.Storage/storageAccounts/blobServices": "storage:BlobServiceProperties",
    "Microsoft.Storage/storageAccounts/blobServices/containers": "storage:ListContainerItem",
    "Microsoft.Storage/storageAccounts/fileServices": "storage:FileServiceProperties",
    "Microsoft.Web/sites": "web:Site",
    f"{_SITES}/basicPublishingCredentialsPolicies": "web:CsmPublishingCredentialsPoliciesEntity",
    "Microsoft.Web/sites/config": "web:SiteConfigResource",
}
"""Kind of resource → library and model."""

_DEEPEST = 7
_SCALARS = {bool: "boolean", int: "integer", float: "number", str: "string"}
_OLD_SCALARS = {
    "bool": "boolean",
    "float": "number",
    "int": "integer",
    "long": "integer",
    "str": "string",
    "unix-time": "integer",
    "iso-8601": "string",
    "duration": "string",
}


class Fields:
    """Collects the types that the models lead to: name → field → form, as ``fields.json`` has them."""

    def __init__(self) -> None:
        self.types: dict[str, dict[str, str]] = {}
        self._depths: dict[str, int] = {}

    def model(self, library: str, model: type, depth: int = 0) -> str:
        """Return the name of a model's type, after its fields have been noted."""
        name = f"{library.split('.')[0] if '.v' in library else library}.{model.__name__}"
        if self._depths.get(name, depth + 1) <= depth:
            return name
        if depth > _DEEPEST:
            return "any"
        self._depths[name] = depth
        self.types[name] = {}
        for part in _with_subtypes(model):
            found = (
                self._old(library, part, depth)
                if hasattr(part, "_attribute_map")
                else self._new(library, part, depth)
            )
            for field, form in found:
                self._note(name, field, form)
        return name

    def _note(self, name: str, field: str, form: str) -> None:
        head, _, rest = field.partition(".")
        if not rest:
            self.types[name][head] = form
            return
        inner = f"{name}.{head}"
        self.types[name][head] = inner
        self.types.setdefault(inner, {})
        self._note(inner, rest, form)

    def _new(self, library: str, model: type, depth: int) -> Iterator[tuple[str, str]]:
        for base in reversed(model.__mro__):
            for name, annotation in inspect.get_annotations(base).items():
                field: Any = vars(base).get(name)
                if type(field).__name__ == "_RestField":
                    form = self._form(library, annotation, depth)
                    seconds = getattr(field, "_format", None) == "unix-timestamp"
                    yield field._rest_name_input or name, "integer" if seconds else form

    def _form(self, library: str, annotation: Any, depth: int) -> str:
        if isinstance(annotation, str | typing.ForwardRef):
            text = annotation if isinstance(annotation, str) else annotation.__forward_arg__
            found = re.fullmatch(r"_models\.(?:_models\.)?(\w+)", text)
            model = getattr(_models(library), found[1], None) if found else None
            if model is None:
                return "any"
            return "string" if issubclass(model, str) else self.model(library, model, depth + 1)
        if annotation in _SCALARS:
            return _SCALARS[annotation]
        if getattr(annotation, "__name__", "") in ("datetime", "date", "time", "timedelta"):
            return "string"
        origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
        if origin in (typing.Union, UnionType):
            forms = {self._form(library, each, depth) for each in arguments if each is not NoneType}
            return forms.pop() if len(forms) == 1 else "any"
        if origin is list:
            return f"[{self._form(library, arguments[0], depth)}]"
        if origin is dict:
            return f"{{{self._form(library, arguments[1], depth)}}}"
        if origin is typing.Literal:
            return "string"
        return "any"

    def _old(self, library: str, model: Any, depth: int) -> Iterator[tuple[str, str]]:
        for attribute in model._attribute_map.values():
            yield attribute["key"].replace("\\.", "·"), self._old_form(library, attribute["type"], depth)

    def _old_form(self, library: str, kind: str, depth: int) -> str:
        if kind[0] in "[{":
            return kind[0] + self._old_form(library, kind[1:-1], depth) + kind[-1]
        if kind in _OLD_SCALARS:
            return _OLD_SCALARS[kind]
        model = getattr(_models(library), kind, None)
        return "any" if model is None else self.model(library, model, depth + 1)


def _with_subtypes(model: Any) -> Iterator[type]:
    yield model
    old = getattr(model, "_subtype_map", {})
    new = any(getattr(field, "_is_discriminator", False) for field in vars(model).values())
    if old or new:
        for each in model.__subclasses__():
            yield from _with_subtypes(each)


def _models(library: str) -> Any:
    return importlib.import_module(f"azure.mgmt.{library}.models")


def generate() -> dict[str, Any]:
    """Return what ``fields.json`` holds.

    Raises:
        ImportError: the libraries are not there.
    """
    fields = Fields()
    kinds = {}
    for kind, place in KINDS.items():
        library, _, name = place.partition(":")
        kinds[kind.lower()] = fields.model(library, getattr(_models(library), name))
    return {"kinds": kinds, "types": {name: fields.types[name] for name in sorted(fields.types)}}


if __name__ == "__main__":
    if "--packages" in sys.argv:
        print(" ".join(PACKAGES))
    else:
        TARGET.write_text(json.dumps(generate(), indent=0, ensure_ascii=False) + "\n", encoding="utf-8")
