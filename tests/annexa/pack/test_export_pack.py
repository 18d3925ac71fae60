"""``annexa export pack`` writes a pack whose pages hold together, and refuses what would show nothing."""

import csv
import datetime as dt
import hashlib
import json
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from annexa.pack import page_names
from store.pack import layout
from tests.annexa.pack.conftest import Exported, period
from tests.annexa.pack.page_reader import Page
from tests.annexa.sample_store import CHECK, ESCAPE, FORMULA
from tests.annexa.support_cli import Ran, Sandbox


def export(box: Sandbox, out: str, *more: str) -> Ran:
    return box.ask("export", "pack", "--period", period(), "--out", out, *more)


def pages_of(path: Path) -> dict[str, Page]:
    with zipfile.ZipFile(path) as archive:
        names = [name for name in archive.namelist() if name.endswith(".html")]
        return {name: Page.read(name, archive.read(name)) for name in names}


@pytest.fixture(scope="module")
def pages(exported: Exported) -> dict[str, Page]:
    return pages_of(exported.zip)


class TestPages:
    def test_every_link_leads_to_a_member_of_the_zip(self, exported: Exported) -> None:
        with zipfile.ZipFile(exported.zip) as archive:
            members = set(archive.namelist())
        for page in pages_of(exported.zip).values():
            anchors = {f"#{one.attributes['id']}" for one in page.elements if "id" in one.attributes}
            assert set(page.links()) - members - anchors == set(), page.path

    def test_every_document_and_every_collection_can_be_reached(
        self, exported: Exported, pages: dict[str, Page]
    ) -> None:
        linked = {link for page in pages.values() for link in page.links()}
        with zipfile.ZipFile(exported.zip) as archive:
            for name in archive.namelist():
                folder = name.partition("/")[0]
                if folder in ("documents", "files", "statements", "proofs"):
                    assert name in linked, name

    def test_nothing_is_loaded_from_elsewhere(self, pages: dict[str, Page]) -> None:
        for page in pages.values():
            for element in page.elements:
                assert "src" not in element.attributes
                assert "://" not in (element.attributes.get("href") or "")

    def test_the_first_page_says_what_the_commands_say(
        self, exported: Exported, pages: dict[str, Page]
    ) -> None:
        told = {row["control"]: row for row in exported.box.ask("status", "--format", "json").json}
        days = exported.box.ask("status", "--period", period(), "--format", "json").json
        evidenced = {row["control"]: str(row["evidenced_days"]) for row in days}
        _, _, *rows = pages[layout.INDEX].table("The 93 controls")
        assert len(rows) == 93
        for row in rows:
            control = told[row[0]]
            assert row[2].startswith(control["status"].replace("_", " "))
            assert row[3] == evidenced[row[0]]
            assert row[8:13] == [
                str(control[key]) for key in ("pass", "fail", "waived", "unknown", "not_applicable")
            ]

    def test_a_check_shows_each_of_its_findings(self, pages: dict[str, Page]) -> None:
        rows = pages[page_names.check(CHECK)].table("Findings")[1:]
        assert [(row[0].split()[0], row[1].split()[0]) for row in rows] == [
            ("fail", "letters"),
            ("unknown", "sealed"),
            ("pass", "payroll"),
        ]
        assert rows[0][0].startswith("fail waived until")

    def test_names_that_mean_harm_are_shown_and_do_none(self, pages: dict[str, Page]) -> None:
        text = "".join(page.text for page in pages.values())
        assert FORMULA in text
        assert ESCAPE not in text
        assert ESCAPE.replace("\x1b", "\\u{1b}") in text

    def test_what_a_person_attached_cannot_run_in_a_browser(
        self, exported: Exported, pages: dict[str, Page]
    ) -> None:
        page = pages[page_names.control("8.24")]
        assert "The <b>policy</b> is in force." in page.text
        (link,) = [one for one in page.all("a") if "download" in one.attributes]
        assert link.text == "policy.html"
        target = next(path for path in page.links() if path.startswith("files/"))
        assert target.endswith(".bin")
        assert (exported.folder / target).is_file()


@dataclass(frozen=True)
class Selected:
    """A pack of a part."""

    row: dict[str, Any]
    pages: dict[str, Page]
    manifest: dict[str, Any]


SELECTIONS = {
    "controls": ("--control", "8.24", "--control", "A.8.10"),
    "sample": ("--sample", "1", "--seed", "audit 2026"),
    "scope": ("--scope", "123456789012", "--provider", "aws", "--sample", "1"),
}


@pytest.fixture(scope="module")
def selected(collected: Sandbox) -> dict[str, Selected]:
    found = {}
    for name, more in SELECTIONS.items():
        told = export(collected, f"{name}.zip", *more, "--format", "json")
        assert told.code == 0, told
        path = collected.folder / f"{name}.zip"
        with zipfile.ZipFile(path) as archive:
            manifest = json.loads(archive.read(layout.MANIFEST))
        found[name] = Selected(told.json, pages_of(path), manifest)
    return found


