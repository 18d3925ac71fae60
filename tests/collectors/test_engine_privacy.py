"""Reading with pseudonyms on: calls still see people, what is kept does not."""

from collectors.privacy import Pseudonyms
from collectors.transport import CallError
from tests.collectors.test_engine import FakeProvider, definition, read

PSEUDONYMS = Pseudonyms.of_store(b"key")
ANN, BOB = PSEUDONYMS.of("ann"), PSEUDONYMS.of("bob")

USERS = definition(
    """
    id = "arn:p:iam::{account}:user/{item.Name}"
    name = "{item.Name}"
    personal = ["item.Name", "over.Team", "detail.Owner"]
    [list]
    call = "a:List"
    with = { Team = "{over.Team}" }
    items = "Users"
    [list.over]
    call = "a:Teams"
    items = "Teams"
    [detail.detail]
    call = "a:Get"
    with = { Name = "{item.Name}" }
    """
)


def provider(**more: object) -> FakeProvider:
    replies = {
        "a__Teams": {"Teams": [{"Team": "bob"}]},
        "a__List": {"Users": [{"Name": "ann"}]},
        "a__Get": {"Owner": "bob"},
        **more,
    }
    return FakeProvider(**replies)


def test_ids_names_and_fields_hold_pseudonyms_and_calls_hold_names() -> None:
    asked = provider()
    document = read(asked, USERS, pseudonyms=PSEUDONYMS).first
    assert document.id == f"arn:p:iam::acc:user/{ANN}"
    assert document.name == ANN
    assert document.content == {"item": {"Name": ANN}, "over": {"Team": BOB}, "detail": {"Owner": BOB}}
    assert document.pseudonymised == ("detail.Owner", "item.Name", "over.Team")
    assert document.payload()["pseudonymised"] == ["detail.Owner", "item.Name", "over.Team"]
    assert [request.parameters for request in asked.requests] == [{}, {"Team": "bob"}, {"Name": "ann"}]


def test_without_pseudonyms_a_document_is_as_it_was() -> None:
    document = read(provider(), USERS).first
    assert document.id == "arn:p:iam::acc:user/ann"
    assert "pseudonymised" not in document.payload()


def test_the_gap_of_a_detail_names_nobody() -> None:
    denied = CallError("AccessDenied", "me may not read user ann, ask carl@example.com", status=403)
    reading = read(provider(a__Get=denied), USERS, pseudonyms=PSEUDONYMS)
    (gap,) = reading.report.gaps
    assert gap.resource_id == f"arn:p:iam::acc:user/{ANN}"
    assert gap.message == f"me may not read user {ANN}, ask {PSEUDONYMS.of('carl@example.com')}"


def test_the_gap_of_a_list_does_not_name_what_it_was_asked_with() -> None:
    reading = read(
        provider(a__List=CallError("AccessDenied", "not team bob", status=403)), USERS, pseudonyms=PSEUDONYMS
    )
    (gap,) = reading.report.gaps
    assert gap.message == f'not team {BOB} (asked with {{"Team":"{BOB}"}})'


def test_the_evidence_says_how_much_was_pseudonymised() -> None:
    assert read(provider(), USERS, pseudonyms=PSEUDONYMS).report.provenance["pseudonymised"] == 3
    assert "pseudonymised" not in read(provider(), USERS).report.provenance
