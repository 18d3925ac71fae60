"""A small organisation: a project with something of every kind, and one that has enabled next to nothing."""

from annexa.demo.google import Estate
from annexa.demo.google.content import Element
from annexa.demo.google.locations import REGION
from tests.collectors.gcp.stock import stock

ORGANIZATION = "456"
FOLDER = "789"
PROJECT = "payroll-prod"
NUMBER = "1001"
BARE = "web-front"
BARE_NUMBER = "1002"
READER = f"annexa@{PROJECT}.iam.gserviceaccount.com"
"""The service account that the tests read as."""

BUCKETS = 5
LABEL = "label-secret"
STARTUP_SCRIPT = "mysql -p hunter2"
"""A secret in the metadata of an instance."""
VARIABLE = "of-a-function"
"""A secret in the environment of a function."""

_ZONE = f"zones/{REGION}-b"
_COMPUTE = f"https://www.googleapis.com/compute/v1/projects/{PROJECT}"
_ROBOT = f"robot@{PROJECT}.iam.gserviceaccount.com"


def build() -> Estate:
    """Return the estate."""
    estate = Estate()
    services = {call.service for each in estate.definitions.values() for call in each.calls()}
    here = estate.hierarchy
    here.add_organization(ORGANIZATION, "example.com")
    here.add_folder(FOLDER, "Finance", f"organizations/{ORGANIZATION}")
    here.add_project(
        PROJECT, NUMBER, "Payroll", f"folders/{FOLDER}", {*services, "cloudasset", "serviceusage"}
    )
    enabled = {"cloudasset", "iam", "serviceusage", "storage"}
    here.add_project(BARE, BARE_NUMBER, "Front", f"organizations/{ORGANIZATION}", enabled)
    _governance(estate)
    _storage(estate)
    _compute(estate)
    _identity(estate)
    _databases(estate)
    _platform(estate)
    stock(estate, PROJECT, "project")
    stock(estate, ORGANIZATION, "organization")
    return estate


def policy(**members: str) -> Element:
    """An IAM policy: role, with ``_`` for dots, → its one member."""
    bindings = [
        {"role": f"roles/{role.replace('_', '.')}", "members": [each]} for role, each in members.items()
    ]
    return {"version": 1, "etag": "BwYx", "bindings": bindings}


def bucket(number: int) -> Element:
    """A bucket; the first leaves access to lists of its own, and the second may be public."""
    name = f"{PROJECT}-{number}"
    return {
        "kind": "storage#bucket",
        "id": name,
        "name": name,
        "selfLink": f"https://www.googleapis.com/storage/v1/b/{name}",
        "projectNumber": NUMBER,
        "location": "EUROPE-WEST1",
        "locationType": "region",
        "storageClass": "STANDARD",
        "timeCreated": "2025-01-01T00:00:00.000Z",
        "updated": "2025-01-01T00:00:00.000Z",
        "metageneration": "3",
        "etag": "CAM=",
        "versioning": {"enabled": True},
        "softDeletePolicy": {"retentionDurationSeconds": "604800", "effectiveTime": "2025-01-01T00:00:00Z"},
        "iamConfiguration": {
            "uniformBucketLevelAccess": {"enabled": number > 0},
            "publicAccessPrevention": "inherited" if number == 1 else "enforced",
        },
        "labels": {"owner": f"{LABEL}-{number}"},
    }


def _governance(estate: Estate) -> None:
    resource = "cloudresourcemanager"
    granted = policy(viewer="group:auditors@example.com")
    estate.put_detail(f"gcp.{resource}.project", "iam", PROJECT, granted)
    logged = {"service": "allServices", "auditLogConfigs": [{"logType": "DATA_READ"}]}
    admins = policy(resourcemanager_organizationAdmin="group:admins@example.com")
    estate.put_detail(
        f"gcp.{resource}.organization", "iam", ORGANIZATION, {**admins, "auditConfigs": [logged]}
    )


def _storage(estate: Estate) -> None:
    buckets = [bucket(number) for number in range(BUCKETS)]
    estate.put_list("gcp.storage.bucket", PROJECT, *buckets)
    for each in buckets:
        opened = each["name"] == f"{PROJECT}-1"
        member = "allUsers" if opened else f"serviceAccount:{_ROBOT}"
        estate.put_detail(
            "gcp.storage.bucket", "iam", PROJECT, policy(storage_objectViewer=member), item=each
        )


