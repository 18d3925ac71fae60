"""Several services in one configuration: each its own scope, and none hides another."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from annexa.demo.loopback import Asked, Loopback
from annexa.plugin import Collection, CollectorError, Tools
from collectors.scim import ScimCollector
from collectors.scim.settings import ServiceSettings
from store.errors import ConfigError
from tests.annexa.conftest import Annexa
from tests.annexa.fault_matrix import State
from tests.collectors.rest.rules import Rule, at
from tests.collectors.scim.conftest import Scim, refuse
from tests.collectors.scim.service import TOKEN

USER = "scim.directory.user"
URL = "https://scim.example.org/v2"
OTHER_TOKEN = "the-token-of-another-customer"


@pytest.fixture
def other(scim: Scim) -> Iterator[Loopback]:
    """Another service: the same accounts behind another address, for another token."""

    def answer(asked: Asked) -> Any:
        if asked.headers.get("authorization") != f"Bearer {OTHER_TOKEN}":
            return refuse(401, "The token is of somebody else.")(asked, lambda: None)
        asked.headers["authorization"] = f"Bearer {TOKEN}"
        return scim.proxy._forward(asked)

    with Loopback(answer) as loopback:
        yield loopback


@pytest.fixture
def section(scim: Scim, other: Loopback, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """``[scim]`` with both."""
    monkeypatch.setenv("OTHER_SCIM_TOKEN", OTHER_TOKEN)
    second = scim.service(base_url=f"{other.url}/v2", token_env="OTHER_SCIM_TOKEN", page_size=5)
    yield {"services": {"hr": scim.service(), "shop": second}}
    scim.proxy.rules.clear()


def collector(section: dict[str, Any]) -> ScimCollector:
    return ScimCollector(section, Tools(redaction_key=b"test"))


def read(section: dict[str, Any]) -> dict[str, Collection]:
    """Collect accounts of every scope."""
    own = collector(section)
    found = {}
    for scope in own.discover().scopes:
        (target,) = own.targets(scope, [USER])
        found[scope.id] = own.collect(scope, target)
        assert list(found[scope.id]) or found[scope.id].report.gaps
    return found


def outcomes(annexa: Annexa) -> dict[tuple[str, str, str], str]:
    """(scope, check, resource) → outcome."""
    return {
        (row["scope"], row["check"], row["resource_id"]): row["outcome"]
        for row in State.of(annexa).findings
        if row["provider"] == "scim"
    }


def test_each_service_is_a_scope_by_its_name(section: dict[str, Any], scim: Scim, other: Loopback) -> None:
    found = collector(section).discover()
    assert [scope.key for scope in found.scopes] == ["scim:hr", "scim:shop"]
    assert [scope.attributes["base_url"] for scope in found.scopes] == [scim.proxy.url, f"{other.url}/v2"]
    assert [scope.attributes["page_size"] for scope in found.scopes] == ["3", "5"]
    assert found.gaps == ()


def test_a_scope_stays_the_same_where_the_service_moves(
    section: dict[str, Any], scim: Scim, other: Loopback
) -> None:
    before = [scope.key for scope in collector(section).discover().scopes]
    hr, shop = section["services"]["hr"], section["services"]["shop"]
    hr["base_url"], hr["token_env"] = f"{other.url}/v2", "OTHER_SCIM_TOKEN"
    shop["base_url"], shop["token_env"] = scim.proxy.url, "TEST_SCIM_TOKEN"
    assert [scope.key for scope in collector(section).discover().scopes] == before


def test_services_of_one_address_are_told_apart_by_their_names(section: dict[str, Any], scim: Scim) -> None:
    section["services"]["shop"] = scim.service()
    assert len({scope.key for scope in collector(section).discover().scopes}) == 2


def test_each_service_is_read_with_its_own_credentials(
    section: dict[str, Any], scim: Scim, other: Loopback
) -> None:
    before = len(other.asked), len(scim.proxy.loopback.asked)
    found = read(section)
    assert {name: each.report.complete for name, each in found.items()} == {"hr": True, "shop": True}
    assert all(OTHER_TOKEN not in each.headers["authorization"] for each in scim.proxy.loopback.asked)
    assert len(other.asked) > before[0]
    assert len(scim.proxy.loopback.asked) > before[1]


def test_a_service_that_refuses_is_a_gap_for_its_scope_and_the_other_is_read(
    section: dict[str, Any], scim: Scim
) -> None:
    scim.proxy.rules.append(Rule(at("/ServiceProviderConfig"), refuse(401, "The token was revoked.")))
    found = collector(section).discover()
    assert [scope.id for scope in found.scopes] == ["shop"]
    (gap,) = found.gaps
    assert (gap.resource_id, gap.code) == ("scim:hr", "401")
    assert gap.message == "hr: The token was revoked."


def test_a_service_that_is_not_there_is_a_gap_too(section: dict[str, Any]) -> None:
    section["services"]["hr"]["base_url"] = "http://127.0.0.1:9/v2"
    found = collector(section).discover()
    assert [scope.id for scope in found.scopes] == ["shop"]
    assert [(gap.resource_id, gap.code) for gap in found.gaps] == [("scim:hr", "ConnectionFailed")]


def test_a_list_that_fails_in_one_service_is_whole_in_the_other(section: dict[str, Any], scim: Scim) -> None:
    scim.proxy.rules.append(Rule(at("/Users"), refuse(403, "Not you.")))
    found = read(section)
    assert {name: each.report.complete for name, each in found.items()} == {"hr": False, "shop": True}


def test_the_run_stops_where_no_service_takes_its_credentials(
    section: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TEST_SCIM_TOKEN")
    monkeypatch.setenv("OTHER_SCIM_TOKEN", "wrong")
    with pytest.raises(CollectorError) as caught:
        collector(section).discover()
    assert "hr: the environment variable TEST_SCIM_TOKEN is not set" in str(caught.value)
    assert "shop: The token is of somebody else" in str(caught.value)


def test_the_doctor_looks_at_each(section: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OTHER_SCIM_TOKEN")
    lines = collector(section).diagnose()
    assert [line.ok for line in lines if line.message.startswith("hr: ")] == [True, True, True]
    (wrong,) = [line for line in lines if not line.ok]
    assert wrong.name == "credentials"
    assert wrong.message.startswith("shop: ")
    assert "OTHER_SCIM_TOKEN is not set" in wrong.message


def test_permissions_are_the_same_for_all(section: dict[str, Any]) -> None:
    assert "read users" in collector(section).permissions([USER]).grants


def test_a_service_that_was_read_before_and_fails_now_is_unknown_and_the_other_stands(
    section: dict[str, Any], scim: Scim, tmp_path: Path
) -> None:
    annexa = Annexa(tmp_path)
    lines = [
        f"services.{name}.{key} = {value!r}"
        for name, keys in section["services"].items()
        for key, value in keys.items()
    ]
    annexa.config.write_text("\n".join(["[store]", 'path = "store"', "[scim]", *lines, ""]))
    annexa.collect_here()
    before = outcomes(annexa)
    assert {scope for scope, *_ in before} == {"hr", "shop"}
    scim.proxy.rules.append(Rule(at("/ServiceProviderConfig"), refuse(401, "The token was revoked.")))
    summary = annexa.summary_here()
    assert summary["status"] == "gaps"
    after = outcomes(annexa)
    assert {outcome for (scope, *_), outcome in after.items() if scope == "hr"} == {"unknown"}
    assert {key: value for key, value in after.items() if key[0] == "shop"} == {
        key: value for key, value in before.items() if key[0] == "shop"
    }


# --- the section ----------------------------------------------------------------------------------


def refusal(section: dict[str, Any]) -> str:
    with pytest.raises(ConfigError) as caught:
        collector(section)
    return str(caught.value)


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ({}, "there is no service"),
        ({"services": {}}, "there is no service"),
        ({"base_url": URL}, "base_url belongs to one service: write it under [scim.services.NAME]"),
        ({"hr": {"base_url": URL}}, "write [scim.services.hr]"),
        ({"service": {"hr": {}}, "services": {"hr": {"base_url": URL, "token_env": "T"}}}, "mean 'services'"),
        ({"services": {"h r": {"base_url": URL, "token_env": "T"}}}, "'h r' is no name"),
    ],
)
def test_a_section_that_holds_no_service_says_how_to_write_one(section: dict[str, Any], said: str) -> None:
    assert said in refusal(section)


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"base_ulr": URL}, "services.hr.base_ulr: unknown key; did you mean 'base_url'?"),
        ({"base_url": "http://scim.example.org/v2"}, "must begin with https"),
        ({"base_url": "https://user@scim.example.org/v2"}, "must be the address alone"),
        ({"token_env": ""}, "credential 'bearer' needs token_env"),
        ({"credential": "oauth"}, "services.hr.credential"),
        ({"credential": "client_secret_post"}, "needs token_url and client_id and client_secret_env"),
        ({"credential": "private_key_jwt"}, "private_key_file and key_id"),
        ({"page_size": 1}, "services.hr.page_size"),
    ],
)
def test_a_service_that_would_not_do_is_refused(keys: dict[str, Any], said: str) -> None:
    assert said in refusal({"services": {"hr": {"base_url": URL, "token_env": "T", **keys}}})


def test_no_variable_is_shared_by_default() -> None:
    model = ServiceSettings(base_url=URL, token_env="T")
    assert {value for key, value in model.model_dump().items() if key.endswith("_env")} == {"T", ""}
