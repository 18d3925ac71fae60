"""An auditor's browser shows everything that a pack holds, and runs nothing that others wrote."""

import base64
import hashlib
import re
from dataclasses import replace

import pytest

from annexa.pack import page_names, paging
from annexa.pack.pages import Pages
from annexa.periods import all_gaps
from mappings.controls import load_controls
from store.model import Outcome
from store.pack import layout
from store.pack.contents import Contents, Population, Sample, Selection
from store.statement import Waiver
from tests.annexa.pack import sample_contents as sample
from tests.annexa.pack.page_reader import Page

INERT = """
html head meta title style script body header nav main footer section article details summary a p h1 h2 h4
div span b em br ul li dl dt dd code pre table caption thead tbody tr th td svg rect
form label input select option output
"""


ROWS = 20
"""Of a page, in tests of what goes on over several."""


@pytest.fixture
def short_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paging, "ROWS_A_PAGE", ROWS)


def written(contents: Contents) -> dict[str, bytes]:
    gaps = all_gaps(contents.coverage, contents.selection.period, load_controls())
    pages = Pages(contents, sample.controls_of(contents), gaps)
    found = dict(pages)
    assert len(found) == len(pages)
    return found


def read(contents: Contents) -> dict[str, Page]:
    return {path: Page.read(path, data) for path, data in written(contents).items()}


@pytest.fixture(scope="module")
def pages() -> dict[str, Page]:
    return read(sample.contents())


def test_every_link_leads_to_a_file_of_the_pack(pages: dict[str, Page]) -> None:
    there = sample.members(sample.contents()) | pages.keys()
    for page in pages.values():
        names = {f"#{one.attributes['id']}" for one in page.elements if "id" in one.attributes}
        assert set(page.links()) - there - names == set(), page.path


def test_every_page_can_be_reached_from_the_first(pages: dict[str, Page]) -> None:
    reached, new = set[str](), {layout.INDEX}
    while new:
        reached |= new
        new = {link for path in new for link in pages[path].links() if link in pages} - reached
    assert reached == pages.keys() - {page_names.collection(7)}, "nothing in the sample rests on 7"


def test_every_document_report_and_file_is_linked_from_some_page(pages: dict[str, Page]) -> None:
    linked = {link for page in pages.values() for link in page.links()}
    assert sample.members(sample.contents()) - linked == {layout.MANIFEST, layout.checkpoint(20)}


def test_pages_are_well_formed_and_named(pages: dict[str, Page]) -> None:
    for page in pages.values():
        assert page.unclosed == [], page.path
        assert len(page.all("h1")) == 1
        assert page.all("html")[0].attributes["lang"] == "en"
        for cell in page.all("th"):
            assert cell.attributes.get("scope"), page.path
        assert len(page.all("caption")) == len(page.all("table"))


def test_a_browser_is_told_to_load_nothing_and_to_run_our_own_text_only(pages: dict[str, Page]) -> None:
    for page in pages.values():
        policy = next(
            one.attributes["content"] or ""
            for one in page.all("meta")
            if one.attributes.get("http-equiv") == "Content-Security-Policy"
        )
        assert policy.startswith("default-src 'none'; ")
        for kind in ("style", "script"):
            for element in page.all(kind):
                digest = base64.b64encode(hashlib.sha256(element.text.encode()).digest()).decode()
                assert f"{kind}-src 'sha256-{digest}'" in policy


def test_no_page_refers_to_anything_outside_the_pack(pages: dict[str, Page]) -> None:
    for page in pages.values():
        for element in page.elements:
            assert element.attributes.keys().isdisjoint({"src", "srcset", "action", "background", "style"})
            target = element.attributes.get("href") or ""
            assert "://" not in target
            assert not target.startswith("/")
        assert "url(" not in "".join(one.text for one in page.all("style"))
        assert "@import" not in "".join(one.text for one in page.all("style"))


