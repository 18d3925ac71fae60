"""Answers that botocore would read as "there is none" are refused; legal ones are not, however bare."""

from pathlib import Path
from typing import Any

import pytest
from botocore.model import OperationModel, ServiceModel

from collectors.aws import AwsCollector
from collectors.aws.answers import refuse_malformed
from collectors.aws.shapes import operation_model
from collectors.contract import Target, Tools
from collectors.transport import CallError
from store.model import Scope
from tests import faults
from tests.faults import FaultProxy, Rule

ACCOUNT = "123456789012"
_S3 = 'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'
_EC2 = 'xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"'


def status_after(call: str, body: str) -> int:
    """Return the HTTP status that botocore takes a success with this body for."""
    response: dict[str, Any] = {"status_code": 200, "headers": {}, "body": body.encode()}
    refuse_malformed(operation_model(call), response)
    status: int = response["status_code"]
    return status


@pytest.mark.parametrize(
    ("call", "body"),
    [
        ("ec2:DescribeSubnets", f"<DescribeSubnetsResponse {_EC2}><subnetSet/></DescribeSubnetsResponse>"),
        (
            "ec2:DescribeSubnets",
            f"<DescribeSubnetsResponse {_EC2}><requestId>1</requestId></DescribeSubnetsResponse>",
        ),
        ("iam:ListRoles", "<ListRolesResponse><ListRolesResult/></ListRolesResponse>"),
        (
            "iam:ListRoles",
            "<ListRolesResponse><ListRolesResult><New/><Roles/></ListRolesResult></ListRolesResponse>",
        ),
        ("s3:ListBuckets", f"<ListAllMyBucketsResult {_S3}><Owner/><Buckets/></ListAllMyBucketsResult>"),
        ("s3:GetBucketVersioning", f"<?xml version='1.0'?>\n<VersioningConfiguration {_S3}/>"),
        (
            "s3:GetBucketLogging",
            f"<BucketLoggingStatus {_S3}><!--<LoggingEnabled/>-->\n</BucketLoggingStatus>",
        ),
        ("s3:GetBucketLocation", f"<LocationConstraint {_S3}>eu-west-1</LocationConstraint>"),
        ("s3:GetBucketLocation", f"<LocationConstraint {_S3}/>"),
        (
            "s3:GetBucketNotificationConfiguration",
            "<NotificationConfiguration><QueueConfiguration/></NotificationConfiguration>",
        ),
        ("s3:GetBucketNotificationConfiguration", f"<GetBucketNotificationResponse {_S3}/>"),
        (
            "s3:GetBucketLifecycleConfiguration",
            "<LifecycleConfiguration><Rule/><Rule/></LifecycleConfiguration>",
        ),
        (
            "s3:GetPublicAccessBlock",
            "<PublicAccessBlockConfiguration><BlockPublicAcls/></PublicAccessBlockConfiguration>",
        ),
        ("s3:GetBucketPolicy", '{"Version": "2012-10-17", "Statement": []}'),
        ("cloudfront:ListDistributions", "<DistributionList><Marker/></DistributionList>"),
        ("route53:ListHostedZones", "<ListHostedZonesResponse><HostedZones/></ListHostedZonesResponse>"),
        ("dynamodb:ListTables", "{}"),
    ],
)
def test_a_legal_answer_is_taken_as_it_is(call: str, body: str) -> None:
    assert status_after(call, body) == 200


@pytest.mark.parametrize(
    ("call", "body", "said"),
    [
        ("ec2:DescribeSubnets", "<SignIn>Sign in</SignIn>", "no <DescribeSubnetsResponse>"),
        ("ec2:DescribeSubnets", "<DescribeVpcsResponse><vpcSet/></DescribeVpcsResponse>", "no <Desc"),
        ("ec2:DescribeSubnets", "<DescribeSubnetsResponse><a/></DescribeSubnetsResponse>", "none of"),
        ("iam:ListRoles", "<SignIn>Sign in</SignIn>", "no <ListRolesResult>"),
        ("iam:ListRoles", "<ListUsersResponse><ListUsersResult/></ListUsersResponse>", "no <ListRol"),
        ("iam:ListRoles", "<R><X><ListRolesResult/></X></R>", "no <ListRolesResult>"),
        ("iam:ListRoles", "<R><X><Roles/></X><ListRolesResult><Y/></ListRolesResult></R>", "none of"),
        ("s3:ListBuckets", "<SignIn>Sign in</SignIn>", "no <ListAllMyBucketsResult>"),
        ("s3:ListBuckets", "<ListAllMyBucketsResult><a/></ListAllMyBucketsResult>", "none of"),
        ("s3:GetBucketVersioning", "<SignIn><Status>Enabled</Status></SignIn>", "no <VersioningC"),
        ("s3:GetBucketLocation", "<SignIn>eu-west-1</SignIn>", "no <LocationConstraint>"),
        ("s3:GetPublicAccessBlock", "<SignIn/>", "no <PublicAccessBlockConfiguration>"),
        ("cloudfront:ListDistributions", "<SignIn/>", "no <DistributionList>"),
        ("route53:ListHostedZones", "<SignIn/>", "no <ListHostedZonesResponse>"),
        ("s3:ListBuckets", "<ListAllMyBucketsResult><a></b></ListAllMyBucketsResult>", "not XML"),
    ],
)
def test_an_answer_of_another_kind_is_refused(call: str, body: str, said: str) -> None:
    with pytest.raises(CallError, match=said) as caught:
        status_after(call, body)
    assert caught.value.code == "MalformedAnswer"


