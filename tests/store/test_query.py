"""What can be read back: findings, gaps, evidence, resources, documents, counts."""

import pytest

from store import query
from store.errors import StoreError
from store.evidence import evidence
from store.model import Gap, Outcome, Scope
from store.record import Record
from store.tallies import tallies
from tests.store.conftest import DENIED, KIND, LIST_DENIED, PRIVATE, REGION, SCOPE, UNREAD, Play, document

OTHER = Scope("aws", "222233334444", "test")
PUBLIC = {"public": True}
CLOSED = {"public": False}


def test_a_finding_says_what_where_why_and_since_when(play: Play, record: Record) -> None:
    play.run({"a": PUBLIC})
    play.run({"a": PUBLIC})
    [row] = query.findings(record)
    assert (row.check, row.outcome, row.reason, row.observed) == (
        PRIVATE[0],
        Outcome.FAIL,
        "",
        {"item": PUBLIC},
    )
    assert (row.provider, row.scope, row.scope_name, row.region) == ("aws", SCOPE.id, SCOPE.name, REGION)
    assert (row.resource_type, row.resource_id, row.resource_name) == (KIND, "a", "name of a")
    assert row.document == play.seen[0]["a"]
    assert row.first_seen < row.last_seen


def test_a_finding_brings_the_check_as_it_was_applied(play: Play, record: Record) -> None:
    play.run({"a": PUBLIC}, checks=((PRIVATE[0], 7),))
    [row] = query.findings(record)
    assert row.check_body == {"id": PRIVATE[0], "version": 7}


def test_findings_come_in_order_of_check_scope_region_and_resource(play: Play, record: Record) -> None:
    checks = (("aws.s3.bucket.b", 1), ("aws.s3.bucket.a", 1))
    play.run({"y": 1, "x": 1}, scope=OTHER, checks=checks)
    play.run({"z": 1}, checks=checks)
    assert [(row.check[-1], row.scope, row.resource_id) for row in query.findings(record)] == [
        (check, scope, resource)
        for check in "ab"
        for scope, resource in ((SCOPE.id, "z"), (OTHER.id, "x"), (OTHER.id, "y"))
    ]


def test_findings_that_were_closed_are_not_among_them(play: Play, record: Record) -> None:
    play.run({"a": PUBLIC})
    play.run({})
    assert list(query.findings(record)) == []


def test_a_finding_on_an_unread_list_names_no_resource(play: Play, record: Record) -> None:
    play.run({}, complete=False)
    [row] = query.findings(record)
    assert (row.resource_id, row.resource_name, row.region) == ("", "", REGION)
    assert (row.outcome, row.reason) == (Outcome.UNKNOWN, UNREAD)


def test_gaps_are_those_of_the_latest_collections(play: Play, record: Record) -> None:
    other = Gap("s3:GetBucketAcl", "Timeout", "late", "2026-01-01T00:00:00.000Z", "b", "acl", REGION)
    play.run({}, complete=False, gaps=(LIST_DENIED,))
    play.run({"b": DENIED}, gaps=(other,), scope=OTHER)
    assert [(row.scope, gap) for row, gap in query.gaps(record)] == [
        (SCOPE.id, LIST_DENIED),
        (OTHER.id, other),
    ]
    play.run({})
    assert [row.scope for row, _ in query.gaps(record)] == [OTHER.id]


def test_the_latest_collections_are_one_for_each_series(play: Play, record: Record) -> None:
    for _ in range(2):
        play.run({"a": 1})
        play.run({"b": 1}, scope=OTHER)
    found = query.latest_collections(record)
    assert [(row.run, row.scope, row.complete, row.resources) for row in found] == [
        ("run-3", SCOPE.id, True, 1),
        ("run-4", OTHER.id, True, 1),
    ]


def test_known_series_are_those_that_were_collected(play: Play, record: Record) -> None:
    play.run({"a": 1})
    play.run({}, kind="")
    uid, run_id, _ = play.begin()
    record.collection(run_id, uid, OTHER, KIND, REGION).abandon()
    assert query.known_series(record, "aws") == {(SCOPE.id, KIND, REGION)}
    assert query.known_series(record, "gcp") == set()


@pytest.mark.parametrize("wanted", ["a", "name of a", f"{KIND}/name of a", f"{KIND}/a"])
def test_evidence_is_found_by_identifier_and_by_name(play: Play, record: Record, wanted: str) -> None:
    play.run({"a": CLOSED, "b": CLOSED})
    [found] = evidence(record, wanted)
    assert found.document == document("a", CLOSED)
    assert found.hash == play.seen[0]["a"]


def test_evidence_is_the_newest_version_with_its_bounds(play: Play, record: Record) -> None:
    for content in (CLOSED, PUBLIC, PUBLIC):
        play.run({"a": content})
    [found] = evidence(record, "a")
    assert found.document.content == {"item": PUBLIC}
    assert (found.current, found.collection.run) == (True, "run-3")
    assert found.first_seen < found.last_seen == found.collection.finished


