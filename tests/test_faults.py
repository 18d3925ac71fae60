"""Every fault does to boto3 what it says, and the recogniser knows what it sees."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, ReadTimeoutError
from botocore.parsers import ResponseParserError

from annexa.demo.estate import HOME, SECOND, Size, seed
from annexa.demo.server import MotoServer
from tests.faults import (
    Fault,
    FaultProxy,
    Rule,
    anything,
    deny,
    empty,
    expired_token,
    html,
    later_page,
    on,
    throttle,
    timeout,
    truncate,
    unknown_operation,
)

pytestmark = pytest.mark.slow

Call = Callable[[FaultProxy], Any]


@pytest.fixture(scope="module")
def moto() -> Iterator[MotoServer]:
    with MotoServer() as server:
        s3 = _client(server.endpoint, "s3")
        for name in ("one", "two"):
            s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": HOME})
        dynamodb, ec2 = _client(server.endpoint, "dynamodb"), _client(server.endpoint, "ec2")
        for index in range(5):
            s3.put_object(Bucket="one", Key=f"object-{index}", Body=b"")
            ec2.run_instances(ImageId="ami-12345678", MinCount=1, MaxCount=1)
            dynamodb.create_table(
                TableName=f"table-{index}",
                AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
                KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
                BillingMode="PAY_PER_REQUEST",
            )
        yield server


_SESSION: Any = boto3.Session(aws_access_key_id="key", aws_secret_access_key="secret", region_name=HOME)


def _client(endpoint: str, service: str, region: str = HOME, **settings: Any) -> Any:
    """A client that tries once, unless the settings of botocore say otherwise."""
    config = Config(**{"retries": {"total_max_attempts": 1}, **settings})
    return _SESSION.client(service, region_name=region, endpoint_url=endpoint, config=config)


# One operation for each way in which AWS speaks: service, operation, parameters.
_SPOKEN: dict[str, tuple[str, str, dict[str, Any]]] = {
    "query": ("iam", "ListUsers", {}),
    "ec2": ("ec2", "DescribeVpcs", {}),
    "json-1.0": ("dynamodb", "ListTables", {}),
    "json-1.1": ("kms", "ListKeys", {}),
    "rest-json": ("lambda", "ListFunctions", {}),
    "rest-xml": ("route53", "ListHostedZones", {}),
    "s3": ("s3", "GetBucketAcl", {"Bucket": "one"}),
    "cbor": ("cloudwatch", "DescribeAlarms", {}),
}


def _call(proxy: FaultProxy, spoken: str, **settings: Any) -> Any:
    service, operation, parameters = _SPOKEN[spoken]
    return _method(_client(proxy.endpoint, service, **settings), operation)(**parameters)


def _method(client: Any, operation: str) -> Any:
    names = {api: name for name, api in client.meta.method_to_api_mapping.items()}
    return getattr(client, names[operation])


def _code(proxy: FaultProxy, spoken: str) -> str:
    with pytest.raises(ClientError) as raised:
        _call(proxy, spoken)
    return str(raised.value.response["Error"]["Code"])


def _rule(spoken: str, fault: Fault) -> Rule:
    service, operation, _ = _SPOKEN[spoken]
    return Rule(on(service, operation), fault)


_XML = ("query", "ec2", "rest-xml", "s3")
_JSON = ("json-1.0", "json-1.1", "rest-json")
_ERRORS = (ClientError, BotoCoreError, ResponseParserError)

_CODES: dict[str, tuple[Fault, dict[str, str]]] = {
    # how it goes wrong → the code by protocol, where "xml" and "json" stand for all that are not named
    "denied": (
        deny(),
        {"ec2": "UnauthorizedOperation", "json": "AccessDeniedException", "xml": "AccessDenied"},
    ),
    "throttled": (
        throttle(),
        {"ec2": "RequestLimitExceeded", "json": "ThrottlingException", "xml": "Throttling", "s3": "SlowDown"},
    ),
    "expired": (
        expired_token(),
        {"ec2": "RequestExpired", "json": "ExpiredTokenException", "xml": "ExpiredToken"},
    ),
    "unknown": (
        unknown_operation(),
        {"json": "UnknownOperationException", "xml": "InvalidAction", "s3": "NotImplemented"},
    ),
    "named": (deny("Nope"), {"json": "Nope", "xml": "Nope"}),
}


@pytest.mark.parametrize("wrong", _CODES)
@pytest.mark.parametrize("spoken", _SPOKEN)
def test_a_refusal_speaks_the_protocol_of_the_request(moto: MotoServer, spoken: str, wrong: str) -> None:
    fault, codes = _CODES[wrong]
    with FaultProxy(moto.endpoint, [_rule(spoken, fault)]) as proxy:
        assert _code(proxy, spoken) == codes.get(spoken, codes["xml" if spoken in _XML else "json"])


@pytest.mark.parametrize("spoken", _SPOKEN)
def test_without_a_rule_the_answer_is_the_true_one(moto: MotoServer, spoken: str) -> None:
    service, operation, _ = _SPOKEN[spoken]
    with FaultProxy(moto.endpoint) as proxy:
        assert _call(proxy, spoken)["ResponseMetadata"]["HTTPStatusCode"] == 200
        assert [(each.service, each.operation) for each in proxy.requests] == [(service, operation)]


@pytest.mark.parametrize("spoken", _SPOKEN)
def test_a_web_page_with_status_500_is_an_error(moto: MotoServer, spoken: str) -> None:
    with FaultProxy(moto.endpoint, [_rule(spoken, html(500))]) as proxy, pytest.raises(_ERRORS):
        _call(proxy, spoken)


@pytest.mark.parametrize("spoken", _XML)
@pytest.mark.parametrize("fault", [html(200), truncate(), truncate(cut=True)], ids=["html", "short", "cut"])
def test_broken_xml_is_an_error(moto: MotoServer, spoken: str, fault: Fault) -> None:
    with FaultProxy(moto.endpoint, [_rule(spoken, fault)]) as proxy, pytest.raises(_ERRORS):
        _call(proxy, spoken)


@pytest.mark.parametrize("spoken", _JSON)
@pytest.mark.parametrize("fault", [html(200), truncate(), truncate(cut=True)], ids=["html", "short", "cut"])
def test_boto3_takes_broken_json_for_an_empty_answer(moto: MotoServer, spoken: str, fault: Fault) -> None:
    """Nothing is raised, neither for what is no JSON nor for a length that was not kept.

    Whoever collects has to look for itself, or a broken answer becomes "there is none".
    """
    with FaultProxy(moto.endpoint, [_rule(spoken, fault)]) as proxy:
        assert set(_call(proxy, spoken)) == {"ResponseMetadata"}


@pytest.mark.parametrize("spoken", _SPOKEN)
def test_an_empty_answer_reaches_the_client(moto: MotoServer, spoken: str) -> None:
    with FaultProxy(moto.endpoint, [_rule(spoken, empty())]) as proxy:
        try:
            answer = _call(proxy, spoken)
        except (ClientError, BotoCoreError, ResponseParserError):
            return
        assert not set(answer) - {"ResponseMetadata"}


def test_a_timeout_lasts_until_the_client_gives_up(moto: MotoServer) -> None:
    with FaultProxy(moto.endpoint, [_rule("query", timeout())]) as proxy:
        begun = time.monotonic()
        with pytest.raises(ReadTimeoutError):
            _client(proxy.endpoint, "iam", read_timeout=1).list_users()
        given_up = time.monotonic()
    assert 0.9 < given_up - begun < 5
    assert time.monotonic() - given_up < 1, "the proxy waits for the request that it holds"


def test_throttling_that_ends_is_outlasted(moto: MotoServer) -> None:
    rule = Rule(on("kms"), throttle(retry_after=0), times=2)
    with FaultProxy(moto.endpoint, [rule]) as proxy:
        _call(proxy, "json-1.1", retries={"total_max_attempts": 3, "mode": "standard"})
        assert (proxy.count("kms"), rule.applied) == (3, 2)


def test_a_token_expires_in_the_middle(moto: MotoServer) -> None:
    with FaultProxy(moto.endpoint, [Rule(anything, expired_token(), after=2)]) as proxy:
        _call(proxy, "query")
        _call(proxy, "s3")
        assert _code(proxy, "json-1.1") == "ExpiredTokenException"


@pytest.mark.parametrize(("after", "seen"), [(0, 2), (1, 4)])
@pytest.mark.parametrize(
    ("service", "operation", "items", "parameters"),
    [
        ("dynamodb", "ListTables", "TableNames", {}),
        ("s3", "ListObjectsV2", "Contents", {"Bucket": "one"}),
        ("ec2", "DescribeInstances", "Reservations", {}),
    ],
    ids=["json", "query string", "form"],
)
def test_a_later_page_fails(
    moto: MotoServer,
    service: str,
    operation: str,
    items: str,
    parameters: dict[str, str],
    after: int,
    seen: int,
) -> None:
    found: list[Any] = []

    def read(pages: Any) -> None:
        for page in pages:
            found.extend(page[items])

    with FaultProxy(moto.endpoint, [Rule(later_page(service, operation), deny(), after=after)]) as proxy:
        client = _client(proxy.endpoint, service)
        pages = client.get_paginator(_method(client, operation).__name__)
        with pytest.raises(ClientError):
            read(pages.paginate(PaginationConfig={"PageSize": 2}, **parameters))
    assert len(found) == seen


def test_a_rule_may_be_for_one_region(moto: MotoServer) -> None:
    with FaultProxy(moto.endpoint, [Rule(on("ec2", "DescribeVpcs", SECOND), deny())]) as proxy:
        _client(proxy.endpoint, "ec2", HOME).describe_vpcs()
        with pytest.raises(ClientError):
            _client(proxy.endpoint, "ec2", SECOND).describe_vpcs()
        assert [each.region for each in proxy.requests] == [HOME, SECOND]


_ASKED: list[tuple[str, str, dict[str, Any]]] = [
    ("s3", "GetBucketPolicy", {"Bucket": "one"}),
    ("s3", "GetBucketEncryption", {"Bucket": "one"}),
    ("s3", "GetPublicAccessBlock", {"Bucket": "one"}),
    ("s3", "GetBucketLifecycleConfiguration", {"Bucket": "one"}),
    ("s3", "GetBucketAnalyticsConfiguration", {"Bucket": "one", "Id": "x"}),
    ("s3", "ListBucketAnalyticsConfigurations", {"Bucket": "one"}),
    ("s3", "ListObjectsV2", {"Bucket": "one"}),
    ("s3", "HeadBucket", {"Bucket": "one"}),
    ("s3", "GetObjectAcl", {"Bucket": "one", "Key": "a/b"}),
    ("iam", "GetAccountAuthorizationDetails", {}),
    ("ec2", "DescribeSnapshotAttribute", {"SnapshotId": "snap-1", "Attribute": "createVolumePermission"}),
    ("lambda", "GetPolicy", {"FunctionName": "x"}),
    ("lambda", "ListTags", {"Resource": "arn:aws:lambda:eu-central-1:123456789012:function:x"}),
    ("kms", "GetKeyPolicy", {"KeyId": "x", "PolicyName": "default"}),
    ("route53", "GetHostedZone", {"Id": "Z1"}),
    ("cloudfront", "GetDistributionConfig", {"Id": "x"}),
    ("eks", "DescribeCluster", {"name": "x"}),
    ("apigateway", "GetStages", {"restApiId": "x"}),
    ("apigatewayv2", "GetStages", {"ApiId": "x"}),
    ("elb", "DescribeLoadBalancers", {}),
    ("elbv2", "DescribeLoadBalancers", {}),
    ("opensearch", "DescribeDomain", {"DomainName": "xyz"}),
    ("backup", "GetBackupVaultAccessPolicy", {"BackupVaultName": "xx"}),
    ("guardduty", "GetDetector", {"DetectorId": "x"}),
    ("sso-admin", "ListInstances", {}),
    ("wafv2", "ListWebACLs", {"Scope": "REGIONAL"}),
]


@pytest.mark.parametrize(("service", "operation", "parameters"), _ASKED, ids=lambda each: str(each)[:40])
def test_an_operation_is_recognised(service: str, operation: str, parameters: dict[str, Any]) -> None:
    with FaultProxy("http://localhost:1", [Rule(anything, deny())]) as proxy:
        call = _method(_client(proxy.endpoint, service), operation)
        with pytest.raises(ClientError) as raised:
            call(**parameters)
        assert proxy.requests == [(service, operation, HOME)]
        if operation != "HeadBucket":  # which has no body to put a code into
            assert "Denied" in str(raised.value) or "Unauthorized" in str(raised.value)


def test_the_estate_is_read_with_the_auditors_key_and_hides_a_little() -> None:
    with MotoServer() as server, FaultProxy(server.endpoint) as proxy:
        estate = seed(server.endpoint, Size(users=6, buckets=8, instances=2, everything=False))
        assert estate.refused == ()
        auditor: Any = boto3.Session(estate.access_key, estate.secret_key, region_name=HOME)
        s3, kms, secrets, iam = (
            auditor.client(service, endpoint_url=proxy.endpoint)
            for service in ("s3", "kms", "secretsmanager", "iam")
        )
        assert len(s3.list_buckets()["Buckets"]) == 8
        assert s3.get_bucket_policy(Bucket="fernhill-audit-trail")["Policy"]
        assert s3.get_bucket_versioning(Bucket="fernhill-legal-hold-2021")
        with pytest.raises(ClientError, match="AccessDenied"):
            s3.get_bucket_policy(Bucket="fernhill-legal-hold-2021")
        held = kms.list_keys()["Keys"][0]["KeyId"]
        assert kms.describe_key(KeyId=held)
        with pytest.raises(ClientError, match="AccessDeniedException"):
            kms.get_key_policy(KeyId=held, PolicyName="default")
        with pytest.raises(ClientError, match="AccessDeniedException"):
            secrets.list_secrets()
        with pytest.raises(ClientError, match="AccessDenied"):
            iam.create_user(UserName="somebody")
