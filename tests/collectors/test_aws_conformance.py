"""The AWS collector passes the conformance kit, once for each protocol that AWS speaks."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

import boto3
import pytest

from annexa.plugin import Tools
from annexa.plugin.testing import ConformanceSuite, Fault
from collectors.aws import AwsCollector
from tests import faults
from tests.faults import FaultProxy, Rule

_COUNT = 5

_FAULTS = {
    Fault.DENIED: faults.deny(),
    Fault.THROTTLED: faults.throttle(),
    Fault.TIMEOUT: faults.timeout(),
    Fault.SERVER_ERROR: faults.html(500),
    Fault.TRUNCATED: faults.truncate(0.5),
    Fault.BROKEN_OFF: faults.truncate(0.5, cut=True),
    Fault.EMPTY: faults.empty(),
    Fault.NOT_AN_ANSWER: faults.html(200),
    Fault.WRONG_TYPE: faults.mistype(),
    Fault.EXPIRED: faults.expired_token(),
    Fault.UNKNOWN_OPERATION: faults.unknown_operation(),
}

_BUCKETS = """
[[resource]]
type   = "aws.conformance.bucket"
title  = "Bucket"
region = "global"
id     = "arn:{partition}:s3:::{item.Name}"
name   = "{item.Name}"
secret = ["tags.*.Value"]
[resource.list]
call  = "s3:ListBuckets"
items = "Buckets"
[resource.detail.versioning]
call = "s3:GetBucketVersioning"
with = { Bucket = "{item.Name}" }
[resource.detail.tags]
call = "s3:GetBucketTagging"
with = { Bucket = "{item.Name}" }
take = "TagSet"
"""

_ROLES = """
[[resource]]
type   = "aws.conformance.role"
title  = "Role"
region = "global"
id     = "{item.Arn}"
name   = "{item.RoleName}"
policies = ["item.AssumeRolePolicyDocument"]
[resource.list]
call  = "iam:ListRoles"
with  = { MaxItems = 2 }
items = "Roles"
[resource.detail.attached]
call = "iam:ListAttachedRolePolicies"
with = { RoleName = "{item.RoleName}" }
take = "AttachedPolicies"
"""

_TABLES = """
[[resource]]
type   = "aws.conformance.table"
title  = "Table"
region = "regional"
id     = "arn:{partition}:dynamodb:{region}:{account}:table/{item}"
name   = "{item}"
[resource.list]
call  = "dynamodb:ListTables"
with  = { Limit = 2 }
items = "TableNames"
[resource.detail.table]
call = "dynamodb:DescribeTable"
with = { TableName = "{item}" }
take = "Table"
"""

_SUBNETS = """
[[resource]]
type   = "aws.conformance.subnet"
title  = "Subnet"
region = "regional"
id     = "arn:{partition}:ec2:{region}:{account}:subnet/{item.SubnetId}"
name   = "{item.SubnetId}"
[resource.list]
call  = "ec2:DescribeSubnets"
items = "Subnets"
[resource.detail.zones]
call = "ec2:DescribeAvailabilityZones"
with = { ZoneNames = ["{item.AvailabilityZone}"] }
take = "AvailabilityZones"
"""

_FILE_SYSTEMS = """
[[resource]]
type   = "aws.conformance.file-system"
title  = "File system"
region = "regional"
id     = "{item.FileSystemArn}"
name   = "{item.FileSystemId}"
volatile = ["item.SizeInBytes"]
[resource.list]
call  = "efs:DescribeFileSystems"
with  = { MaxItems = 2 }
items = "FileSystems"
[resource.detail.tags]
call = "efs:ListTagsForResource"
with = { ResourceId = "{item.FileSystemId}" }
take = "Tags"
"""


class AwsSuite(ConformanceSuite):
    """The suite against moto, through a proxy that breaks its answers."""

    definition: ClassVar[str]
    resources: ClassVar[int] = _COUNT

    patience: ClassVar[float] = 30
    proxy: ClassVar[FaultProxy]
    folder: ClassVar[Path]

    @pytest.fixture(autouse=True, scope="class")
    @classmethod
    def endpoint(
        cls, fresh_moto: str, aws_environment: Path, tmp_path_factory: pytest.TempPathFactory
    ) -> Iterator[None]:
        cls.folder = tmp_path_factory.mktemp("definitions")
        (cls.folder / "conformance.toml").write_text(cls.definition)
        cls.seed(lambda service: boto3.client(service, "eu-west-1", endpoint_url=fresh_moto))
        with FaultProxy(fresh_moto) as proxy:
            cls.proxy = proxy
            yield

    @classmethod
    def seed(cls, client: Any) -> None:
        raise NotImplementedError

    def make_collector(self, tools: Tools) -> AwsCollector:
        settings = {
            "endpoint_url": self.proxy.endpoint,
            "regions": ["eu-west-1"],
            "read_timeout": self.patience,
            "retries": 1,
        }
        with_folder = Tools(
            redaction_key=tools.redaction_key,
            definition_folders=(self.folder,),
            cancelled=tools.cancelled,
        )
        return AwsCollector(settings, with_folder)

    @contextmanager
    def broken(self, fault: Fault, call: str, *, later_page: bool = False) -> Iterator[None]:
        service, operation = call.split(":")
        matcher = faults.later_page(service, operation) if later_page else faults.on(service, operation)
        self.proxy.rules[:] = [Rule(matcher, _FAULTS[fault])]
        if fault is Fault.TIMEOUT:
            type(self).patience = 1.5
        try:
            yield
        finally:
            type(self).patience = 30
            self.proxy.rules.clear()


class TestRestXml(AwsSuite):
    definition = _BUCKETS
    resource_type = "aws.conformance.bucket"
    list_call = "s3:ListBuckets"
    detail = "versioning"
    detail_call = "s3:GetBucketVersioning"
    paginated = False  # moto cuts the list of buckets off, without a token
    secrets = ("tag-secret",)

    @classmethod
    def seed(cls, client: Any) -> None:
        s3 = client("s3")
        for i in range(_COUNT):
            name = f"conformance-{i}"
            s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
            tags = {"TagSet": [{"Key": "token", "Value": f"tag-secret-{i}"}]}
            s3.put_bucket_tagging(Bucket=name, Tagging=tags)


class TestQuery(AwsSuite):
    definition = _ROLES
    resource_type = "aws.conformance.role"
    list_call = "iam:ListRoles"
    detail = "attached"
    detail_call = "iam:ListAttachedRolePolicies"

    @classmethod
    def seed(cls, client: Any) -> None:
        trust = '{"Version":"2012-10-17","Statement":{"Effect":"Deny","Principal":"*","Action":"sts:*"}}'
        for i in range(_COUNT):
            client("iam").create_role(RoleName=f"role-{i}", AssumeRolePolicyDocument=trust)


class TestJson(AwsSuite):
    definition = _TABLES
    resource_type = "aws.conformance.table"
    list_call = "dynamodb:ListTables"
    detail = "table"
    detail_call = "dynamodb:DescribeTable"

    @classmethod
    def seed(cls, client: Any) -> None:
        for i in range(_COUNT):
            client("dynamodb").create_table(
                TableName=f"table-{i}",
                KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}],
                AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}],
                BillingMode="PAY_PER_REQUEST",
            )


class TestEc2(AwsSuite):
    definition = _SUBNETS
    resource_type = "aws.conformance.subnet"
    resources = 3  # the subnets of moto's default VPC
    list_call = "ec2:DescribeSubnets"
    detail = "zones"
    detail_call = "ec2:DescribeAvailabilityZones"
    paginated = False

    @classmethod
    def seed(cls, client: Any) -> None:
        client("ec2").describe_subnets()  # moto makes its default VPC at the first question


class TestRestJson(AwsSuite):
    definition = _FILE_SYSTEMS
    resource_type = "aws.conformance.file-system"
    list_call = "efs:DescribeFileSystems"
    detail = "tags"
    detail_call = "efs:ListTagsForResource"

    @classmethod
    def seed(cls, client: Any) -> None:
        for i in range(_COUNT):
            client("efs").create_file_system(CreationToken=f"token-{i}")
