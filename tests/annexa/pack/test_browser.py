"""A real browser shows the pages from a folder, runs our script, and nothing that others wrote."""

import shutil
import subprocess
from pathlib import Path

import pytest

from annexa.pack import page_names
from store.pack import layout
from tests.annexa.pack import sample_contents as sample
from tests.annexa.pack.page_reader import Page
from tests.annexa.pack.test_pages import written

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine")


def browse(folder: Path, path: str, profile: Path) -> Page:
    """Return a page as it is after its scripts have run."""
    done = subprocess.run(
        [
            *(str(CHROMIUM), "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run"),
            *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
            *(f"--user-data-dir={profile}", "--dump-dom", (folder / path).as_uri()),
        ],
        capture_output=True,
        timeout=60,
        check=True,
    )
    return Page.read(path, done.stdout)


def unpack(folder: Path, files: dict[str, bytes]) -> Path:
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return folder


def test_the_filter_appears_and_counts(tmp_path: Path) -> None:
    folder = unpack(tmp_path / "pack", written(sample.contents()))
    page = browse(folder, layout.INDEX, tmp_path / "profile")
    (form,) = page.all("form")
    assert "hidden" not in form.attributes
    assert page.all("output")[0].text == "93 of 93"
    assert len(page.with_class("sort")) > 10


def test_the_style_is_applied_and_what_others_say_does_not_run(tmp_path: Path) -> None:
    text = "<script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">"
    probe = b"<script>document.title='owned'</script></body>"
    files = written(sample.hostile(text))
    path = page_names.check(sample.CHECK)
    # As if escaping had failed: then the policy is what stands in the way.
    files[path] = files[path].replace(b"</body>", probe)
    folder = unpack(tmp_path / "pack", files)
    page = browse(folder, path, tmp_path / "profile")
    assert len(page.all("script")) == 1
    assert page.all("title")[0].text != "owned"
    assert text in page.text
