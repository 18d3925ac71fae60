"""``annexa collect`` with ``[gcp]``: collects, judges and records, and says what it could not read."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.annexa.conftest import Annexa
from tests.collectors.gcp import estate, google
from tests.collectors.gcp.conftest import Gcp
from tests.collectors.rest.rules import Rule, at


def configured(gcp: Gcp, folder: Path, collect: str = "", **more: Any) -> Annexa:
    """The command line in a folder of its own, whose configuration leads to the organisation.

    Args:
        collect: lines of ``[collect]``.
        more: keys of ``[gcp]``.
    """
    made = Annexa(folder)
    lines = "\n".join(f"{key} = {json.dumps(value)}" for key, value in gcp.settings(**more).items())
    made.config.write_text(
        f'[store]\npath = "store"\n[collect]\n{collect}\n[gcp]\n{lines}\n', encoding="utf-8"
    )
    return made


@pytest.fixture
def annexa(gcp: Gcp, tmp_path: Path) -> Annexa:
    return configured(
        gcp, tmp_path, organizations=[estate.ORGANIZATION], exclude=[estate.BARE], inventory="auto"
    )


def outcomes(annexa: Annexa) -> dict[tuple[str, str], str]:
    return {(each["check"], each["resource_name"]): each["outcome"] for each in annexa.rows("findings")}


@pytest.mark.slow
def test_a_run_is_collected_judged_and_recorded(annexa: Annexa, gcp: Gcp) -> None:
    row = annexa.collect()
    assert row["status"] == "complete"
    assert row["gaps"] == 0
    found = outcomes(annexa)
    assert found["gcp.storage.bucket.uniform-access", f"{estate.PROJECT}-0"] == "fail"
    assert found["gcp.storage.bucket.uniform-access", f"{estate.PROJECT}-2"] == "pass"
    assert found["gcp.storage.bucket.not-public", f"{estate.PROJECT}-1"] == "fail"
    assert found["gcp.storage.bucket.not-public", f"{estate.PROJECT}-2"] == "pass"
    assert found["gcp.compute.firewall.no-ssh-from-internet", "ssh"] == "fail"
    assert found["gcp.compute.instance.integrity-monitored", "batch"] == "pass"
    assert found["gcp.compute.instance.integrity-monitored", "front"] == "fail"
    assert found["gcp.sqladmin.instance.encrypted-connections", "ledger"] == "pass"
    assert found["gcp.cloudresourcemanager.organization.no-public-access", estate.ORGANIZATION] == "pass"
    assert annexa.run("verify").code == 0

    gcp.google.rules.append(Rule(at("/global/firewalls"), google.deny()))
    gcp.google.rules.append(Rule(lambda asked: asked.path.startswith("/cloudasset/"), google.deny()))
    again = annexa.collect(code=2)
    assert again["gaps"] > 0
    found = outcomes(annexa)
    assert found["gcp.compute.firewall.no-ssh-from-internet", "ssh"] == "unknown"
    assert found["gcp.storage.bucket.uniform-access", f"{estate.PROJECT}-2"] == "pass"


@pytest.mark.slow
def test_doctor_and_permissions(annexa: Annexa) -> None:
    ran = annexa.run("doctor")
    assert ran.code == 0, ran.out + ran.err
    assert "permissions are there" in " ".join(ran.out.split())
    role = annexa.run("permissions", "gcp").out
    assert "- compute.instances.list\n" in role
    assert "- storage.buckets.getIamPolicy\n" in role
