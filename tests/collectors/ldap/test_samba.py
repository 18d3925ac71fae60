"""Reading a real Active Directory: Samba's, provisioned for the test. Its port cannot be chosen."""

import contextlib
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from annexa.plugin import Document, Report, Tools
from collectors.ldap import LdapCollector
from tests.collectors.ldap.conftest import read

_ADMINISTRATOR = "Passw0rd-Admin-1"
_USER = "Passw0rd-User-1"
_PORT = 389


def _busy() -> bool:
    with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", _PORT)):
        return False
    return True


pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        shutil.which("samba-tool") is None or shutil.which("samba") is None,
        reason="Samba's domain controller is not installed: apt-get install samba-ad-dc samba-ad-provision",
    ),
    pytest.mark.skipif(_busy(), reason="port 389 of loopback is in use, or may not be used"),
]


def _tool(folder: Path, *arguments: str) -> None:
    database = f"--URL={folder / 'private' / 'sam.ldb'}"
    subprocess.run(["samba-tool", *arguments, database], check=True, capture_output=True, timeout=60)


@pytest.fixture(scope="module")
def domain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """A domain with people, and with groups within groups."""
    folder = tmp_path_factory.mktemp("samba")
    provisioned = subprocess.run(
        [
            *("samba-tool", "domain", "provision", "--realm=EXAMPLE.TEST", "--domain=EXAMPLE"),
            *(f"--adminpass={_ADMINISTRATOR}", "--server-role=dc", "--dns-backend=SAMBA_INTERNAL"),
            f"--targetdir={folder}",
        ],
        capture_output=True,
        timeout=120,
        check=False,
    )
    if provisioned.returncode:
        pytest.skip("no domain can be provisioned here: " + provisioned.stderr.decode()[-200:])
    for name in ("ann", "bob", "reader"):
        _tool(folder, "user", "create", name, _USER)
    for name in ("outer", "inner"):
        _tool(folder, "group", "add", name)
    for group, member in (
        ("Domain Admins", "outer"),
        ("outer", "inner"),
        ("inner", "outer"),
        ("inner", "ann"),
    ):
        _tool(folder, "group", "addmembers", group, member)
    _tool(folder, "user", "disable", "bob")
    options = {
        "server services": "ldap",
        "interfaces": "lo",
        "bind interfaces only": "yes",
        "ldap server require strong auth": "no",
        "log file": str(folder / "log"),
        "pid directory": str(folder),
    }
    command = ["samba", "-i", "-s", str(folder / "etc" / "smb.conf")]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TEST_LDAP_PASSWORD", _USER)
        process = subprocess.Popen(
            [*command, *(f"--option={key}={value}" for key, value in options.items())],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            yield _waited(
                {
                    "servers": ["ldap://127.0.0.1"],
                    "bind_dn": "reader@example.test",
                    "password_env": "TEST_LDAP_PASSWORD",
                    "page_size": 3,
                }
            )
        finally:
            process.terminate()
            process.wait(timeout=20)


def _waited(settings: dict[str, Any]) -> dict[str, Any]:
    end = time.monotonic() + 60
    while not LdapCollector(settings, Tools(redaction_key=b"test")).discover().scopes:
        assert time.monotonic() < end, "the domain controller does not answer"
        time.sleep(0.2)
    return settings


def collected(domain: dict[str, Any], kind: str) -> tuple[dict[str, Document], Report]:
    return read(LdapCollector(domain, Tools(redaction_key=b"test")), kind)


def test_the_domain_is_one_scope(domain: dict[str, Any]) -> None:
    (scope,) = LdapCollector(domain, Tools(redaction_key=b"test")).discover().scopes
    assert scope.name == "example.test"
    assert scope.attributes["kind"] == "active_directory"
    assert scope.attributes["domain_sid"].startswith("S-1-5-21-")


def test_every_type_is_read_whole_by_a_mere_member_of_domain_users(domain: dict[str, Any]) -> None:
    collector = LdapCollector(domain, Tools(redaction_key=b"test"))
    scope = collector.discover().scopes[0]
    targets = collector.targets(scope, collector.resource_types())
    assert len(targets) >= 12
    for target in targets:
        collection = collector.collect(scope, target)
        list(collection)
        assert collection.report.complete, (target, collection.report.gaps)


def test_accounts_have_readable_flags(domain: dict[str, Any]) -> None:
    documents, _ = collected(domain, "ldap.ad.user")
    bob = next(each for each in documents.values() if each.name == "bob")
    assert "ACCOUNTDISABLE" in bob.content["item"]["flags"]["userAccountControl"]


def test_the_password_policy_is_read(domain: dict[str, Any]) -> None:
    documents, _ = collected(domain, "ldap.ad.domain")
    attributes = next(iter(documents.values())).content["item"]["attributes"]
    assert attributes["ms-DS-MachineAccountQuota"] == ["10"]
    assert attributes["maxPwdAge"][0].endswith("s")


def test_members_of_nested_and_circular_groups_are_privileged(domain: dict[str, Any]) -> None:
    documents, _ = collected(domain, "ldap.ad.privileged-group")
    admins = next(each for each in documents.values() if each.id.endswith("-512"))
    names = {each["attributes"]["sAMAccountName"][0] for each in admins.content["members"]}
    assert names == {"Administrator", "ann"}