@pytest.mark.parametrize("text", sample.HOSTILE, ids=lambda text: ascii(text)[:24])
def test_what_others_say_is_inert(text: str) -> None:
    found = written(sample.hostile(text))
    ours = read(sample.contents())[layout.INDEX].all("script")[0].text
    for path, data in found.items():
        page = Page.read(path, data)
        assert page.unclosed == [], path
        assert {one.tag for one in page.elements} <= set(INERT.split()), path
        assert {one.text for one in page.all("script")} <= {ours}
        assert not [name for one in page.elements for name in one.attributes if name.startswith("on")]
        for target in [one.attributes.get("href") or "" for one in page.elements]:
            assert re.match(r"(\.\./)*[A-Za-z]|#", target) or not target, path
            assert not re.match(r"[a-z]+:", target), path
        assert not re.search(rb"[\x00-\x08\x0b-\x1f\x7f]|\xe2\x80[\xaa-\xae]|\xed[\xa0-\xbf]", data), path


@pytest.mark.parametrize("text", sample.HOSTILE[:3], ids=ascii)
def test_what_others_say_is_shown_as_they_said_it(text: str) -> None:
    pages = read(sample.hostile(text))
    for path in (
        layout.INDEX,
        page_names.GAPS,
        page_names.STATEMENTS,
        page_names.control("8.3"),
        page_names.check(sample.CHECK),
        page_names.collection(5),
    ):
        assert text in pages[path].text, path


def test_characters_that_hide_or_reorder_are_shown_as_their_numbers() -> None:
    text = read(sample.hostile("invoice\u202egpj.exe"))[page_names.check(sample.CHECK)].text
    assert "invoice\\u{202e}gpj.exe" in text


class TestIndex:
    def test_lists_all_93_controls(self, pages: dict[str, Page]) -> None:
        _, _, *rows = pages[layout.INDEX].table("The 93 controls")
        assert [row[0] for row in rows] == list(load_controls())

    def test_shows_a_control_s_status_days_and_findings(self, pages: dict[str, Page]) -> None:
        row = next(row for row in pages[layout.INDEX].table("The 93 controls") if row[0] == "8.3")
        assert row[1] == "Information access restriction technological"
        assert row[2].startswith("not satisfied 2 findings of 1 check fail")
        assert row[3:8] == ["4", "0", "2", "1", "177"]
        assert row[8:10] == ["1", "2"]
        assert row[11] == "2"

    def test_says_nothing_of_the_days_of_controls_that_are_not_in_the_pack(self) -> None:
        chosen = replace(sample.contents(), selection=Selection(sample.PERIOD, frozenset({"8.3"})))
        row = next(row for row in read(chosen)[layout.INDEX].table("The 93 controls") if row[0] == "8.24")
        assert row[3:8] == ["–"] * 5

    def test_greys_out_controls_that_are_not_in_the_pack_and_has_no_page_for_them(self) -> None:
        chosen = replace(sample.contents(), selection=Selection(sample.PERIOD, frozenset({"8.3"})))
        pages = read(chosen)
        assert len(pages[layout.INDEX].with_class("outside")) == 92
        assert pages[layout.INDEX].text.count("not in this pack") == 92
        assert [path for path in pages if "/controls/" in path] == [page_names.control("8.3")]

    def test_says_what_the_pack_covers(self, pages: dict[str, Page]) -> None:
        text = pages[layout.INDEX].text
        assert "example.com/evidence" in text
        assert "2026-01-01 to 2026-06-30" in text
        assert "all 93 controls; every provider; every scope" in " ".join(text.split())
        assert "every finding is in the pack" in text
        assert "50 log entries" in text

    def test_names_the_seed_of_a_sample(self) -> None:
        drawn = Selection(sample.PERIOD, sample=Sample(25, "audit-2026"))
        text = read(replace(sample.contents(), selection=drawn))[layout.INDEX].text
        assert "up to 25 findings of each check" in " ".join(text.split())
        assert "audit-2026" in text

    def test_says_that_the_key_comes_from_outside_and_that_statuses_are_derived(
        self, pages: dict[str, Page]
    ) -> None:
        text = " ".join(pages[layout.INDEX].text.split())
        assert "public key of the log, which must come to you from outside this pack" in text
        assert "The status of a control and the days of the period: they were worked out" in text

    def test_does_not_claim_a_timestamp_that_is_not_there(self) -> None:
        text = read(replace(sample.contents(), stamped=[]))[layout.INDEX].text
        assert "There is no timestamp" in text
        assert "existed when a timestamp authority" not in text

    def test_counts_statements_by_how_they_stand(self, pages: dict[str, Page]) -> None:
        head, *rows = pages[layout.INDEX].table("Statements by kind")
        assert head == ["Kind", "in force", "not yet", "expired", "withdrawn", "pruned"]
        assert ["waiver", "0", "0", "1", "0", "0"] in rows
        assert ["attestation", "1", "0", "0", "0", "1"] in rows
        assert ["hold", "0", "0", "0", "1", "0"] in rows


