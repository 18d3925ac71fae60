"""What Azure does not tell is never ``pass`` and never ``fail``, whichever read fails and however."""

from collections.abc import Iterator
from functools import partial

import pytest

from tests.annexa.fault_matrix import State
from tests.collectors.azure import arm, estate
from tests.collectors.azure.conftest import environment, served
from tests.collectors.azure.failures import FAILURES
from tests.collectors.conftest import Certified
from tests.collectors.fault_suite import Endpoint, FaultSuite, by_rules, codes
from tests.collectors.rest.rules import Matcher

_IN = "/subscriptions/{subscriptionId}/providers"
_QUERY = "/Microsoft.PolicyInsights/policyStates/latest/queryResults"
CALLS: dict[str, Matcher] = {
    f"arm:GET {_IN}/Microsoft.Storage/storageAccounts": arm.later_page("/storageAccounts"),
    f"arm:GET {_IN}/Microsoft.Network/networkSecurityGroups": arm.at("/networkSecurityGroups"),
    f"arm:POST {_IN}{_QUERY}": arm.at(_QUERY),
    "arm:GET {+id}/blobServices/default": arm.at("/blobServices/default"),
    "arm:GET {+id}/auditingSettings/default": arm.at("/auditingSettings/default"),
}
"""The later pages of a list that another one hangs on, a list, a query, and details."""

pytestmark = pytest.mark.slow


@pytest.fixture(scope="class")
def endpoint(certified: Certified) -> Iterator[Endpoint]:
    with environment(certified), served(certified) as azure:
        settings = partial(azure.settings, exclude=[estate.DISABLED])
        yield Endpoint(settings, by_rules(azure.arm.rules, CALLS, FAILURES), estate.SUBSCRIPTION)


class TestAzure(FaultSuite):
    section = "azure"
    types = (
        "azure.authorization.policy-assignment",
        "azure.keyvault.vault",
        "azure.management.group",
        "azure.network.security-group",
        "azure.policyinsights.policy-state",
        "azure.sql.server",
        "azure.storage.account",
        "azure.storage.container",
    )
    calls = tuple(CALLS)
    codes = codes(FAILURES)
    standing = frozenset({"azure.keyvault.", "azure.management.", "azure.storage."})
    has_people = False

    def seen(self, whole: State) -> frozenset[str]:
        parts = tuple(f"/storageaccounts/account{number}" for number in range(arm.Arm().page))
        found = whole.resources["azure.storage.account"] | whole.resources["azure.storage.container"]
        return frozenset(
            each for each in found if each.endswith(parts) or any(f"{part}/" in each for part in parts)
        )
