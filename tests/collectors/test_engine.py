"""The engine over an in-memory transport: everything is read, and what is not is a gap."""

import threading
import tomllib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from collectors.contract import Progress, Target, Tools
from collectors.definition import ResourceType
from collectors.engine import Engine, Identity
from collectors.redact import PREFIX
from collectors.retry import RetryPolicy
from collectors.transport import Answer, CallError, Request
from store.canonical import canonical
from store.model import Document, Report, Scope

Reply = Callable[[Request], Any]

SCOPE = Scope("test", "acc", "Account", ("r1",), {"partition": "p", "principal": "me"})
DENIED = CallError("AccessDenied", "not for you", status=403)


class FakeProvider:
    """A transport that answers from a table: call → answer, list of pages, error, or function."""

    def __init__(self, **replies: Any) -> None:
        self.replies = {key.replace("__", ":"): value for key, value in replies.items()}
        self.requests: list[Request] = []
        self.in_flight = 0
        self.most_in_flight = 0
        self._lock = threading.Lock()

    def send(self, request: Request) -> Answer:
        with self._lock:
            self.requests.append(request)
            self.in_flight += 1
            self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            return self._answer(request)
        finally:
            with self._lock:
                self.in_flight -= 1

    def _answer(self, request: Request) -> Answer:
        reply = self.replies[request.call]
        if callable(reply):
            reply = reply(request)
        token = None
        if isinstance(reply, list):
            number = request.token or 0
            token = number + 1 if number + 1 < len(reply) else None
            reply = reply[number]
        if isinstance(reply, Exception):
            raise reply
        now = datetime.now(UTC)
        return Answer(reply, token, now, now, endpoint="https://fake")

    def count(self, call: str) -> int:
        return sum(request.call == call for request in self.requests)


class Reading:
    """A collection that was read to its end."""

    def __init__(self, documents: list[Document], report: Report) -> None:
        self.documents = documents
        self.report = report
        self.codes = [gap.code for gap in report.gaps]

    @property
    def first(self) -> Document:
        return self.documents[0]

    def tally(self, call: str) -> dict[str, Any]:
        return next(tally for tally in self.report.provenance["calls"] if tally["call"] == call)


def definition(text: str) -> ResourceType:
    table = tomllib.loads(text)
    return ResourceType.model_validate(
        {"type": "test.a.thing", "title": "Thing", "region": "regional", "name": "{item.Id}", **table}
    )


THINGS = definition('id = "{item.Id}"\nlist = { call = "a:List", items = "Things" }')


def with_details(details: str, **more: Any) -> ResourceType:
    text = f'id = "{{item.Id}}"\nlist = {{ call = "a:List", items = "Things" }}\n{details}'
    return definition(text).model_copy(update=more)


def engine(provider: FakeProvider, *, most_pages: int = 100, **tools: Any) -> Engine:
    settings = Tools(redaction_key=b"key", concurrency=tools.pop("concurrency", 4), **tools)
    return Engine(
        SCOPE,
        provider,
        settings,
        Identity("test", "1.2", "me"),
        retry=RetryPolicy(attempts=2, base=0.001),
        most_pages=most_pages,
    )


def read(provider: FakeProvider, kind: ResourceType, **tools: Any) -> Reading:
    collection = engine(provider, **tools).collect(kind, Target(kind.type, "r1"))
    return Reading(list(collection), collection.report)


def things(*ids: Any) -> dict[str, Any]:
    return {"Things": [{"Id": i} for i in ids]}


def test_reads_all_pages_in_order() -> None:
    provider = FakeProvider(a__List=[things("a", "b"), things(), things("c")])
    reading = read(provider, THINGS)
    assert [d.id for d in reading.documents] == ["a", "b", "c"]
    assert reading.report.complete
    assert reading.report.gaps == []
    assert reading.first == Document("test.a.thing", "a", "a", "r1", {"item": {"Id": "a"}})
    provenance = reading.report.provenance
    assert provenance["calls"] == [
        {"call": "a:List", "parameters": {}, "pages": 3, "items": 3, "count": 1, "absent": 0, "failed": 0}
    ]
    assert provenance["end_reached"]
    assert provenance["endpoints"] == ["https://fake"]
    assert provenance["principal"] == "me"
    assert provenance["collector"] == {"name": "test", "version": "1.2"}
    assert provenance["definition"] == THINGS.digest
    assert provenance["skew_s"] == 0
    assert reading.report.started <= provenance["first_request"] <= provenance["last_receipt"]
    canonical(provenance)


