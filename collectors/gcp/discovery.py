"""Finding the projects and organisations to collect."""

from collections.abc import Callable
from functools import partial
from typing import TypeVar

from google.cloud.resourcemanager_v3 import Organization, Project

from collectors.contract import Discovery
from collectors.gcp.credentials import CREDENTIAL_CODES, GoogleTokens
from collectors.gcp.resource_manager import (
    GET,
    LIST_FOLDERS,
    LIST_PROJECTS,
    SEARCH_ORGANIZATIONS,
    SEARCH_PROJECTS,
    ResourceManager,
)
from collectors.gcp.settings import GcpSettings
from collectors.transport import CallError
from store.errors import CollectorError
from store.model import Gap, Scope

T = TypeVar("T")

_CREDENTIALS_HINT = (
    "Correct credential, credentials_file and impersonate under [gcp], or run "
    "`gcloud auth application-default login`."
)


class ProjectDiscovery:
    """Finds the projects and organisations that the settings mean.

    Args:
        now: the time as it is written into gaps.
    """

    def __init__(
        self,
        settings: GcpSettings,
        tokens: GoogleTokens,
        manager: ResourceManager,
        now: Callable[[], str],
    ) -> None:
        self._settings = settings
        self._tokens = tokens
        self._manager = manager
        self._now = now
        self._parents: dict[str, str] = {}

    def discover(self) -> Discovery:
        """Find the scopes, organisations first; what cannot be read is a gap, the others go on.

        Raises:
            CollectorError: no credentials, or Google refuses them.
        """
        gaps: list[Gap] = []
        try:
            principal = self.principal()
        except CallError as error:
            raise _no_credentials(error) from error
        organizations = []
        for each in self._organizations(gaps):
            scope = self._organization(each, principal)
            if each.state == Organization.State.DELETE_REQUESTED:
                gaps.append(self._gap(GET, _closing(scope.id), scope.key))
            else:
                organizations.append(scope)
        projects = []
        for found in self._projects(gaps).values():
            key = f"gcp:{found.project_id}"
            if self._settings.excludes(found.project_id):
                continue
            if found.state == Project.State.DELETE_REQUESTED:
                gaps.append(self._gap(GET, _shut_down(found.project_id), key))
            else:
                projects.append(self._project(found, principal))
        if not projects and not gaps:
            gaps.append(self._gap(SEARCH_PROJECTS, _none(self._settings), ""))
        return Discovery((*organizations, *projects), tuple(gaps))

    def principal(self) -> str:
        """Return whom Google sees, as far as the credential says it.

        Raises:
            CallError: there is no token.
        """
        return self._tokens.principal()

    def advice(self) -> str:
        """Return what is better mended although tokens are given; "" if nothing.

        Raises:
            CallError: there is no token.
        """
        if self.principal().startswith("user ") and not self._tokens.headers():
            return "Set quota_project under [gcp]: many APIs refuse a user's own credentials without one."
        return ""

    def _organizations(self, gaps: list[Gap]) -> list[Organization]:
        manager = self._manager
        if not self._settings.narrowed:
            return self._tried(SEARCH_ORGANIZATIONS, manager.visible_organizations, gaps) or []
        named = (
            self._tried(GET, partial(manager.organization, number), gaps, f"organizations/{number}", number)
            for number in self._settings.organizations
        )
        return [each for each in named if each is not None]

    def _projects(self, gaps: list[Gap]) -> dict[str, Project]:
        settings, manager = self._settings, self._manager
        found: list[Project | None] = []
        if not settings.narrowed:
            found += self._tried(SEARCH_PROJECTS, manager.visible_projects, gaps) or []
        for each in settings.projects:
            found.append(self._tried(GET, partial(manager.project, each), gaps, f"projects/{each}", each))
        for number in settings.organizations:
            found += self._below(f"organizations/{number}", gaps)
        for number in settings.folders:
            found += self._below(f"folders/{number}", gaps)
        return {project.project_id: project for project in found if project is not None}

    def _below(self, top: str, gaps: list[Gap]) -> list[Project]:
        manager = self._manager
        found: list[Project] = []
        waiting = [top]
        while waiting:
            at = waiting.pop()
            found += self._tried(LIST_PROJECTS, partial(manager.projects_below, at), gaps, at) or []
            below = self._tried(LIST_FOLDERS, partial(manager.folders_below, at), gaps, at) or []
            self._parents |= {folder.name: at for folder in below}
            waiting += [folder.name for folder in below]
        return found

    def _tried(
        self, call: str, ask: Callable[[], T], gaps: list[Gap], what: str = "", scope_id: str = ""
    ) -> T | None:
        try:
            return ask()
        except CallError as error:
            if error.code in CREDENTIAL_CODES:
                raise _no_credentials(error) from error
            gaps.append(self._gap(call, _explained(error, what), f"gcp:{scope_id}" if scope_id else ""))
            return None

    def _organization_of(self, parent: str) -> str:
        """Return the number of the organisation above; "" where there is none or the way is barred."""
        passed: set[str] = set()
        while parent.startswith("folders/") and parent not in passed:
            passed.add(parent)
            if parent not in self._parents:
                try:
                    self._parents[parent] = self._manager.folder(parent).parent
                except CallError:
                    self._parents[parent] = ""
            parent = self._parents[parent]
        kind, _, number = parent.partition("/")
        return number if kind == "organizations" else ""

    def _project(self, found: Project, principal: str) -> Scope:
        return Scope(
            provider="gcp",
            id=found.project_id,
            name=found.display_name or found.project_id,
            attributes={
                "kind": "project",
                "partition": self._settings.universe_domain,
                "project_number": found.name.removeprefix("projects/"),
                "organization": self._organization_of(found.parent),
                "principal": principal,
            },
        )

    def _organization(self, found: Organization, principal: str) -> Scope:
        number = found.name.removeprefix("organizations/")
        return Scope(
            provider="gcp",
            id=number,
            name=found.display_name or number,
            attributes={
                "kind": "organization",
                "partition": self._settings.universe_domain,
                "organization": number,
                "principal": principal,
            },
        )

    def _gap(self, call: str, error: CallError, scope_key: str) -> Gap:
        return Gap(call=call, code=error.code, message=error.message, at=self._now(), resource_id=scope_key)


def _explained(error: CallError, what: str) -> CallError:
    said = f"{what}: {error.message}" if what else error.message
    if error.status == 403 and what:
        said += f" (does it exist, and has the principal the role roles/browser on {what} or above it?)"
    return CallError(error.code, said)


def _shut_down(project_id: str) -> CallError:
    return CallError(
        "ProjectDeleteRequested",
        f"the project is shut down and will be deleted: put {project_id!r} into exclude under [gcp], or "
        f"restore it with `gcloud projects undelete {project_id}`",
    )


def _closing(number: str) -> CallError:
    return CallError("OrganizationDeleteRequested", f"organizations/{number} is about to be deleted")


def _none(settings: GcpSettings) -> CallError:
    where = "of what [gcp] names, " if settings.narrowed else ""
    return CallError("NoProjects", f"{where}the principal can see no project; has it been given a role?")


def _no_credentials(error: CallError) -> CollectorError:
    return CollectorError(f"Google gives or takes no credentials: {error}", _CREDENTIALS_HINT)
