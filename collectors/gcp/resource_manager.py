"""Asking Resource Manager with Google's own client: every page, retried, with our tokens."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

import requests
from google.api_core.client_options import ClientOptions
from google.api_core.exceptions import GoogleAPICallError
from google.auth.credentials import Credentials
from google.cloud.resourcemanager_v3 import (
    Folder,
    FoldersClient,
    GetFolderRequest,
    GetOrganizationRequest,
    GetProjectRequest,
    ListFoldersRequest,
    ListProjectsRequest,
    Organization,
    OrganizationsClient,
    Project,
    ProjectsClient,
    SearchOrganizationsRequest,
    SearchProjectsRequest,
)
from google.protobuf.json_format import ParseError

from collectors.gcp.answers import THROTTLING, read_error
from collectors.gcp.credentials import GoogleTokens
from collectors.gcp.settings import GcpSettings
from collectors.rest.failures import brief, refusal
from collectors.retry import Retrier
from collectors.transport import CallError

T = TypeVar("T")

SERVICE = "cloudresourcemanager"
SEARCH_PROJECTS = f"{SERVICE}:GET /v3/projects:search"
LIST_PROJECTS = f"{SERVICE}:GET /v3/projects"
LIST_FOLDERS = f"{SERVICE}:GET /v3/folders"
SEARCH_ORGANIZATIONS = f"{SERVICE}:GET /v3/organizations:search"
GET = f"{SERVICE}:GET /v3/{{+name}}"
_MOST_PAGES = 10_000
_PASSING = frozenset({"UNAVAILABLE", "INTERNAL", "DEADLINE_EXCEEDED", "RESOURCE_EXHAUSTED"})
# One of them is in every answer but that of an empty list, which is {}.
_KEYS = frozenset({"projects", "folders", "organizations", "nextPageToken", "name"})


@dataclass(frozen=True)
class Clients:
    """Google's clients for the three kinds of resources."""

    projects: ProjectsClient
    folders: FoldersClient
    organizations: OrganizationsClient


class ResourceManager:
    """Asks for projects, folders and organisations. Every method raises CallError where it gets no answer.

    Args:
        retrier: makes what decides about asking again.
        clients: default is Google's, over REST.
    """

    def __init__(
        self,
        settings: GcpSettings,
        tokens: GoogleTokens,
        retrier: Callable[[], Retrier],
        clients: Callable[[], Clients] | None = None,
    ) -> None:
        self._timeout = settings.read_timeout
        self._make = clients or (lambda: rest_clients(settings, tokens))
        self._new_retrier = retrier
        self._opened: tuple[Clients, Retrier] | None = None

    def visible_projects(self) -> list[Project]:
        """Return the projects that the principal may get, whatever their state."""
        request = SearchProjectsRequest(page_size=500)
        return self._pages(
            SEARCH_PROJECTS, self._clients.projects.search_projects, request, lambda page: page.projects
        )

    def projects_below(self, parent: str) -> list[Project]:
        """Return the projects directly below an organisation or a folder, whatever their state."""
        request = ListProjectsRequest(parent=parent, page_size=500, show_deleted=True)
        return self._pages(
            LIST_PROJECTS, self._clients.projects.list_projects, request, lambda page: page.projects
        )

    def folders_below(self, parent: str) -> list[Folder]:
        """Return the folders directly below an organisation or a folder."""
        request = ListFoldersRequest(parent=parent, page_size=500)
        return self._pages(
            LIST_FOLDERS, self._clients.folders.list_folders, request, lambda page: page.folders
        )

    def visible_organizations(self) -> list[Organization]:
        """Return the organisations that the principal may get."""
        request = SearchOrganizationsRequest(page_size=500)
        ask = self._clients.organizations.search_organizations
        return self._pages(SEARCH_ORGANIZATIONS, ask, request, lambda page: page.organizations)

    def project(self, project_id: str) -> Project:
        request = GetProjectRequest(name=f"projects/{project_id}")
        return self._ask(GET, self._clients.projects.get_project, request)

    def folder(self, name: str) -> Folder:
        return self._ask(GET, self._clients.folders.get_folder, GetFolderRequest(name=name))

    def organization(self, number: str) -> Organization:
        request = GetOrganizationRequest(name=f"organizations/{number}")
        return self._ask(GET, self._clients.organizations.get_organization, request)

    @property
    def _clients(self) -> Clients:
        return self._open()[0]

    def _open(self) -> tuple[Clients, Retrier]:
        if self._opened is None:
            self._opened = self._make(), self._new_retrier()
        return self._opened

    def _pages(
        self, call: str, ask: Callable[..., Any], request: Any, elements: Callable[[Any], list[T]]
    ) -> list[T]:
        found: list[T] = []
        seen: set[str] = set()
        for _ in range(_MOST_PAGES):
            # The client's pagers ask for the next page out of reach of our retries.
            page = self._ask(call, ask, request)
            found.extend(elements(page))
            if not page.next_page_token:
                return found
            if page.next_page_token in seen:
                raise CallError("RepeatedToken", "the same page token came twice, so the list never ends")
            seen.add(page.next_page_token)
            request.page_token = page.next_page_token
        raise CallError("TooManyPages", f"the list goes on after {_MOST_PAGES} pages")

    def _ask(self, call: str, ask: Callable[..., T], request: Any) -> T:
        def attempt() -> T:
            try:
                return ask(request=request, retry=None, timeout=self._timeout)
            except (GoogleAPICallError, requests.RequestException, ParseError) as error:
                raise _call_error(error) from error

        return self._open()[1].run("", call, attempt)


