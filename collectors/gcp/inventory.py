"""Cloud Asset Inventory: the resources of an organisation's projects and their policies, read once for all.

Sources: https://cloud.google.com/asset-inventory/docs/reference/rest/v1/assets/list (the call),
https://cloud.google.com/asset-inventory/docs/quota (why it is not called for each of many projects),
https://cloud.google.com/asset-inventory/docs/reference/rest/v1/Asset (what an asset is).
"""

import threading
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Any

from collectors.caller import Caller
from collectors.definition import Call, ResourceType
from collectors.inventory import Element, Holding
from collectors.ledger import CallTally, Ledger
from collectors.shared import SharedAnswers
from collectors.spool import Entry, Spool
from collectors.transport import CallError
from store.model import Scope

LIST = "cloudasset:GET /v1/{+parent}/assets"
RESOURCE = "RESOURCE"
IAM_POLICY = "IAM_POLICY"

MOST_PROJECTS = 50
"""So many projects may be asked for one by one: two calls each, of which Google lets 100 a minute through."""

_PAGE_SIZES = (1000, 200)
_DENIED = frozenset({401, 403, 404})
_NOWHERE = frozenset({"SERVICE_DISABLED", "API_DISABLED", "accessNotConfigured"})
_UNFIT = "unfit"


class AssetInventory:
    """Gives what Cloud Asset Inventory keeps; see :class:`collectors.inventory.Inventory`.

    An organisation is read as a whole where that is allowed. Where it is not, or there is none, its projects
    are read one by one unless they are many.

    Args:
        caller: for all calls of the run, since Google counts them together.
        whole: says of an organisation's number whether all of it is to be collected.
    """

    def __init__(self, caller: Caller, whole: Callable[[str], bool]) -> None:
        self._caller = caller
        self._whole = whole
        self._reads = SharedAnswers()
        self._projects: set[str] = set()
        self._definitions: dict[str, ResourceType] = {}
        self._lock = threading.Lock()

    def plan(self, scope: Scope, definitions: Iterable[ResourceType]) -> None:
        """Take note of what will be asked for, so that one read brings it all."""
        with self._lock:
            if not _is_organization(scope):
                self._projects.add(scope.id)
            self._definitions |= {each.type: each for each in definitions if each.inventory}

    def holding(self, definition: ResourceType, scope: Scope) -> Holding:
        self.plan(scope, [definition])
        owner = _owner(scope)
        first: CallError | None = None
        for parent in self._parents(scope):
            try:
                return self._read_once(parent).holding(definition, owner)
            except CallError as error:
                first = first or error
                if error.status not in _DENIED or error.code in _NOWHERE:
                    break  # asking for less would not be answered either
        many = len(self._projects) > MOST_PROJECTS and not _is_organization(scope)
        note = f"; {len(self._projects)} projects are too many to be read one by one" if many else ""
        if first is None:
            raise CallError("TooManyProjects", note.removeprefix("; "))
        raise CallError(first.code, first.message + note, status=first.status)

    def _parents(self, scope: Scope) -> Iterator[str]:
        """Yield what could be asked for the assets of a scope, the widest first."""
        organization = scope.attributes.get("organization", "")
        if organization and (_is_organization(scope) or self._whole(organization)):
            yield f"organizations/{organization}"
        if not _is_organization(scope) and len(self._projects) <= MOST_PROJECTS:
            yield f"projects/{scope.id}"

    def _read_once(self, parent: str) -> "_Read":
        read: _Read = self._reads.get(parent, lambda: self._read(parent))
        return read

    def _read(self, parent: str) -> "_Read":
        with self._lock:
            definitions = tuple(self._definitions.values())
        for size in _PAGE_SIZES:
            reading = _Read(parent, definitions, size)
            try:
                reading.all(self._caller)
            except CallError as error:
                reading.spool.close()
                if error.code != "AnswerTooLong" or size == _PAGE_SIZES[-1]:
                    raise
            else:
                return reading
        raise AssertionError("the last size either is read or raises")


