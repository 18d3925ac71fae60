"""What findings are about: a resource, all resources of a type that could not be listed, or a whole scope."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby

from annexa.rows import Row, every


@dataclass(frozen=True, slots=True)
class Subject:
    """One asset, as importers count them.

    Attributes:
        id: the resource's identifier, the scope's, or a path for what has none.
        type: the resource type; for a scope the provider's name and ``.scope``.
        name: for people; two findings on one subject may give it different names.
    """

    provider: str
    scope: str
    region: str
    type: str
    id: str
    name: str = field(compare=False)

    @classmethod
    def of(cls, row: Row) -> "Subject":
        """Return what a finding is about."""
        provider, scope, region, kind = (row[key] for key in ("provider", "scope", "region", "resource_type"))
        name = row["resource_name"]
        if row["resource_id"]:
            return cls(provider, scope, region, kind, row["resource_id"], name or row["resource_id"])
        if name == every(kind):
            path = "/".join(filter(None, (provider, scope, region, kind)))
            return cls(provider, scope, region, kind, path, name)
        return cls(provider, scope, "", f"{provider}.scope", scope, name or scope)

    @property
    def key(self) -> list[str]:
        """What tells it from all others."""
        return [self.provider, self.scope, self.region, self.type, self.id]


def by_subject(rows: Iterable[Row]) -> Iterator[tuple[Subject, list[Row]]]:
    """Yield each subject once, with all that was found on it.

    Args:
        rows: findings in the order :data:`store.query.BY_RESOURCE`.
    """
    for _, run in groupby(rows, key=lambda row: (row["provider"], row["scope"], row["resource_id"])):
        # A run may hold several: what has no identifier, and what was made anew in another region.
        found: dict[Subject, list[Row]] = {}
        for row in run:
            found.setdefault(Subject.of(row), []).append(row)
        yield from found.items()