class _Bearer(Credentials):
    """Lends the collector's tokens to Google's client."""

    def __init__(self, tokens: GoogleTokens, universe_domain: str) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._tokens = tokens
        self._universe_domain = universe_domain
        self._sent = ""

    def before_request(self, request: Any, method: str, url: str, headers: dict[str, str]) -> None:
        del request, method, url
        self._sent = self._tokens.authorization()
        headers.update({**self._tokens.headers(), "authorization": self._sent})

    def refresh(self, request: Any) -> None:
        """Replace the token that was refused."""
        del request
        self._tokens.authorization(refused=self._sent)


def rest_clients(settings: GcpSettings, tokens: GoogleTokens) -> Clients:
    """Return Google's clients over REST; nothing is asked yet."""
    bearer = _Bearer(tokens, settings.universe_domain)
    options = ClientOptions(api_endpoint=settings.base_url(SERVICE), universe_domain=settings.universe_domain)

    def client(kind: Callable[..., T]) -> T:
        made: Any = kind(credentials=bearer, transport="rest", client_options=options)
        # There is no option for the file that the rest of the collector checks certificates against, nor
        # for what an answer must be like: the client takes any JSON for an empty list.
        session = made.transport._session
        session.verify = os.environ.get("SSL_CERT_FILE") or True
        session.hooks["response"].append(_check)
        opened: T = made
        return opened

    return Clients(client(ProjectsClient), client(FoldersClient), client(OrganizationsClient))


def _check(response: requests.Response, **more: Any) -> None:
    """Refuse an answer that is none of Resource Manager's."""
    del more
    if response.is_redirect:
        raise CallError("Redirected", "sent on to another address; not followed", status=response.status_code)
    if response.status_code >= 400:
        return
    try:
        body = response.json()
    except ValueError as error:
        raise CallError("MalformedAnswer", "the body is not JSON", retryable=True) from error
    if not isinstance(body, dict) or (body and _KEYS.isdisjoint(body)):
        raise CallError("MalformedAnswer", "the body is no answer of Resource Manager", retryable=True)


def _call_error(error: Exception) -> CallError:
    if isinstance(error, GoogleAPICallError):
        return _refusal(error)
    if isinstance(error, ParseError):
        return CallError("MalformedAnswer", brief(f"the answer is none: {error}"), retryable=True)
    if isinstance(error, requests.Timeout):
        return CallError("Timeout", f"no answer in time ({type(error).__name__})", retryable=True)
    said = brief(f"{type(error).__name__}: {error}")
    if isinstance(error, requests.exceptions.SSLError):
        return CallError("TlsFailed", said)
    if isinstance(error, requests.ConnectionError):
        return CallError("ConnectionFailed", said, retryable=True)
    return CallError("MalformedAnswer", said, retryable=True)


def _refusal(error: GoogleAPICallError) -> CallError:
    response: Any = error.response
    if isinstance(response, requests.Response):
        try:
            said = read_error(response.json())
        except ValueError:
            said = ("", "")
        now = datetime.now(UTC)
        return refusal(response.status_code, response.headers, response.content, said, now, THROTTLING)
    # Over gRPC there is no response, and the status comes by name.
    name = error.grpc_status_code.name if error.grpc_status_code is not None else ""
    return CallError(
        error.reason or name,
        brief(str(error.message)),
        retryable=name in _PASSING,
        throttled=name in THROTTLING,
        status=int(error.code) if error.code else None,
    )
