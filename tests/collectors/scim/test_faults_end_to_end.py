"""What a SCIM service does not tell is never ``pass`` and never ``fail``, and nobody is taken for gone."""

from collections.abc import Mapping, Set
from typing import ClassVar

import pytest

from tests.annexa.fault_matrix import State
from tests.collectors.fault_suite import Endpoint, FaultSuite, by_rules, codes
from tests.collectors.rest.rules import Matcher, at
from tests.collectors.scim.conftest import NAME, Scim
from tests.collectors.scim.failures import FAILURES, after_first

pytestmark = pytest.mark.slow


class ScimFaults(FaultSuite):
    """What both places in a list have in common.

    Attributes:
        requests: call → its requests.
    """

    section = "scim"
    codes = codes(FAILURES)
    standing = frozenset({"scim.service."})
    requests: ClassVar[Mapping[str, Matcher]]

    @pytest.fixture(scope="class")
    @classmethod
    def endpoint(cls, scim: Scim) -> Endpoint:
        breaking = by_rules(scim.proxy.rules, cls.requests, FAILURES)
        return Endpoint(scim.dotted, breaking, NAME)


class TestFirstPage(ScimFaults):
    requests: ClassVar[Mapping[str, Matcher]] = {"scim:GET /Users": at("/Users")}
    calls = tuple(requests)


class TestLaterPages(ScimFaults):
    requests: ClassVar[Mapping[str, Matcher]] = {
        "scim:GET /Users": after_first("/Users"),
        "scim:GET /Groups": at("/Groups"),
    }
    calls = tuple(requests)

    @pytest.fixture(scope="class", autouse=True)
    @classmethod
    def first_page(cls, scim: Scim) -> None:
        cls.first = frozenset(sorted(scim.server.users)[: scim.service()["page_size"]])

    first: ClassVar[frozenset[str]]

    def seen(self, whole: State) -> Set[str]:
        del whole
        return self.first
