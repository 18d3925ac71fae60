"""An OpenLDAP for a module's tests, the proxy in front of it, and collectors that read it."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import trustme

from annexa.plugin import Collection, Document, Report, Tools
from collectors.ldap import LdapCollector
from tests.collectors.ldap.directory import PASSWORD, READER, OpenLdap
from tests.collectors.ldap.proxy import LdapProxy


@dataclass(frozen=True)
class Ldap:
    """The server, what stands before it, and the authority of its certificate."""

    server: OpenLdap
    proxy: LdapProxy
    authority: Path

    def settings(self, **more: Any) -> dict[str, Any]:
        return {
            "servers": [self.proxy.url],
            "bind_dn": READER,
            "password_env": "TEST_LDAP_PASSWORD",
            "page_size": 3,
            "retries": 1,
            **more,
        }

    def collector(self, tools: Tools | None = None, **more: Any) -> LdapCollector:
        return LdapCollector(self.settings(**more), tools or Tools(redaction_key=b"test"))

    def read(self, kind: str, **more: Any) -> tuple[dict[str, Document], Report]:
        """Collect one type; return its documents by id, and the report."""
        return read(self.collector(**more), kind)


def read(collector: LdapCollector, kind: str) -> tuple[dict[str, Document], Report]:
    scope = collector.discover().scopes[0]
    collection: Collection = collector.collect(scope, collector.targets(scope, [kind])[0])
    documents = {document.id: document for document in collection}
    return documents, collection.report


@pytest.fixture(scope="module")
def ldap(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ldap]:
    authority = trustme.CA()
    folder = tmp_path_factory.mktemp("tls")
    certificate = folder / "server.pem"
    issued = authority.issue_cert("localhost")
    issued.private_key_and_cert_chain_pem.write_to_path(str(certificate))
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    with (
        pytest.MonkeyPatch.context() as patch,
        OpenLdap(tmp_path_factory.mktemp("slapd"), certificate) as server,
        LdapProxy(server.port) as proxy,
    ):
        patch.setenv("TEST_LDAP_PASSWORD", PASSWORD)
        yield Ldap(server, proxy, folder / "ca.pem")
