"""Keys and secrets: KMS, Secrets Manager, the parameter store and its documents."""

import json

from annexa.demo.estate.cloud import ACCOUNT, HOME, REGIONS, Cloud, name, policy, statement, tags

_KEYS = (
    # name, rotated, what is wrong with it
    ("data", True, ""),
    ("backups", True, ""),
    ("billing", False, ""),
    ("logs", True, ""),
    ("partner-exchange", False, "open"),
    ("migration", False, "pending"),
    ("survey", False, "disabled"),
)


def seed_keys(cloud: Cloud) -> None:
    """Make KMS keys in both regions; the first of each region is the one that others use."""
    for region in REGIONS:
        kms = cloud.client("kms", region)
        for label, rotated, wrong in _KEYS if region == HOME else _KEYS[:3]:
            root = statement("Allow", "kms:*", principal={"AWS": f"arn:aws:iam::{ACCOUNT}:root"})
            anyone = (
                [statement("Allow", ["kms:Decrypt", "kms:Encrypt"], principal="*")] if wrong == "open" else []
            )
            made = kms.create_key(
                Description=f"{label} of Fernhill Clinics",
                Policy=policy(root, *anyone),
                Tags=[{"TagKey": "owner", "TagValue": "platform"}],
            )["KeyMetadata"]
            kms.create_alias(AliasName=f"alias/{name(label)}", TargetKeyId=made["KeyId"])
            if rotated:
                kms.enable_key_rotation(KeyId=made["KeyId"])
            if wrong == "disabled":
                kms.disable_key(KeyId=made["KeyId"])
            if wrong == "pending":
                kms.schedule_key_deletion(KeyId=made["KeyId"], PendingWindowInDays=7)
            cloud.ids.setdefault(f"kms:{region}", made["Arn"])
            cloud.count("kms key")
    signing = cloud.client("kms").create_key(KeyUsage="SIGN_VERIFY", KeySpec="ECC_NIST_P256")["KeyMetadata"]
    cloud.client("kms").create_alias(AliasName=f"alias/{name('signing')}", TargetKeyId=signing["KeyId"])
    cloud.count("kms key")


def seed_secrets(cloud: Cloud) -> None:
    """Make secrets, of which few are rotated and one may be read by a partner."""
    secrets = cloud.client("secretsmanager")
    for index, label in enumerate(
        ("patients-db", "billing-db", "payment-gateway", "sms-provider", "lab-sftp", "old-vpn")
    ):
        value = json.dumps({"user": "fernhill", "password": f"Winter-{2020 + index}"})
        managed = {"KmsKeyId": cloud.ids[f"kms:{HOME}"]} if index < 2 else {}
        secrets.create_secret(
            Name=f"fernhill/{label}", SecretString=value, Tags=tags(owner="platform"), **managed
        )
        cloud.count("secret")
    partner = {"AWS": "arn:aws:iam::210987654321:root"}
    document = policy(statement("Allow", "secretsmanager:GetSecretValue", principal=partner))
    secrets.put_resource_policy(SecretId="fernhill/lab-sftp", ResourcePolicy=document)
    with cloud.tolerate("secret rotation"):
        rotate = f"arn:aws:lambda:{HOME}:{ACCOUNT}:function:{name('send-reminder')}"
        secrets.rotate_secret(
            SecretId="fernhill/patients-db",
            RotationLambdaARN=rotate,
            RotationRules={"AutomaticallyAfterDays": 30},
            RotateImmediately=False,
        )


def seed_parameters(cloud: Cloud) -> None:
    """Make parameters, one of them a password in the clear, and documents, one of them public."""
    for region in REGIONS:
        ssm = cloud.client("ssm", region)
        for label, kind, value in (
            ("portal/url", "String", "https://portal.fernhill.example"),
            ("portal/session-key", "SecureString", "k9-Winter"),
            ("legacy/db-password", "String", "Winter-2024"),
            ("booking/regions", "StringList", "de,at"),
        ):
            ssm.put_parameter(Name=f"/fernhill/{label}", Type=kind, Value=value)
            cloud.count("parameter")
    ssm = cloud.client("ssm")
    content = json.dumps(
        {
            "schemaVersion": "2.2",
            "description": "Patch",
            "mainSteps": [
                {"action": "aws:runShellScript", "name": "patch", "inputs": {"runCommand": ["true"]}}
            ],
        }
    )
    for label in ("patch", "collect-logs"):
        ssm.create_document(Name=name(label), Content=content, DocumentType="Command", DocumentFormat="JSON")
        cloud.count("ssm document")
    ssm.modify_document_permission(Name=name("collect-logs"), PermissionType="Share", AccountIdsToAdd=["all"])
