"""Whether Google Cloud can be read: credentials, organisations, projects, permissions and APIs."""

import re
from collections.abc import Callable, Iterable, Sequence

from collectors.caller import Caller
from collectors.contract import Diagnosis
from collectors.definition import Call
from collectors.gcp.discovery import ProjectDiscovery
from collectors.ledger import Ledger
from collectors.transport import CallError
from store.errors import AnnexaError
from store.model import Scope

TEST_PERMISSIONS = Call.model_validate(
    {"call": "cloudresourcemanager:POST /v3/{+resource}:testIamPermissions"}
)
ENABLED_SERVICES = Call.model_validate(
    {
        "call": "serviceusage:GET /v1/{+parent}/services",
        "with": {"filter": "state:ENABLED", "pageSize": "200"},
    }
)
_MOST_NAMED = 10
_MOST_ASKED = 20
_MOST_TESTED = 100
_ROLE_HINT = "Create and grant the role that `annexa permissions gcp` prints."


def diagnose(
    discovery: ProjectDiscovery,
    caller: Callable[[], Caller],
    permissions: Sequence[str],
    services: Sequence[str],
) -> list[Diagnosis]:
    """Look at each in turn, as far as one leads to the next.

    Args:
        permissions: what reading takes.
        services: the APIs that are read, by the first label of their hosts.
    """
    try:
        found = discovery.discover()
        principal, advice = discovery.principal(), discovery.advice()
    except AnnexaError as error:
        return [Diagnosis("credentials", False, str(error), error.hint)]
    except CallError as error:
        return [Diagnosis("credentials", False, f"there is no token: {error}", "Sign in again.")]
    whom = principal or "Google gives a token, which does not say for whom"
    lines = [Diagnosis("credentials", True, whom, advice)]
    organizations = [scope for scope in found.scopes if scope.attributes["kind"] == "organization"]
    projects = [scope for scope in found.scopes if scope.attributes["kind"] == "project"]
    # A project need not be in one, so none is no fault.
    lines.append(Diagnosis("organizations", True, _counted(organizations)))
    hint = "" if projects else "See what is said below, and correct [gcp] or grant the principal a role."
    lines.append(Diagnosis("projects", bool(projects), _counted(projects), hint))
    lines.extend(
        Diagnosis(
            gap.resource_id.removeprefix("gcp:") or "discovery",
            False,
            f"{gap.call}: {gap.code}: {gap.message}",
            "Check the ids under [gcp], and what the principal has been given a role for.",
        )
        for gap in found.gaps
    )
    looked = projects[:_MOST_ASKED]
    tester = _Tester(caller(), permissions)
    lines.extend(tester.look(scope, f"projects/{scope.id}") for scope in looked)
    if tester.untestable:
        named = _listed(sorted(tester.untestable))
        lines.append(
            Diagnosis(
                "permissions", True, f"not looked at, because projects cannot be asked for them: {named}"
            )
        )
    lines.extend(_services(caller(), scope, services) for scope in looked)
    if len(projects) > _MOST_ASKED:
        rest = len(projects) - _MOST_ASKED
        lines.append(Diagnosis("permissions", True, f"not looked at in the {rest} other projects"))
    return lines


class _Tester:
    """Tests which permissions the principal holds.

    Attributes:
        untestable: permissions that resources of this kind cannot be asked for; found on the way, and not
            asked for again.
    """

    def __init__(self, caller: Caller, permissions: Sequence[str]) -> None:
        self._caller = caller
        self._permissions = permissions
        self.untestable: set[str] = set()

    def look(self, scope: Scope, resource: str) -> Diagnosis:
        name = f"permissions {scope.name}"
        held: set[str] = set()
        try:
            for start in range(0, len(self._permissions), _MOST_TESTED):
                held |= self._held(resource, self._permissions[start : start + _MOST_TESTED])
        except CallError as error:
            why = f"not looked at, because {TEST_PERMISSIONS.operation} gives {error.code}"
            return Diagnosis(name, True, why, _ROLE_HINT)
        asked = [each for each in self._permissions if each not in self.untestable]
        missing = [each for each in asked if each not in held]
        if missing:
            said = f"{len(missing)} of {len(asked)} permissions are missing: {_listed(missing)}"
            return Diagnosis(name, False, said, _ROLE_HINT)
        return Diagnosis(name, True, f"all {len(asked)} permissions are there")

    def _held(self, resource: str, permissions: Sequence[str]) -> set[str]:
        permissions = [each for each in permissions if each not in self.untestable]
        if not permissions:
            return set()
        asked = {"resource": resource, "body": {"permissions": permissions}}
        try:
            answer = self._caller.whole(TEST_PERMISSIONS, asked, "", Ledger())
        except CallError as error:
            if error.status != 400:
                raise
            # One that cannot be tested fails the whole call; the message names it, but not always.
            refused = [each for each in permissions if re.search(rf"\b{re.escape(each)}\b", error.message)]
            if refused or len(permissions) == 1:
                self.untestable |= set(refused or permissions)
                return self._held(resource, permissions)
            half = len(permissions) // 2
            return self._held(resource, permissions[:half]) | self._held(resource, permissions[half:])
        return set(answer.get("permissions") or [])


def _services(caller: Caller, scope: Scope, services: Sequence[str]) -> Diagnosis:
    name = f"apis {scope.name}"
    wanted = [f"{service}.googleapis.com" for service in services]
    try:
        asked = {**ENABLED_SERVICES.with_, "parent": f"projects/{scope.id}"}
        answer = caller.whole(ENABLED_SERVICES, asked, "", Ledger())
    except CallError as error:
        return Diagnosis(
            name, True, f"not looked at, because {ENABLED_SERVICES.operation} gives {error.code}"
        )
    enabled = {str(each.get("name", "")).rpartition("/")[2] for each in answer.get("services") or []}
    missing = [each for each in wanted if each not in enabled]
    if not missing:
        return Diagnosis(name, True, f"all {len(wanted)} APIs that are read are enabled")
    # Nothing can be there of an API that is not enabled, so this is no fault.
    return Diagnosis(
        name,
        True,
        f"{len(missing)} of {len(wanted)} APIs that are read are not enabled: {_listed(missing)}",
        f"Where one is in use: gcloud services enable {' '.join(missing)} --project={scope.id}",
    )


def _counted(scopes: Sequence[Scope]) -> str:
    named = [f"{scope.name} ({scope.id})" for scope in scopes]
    return f"{len(scopes)}: {_listed(named) or 'none'}"


def _listed(names: Iterable[str]) -> str:
    listed = list(names)
    return ", ".join(listed[:_MOST_NAMED]) + (", …" if len(listed) > _MOST_NAMED else "")