class _Read:
    """One read of one parent: first the resources, then the policies as they were at the same moment."""

    def __init__(self, parent: str, definitions: Iterable[ResourceType], page_size: int) -> None:
        definitions = tuple(definitions)
        self.spool = Spool()
        self._parent = parent
        self._page_size = str(page_size)
        self._types = {
            RESOURCE: sorted({each.inventory for each in definitions}),
            IAM_POLICY: sorted({each.inventory for each in definitions if _has_policy(each)}),
        }
        self._ledger = Ledger()
        self._unread: dict[str, str] = {}

    def all(self, caller: Caller) -> None:
        """Read everything.

        Raises:
            CallError: the resources could not be read to the end. Policies that could not are remembered
                as unread.
        """
        read_time = ""
        for page in self._pages(caller, RESOURCE):
            read_time = read_time or _text(page, "readTime")
            self.spool.keep(self._entries(page, RESOURCE))
        self._ledger.captured(_moment(read_time))
        if self._types[IAM_POLICY]:
            try:
                for page in self._pages(caller, IAM_POLICY, readTime=read_time):
                    self.spool.keep(self._entries(page, IAM_POLICY))
            except CallError as error:
                if error.code in ("Cancelled", "AnswerTooLong"):
                    raise
                self._unread[IAM_POLICY] = str(error)
        self.spool.finish()

    def holding(self, definition: ResourceType, owner: str) -> Holding:
        """Return what was read of a type.

        Raises:
            CallError: it was not asked for, or some of it came without its content.
        """
        kind = definition.inventory
        if kind not in self._types[RESOURCE]:
            raise CallError("NotRead", f"{kind} was not known to be wanted when the inventory was read")
        for (name,) in self.spool.each((_UNFIT, owner, kind)):
            raise CallError("InventoryIncomplete", f"the inventory has not all of the content of {name}")
        contents = [IAM_POLICY] if _has_policy(definition) else []
        read = [each for each in contents if each not in self._unread]
        return Holding(
            self._elements(owner, kind, read),
            self._ledger,
            tuple(self._tally(each, owner, kind) for each in (RESOURCE, *contents)),
            {each: self._unread[each] for each in contents if each in self._unread},
        )

    def _elements(self, owner: str, kind: str, contents: list[str]) -> Iterator[Element]:
        beside = [(each, owner, kind) for each in contents]
        for item, *found in self.spool.each((RESOURCE, owner, kind), *beside):
            yield Element(item, {each: value or {} for each, value in zip(contents, found, strict=True)})

    def _tally(self, content: str, owner: str, kind: str) -> CallTally:
        call = self._call(content)
        if content in self._unread:
            return CallTally(call.call, call.with_, count=1, failed=1)
        pages, items = self.spool.tally((content, owner, kind))
        return CallTally(call.call, call.with_, pages=pages, items=items, count=1)

    def _call(self, content: str) -> Call:
        parameters: dict[str, Any] = {
            "parent": self._parent,
            "contentType": content,
            "assetTypes": self._types[content],
            "pageSize": self._page_size,
        }
        if content != RESOURCE:
            parameters["readTime"] = "{read_time}"
        return Call.model_validate({"call": LIST, "with": parameters})

    def _pages(self, caller: Caller, content: str, **more: str) -> Iterator[dict[str, Any]]:
        call = self._call(content)
        return caller.pages(call, {**call.with_, **more}, "", self._ledger)

    def _entries(self, page: dict[str, Any], content: str) -> Iterator[Entry]:
        assets = page.get("assets", [])
        if not isinstance(assets, list):
            raise CallError("MalformedAnswer", "assets is no list")
        for asset in assets:
            if not isinstance(asset, dict):
                raise CallError("MalformedAnswer", "an asset is no object")
            kind, name = _text(asset, "assetType"), _text(asset, "name")
            # The types that are asked for are patterns to Google, which more may fit.
            if kind in self._types[content]:
                value = _content(asset, content)
                shelf = content if value is not None else _UNFIT
                yield Entry((shelf, _place(asset), kind), name, name if value is None else value)


def _content(asset: dict[str, Any], content: str) -> Any:
    """Return the content of an asset; None if it is not there or not whole."""
    if asset.get("assetExceptions"):
        return None
    if content == IAM_POLICY:
        policy = asset.get("iamPolicy", {})
        return policy if isinstance(policy, dict) else None
    resource = asset.get("resource")
    data = resource.get("data") if isinstance(resource, dict) else None
    return data if isinstance(data, dict) and data else None


def _place(asset: dict[str, Any]) -> str:
    """Return what an asset belongs to directly: a project by its number, a folder, an organisation."""
    ancestors = asset.get("ancestors")
    if not isinstance(ancestors, list) or not ancestors or not isinstance(ancestors[0], str):
        raise CallError("MalformedAnswer", "an asset does not say what it belongs to")
    return ancestors[0]


def _owner(scope: Scope) -> str:
    """Return how assets name a scope."""
    if _is_organization(scope):
        return f"organizations/{scope.id}"
    number = scope.attributes.get("project_number", "")
    if not number:
        raise CallError("NoProjectNumber", f"the number of project {scope.id} is not known")
    return f"projects/{number}"


def _is_organization(scope: Scope) -> bool:
    return scope.attributes.get("kind") == "organization"


def _has_policy(definition: ResourceType) -> bool:
    return any(detail.inventory == IAM_POLICY for detail in definition.detail.values())


def _text(value: dict[str, Any], key: str) -> str:
    found = value.get(key)
    if not isinstance(found, str) or not found:
        raise CallError("MalformedAnswer", f"{key} is missing")
    return found


def _moment(read_time: str) -> datetime:
    try:
        moment = datetime.fromisoformat(read_time)
    except ValueError as error:
        raise CallError("MalformedAnswer", f"readTime is {read_time!r}, no moment") from error
    if moment.tzinfo is None:
        raise CallError("MalformedAnswer", f"readTime is {read_time!r}, without a time zone")
    return moment