def test_evidence_of_what_is_gone_says_so(play: Play, record: Record) -> None:
    play.run({"a": CLOSED})
    play.run({})
    [found] = evidence(record, "a")
    assert (found.current, found.collection.run) == (False, "run-1")
    assert found.first_seen == found.last_seen


def test_evidence_was_last_seen_by_the_collection_that_saw_it(play: Play, record: Record) -> None:
    play.run({"a": CLOSED, "b": CLOSED})
    play.run({"b": CLOSED}, complete=False)
    runs = {found.document.id: found.collection.run for name in "ab" for found in evidence(record, name)}
    assert runs == {"a": "run-1", "b": "run-2"}
    assert all(found.current for found in evidence(record, "a"))


def test_evidence_brings_the_report_of_its_collection(play: Play, record: Record) -> None:
    play.run({"a": CLOSED}, complete=False)
    [found] = evidence(record, "a")
    assert found.report["provenance"] == {"calls": [{"call": "s3:ListBuckets", "items": 1}]}
    assert [gap["code"] for gap in found.report["gaps"]] == ["AccessDenied"]


def test_evidence_with_one_name_in_two_scopes_is_both(play: Play, record: Record) -> None:
    play.run({"a": CLOSED})
    play.run({"a": PUBLIC}, scope=OTHER)
    assert len(evidence(record, "a")) == 2


def test_evidence_of_nothing_is_an_error_that_says_what_to_give(play: Play, record: Record) -> None:
    play.run({"a": CLOSED})
    with pytest.raises(StoreError, match="no resource 'c'") as caught:
        evidence(record, "c")
    assert "TYPE/NAME" in caught.value.hint


def test_resources_are_those_last_known(play: Play, record: Record) -> None:
    play.run({"b": 1, "a": 1, "gone": 1})
    play.run({"b": 2, "a": 1})
    play.run({"b": 3}, complete=False)
    assert list(query.resources(record)) == [
        (KIND, "a", "name of a", SCOPE.id, REGION, play.seen[0]["a"]),
        (KIND, "b", "name of b", SCOPE.id, REGION, play.seen[2]["b"]),
    ]


def test_documents_of_a_type_come_from_all_regions_of_one_scope(play: Play, record: Record) -> None:
    play.run({"a": 1}, region="eu-west-1")
    play.run({"b": DENIED}, region="eu-north-1")
    play.run({"c": 1}, scope=OTHER)
    play.run({"d": 1}, kind="aws.sqs.queue")
    found = list(query.documents(record, "aws", SCOPE.id, KIND))
    assert found == [document("b", DENIED), document("a", 1)]


def test_every_outcome_is_counted_also_those_that_do_not_occur(play: Play, record: Record) -> None:
    play.run({"a": PUBLIC, "b": CLOSED, "c": CLOSED, "d": DENIED})
    assert query.outcome_counts(record) == {
        "pass": 2,
        "fail": 1,
        "unknown": 1,
        "not_applicable": 0,
        "error": 0,
    }


def test_the_last_run_is_summed_up(play: Play, record: Record) -> None:
    assert query.last_run(record) is None
    play.run({"a": 1})
    found = query.last_run(record)
    assert found is not None
    assert (found["run"], found["status"], found["summary"]) == ("run-1", "complete", {"resources": 1})


def test_a_run_that_has_not_ended_has_no_summary(play: Play, record: Record) -> None:
    play.begin()
    found = query.last_run(record)
    assert found is not None
    assert (found["status"], found["finished"], found["summary"]) == ("running", None, {})


def test_a_scope_has_the_name_it_was_last_collected_under(play: Play, record: Record) -> None:
    play.run({"a": 1})
    play.run({"a": 1}, scope=Scope("aws", SCOPE.id, "renamed"))
    assert query.scope_name(record, "aws", SCOPE.id) == "renamed"
    assert query.scope_name(record, "aws", "333344445555") == "333344445555"


def test_failures_that_are_to_be_counted_apart_are_and_the_rest_together(play: Play, record: Record) -> None:
    play.run({"a": {"public": True}, "b": {"public": True}, "c": {"public": True}, "d": {"public": False}})
    check = PRIVATE[0]
    apart = {(check, "a"), (check, "d"), (check, "unheard of"), ("another", "b")}
    found = {(each.outcome.value, each.resource_id): each.number for each in tallies(record, None, apart)}
    assert found == {("fail", "a"): 1, ("fail", ""): 2, ("pass", ""): 1}
    [then] = [each for each in tallies(record, "2999-01-01T00:00:00.000Z", apart) if each.resource_id]
    assert (then.resource_id, then.number) == ("a", 1)


def test_what_a_check_judges_is_known_by_identifier_name_and_scope(play: Play, record: Record) -> None:
    play.run({"a": {"public": True}, "b": {"public": True}})
    play.run({"a": {"public": True}})
    [found] = query.judged_resources(record, PRIVATE[0])
    assert (found.provider, found.resource_id, found.resource_name) == ("aws", "a", "name of a")
    assert query.judged_resources(record, "another") == []
    assert query.checks_applied(record) == {PRIVATE[0]}
