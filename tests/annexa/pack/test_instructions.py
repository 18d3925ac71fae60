"""VERIFY.md works as it is written: its commands accept a pack, and name what was changed."""

import hashlib
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from annexa.pack.instructions import instructions
from store.pack import layout
from store.pack.contents import Sample, Selection
from tests.annexa.pack import sample_contents as sample
from tests.annexa.pack.conftest import Exported
from tests.store.keys import need_openssl, signer

STEPS = 9
TOOLS = "base64 cmp cut find grep head mktemp od openssl rm sed sh sha256sum tail test tr wc cat"


def commands(folder: Path) -> list[str]:
    """Return what an auditor pastes, step by step."""
    text = (folder / layout.INSTRUCTIONS).read_text(encoding="utf-8")
    return re.findall(r"^```sh\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def paste(
    folder: Path, exported: Exported, tools: Path, **variables: str
) -> "subprocess.CompletedProcess[str]":
    """Paste all of it into one shell, which stops at what does not fit."""
    return subprocess.run(
        ["sh", "-eu"],
        input="\n".join(commands(folder)),
        cwd=folder,
        env={"PATH": str(tools), "VKEY": exported.key, "ROOTS": str(exported.roots), **variables},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.fixture(scope="module")
def tools(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A path with the tools that are promised to be enough, and no others."""
    need_openssl()
    folder = tmp_path_factory.mktemp("tools")
    for name in TOOLS.split():
        found = shutil.which(name)
        if found is None:
            pytest.skip(f"{name} is not on this machine")
        (folder / name).symlink_to(found)
    python = folder / "python3"
    # The isolated mode sees the libraries of this environment, and nothing of this project.
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" -I "$@"\n', encoding="utf-8")
    python.chmod(0o755)
    return folder


@pytest.fixture
def copy(exported: Exported, tmp_path: Path) -> Path:
    return Path(shutil.copytree(exported.folder, tmp_path / "copy"))


def test_the_commands_accept_the_pack(exported: Exported, tools: Path) -> None:
    done = paste(exported.folder, exported, tools)
    assert done.returncode == 0, done
    assert len(commands(exported.folder)) == STEPS
    for said in (
        "files are as the manifest says",
        "have the SHA-256 that is their name",
        "Signature Verified Successfully",
        "Time stamp:",
        "entries are in the log of",
        "begins with those of",
        "collections judged exactly what data/ lists",
    ):
        assert said in done.stdout, said
    assert "Verification: OK" in done.stdout + done.stderr


def test_they_leave_the_pack_as_it_was(exported: Exported, tools: Path) -> None:
    before = sorted(exported.folder.rglob("*"))
    assert paste(exported.folder, exported, tools).returncode == 0
    assert sorted(exported.folder.rglob("*")) == before


def test_they_refuse_a_key_that_did_not_sign(exported: Exported, tools: Path) -> None:
    own = signer(exported.key.split("+")[0], seed=9).key
    done = paste(exported.folder, exported, tools, VKEY=str(own))
    assert done.returncode != 0
    assert "files are as the manifest says" in done.stdout
    assert "Signature Verified Successfully" not in done.stdout


def test_they_refuse_to_go_on_without_a_key(exported: Exported, tools: Path) -> None:
    done = paste(exported.folder, exported, tools, VKEY="")
    assert done.returncode != 0
    assert "set VKEY to the key that you were given" in done.stderr


def test_they_refuse_a_key_with_another_id(exported: Exported, tools: Path) -> None:
    name, _, rest = exported.key.split("+", 2)
    done = paste(exported.folder, exported, tools, VKEY=f"{name}+00000000+{rest}")
    assert "WRONG: the key does not have the ID" in done.stderr
    assert done.returncode != 0


@pytest.mark.parametrize(
    ("pattern", "old", "new"),
    [
        ("documents/*/*.json", b"AES256", b"aws:km"),
        ("reports/*/*.json", b"s3", b"s4"),
        ("pages/controls/8.24.html", b"not satisfied", b"satisfied    "),
        ("checks/*.json", b"medium", b"lowest"),
        ("files/*/*", b"policy", b"Policy"),
    ],
)
def test_they_name_a_file_that_was_changed(
    exported: Exported, tools: Path, copy: Path, pattern: str, old: bytes, new: bytes
) -> None:
    path = next(path for path in sorted(copy.glob(pattern)) if old in path.read_bytes())
    path.write_bytes(path.read_bytes().replace(old, new, 1))
    done = paste(copy, exported, tools)
    assert done.returncode != 0
    assert path.name in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("name", "old", "new", "step"),
    [
        ("data/findings.jsonl", b'"outcome":"fail"', b'"outcome":"pass"', 7),
        ("data/content.jsonl", b"letters", b"Letters", 7),
        ("proofs/*.entry.json", b'"complete":true', b'"complete":false', 5),
        ("log/tile/entries/*.p/*", b"eu-central-1", b"eu-central-2", 7),
        ("log/tile/0/*.p/*", None, None, 6),
    ],
)
def test_each_step_finds_what_it_is_there_for(
    exported: Exported, tools: Path, copy: Path, name: str, old: bytes | None, new: bytes, step: int
) -> None:
    """Changes that whoever made them put into the manifest too."""
    path = next(path for path in sorted(copy.glob(name)) if old is None or old in path.read_bytes())
    data = path.read_bytes()
    path.write_bytes(bytes([data[0] ^ 1]) + data[1:] if old is None else data.replace(old, new, 1))
    without_the_manifest(copy)
    done = paste(copy, exported, tools)
    assert done.returncode != 0
    found = {5: "are in the log of", 6: "begins with those of", 7: "exactly what data/ lists"}
    assert found[step] not in done.stdout
    assert all(said in done.stdout for number, said in found.items() if number < step)


def without_the_manifest(folder: Path) -> None:
    """Take out step 1, as who makes the manifest fit does in effect."""
    text = (folder / layout.INSTRUCTIONS).read_text(encoding="utf-8")
    without = re.sub(r"(?s)(## 1\..*?)```sh\n.*?^```", r"\1", text, count=1, flags=re.MULTILINE)
    (folder / layout.INSTRUCTIONS).write_text(without, encoding="utf-8")
    assert len(commands(folder)) == STEPS - 1


def _drop_a_series(folder: Path) -> str:
    """Leave out a whole series and its rows, which changes no root of another."""
    for path in (folder / "data").iterdir():
        found = [json.loads(line) for line in path.read_bytes().splitlines()]
        kept = [row for row in found if row["series"] != 1]
        for row in kept:
            row["series"] -= row["series"] > 1
        path.write_text("".join(f"{json.dumps(row)}\n" for row in kept), encoding="utf-8")
    return "AssertionError"


def _invent_a_finding(folder: Path) -> str:
    path = folder / "data/findings.jsonl"
    row = json.loads(path.read_bytes().splitlines()[0]) | {"opened": 10**6, "closed": None}
    path.write_bytes(path.read_bytes() + json.dumps(row).encode() + b"\n")
    return "a finding that never stood"


def _invent_a_file(folder: str) -> Callable[[Path], str]:
    def forge(copy: Path) -> str:
        data = b'{"kind":"attestation","says":{"files":[]}}'
        name = f"{hashlib.sha256(data).hexdigest()}.json"
        (copy / folder / name).write_bytes(data)
        return f"nothing names {folder}/{name}"

    return forge


@pytest.mark.parametrize(
    "forge",
    [
        _drop_a_series,
        _invent_a_finding,
        *map(_invent_a_file, ("statements", "documents", "reports", "checks")),
    ],
)
def test_the_last_step_finds_what_is_left_out_or_invented(
    exported: Exported, tools: Path, copy: Path, forge: Callable[[Path], str]
) -> None:
    words = forge(copy)
    without_the_manifest(copy)
    done = paste(copy, exported, tools)
    assert done.returncode != 0
    assert words in done.stderr
    assert "exactly what data/ lists" not in done.stdout


def test_a_checkpoint_that_the_key_did_not_sign_is_not_said_to_be_the_log(
    exported: Exported, tools: Path, copy: Path
) -> None:
    """Pasted into a shell that goes on after what does not fit, as an auditor's does."""
    for path in (*copy.glob("checkpoints/*.checkpoint"), copy / "log/checkpoint"):
        text = path.read_text(encoding="utf-8").partition("\n\n")[0]
        path.write_text(f"{text}\n\n— {text.splitlines()[0]} AAAAAAAA\n", encoding="utf-8")
    steps = commands(copy)
    done = subprocess.run(
        ["sh"],
        input="\n".join((steps[0], steps[3])),
        cwd=copy,
        env={"PATH": str(tools), "VKEY": exported.key},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "WRONG: the key did not sign this" in done.stderr
    assert "the log has" not in done.stdout


def test_no_module_that_lies_in_the_pack_is_run(copy: Path) -> None:
    for name in ("json", "hashlib", "tlog_scales"):
        (copy / f"{name}.py").write_text("raise SystemExit('run by the pack')", encoding="utf-8")
    steps = [step.replace("python3", f'"{sys.executable}"') for step in commands(copy) if "python3" in step]
    assert steps
    for step in steps:
        done = subprocess.run(
            ["sh"], input=step, cwd=copy, env={}, capture_output=True, text=True, timeout=60, check=False
        )
        assert "run by the pack" not in done.stderr, step


def test_a_file_that_was_added_is_named(exported: Exported, tools: Path, copy: Path) -> None:
    (copy / "documents" / "more.txt").write_text("x")
    assert "more.txt" in paste(copy, exported, tools).stderr


def test_annexa_verifies_the_same_pack_with_the_command_that_is_told(exported: Exported) -> None:
    text = (exported.folder / layout.INSTRUCTIONS).read_text(encoding="utf-8")
    (told,) = re.findall(r"^ {4}annexa (.*)$", text, re.MULTILINE)
    words = [exported.key if word == '"$VKEY"' else word for word in told.split()]
    done = exported.box.ask(*words)
    assert done.code == 0, done


def test_without_a_timestamp_none_is_claimed() -> None:
    text = instructions(sample.contents(stamped=[])).decode()
    assert "There is no timestamp in this pack." in text
    assert "openssl ts" not in text


def test_with_one_checkpoint_it_says_what_to_keep_for_the_next_audit() -> None:
    text = instructions(sample.contents(checkpoints=[50])).decode()
    assert "keep `checkpoints/50.checkpoint` for the next audit" in text


def test_nobody_s_words_reach_a_shell() -> None:
    text = instructions(
        sample.contents(
            origin="$(touch /tmp/x)`id`",
            store_id="$(id)",
            selection=Selection(sample.PERIOD, sample=Sample(1, "$(id)")),
        )
    ).decode()
    assert not [block for block in re.findall(r"```sh\n(.*?)```", text, re.DOTALL) if "$(touch" in block]
    assert text.count("$(touch") == 1
    assert "$(id)" not in text


def test_it_says_what_is_not_proven(exported: Exported) -> None:
    text = (exported.folder / layout.INSTRUCTIONS).read_text(encoding="utf-8")
    assert "must come to you by another way" in text
    for said in ("reading aid", "never in scope", "What people stated"):
        assert said in text.partition("## What is not proven")[2]
