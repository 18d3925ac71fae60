"""One read of Cloud Asset Inventory below one organisation, folder or project.

Source: https://cloud.google.com/asset-inventory/docs/reference/rest/v1/assets/list.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from collectors.caller import Caller
from collectors.definition import Call, ResourceType
from collectors.inventory import Element, Holding
from collectors.ledger import CallTally, Ledger
from collectors.spool import Entry, Spool
from collectors.transport import CallError

LIST = "cloudasset:GET /v1/{+parent}/assets"
RESOURCE = "RESOURCE"
IAM_POLICY = "IAM_POLICY"
UNKNOWN = "UnknownToInventory"
"""The code where the inventory was read, but does not have the project at all."""

_OWNERS = frozenset(
    {"cloudresourcemanager.googleapis.com/Project", "cloudresourcemanager.googleapis.com/Organization"}
)
_BAD_REQUEST = 400
_KNOWN = "known"
_UNFIT = "unfit"


class AssetRead:
    """One read of one parent: first the resources, then the policies as they were at the same moment."""

    def __init__(self, parent: str, definitions: Iterable[ResourceType], page_size: int) -> None:
        definitions = tuple(definitions)
        self.spool = Spool()
        self._parent = parent
        self._page_size = str(page_size)
        self._wanted = {
            RESOURCE: frozenset(each.inventory for each in definitions),
            IAM_POLICY: frozenset(each.inventory for each in definitions if _has_policy(each)),
        }
        self._ledger = Ledger()
        self._policies_unread = ""
        self._with_policies: set[str] = set()
        self._refused: frozenset[str] = frozenset()

    def all(self, caller: Caller) -> None:
        """Read everything.

        Raises:
            CallError: the resources could not be read to the end. Policies that could not are remembered
                as unread.
        """
        read_time = self._read(caller, RESOURCE)
        self._ledger.captured(_moment(read_time))
        if self._wanted[IAM_POLICY]:
            try:
                self._read(caller, IAM_POLICY, readTime=read_time)
            except CallError as error:
                if error.code in ("Cancelled", "AnswerTooLong"):
                    raise
                self._policies_unread = str(error)
        self.spool.finish()

    def holding(self, definition: ResourceType, owner: str) -> Holding:
        """Return what was read of a type.

        Raises:
            CallError: it was not asked for, or some of it came without its content; code ``UNKNOWN`` if
                the owner itself is not there, so that nothing of it says nothing.
        """
        kind = definition.inventory
        if not self.spool.tally((_KNOWN, owner))[1]:
            raise CallError(UNKNOWN, f"the inventory of {self._parent} does not have {owner}")
        if kind in self._refused:
            raise CallError("InventoryUnsupported", f"the inventory does not take {kind} for an asset type")
        if kind not in self._wanted[RESOURCE]:
            raise CallError("NotRead", f"{kind} was not known to be wanted when the inventory was read")
        for (name,) in self.spool.each((_UNFIT, owner, kind)):
            raise CallError("InventoryIncomplete", f"the inventory has not all of the content of {name}")
        tallies = [self._tally(RESOURCE, owner, kind)]
        if not _has_policy(definition):
            return Holding(self._elements(owner, kind, []), self._ledger, tuple(tallies))
        tallies.append(self._tally(IAM_POLICY, owner, kind))
        unread = self._policies_unread or self._without_policies(kind)
        contents = [] if unread else [IAM_POLICY]
        told = {IAM_POLICY: unread} if unread else {}
        return Holding(self._elements(owner, kind, contents), self._ledger, tuple(tallies), told)

    def _without_policies(self, kind: str) -> str:
        """Say why a resource without a policy may have one all the same; "" if it has none."""
        if kind in self._with_policies:
            return ""
        return f"no policy of any {kind} came, so that the inventory may not keep them"

    def _elements(self, owner: str, kind: str, contents: list[str]) -> Iterator[Element]:
        beside = [(each, owner, kind) for each in contents]
        for item, *found in self.spool.each((RESOURCE, owner, kind), *beside):
            yield Element(item, {each: value or {} for each, value in zip(contents, found, strict=True)})

    def _tally(self, content: str, owner: str, kind: str) -> CallTally:
        call = self._call(content, self._wanted[content])
        if content == IAM_POLICY and self._policies_unread:
            return CallTally(call.call, call.with_, count=1, failed=1)
        pages, items = self.spool.tally((content, owner, kind))
        return CallTally(call.call, call.with_, pages=pages, items=items, count=1)

    def _read(self, caller: Caller, content: str, **more: str) -> str:
        """Read a content to its end, without the types that are refused; return the moment that it is of."""
        try:
            return self._keep(caller, content, **more)
        except CallError as error:
            if error.status != _BAD_REQUEST:
                raise
            refused = self._wanted[content] - self._accepted(caller, content)
            if not refused or refused == self._wanted[content]:
                raise  # it is not about the types
        if content == RESOURCE:
            self._refused = refused
        self._wanted[content] -= refused
        return self._keep(caller, content, **more)

    def _keep(self, caller: Caller, content: str, **more: str) -> str:
        read_time = ""
        call = self._call(content, self._wanted[content])
        for page in caller.pages(call, {**call.with_, **more}, "", self._ledger):
            read_time = read_time or _text(page, "readTime")
            self.spool.keep(self._entries(page, content))
        return read_time

    def _accepted(self, caller: Caller, content: str) -> frozenset[str]:
        """Return the types that can be asked for: one that cannot be spoils the whole request.

        Halves are tried, and halves of those that are refused.
        """
        accepted: set[str] = set()
        waiting = [sorted(self._wanted[content])] if self._takes(caller, content, []) else []
        while waiting:
            types = waiting.pop()
            if self._takes(caller, content, types):
                accepted.update(types)
            elif len(types) > 1:
                middle = len(types) // 2
                waiting += [types[:middle], types[middle:]]
        return frozenset(accepted)

    def _takes(self, caller: Caller, content: str, types: Iterable[str]) -> bool:
        call = self._call(content, types)
        parameters = {**call.with_, "assetTypes": sorted({*types} or _OWNERS), "pageSize": "1"}
        parameters.pop("readTime", None)
        try:
            next(caller.pages(call, parameters, "", Ledger()))
        except CallError as error:
            if error.status != _BAD_REQUEST:
                raise
            return False
        return True

    def _call(self, content: str, types: Iterable[str]) -> Call:
        parameters: dict[str, Any] = {
            "parent": self._parent,
            "contentType": content,
            "assetTypes": sorted({*types} | (_OWNERS if content == RESOURCE else set())),
            "pageSize": self._page_size,
        }
        if content != RESOURCE:
            parameters["readTime"] = "{read_time}"
        return Call.model_validate({"call": LIST, "with": parameters})

    def _entries(self, page: dict[str, Any], content: str) -> Iterator[Entry]:
        assets = page.get("assets", [])
        if not isinstance(assets, list):
            raise CallError("MalformedAnswer", "assets is no list")
        for asset in assets:
            if not isinstance(asset, dict):
                raise CallError("MalformedAnswer", "an asset is no object")
            kind, name = _text(asset, "assetType"), _text(asset, "name")
            if kind in _OWNERS:
                yield Entry((_KNOWN, _place(asset)), name, True)
            # The types that are asked for are patterns to Google, which more may fit.
            if kind in self._wanted[content]:
                if content == IAM_POLICY:
                    self._with_policies.add(kind)
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
