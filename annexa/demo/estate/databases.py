"""Databases, caches, warehouses and search."""

from typing import Any

from annexa.demo.estate.cloud import ACCOUNT, HOME, REGIONS, Cloud, name, policy, statement, tags

_INSTANCES: dict[str, dict[str, Any]] = {
    "patients-prod": {
        "StorageEncrypted": True,
        "MultiAZ": True,
        "BackupRetentionPeriod": 14,
        "DeletionProtection": True,
    },
    "billing-prod": {"StorageEncrypted": True, "MultiAZ": False, "BackupRetentionPeriod": 7},
    "lab-prod": {
        "StorageEncrypted": True,
        "MultiAZ": True,
        "BackupRetentionPeriod": 3,
        "AutoMinorVersionUpgrade": False,
    },
    "reporting-legacy": {"StorageEncrypted": False, "PubliclyAccessible": True, "BackupRetentionPeriod": 0},
    "survey-dev": {"StorageEncrypted": False, "BackupRetentionPeriod": 1},
}
_TABLES = (
    # name, restore to a point in time, own key, protected against deletion
    ("appointments", True, True, True),
    ("sessions", False, False, False),
    ("consents", True, True, False),
    ("audit-events", True, False, True),
    ("feature-flags", False, False, False),
    ("waiting-list", False, True, False),
    ("lab-orders", True, False, False),
)


def seed_relational(cloud: Cloud) -> None:
    """Make RDS instances, clusters and snapshots; one database is public and in the clear."""
    rds = cloud.client("rds")
    with cloud.tolerate("db subnet group"):
        rds.create_db_subnet_group(
            DBSubnetGroupName=name("db"),
            DBSubnetGroupDescription="private",
            SubnetIds=[cloud.ids[f"subnet:{HOME}"], cloud.ids[f"subnet2:{HOME}"]],
        )
    for label, settings in _INSTANCES.items():
        rds.create_db_instance(
            DBInstanceIdentifier=name(label),
            Engine="postgres",
            EngineVersion="12.7" if label == "reporting-legacy" else "16.4",
            DBInstanceClass="db.t3.medium",
            AllocatedStorage=50,
            MasterUsername="fernhill",
            MasterUserPassword="Winter-2024",
            EnableIAMDatabaseAuthentication=label == "patients-prod",
            **{"PubliclyAccessible": False, **settings},
        )
        rds.create_db_snapshot(DBInstanceIdentifier=name(label), DBSnapshotIdentifier=name(label, "manual"))
        cloud.count("db instance")
        cloud.count("db snapshot")
    rds.modify_db_snapshot_attribute(
        DBSnapshotIdentifier=name("reporting-legacy", "manual"), AttributeName="restore", ValuesToAdd=["all"]
    )
    for label, encrypted in (("records", True), ("research", False)):
        rds.create_db_cluster(
            DBClusterIdentifier=name(label),
            Engine="aurora-postgresql",
            MasterUsername="fernhill",
            MasterUserPassword="Winter-2024",
            StorageEncrypted=encrypted,
            DeletionProtection=encrypted,
            BackupRetentionPeriod=14 if encrypted else 1,
        )
        rds.create_db_cluster_snapshot(
            DBClusterIdentifier=name(label), DBClusterSnapshotIdentifier=name(label, "manual")
        )
        cloud.count("db cluster")
        cloud.count("db cluster snapshot")


def seed_tables(cloud: Cloud) -> None:
    """Make DynamoDB tables in both regions."""
    for region in REGIONS:
        dynamo = cloud.client("dynamodb", region)
        for label, restorable, managed, protected in _TABLES if region == HOME else _TABLES[:2]:
            encryption = {"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": cloud.ids[f"kms:{region}"]}
            dynamo.create_table(
                TableName=name(label),
                AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
                KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
                BillingMode="PAY_PER_REQUEST",
                DeletionProtectionEnabled=protected,
                **({"SSESpecification": encryption} if managed else {}),
            )
            if restorable and region == HOME:
                dynamo.update_continuous_backups(
                    TableName=name(label),
                    PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True},
                )
            cloud.count("table")


def seed_caches(cloud: Cloud) -> None:
    """Make a guarded cache, an open one, and a single node."""
    cache = cloud.client("elasticache")
    for label, safe in (("sessions", True), ("queue", False)):
        guarded = {"AuthToken": "fernhill-cache-token-2024"} if safe else {}
        cache.create_replication_group(
            ReplicationGroupId=name(label),
            ReplicationGroupDescription=label,
            Engine="redis",
            CacheNodeType="cache.t3.micro",
            NumCacheClusters=2,
            AtRestEncryptionEnabled=safe,
            TransitEncryptionEnabled=safe,
            AutomaticFailoverEnabled=safe,
            SnapshotRetentionLimit=7 if safe else 0,
            **guarded,
        )
        cloud.count("replication group")
    with cloud.tolerate("cache cluster"):
        cache.create_cache_cluster(
            CacheClusterId=name("lookup"), Engine="memcached", CacheNodeType="cache.t3.micro", NumCacheNodes=1
        )
        cloud.count("cache cluster")


def seed_warehouses(cloud: Cloud) -> None:
    """Make Redshift clusters, one public, and search domains, one open to anybody."""
    redshift = cloud.client("redshift")
    for label, safe in (("finance", True), ("marketing", False)):
        redshift.create_cluster(
            ClusterIdentifier=name(label),
            NodeType="ra3.large",
            ClusterType="single-node",
            MasterUsername="fernhill",
            MasterUserPassword="Winter-2024",
            DBName="dwh",
            Encrypted=safe,
            PubliclyAccessible=not safe,
            AutomatedSnapshotRetentionPeriod=7 if safe else 1,
            AllowVersionUpgrade=safe,
            EnhancedVpcRouting=safe,
        )
        cloud.count("redshift cluster")
    search = cloud.client("opensearch")
    for label, safe in (("records", True), ("logs", False)):
        arn = f"arn:aws:es:{HOME}:{ACCOUNT}:domain/{name(label)}/*"
        who = {"AWS": f"arn:aws:iam::{ACCOUNT}:root"} if safe else {"AWS": "*"}
        search.create_domain(
            DomainName=name(label),
            EngineVersion="OpenSearch_2.17" if safe else "OpenSearch_1.3",
            EncryptionAtRestOptions={"Enabled": safe},
            NodeToNodeEncryptionOptions={"Enabled": safe},
            DomainEndpointOptions={
                "EnforceHTTPS": safe,
                "TLSSecurityPolicy": "Policy-Min-TLS-1-2-2019-07" if safe else "Policy-Min-TLS-1-0-2019-07",
            },
            AccessPolicies=policy(statement("Allow", "es:*", arn, principal=who)),
            TagList=tags(owner="data"),
        )
        cloud.count("search domain")
