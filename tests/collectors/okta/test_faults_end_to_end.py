"""What Okta does not tell is never ``pass`` and never ``fail``, and nobody is taken for gone."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from tests.annexa.fault_matrix import State
from tests.collectors.conftest import Certified
from tests.collectors.fault_suite import Endpoint, FaultSuite, by_rules, codes
from tests.collectors.okta import estate, failures, org
from tests.collectors.okta.conftest import environment, served
from tests.collectors.rest.rules import Matcher, at

CALLS: dict[str, Matcher] = {
    "okta:GET /api/v1/users": org.later_page("/api/v1/users"),
    "okta:GET /api/v1/iam/assignees/users": org.later_page("/api/v1/iam/assignees/users"),
    "okta:GET /api/v1/zones": at("/api/v1/zones"),
    "okta:GET /api/v1/threats/configuration": at("/threats/configuration"),
    "okta:GET /api/v1/users/{userId}/roles": at("/roles"),
    "okta:GET /api/v1/authenticators/{authenticatorId}/methods": at("/methods"),
    "okta:GET /api/v1/policies/{policyId}/rules": at("/rules"),
}
"""The later pages of two lists of people, a list, a setting, and details."""

FAILURES = {**failures.FAILURES, "not bought": failures.NOT_BOUGHT}

pytestmark = pytest.mark.slow


@pytest.fixture(scope="class")
def endpoint(certified: Certified, private_key: RSAPrivateKey, key_file: Path) -> Iterator[Endpoint]:
    with environment(certified), served(certified, private_key, key_file) as okta:
        yield Endpoint(okta.settings, by_rules(okta.org.rules, CALLS, FAILURES), estate.ORG_ID)


class TestOkta(FaultSuite):
    section = "okta"
    types = (
        "okta.authenticators.authenticator",
        "okta.groups.group",
        "okta.policies.authentication",
        "okta.policies.password",
        "okta.roles.administrator",
        "okta.security.network-zone",
        "okta.security.threat-insight",
        "okta.users.user",
    )
    calls = tuple(CALLS)
    codes = codes(FAILURES)
    standing = frozenset({"okta.authenticators.", "okta.policies.", "okta.users."})

    def seen(self, whole: State) -> frozenset[str]:
        del whole
        return frozenset({"00u1", "00u2"})


class TestOktaWithBoundTokens(TestOkta):
    """The same by a service app that requires DPoP."""

    @pytest.fixture(scope="class")
    @classmethod
    def endpoint(cls, certified: Certified, private_key: RSAPrivateKey, key_file: Path) -> Iterator[Endpoint]:
        with environment(certified), served(certified, private_key, key_file) as okta:
            okta.require_possession()
            breaking = by_rules(okta.org.rules, CALLS, FAILURES)
            yield Endpoint(okta.service_app, breaking, estate.ORG_ID)
