"""What Graph does not tell is never ``pass`` and never ``fail``, whichever read fails and however."""

from collections.abc import Iterator

import pytest

from tests.annexa.fault_matrix import State
from tests.collectors.conftest import Certified
from tests.collectors.entra import estate, failures, graph
from tests.collectors.entra.conftest import serving
from tests.collectors.entra.graph import TENANT
from tests.collectors.fault_suite import Endpoint, FaultSuite, by_rules, codes
from tests.collectors.rest.rules import Matcher, at

_REGISTRATIONS = "/reports/authenticationMethods/userRegistrationDetails"
_DEFAULTS = "/policies/identitySecurityDefaultsEnforcementPolicy"
CALLS: dict[str, Matcher] = {
    "graph:GET /v1.0/users": graph.later_page("/users"),
    f"graph:GET /v1.0{_REGISTRATIONS}": at(_REGISTRATIONS),
    f"graph:GET /v1.0{_DEFAULTS}": at(_DEFAULTS),
    "graph:GET /v1.0/groups/{id}/transitiveMembers": at("/transitiveMembers"),
}
"""The later pages of a list, a report, a policy, and the members of groups."""

FAILURES = {**failures.FAILURES, "without a licence": failures.UNLICENSED}

pytestmark = pytest.mark.slow


@pytest.fixture(scope="class")
def endpoint(certified: Certified) -> Iterator[Endpoint]:
    with serving(certified) as tenant:
        yield Endpoint(tenant.settings, by_rules(tenant.graph.rules, CALLS, FAILURES), TENANT)


class TestEntra(FaultSuite):
    section = "entra"
    types = (
        "entra.group.group",
        "entra.policy.authorization",
        "entra.policy.conditional-access",
        "entra.policy.security-defaults",
        "entra.role.assignment",
        "entra.user.registration",
        "entra.user.user",
    )
    calls = tuple(CALLS)
    codes = codes(FAILURES)
    standing = frozenset({"entra.policy.", "entra.role.", "entra.user."})

    def seen(self, whole: State) -> frozenset[str]:
        del whole
        return frozenset(estate.identifier("a", number) for number in range(graph.Graph().page))
