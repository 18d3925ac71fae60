"""How REST interfaces say that there is another page."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import httpx

from collectors.transport import CallError

NextPage = str | tuple[tuple[str, str], ...]
"""The address of the next page, or the query parameters that ask for it."""


class Pager(Protocol):
    """Reads where the next page is."""

    @property
    def keys(self) -> frozenset[str]:
        """The keys of a body that are about pages, and so no part of the answer."""
        ...

    def next_page(self, body: Mapping[str, Any], response: httpx.Response) -> NextPage | None:
        """Return where the next page is; None on the last one.

        Raises:
            CallError: ``MalformedAnswer``, if what should say so says nothing that can be used.
        """
        ...


@dataclass(frozen=True)
class LinkInBody:
    """An address in the body: ``nextLink`` of Azure, ``@odata.nextLink`` of OData.

    Attributes:
        key: where it is; absent, null or empty on the last page.
        others: where it is in those answers that call it otherwise.
    """

    key: str
    others: tuple[str, ...] = ()

    @property
    def keys(self) -> frozenset[str]:
        return frozenset({self.key, *self.others})

    def next_page(self, body: Mapping[str, Any], response: httpx.Response) -> NextPage | None:
        del response
        links = [link for key in (self.key, *self.others) if (link := _text(body, key))]
        if len(links) > 1:
            raise CallError("MalformedAnswer", "there are two addresses of the next page")
        return links[0] if links else None


@dataclass(frozen=True)
class TokenInBody:
    """A token in the body that goes into the query of the next request, as Google's APIs do.

    Attributes:
        key: where it is; absent, null or empty on the last page.
        parameter: the query parameter that takes it.
    """

    key: str
    parameter: str

    @property
    def keys(self) -> frozenset[str]:
        return frozenset({self.key})

    def next_page(self, body: Mapping[str, Any], response: httpx.Response) -> NextPage | None:
        del response
        token = _text(body, self.key)
        return None if token is None else ((self.parameter, token),)


@dataclass(frozen=True)
class LinkHeader:
    """A ``Link`` header with ``rel="next"`` (RFC 8288), as GitHub and Okta do."""

    @property
    def keys(self) -> frozenset[str]:
        return frozenset()

    def next_page(self, body: Mapping[str, Any], response: httpx.Response) -> NextPage | None:
        del body
        return response.links.get("next", {}).get("url") or None


def _text(body: Mapping[str, Any], key: str) -> str | None:
    value = body.get(key)
    if value is not None and not isinstance(value, str):
        raise CallError("MalformedAnswer", f"{key} is no text")
    return value or None
