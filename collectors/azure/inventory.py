"""Azure Resource Graph: how many resources there are, asked beside the lists of Resource Manager.

It is an index that Azure keeps apart from the resource providers that answer lists, and that follows them
with a delay: what only the index knows is therefore asked for by its id before a list is doubted.

Sources: https://learn.microsoft.com/rest/api/azureresourcegraph/resourcegraph/resources/resources,
https://learn.microsoft.com/azure/governance/resource-graph/concepts/paging-results,
https://learn.microsoft.com/azure/governance/resource-graph/concepts/guidance-for-throttled-requests.
"""

import threading
from collections.abc import Collection, Iterable
from typing import Any

from collectors.caller import Caller
from collectors.definition import Call, ResourceType
from collectors.inventory import Comparison
from collectors.ledger import Ledger
from collectors.shared import SharedAnswers
from collectors.transport import CallError
from store.model import Scope

PERMISSIONS = ("Microsoft.ResourceGraph/resources/read",)
"""What counting takes."""

RESOURCES = Call.model_validate(
    {
        "call": "arm:POST /providers/Microsoft.ResourceGraph/resources",
        "with": {"api-version": "2024-04-01"},
    }
)
_GET = "arm:GET {+id}"
_MOST_SUBSCRIPTIONS = 1000
_MOST_ROWS = 1000
_MOST_PAGES = 1000
_MOST_ASKED = 100
_MOST_NAMED = 5


class ResourceGraph:
    """Counts the resources of subscriptions; see :class:`collectors.inventory.Census`.

    Args:
        caller: for all calls of the run, since Azure counts them together.
    """

    def __init__(self, caller: Caller) -> None:
        self._caller = caller
        self._answers = SharedAnswers()
        self._kinds: set[str] = set()
        self._batches: dict[str, tuple[str, ...]] = {}
        self._lock = threading.Lock()

    def plan(self, scope: Scope, definitions: Iterable[ResourceType]) -> None:
        """Take note of what will be compared, so that one question counts it all."""
        with self._lock:
            self._batches.setdefault(scope.id, ())
            self._kinds |= {each.inventory for each in definitions if each.inventory}

    def compare(self, definition: ResourceType, scope: Scope, ids: Collection[str]) -> Comparison:
        self.plan(scope, [definition])
        batch, kinds = self._batch(scope.id)
        try:
            counts: dict[tuple[str, str], int] = self._answers.get(
                (batch, kinds), lambda: self._counts(batch, kinds)
            )
        except CallError as error:
            return Comparison(RESOURCES.call, None, reason=str(error))
        counted = counts.get((scope.id, definition.inventory), 0)
        if counted <= len(ids):
            return Comparison(RESOURCES.call, counted)
        try:
            return self._missing(definition, scope, ids)
        except CallError as error:
            said = f"{counted} were counted and {len(ids)} listed; which are missing cannot be told: {error}"
            return Comparison(RESOURCES.call, counted, CallError("CountMismatch", said))

    def _missing(self, definition: ResourceType, scope: Scope, ids: Collection[str]) -> Comparison:
        """Say which resources the list did not give, without those that are gone."""
        query = f"resources | where type =~ '{definition.inventory}' | project id | order by id asc"
        indexed = {str(row.get("id", "")).lower() for row in self._rows(query, (scope.id,))}
        missing = sorted(indexed - set(ids))
        if len(missing) <= _MOST_ASKED:
            missing = [each for each in missing if self._is_there(definition, each)]
        counted = len(indexed & set(ids)) + len(missing)
        if not missing:
            return Comparison(RESOURCES.call, counted)
        named = ", ".join(missing[:_MOST_NAMED]) + (", …" if len(missing) > _MOST_NAMED else "")
        said = f"the list did not give {len(missing)} of {counted} that Azure Resource Graph has: {named}"
        return Comparison(RESOURCES.call, counted, CallError("CountMismatch", said))

    def _is_there(self, definition: ResourceType, resource_id: str) -> bool:
        assert definition.list is not None
        version = {"api-version": definition.list.with_["api-version"]}
        call = Call.model_validate({"call": _GET, "with": {"id": "{id}", **version}})
        try:
            self._caller.whole(call, {"id": resource_id, **version}, "", Ledger())
        except CallError as error:
            # Only "not found" says that the index is behind; "denied" may hide one that is there.
            return error.status != 404
        return True

    def _counts(self, batch: tuple[str, ...], kinds: frozenset[str]) -> dict[tuple[str, str], int]:
        """Return (subscription, kind) → how many there are; what is not named has none."""
        named = ", ".join(f"'{kind}'" for kind in sorted(kinds))
        query = (
            f"resources | where type in~ ({named}) | summarize counted = count() by type, subscriptionId"
            " | order by subscriptionId asc, type asc"
        )
        counts = {}
        for row in self._rows(query, batch):
            subscription, kind, counted = row.get("subscriptionId"), row.get("type"), row.get("counted")
            if not isinstance(subscription, str) or not isinstance(kind, str) or not isinstance(counted, int):
                raise CallError("MalformedAnswer", f"a count of Azure Resource Graph is {row!r}")
            counts[subscription.lower(), kind.lower()] = counted
        return counts

    def _rows(self, query: str, subscriptions: tuple[str, ...]) -> list[dict[str, Any]]:
        """Return all rows of an answer.

        Raises:
            CallError: it could not be read to its end.
        """
        rows: list[dict[str, Any]] = []
        options: dict[str, Any] = {"resultFormat": "objectArray", "$top": _MOST_ROWS}
        for _ in range(_MOST_PAGES):
            body = {"query": query, "subscriptions": list(subscriptions), "options": dict(options)}
            answer = self._caller.whole(RESOURCES, {**RESOURCES.with_, "body": body}, "", Ledger())
            page, total = answer.get("data"), answer.get("totalRecords")
            if not isinstance(page, list) or not all(isinstance(row, dict) for row in page):
                raise CallError("MalformedAnswer", "data is no list of rows")
            rows += page
            token = answer.get("$skipToken")
            if not token:
                if len(rows) != total:
                    raise CallError("MalformedAnswer", f"{len(rows)} of {total} rows came")
                return rows
            options["$skipToken"] = token
        raise CallError("TooManyPages", f"the answer goes on after {_MOST_PAGES} pages")

    def _batch(self, subscription: str) -> tuple[tuple[str, ...], frozenset[str]]:
        """Return the subscriptions that are counted together with one, and the kinds that are."""
        with self._lock:
            if not self._batches[subscription]:
                waiting = sorted(each for each, batch in self._batches.items() if not batch)
                for start in range(0, len(waiting), _MOST_SUBSCRIPTIONS):
                    batch = tuple(waiting[start : start + _MOST_SUBSCRIPTIONS])
                    self._batches |= dict.fromkeys(batch, batch)
            return self._batches[subscription], frozenset(self._kinds)
