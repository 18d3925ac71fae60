"""``annexa doctor`` and ``annexa permissions`` for GitHub."""

import json

import pytest

from annexa.plugin import Tools
from collectors.contract import Diagnosis
from collectors.github.collector import GithubCollector
from collectors.github.permissions import lacking, lacking_scopes, levels, scopes_for
from tests.collectors.github import estate
from tests.collectors.github.conftest import KEY, Served

COLLECTOR = GithubCollector({"organizations": [estate.ORG]}, Tools(redaction_key=KEY))


def lines(collector: GithubCollector) -> dict[str, Diagnosis]:
    return {each.name: each for each in collector.diagnose()}


def test_the_permissions_are_those_of_an_app_s_manifest() -> None:
    granted = COLLECTOR.permissions(COLLECTOR.resource_types())
    wanted = json.loads(granted.documents[0])
    assert wanted["administration"] == wanted["members"] == wanted["metadata"] == "read"
    assert set(wanted.values()) == {"read"}
    assert "enterprise_administration" not in wanted
    assert "admin:org" in granted.note


def test_the_permissions_are_no_more_than_the_types_need() -> None:
    granted = COLLECTOR.permissions(["github.org.team"])
    assert json.loads(granted.documents[0]) == {"members": "read", "metadata": "read"}
    assert "read:org" in granted.note


def test_a_higher_level_holds_the_lower_one() -> None:
    assert levels(["a:write", "a:read", "b:read"]) == {"a": "write", "b": "read"}
    assert lacking(["a:read", "b:read", "c:write"], {"a": "write", "c": "read"}) == ["b:read", "c:write"]


def test_a_wider_scope_holds_the_narrower_one() -> None:
    grants = ["members:read", "organization_administration:read", "security_events:read"]
    assert scopes_for(grants) == {"admin:org", "repo"}
    assert lacking_scopes(grants, ["admin:org"]) == ["repo"]


def test_a_good_token_is_in_order(github: Served) -> None:
    found = lines(github.collector())
    assert found["credentials"].message == "user:mona"
    assert found["tenant"].message == "Example Ltd (example)"
    assert all(each.ok for each in found.values())


def test_the_scopes_that_a_classic_token_lacks_are_named(github: Served) -> None:
    github.github.scopes = "read:org, repo"
    found = lines(github.collector())["permissions"]
    assert not found.ok
    assert found.message.endswith("are missing: admin:org, admin:org_hook")


def test_scopes_of_an_enterprise_are_needed_where_one_is_named(github: Served) -> None:
    github.github.scopes = "admin:org, admin:org_hook, repo"
    assert lines(github.collector())["permissions"].ok
    found = lines(github.collector(enterprise="example-inc"))["permissions"]
    assert found.message.endswith("are missing: read:audit_log, read:enterprise")


def test_a_fine_grained_token_does_not_tell(github: Served) -> None:
    github.github.scopes = None
    found = lines(github.collector())["permissions"]
    assert (found.ok, found.message) == (True, "the provider does not tell; a run shows them as gaps")


def test_the_permissions_that_an_installation_lacks_are_named(github: Served) -> None:
    found = lines(github.app())["permissions"]
    assert not found.ok
    assert "administration:read (example)" in found.message


def test_an_installation_with_all_permissions_is_in_order(github: Served) -> None:
    granted = json.loads(COLLECTOR.permissions(COLLECTOR.resource_types()).documents[0])
    github.github.installations[estate.ORG] = estate.installation(permissions=granted)
    found = lines(github.app())
    assert found["credentials"].message == "app:annexa"
    assert all(each.ok for each in found.values()), found


def test_an_organisation_that_cannot_be_read_is_named(github: Served) -> None:
    found = [each for each in github.collector(organizations=["example", "hidden"]).diagnose() if not each.ok]
    assert [each.name for each in found] == ["tenant"]
    assert "hidden" in found[0].message


def test_a_revoked_token_is_told_and_what_to_do(github: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", "ghp_revoked")
    (line,) = github.collector().diagnose()
    assert (line.name, line.ok) == ("credentials", False)
    assert "github.token_env" in line.hint