def test_page_that_fails_keeps_what_was_read() -> None:
    reading = read(FakeProvider(a__List=[things("a"), DENIED, things("c")]), THINGS)
    assert [d.id for d in reading.documents] == ["a"]
    assert not reading.report.complete
    assert not reading.report.provenance["end_reached"]
    (gap,) = reading.report.gaps
    assert (gap.call, gap.code, gap.message, gap.region) == ("a:List", "AccessDenied", "not for you", "r1")


def test_list_that_fails_gives_no_documents_and_a_gap() -> None:
    reading = read(FakeProvider(a__List=CallError("500", "oops", retryable=True)), THINGS)
    assert reading.documents == []
    assert not reading.report.complete
    assert reading.codes == ["500"]
    assert reading.tally("a:List")["failed"] == 1


def test_absent_list_is_empty_and_complete() -> None:
    kind = definition(
        'id = "{item.Id}"\nlist = { call = "a:List", items = "Things", absent = ["AccessDenied: NOT FOR"] }'
    )
    reading = read(FakeProvider(a__List=DENIED), kind)
    assert reading.documents == []
    assert reading.report.complete
    assert reading.tally("a:List")["absent"] == 1
    later = read(FakeProvider(a__List=[things("a"), DENIED]), kind)
    assert not later.report.complete


def test_absent_needs_its_words() -> None:
    kind = definition(
        'id = "{item.Id}"\nlist = { call = "a:List", items = "x", absent = ["AccessDenied: off"] }'
    )
    assert read(FakeProvider(a__List=DENIED), kind).codes == ["AccessDenied"]


def test_pages_that_never_end_are_a_gap() -> None:
    class Endless(FakeProvider):
        token: Any = staticmethod(lambda n: "same")

        def _answer(self, request: Request) -> Answer:
            n = len(self.requests)
            return Answer(things(f"t{n}"), self.token(n), datetime.now(UTC))

    repeated = read(Endless(), THINGS)
    assert repeated.codes == ["RepeatedToken"]
    assert len(repeated.documents) == 2
    counting = Endless()
    counting.token = str
    capped = read(counting, THINGS, most_pages=7)
    assert capped.codes == ["TooManyPages"]
    assert len(capped.documents) == 7
    assert not capped.report.complete


def test_over_reads_the_list_of_each_parent() -> None:
    kind = definition(
        """
        id = "{over.Name}/{item}"
        [list]
        call = "a:List"
        with = { Parent = "{over.Name}" }
        items = "Things"
        over = { call = "a:Parents", items = "Parents" }
        """
    )

    def children(request: Request) -> Any:
        name = request.parameters["Parent"]
        return DENIED if name == "p2" else {"Things": [1, 2]}

    parents = [{"Parents": [{"Name": "p1"}, {"Name": "p2"}]}, {"Parents": [{"Name": "p3"}]}]
    reading = read(FakeProvider(a__Parents=parents, a__List=children), kind)
    assert [d.id for d in reading.documents] == ["p1/1", "p1/2", "p3/1", "p3/2"]
    assert reading.first.content == {"item": 1, "over": {"Name": "p1"}}
    assert not reading.report.complete
    (gap,) = reading.report.gaps
    assert '"Parent":"p2"' in gap.message
    assert reading.tally("a:List")["count"] == 3
    orphaned = read(FakeProvider(a__Parents=DENIED, a__List=children), kind)
    assert orphaned.report.gaps[0].call == "a:Parents"
    assert not orphaned.report.complete


def test_items_may_be_one_object_but_not_a_word() -> None:
    assert [d.id for d in read(FakeProvider(a__List={"Things": {"Id": "x"}}), THINGS).documents] == ["x"]
    assert read(FakeProvider(a__List={"Other": 1}), THINGS).report.complete
    wrong = read(FakeProvider(a__List={"Things": "x"}), THINGS)
    assert wrong.codes == ["MalformedAnswer"]
    assert not wrong.report.complete


