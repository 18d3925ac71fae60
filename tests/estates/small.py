"""A small AWS account in one region: a few of each of the services that the tests collect."""

import json
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.config import Config

from annexa.demo.server import reset

ACCOUNT = "123456789012"
REGION = "eu-central-1"
BUCKETS = tuple(f"acme-{name}" for name in ("archive", "logs", "trail"))
USERS = ("ada", "bob", "cleo", "dora", "emil")
TABLES = ("carts", "customers", "items", "orders", "prices")
INSTANCES = 2
BLOCKED = dict.fromkeys(
    ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True
)
_SEED = 4711


@dataclass(frozen=True)
class Small:
    """The account, seeded.

    Attributes:
        key: the id of the customer's KMS key.
    """

    endpoint: str
    key: str

    def client(self, service: str) -> Any:
        """Return a client to change the account with."""
        return client(self.endpoint, service)


def seed(endpoint: str) -> Small:
    """Empty the account behind the endpoint and fill it, the same every time."""
    reset(endpoint, _SEED)
    small = Small(endpoint, _keys(client(endpoint, "kms")))
    _people(small.client("iam"))
    _buckets(small.client("s3"), small.key)
    _machines(small.client("ec2"))
    _trail(small.client("cloudtrail"))
    _the_rest(small)
    return small


_SESSION: Any = boto3.Session(aws_access_key_id="estate", aws_secret_access_key="estate", region_name=REGION)
_CONFIG = Config(retries={"total_max_attempts": 1})


def client(endpoint: str, service: str) -> Any:
    """Return a client of an endpoint that need not hold the small account."""
    return _SESSION.client(service, endpoint_url=endpoint, config=_CONFIG)


def policy(effect: str, action: str, resource: str | None = "*", **more: Any) -> str:
    """Return a policy document of one statement; a trust policy names no resource."""
    statement = {"Effect": effect, "Action": action, **({"Resource": resource} if resource else {}), **more}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def _keys(kms: Any) -> str:
    key: str = kms.create_key(Description="data")["KeyMetadata"]["KeyId"]
    kms.enable_key_rotation(KeyId=key)
    kms.create_alias(AliasName="alias/data", TargetKeyId=key)
    kms.create_key(Description="old")
    return key


def _people(iam: Any) -> None:
    iam.create_group(GroupName="staff")
    iam.put_group_policy(GroupName="staff", PolicyName="read", PolicyDocument=policy("Allow", "s3:GetObject"))
    for name in USERS:
        iam.create_user(UserName=name)
        iam.add_user_to_group(GroupName="staff", UserName=name)
    iam.create_access_key(UserName="ada")
    iam.create_login_profile(UserName="bob", Password="Correct-Horse-1", PasswordResetRequired=False)
    iam.create_policy(PolicyName="everything", PolicyDocument=policy("Allow", "*"))
    arn = f"arn:aws:iam::{ACCOUNT}:policy/everything"
    for name, principal in (("app", {"Service": "ec2.amazonaws.com"}), ("open", {"AWS": "*"})):
        trust = policy("Allow", "sts:AssumeRole", None, Principal=principal)
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)
    iam.attach_role_policy(RoleName="app", PolicyArn=arn)
    iam.attach_group_policy(GroupName="staff", PolicyArn="arn:aws:iam::aws:policy/ReadOnlyAccess")
    iam.update_account_password_policy(MinimumPasswordLength=8)


def _buckets(s3: Any, key: str) -> None:
    for name in BUCKETS:
        s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
    encryption = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}
    for name in BUCKETS[:1]:
        s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
        s3.put_public_access_block(Bucket=name, PublicAccessBlockConfiguration=BLOCKED)
        s3.put_bucket_encryption(
            Bucket=name,
            ServerSideEncryptionConfiguration={"Rules": [{"ApplyServerSideEncryptionByDefault": encryption}]},
        )
    for name in BUCKETS[:2]:
        arns = [f"arn:aws:s3:::{name}", f"arn:aws:s3:::{name}/*"]
        denial = json.loads(policy("Deny", "s3:*", Principal="*"))
        denial["Statement"][0] |= {
            "Resource": arns,
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        }
        s3.put_bucket_policy(Bucket=name, Policy=json.dumps(denial))


def _machines(ec2: Any) -> None:
    vpc = ec2.create_vpc(CidrBlock="10.1.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.1.1.0/24")["Subnet"]["SubnetId"]
    groups = [
        ec2.create_security_group(GroupName=name, Description=name, VpcId=vpc)["GroupId"]
        for name in ("web", "ssh", "inner")
    ]
    for group, port, source in zip(
        groups, (443, 22, 5432), ("0.0.0.0/0", "0.0.0.0/0", "10.1.0.0/16"), strict=True
    ):
        ec2.authorize_security_group_ingress(
            GroupId=group, IpProtocol="tcp", FromPort=port, ToPort=port, CidrIp=source
        )
    ec2.run_instances(
        ImageId="ami-12345678",
        MinCount=INSTANCES,
        MaxCount=INSTANCES,
        SubnetId=subnet,
        SecurityGroupIds=groups[:1],
        InstanceType="t3.micro",
    )
    ec2.create_volume(AvailabilityZone=f"{REGION}a", Size=8, Encrypted=False)


def _trail(cloudtrail: Any) -> None:
    cloudtrail.create_trail(
        Name="everything",
        S3BucketName="acme-trail",
        IsMultiRegionTrail=True,
        EnableLogFileValidation=True,
    )
    cloudtrail.start_logging(Name="everything")


def _the_rest(small: Small) -> None:
    small.client("sns").create_topic(Name="alarms")
    small.client("sqs").create_queue(QueueName="jobs")
    small.client("secretsmanager").create_secret(Name="database", SecretString="small-secret-value")
    for name in TABLES:
        small.client("dynamodb").create_table(
            TableName=name,
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            BillingMode="PAY_PER_REQUEST",
        )
    small.client("rds").create_db_instance(
        DBInstanceIdentifier="orders",
        DBInstanceClass="db.t3.micro",
        Engine="postgres",
        AllocatedStorage=20,
        MasterUsername="admin1",
        MasterUserPassword="small-secret-password",
    )
    efs = small.client("efs")
    for token in ("shared", "home"):
        efs.create_file_system(CreationToken=token, Encrypted=token == "home")
    small.client("logs").create_log_group(logGroupName="/acme/app")
    small.client("cloudwatch").put_metric_alarm(
        AlarmName="root-login",
        MetricName="RootLogin",
        Namespace="acme",
        Statistic="Sum",
        Period=300,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanOrEqualToThreshold",
        AlarmActions=[f"arn:aws:sns:{REGION}:{ACCOUNT}:alarms"],
    )