def _compute(estate: Estate) -> None:
    network = f"{_COMPUTE}/global/networks/front"
    firewall = {
        "id": "11",
        "name": "ssh",
        "network": network,
        "direction": "INGRESS",
        "priority": 1000,
        "sourceRanges": ["0.0.0.0/0"],
        "allowed": [{"IPProtocol": "tcp", "ports": ["22"]}],
        "disabled": False,
        "selfLink": f"{_COMPUTE}/global/firewalls/ssh",
    }
    estate.put_list("gcp.compute.firewall", PROJECT, firewall)
    estate.put_list(
        "gcp.compute.instance", PROJECT, _instance("front", network), _instance("batch", network), at=_ZONE
    )
    estate.put_list("gcp.compute.instance", PROJECT, _instance("spare", network, "c"), at=f"zones/{REGION}-c")


def _instance(name: str, network: str, zone: str = "b") -> Element:
    where = f"{_COMPUTE}/zones/{REGION}-{zone}"
    return {
        "id": "21",
        "name": name,
        "status": "RUNNING",
        "zone": where,
        "selfLink": f"{where}/instances/{name}",
        "machineType": f"{where}/machineTypes/e2-small",
        "networkInterfaces": [{"name": "nic0", "network": network, "networkIP": "10.0.0.2"}],
        "metadata": {"items": [{"key": "startup-script", "value": STARTUP_SCRIPT}]},
        "serviceAccounts": [{"email": _ROBOT, "scopes": ["https://www.googleapis.com/auth/cloud-platform"]}],
        "shieldedInstanceConfig": {"enableVtpm": True, "enableIntegrityMonitoring": name != "front"},
    }


def _identity(estate: Estate) -> None:
    name = f"projects/{PROJECT}/serviceAccounts/{_ROBOT}"
    account = {
        "name": name,
        "projectId": PROJECT,
        "uniqueId": "31",
        "email": _ROBOT,
        "etag": "MDEwMjE5MjA=",
        "oauth2ClientId": "31",
    }
    estate.put_list("gcp.iam.service-account", PROJECT, account)
    keys = [
        {
            "name": f"{name}/keys/{number}",
            "keyType": "USER_MANAGED" if number else "SYSTEM_MANAGED",
            "keyOrigin": "GOOGLE_PROVIDED",
            "keyAlgorithm": "KEY_ALG_RSA_2048",
            "validAfterTime": "2025-01-01T00:00:00Z",
            "validBeforeTime": "9999-12-31T23:59:59Z",
        }
        for number in range(2)
    ]
    estate.put_list("gcp.iam.service-account-key", PROJECT, *keys, over=account)


def _databases(estate: Estate) -> None:
    ledger = {
        "kind": "sql#instance",
        "name": "ledger",
        "project": PROJECT,
        "region": REGION,
        "state": "RUNNABLE",
        "instanceType": "CLOUD_SQL_INSTANCE",
        "databaseVersion": "POSTGRES_16",
        "settings": {
            "ipConfiguration": {"ipv4Enabled": False, "sslMode": "ENCRYPTED_ONLY"},
            "backupConfiguration": {"enabled": True, "pointInTimeRecoveryEnabled": True},
            "availabilityType": "REGIONAL",
        },
    }
    estate.put_list("gcp.sqladmin.instance", PROJECT, ledger)
    user = {"kind": "sql#user", "name": "clerk", "instance": "ledger", "project": PROJECT, "type": "BUILT_IN"}
    estate.put_list("gcp.sqladmin.user", PROJECT, user, over=ledger)


def _platform(estate: Estate) -> None:
    application = {"name": f"apps/{PROJECT}", "id": PROJECT, "locationId": REGION, "servingStatus": "SERVING"}
    estate.put_list("gcp.appengine.application", PROJECT, application)
    where = f"projects/{PROJECT}/locations/{REGION}"
    function = {
        "name": f"{where}/functions/pay",
        "environment": "GEN_2",
        "state": "ACTIVE",
        "buildConfig": {"runtime": "python312"},
        "serviceConfig": {"service": f"{where}/services/pay", "environmentVariables": {"TOKEN": VARIABLE}},
    }
    estate.put_list("gcp.cloudfunctions.function", PROJECT, function)
    zone = {"id": "41", "name": "shop", "dnsName": "shop.example.", "visibility": "public"}
    estate.put_list("gcp.dns.managed-zone", PROJECT, zone)