def test_details_are_taken_and_missing_ones_told_apart() -> None:
    kind = with_details(
        """
        [detail.whole]
        call = "a:Whole"
        with = { Id = "{item.Id}" }
        [detail.part]
        call = "a:Part"
        with = { Id = "{item.Id}", Why = ["x"] }
        take = "Deep.Value"
        [detail.none]
        call = "a:None"
        with = { Id = "{item.Id}" }
        absent = ["NoSuchThing"]
        [detail.denied]
        call = "a:Denied"
        with = { Id = "{item.Id}" }
        absent = ["NoSuchThing"]
        [detail.uncalled]
        call = "a:Never"
        with = { Id = "{item.Missing}" }
        """
    )
    provider = FakeProvider(
        a__List=things("x"),
        a__Whole={"A": 1, "ResponseMetadata": {"RequestId": "r"}},
        a__Part={"Deep": {"Value": datetime(2026, 1, 1, tzinfo=UTC)}},
        a__None=CallError("NoSuchThing", "there is none"),
        a__Denied=DENIED,
    )
    reading = read(provider, kind)
    assert reading.first.content == {
        "item": {"Id": "x"},
        "whole": {"A": 1},
        "part": "2026-01-01T00:00:00Z",
        "none": None,
        "uncalled": None,
    }
    assert reading.first.gaps == {"denied": {"call": "a:Denied", "code": "AccessDenied"}}
    (gap,) = reading.report.gaps
    assert (gap.resource_id, gap.key, gap.message) == ("x", "denied", "not for you")
    assert reading.report.complete
    assert provider.requests[2].parameters == {"Id": "x", "Why": ["x"]}
    assert reading.tally("a:Part")["parameters"] == {"Id": "{item.Id}", "Why": ["x"]}
    assert reading.tally("a:None")["absent"] == 1


def test_detail_pages_are_merged() -> None:
    kind = with_details('[detail.rules]\ncall = "a:Rules"\nwith = { Id = "{item.Id}" }\ntake = "Rules[].N"')
    pages = [{"Rules": [{"N": 1}], "Total": 9}, {"Rules": [{"N": 2}]}, {"Rules": [{"N": 3}], "Total": 3}]
    assert read(FakeProvider(a__List=things("x"), a__Rules=pages), kind).first.content["rules"] == [1, 2, 3]
    broken = read(FakeProvider(a__List=things("x"), a__Rules=[pages[0], DENIED]), kind)
    assert "rules" in broken.first.gaps
    assert "rules" not in broken.first.content


def test_what_needs_a_gap_is_a_gap() -> None:
    kind = with_details(
        """
        [detail.base]
        call = "a:Base"
        with = { Id = "{item.Id}" }
        [detail.by_template]
        call = "a:Next"
        with = { Name = "{base.Name}" }
        [detail.by_when]
        call = "a:Next"
        with = { Id = "{item.Id}" }
        when = "base.On"
        [detail.by_each]
        call = "a:Next"
        with = { Id = "{each}" }
        each = "base.Names"
        [detail.by_pick]
        call = "a:Next"
        with = { Id = "{item.Id}" }
        pick = "[?Name=='{base.Name}']"
        [detail.chain]
        call = "a:Next"
        with = { Id = "{by_template.X}" }
        [detail.free]
        call = "a:Next"
        with = { Id = "{item.Id}" }
        """
    )
    reading = read(FakeProvider(a__List=things("x"), a__Base=DENIED, a__Next={"X": 1}), kind)
    assert {key: gap["code"] for key, gap in reading.first.gaps.items()} == {
        "base": "AccessDenied",
        "by_template": "DependsOnGap",
        "by_when": "DependsOnGap",
        "by_each": "DependsOnGap",
        "by_pick": "DependsOnGap",
        "chain": "DependsOnGap",
    }
    assert reading.first.content["free"] == {"X": 1}


@pytest.mark.parametrize(
    ("on", "called"), [(True, True), (False, False), (None, False), ([], False), (0, True)]
)
def test_when_decides_whether_to_call(on: Any, called: bool) -> None:
    kind = with_details('[detail.d]\ncall = "a:D"\nwith = { Id = "{item.Id}" }\nwhen = "item.On"')
    provider = FakeProvider(a__List={"Things": [{"Id": "x", "On": on}]}, a__D={"A": 1})
    assert read(provider, kind).first.content["d"] == ({"A": 1} if called else None)
    assert provider.count("a:D") == called