class TestControl:
    def test_shows_what_fails_and_what_is_unknown_in_full(self, pages: dict[str, Page]) -> None:
        text = pages[page_names.control("8.3")].text
        for number in (1, 3, 4):
            assert f"arn:aws:s3:::bucket-{number}" in text
        assert "arn:aws:s3:::bucket-2" not in text, "it passes, and is on the check's page"
        assert "s3:GetBucketAcl could not be read: AccessDenied" in text

    def test_says_what_asks_for_evidence_and_why_it_stands_as_it_does(self, pages: dict[str, Page]) -> None:
        text = pages[page_names.control("8.3")].text
        control = load_controls()["8.3"]
        assert control.summary in text
        assert "not satisfied" in text
        assert "shows who can reach the data" in text

    def test_shows_the_days(self, pages: dict[str, Page]) -> None:
        text = pages[page_names.control("8.3")].text
        assert "on 4 of 181 days" in text
        assert "2 days: 2026-01-02..2026-01-03" in text
        strip = pages[page_names.control("8.3")].all("rect")
        assert [(one.attributes["class"], one.attributes["width"]) for one in strip] == [
            ("evidenced", "4"),
            ("failed", "2"),
            ("gap", "1"),
        ]

    @pytest.mark.usefixtures("short_pages")
    def test_says_where_the_rest_is_if_there_is_too_much(self) -> None:
        many = [sample.finding(number) for number in range(ROWS + 3)]
        found = sample.contents(findings=many, documents={sample.digest(n): 3 for n in range(len(many))})
        page = read(found)[page_names.control("8.3")]
        assert "The first 20 findings are here; 3 more are on the pages of the checks" in page.text

    def test_shows_statements_with_links_to_their_files_which_are_not_opened(
        self, pages: dict[str, Page]
    ) -> None:
        page = pages[page_names.control("8.24")]
        assert "The policy is in force." in page.text
        files = [one for one in page.all("a") if "download" in one.attributes]
        assert [one.text for one in files] == ["Policy v3.pdf", "page.html"]
        assert not (files[1].attributes["href"] or "").endswith(".html")
        assert "let go by retention, log entry 40" in page.text

    def test_marks_a_waiver_that_has_expired(self, pages: dict[str, Page]) -> None:
        page = pages[page_names.control("8.3")]
        assert [one.attributes["class"] for one in page.all("article")] == ["statement expired"]


