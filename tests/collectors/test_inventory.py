"""The engine with an inventory: its elements stand for those of the list, and a census counts them."""

from collections.abc import Collection, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from collectors.contract import Target, Tools
from collectors.definition import ResourceType
from collectors.engine import Engine, Identity
from collectors.inventory import Comparison, Element, Holding
from collectors.ledger import CallTally, Ledger
from collectors.retry import RetryPolicy
from collectors.transport import Answer, CallError
from store.canonical import canonical
from store.model import Scope
from tests.collectors.test_engine import DENIED, SCOPE, FakeProvider, Reading, definition, things

CAPTURED = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
ASKED = {"parent": "organizations/1"}

KIND = definition(
    """
    id = "{item.Id}"
    inventory = "a/Thing"
    list = { call = "a:List", items = "Things" }
    [detail.policy]
    call = "a:GetPolicy"
    with = { Id = "{item.Id}" }
    take = "bindings"
    inventory = "IAM_POLICY"
    [detail.tags]
    call = "a:GetTags"
    with = { Id = "{item.Id}" }
    """
)


class Shelf:
    """An inventory in memory; an error stands for one that cannot be read."""

    def __init__(self, *elements: Element | CallError, unread: CallError | None = None, **more: Any) -> None:
        self.elements = elements
        self.unread = unread
        self.more = more
        self.kind = KIND

    def holding(self, definition: ResourceType, scope: Scope) -> Holding:
        assert (definition, scope) == (self.kind, SCOPE)
        if self.unread is not None:
            raise self.unread
        read = Ledger()
        read.asked("inv:List", ASKED, CAPTURED)
        now = datetime.now(UTC)
        read.answered("inv:List", ASKED, Answer({}, None, now, now, endpoint="https://inventory"))
        read.captured(CAPTURED)
        tally = CallTally("inv:List", ASKED, pages=1, items=len(self.elements), count=1)
        return Holding(self._each(), read, (tally,), **self.more)

    def common(self, definition: ResourceType, content: str, value: Any) -> Any:
        del definition
        return {key: each for key, each in value.items() if key != f"only{content}"}

    def _each(self) -> Iterator[Element]:
        for element in self.elements:
            if isinstance(element, CallError):
                raise element
            yield element


class Counted:
    """A census that says what it is told, and remembers what it was asked."""

    def __init__(self, comparison: Comparison) -> None:
        self.comparison = comparison
        self.asked: list[list[str]] = []

    def compare(self, definition: ResourceType, scope: Scope, ids: Collection[str]) -> Comparison:
        del definition, scope
        self.asked.append(sorted(ids))
        return self.comparison


def element(name: str, *bindings: str) -> Element:
    return Element({"Id": name}, {"IAM_POLICY": {"bindings": list(bindings)}})


def provider(**more: Any) -> FakeProvider:
    return FakeProvider(
        **{
            "a__List": things("a", "b"),
            "a__GetPolicy": lambda request: {"bindings": [f"of {request.parameters['Id']}"]},
            "a__GetTags": {"Tags": ["t"]},
            **more,
        }
    )


def read(source: FakeProvider, kind: ResourceType = KIND, **engine: Any) -> Reading:
    tools = Tools(redaction_key=b"key", concurrency=4)
    identity = Identity("test", "1.2", "me")
    retry = RetryPolicy(attempts=1)
    reader = Engine(SCOPE, source, tools, identity, retry=retry, **engine)
    collection = reader.collect(kind, Target(kind.type, "r1"))
    return Reading(list(collection), collection.report)


def test_documents_are_the_same_from_the_inventory_and_from_the_list() -> None:
    held = read(provider(), inventory=Shelf(element("a", "of a"), element("b", "of b")))
    listed = read(provider())
    assert held.documents == listed.documents
    assert [document.content["policy"] for document in held.documents] == [["of a"], ["of b"]]


def test_what_only_one_way_gives_is_left_out_in_both() -> None:
    whole = KIND.model_copy(
        update={"detail": {"policy": KIND.detail["policy"].model_copy(update={"take": "@"})}}
    )
    policy = {"bindings": [], "onlyIAM_POLICY": 1}
    held = Shelf(Element({"Id": "a", "only": 1}, {"IAM_POLICY": policy}))
    held.kind = whole
    source = provider(a__List=things("a"), a__GetPolicy={**policy, "onlyIAM_POLICY": 2})
    listed = Shelf(unread=DENIED)
    listed.kind = whole
    documents = [read(source, whole, inventory=shelf).documents for shelf in (held, listed)]
    assert documents[0] == documents[1]
    assert documents[0][0].content == {"item": {"Id": "a"}, "policy": {"bindings": []}}


def test_what_the_inventory_has_is_not_asked_for() -> None:
    source = provider()
    read(source, inventory=Shelf(element("a"), element("b")))
    assert (source.count("a:List"), source.count("a:GetPolicy"), source.count("a:GetTags")) == (0, 0, 2)


