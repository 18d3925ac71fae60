"""The principal that collects, and what it may not see."""

from typing import Any

from annexa.demo.estate.cloud import Cloud, policy, statement
from annexa.demo.estate.storage import LEGAL_HOLD

USER = "annexa-auditor"

_READ = ("BatchGet*", "Describe*", "Get*", "List*", "Search*")
_SERVICES = [
    "access-analyzer",
    "account",
    "acm",
    "apigateway",
    "appstream",
    "appsync",
    "athena",
    "autoscaling",
    "backup",
    "batch",
    "bedrock",
    "cloudformation",
    "cloudfront",
    "cloudtrail",
    "cloudwatch",
    "codebuild",
    "codepipeline",
    "cognito-identity",
    "cognito-idp",
    "config",
    "dax",
    "detective",
    "dlm",
    "dms",
    "ds",
    "dynamodb",
    "ec2",
    "ecr",
    "ecs",
    "eks",
    "elasticache",
    "elasticbeanstalk",
    "elasticfilesystem",
    "elasticloadbalancing",
    "elasticmapreduce",
    "es",
    "events",
    "firehose",
    "fsx",
    "glue",
    "guardduty",
    "iam",
    "identitystore",
    "inspector2",
    "kafka",
    "kinesis",
    "kms",
    "lambda",
    "logs",
    "macie2",
    "memorydb",
    "monitoring",
    "mq",
    "network-firewall",
    "organizations",
    "rds",
    "redshift",
    "redshift-serverless",
    "route53",
    "route53domains",
    "route53resolver",
    "s3",
    "s3express",
    "sagemaker",
    "secretsmanager",
    "securityhub",
    "servicequotas",
    "ses",
    "shield",
    "signer",
    "sns",
    "sqs",
    "ssm",
    "sso",
    "states",
    "sts",
    "support",
    "tag",
    "transfer",
    "wafv2",
    "workspaces",
    "xray",
]
"""By the name under which requests are signed: that is what moto compares with."""

DENIED = ("s3:GetBucketPolicy", "s3:GetBucketPolicyStatus", "kms:GetKeyPolicy", "secretsmanager:ListSecrets")


def seed_auditor(cloud: Cloud) -> tuple[str, str]:
    """Make the auditor's user, who reads nearly everything.

    Three things are denied: who may read the buckets under legal hold, the policies of KMS keys, and the
    list of secrets. Each leaves a different gap: one detail of a few resources, one detail of a whole
    type, and a type of which nothing is known.

    Returns:
        The access key and its secret.
    """
    iam = cloud.client("iam")
    iam.create_group(GroupName="auditors")
    iam.create_user(UserName=USER, Path="/service/")
    iam.add_user_to_group(GroupName="auditors", UserName=USER)
    allow = [f"{service}:{verb}" for service in _SERVICES for verb in _READ]
    iam.put_group_policy(
        GroupName="auditors",
        PolicyName="read-configuration",
        PolicyDocument=policy(
            statement("Allow", [*allow, "apigateway:GET", "iam:GenerateCredentialReport", "s3:HeadBucket"])
        ),
    )
    iam.put_group_policy(
        GroupName="auditors", PolicyName="not-for-auditors", PolicyDocument=policy(*_denials())
    )
    key: dict[str, str] = iam.create_access_key(UserName=USER)["AccessKey"]
    cloud.count("iam user")
    cloud.count("iam group")
    return key["AccessKeyId"], key["SecretAccessKey"]


def _denials() -> list[dict[str, Any]]:
    held = f"arn:aws:s3:::{LEGAL_HOLD}-*"
    buckets = [action for action in DENIED if action.startswith("s3:")]
    return [
        statement("Deny", buckets, held),
        statement("Deny", [action for action in DENIED if action not in buckets]),
    ]
