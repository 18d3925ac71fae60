"""A collection's entry in the log. The rows say all of it, so the log keeps its leaf hash only."""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from store.schema import collection, collection_state, run, scope, series

KIND = "collection"


def collection_entry(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the log says of a collection.

    Args:
        row: a row of :func:`collection_rows`, or the same keys before they are rows.
    """
    return {
        "run": row["uid"],
        "provider": row["provider"],
        "scope": row["external_id"],
        "region": row["region"],
        "type": row["resource_type"],
        "started": row["started"],
        "finished": row["finished"],
        "provider_time": row["provider_time"],
        "skew_ms": row["skew_ms"],
        "complete": bool(row["complete"]),
        "resources": row["resources"],
        "gaps": row["gaps"],
        "content": row["content_root"].hex(),
        "findings": row["findings_root"].hex(),
        "checks": row["checks"].hex(),
        "report": row["report"].hex(),
        "manifest": row["manifest"].hex() if row["manifest"] else None,
    }


def collection_rows() -> sa.Select[Any]:
    """Select collections with everything that their entries say, and their ids."""
    return (
        sa.select(
            collection.c.id,
            collection.c.series_id,
            collection.c.seq,
            collection.c.started,
            collection.c.finished,
            collection.c.provider_time,
            collection.c.skew_ms,
            run.c.uid,
            scope.c.provider,
            scope.c.external_id,
            series.c.resource_type,
            series.c.region,
            collection_state.c.complete,
            collection_state.c.resources,
            collection_state.c.gaps,
            collection_state.c.content_root,
            collection_state.c.findings_root,
            collection_state.c.checks,
            collection_state.c.report,
            collection_state.c.manifest,
        )
        .join(run, run.c.id == collection.c.run_id)
        .join(collection_state, collection_state.c.id == collection.c.state_id)
        .join(series, series.c.id == collection.c.series_id)
        .join(scope, scope.c.id == series.c.scope_id)
    )