def test_each_calls_for_every_element() -> None:
    kind = with_details(
        """
        [detail.d]
        call = "a:D"
        with = { Id = "{item.Id}", N = "{each.N}" }
        each = "item.Ns"
        take = "V"
        absent = ["NoSuchThing"]
        """
    )

    def reply(request: Request) -> Any:
        n = request.parameters["N"]
        return CallError("NoSuchThing", "") if n == 2 else {"V": n * 10}

    things_with = {"Things": [{"Id": "x", "Ns": [{"N": 1}, {"N": 2}, {}]}, {"Id": "y"}]}
    reading = read(FakeProvider(a__List=things_with, a__D=reply), kind)
    assert reading.first.content["d"] == [
        {"each": {"N": 1}, "answer": 10},
        {"each": {"N": 2}, "answer": None},
        {"each": {}, "answer": None},
    ]
    assert reading.documents[1].content["d"] == []
    denied = read(FakeProvider(a__List=things_with, a__D=DENIED), kind)
    assert denied.first.gaps == {"d": {"call": "a:D", "code": "AccessDenied"}}


SHARED = with_details(
    """
    [detail.row]
    call = "a:Report"
    take = "Content"
    decode = "csv"
    pick = "[?id=='{item.Id}'] | [0]"
    [detail.whose]
    call = "a:Account"
    with = { Account = "{account}" }
    take = "V"
    [detail.found]
    call = "a:Rows"
    take = "Rows[?Id=='{item.Id}'].V | [0]"
    """
)


def test_calls_that_serve_many_are_made_once() -> None:
    provider = FakeProvider(
        a__List=things(*(f"t{i}" for i in range(50))),
        a__Report={"Content": b"id,v\nt0,zero\nt9,nine\n"},
        a__Account={"V": {"deep": 1}},
        a__Rows=[{"Rows": [{"Id": "t0", "V": 1}]}, {"Rows": [{"Id": "t9", "V": 2}]}],
    )
    shared_engine = engine(provider)
    for _ in range(2):
        collection = shared_engine.collect(SHARED, Target("test.a.thing", "r1"))
        documents = {d.id: d.content for d in collection}
        assert documents["t0"]["row"] == {"id": "t0", "v": "zero"}
        assert documents["t9"]["found"] == 2
        assert documents["t1"]["row"] is None
        assert documents["t1"]["whose"] == {"deep": 1}
        calls = {tally["call"]: tally["count"] for tally in collection.report.provenance["calls"]}
        assert calls == {"a:List": 1, "a:Report": 1, "a:Account": 1, "a:Rows": 1}
    assert provider.count("a:Report") == provider.count("a:Account") == 1
    assert provider.count("a:Rows") == 2  # its pages
    list(shared_engine.collect(SHARED, Target("test.a.thing", "r2")))
    assert provider.count("a:Report") == 2


def test_errors_of_shared_calls_are_shared() -> None:
    provider = FakeProvider(
        a__List=things("a", "b", "c"), a__Report=DENIED, a__Account={"V": 1}, a__Rows={"Rows": []}
    )
    reading = read(provider, SHARED)
    assert [d.gaps["row"]["code"] for d in reading.documents] == ["AccessDenied"] * 3
    assert provider.count("a:Report") == 1
    assert len(reading.report.gaps) == 3


def test_shared_answers_stay_as_they_are_when_documents_are_changed() -> None:
    kind = with_details(
        '[detail.all]\ncall = "a:All"', secret=("all.Secret",), volatile=("all.Seen",), policies=("all.P",)
    )
    answer = {"Secret": "s3cret", "Seen": 5, "P": '{"Statement":[]}', "Kept": 1}
    reading = read(FakeProvider(a__List=things("a", "b", "c"), a__All=answer), kind)
    for document in reading.documents:
        assert document.redacted == ("all.Secret",)
        assert document.content["all"]["Secret"].startswith(PREFIX)
        assert document.content["all"]["P"] == {"Statement": []}
        assert "Seen" not in document.content["all"]
    assert reading.report.provenance["redacted"] == 3


def test_policies_that_are_none_are_a_gap() -> None:
    kind = THINGS.model_copy(update={"policies": ("item.Policy",)})
    rows = {"Things": [{"Id": "a", "Policy": "%7B%22Statement%22%3A%5B%5D%7D"}, {"Id": "b", "Policy": "{"}]}
    reading = read(FakeProvider(a__List=rows), kind)
    good, bad = reading.documents
    assert good.content["item"]["Policy"] == {"Statement": []}
    assert bad.gaps == {"item": {"call": "a:List", "code": "MalformedAnswer"}}


def test_decode_failure_is_a_gap() -> None:
    kind = with_details(
        '[detail.p]\ncall = "a:P"\nwith = { Id = "{item.Id}" }\ntake = "P"\ndecode = "iam-policy"'
    )
    reading = read(FakeProvider(a__List=things("a"), a__P={"P": '{"Statement": '}), kind)
    assert reading.first.gaps == {"p": {"call": "a:P", "code": "MalformedAnswer"}}
    empty = read(FakeProvider(a__List=things("a"), a__P={}), kind)
    assert empty.first.content["p"] is None


