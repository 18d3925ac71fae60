"""What could not be read is never ``pass`` and never ``fail``, whichever read it is and however it fails."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import collectors.aws
from collectors.definition import load_resource_types
from scheduler.runner import RunResult
from tests.annexa import fault_matrix
from tests.annexa.conftest import CREDENTIALS, Annexa, stand_ins
from tests.annexa.fault_matrix import Definitions, State, decided, named
from tests.answers import (
    Fault,
    deny,
    empty,
    expired_token,
    html,
    throttle,
    timeout,
    truncate,
    unknown_operation,
)
from tests.estates import small as estate
from tests.estates.small import ACCOUNT, REGION, Small
from tests.faults import FaultProxy, Matcher, Rule, anything, later_page, on

pytestmark = pytest.mark.slow

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

DEFINITIONS = """
[[resource]]
type   = "aws.small.table"
title  = "Table, listed in pages of two"
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

[[check]]
id          = "aws.small.table.active"
title       = "Tables are active"
resource    = "aws.small.table"
passes      = "resource.table.TableStatus == 'ACTIVE'"
severity    = "low"
controls    = { "8.6" = "shows that tables can be used" }
limits      = "One moment only."
remediation = "Create the table again."
references  = ["https://docs.aws.amazon.com/amazondynamodb/"]

