"""The LDAP collector passes the conformance kit, against a real OpenLDAP behind a proxy that breaks it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar

import pytest

from annexa.plugin import Tools
from annexa.plugin.testing import ConformanceSuite, Fault
from collectors.ldap import LdapCollector
from tests.collectors.ldap import proxy
from tests.collectors.ldap.conftest import Ldap
from tests.collectors.ldap.directory import USERS, needs_slapd

pytestmark = needs_slapd

_HTML = b"<!doctype html>\n<html lang=en><title>Sign in</title></html>\n"
_TRUNCATED = b"\x30\x82\x40\x00\x02\x01\x05\x64\x82\x3f"

_FAULTS: dict[Fault, tuple[proxy.Fault, bool]] = {
    # how → what goes back, and whether the connection ends then
    Fault.DENIED: (proxy.result(50, "no access"), False),
    Fault.THROTTLED: (proxy.result(51, "busy"), False),
    Fault.TIMEOUT: (proxy.hold, False),
    Fault.SERVER_ERROR: (proxy.result(80, "internal error"), False),
    Fault.TRUNCATED: (proxy.raw(_TRUNCATED), True),
    Fault.EMPTY: (proxy.raw(b""), True),
    Fault.NOT_AN_ANSWER: (proxy.raw(_HTML), True),
    Fault.EXPIRED: (proxy.result(1, "000004DC: LdapErr: a successful bind must be completed"), False),
    Fault.UNKNOWN_OPERATION: (proxy.result(53, "unwilling"), False),
}

_DEFINITION = """
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


class TestLdap(ConformanceSuite):
    resource_type = "ldap.conformance.user"
    resources = USERS
    list_call = "ldap:SEARCH onelevel"
    detail = "sign_in"
    detail_call = "ldap:SEARCH base"
    secrets = tuple(f"User {number}" for number in range(USERS))

    patience: ClassVar[int] = 20
    ldap: ClassVar[Ldap]
    folder: ClassVar[Path]

    @pytest.fixture(autouse=True, scope="class")
    @classmethod
    def directory(cls, ldap: Ldap, tmp_path_factory: pytest.TempPathFactory) -> None:
        cls.ldap = ldap
        cls.folder = tmp_path_factory.mktemp("definitions")
        (cls.folder / "conformance.toml").write_text(_DEFINITION)

    def make_collector(self, tools: Tools) -> LdapCollector:
        with_folder = Tools(
            redaction_key=tools.redaction_key, definition_folders=(self.folder,), cancelled=tools.cancelled
        )
        return self.ldap.collector(with_folder, read_timeout=self.patience)

    @contextmanager
    def broken(self, fault: Fault, call: str, *, later_page: bool = False) -> Iterator[None]:
        answer, hang_up = _FAULTS[fault]
        matching = b"inetOrgPerson" if call == self.list_call else b"\x06person"
        if fault is Fault.TIMEOUT:
            type(self).patience = 1
        try:
            with self.ldap.proxy.broken(matching, answer, passing=1 if later_page else 0, hang_up=hang_up):
                yield
        finally:
            type(self).patience = 20
