"""What ``annexa doctor`` says of Google Cloud."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from google.oauth2 import credentials as oauth2_credentials

from annexa.demo.loopback import Answer, Asked
from annexa.plugin import Diagnosis, Tools
from collectors.caller import Caller
from collectors.gcp.collector import GcpCollector
from collectors.gcp.diagnosis import diagnose
from tests.collectors.gcp.conftest import Google
from tests.collectors.gcp.identity import ACCOUNT, error, new_key, reply
from tests.collectors.rest import rules
from tests.collectors.rest.rules import Rule, at

READ = (
    "compute.instances.list",
    "resourcemanager.folders.list",
    "storage.buckets.get",
    "storage.buckets.list",
)
SERVICES = ("compute", "storage")


@dataclass
class Grants:
    """What the principal holds, and what projects cannot be asked for.

    Attributes:
        told: whether a refusal names what cannot be asked for.
        asked: the permissions of each request.
    """

    held: set[str] = field(default_factory=lambda: set(READ))
    untestable: set[str] = field(default_factory=lambda: {"resourcemanager.folders.list"})
    told: bool = True
    asked: list[list[str]] = field(default_factory=list)

    def __call__(self, asked: Asked, right: Callable[[], Answer | None]) -> Answer:
        wanted = json.loads(asked.body)["permissions"]
        self.asked.append(wanted)
        wrong = [each for each in wanted if each in self.untestable]
        if len(wanted) > 100 or wrong:
            said = f"Permission {wrong[0]} is not valid for this resource." if wrong and self.told else "Bad."
            return error(400, "INVALID_ARGUMENT", said)
        held = [each for each in wanted if each in self.held]
        return reply(200, {"permissions": held} if held else {})


@pytest.fixture
def grants(google: Google) -> Grants:
    """An organisation with two projects, of which storage is enabled in one only."""
    google.hierarchy.organization("1001", "example.com")
    google.hierarchy.project("3001", "shop-one", "Shop", "organizations/1001")
    google.hierarchy.project("3002", "audit-home", "Audit", "organizations/1001")
    given = Grants()
    google.rules.append(Rule(at(":testIamPermissions"), given))
    google.rules.append(Rule(at("/projects/shop-one/services"), _enabled("compute", "storage")))
    google.rules.append(Rule(at("/projects/audit-home/services"), _enabled("compute")))
    return given


def _enabled(*services: str) -> rules.Faulty:
    def answer(asked: Asked, right: Callable[[], Answer | None]) -> Answer:
        assert asked.query["filter"] == "state:ENABLED"
        listed = [{"name": f"projects/3001/services/{each}.googleapis.com"} for each in services]
        page = int(asked.query.get("pageToken") or 0)
        more = {"nextPageToken": str(page + 1)} if page + 1 < len(listed) else {}
        return reply(200, {"services": listed[page : page + 1], **more})

    return answer


def lines(google: Google, permissions: tuple[str, ...] = READ, **section: object) -> dict[str, Diagnosis]:
    settings = google.settings(**section).model_dump(exclude_defaults=True)
    collector = GcpCollector(settings, Tools(redaction_key=b"gcp-tests"))

    def caller() -> Caller:
        return collector._caller()

    found = diagnose(collector._discovery, caller, permissions, SERVICES)
    return {line.name: line for line in found}


def test_everything_in_order(google: Google, grants: Grants) -> None:
    found = lines(google)
    assert all(line.ok for line in found.values())
    assert ACCOUNT in found["credentials"].message
    assert found["organizations"].message == "1: example.com (1001)"
    assert found["projects"].message == "2: Shop (shop-one), Audit (audit-home)"
    assert found["permissions Shop"].message == "all 3 permissions are there"
    assert found["apis Shop"].message == "all 2 APIs that are read are enabled"


def test_what_is_missing_is_named(google: Google, grants: Grants) -> None:
    grants.held.remove("storage.buckets.get")
    line = lines(google)["permissions Audit"]
    assert not line.ok
    assert line.message == "1 of 3 permissions are missing: storage.buckets.get"
    assert "annexa permissions gcp" in line.hint


@pytest.mark.parametrize("told", [True, False])
def test_what_projects_cannot_be_asked_for_is_left_out_and_said(
    google: Google, grants: Grants, told: bool
) -> None:
    grants.told = told
    found = lines(google)
    assert found["permissions Shop"].message == "all 3 permissions are there"
    assert found["permissions"].message.endswith("cannot be asked for them: resourcemanager.folders.list")
    assert "resourcemanager.folders.list" not in grants.asked[-1], "not asked for in the next project"


def test_many_permissions_are_asked_for_by_the_hundred(google: Google, grants: Grants) -> None:
    many = tuple(f"compute.things{number}.list" for number in range(250))
    grants.held = set(many)
    assert lines(google, many)["permissions Shop"].message == "all 250 permissions are there"
    assert [len(each) for each in grants.asked] == [100, 100, 50] * 2


def test_an_api_that_is_not_enabled_is_said_and_no_fault(google: Google, grants: Grants) -> None:
    line = lines(google)["apis Audit"]
    assert line.ok
    assert line.message == "1 of 2 APIs that are read are not enabled: storage.googleapis.com"
    assert "gcloud services enable storage.googleapis.com --project=audit-home" in line.hint


def test_what_could_not_be_looked_at_is_said(google: Google, grants: Grants) -> None:
    google.rules.insert(
        0,
        Rule(
            lambda asked: asked.method == "POST", lambda asked, right: error(403, "PERMISSION_DENIED", "No.")
        ),
    )
    google.rules.insert(0, Rule(at("/services"), lambda asked, right: error(403, "SERVICE_DISABLED", "No.")))
    found = lines(google)
    assert "not looked at" in found["permissions Shop"].message
    assert "not looked at" in found["apis Shop"].message


def test_a_project_that_cannot_be_read_is_named(google: Google, grants: Grants) -> None:
    line = lines(google, projects=["shop-one", "no-such-project"])["no-such-project"]
    assert not line.ok
    assert "no-such-project" in line.message


def test_no_project_is_no_order(google: Google) -> None:
    found = lines(google)
    assert not found["projects"].ok
    assert "NoProjects" in found["discovery"].message


def test_a_user_without_a_project_for_the_quota_is_told(
    google: Google, grants: Grants, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(oauth2_credentials, "_GOOGLE_OAUTH2_TOKEN_ENDPOINT", f"{google.server.url}/token")
    user = google.identity.user()
    del user["quota_project_id"]
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", google.file("user.json", user))
    assert "quota_project" in lines(google, credential="default")["credentials"].hint
    assert lines(google, credential="default", quota_project="audit-home")["credentials"].hint == ""


def test_a_wrong_key_ends_it(google: Google) -> None:
    found = lines(google, credentials_file=google.service_account(new_key()))
    assert list(found) == ["credentials"]
    assert not found["credentials"].ok
    assert "Invalid JWT Signature" in found["credentials"].message
