"""A collector of somebody else's is installed as a package, found by its entry point, and collects."""

import subprocess
import sys
from pathlib import Path

import pytest

from collectors.registry import collector_class
from store.errors import CollectorError

_COLLECTOR = """
from datetime import UTC, datetime
from pathlib import Path

from annexa.plugin import (
    Answer, Collection, Discovery, Engine, Identity, Request, Scope, Strict, Target, Tools,
    Permissions, load_resource_types,
)


class Settings(Strict):
    shelves: int = 2


class Transport:
    def __init__(self, shelves):
        self.shelves = shelves

    def send(self, request: Request) -> Answer:
        shelf = request.token or 0
        books = [{"Isbn": f"{shelf}-{n}", "Lent": n == 0} for n in range(2)]
        following = shelf + 1 if shelf + 1 < self.shelves else None
        return Answer({"Books": books}, following, datetime.now(UTC))


class LibraryCollector:
    provider = "library"
    version = "1.0"
    Settings = Settings

    def __init__(self, settings, tools: Tools):
        self.settings = Settings.model_validate(settings)
        self.tools = tools

    @classmethod
    def definitions(cls, folders):
        return load_resource_types([Path(__file__).parent, *folders])

    def resource_types(self):
        return self.definitions([])

    def discover(self):
        return Discovery((Scope("library", "main", "Main"),))

    def targets(self, scope, types):
        return [Target(kind, "") for kind in types]

    def collect(self, scope, target) -> Collection:
        engine = Engine(scope, Transport(self.settings.shelves), self.tools, Identity("library", "1.0"))
        return engine.collect(self.resource_types()[target.resource_type], target)

    def permissions(self, types):
        return Permissions(("read",), ("scopes: [read]",), ".yaml")

    def diagnose(self):
        return []

    @classmethod
    def definition_problems(cls, definition):
        return []

    @classmethod
    def field_problems(cls, definition, document):
        return []
"""

_DEFINITION = """
[[resource]]
type   = "library.shelf.book"
title  = "Book"
region = "global"
id     = "isbn:{item.Isbn}"
name   = "{item.Isbn}"
list   = { call = "library:ListBooks", items = "Books" }
"""

_PROGRAM = """
from annexa.plugin import Tools
from collectors.registry import collector_class, provider_names

assert "library" in provider_names(), provider_names()
collector = collector_class("library")({"shelves": 3}, Tools(redaction_key=b"key"))
(scope,) = collector.discover().scopes
(target,) = collector.targets(scope, collector.resource_types())
with collector.collect(scope, target) as collection:
    print(",".join(document.id for document in collection))
assert collection.report.complete
assert collection.report.provenance["collector"] == {"name": "library", "version": "1.0"}
"""


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """What pip makes of such a package in ``site-packages``."""
    package, metadata = tmp_path / "annexa_library", tmp_path / "annexa_library-1.0.dist-info"
    package.mkdir()
    metadata.mkdir()
    (package / "__init__.py").write_text(_COLLECTOR)
    (package / "shelf.toml").write_text(_DEFINITION)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: annexa-library\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(
        "[annexa.collectors]\n"
        "library = annexa_library:LibraryCollector\n"
        "broken = annexa_library:Nothing\n"
        "needy = annexa_library_extra:Collector\n"
    )
    return tmp_path


def test_collects_with_it(site: Path) -> None:
    root = Path(__file__).parents[2]
    program = f"import sys; sys.path[:0] = [{str(site)!r}, {str(root)!r}]\n{_PROGRAM}"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "isbn:0-0,isbn:0-1,isbn:1-0,isbn:1-1,isbn:2-0,isbn:2-1"


def test_what_is_wrong_is_said(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(site))
    with pytest.raises(CollectorError, match=r"'nothing'.*library"):
        collector_class("nothing")
    with pytest.raises(CollectorError, match="Nothing"):
        collector_class("broken")
    with pytest.raises(CollectorError, match="annexa_library_extra") as caught:
        collector_class("needy")
    assert caught.value.hint