def test_an_error_of_ec2_within_a_success_is_read_as_an_error() -> None:
    body = "<Response><Errors><Error><Code>RequestLimitExceeded</Code></Error></Errors></Response>"
    assert status_after("ec2:DescribeSubnets", body) == 500


def binary_list() -> OperationModel:
    """A list of a service that speaks CBOR."""
    names = {"type": "list", "member": {"shape": "Name"}}
    output = {"type": "structure", "members": {"names": {"shape": "Names"}}}
    shapes = {"Output": output, "Names": names, "Name": {"type": "string"}}
    metadata = {"protocol": "smithy-rpc-v2-cbor", "protocols": ["smithy-rpc-v2-cbor"]}
    operation = {"name": "List", "http": {"method": "POST"}, "output": {"shape": "Output"}}
    service = ServiceModel({"metadata": metadata, "operations": {"List": operation}, "shapes": shapes})
    return service.operation_model("List")


@pytest.mark.parametrize("body", [b"\xa0", b"\xbf\xff", b"\xa2\x63new\x01\x65names\x80"])
def test_a_legal_answer_in_cbor_is_taken(body: bytes) -> None:
    refuse_malformed(binary_list(), {"status_code": 200, "headers": {}, "body": body})


@pytest.mark.parametrize(("body", "said"), [(b"\x80", "is a list"), (b"\xa1\x64page\x01", "none of")])
def test_an_answer_of_another_kind_in_cbor_is_refused(body: bytes, said: str) -> None:
    with pytest.raises(CallError, match=said):
        refuse_malformed(binary_list(), {"status_code": 200, "headers": {}, "body": body})


def collector(endpoint: str) -> AwsCollector:
    return AwsCollector({"endpoint_url": endpoint, "retries": 1}, Tools(redaction_key=b"key"))


@pytest.fixture
def endpoint(fresh_moto: str, aws_environment: Path) -> str:
    return fresh_moto


_JSON = (("Content-Type", "application/x-amz-json-1.0"),)


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (faults.truncate(0.5, cut=True), "ends after"),
        (faults.truncate(0.0, cut=True), "ends after 0 of"),
        (faults.truncate(0.5), "not JSON"),
        (faults.empty(), "empty"),
        (lambda _, __: faults.Answer(200, _JSON, b"[]"), "is a list"),
        (
            lambda _, __: faults.Answer(200, _JSON, b'{"message": "try later"}'),
            "none of",
        ),
        (lambda _, __: faults.Answer(200, _JSON, b'{"TableNames": 7}'), ""),
        (
            lambda _, __: faults.Answer(200, (("Content-Type", "text/html"),), b"<html></html>"),
            "not JSON",
        ),
    ],
)
def test_what_botocore_would_take_for_an_empty_answer_is_a_gap(
    endpoint: str, fault: faults.Fault, said: str
) -> None:
    scope = Scope("aws", ACCOUNT, ACCOUNT, ("eu-west-1",), {"partition": "aws"})
    with FaultProxy(endpoint, [Rule(faults.on("dynamodb", "ListTables"), fault)]) as proxy:
        aws = collector(proxy.endpoint)
        collection = aws.collect(scope, Target("aws.dynamodb.table", "eu-west-1"))
        assert list(collection) == []
    assert not collection.report.complete
    (gap,) = collection.report.gaps
    assert gap.code == "MalformedAnswer"
    assert said in gap.message


def test_an_error_within_a_success_is_an_error(endpoint: str) -> None:
    body = b"<?xml version='1.0'?><Error><Code>SlowDown</Code><Message>later</Message></Error>"
    scope = Scope("aws", ACCOUNT, ACCOUNT, ("eu-west-1",), {"partition": "aws"})
    answer = faults.Answer(200, (("Content-Type", "application/xml"),), body)
    with FaultProxy(endpoint, [Rule(faults.on("s3", "ListBuckets"), lambda _, __: answer)]) as proxy:
        collection = collector(proxy.endpoint).collect(scope, Target("aws.s3.bucket", "us-east-1"))
        assert list(collection) == []
    assert [gap.code for gap in collection.report.gaps] == ["SlowDown"]
