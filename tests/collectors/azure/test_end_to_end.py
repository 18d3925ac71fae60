"""``annexa collect`` with ``[azure]``: collects, judges and records, and says what it could not read."""

import json
from pathlib import Path

import pytest

from tests.annexa.conftest import Annexa
from tests.collectors.azure import arm, estate
from tests.collectors.azure.arm import SECRET, Rule
from tests.collectors.azure.conftest import Azure
from tests.collectors.conftest import Certified


@pytest.fixture
def annexa(azure: Azure, certified: Certified, tmp_path: Path) -> Annexa:
    made = Annexa(tmp_path)
    made.environment |= {"AZURE_CLIENT_SECRET": SECRET, "SSL_CERT_FILE": str(certified.authority)}
    section = {**azure.settings(), "exclude": [estate.DISABLED]}
    lines = "\n".join(f"{key} = {json.dumps(value)}" for key, value in section.items())
    made.config.write_text(f'[store]\npath = "store"\n[azure]\n{lines}\n', encoding="utf-8")
    return made


@pytest.mark.slow
def test_a_run_is_collected_judged_and_recorded(annexa: Annexa, azure: Azure) -> None:
    row = annexa.collect()
    assert row["status"] == "complete"
    assert row["gaps"] == 0
    found = annexa.run("findings", "--format", "json").json
    outcomes = {(each["check"], each["resource_name"]): each["outcome"] for each in found}
    assert outcomes["azure.storage.account.https-only", "account0"] == "fail"
    assert outcomes["azure.storage.account.https-only", "account1"] == "pass"
    assert outcomes["azure.storage.account.blob-soft-delete", "account4"] == "not_applicable"
    assert outcomes["azure.network.security-group.no-ssh-from-internet", "front"] == "fail"
    assert outcomes["azure.keyvault.vault.recoverable", "payroll-vault"] == "pass"
    assert outcomes["azure.web.site.plain-ftp-refused", "shop"] == "pass"
    assert outcomes["azure.web.site.sign-in-by-platform", "shop"] == "fail"
    assert outcomes["azure.web.site.no-publishing-passwords", "shop"] == "fail"
    assert annexa.run("verify").code == 0

    azure.arm.rules.append(Rule(arm.at("/vaults"), arm.refuse(403, "AuthorizationFailed", "No role.")))
    again = annexa.collect(code=2)
    assert again["gaps"] > 0
    found = annexa.run("findings", "--format", "json").json
    outcomes = {(each["check"], each["resource_name"]): each["outcome"] for each in found}
    assert outcomes["azure.keyvault.vault.recoverable", "payroll-vault"] == "unknown"
    assert outcomes["azure.storage.account.https-only", "account1"] == "pass"


@pytest.mark.slow
def test_doctor_and_permissions(annexa: Annexa) -> None:
    ran = annexa.run("doctor")
    assert ran.code == 0, ran.out + ran.err
    assert "actions are allowed" in " ".join(ran.out.split())
    role = json.loads(annexa.run("permissions", "azure").out)
    assert "Microsoft.KeyVault/vaults/read" in role["Actions"]
