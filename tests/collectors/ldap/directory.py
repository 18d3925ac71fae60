"""A real OpenLDAP server on a free port of loopback, with a directory small enough to know by heart."""

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

import pytest

BASE = "dc=example,dc=org"
READER = f"uid=reader,ou=services,{BASE}"
PASSWORD = "Reader-Secret-1"
USERS = 7
SERVICES = ("reader", "small", "blind", "nobody", "walled")

_HERE = Path(__file__).parent
_SLAPD = shutil.which("slapd", path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/libexec:/sbin")

needs_slapd = pytest.mark.skipif(
    _SLAPD is None or not Path("/etc/ldap/schema/nis.schema").exists(),
    reason="OpenLDAP's server is not installed: apt-get install slapd",
)


def entries() -> Iterator[str]:
    """Yield the directory as LDIF, entry by entry."""
    yield f"dn: {BASE}\nobjectClass: dcObject\nobjectClass: organization\no: Example\ndc: example"
    for unit in ("people", "groups", "policies", "services", "closed"):
        yield f"dn: ou={unit},{BASE}\nobjectClass: organizationalUnit\nou: {unit}"
    yield (
        f"dn: cn=default,ou=policies,{BASE}\nobjectClass: device\nobjectClass: pwdPolicy\n"
        "objectClass: pwdPolicyChecker\ncn: default\npwdAttribute: userPassword\npwdMinLength: 14\n"
        "pwdCheckQuality: 2\npwdInHistory: 24\npwdLockout: TRUE\npwdMaxFailure: 5\npwdLockoutDuration: 900"
    )
    for number in range(USERS):
        yield (
            f"dn: uid=u{number},ou=people,{BASE}\nobjectClass: inetOrgPerson\nuid: u{number}\n"
            f"cn: User {number}\nsn: U{number}\nuserPassword: Correct-Horse-{number}"
            + (f"\nmail: u{number}@example.org" if number else "")
        )
    for name in SERVICES:
        yield (
            f"dn: uid={name},ou=services,{BASE}\nobjectClass: account\nobjectClass: simpleSecurityObject\n"
            f"uid: {name}\nuserPassword: {PASSWORD}"
        )
    nested = {
        "admins": ["uid=u1,ou=people", "cn=inner,ou=groups"],
        "inner": ["uid=u2,ou=people", "cn=Admins, ou=groups"],
    }
    nested["odd \\2c (name)*"] = ["uid=u3,ou=people"]
    for name, members in nested.items():
        lines = "".join(f"\nmember: {member},{BASE}" for member in members)
        plain = name.replace("\\2c", ",")
        yield f"dn: cn={name},ou=groups,{BASE}\nobjectClass: groupOfNames\ncn: {plain}{lines}"


class OpenLdap:
    """The server, for as long as the ``with`` block lasts.

    Attributes:
        port: of ``ldap://``, where it also takes StartTLS.
        secure_port: of ``ldaps://``, where there are certificates.
    """

    def __init__(self, folder: Path, certificate: Path | None = None) -> None:
        self.port, self.secure_port = _free_ports()
        self._folder = folder
        (folder / "data").mkdir(parents=True)
        tls = (
            ""
            if certificate is None
            else f"TLSCertificateFile {certificate}\nTLSCertificateKeyFile {certificate}"
        )
        text = (_HERE / "slapd.conf").read_text(encoding="utf-8")
        self._config = folder / "slapd.conf"
        self._config.write_text(text.replace("{folder}", str(folder)).replace("{tls}", tls), encoding="utf-8")
        self._urls = f"ldap://127.0.0.1:{self.port}/" + (
            f" ldaps://127.0.0.1:{self.secure_port}/" if certificate is not None else ""
        )

    @property
    def url(self) -> str:
        return f"ldap://127.0.0.1:{self.port}"

    def configurable(self, password: str) -> None:
        """Let ``cn=config`` change the server while it runs, with this password."""
        text = self._config.read_text(encoding="utf-8")
        section = f"database config\nrootpw {password}\n\ndatabase mdb"
        self._config.write_text(text.replace("database mdb", section, 1), encoding="utf-8")

    def __enter__(self) -> "OpenLdap":
        assert _SLAPD is not None
        ldif = self._folder / "seed.ldif"
        ldif.write_text("\n\n".join(entries()) + "\n", encoding="utf-8")
        subprocess.run(
            [_SLAPD, "-T", "add", "-f", str(self._config), "-l", str(ldif)], check=True, capture_output=True
        )
        # With -d it stays in the foreground, and ends with us.
        self._log = (self._folder / "log").open("wb")
        self._process = subprocess.Popen(
            [_SLAPD, "-d", "0", "-h", self._urls, "-f", str(self._config)], stdout=self._log, stderr=self._log
        )
        _wait_for(self.port)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.wait(timeout=20)
        self._log.close()


def _free_ports() -> tuple[int, int]:
    with socket.create_server(("127.0.0.1", 0)) as first, socket.create_server(("127.0.0.1", 0)) as second:
        return first.getsockname()[1], second.getsockname()[1]


def _wait_for(port: int) -> None:
    end = time.monotonic() + 20
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.02)
        else:
            return
