"""Buckets and files: S3, EFS, FSx and what backs them up."""

from typing import Any

from annexa.demo.estate.cloud import HOME, SECOND, Cloud, name, policy, statement, tags

TRAIL_BUCKET = name("audit-trail")
CONFIG_BUCKET = name("config-history")
ACCESS_LOG_BUCKET = name("access-logs")
LEGAL_HOLD = name("legal-hold")
"""Buckets of which the auditor may not see who has access start with this."""

_FIXED = (
    ACCESS_LOG_BUCKET,
    TRAIL_BUCKET,
    CONFIG_BUCKET,
    *(f"{LEGAL_HOLD}-{year}" for year in (2021, 2022, 2024)),
)
_PURPOSES = [
    "patient-records",
    "lab-results",
    "imaging",
    "billing",
    "reports",
    "analytics",
    "website-assets",
    "appointment-exports",
    "backups",
    "datalake",
    "invoices",
    "newsletters",
    "surveys",
    "deploy-artifacts",
    "scans",
]
_STAGES = ("prod", "staging", "dev")
_UNENCRYPTED = {name("newsletters", "prod"), name("surveys", "dev")}
_PUBLIC = {name("website-assets", "prod"), name("appointment-exports", "prod"), name("invoices", "dev")}
_PUBLIC_ACL = {name("surveys", "prod")}
_ALL_BLOCKED = {
    "BlockPublicAcls": True,
    "IgnorePublicAcls": True,
    "BlockPublicPolicy": True,
    "RestrictPublicBuckets": True,
}


def bucket_names(number: int) -> list[str]:
    """So many bucket names; the ones that other services write to come first."""
    plain = [name(purpose, stage) for stage in _STAGES for purpose in _PURPOSES]
    more = [name("archive", f"{index:04}") for index in range(number)]
    return [*_FIXED, *plain, *more][: max(number, len(_FIXED))]


def seed_buckets(cloud: Cloud) -> None:
    """Make the buckets as AWS makes them since 2023, then break some."""
    names = bucket_names(cloud.size.buckets)
    for index, bucket in enumerate(names):
        region = SECOND if bucket.endswith("-dev") else HOME
        s3 = cloud.client("s3", region)
        place = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
        owner = "ObjectWriter" if bucket in _PUBLIC_ACL else "BucketOwnerEnforced"
        locked = {"ObjectLockEnabledForBucket": True} if bucket.startswith(LEGAL_HOLD) else {}
        s3.create_bucket(Bucket=bucket, ObjectOwnership=owner, **place, **locked)
        if bucket not in _UNENCRYPTED:
            _encrypt(cloud, s3, bucket, region, managed=index % 4 == 0)
        if bucket not in _PUBLIC | _PUBLIC_ACL:
            s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration=_ALL_BLOCKED)
        if index % 5 not in (2, 4) and not locked:
            s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
        if index % 3 == 0 and bucket != ACCESS_LOG_BUCKET and region == HOME:
            target = {"TargetBucket": ACCESS_LOG_BUCKET, "TargetPrefix": f"{bucket}/"}
            s3.put_bucket_logging(Bucket=bucket, BucketLoggingStatus={"LoggingEnabled": target})
        if index % 4 == 1:
            _expire(s3, bucket)
        _policy(s3, bucket, index)
        s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": tags(owner="platform", number=str(index))})
    cloud.count("s3 bucket", len(names))


def _encrypt(cloud: Cloud, s3: Any, bucket: str, region: str, *, managed: bool) -> None:
    key = cloud.ids.get(f"kms:{region}")
    by_default: dict[str, Any] = {"SSEAlgorithm": "AES256"}
    if managed and key:
        by_default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}
    rule = {"ApplyServerSideEncryptionByDefault": by_default, "BucketKeyEnabled": managed}
    s3.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": [rule]})


def _expire(s3: Any, bucket: str) -> None:
    rule = {"ID": "expire", "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 400}}
    s3.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": [rule]})


def _policy(s3: Any, bucket: str, index: int) -> None:
    both = [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"]
    statements = []
    if bucket == ACCESS_LOG_BUCKET:
        service = {"Service": "logging.s3.amazonaws.com"}
        statements.append(statement("Allow", "s3:PutObject", both[1], principal=service))
    elif index % 5 in (0, 2):
        plain = {"Bool": {"aws:SecureTransport": "false"}}
        statements.append(statement("Deny", "s3:*", both, principal="*", condition=plain))
    if bucket in _PUBLIC:
        statements.append(statement("Allow", "s3:GetObject", both[1], principal="*"))
    if bucket == name("analytics", "prod"):
        partner = {"AWS": "arn:aws:iam::210987654321:root"}
        statements.append(statement("Allow", "s3:*", both, principal=partner))
    if bucket in (TRAIL_BUCKET, CONFIG_BUCKET):
        services = {"Service": ["cloudtrail.amazonaws.com", "config.amazonaws.com"]}
        statements.append(statement("Allow", "s3:PutObject", both[1], principal=services))
    if statements:
        s3.put_bucket_policy(Bucket=bucket, Policy=policy(*statements))
    if bucket in _PUBLIC_ACL:
        s3.put_bucket_acl(Bucket=bucket, ACL="public-read")


def seed_files(cloud: Cloud) -> None:
    """Make the file systems."""
    efs = cloud.client("efs")
    for label, encrypted in (("records", True), ("imaging", True), ("scratch", False)):
        efs.create_file_system(
            CreationToken=name(label),
            Encrypted=encrypted,
            Backup=label == "records",
            Tags=tags(Name=name(label)),
        )
        cloud.count("efs file system")
    subnet = cloud.ids.get(f"subnet:{HOME}")
    with cloud.tolerate("fsx"):
        cloud.client("fsx").create_file_system(
            FileSystemType="WINDOWS",
            StorageCapacity=300,
            SubnetIds=[subnet or "subnet-00000000"],
            WindowsConfiguration={"ThroughputCapacity": 32, "AutomaticBackupRetentionDays": 0},
        )
        cloud.count("fsx file system")


def seed_backups(cloud: Cloud) -> None:
    """Make a vault that is locked, one that is not, and a plan that nothing is assigned to."""
    backup = cloud.client("backup")
    for vault in ("primary", "legacy"):
        backup.create_backup_vault(BackupVaultName=name(vault))
        cloud.count("backup vault")
    backup.create_backup_plan(
        BackupPlan={
            "BackupPlanName": name("nightly"),
            "Rules": [
                {
                    "RuleName": "nightly",
                    "TargetBackupVaultName": name("primary"),
                    "ScheduleExpression": "cron(0 3 * * ? *)",
                    "Lifecycle": {"DeleteAfterDays": 14},
                }
            ],
        }
    )
    cloud.count("backup plan")
    with cloud.tolerate("backup vault lock"):
        backup.put_backup_vault_lock_configuration(
            BackupVaultName=name("primary"), MinRetentionDays=7, MaxRetentionDays=365
        )
