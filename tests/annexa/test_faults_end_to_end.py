"""What could not be read is never ``pass`` and never ``fail``, whichever read it is and however it fails."""

import json
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import pytest

import collectors.aws
from annexa.plugin.testing import Fault
from collectors.definition import load_resource_types
from tests import answers
from tests.annexa.conftest import CREDENTIALS, Annexa, stand_ins
from tests.annexa.fault_matrix import Definitions, State, decided, named
from tests.collectors.fault_suite import Broken, Endpoint, FaultSuite, Key
from tests.estates import small as estate
from tests.estates.small import ACCOUNT, REGION, Small
from tests.faults import FaultProxy, Matcher, Rule, anything, later_page, on

pytestmark = pytest.mark.slow

TABLES = Path(__file__).parent / "definitions"
"""A type of the tests' own, whose list comes in pages."""

TYPES = (
    "aws.small.table",
    "aws.cloudtrail.organization_trail",
    "aws.cloudtrail.trail",
    "aws.cloudwatch.alarm",
    "aws.ec2.security_group",
    "aws.efs.file_system",
    "aws.iam.account",
    "aws.iam.group",
    "aws.iam.managed_policy",
    "aws.iam.role",
    "aws.iam.user",
    "aws.kms.key",
    "aws.s3.bucket",
)
"""Types of every protocol that AWS speaks, all of which the account can be read of without a gap."""

CALLS: dict[str, Matcher] = {
    "cloudtrail:DescribeTrails": on("cloudtrail", "DescribeTrails"),
    "cloudwatch:DescribeAlarms": on("cloudwatch", "DescribeAlarms"),
    "dynamodb:ListTables": later_page("dynamodb", "ListTables"),
    "ec2:DescribeSecurityGroups": on("ec2", "DescribeSecurityGroups"),
    "efs:DescribeFileSystems": on("efs", "DescribeFileSystems"),
    "iam:GetAccountSummary": on("iam", "GetAccountSummary"),
    "iam:GetCredentialReport": on("iam", "GetCredentialReport"),
    "kms:DescribeKey": on("kms", "DescribeKey"),
    "s3:GetBucketPolicy": on("s3", "GetBucketPolicy"),
    "s3:GetBucketVersioning": on("s3", "GetBucketVersioning"),
}
"""Lists, later pages of a list, details, a call that serves many resources, the account's only answer."""

