"""The plan: which types, in which scopes, in which order."""

import pytest

from annexa.plugin import Discovery
from scheduler.plan import Job, Selection, plan
from tests.scheduler.memory_collector import MemoryCollector, scope

_TYPES = ("memory.shelf.book", "memory.shelf.map", "memory.desk.lamp")


class _OtherCollector(MemoryCollector):
    provider = "other"


@pytest.mark.parametrize(
    ("only", "skip", "selected"),
    [
        ((), (), ["memory.shelf.book", "memory.shelf.map", "memory.desk.lamp"]),
        (("memory.shelf.*",), (), ["memory.shelf.book", "memory.shelf.map"]),
        (("memory.desk.lamp", "memory.shelf.map"), (), ["memory.shelf.map", "memory.desk.lamp"]),
        ((), ("memory.shelf.*",), ["memory.desk.lamp"]),
        (("memory.shelf.*",), ("*.map",), ["memory.shelf.book"]),
        (("memory.shelf",), (), []),
        (("MEMORY.*",), (), []),
    ],
    ids=["all", "only", "order", "skip", "skip wins", "no prefixes", "case counts"],
)
def test_types_are_selected_by_patterns(
    only: tuple[str, ...], skip: tuple[str, ...], selected: list[str]
) -> None:
    assert Selection(only, skip).of(_TYPES) == selected


def test_scopes_take_turns() -> None:
    collector = MemoryCollector()
    collector.types = _TYPES
    found = Discovery((scope("one"), scope("two")))

    jobs = plan([collector], {"memory": found}, {})

    assert [job.scope.id for job in jobs] == ["one", "two"] * 3
    assert [job.target.resource_type for job in jobs[::2]] == list(_TYPES)


def test_a_scope_with_less_to_read_ends_earlier() -> None:
    collector = MemoryCollector()
    collector.types, collector.regional = ("memory.shelf.book",), frozenset({"memory.shelf.book"})
    found = Discovery(
        (scope("small", regions=("north",)), scope("large", regions=("north", "south", "west")))
    )

    assert _where(plan([collector], {"memory": found}, {})) == [
        ("small", "north"),
        ("large", "north"),
        ("large", "south"),
        ("large", "west"),
    ]


def test_providers_take_turns_too() -> None:
    one, other = MemoryCollector(), _OtherCollector()
    one.types = other.types = _TYPES
    discoveries = {"memory": Discovery((scope("one"),)), "other": Discovery((scope("one", "other"),))}

    jobs = plan([one, other], discoveries, {})

    assert [job.collector for job in jobs] == [one, other] * 3


def test_each_provider_has_its_own_selection() -> None:
    one, other = MemoryCollector(), _OtherCollector()
    one.types = other.types = _TYPES
    discoveries = {"memory": Discovery((scope("one"),)), "other": Discovery((scope("one", "other"),))}
    selections = {"memory": Selection(only=("*.lamp",)), "other": Selection(skip=("*.lamp",))}

    jobs = plan([one, other], discoveries, selections)

    assert _types(jobs, one) == ["memory.desk.lamp"]
    assert _types(jobs, other) == ["memory.shelf.book", "memory.shelf.map"]


def test_without_scopes_there_is_nothing_to_do() -> None:
    assert plan([MemoryCollector()], {"memory": Discovery(())}, {}) == []


def _where(jobs: list[Job]) -> list[tuple[str, str]]:
    return [(job.scope.id, job.target.region) for job in jobs]


def _types(jobs: list[Job], collector: MemoryCollector) -> list[str]:
    return [job.target.resource_type for job in jobs if job.collector is collector]