PREPARED = with_details(
    """
    [detail.report]
    call = "a:Get"
    take = "V"
    [detail.report.prepare]
    call = "a:Generate"
    until = "State == 'COMPLETE'"
    """
)


def test_prepare_is_asked_until_it_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("collectors.details._FIRST_POLL", 0.001)
    states = iter(["STARTED", "INPROGRESS", "COMPLETE"])
    provider = FakeProvider(
        a__List=things("a", "b"), a__Generate=lambda _: {"State": next(states)}, a__Get={"V": 7}
    )
    assert [d.content["report"] for d in read(provider, PREPARED).documents] == [7, 7]
    assert provider.count("a:Generate") == 3


def test_prepare_that_is_never_done_is_a_gap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("collectors.details._FIRST_POLL", 0.001)
    monkeypatch.setattr("collectors.details.POLL_SECONDS", 0.003)
    provider = FakeProvider(a__List=things("a"), a__Generate={"State": "STARTED"}, a__Get={"V": 7})
    assert read(provider, PREPARED).first.gaps["report"]["code"] == "PrepareTimeout"
    assert provider.count("a:Get") == 0


def test_type_without_a_list_is_one_resource() -> None:
    kind = definition('id = "{account}"\nname = "{partition}"\n[detail.d]\ncall = "a:D"').model_copy(
        update={"region": "global"}
    )
    reading = read(FakeProvider(a__D={"V": 1}), kind)
    assert reading.documents == [Document("test.a.thing", "acc", "p", "", {"d": {"V": 1}})]
    assert reading.report.complete
    denied = read(FakeProvider(a__D=DENIED), kind)
    assert denied.first.gaps == {"d": {"call": "a:D", "code": "AccessDenied"}}


def test_home_is_where_details_are_asked() -> None:
    kind = with_details(
        '[detail.d]\ncall = "a:D"\nwith = { Id = "{item.Id}", Region = "{region}" }', home="{item.Region}"
    ).model_copy(update={"region": "global"})
    rows = {"Things": [{"Id": "a", "Region": "r9"}, {"Id": "b"}]}
    provider = FakeProvider(a__List=rows, a__D={"V": 1})
    reading = read(provider, kind)
    assert [d.region for d in reading.documents] == ["r9", ""]
    asked = {
        r.parameters["Id"]: (r.region, r.parameters["Region"]) for r in provider.requests if r.call == "a:D"
    }
    assert asked == {"a": ("r9", "r9"), "b": ("r1", "r1")}


def test_resource_without_an_id_is_a_gap_of_the_list() -> None:
    reading = read(FakeProvider(a__List={"Things": [{"Id": "a"}, {"Other": 1}, None, "odd"]}), THINGS)
    assert [d.id for d in reading.documents] == ["a"]
    assert reading.codes == ["MalformedAnswer"] * 3
    assert not reading.report.complete


def test_id_may_need_a_detail() -> None:
    kind = with_details('[detail.d]\ncall = "a:D"\nwith = { Id = "{item.Id}" }').model_copy(
        update={"id": "{d.Arn}", "name": "{d.Name}"}
    )
    named = read(FakeProvider(a__List=things("x"), a__D={"Arn": "arn"}), kind)
    assert (named.first.id, named.first.name) == ("arn", "arn")
    denied = read(FakeProvider(a__List=things("x"), a__D=DENIED), kind)
    assert denied.documents == []
    assert denied.codes == ["AccessDenied", "MalformedAnswer"]
    assert not denied.report.complete


def test_duplicates() -> None:
    reading = read(FakeProvider(a__List=[things("a", "b"), things("a")]), THINGS)
    assert [d.id for d in reading.documents] == ["a", "b"]
    assert reading.report.gaps == []
    rows = {"Things": [{"Id": "a", "V": 1}, {"Id": "a", "V": 2}]}
    differing = read(FakeProvider(a__List=rows), THINGS)
    assert differing.first.content["item"]["V"] == 1
    assert differing.codes == ["DuplicateId"]
    assert differing.report.gaps[0].resource_id == "a"