[[check]]
id          = "aws.small.table.enough"
title       = "There are five tables"
resources   = ["aws.small.table"]
passes      = "resources['aws.small.table'].size() == 5"
severity    = "low"
controls    = { "8.6" = "shows that every table is there" }
limits      = "Counts only."
remediation = "Create the missing tables."
references  = ["https://docs.aws.amazon.com/amazondynamodb/"]
"""


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

FIRST_PAGE = {f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{name}" for name in estate.TABLES[:2]}
"""What the list is known to hold although its later pages fail."""


def needing(call: str, whole: State, definitions: Definitions) -> set[tuple[str, str]]:
    """Return the findings that cannot be judged without a call, of which the first page is known."""
    return fault_matrix.needing(call, whole, definitions, FIRST_PAGE)


_MALFORMED = {"MalformedAnswer"}
_ONLY_A_STATUS = {"404"}  # of "there is no policy", the half that says so was lost
FAULTS: dict[str, tuple[Fault, set[str]]] = {
    # how it fails → the codes that the gaps may give
    "denied": (deny(), {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"}),
    "no answer in time": (timeout(), {"Timeout"}),
    "500 with a web page": (html(500), {"500"}),
    "throttled for ever": (
        throttle(),
        {"Throttling", "ThrottlingException", "RequestLimitExceeded", "SlowDown"},
    ),
    "truncated": (truncate(), _MALFORMED | _ONLY_A_STATUS),
    "cut off": (truncate(cut=True), _MALFORMED | _ONLY_A_STATUS),
    "token expired": (expired_token(), {"ExpiredToken", "ExpiredTokenException", "RequestExpired"}),
    "200 without a body": (empty(), _MALFORMED),
    "200 with a web page": (html(200), _MALFORMED),
    "operation unknown": (
        unknown_operation(),
        {"InvalidAction", "UnknownOperationException", "NotImplemented"},
    ),
}


BY_COMMAND = ("denied", "no answer in time", "truncated", "token expired")
"""The faults that the command itself meets, in a process of its own; in this one the others are faster."""


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory, proxy: FaultProxy) -> Annexa:
    """A store in which everything was read."""
    annexa = Annexa(tmp_path_factory.mktemp("good"))
    (annexa.folder / "definitions").mkdir()
    (annexa.folder / "definitions" / "small.toml").write_text(DEFINITIONS, encoding="utf-8")
    _configure(annexa, proxy, read_timeout=20)
    annexa.collect()
    return annexa


def _configure(annexa: Annexa, proxy: FaultProxy, read_timeout: int) -> None:
    own = '[definitions]\nfolders = ["definitions"]'
    annexa.configure(proxy.endpoint, *TYPES, more=own, aws=f"read_timeout = {read_timeout}")


@pytest.fixture(scope="module")
def whole(good: Annexa) -> State:
    """What is known when everything was read."""
    return State.of(good)


@pytest.fixture(scope="module")
def definitions(good: Annexa) -> Definitions:
    """The definitions of what is collected."""
    types = good.workspace.resource_types()
    return Definitions({kind: types[kind] for kind in TYPES}, good.workspace.checks)


@pytest.fixture(autouse=True)
def mended(proxy: FaultProxy) -> Iterator[None]:
    """After each test the endpoint works again."""
    yield
    proxy.rules[:] = stand_ins()


@pytest.fixture
def healthy(good: Annexa, whole: State) -> Annexa:
    """The store of ``good``, in which again everything was read."""
    if State.of(good).outcomes != whole.outcomes:
        good.collect_here()
    return good


@dataclass(frozen=True)
class Broken:
    """A run in which all of ``CALLS`` failed in one way, after a run in which none did."""

    codes: set[str]
    summary: dict[str, Any]
    state: State
    healed: RunResult
    after: State
    verified: bool


@pytest.fixture(scope="module", params=FAULTS)
def broken(request: pytest.FixtureRequest, good: Annexa, proxy: FaultProxy) -> Broken:
    """Each way to fail in turn."""
    fault, codes = FAULTS[request.param]
    proxy.rules[:] = [*(Rule(matches, fault) for matches in CALLS.values()), *stand_ins()]
    _configure(good, proxy, read_timeout=1 if request.param == "no answer in time" else 20)
    summary = good.collect(code=2) if request.param in BY_COMMAND else good.summary_here()
    state = State.of(good)
    proxy.rules[:] = stand_ins()
    healed = good.collect_here()
    return Broken(codes, summary, state, healed, State.of(good), good.verify_here().ok)


def test_a_good_run_leaves_nothing_unknown_for_want_of_an_answer(whole: State) -> None:
    assert whole.gaps == []
    assert decided(whole.outcomes, whole)


@pytest.mark.parametrize("call", CALLS)
def test_each_call_is_one_that_something_needs(whole: State, definitions: Definitions, call: str) -> None:
    assert decided(needing(call, whole, definitions), whole), "the tests below would show nothing"


def test_the_run_says_that_it_is_incomplete(broken: Broken) -> None:
    assert broken.summary["status"] == "gaps"
    assert broken.summary["exit_code"] == 2
    assert broken.summary["gaps"] == len(broken.state.gaps) > 0


@pytest.mark.parametrize("call", CALLS)
def test_the_gap_names_operation_scope_and_code(broken: Broken, call: str) -> None:
    gaps = [gap for gap in broken.state.gaps if gap["call"] == call and gap["code"] != "DependsOnGap"]
    assert gaps
    assert {gap["scope"] for gap in gaps} == {ACCOUNT}
    assert all(gap["region"] and gap["message"] and gap["at"] for gap in gaps)
    assert {gap["code"] for gap in gaps} <= broken.codes


@pytest.mark.parametrize("call", CALLS)
def test_what_needs_the_call_is_neither_pass_nor_fail(
    broken: Broken, whole: State, definitions: Definitions, call: str
) -> None:
    affected = needing(call, whole, definitions)
    assert decided(affected, broken.state) == {}
    assert decided(affected, whole).keys() <= {
        key for key, outcome in broken.state.outcomes.items() if outcome == "unknown"
    }


def test_what_needs_a_key_that_a_gap_names_is_neither_pass_nor_fail(
    broken: Broken, definitions: Definitions
) -> None:
    affected = named(broken.state.gaps, definitions)
    assert affected
    assert decided(affected, broken.state) == {}


@pytest.mark.parametrize("call", CALLS)
def test_what_is_unknown_says_for_want_of_which_call(
    broken: Broken, whole: State, definitions: Definitions, call: str
) -> None:
    only_this = needing(call, whole, definitions)
    for other in CALLS.keys() - {call}:
        only_this -= needing(other, whole, definitions)
    reasons = [
        row["reason"]
        for row in broken.state.findings
        if row["outcome"] == "unknown" and (row["check"], row["resource_id"]) in only_this
    ]
    assert reasons
    assert {reason for reason in reasons if call not in reason} == set()


def test_what_needs_none_of_the_calls_stands(broken: Broken, whole: State, definitions: Definitions) -> None:
    affected = named(broken.state.gaps, definitions).union(
        *(needing(call, whole, definitions) for call in CALLS)
    )
    stands = whole.outcomes.keys() - affected
    assert stands
    assert {key: broken.state.outcomes.get(key) for key in stands} == {
        key: whole.outcomes[key] for key in stands
    }


def test_no_resource_is_taken_for_gone(broken: Broken, whole: State) -> None:
    assert broken.state.resources == whole.resources


def test_the_next_run_is_whole_again(broken: Broken, whole: State) -> None:
    assert broken.healed.status == "complete"
    assert broken.after.gaps == []
    assert broken.after.outcomes == whole.outcomes
    assert broken.after.resources == whole.resources


def test_the_record_verifies_afterwards(broken: Broken) -> None:
    assert broken.verified


FOLDER = Path(collectors.aws.__file__).parent
SWEPT = tuple(kind for kind in TYPES if kind != "aws.small.table")
NOT_MADE = {"efs:DescribeMountTargetSecurityGroups"}
"""Calls that the small account gives no reason to make."""


def _calls() -> list[str]:
    types = load_resource_types([FOLDER])
    return sorted({call.call for kind in SWEPT for call in types[kind].calls()} - NOT_MADE)


@pytest.mark.parametrize("call", _calls())
def test_any_single_call_may_be_denied(
    call: str, good: Annexa, whole: State, definitions: Definitions, proxy: FaultProxy
) -> None:
    rule = Rule(on(*call.split(":")), deny())
    proxy.rules[:] = [rule, *stand_ins()]
    lists, details = definitions.listed_by(call), {kind for kind, _, _ in definitions.details(call)}
    # What is judged together is collected together.
    affected = needing(call, whole, definitions)
    kinds = (lists | details).union(*(definitions.checks[check].resources for check, _ in affected))
    result = good.collect_here(*kinds)
    assert rule.applied
    assert result.status == "gaps"
    state = State.of(good)
    denied = [gap for gap in state.gaps if call in (gap["call"], gap["message"].split(": ")[0])]
    assert {gap["resource_type"] for gap in denied} == lists | (details & whole.resources.keys())
    assert {gap["scope"] for gap in denied} == {ACCOUNT}
    assert {gap["code"] for gap in denied} <= FAULTS["denied"][1]
    affected |= named((gap for gap in state.gaps if gap["resource_type"] in kinds), definitions)
    assert decided(affected, state) == {}
    assert state.resources == whole.resources
    collected = {check.id for kind in kinds for check in definitions.on(kind)}
    stands = {key for key in whole.outcomes if key[0] in collected} - affected
    assert {key: state.outcomes.get(key) for key in stands} == {key: whole.outcomes[key] for key in stands}


def unread(state: State, whole: State, definitions: Definitions) -> set[tuple[str, str]]:
    """Return the findings that cannot be judged for want of what the gaps name."""
    lists = {gap["call"] for gap in state.gaps if not gap["resource_id"]}
    return named(state.gaps, definitions).union(*(needing(call, whole, definitions) for call in lists))


@pytest.mark.parametrize("requests", [20, 60, 100])
def test_credentials_that_expire_in_mid_run(
    requests: int, healthy: Annexa, whole: State, definitions: Definitions, proxy: FaultProxy
) -> None:
    annexa = healthy
    proxy.rules[:] = [Rule(anything, expired_token(), after=requests), *stand_ins()]
    assert annexa.collect_here().status == "gaps"
    state = State.of(annexa)
    assert {gap["code"] for gap in state.gaps} <= FAULTS["token expired"][1] | {"DependsOnGap"}
    # How many pages of tables were read before depends on the moment.
    tables = {key for key in whole.outcomes if key[0] == "aws.small.table.active"}
    affected = unread(state, whole, definitions)
    assert decided(affected - tables, whole)
    assert decided(affected - tables, state) == {}
    read = whole.outcomes.keys() - affected - tables
    assert {key: state.outcomes.get(key) for key in read} == {key: whole.outcomes[key] for key in read}
    assert state.resources == whole.resources
    proxy.rules[:] = stand_ins()
    assert annexa.collect_here().status == "complete"
    assert State.of(annexa).outcomes == whole.outcomes
    assert annexa.verify_here().ok


def test_without_credentials_nothing_stands(healthy: Annexa, whole: State) -> None:
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
    [(expired_token(), "ExpiredToken", 1), (deny(), "AccessDenied", 2), (html(500), "500", 2)],
    ids=["refused", "denied", "broken"],
)
def test_an_account_that_does_not_say_who_we_are_leaves_nothing_standing(
    fault: Fault,
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

    proxy.rules[:] = [Rule(on("sts", "AssumeRole"), deny()), *stand_ins()]
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


def test_regions_that_could_not_be_listed_are_not_taken_for_empty(
    annexa: Annexa, proxy: FaultProxy, definitions: Definitions
) -> None:
    annexa.configure(proxy.endpoint, *REGIONAL, regions=())
    proxy.rules[:] = [Rule(on("ec2", "DescribeRegions"), deny()), *stand_ins()]
    assert annexa.collect_here().status == "gaps"
    first = State.of(annexa)
    together = [check.id for check in definitions.together("aws.cloudtrail.trail")]
    assert {"unknown"} == {first.outcomes[check, ""] for check in together if (check, "") in first.outcomes}

    proxy.rules[:] = stand_ins()
    assert annexa.collect_here().status == "complete"
    whole = State.of(annexa)
    assert {REGION} == {row["region"] for row in whole.findings if row["resource_id"]}
    assert decided(whole.outcomes, whole)

    proxy.rules[:] = [Rule(on("ec2", "DescribeRegions"), deny()), *stand_ins()]
    assert annexa.collect_here().status == "gaps"
    state = State.of(annexa)
    assert decided(whole.outcomes, state) == {}
    assert state.resources == whole.resources
