"""The make-believe Active Directory of Fernhill Clinics, on a domain controller of this machine."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from annexa.demo.cloud import REFUSED, DemoCloud, estate
from annexa.demo.domain import Domain
from annexa.demo.ldap_server import LdapServer
from annexa.demo.tls import Certificate

BASE = "DC=fernhill,DC=example"
_READER = ("svc-annexa@fernhill.example", "annexa-demo")
_SECRET_VARIABLE = "ANNEXA_DEMO_LDAP_PASSWORD"


def domain() -> Domain:
    """Return the domain with everything in its place."""
    contents = dict(estate("ldap"))
    made = Domain(BASE, contents.pop("root"), _READER)
    for name, content in contents.items():
        whole = f"{name},{BASE}" if name else BASE
        if REFUSED in content:
            made.hide(whole)
            continue
        members = content.get("member", [])
        made.put(whole, content | {"member": [f"{each},{BASE}" for each in members]})
    return made


@contextmanager
def ldap(certificate: Certificate) -> Iterator[DemoCloud]:
    """Serve the domain for as long as the ``with`` block lasts."""
    with LdapServer(domain(), certificate.server) as server:
        number = sum(content.get("objectClass") == "user" for _, content in estate("ldap"))
        title = f"Active Directory domain fernhill.example with {number} accounts, read over LDAP"
        yield DemoCloud(title, "ldap", *section(server.url, certificate.file))


def section(url: str, certificate: Path) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the keys of a section that reads the domain, and the environment that it takes.

    Args:
        url: where it is served.
        certificate: the file with the server's certificate.
    """
    keys = {
        "servers": [url],
        "bind_dn": _READER[0],
        "password_env": _SECRET_VARIABLE,
        "ca_file": str(certificate),
        "retries": 2,
    }
    return keys, {_SECRET_VARIABLE: _READER[1]}
