"""Imports run one way: annexa → scheduler → collectors and mappings → store."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

ALLOWED = {
    "store": set[str](),
    "collectors": {"store"},
    "mappings": {"store"},
    "scheduler": {"collectors", "mappings", "store"},
    "annexa": {"scheduler", "collectors", "mappings", "store"},
}
"""Room → the other rooms that it may import. Collectors and mappings do not know each other."""

NOT_IN_PRODUCT = {"tests", "benchmarks"}
HEAVY = {
    "alembic",
    "apscheduler",
    "azure",
    "boto3",
    "botocore",
    "cel_expr_python",
    "click",
    "cryptography",
    "google",
    "httpx",
    "orjson",
    "pydantic",
    "requests",
    "rfc3161_client",
    "rich",
    "sqlalchemy",
    "tomli",
}


def modules(room: str) -> list[Path]:
    return sorted((ROOT / room).rglob("*.py"))


def imported(path: Path) -> Iterator[tuple[int, str]]:
    """Yield (line, top-level name) of every import in a file, those within functions included."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name.split(".")[0]
        elif isinstance(node, ast.ImportFrom):
            package = path.relative_to(ROOT).parts[0] if node.level else str(node.module).split(".")[0]
            yield node.lineno, package
        elif (
            isinstance(node, ast.Call)
            and node.args
            and isinstance(node.args[0], ast.Constant | ast.JoinedStr)
        ):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if name in ("import_module", "__import__"):
                yield node.lineno, ast.unparse(node.args[0]).lstrip("f").strip("'\"").split(".")[0]


@pytest.mark.parametrize("room", ALLOWED)
def test_a_room_imports_only_those_below_it(room: str) -> None:
    forbidden = (ALLOWED.keys() | NOT_IN_PRODUCT) - ALLOWED[room] - {room}
    wrong = [
        f"{path.relative_to(ROOT)}:{line} imports {name}"
        for path in modules(room)
        for line, name in imported(path)
        if name in forbidden
    ]
    assert wrong == []


@pytest.mark.parametrize("room", ALLOWED)
def test_a_room_has_modules_to_look_at(room: str) -> None:
    assert len(modules(room)) > 1


def test_every_package_at_the_top_is_a_room() -> None:
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")}
    assert packages == ALLOWED.keys() | NOT_IN_PRODUCT


def test_the_test_sees_every_way_to_import(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules[__name__], "ROOT", tmp_path)
    path = tmp_path / "store" / "module.py"
    path.parent.mkdir()
    path.write_text(
        "import a.b as x, c\n"
        "from d.e import f\n"
        "from . import g\n"
        "def late():\n"
        "    import h\n"
        "    import_module('i.j')\n"
        "    importlib.import_module(f'k.{x}')\n"
    )
    assert {name for _, name in imported(path)} == {"a", "c", "d", "store", "h", "i", "k"}


def test_the_console_script_loads_nothing_heavy() -> None:
    program = f"import sys, annexa.__main__; print(sorted({HEAVY!r} & sys.modules.keys()))"
    result = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "[]"