class TestCheck:
    def test_shows_the_rule_as_it_was_applied(self, pages: dict[str, Page]) -> None:
        text = pages[page_names.check(sample.CHECK)].text
        assert "resource.item.public < 1 && '<b>' != \"\"" in text
        assert '{"days":90}' in text
        for part in (
            "Sees no presigned links.",
            "Block public access.",
            "https://example.com/reference",
            "prowler",
        ):
            assert part in text

    def test_shows_every_form_in_which_it_was_applied(self) -> None:
        newer = "3" * 64
        found = sample.contents()
        found.checks[newer] = sample.body(sample.CHECK, passes="resource.item.other")
        text = read(found)[page_names.check(sample.CHECK)].text
        assert "resource.item.public" in text
        assert "resource.item.other" in text
        assert newer in text

    def test_shows_every_finding_with_its_document_and_where_that_comes_from(
        self, pages: dict[str, Page]
    ) -> None:
        page = pages[page_names.check(sample.CHECK)]
        for number in (1, 2, 3):
            assert layout.document(sample.digest(number)) in page.links()
        assert {page_names.collection(3), page_names.collection(5)} <= set(page.links())

    def test_marks_failures_that_are_waived(self) -> None:
        until = [
            replace(one, statement=replace(one.statement, valid_until="2026-12-31"))
            if isinstance(one.statement, Waiver)
            else one
            for one in sample.statements()
        ]
        rows = read(sample.contents(statements=until))[page_names.check(sample.CHECK)].table("Findings")
        assert [row[0] for row in rows[1:4]] == ["fail waived until 2026-12-31", "fail", "error"]

    def test_says_what_retention_let_go(self, pages: dict[str, Page]) -> None:
        page = pages[page_names.check(sample.CHECK)]
        assert "document let go by retention, log entry 40" in page.text
        assert layout.document(sample.PRUNED) not in page.links()

    def test_says_the_population_and_how_much_of_it_is_shown(self) -> None:
        found = sample.contents(
            selection=Selection(sample.PERIOD, sample=Sample(3, "seed")),
            populations=[Population(sample.CHECK, 900, 7, {"pass": 890, "fail": 10}, 3)],
        )
        text = " ".join(read(found)[page_names.check(sample.CHECK)].text.split())
        assert (
            "900 findings stood: 890 pass, 10 fail, 0 unknown, 0 in error. Besides, 7 did not apply." in text
        )
        assert "A sample of 3 is in the pack, drawn with the seed seed" in text

    @pytest.mark.usefixtures("short_pages")
    def test_puts_what_fails_first_and_goes_on_over_pages(self) -> None:
        passing = [sample.finding(number, Outcome.PASS) for number in range(2 * ROWS)]
        many = [*passing, sample.finding(2 * ROWS)]
        found = sample.contents(findings=many, documents={sample.digest(n): 3 for n in range(2 * ROWS)})
        pages = read(found)
        paths = [page_names.check(sample.CHECK, number) for number in (1, 2, 3)]
        assert [len(pages[path].all("tr")) - 1 for path in paths] == [ROWS, ROWS, 1]
        assert pages[paths[0]].table("Findings")[1][0] == "fail"
        shown = "".join(pages[path].text for path in paths)
        assert all(f"arn:aws:s3:::bucket-{number}\n" in shown for number in range(2 * ROWS))
        assert set(paths) <= set(pages[paths[1]].links()) | {paths[1]}


class TestCollection:
    def test_makes_its_provenance_readable(self, pages: dict[str, Page]) -> None:
        text = pages[page_names.collection(3)].text
        for part in (
            "s3:ListBuckets",
            '{"MaxBuckets":1000}',
            "role/auditor",
            "aws 0.1.0",
            "9" * 64,
            "2026-03-01 10:00:00 UTC; the host's differed by -120 ms",
            "The list was read to its end",
        ):
            assert part in text

    def test_links_the_report_the_entry_and_its_proof(self, pages: dict[str, Page]) -> None:
        links = pages[page_names.collection(3)].links()
        assert {layout.report(sample.digest(1003)), layout.entry(3), layout.proof(3)} <= set(links)

    def test_shows_what_could_not_be_read(self, pages: dict[str, Page]) -> None:
        text = pages[page_names.collection(5)].text
        assert "could not be read to its end" in text
        assert "AccessDenied" in text

    def test_does_not_take_a_report_that_was_let_go_for_one_without_gaps(
        self, pages: dict[str, Page]
    ) -> None:
        text = pages[page_names.collection(7)].text
        assert "report JSON let go by retention, log entry 40" in text
        assert "Its 2 gaps were let go by retention with the report." in text
        assert "Everything that was asked for was read." not in text


@pytest.mark.usefixtures("short_pages")
def test_gaps_go_on_over_pages() -> None:
    found = sample.contents()
    (gap,) = found.coverage.undecided
    more = [replace(gap, reason=f"reason {number}") for number in range(ROWS + 1)]
    pages = read(replace(found, coverage=replace(found.coverage, undecided=more)))
    assert len(pages[page_names.GAPS].all("tr")) == ROWS + 1
    assert len(pages[page_names.gaps(2)].all("tr")) == 2
