"""Cloud Asset Inventory: the resources of an organisation's projects and their policies, read once for all.

Source: https://cloud.google.com/asset-inventory/docs/quota (why it is not called for each of many projects).
"""

import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from collectors.caller import Caller
from collectors.definition import ResourceType
from collectors.gcp.asset_form import common
from collectors.gcp.asset_read import UNKNOWN, AssetRead
from collectors.inventory import Holding
from collectors.shared import SharedAnswers
from collectors.transport import CallError
from store.model import Scope

MOST_PROJECTS = 50
"""So many projects may be asked for one by one: two calls each, of which Google lets 100 a minute through."""

_PAGE_SIZES = (1000, 200)
_DENIED = frozenset({401, 403, 404})
_NOWHERE = frozenset({"SERVICE_DISABLED", "API_DISABLED", "accessNotConfigured"})


class AssetInventory:
    """Gives what Cloud Asset Inventory keeps; see :class:`collectors.inventory.Inventory`.

    An organisation, or a folder, is read as a whole where that is allowed. Where it is not, or there is none,
    projects are read one by one unless they are many.

    Args:
        caller: for all calls of the run, since Google counts them together.
        whole: says of an organisation's number whether all of it is to be collected.
        folders: the numbers of folders of which everything is to be collected.
    """

    def __init__(self, caller: Caller, whole: Callable[[str], bool], folders: tuple[str, ...] = ()) -> None:
        self._caller = caller
        self._whole = whole
        self._folders = folders
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
        note = ""
        for parent in self._parents(scope):
            try:
                return self._read_once(parent).holding(definition, owner)
            except CallError as error:
                first = first or error
                if error.code != UNKNOWN and (error.status not in _DENIED or error.code in _NOWHERE):
                    break  # asking elsewhere would not be answered either
        else:
            if len(self._projects) > MOST_PROJECTS and not _is_organization(scope):
                note = f"{len(self._projects)} projects are too many to be read one by one"
        if first is None:
            raise CallError("TooManyProjects", note)
        raise CallError(first.code, "; ".join(filter(None, (first.message, note))), status=first.status)

    def common(self, definition: ResourceType, content: str, value: Any) -> Any:
        return common(definition, content, value)

    def _parents(self, scope: Scope) -> Iterator[str]:
        """Yield what could be asked for the assets of a scope, the widest first."""
        organization = scope.attributes.get("organization", "")
        if organization and (_is_organization(scope) or self._whole(organization)):
            yield f"organizations/{organization}"
        elif not _is_organization(scope):
            yield from (f"folders/{number}" for number in self._folders)
        if not _is_organization(scope) and len(self._projects) <= MOST_PROJECTS:
            yield f"projects/{scope.id}"

    def _read_once(self, parent: str) -> AssetRead:
        read: AssetRead = self._reads.get(parent, lambda: self._read(parent))
        return read

    def _read(self, parent: str) -> AssetRead:
        with self._lock:
            definitions = tuple(self._definitions.values())
        for size in _PAGE_SIZES:
            reading = AssetRead(parent, definitions, size)
            try:
                reading.all(self._caller)
            except CallError as error:
                reading.spool.close()
                if error.code != "AnswerTooLong" or size == _PAGE_SIZES[-1]:
                    raise
            else:
                return reading
        raise AssertionError("the last size either is read or raises")


class TurnedOff:
    """Stands for the inventory where the configuration does without it."""

    def holding(self, definition: ResourceType, scope: Scope) -> Holding:
        del definition, scope
        raise CallError("TurnedOff", "inventory is off in the configuration")

    def common(self, definition: ResourceType, content: str, value: Any) -> Any:
        return common(definition, content, value)


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
