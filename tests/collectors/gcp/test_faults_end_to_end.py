"""What could not be read of GCP is never ``pass``, whichever read it is and however it fails."""

from collections.abc import Mapping
from functools import partial
from typing import ClassVar

import pytest

from tests.annexa.conftest import Annexa
from tests.annexa.fault_matrix import State
from tests.collectors.fault_suite import Endpoint, FaultSuite, by_rules, codes
from tests.collectors.gcp import estate, google
from tests.collectors.gcp.conftest import Gcp
from tests.collectors.gcp.failures import FAILURES
from tests.collectors.rest.rules import Matcher, at

pytestmark = pytest.mark.slow

BUCKET = "gcp.storage.bucket"
FIREWALL = "gcp.compute.firewall"
"""Another type, which stands whatever happens to buckets."""

READS: dict[str, tuple[Matcher, str]] = {
    # which read fails → its requests, and its call as gaps name it
    "list": (at("/storage/v1/b"), "storage:GET /storage/v1/b"),
    "later page": (google.later_page("/storage/v1/b"), "storage:GET /storage/v1/b"),
    "detail": (at("/iam"), "storage:GET /storage/v1/b/{bucket}/iam"),
}

FIRST_PAGE = frozenset(f"//storage.googleapis.com/{estate.PROJECT}-{number}" for number in range(2))


def affected(annexa: Annexa, whole: State, read: str) -> set[tuple[str, str]]:
    """Return the findings, as (check, resource), that need a read."""
    checks = [check for check in annexa.workspace.checks.values() if check.resource == BUCKET]
    if read == "detail":
        checks = [check for check in checks if check.keys is None or "iam" in check.keys]
    unread = whole.resources[BUCKET] - (FIRST_PAGE if read == "later page" else frozenset())
    return {(check.id, each) for check in checks for each in unread}


class GcpFaults(FaultSuite):
    """What every read has in common.

    Attributes:
        requests: call → its requests.
    """

    section = "gcp"
    types = (BUCKET, FIREWALL)
    codes = codes(FAILURES)
    standing = frozenset({"gcp.compute.firewall."})
    has_people = False
    requests: ClassVar[Mapping[str, Matcher]]

    @pytest.fixture(scope="class")
    @classmethod
    def endpoint(cls, gcp: Gcp) -> Endpoint:
        breaking = by_rules(gcp.google.rules, cls.requests, FAILURES)
        return Endpoint(partial(gcp.settings), breaking, estate.PROJECT)

    def test_a_good_run_decides_everything(self, whole: State) -> None:
        assert len(whole.resources[BUCKET]) == estate.BUCKETS
        assert set(whole.outcomes.values()) >= {"pass", "fail"}
        assert {key for key, outcome in whole.outcomes.items() if outcome == "unknown"} == set()


class TestList(GcpFaults):
    requests: ClassVar[Mapping[str, Matcher]] = {READS["list"][1]: READS["list"][0]}
    calls = tuple(requests)


class TestLaterPagesAndDetails(GcpFaults):
    requests: ClassVar[Mapping[str, Matcher]] = {
        READS[read][1]: READS[read][0] for read in ("later page", "detail")
    }
    calls = tuple(requests)

    def seen(self, whole: State) -> frozenset[str]:
        del whole
        return FIRST_PAGE
