"""What a credential sees of an organisation's lists.

GitHub leaves out, without a word, the repositories that a credential may not see, and for outsiders also
secret teams and members who keep their membership to themselves. A list that may lack some is no proof that
others are gone.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from collectors.transport import Answer, Request, Transport

_OF_REPOSITORIES = frozenset(
    {
        "github:GET /orgs/{org}/repos",
        "github:GET /orgs/{org}/code-scanning/alerts",
        "github:GET /orgs/{org}/dependabot/alerts",
        "github:GET /orgs/{org}/secret-scanning/alerts",
    }
)
_REPOSITORIES, _MEMBERS = "unseen_repositories", "unseen_members"
_OF_MEMBERS = frozenset({"github:GET /orgs/{org}/members", "github:GET /orgs/{org}/teams"})


@dataclass(frozen=True)
class Sight:
    """What lists lack, "" where they are whole.

    Attributes:
        repositories, members: of lists over all repositories, and of members and teams.
    """

    repositories: str = ""
    members: str = ""

    @classmethod
    def read(cls, attributes: Mapping[str, str]) -> "Sight":
        """Return what the attributes of a scope say."""
        return cls(attributes.get(_REPOSITORIES, ""), attributes.get(_MEMBERS, ""))

    @property
    def attributes(self) -> dict[str, str]:
        """What goes into the scope, and so into the evidence; nothing where lists are whole."""
        said = {_REPOSITORIES: self.repositories, _MEMBERS: self.members}
        return {name: lacking for name, lacking in said.items() if lacking}

    def lacks(self, call: str) -> str:
        """Return what the list that a call reads lacks."""
        if call in _OF_REPOSITORIES:
            return self.repositories
        return self.members if call in _OF_MEMBERS else ""


def of_token(organization: Mapping[str, Any]) -> Sight:
    """Return what a token sees: all, if GitHub shows it what owners alone are shown.

    Args:
        organization: what GitHub says of it.
    """
    if isinstance(organization.get("two_factor_requirement_enabled"), bool) or organization.get(
        "billing_email"
    ):
        return Sight()
    remedy = "use a token of an owner, with the scope admin:org or the permission to read its administration"
    said = "GitHub does not show the credential what it shows owners, so that {} may be left out: {}"
    return Sight(said.format("repositories", remedy), said.format("members and teams", remedy))


def of_installation(installation: Mapping[str, Any]) -> Sight:
    """Return what an App sees.

    Args:
        installation: what GitHub says of it.
    """
    permissions = installation.get("permissions")
    reads = isinstance(permissions, Mapping) and permissions.get("members") in ("read", "write")
    return Sight(
        ""
        if installation.get("repository_selection") == "all"
        else "the GitHub App is not installed for all repositories, so that the others are left out: "
        "choose all repositories in the settings of its installation",
        ""
        if reads
        else "the GitHub App may not read members, so that some may be left out: grant it members:read",
    )


class WithinSight:
    """Says of lists that the credential sees in part that they are not whole; see :class:`Transport`."""

    def __init__(self, transport: Transport, sight: Sight) -> None:
        self._transport = transport
        self._sight = sight

    def send(self, request: Request) -> Answer:
        answer = self._transport.send(request)
        lacking = self._sight.lacks(request.call)
        return replace(answer, left_out=answer.left_out or lacking) if lacking else answer