def test_the_evidence_says_where_the_elements_came_from_and_of_when_they_tell() -> None:
    reading = read(provider(), inventory=Shelf(element("a"), element("b")))
    provenance = reading.report.provenance
    assert reading.tally("inv:List") == {
        "call": "inv:List",
        "parameters": ASKED,
        "pages": 1,
        "items": 2,
        "count": 1,
        "absent": 0,
        "failed": 0,
    }
    assert provenance["inventory"] == {"used": True, "unread": {}}
    assert provenance["provider_time"] == "2026-01-02T03:04:05.000Z", "not that of the tags, which came later"
    assert "https://inventory" in provenance["endpoints"]
    assert provenance["end_reached"]
    assert reading.report.complete
    canonical(provenance)


def test_an_inventory_that_cannot_be_read_is_no_gap_but_the_evidence_says_why_the_list_was_asked() -> None:
    reading = read(provider(), inventory=Shelf(unread=DENIED))
    assert [document.id for document in reading.documents] == ["a", "b"]
    assert reading.report.complete
    assert reading.report.gaps == []
    assert reading.report.provenance["inventory"] == {
        "used": False,
        "code": "AccessDenied",
        "message": "not for you",
    }


def test_a_list_that_is_denied_too_is_a_gap() -> None:
    reading = read(provider(a__List=DENIED), inventory=Shelf(unread=DENIED))
    assert not reading.report.complete
    assert reading.codes == ["AccessDenied"]


def test_content_that_the_inventory_could_not_give_is_asked_for() -> None:
    shelf = Shelf(Element({"Id": "a"}), unread=None)
    shelf.more = {"unread": {"IAM_POLICY": "PERMISSION_DENIED: no"}}
    reading = read(provider(), inventory=shelf)
    assert reading.first.content["policy"] == ["of a"]
    assert reading.report.provenance["inventory"] == {
        "used": True,
        "unread": {"IAM_POLICY": "PERMISSION_DENIED: no"},
    }


def test_an_inventory_that_breaks_off_makes_the_list_incomplete() -> None:
    reading = read(provider(), inventory=Shelf(element("a"), CallError("SpoolFailed", "the disk is gone")))
    assert [document.id for document in reading.documents] == ["a"]
    assert not reading.report.complete
    assert not reading.report.provenance["end_reached"]
    assert [(gap.call, gap.code) for gap in reading.report.gaps] == [("inv:List", "SpoolFailed")]


def test_types_that_the_inventory_does_not_keep_are_listed() -> None:
    plain = KIND.model_copy(update={"inventory": ""})
    reading = read(provider(), plain, inventory=Shelf(unread=AssertionError("must not be asked")))  # type: ignore[arg-type]
    assert [document.id for document in reading.documents] == ["a", "b"]
    assert "inventory" not in reading.report.provenance


def test_parents_are_no_part_of_a_document_that_an_inventory_could_give() -> None:
    below = definition(
        """
        id = "{item.Id}"
        inventory = "a/Thing"
        [list]
        call = "a:List"
        with = { Parent = "{over}" }
        items = "Things"
        over = { call = "a:Parents", items = "Names" }
        """
    )
    reading = read(provider(a__Parents={"Names": ["p"]}), below)
    assert reading.first.content == {"item": {"Id": "a"}}


@pytest.mark.parametrize("more", ['each = "item.Parts"', 'prepare = { call = "a:Make", until = "done" }'])
def test_an_inventory_cannot_answer_for_parts_or_after_preparation(more: str) -> None:
    with pytest.raises(ValidationError, match="neither each nor prepare"):
        definition(
            f"""
            id = "{{item.Id}}"
            list = {{ call = "a:List", items = "Things" }}
            [detail.policy]
            call = "a:GetPolicy"
            inventory = "IAM_POLICY"
            {more}
            """
        )


def test_a_type_without_a_list_has_nothing_that_an_inventory_could_give() -> None:
    with pytest.raises(ValidationError, match="no list"):
        definition('id = "{account}"\ninventory = "a/Thing"\ndetail = { d = { call = "a:Get" } }')


def test_a_count_stands_beside_what_was_read() -> None:
    census = Counted(Comparison("g:Count", 2))
    reading = read(provider(), census=census)
    assert census.asked == [["a", "b"]]
    assert reading.report.complete
    assert reading.report.provenance["count"] == {"source": "g:Count", "counted": 2}


def test_fewer_than_were_counted_is_a_gap_and_no_complete_list() -> None:
    missed = CallError("CountMismatch", "3 were counted")
    reading = read(provider(), census=Counted(Comparison("g:Count", 3, missed)))
    assert not reading.report.complete
    assert len(reading.documents) == 2
    assert [(gap.call, gap.code) for gap in reading.report.gaps] == [("g:Count", "CountMismatch")]
    assert reading.report.provenance["end_reached"], "the list itself did come to its end"


def test_no_count_is_no_gap() -> None:
    reading = read(provider(), census=Counted(Comparison("g:Count", None, reason="denied")))
    assert reading.report.complete
    assert reading.report.gaps == []
    assert reading.report.provenance["count"] == {"source": "g:Count", "counted": None, "reason": "denied"}


def test_a_list_that_broke_off_is_not_counted() -> None:
    census = Counted(Comparison("g:Count", 2))
    reading = read(provider(a__List=[things("a"), DENIED]), census=census)
    assert reading.codes == ["AccessDenied"]
    assert census.asked == []
