"""How REST interfaces say that there is another page."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import httpx

from collectors.transport import CallError


@dataclass(frozen=True)
class IndexPage:
    """A page that is asked for by the place where it begins, counted from 1.

    Attributes:
        total: how many elements the page before said there were.
        last_id: the element that the page begins with once more, because it ended the page before; "" where
            it begins with the next one.
        least: the smallest number of elements that any page before said there were.
        seen: the identifiers of all elements of the pages before.
    """

    start: int
    total: int
    last_id: str = ""
    least: int = 0
    seen: set[str] = field(default_factory=set, repr=False, compare=False)


@dataclass(frozen=True)
class CursorPage:
    """A page that is asked for by the cursor that the page before gave.

    Attributes:
        read: how many elements the pages before had.
    """

    cursor: str
    read: int = field(default=0, repr=False, compare=False)


@dataclass(frozen=True)
class BodyCursor:
    """A cursor that goes into the JSON body of the request for the next page.

    Attributes:
        path: the keys that lead to its place in the body.
    """

    path: tuple[str, ...]
    cursor: str

    def within(self, body: Any) -> Any:
        """Return a body with the cursor in its place; the body itself stays as it is."""
        return _with(body, self.path, self.cursor)


def _with(body: Any, path: tuple[str, ...], value: str) -> Any:
    if not path:
        return value
    known = body if isinstance(body, dict) else {}
    return {**known, path[0]: _with(known.get(path[0]), path[1:], value)}


NextPage = str | tuple[tuple[str, str], ...] | IndexPage | CursorPage | BodyCursor
"""The address of the next page, what asks for it, or where it begins."""


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


@dataclass(frozen=True)
class PageInfo:
    """The cursor of a GraphQL connection (GraphQL Cursor Connections Specification), one for each query.

    Attributes:
        path: where the cursor goes in the body of the next request.
    """

    path: tuple[str, ...] = ("variables", "after")

    @property
    def keys(self) -> frozenset[str]:
        return frozenset()

    def next_page(self, body: Mapping[str, Any], response: httpx.Response) -> NextPage | None:
        del response
        found = list(_page_infos(body.get("data")))
        if len(found) > 1:
            raise CallError("MalformedAnswer", "there are two lists with pages of their own")
        more = found[0].get("hasNextPage") if found else False
        if not isinstance(more, bool):
            raise CallError("MalformedAnswer", "pageInfo does not say whether there is a next page")
        cursor = _text(found[0], "endCursor") if more else None
        if more and cursor is None:
            raise CallError("MalformedAnswer", "there is a next page, but no cursor that leads to it")
        return None if cursor is None else BodyCursor(self.path, cursor)


def _page_infos(value: Any) -> Iterator[Mapping[str, Any]]:
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        if isinstance(inner, dict) and isinstance(inner.get("pageInfo"), dict):
            yield inner["pageInfo"]
        yield from _page_infos(inner)


@dataclass(frozen=True)
class StartIndex:
    """Pages of SCIM: by the index of their first element (RFC 7644 §3.4.2.4), or by cursor (RFC 9865).

    An index names another element once one before it is gone, and the element at the seam would be passed
    over without a word. Each page therefore begins with the last element of the page before: where that is
    not on it, the list changed while it was read. Where the same elements come twice instead of others, fewer
    come than the list says it has. A service that gives a cursor is asked by cursor.

    Attributes:
        parameter: the query parameter that takes the index.
    """

    parameter: str = "startIndex"

    @property
    def keys(self) -> frozenset[str]:
        return frozenset({"totalResults", "startIndex", "itemsPerPage", "nextCursor", "previousCursor"})

    def asked_with(self, page: IndexPage | CursorPage) -> tuple[tuple[str, str], ...]:
        """Return the query parameters that ask for a page."""
        if isinstance(page, CursorPage):
            return (("cursor", page.cursor),)
        return ((self.parameter, str(page.start)),)

    def next_page(self, body: Mapping[str, Any], response: httpx.Response) -> NextPage | None:
        del response
        return self.page_after(None, body)[1]

    def page_after(
        self, before: IndexPage | CursorPage | None, body: Mapping[str, Any]
    ) -> tuple[Mapping[str, Any], IndexPage | CursorPage | None]:
        """Return the body without what the page before had already, and where the next page begins.

        Args:
            before: what the page was asked for with; None for the first one.

        Raises:
            CallError: ``ListChanged`` or ``ListEndedEarly``, if elements are passed over;
                ``MalformedAnswer``.
        """
        if "totalResults" not in body and "Resources" not in body:
            return body, None
        total, found, cursor = (
            body.get("totalResults"),
            body.get("Resources") or [],
            _text(body, "nextCursor"),
        )
        by_cursor = isinstance(before, CursorPage) or (before is None and cursor is not None)
        if not isinstance(found, list) or (total is not None and type(total) is not int):
            raise CallError("MalformedAnswer", "totalResults is no number, or Resources no list")
        if total is None and not by_cursor:
            # Some services give few elements bare; without their number nobody knows if that was all.
            raise CallError("MalformedAnswer", "the answer is no list: it has no totalResults")
        if by_cursor:
            read = len(found) + (before.read if isinstance(before, CursorPage) else 0)
            if cursor is None and total is not None and read < total:
                raise CallError("ListEndedEarly", f"the list ends after {read} of {total} elements")
            return body, None if cursor is None else CursorPage(cursor, read)
        assert not isinstance(before, CursorPage)
        return self._page_by_index(before, body, total or 0, found)

    def _page_by_index(
        self, before: IndexPage | None, body: Mapping[str, Any], total: int, found: list[Any]
    ) -> tuple[Mapping[str, Any], IndexPage | None]:
        start = before.start if before is not None else 1
        if body.get("startIndex", start) != start and found:
            raise CallError(
                "MalformedAnswer", f"asked from {start} on, it answers from {body['startIndex']} on"
            )
        fresh = self._fresh(before, total, found)
        seen = before.seen if before is not None else set()
        seen.update(_id(each) or f"#{place}" for place, each in enumerate(found, start))
        least = total if before is None else min(total, before.least)
        end = start + len(found) - 1
        if end >= total:
            if len(seen) < least:
                raise CallError("ListChanged", f"{_CHANGED}: of {least} elements {len(seen)} came")
            return {**body, "Resources": fresh}, None
        if not found:
            raise CallError("ListEndedEarly", f"the list ends after {end} of {total} elements")
        last = _id(found[-1]) if len(found) > 1 else ""
        return {**body, "Resources": fresh}, IndexPage(end if last else end + 1, total, last, least, seen)

    @staticmethod
    def _fresh(before: IndexPage | None, total: int, found: list[Any]) -> list[Any]:
        if before is None:
            return found
        if not before.last_id:
            if total != before.total:
                raise CallError("ListChanged", f"{_CHANGED}: {before.total} elements became {total}")
            return found
        # Further on it stands where something was put in before it, which passes over nothing.
        seam = next((place for place, each in enumerate(found) if _id(each) == before.last_id), None)
        if seam is None:
            raise CallError("ListChanged", f"{_CHANGED}: another element stands at place {before.start}")
        return found[seam + 1 :]


_CHANGED = "the list changed while it was read, so that elements may have been passed over"


def _id(element: Any) -> str:
    found = element.get("id") if isinstance(element, dict) else None
    return found if isinstance(found, str) else ""


def _text(body: Mapping[str, Any], key: str) -> str | None:
    value = body.get(key)
    if value is not None and not isinstance(value, str):
        raise CallError("MalformedAnswer", f"{key} is no text")
    return value or None
