"""``annexa collect`` with ``[entra]``: collects, judges and records, and says what it could not read."""

import json
from pathlib import Path

import pytest

from tests.annexa.conftest import Annexa
from tests.collectors.conftest import Certified
from tests.collectors.entra import estate
from tests.collectors.entra.conftest import Entra
from tests.collectors.entra.graph import SECRET, later_page, refuse
from tests.collectors.rest.rules import Rule


@pytest.fixture
def annexa(entra: Entra, certified: Certified, tmp_path: Path) -> Annexa:
    made = Annexa(tmp_path)
    made.environment |= {"AZURE_CLIENT_SECRET": SECRET, "SSL_CERT_FILE": str(certified.authority)}
    lines = "\n".join(f"{key} = {json.dumps(value)}" for key, value in entra.settings().items())
    made.config.write_text(f'[store]\npath = "store"\n[entra]\n{lines}\n', encoding="utf-8")
    return made


def outcomes(annexa: Annexa) -> dict[tuple[str, str], str]:
    found = annexa.run("findings", "--format", "json").json
    return {(each["check"].removeprefix("entra."), each["resource_name"]): each["outcome"] for each in found}


@pytest.mark.slow
def test_a_run_is_collected_judged_and_recorded(annexa: Annexa, entra: Entra) -> None:
    row = annexa.collect()
    assert row["status"] == "complete"
    assert row["gaps"] == 0
    found = outcomes(annexa)
    tenant = "Contoso"
    assert "error" not in found.values()
    assert found["policy.conditional-access.mfa-for-all", tenant] == "pass"
    assert found["policy.conditional-access.legacy-authentication-blocked", tenant] == "fail"
    assert found["policy.authentication-methods.sms-off", "Authentication methods"] == "pass"
    assert found["policy.authentication-methods.voice-off", "Authentication methods"] == "fail"
    assert found["user.sign-in-activity.members-active", "user0@contoso.com"] == "fail"
    assert found["user.sign-in-activity.members-active", "user4@contoso.com"] == "not_applicable"
    assert found["user.registration.mfa-registered", "user2@contoso.com"] == "fail"
    assert found["user.leave-date.leavers-disabled", "user2@contoso.com"] == "fail"
    assert found["role.assignment.cloud-only", "group 2"] == "fail"
    assert found["role.assignment.cloud-only", "user 1"] == "pass"
    assert found["role.assignment.few-global-administrators", tenant] == "pass"
    assert found["app.graph-permission.foreign-harmless", "Service 11"] == "fail"
    assert found["app.graph-permission.foreign-harmless", "Service 12"] == "not_applicable"
    assert annexa.run("verify").code == 0

    entra.graph.premium = False
    entra.graph.rules.append(Rule(later_page("/users"), refuse(403, "Authorization_RequestDenied", "No.")))
    again = annexa.collect(code=2)
    assert again["gaps"] > 0
    found = outcomes(annexa)
    assert found["user.registration.mfa-registered", "user0@contoso.com"] == "unknown"
    assert found["user.sign-in-activity.members-active", "user0@contoso.com"] == "unknown"
    assert found["user.user.strong-passwords", "user0@contoso.com"] == "pass"
    assert found["user.user.strong-passwords", "user4@contoso.com"] == "unknown"
    assert found["user.risky.dealt-with", tenant] == "unknown"
    assert found["policy.conditional-access.mfa-for-all", tenant] == "pass"


@pytest.mark.slow
def test_doctor_and_permissions(annexa: Annexa) -> None:
    ran = annexa.run("doctor")
    assert ran.code == 0, ran.out + ran.err
    assert "are granted" in " ".join(ran.out.split())
    (required,) = json.loads(annexa.run("permissions", "entra").out)
    assert required["resourceAppId"] == estate.GRAPH