class TestSelection:
    def test_controls_limit_what_is_in_it(self, selected: dict[str, Selected]) -> None:
        pack = selected["controls"]
        assert pack.row["controls"] == ["8.10", "8.24"]
        assert {name for name in pack.pages if "/controls/" in name} == {
            page_names.control("8.10"),
            page_names.control("8.24"),
        }

    def test_a_sample_names_its_seed_and_says_how_much_it_shows(self, selected: dict[str, Selected]) -> None:
        pack = selected["sample"]
        assert (pack.row["sample"], pack.row["seed"]) == (1, "audit 2026")
        page = pack.pages[page_names.check(CHECK)]
        text = " ".join(page.text.split())
        assert "3 findings stood: 1 pass, 1 fail, 1 unknown" in text
        assert "A sample of 1 is in the pack, drawn with the seed audit 2026" in text
        assert len(page.table("Findings")) == 2

    def test_a_seed_is_made_and_recorded_where_the_auditor_names_none(
        self, selected: dict[str, Selected]
    ) -> None:
        pack = selected["scope"]
        assert pack.manifest["sample"] == {"number": 1, "seed": pack.row["seed"]}
        assert len(pack.row["seed"]) == 16

    def test_a_pack_of_one_scope_says_that_statuses_are_of_all(self, selected: dict[str, Selected]) -> None:
        text = " ".join(selected["scope"].pages[layout.INDEX].text.split())
        assert "from all of the record and not only from the providers and scopes of this pack" in text

    @pytest.mark.parametrize("name", SELECTIONS)
    def test_whatever_is_selected_verifies(
        self, collected: Sandbox, exported: Exported, selected: dict[str, Selected], name: str
    ) -> None:
        assert selected[name].row["key"] == exported.key
        verified = collected.ask("verify", "--pack", f"{name}.zip", "--key", exported.key)
        assert verified.code == 0, verified


class TestSummary:
    def test_states_the_file_as_it_is(self, exported: Exported) -> None:
        data = exported.zip.read_bytes()
        assert exported.row["sha256"] == hashlib.sha256(data).hexdigest()
        assert exported.row["bytes"] == len(data)

    def test_tells_people_which_key_to_hand_over_and_how_to_verify(
        self, collected: Sandbox, exported: Exported
    ) -> None:
        told = export(collected, "told.zip")
        assert told.code == 0
        assert f"\n  {exported.key}\n" in told.out
        command = told.out.strip().splitlines()[-1]
        assert collected.ask(*command.split()[1:]).code == 0

    def test_csv_has_the_same_keys_and_the_same_pack_is_the_same_file(
        self, collected: Sandbox, exported: Exported
    ) -> None:
        (row,) = csv.DictReader(export(collected, "again.zip", "--format", "csv").out.splitlines())
        assert list(row) == list(exported.row)
        assert row["sha256"] == exported.row["sha256"]


class TestRefusals:
    def test_a_file_that_is_there_is_not_replaced_unasked(self, collected: Sandbox) -> None:
        (collected.folder / "there.zip").write_bytes(b"mine")
        told = export(collected, "there.zip")
        assert (told.code, "there already" in told.err) == (1, True)
        assert (collected.folder / "there.zip").read_bytes() == b"mine"
        assert export(collected, "there.zip", "--force").code == 0

    def test_nothing_is_left_of_a_pack_that_failed(self, collected: Sandbox) -> None:
        assert export(collected, "none.zip", "--scope", "nowhere").code == 1
        assert not [path for path in collected.folder.iterdir() if "none.zip" in path.name]

    @pytest.mark.parametrize(
        ("more", "said"),
        [
            (("--control", "9.1"), "there is no control '9.1'"),
            (("--scope", "nowhere"), "nothing of nowhere was collected from"),
            (("--provider", "azure"), "nothing of azure was collected from"),
            (("--seed", "x"), "--seed goes together with --sample"),
            (("--sample", "0"), "0 is not in the range"),
            (("--sample", "2", "--seed", ""), "--seed is empty"),
            (("--out", "no/such/folder.zip"), "no/such/folder.zip cannot be written"),
        ],
    )
    def test_what_cannot_be_meant_is_refused_in_words(
        self, collected: Sandbox, more: tuple[str, ...], said: str
    ) -> None:
        told = export(collected, "refused.zip", *more)
        assert told.code == 1
        assert said in told.err
        assert not (collected.folder / "refused.zip").exists()

    def test_a_period_in_which_nothing_was_collected_is_refused(self, collected: Sandbox) -> None:
        today = dt.datetime.now(dt.UTC).date()
        told = collected.ask("export", "pack", "--period", f"{today}..{today}", "--out", "today.zip")
        assert told.code == 1
        assert f"nothing was collected from {today} to {today}" in told.err
        assert "The last collection before the end of the period was finished at" in told.err

    def test_a_period_before_the_first_collection_is_refused(self, collected: Sandbox) -> None:
        told = collected.ask("export", "pack", "--period", "2020-01-01..2020-12-31", "--out", "old.zip")
        assert told.code == 1
        assert "nothing was collected from 2020-01-01 to 2020-12-31" in told.err


def test_timestamps_count_for_more_once_they_are_held_against_certificates_from_outside(
    exported: Exported,
) -> None:
    asked = ("verify", "--pack", str(exported.zip), "--key", exported.key)
    alone = exported.box.ask(*asked)
    held = exported.box.ask("--config", str(exported.box.config), *asked)
    assert (alone.code, held.code) == (0, 0)
    assert "Timestamped up to entry" in alone.out
    assert "Timestamped up to entry" in held.out
    assert "Anybody may have issued these timestamps" in alone.out
    assert "Anybody may have issued" not in held.out
    assert [exported.box.ask(*asked, "--format", "json").json["stamps_trusted"]] == [False]
