"""The AWS collector against moto over HTTP: discovery, credentials, targets, permissions and reading."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import boto3
import pytest

from collectors.aws import AwsCollector
from collectors.aws.permissions import MANAGED_POLICY_LIMIT
from collectors.contract import Permissions, Target, Tools
from collectors.definition import Call
from store.errors import CollectorError, ConfigError
from store.model import Scope
from tests import faults
from tests.faults import FaultProxy, Rule

ACCOUNT = "123456789012"
TOOLS = Tools(redaction_key=b"key")
TRUST = '{"Version":"2012-10-17","Statement":[]}'


def collector(endpoint: str, tools: Tools = TOOLS, **settings: Any) -> AwsCollector:
    return AwsCollector({"endpoint_url": endpoint, "retries": 1, **settings}, tools)


@pytest.fixture
def endpoint(fresh_moto: str, aws_environment: Path) -> str:
    return fresh_moto


class TestReading:
    @pytest.fixture(scope="class", autouse=True)
    @staticmethod
    def estate(fresh_moto: str, aws_environment: Path) -> None:
        s3 = boto3.client("s3", "us-east-1", endpoint_url=fresh_moto)
        for i in range(30):
            s3.create_bucket(Bucket=f"bucket-{i:02}")
        s3.put_bucket_encryption(
            Bucket="bucket-00",
            ServerSideEncryptionConfiguration={
                "Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}}]
            },
        )
        policy = {
            "Version": "2012-10-17",
            "Statement": {"Effect": "Deny", "Principal": "*", "Action": "s3:*"},
        }
        s3.put_bucket_policy(Bucket="bucket-01", Policy=json.dumps(policy))
        dynamodb = boto3.client("dynamodb", "eu-west-1", endpoint_url=fresh_moto)
        for i in range(7):
            dynamodb.create_table(
                TableName=f"table-{i}",
                KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}],
                AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}],
                BillingMode="PAY_PER_REQUEST",
            )

    def test_buckets(self, fresh_moto: str) -> None:
        aws = collector(fresh_moto, regions=["eu-west-1"])
        (scope,) = aws.discover().scopes
        (target,) = aws.targets(scope, ["aws.s3.bucket"])
        assert target == Target("aws.s3.bucket", "us-east-1")
        collection = aws.collect(scope, target)
        documents = {document.name: document for document in collection}
        assert len(documents) == 30
        assert collection.report.complete
        assert documents["bucket-00"].id == "arn:aws:s3:::bucket-00"
        rule = documents["bucket-00"].content["encryption"][0]
        assert rule["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "aws:kms"}
        assert documents["bucket-02"].content["policy"] is None
        assert documents["bucket-01"].content["policy"]["Statement"] == [
            {"Effect": "Deny", "Principal": {"AWS": ["*"]}, "Action": ["s3:*"]}
        ]
        provenance = collection.report.provenance
        assert provenance["endpoints"] == [fresh_moto]
        assert provenance["principal"] == scope.attributes["principal"]
        assert abs(provenance["skew_s"]) < 5
        assert provenance["provider_time"]

    def test_pages_to_the_end(self, fresh_moto: str, tmp_path: Path) -> None:
        (tmp_path / "mine.toml").write_text(
            """
            [[resource]]
            type = "aws.test.table"
            title = "Table"
            region = "regional"
            id = "{item}"
            name = "{item}"
            list = { call = "dynamodb:ListTables", with = { Limit = 3 }, items = "TableNames" }
            """
        )
        tools = Tools(redaction_key=b"key", definition_folders=(tmp_path,))
        aws = collector(fresh_moto, tools, regions=["eu-west-1", "us-east-1"])
        (scope,) = aws.discover().scopes
        here, there = aws.targets(scope, ["aws.test.table"])
        collection = aws.collect(scope, here)
        assert [document.id for document in collection] == [f"table-{i}" for i in range(7)]
        assert collection.report.provenance["calls"][0]["pages"] == 3
        empty = aws.collect(scope, there)
        assert list(empty) == []
        assert empty.report.complete

    def test_scope_of_another_process(self, fresh_moto: str) -> None:
        aws = collector(fresh_moto)
        scope = Scope("aws", ACCOUNT, ACCOUNT, ("eu-west-1",), {"partition": "aws"})
        collection = aws.collect(scope, Target("aws.s3.bucket", "us-east-1"))
        assert len(list(collection)) == 30

    def test_connection_refused_is_a_gap(self, aws_environment: Path) -> None:
        aws = collector("http://127.0.0.1:9")
        scope = Scope("aws", ACCOUNT, ACCOUNT, ("eu-west-1",), {"partition": "aws"})
        collection = aws.collect(scope, Target("aws.s3.bucket", "us-east-1"))
        assert list(collection) == []
        assert [gap.code for gap in collection.report.gaps] == ["ConnectionFailed"]

    def test_endpoint_of_the_environment(self, fresh_moto: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AWS_ENDPOINT_URL", fresh_moto)
        aws = AwsCollector({}, TOOLS)
        (scope,) = aws.discover().scopes
        assert scope.id == ACCOUNT


class TestDiscovery:
    def test_default_is_the_account_of_the_credentials_with_its_regions(self, endpoint: str) -> None:
        found = collector(endpoint).discover()
        (scope,) = found.scopes
        assert found.gaps == ()
        assert scope.key == f"aws:{ACCOUNT}"
        assert {"eu-west-1", "us-east-1"} <= set(scope.regions)
        assert scope.attributes["partition"] == "aws"
        assert scope.attributes["home_region"] == "us-east-1"
        assert scope.attributes["principal"].startswith("arn:aws:")

    def test_wrong_region_names_the_near_ones(self, endpoint: str) -> None:
        with pytest.raises(ConfigError, match=r"aws\.regions: 'eu-centrl-1'") as caught:
            collector(endpoint, regions=["eu-centrl-1"]).discover()
        assert "eu-central-1" in caught.value.hint
        with pytest.raises(ConfigError, match=r"aws\.home_region"):
            collector(endpoint, home_region="moon-1").discover()

    def test_missing_profile_names_those_there_are(
        self, endpoint: str, aws_environment: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (aws_environment / "config").write_text("[profile audit]\nregion = eu-west-1\n")
        with pytest.raises(CollectorError, match=r"aws\.profile.*nope.*audit"):
            collector(endpoint, profile="nope").discover()
        monkeypatch.setenv("AWS_PROFILE", "gone")
        with pytest.raises(CollectorError, match="gone"):
            collector(endpoint).discover()

    def test_no_credentials(self, endpoint: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("AWS_ACCESS_KEY_ID")
        monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
        with pytest.raises(CollectorError, match="no AWS credentials") as caught:
            collector(endpoint).discover()
        assert caught.value.hint
        (line,) = collector(endpoint).diagnose()
        assert not line.ok

    def test_accounts_are_entered_by_role(self, endpoint: str) -> None:
        other = "111122223333"
        aws = collector(
            endpoint,
            regions=["eu-west-1"],
            accounts=[
                {"id": ACCOUNT, "name": "here"},
                {"id": other, "name": "there", "role": "annexa", "external_id": "secret-id"},
            ],
        )
        boto3.client("s3", "us-east-1", endpoint_url=endpoint).create_bucket(Bucket="only-here")
        here, there = aws.discover().scopes
        assert (here.id, there.id, there.name) == (ACCOUNT, other, "there")
        assert there.attributes["role"] == f"arn:aws:iam::{other}:role/annexa"
        assert there.attributes["principal"] == f"arn:aws:sts::{other}:assumed-role/annexa/annexa"
        for scope, expected in ((here, ["only-here"]), (there, [])):
            collection = aws.collect(scope, Target("aws.s3.bucket", "us-east-1"))
            assert [document.name for document in collection] == expected
            assert collection.report.provenance["principal"] == scope.attributes["principal"]

    def test_roles_are_chained(self, endpoint: str) -> None:
        aws = collector(
            endpoint,
            role_arn="arn:aws:iam::444455556666:role/hub",
            external_id="secret-id",
            regions=["eu-west-1"],
            accounts=[{"id": "111122223333", "role": "annexa"}],
        )
        (scope,) = aws.discover().scopes
        assert scope.id == "111122223333"
        hub = collector(endpoint, role_arn="arn:aws:iam::444455556666:role/hub", regions=["eu-west-1"])
        assert hub.discover().scopes[0].id == "444455556666"

    def test_account_that_cannot_be_entered_is_a_gap(self, endpoint: str) -> None:
        denied = [Rule(faults.on("sts", "AssumeRole"), faults.deny())]
        with FaultProxy(endpoint, denied) as proxy:
            found = collector(
                proxy.endpoint,
                regions=["eu-west-1"],
                accounts=[{"id": ACCOUNT}, {"id": "111122223333", "role": "annexa"}],
            ).discover()
        assert [scope.id for scope in found.scopes] == [ACCOUNT]
        (gap,) = found.gaps
        assert (gap.resource_id, gap.code) == ("aws:111122223333", "CredentialsFailed")
        assert "AccessDenied" in gap.message

    def test_credentials_of_another_account_are_noticed(self, endpoint: str) -> None:
        found = collector(endpoint, regions=["eu-west-1"], accounts=[{"id": "111122223333"}]).discover()
        assert found.scopes == ()
        assert found.gaps[0].code == "WrongAccount"

    def test_organization(self, endpoint: str) -> None:
        organizations = boto3.client("organizations", "us-east-1", endpoint_url=endpoint)
        organizations.create_organization(FeatureSet="ALL")
        created = [
            organizations.create_account(Email=f"{name}@example.com", AccountName=name)["CreateAccountStatus"]
            for name in ("one", "two", "left-out")
        ]
        ids = [status["AccountId"] for status in created]
        aws = collector(
            endpoint, regions=["eu-west-1"], organization={"role_name": "annexa", "exclude": [ids[2]]}
        )
        found = aws.discover()
        assert found.gaps == ()
        assert {scope.id: scope.name for scope in found.scopes}.keys() == {ACCOUNT, ids[0], ids[1]}
        assert next(scope for scope in found.scopes if scope.id == ids[0]).name == "one"
        with FaultProxy(endpoint, [Rule(faults.on("organizations"), faults.deny())]) as proxy:
            alone = collector(
                proxy.endpoint, regions=["eu-west-1"], organization={"role_name": "annexa"}
            ).discover()
        assert [scope.id for scope in alone.scopes] == [ACCOUNT]
        assert alone.gaps[0].call == "organizations:ListAccounts"

    def test_regions_that_cannot_be_listed_are_a_gap(self, endpoint: str) -> None:
        with FaultProxy(endpoint, [Rule(faults.on("ec2", "DescribeRegions"), faults.deny())]) as proxy:
            found = collector(proxy.endpoint).discover()
        assert found.scopes[0].regions == ("us-east-1",)
        (gap,) = found.gaps
        assert (gap.call, gap.resource_id) == ("ec2:DescribeRegions", f"aws:{ACCOUNT}")

    def test_refused_credentials_and_silent_endpoints_differ(self, endpoint: str) -> None:
        rule = Rule(faults.on("sts"), faults.expired_token())
        with FaultProxy(endpoint, [rule]) as proxy:
            with pytest.raises(CollectorError, match="ExpiredToken"):
                collector(proxy.endpoint).discover()
            rule.fault = faults.html(500)
            found = collector(proxy.endpoint).discover()
        assert found.scopes == ()
        assert found.gaps[0].code == "500"

    def test_diagnoses(self, endpoint: str) -> None:
        with FaultProxy(endpoint, [Rule(faults.on("iam"), faults.deny())]) as proxy:
            lines = {line.name: line for line in collector(proxy.endpoint).diagnose()}
        assert lines["credentials"].ok
        assert lines["accounts"].ok
        assert "AccessDenied" in lines["permissions"].message


class TestSettings:
    @pytest.mark.parametrize(
        ("settings", "named"),
        [
            ({"profil": "x"}, "profil: unknown key"),
            ({"accounts": [{"id": "12"}]}, "accounts.0.id"),
            ({"accounts": [{"id": ACCOUNT}, {"id": ACCOUNT}]}, "named twice"),
            ({"accounts": [{"id": ACCOUNT}], "organization": {"role_name": "r"}}, "not both"),
            ({"role_arn": "annexa"}, "role_arn"),
            ({"external_id": "secret-id"}, "external_id needs role_arn"),
            ({"retries": 0}, "retries"),
        ],
    )
    def test_wrong_keys_are_named(self, settings: dict[str, Any], named: str) -> None:
        with pytest.raises(ConfigError, match=named):
            AwsCollector(settings, TOOLS)

    def test_importing_the_package_is_cheap(self) -> None:
        program = (
            "import sys, collectors.aws; assert 'boto3' not in sys.modules and 'botocore' not in sys.modules"
        )
        subprocess.run([sys.executable, "-c", program], check=True)


class TestTargets:
    def test_only_the_types_asked_for_are_targets(self, endpoint: str) -> None:
        aws = collector(endpoint, regions=["eu-west-1", "us-east-1"])
        (scope,) = aws.discover().scopes
        kinds = {target.resource_type for target in aws.targets(scope, ["aws.s3.bucket", "aws.nothing.here"])}
        assert kinds == {"aws.s3.bucket"}

    def test_services_are_not_asked_where_they_are_not_offered(
        self, aws_environment: Path, tmp_path: Path
    ) -> None:
        (tmp_path / "mine.toml").write_text(
            """
            [[resource]]
            type = "aws.test.bot"
            title = "Bot"
            region = "regional"
            id = "{item.name}"
            name = "{item.name}"
            list = { call = "lex-models:GetBots", items = "bots" }
            """
        )
        tools = Tools(redaction_key=b"key", definition_folders=(tmp_path,))
        scope = Scope("aws", ACCOUNT, ACCOUNT, ("eu-west-1", "sa-east-1"), {"partition": "aws"})
        assert AwsCollector({}, tools).targets(scope, ["aws.test.bot"]) == [
            Target("aws.test.bot", "eu-west-1")
        ]
        elsewhere = collector("http://127.0.0.1:9", tools)
        assert len(elsewhere.targets(scope, ["aws.test.bot"])) == 2

    def test_every_definition_fits_botocore(self) -> None:
        aws = AwsCollector({}, TOOLS)
        problems = {kind: aws.definition_problems(found) for kind, found in aws.resource_types().items()}
        assert {kind: found for kind, found in problems.items() if found} == {}


class TestPermissions:
    def test_names_the_actions_that_differ_from_the_calls(self) -> None:
        from collectors.aws.permissions import actions_of

        def actions(call: str, *permission: str) -> tuple[str, ...]:
            return actions_of(Call(call=call, permission=permission))

        assert actions("ec2:DescribeInstances") == ("ec2:DescribeInstances",)
        assert actions("cloudwatch:DescribeAlarms") == ("cloudwatch:DescribeAlarms",)
        assert actions("elbv2:DescribeRules") == ("elasticloadbalancing:DescribeRules",)
        assert actions("opensearch:ListDomainNames") == ("es:ListDomainNames",)
        assert actions("efs:DescribeFileSystems") == ("elasticfilesystem:DescribeFileSystems",)
        assert actions("sso-admin:ListInstances") == ("sso:ListInstances",)
        assert actions("stepfunctions:ListStateMachines") == ("states:ListStateMachines",)
        assert actions("apigateway:GetRestApis") == ("apigateway:GET",)
        assert actions("apigatewayv2:GetApis") == ("apigateway:GET",)
        assert actions("emr:ListClusters") == ("elasticmapreduce:ListClusters",)
        assert actions("accessanalyzer:ListAnalyzers") == ("access-analyzer:ListAnalyzers",)
        assert actions("service-quotas:ListServiceQuotas") == ("servicequotas:ListServiceQuotas",)
        assert actions("s3control:GetPublicAccessBlock", "s3:GetAccountPublicAccessBlock") == (
            "s3:GetAccountPublicAccessBlock",
        )

    def test_policy_reads_only_and_is_stable(self) -> None:
        aws = AwsCollector({"organization": {"role_name": "annexa"}}, TOOLS)
        granted = aws.permissions(aws.resource_types())
        assert granted == aws.permissions(reversed(list(aws.resource_types())))
        *reading, roles = _statements(granted)
        assert roles["Action"] == ["sts:AssumeRole"]
        assert roles["Resource"] == ["arn:aws:iam::*:role/annexa"]
        actions = [action for statement in reading for action in statement["Action"]]
        assert len(actions) == len(set(actions)) > 100
        assert "s3:ListAllMyBuckets" in actions
        assert "organizations:ListAccounts" in actions
        assert "ec2:DescribeRegions" in actions
        allowed = ("Get", "List", "Describe", "BatchGet", "GET", "Search", "GenerateCredentialReport")
        assert [action for action in actions if not action.split(":")[1].startswith(allowed)] == []

    def test_policy_of_one_type_is_small(self) -> None:
        granted = AwsCollector({"regions": ["eu-west-1"]}, TOOLS).permissions(["aws.s3.bucket"])
        assert [statement["Sid"] for statement in _statements(granted)] == ["ReadS3"]

    def test_policies_grant_every_action_and_fit_what_a_managed_policy_takes(self) -> None:
        aws = AwsCollector({}, TOOLS)
        granted = aws.permissions(aws.resource_types())
        assert len(granted.documents) > 1
        actions = [action for statement in _statements(granted) for action in statement["Action"]]
        assert tuple(sorted(actions)) == granted.grants
        bare = [json.dumps(json.loads(part), separators=(",", ":")) for part in granted.documents]
        assert all(len(part) <= MANAGED_POLICY_LIMIT for part in bare)


def _statements(granted: Permissions) -> list[dict[str, Any]]:
    return [statement for part in granted.documents for statement in json.loads(part)["Statement"]]
