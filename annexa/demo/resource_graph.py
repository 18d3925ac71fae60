"""Azure Resource Graph, as far as it is asked to count resources and to name them.

It answers from the lists of a make-believe Resource Manager; queries of other forms are refused.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

PATH = "/providers/microsoft.resourcegraph/resources"

_COUNT = re.compile(
    r"resources \| where type in~ \((.*)\) \| summarize counted = count\(\) by type, subscriptionId"
    r" \| order by subscriptionId asc, type asc"
)
_NAME = re.compile(r"resources \| where type =~ '(.*)' \| project id \| order by id asc")
_LIST = re.compile(r"/subscriptions/([^/]+)/providers/([^/]+/[^/]+)")


def rows(query: str, subscriptions: list[str], lists: Mapping[str, list[str]]) -> list[dict[str, Any]]:
    """Return the answer to a query.

    Args:
        lists: path of a list, in lower case → ids of its resources.

    Raises:
        ValueError: this is no query of a form that is understood.
    """
    counting, naming = _COUNT.fullmatch(query), _NAME.fullmatch(query)
    found = counting or naming
    if found is None:
        raise ValueError(query)
    kinds = {kind.lower() for kind in re.findall(r"[\w.]+/[\w.]+", found[1])}
    held = sorted(_held(kinds, {each.lower() for each in subscriptions}, lists))
    if naming:
        return [{"id": resource_id} for _, _, resource_id in held]
    counted = Counter((subscription, kind) for subscription, kind, _ in held)
    return [
        {"type": kind, "subscriptionId": subscription, "counted": number}
        for (subscription, kind), number in counted.items()
    ]


def _held(
    kinds: set[str], subscriptions: set[str], lists: Mapping[str, list[str]]
) -> Iterator[tuple[str, str, str]]:
    for path, ids in lists.items():
        found = _LIST.fullmatch(path)
        if found and found[1] in subscriptions and found[2] in kinds:
            for resource_id in ids:
                yield found[1], found[2], resource_id


def page(found: list[dict[str, Any]], options: Mapping[str, Any]) -> dict[str, Any]:
    """Return one page as Resource Graph answers it."""
    start = int(options.get("$skipToken") or 0)
    end = start + int(options.get("$top") or 100)
    more = {"$skipToken": str(end)} if end < len(found) else {}
    data = found[start:end]
    return {
        "totalRecords": len(found),
        "count": len(data),
        "data": data,
        "facets": [],
        "resultTruncated": "false",
        **more,
    }