def test_faults_of_our_own_are_shown_not_raised() -> None:
    kind = with_details('[detail.d]\ncall = "a:D"\nwith = { Id = "{item.Id}" }')
    reading = read(FakeProvider(a__List=things("a"), a__D=ZeroDivisionError("hidden?")), kind)
    assert reading.first.gaps == {"d": {"call": "a:D", "code": "InternalError"}}
    assert "ZeroDivisionError: hidden?" in reading.report.gaps[0].message
    whole = read(FakeProvider(a__List=ZeroDivisionError("list")), THINGS)
    assert whole.codes == ["InternalError"]
    assert not whole.report.complete


def test_details_are_read_lazily_in_a_bounded_window_and_in_order() -> None:
    read_pages = 0

    class Paged(FakeProvider):
        def _answer(self, request: Request) -> Answer:
            if request.call == "a:List":
                nonlocal read_pages
                read_pages += 1
                number = request.token or 0
                ids = (f"t{i:04}" for i in range(number * 10, number * 10 + 10))
                return Answer(things(*ids), number + 1 if number < 99 else None, datetime.now(UTC))
            return super()._answer(request)

    kind = with_details('[detail.d]\ncall = "a:D"\nwith = { Id = "{item.Id}" }')
    provider = Paged(a__D={"V": 1})
    collection = engine(provider, concurrency=4).collect(kind, Target(kind.type, "r1"))
    documents: Iterator[Document] = iter(collection)
    for i in range(20):
        assert next(documents).id == f"t{i:04}"
    assert read_pages <= 3
    assert provider.count("a:D") <= 20 + 8
    assert provider.most_in_flight <= 4
    collection.close()
    assert not collection.report.complete
    assert [gap.code for gap in collection.report.gaps] == ["StoppedEarly"]
    assert collection.report.finished
    assert collection.report.provenance["calls"][0]["pages"] == read_pages
    assert list(collection) == []


def test_reads_concurrently_but_not_more_than_allowed() -> None:
    barrier = threading.Barrier(4, timeout=5)

    def slow(_: Request) -> Any:
        barrier.wait()
        return {"V": 1}

    kind = with_details('[detail.d]\ncall = "a:D"\nwith = { Id = "{item.Id}" }')
    provider = FakeProvider(a__List=things(*range(8)), a__D=slow)
    assert len(read(provider, kind, concurrency=4).documents) == 8
    assert provider.most_in_flight == 4


def test_cancelling_stops_and_says_so() -> None:
    cancelled = threading.Event()
    kind = with_details('[detail.d]\ncall = "a:D"\nwith = { Id = "{item.Id}" }')

    def cancel(_: Request) -> Any:
        cancelled.set()
        return {"V": 1}

    provider = FakeProvider(a__List=things(*(f"t{i}" for i in range(100))), a__D=cancel)
    reading = read(provider, kind, cancelled=cancelled)
    assert not reading.report.complete
    assert "Cancelled" in reading.codes
    assert len(reading.documents) < 20


def test_retries_are_the_engines() -> None:
    tries = iter([CallError("500", "", retryable=True), things("a")])
    provider = FakeProvider(a__List=lambda _: next(tries))
    reading = read(provider, THINGS)
    assert reading.report.complete
    assert provider.count("a:List") == 2
    assert reading.tally("a:List")["failed"] == 0


def test_progress_begins_and_ends() -> None:
    events: list[Progress] = []
    read(FakeProvider(a__List=things("a", "b")), THINGS, progress=events.append)
    assert (events[0].state, events[-1].state) == ("started", "done")
    assert (events[-1].resources, events[-1].calls, events[-1].scope) == (2, 1, "test:acc")
    events.clear()
    read(FakeProvider(a__List=DENIED), THINGS, progress=events.append)
    assert events[-1].state == "incomplete"


def test_nothing_is_asked_before_it_is_iterated() -> None:
    provider = FakeProvider(a__List=things("a"))
    collection = engine(provider).collect(THINGS, Target("test.a.thing", "r1"))
    assert provider.requests == []
    collection.close()
    assert provider.requests == []
    assert not collection.report.complete
    assert collection.report.started
    assert collection.report.finished


def test_an_id_is_kept_in_the_form_that_the_provider_s_collector_chooses() -> None:
    provider = FakeProvider(a__List=things("One"))
    tools = Tools(redaction_key=b"key")
    chosen = Engine(SCOPE, provider, tools, Identity("test", "1.2", "me"), canonical_id=str.lower)
    (document,) = chosen.collect(THINGS, Target(THINGS.type, "r1"))
    assert document.id == "one"
    assert document.content["item"]["Id"] == "One"
