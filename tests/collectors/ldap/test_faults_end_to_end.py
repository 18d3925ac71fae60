"""What a directory does not show is never ``pass`` and never ``fail``, and nobody is taken for gone."""

from collections.abc import Iterable
from contextlib import AbstractContextManager
from typing import Any, ClassVar

import pytest

from tests.annexa.fault_matrix import Definitions, State
from tests.collectors.fault_suite import Endpoint, FaultSuite
from tests.collectors.ldap import failures, proxy
from tests.collectors.ldap.conftest import Ldap
from tests.collectors.ldap.directory import BASE, needs_slapd
from tests.collectors.ldap.failures import Failure

pytestmark = [needs_slapd, pytest.mark.slow]

USER = "ldap.directory.user"
FAILURES: dict[str, Failure] = {
    **failures.FAILURES,
    "size limit": Failure(proxy.result(4), "sizeLimitExceeded"),
    "elsewhere": Failure(proxy.result(10), "ReferralNotFollowed"),
    "signed out": Failure(proxy.result(49, "expired"), "invalidCredentials"),
}


class LdapFaults(FaultSuite):
    """What both places in a list have in common.

    Attributes:
        passing: so many pages are answered first.
    """

    section = "ldap"
    calls = ("ldap:SEARCH subtree",)
    codes: ClassVar[dict[str, str]] = {str(name): failure.code for name, failure in FAILURES.items()}
    standing = frozenset({"ldap.openldap.password-policy."})
    impatience = 1
    passing: ClassVar[int]

    @pytest.fixture(scope="class")
    @classmethod
    def endpoint(cls, ldap: Ldap) -> Endpoint:
        def breaking(name: str) -> AbstractContextManager[None]:
            failure = FAILURES[name]
            return ldap.proxy.broken(
                b"inetOrgPerson", failure.fault, passing=cls.passing, hang_up=failure.hang_up
            )

        return Endpoint(ldap.settings, breaking, BASE)

    def affected(
        self, call: str, whole: State, definitions: Definitions, gaps: Iterable[Any]
    ) -> set[tuple[str, str]]:
        """Every list is a search: it is the one for people that fails."""
        del call
        unread = {gap["resource_type"] for gap in gaps}
        assert unread == {USER}
        seen = self.seen(whole)
        alone = {key for key in whole.outcomes if key[0].startswith(f"{USER}.") and key[1] not in seen}
        return alone | {(check.id, "") for check in definitions.together(USER)}


class TestFirstPage(LdapFaults):
    passing = 0


class TestLaterPages(LdapFaults):
    passing = 1

    first: ClassVar[frozenset[str]]

    @pytest.fixture(scope="class", autouse=True)
    @classmethod
    def first_page(cls, ldap: Ldap) -> None:
        with ldap.proxy.broken(b"inetOrgPerson", proxy.result(50), passing=1):
            documents, _ = ldap.read(USER)
        cls.first = frozenset(documents)

    def seen(self, whole: State) -> frozenset[str]:
        assert self.first < whole.resources[USER]
        return self.first
