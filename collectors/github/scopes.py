"""What a classic token may do: GitHub says so beside every answer, and only there."""

from collections.abc import Mapping

import httpx

from collectors.rest.failures import connection_error
from collectors.rest.service import TokenSource
from collectors.transport import CallError

_HEADER = "x-oauth-scopes"


def oauth_scopes(
    client: httpx.Client, base_url: str, headers: Mapping[str, str], tokens: TokenSource
) -> frozenset[str] | None:
    """Return the scopes of a classic token; None for tokens that have none, as fine-grained ones.

    Raises:
        CallError: GitHub does not answer, or does not take the token.
    """
    sent = {**headers, "Authorization": tokens.authorization()}
    try:
        response = client.get(f"{base_url}/user", headers=sent)
    except httpx.HTTPError as error:
        raise connection_error(error) from error
    if response.status_code == 401:
        raise CallError("BadCredentials", "GitHub does not take the token", status=401)
    said = response.headers.get(_HEADER)
    return None if said is None else frozenset(each.strip() for each in said.split(",") if each.strip())