FIRST_PAGE = frozenset(f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{name}" for name in estate.TABLES[:2])
"""What the list is known to hold although its later pages fail."""


@dataclass(frozen=True)
class Failure:
    """How requests go wrong, and what the gaps may give: each protocol has codes of its own."""

    fault: answers.Fault
    codes: frozenset[str]

    @classmethod
    def giving(cls, fault: answers.Fault, *codes: str) -> "Failure":
        return cls(fault, frozenset(codes))


_ONLY_A_STATUS = "404"  # of "there is no policy", the half that says so was lost
FAILURES = {
    Fault.DENIED: Failure.giving(
        answers.deny(), "AccessDenied", "AccessDeniedException", "UnauthorizedOperation"
    ),
    Fault.THROTTLED: Failure.giving(
        answers.throttle(), "Throttling", "ThrottlingException", "RequestLimitExceeded", "SlowDown"
    ),
    Fault.TIMEOUT: Failure.giving(answers.timeout(), "Timeout"),
    Fault.SERVER_ERROR: Failure.giving(answers.html(500), "500"),
    Fault.TRUNCATED: Failure.giving(answers.truncate(), "MalformedAnswer", _ONLY_A_STATUS),
    Fault.BROKEN_OFF: Failure.giving(answers.truncate(cut=True), "MalformedAnswer", _ONLY_A_STATUS),
    Fault.EMPTY: Failure.giving(answers.empty(), "MalformedAnswer"),
    Fault.NOT_AN_ANSWER: Failure.giving(answers.html(200), "MalformedAnswer"),
    Fault.WRONG_TYPE: Failure.giving(answers.mistype(), "MalformedAnswer"),
    Fault.EXPIRED: Failure.giving(
        answers.expired_token(), "ExpiredToken", "ExpiredTokenException", "RequestExpired"
    ),
    Fault.UNKNOWN_OPERATION: Failure.giving(
        answers.unknown_operation(), "InvalidAction", "UnknownOperationException", "NotImplemented"
    ),
}

SWEPT = tuple(kind for kind in TYPES if kind != "aws.small.table")
NOT_MADE = {"efs:DescribeMountTargetSecurityGroups"}
"""Calls that the small account gives no reason to make."""


def _every_call() -> list[str]:
    types = load_resource_types([Path(collectors.aws.__file__).parent])
    return sorted({call.call for kind in SWEPT for call in types[kind].calls()} - NOT_MADE)


@pytest.fixture(autouse=True)
def mended(proxy: FaultProxy) -> Iterator[None]:
    """After each test the endpoint works again."""
    yield
    proxy.rules[:] = stand_ins()


@pytest.fixture(scope="class")
def endpoint(proxy: FaultProxy) -> Endpoint:
    """The small account."""

    def settings(**more: Any) -> dict[str, Any]:
        return {"endpoint_url": proxy.endpoint, "regions": [REGION], "retries": 1, **more}

    @contextmanager
    def breaking(name: str) -> Iterator[None]:
        fault = FAILURES[Fault(name)].fault
        proxy.rules[:] = [*(Rule(matches, fault) for matches in CALLS.values()), *stand_ins()]
        try:
            yield
        finally:
            proxy.rules[:] = stand_ins()

    return Endpoint(settings, breaking, ACCOUNT)


class TestAws(FaultSuite):
    section = "aws"
    types = TYPES
    calls = tuple(CALLS)
    codes: ClassVar[dict[str, frozenset[str]]] = {str(f): each.codes for f, each in FAILURES.items()}
    standing = frozenset({"aws.iam.group.", "aws.iam.role."})
    impatience = 1
    more = f"[definitions]\nfolders = {json.dumps([str(TABLES)])}\n"

    def seen(self, whole: State) -> frozenset[str]:
        del whole
        return FIRST_PAGE

    @pytest.fixture
    def healthy(self, annexa: Annexa, whole: State) -> Annexa:
        """The store, in which again everything was read."""
        if State.of(annexa).outcomes != whole.outcomes:
            annexa.collect_here()
        return annexa

    def test_the_gap_names_the_region_and_the_code_of_the_call_itself(
        self, broken: Broken, call: str
    ) -> None:
        gaps = [gap for gap in broken.state.gaps if gap["call"] == call]
        assert all(gap["region"] for gap in gaps)
        assert {gap["code"] for gap in gaps} - {"DependsOnGap"}

    def test_what_needs_a_key_that_a_gap_names_is_neither_pass_nor_fail(
        self, broken: Broken, definitions: Definitions
    ) -> None:
        affected = named(broken.state.gaps, definitions)
        assert affected
        assert decided(affected, broken.state) == {}

    def test_what_is_unknown_says_for_want_of_which_call(
        self, broken: Broken, whole: State, definitions: Definitions, call: str
    ) -> None:
        only_this = self.affected(call, whole, definitions, ())
        for other in CALLS.keys() - {call}:
            only_this -= self.affected(other, whole, definitions, ())
        reasons = [
            row["reason"]
            for row in broken.state.findings
            if row["outcome"] == "unknown" and (row["check"], row["resource_id"]) in only_this
        ]
        assert reasons
        assert {reason for reason in reasons if call not in reason} == set()

    @pytest.mark.parametrize("one", _every_call())
    def test_any_single_call_may_be_denied(
        self, one: str, annexa: Annexa, whole: State, definitions: Definitions, proxy: FaultProxy
    ) -> None:
        rule = Rule(on(*one.split(":")), answers.deny())
        proxy.rules[:] = [rule, *stand_ins()]
        lists, details = definitions.listed_by(one), {kind for kind, _, _ in definitions.details(one)}
        # What is judged together is collected together.
        affected = self.affected(one, whole, definitions, ())
        kinds = (lists | details).union(*(definitions.checks[check].resources for check, _ in affected))
        result = annexa.collect_here(*kinds)
        assert rule.applied
        assert result.status == "gaps"
        state = State.of(annexa)
        denied = [gap for gap in state.gaps if one in (gap["call"], gap["message"].split(": ")[0])]
        assert {gap["resource_type"] for gap in denied} == lists | (details & whole.resources.keys())
        assert {gap["scope"] for gap in denied} == {ACCOUNT}
        assert {gap["code"] for gap in denied} <= FAILURES[Fault.DENIED].codes
        affected |= named((gap for gap in state.gaps if gap["resource_type"] in kinds), definitions)
        assert decided(affected, state) == {}
        assert state.resources == whole.resources
        collected = {check.id for kind in kinds for check in definitions.on(kind)}
        stands = {key for key in whole.outcomes if key[0] in collected} - affected
        assert {key: state.outcomes.get(key) for key in stands} == {
            key: whole.outcomes[key] for key in stands
        }

    def _unread(self, state: State, whole: State, definitions: Definitions) -> set[Key]:
        """Return the findings that cannot be judged for want of what the gaps name."""
        lists = {gap["call"] for gap in state.gaps if not gap["resource_id"]}
        return named(state.gaps, definitions).union(
            *(self.affected(call, whole, definitions, ()) for call in lists)
        )

    @pytest.mark.parametrize("requests", [20, 60, 100])
    def test_credentials_that_expire_in_mid_run(
        self, requests: int, healthy: Annexa, whole: State, definitions: Definitions, proxy: FaultProxy
    ) -> None:
        annexa = healthy
        proxy.rules[:] = [Rule(anything, answers.expired_token(), after=requests), *stand_ins()]
        assert annexa.collect_here().status == "gaps"
        state = State.of(annexa)
        assert {gap["code"] for gap in state.gaps} <= FAILURES[Fault.EXPIRED].codes | {"DependsOnGap"}
        # How many pages of tables were read before depends on the moment.
        tables = {key for key in whole.outcomes if key[0] == "aws.small.table.active"}
        affected = self._unread(state, whole, definitions)
        assert decided(affected - tables, whole)
        assert decided(affected - tables, state) == {}
        read = whole.outcomes.keys() - affected - tables
        assert {key: state.outcomes.get(key) for key in read} == {key: whole.outcomes[key] for key in read}
        assert state.resources == whole.resources
        proxy.rules[:] = stand_ins()
        assert annexa.collect_here().status == "complete"
        assert State.of(annexa).outcomes == whole.outcomes
        assert annexa.verify_here().ok

    def test_without_credentials_nothing_stands(self, healthy: Annexa, whole: State) -> None:
        annexa = healthy
        credentials = {name: annexa.environment.pop(name) for name in CREDENTIALS}
        ran = annexa.run("collect")
        assert ran.code == 1
        assert "finds no AWS credentials" in ran.err
        assert "Traceback" not in ran.err
        state = State.of(annexa)
        assert decided(whole.outcomes, whole)
        assert decided(state.outcomes, state) == {}
        assert state.of_people.keys() >= whole.of_people.keys() > set()
        assert set(state.of_people.values()).isdisjoint({"pass", "fail"})
        assert state.resources == whole.resources
        assert annexa.verify_here().ok
        annexa.environment |= credentials
        annexa.collect_here()
        assert State.of(annexa).outcomes == whole.outcomes

    @pytest.mark.parametrize(
        ("fault", "code", "exit_code"),
        [
            (answers.expired_token(), "ExpiredToken", 1),
            (answers.deny(), "AccessDenied", 2),
            (answers.html(500), "500", 2),
        ],
        ids=["refused", "denied", "broken"],
    )
    def test_an_account_that_does_not_say_who_we_are_leaves_nothing_standing(
        self,
        fault: answers.Fault,
        code: str,
        exit_code: int,
        healthy: Annexa,
        whole: State,
        proxy: FaultProxy,
    ) -> None:
        annexa = healthy
        proxy.rules[:] = [Rule(on("sts"), fault), *stand_ins()]
        ran = annexa.run("collect")
        assert ran.code == exit_code, ran
        assert "Traceback" not in ran.err
        state = State.of(annexa)
        assert decided(state.outcomes, state) == {}
        assert any(code in gap["code"] + gap["message"] for gap in state.gaps)
        assert state.resources == whole.resources
        assert annexa.verify_here().ok
        proxy.rules[:] = stand_ins()
        assert annexa.collect_here().status == "complete"
        assert State.of(annexa).outcomes == whole.outcomes


OTHER = "210987654321"
TWO_ACCOUNTS = f"""
[[aws.accounts]]
id = "{ACCOUNT}"
[[aws.accounts]]
id = "{OTHER}"
role = "annexa"
"""


def test_an_account_that_cannot_be_entered_leaves_the_others_collected(
    annexa: Annexa, proxy: FaultProxy, small: Small
) -> None:
    types = ("aws.iam.account", "aws.iam.role", "aws.iam.group", "aws.kms.key")
    annexa.configure(proxy.endpoint, *types, aws=TWO_ACCOUNTS)
    assert annexa.collect_here().status == "complete"
    before = _by_account(annexa)
    assert before.keys() == {ACCOUNT, OTHER}
    assert all({"pass", "fail"} & set(found.values()) for found in before.values())
    small.client("kms").create_alias(AliasName="alias/seen", TargetKeyId=small.key)

    proxy.rules[:] = [Rule(on("sts", "AssumeRole"), answers.deny()), *stand_ins()]
    summary = annexa.collect(code=2)
    assert summary["gaps"] == 1
    assert summary["changed"] == 1, "the account that could be entered was read"
    after = _by_account(annexa)
    assert after[ACCOUNT] == before[ACCOUNT]
    assert set(after[OTHER].values()) == {"unknown"}
    assert after[OTHER].keys() >= before[OTHER].keys()
    gaps = [gap for gap in State.of(annexa).gaps if gap["scope"] == OTHER]
    assert gaps
    assert all("AssumeRole: AccessDenied" in gap["message"] for gap in gaps)

    proxy.rules[:] = stand_ins()
    assert annexa.collect_here().status == "complete"
    assert _by_account(annexa) == before
    assert annexa.verify_here().ok


def _by_account(annexa: Annexa) -> dict[str, dict[tuple[str, str], str]]:
    found: dict[str, dict[tuple[str, str], str]] = defaultdict(dict)
    for row in State.of(annexa).findings:
        found[row["scope"]][row["check"], row["resource_id"]] = row["outcome"]
    return found


REGIONAL = ("aws.cloudtrail.organization_trail", "aws.cloudtrail.trail", "aws.kms.key")


def test_regions_that_could_not_be_listed_are_not_taken_for_empty(annexa: Annexa, proxy: FaultProxy) -> None:
    annexa.configure(proxy.endpoint, *REGIONAL, regions=())
    proxy.rules[:] = [Rule(on("ec2", "DescribeRegions"), answers.deny()), *stand_ins()]
    assert annexa.collect_here().status == "gaps"
    first = State.of(annexa)
    definitions = Definitions(annexa.workspace.resource_types(), annexa.workspace.checks)
    together = [check.id for check in definitions.together("aws.cloudtrail.trail")]
    assert {"unknown"} == {first.outcomes[check, ""] for check in together if (check, "") in first.outcomes}

    proxy.rules[:] = stand_ins()
    assert annexa.collect_here().status == "complete"
    whole = State.of(annexa)
    assert {REGION} == {row["region"] for row in whole.findings if row["resource_id"]}
    assert decided(whole.outcomes, whole)

    proxy.rules[:] = [Rule(on("ec2", "DescribeRegions"), answers.deny()), *stand_ins()]
    assert annexa.collect_here().status == "gaps"
    state = State.of(annexa)
    assert decided(whole.outcomes, state) == {}
    assert state.resources == whole.resources
