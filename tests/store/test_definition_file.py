"""Definition files are refused with the file, the key and the fix."""

from pathlib import Path

import pytest
from pydantic import Field

from store.definition_file import parse, read_tables
from store.errors import DefinitionError
from store.model import Strict


class Thing(Strict):
    id: str
    size: int = Field(default=1, ge=1)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "things.toml"


def test_tables_are_read_in_order(path: Path) -> None:
    path.write_text('[[check]]\nid = "b"\n[[check]]\nid = "ä"\n', encoding="utf-8")
    assert read_tables(path, "check") == [{"id": "b"}, {"id": "ä"}]


def test_a_file_without_such_tables_has_none(path: Path) -> None:
    path.write_text('[[resource]]\nid = "b"\n')
    assert read_tables(path, "check") == []


def test_a_misspelt_kind_of_definition_is_refused_with_the_spelling_that_is_meant(path: Path) -> None:
    path.write_text('[[chek]]\nid = "b"\n')
    with pytest.raises(DefinitionError, match=r"things\.toml: 'chek' is no kind of definition") as caught:
        read_tables(path, "check")
    assert "[[check]]" in caught.value.hint


def test_a_syntax_error_names_file_and_line(path: Path) -> None:
    path.write_text('[[check]]\nid = "b\n')
    with pytest.raises(DefinitionError, match=r"things\.toml: .*line 2") as caught:
        read_tables(path, "check")
    assert caught.value.hint


def test_a_file_that_is_not_utf_8_is_named(path: Path) -> None:
    path.write_bytes(b'[[check]]\nid = "\xff"\n')
    with pytest.raises(DefinitionError, match=r"things\.toml: .*utf-8"):
        read_tables(path, "check")


def test_a_file_that_is_not_there_is_named(path: Path) -> None:
    with pytest.raises(DefinitionError, match=r"things\.toml: .*No such file"):
        read_tables(path, "check")


@pytest.mark.parametrize("text", ['check = "b"', "[check]\nid = 1", "check = [1]"])
def test_what_is_no_array_of_tables_is_refused_with_the_spelling_that_is_meant(path: Path, text: str) -> None:
    path.write_text(text)
    with pytest.raises(DefinitionError, match=r"things\.toml: 'check' must be an array of tables") as caught:
        read_tables(path, "check")
    assert "[[check]]" in caught.value.hint


def test_a_table_becomes_its_model(path: Path) -> None:
    assert parse(Thing, {"id": "b", "size": 2}, path, "b") == Thing(id="b", size=2)


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"id": "b", "sise": 2}, "sise: unknown key"),
        ({}, "id: Field required"),
        ({"id": "b", "size": "many"}, "size: Input should be a valid integer"),
        ({"id": "b", "size": 0}, "size: Input should be greater than or equal to 1"),
    ],
)
def test_a_wrong_key_is_named_with_file_and_table(path: Path, table: dict[str, object], said: str) -> None:
    with pytest.raises(DefinitionError, match=rf"things\.toml: label: {said}"):
        parse(Thing, table, path, "label")


def test_every_wrong_key_is_named_at_once(path: Path) -> None:
    with pytest.raises(DefinitionError, match=r"id: .*; size: .*; colour: unknown key"):
        parse(Thing, {"size": 0, "colour": "red"}, path, "label")
