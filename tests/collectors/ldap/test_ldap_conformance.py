"""The LDAP collector passes the conformance kit, against a real OpenLDAP behind a proxy that breaks it."""

from contextlib import AbstractContextManager
from typing import ClassVar

import pytest

from annexa.plugin import Tools
from annexa.plugin.testing import Fault
from collectors.ldap import LdapCollector
from tests.collectors.conformance import DefinedConformance
from tests.collectors.ldap.conftest import Ldap
from tests.collectors.ldap.directory import USERS, needs_slapd
from tests.collectors.ldap.failures import FAILURES

pytestmark = needs_slapd


class TestLdap(DefinedConformance):
    resource_type = "ldap.conformance.user"
    resources = USERS
    list_call = "ldap:SEARCH onelevel"
    detail = "sign_in"
    detail_call = "ldap:SEARCH base"
    secrets = tuple(f"User {number}" for number in range(USERS))
    definition = """
[[resource]]
type   = "ldap.conformance.user"
title  = "User"
region = "global"
id     = "{item.dn}"
name   = "{item.dn}"
secret = ["item.attributes.cn.*"]
[resource.list]
call  = "ldap:SEARCH onelevel"
with  = { base = "ou=people,{account}", filter = "(objectClass=inetOrgPerson)", attributes = ["uid", "cn"] }
items = "entries"
[resource.detail.sign_in]
call  = "ldap:SEARCH base"
with  = { base = "{item.dn}", filter = "(objectClass=person)", attributes = ["createTimestamp"] }
take  = "entries[0]"
"""
    impatience = 1
    ldap: ClassVar[Ldap]

    @pytest.fixture(autouse=True, scope="class")
    @classmethod
    def directory(cls, ldap: Ldap) -> None:
        cls.ldap = ldap

    def collector(self, tools: Tools, read_timeout: float) -> LdapCollector:
        return self.ldap.collector(tools, read_timeout=int(read_timeout))

    def breaking(self, fault: Fault, call: str, *, later_page: bool) -> AbstractContextManager[None]:
        matching = b"inetOrgPerson" if call == self.list_call else b"\x06person"
        failure = FAILURES[fault]
        return self.ldap.proxy.broken(
            matching, failure.fault, passing=1 if later_page else 0, hang_up=failure.hang_up
        )
