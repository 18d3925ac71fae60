"""A pack verifies; whatever is changed in it is named, even by who makes the manifest fit."""

import base64
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from store.canonical import digest
from store.pack.archive import Archive
from store.pack.contents import Selection
from store.verification.demands import Demands, Held
from tests.independent_pack_verifier import PackVerifier
from tests.store.conftest import PRIVATE
from tests.store.keys import Witness, signer
from tests.store.pack.packing import (
    JANUARY,
    KEY,
    TRUSTED,
    Forger,
    as_lines,
    checked,
    export,
    lines,
    named,
    read,
    sampled,
    write,
)

Row = dict[str, Any]
SELECTIONS = {
    "everything": Selection(JANUARY),
    "a control": Selection(JANUARY, frozenset({"8.3"})),
    "the control of a check on a whole scope": Selection(JANUARY, frozenset({"8.15"})),
    "a control that nothing bears on": Selection(JANUARY, frozenset({"7.14"})),
    "a scope": Selection(JANUARY, scopes=frozenset({"222233334444"})),
    "a provider": Selection(JANUARY, providers=frozenset({"aws"})),
    "a sample": sampled(2),
    "a sample of a control": Selection(JANUARY, frozenset({"8.15"}), sample=sampled(1).sample),
}


@pytest.mark.parametrize("selection", SELECTIONS.values(), ids=SELECTIONS)
def test_a_pack_verifies_and_so_it_does_for_a_verifier_of_another_make(
    packed_record: Path, tmp_path: Path, selection: Selection
) -> None:
    path = export(packed_record, tmp_path / "audit.zip", selection)
    assert named(path) == ""
    assert PackVerifier(path).run(str(KEY)) == []


def test_verification_says_what_it_proved(pack: Path) -> None:
    found = checked(pack)
    manifest = json.loads(read(pack)["manifest.json"])
    assert (found.log.trusted, found.log.signed_size, found.log.root) == (
        True,
        manifest["log"]["size"],
        manifest["log"]["root"],
    )
    assert found.selection == Selection(JANUARY)
    assert found.rows == len(lines(pack, "data/content.jsonl")) + len(lines(pack, "data/findings.jsonl"))
    assert found.standing == sum(row["closed"] is None for row in lines(pack, "data/findings.jsonl"))
    assert (found.pages, found.collections) == (1, 10)


# What whoever makes the manifest fit can do, and what it is found by.


def rows(name: str, change: Callable[[list[Row]], Any]) -> Callable[[Path], dict[str, bytes]]:
    """Change the lines of a file."""

    def forge(pack: Path) -> dict[str, bytes]:
        found = lines(pack, name)
        change(found)
        return {name: as_lines(found)}

    return forge


def one(found: list[Row], **wanted: Any) -> Row:
    return next(row for row in found if all(row[key] == value for key, value in wanted.items()))


def _flip(found: list[Row]) -> None:
    one(found, outcome="fail", closed=None)["outcome"] = "pass"


def _observe(found: list[Row]) -> None:
    one(found, outcome="fail", closed=None, check=PRIVATE[0])["observed"] = {"item": {"public": False}}


FINDINGS, CONTENT = "data/findings.jsonl", "data/content.jsonl"
FORGERIES = {
    "a failure becomes a pass": (rows(FINDINGS, _flip), "its findings give another root"),
    "what was observed is changed": (rows(FINDINGS, _observe), "its findings give another root"),
    "a standing failure is left out": (
        rows(FINDINGS, lambda found: found.remove(one(found, outcome="fail", closed=None))),
        "its findings give another root",
    ),
    "a failure is said to have ended": (
        rows(FINDINGS, lambda found: one(found, outcome="fail", resource="d", closed=None).update(closed=21)),
        "is not bounded by collections of its series",
    ),
    "a failure is said to be younger": (
        rows(FINDINGS, lambda found: _age(one(found, resource="d", closed=None, check=PRIVATE[0]))),
        "since when it holds is not what its history says",
    ),
    "a failure is said to be as old as the first": (
        rows(FINDINGS, lambda found: one(found, resource="e", closed=None, check=PRIVATE[0]).update(since=4)),
        "since when it holds is not what its history says",
    ),
    "findings are put in another order": (
        rows(FINDINGS, lambda found: found.reverse()),
        "has rows of no series, or has them in another order",
    ),
    "a finding is there twice": (
        rows(FINDINGS, lambda found: found.insert(0, found[0])),
        "is not in order",
    ),
    "what decided a finding is withheld": (
        rows(FINDINGS, lambda found: _withhold(one(found, resource="d", closed=None))),
        "what decided it is not in the pack",
    ),
    "a resource is left out": (
        rows(CONTENT, lambda found: found.remove(one(found, resource="d", closed=None))),
        "its resources give another root or number",
    ),
    "a resource gets another document": (
        rows(CONTENT, lambda found: one(found, resource="d", closed=None).update(document="00" * 32)),
        "its resources give another root or number",
    ),
    "what an incomplete collection saw is left out": (
        rows("data/seen.jsonl", lambda found: found.pop()),
        "data/seen.jsonl does not say what it saw",
    ),
    "an incomplete collection is said to have seen more": (
        rows("data/seen.jsonl", lambda found: found[0].update(seen=[[0, 2]])),
        "saw something else than the pack says",
    ),
    "what an incomplete collection saw is said twice": (
        rows("data/seen.jsonl", lambda found: found[0]["seen"].append(found[0]["seen"][0])),
        "what it saw is not in order",
    ),
    "a complete collection is said to have seen less": (
        rows("data/seen.jsonl", lambda found: found.insert(0, {**found[0], "collection": 5, "seen": []})),
        "than its incomplete collections saw",
    ),
    "a finding says more than the log": (
        rows(FINDINGS, lambda found: found[0].update(waived="by the CISO")),
        "a line has other keys than its file has",
    ),
    "a resource says more than the log": (
        rows(CONTENT, lambda found: found[0].update(name="archive")),
        "a line has other keys than its file has",
    ),
    "a finding has both what decided it and a digest of that": (
        rows(FINDINGS, lambda found: one(found, resource="d", closed=None).update(decided="00" * 32)),
        "a line has other keys than its file has",
    ),
    "a finding has two outcomes": (
        lambda pack: {
            FINDINGS: read(pack)[FINDINGS].replace(b'"outcome":"fail"', b'"outcome":"pass","outcome":"fail"')
        },
        "a line is not canonical JSON",
    ),
    "a series is left out": (
        rows("data/series.jsonl", lambda found: found.pop()),
        "aws.s3.bucket in aws 222233334444 eu-north-1 was collected, but is left out",
    ),
    "a series is invented": (
        rows("data/series.jsonl", lambda found: found.append({**found[-1], "series": 4, "type": "aws.x.y"})),
        "has series that were not collected",
    ),
}


def _age(row: Row) -> None:
    assert row["since"] < row["opened"]
    row["since"] = row["opened"]


def _withhold(row: Row) -> None:
    row["decided"] = digest({"observed": row.pop("observed"), "reason": row.pop("reason")})


@pytest.mark.parametrize(("forge", "words"), FORGERIES.values(), ids=FORGERIES)
def test_a_forgery_is_named(
    pack: Path, forger: Forger, forge: Callable[[Path], dict[str, bytes]], words: str
) -> None:
    forged = forger.forge(forge(pack))
    assert words in named(forged)


@pytest.mark.parametrize(
    "name", ["a failure becomes a pass", "a resource is left out", "a series is left out"]
)
def test_a_verifier_of_another_make_finds_it_too(pack: Path, forger: Forger, name: str) -> None:
    assert PackVerifier(forger.forge(FORGERIES[name][0](pack))).run(str(KEY)) != []


@pytest.mark.parametrize(
    ("folder", "words"),
    [
        ("log", "is missing"),
        ("checkpoints", "is missing"),
        ("data", ""),
        ("documents", "is missing"),
        ("reports", "is missing"),
        ("checks", "is missing or changed"),
        ("statements", "is missing"),
        ("files", "is missing"),
        ("proofs", "is missing"),
    ],
)
def test_a_file_that_is_left_out_is_missed(pack: Path, forger: Forger, folder: str, words: str) -> None:
    for name in [name for name in read(pack) if name.startswith(f"{folder}/")][:8]:
        told = named(forger.forge({name: None}))
        assert told, name
        assert words in told, name


@pytest.mark.parametrize(
    "name",
    [
        "documents/00/" + "00" * 32 + ".json",
        "data/more.jsonl",
        "proofs/5.tlog-proof",
        "reports/x.json",
        "checks/x.json",
        "files/x.pdf",
        "statements/x.json",
        "checkpoints/12.checkpoint",
        "log/tile/0/001.p/1",
        "setup.exe",
    ],
)
def test_a_file_that_is_too_many_is_named(forger: Forger, name: str) -> None:
    assert name in named(forger.forge({name: b"{}"}))


def test_a_file_that_the_manifest_does_not_have_is_named_and_one_that_it_has_too_many(
    pack: Path, tmp_path: Path
) -> None:
    members = read(pack)
    page = members.pop("index.html")
    told = named(write(tmp_path / "other.zip", {**members, "other.html": page}))
    assert "index.html: is in the manifest, but not in the pack" in told
    assert "other.html: is not in the manifest" in told


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(chosen=st.randoms(use_true_random=False), fits=st.booleans())
def test_no_changed_byte_of_evidence_goes_unseen(
    pack: Path, forger: Forger, tmp_path: Path, chosen: Any, fits: bool
) -> None:
    members = read(pack)
    name = chosen.choice(sorted(set(members) - {"manifest.json", "index.html"}))
    data = bytearray(members[name])
    data[chosen.randrange(len(data))] ^= 1 << chosen.randrange(8)
    changed = {name: bytes(data)}
    forged = forger.forge(changed) if fits else write(tmp_path / "flipped.zip", {**members, **changed})
    told = named(forged)
    assert told
    if not fits:
        assert f"{name}: is not as the manifest says" in told


def test_a_changed_page_is_named_unless_the_manifest_was_made_to_fit(
    pack: Path, forger: Forger, tmp_path: Path
) -> None:
    changed = {"index.html": b"<p>all is well</p>"}
    assert "index.html: is not as the manifest says" in named(write(tmp_path / "p.zip", read(pack) | changed))
    assert named(forger.forge(changed)) == "", "nobody signs pages: docs/pack-format.md says so"


@pytest.mark.parametrize(
    "about",
    [
        {"period": {"first": "2026-01-05", "last": "2026-01-31"}},
        {"period": {"first": "2026-01-03", "last": "2026-01-06"}},
        {"selection": {"controls": ["8.15"], "providers": [], "scopes": []}},
        {"selection": {"controls": [], "providers": [], "scopes": ["222233334444"]}},
        {"sample": {"number": 2, "seed": "x"}},
        {"as_of": "2026-01-31T00:00:00.000Z"},
        {"origin": "example.com/other"},
        {"store": "00" * 16},
        {"checkpoints": [10]},
        {"statements": [30]},
        {"populations": []},
        {"log": {"size": 41, "root": "00" * 32}},
    ],
    ids=" ".join,
)
def test_a_manifest_that_claims_something_else_is_found(forger: Forger, about: dict[str, Any]) -> None:
    assert named(forger.forge({}, about)) != ""


def test_a_sample_is_drawn_again(packed_record: Path, tmp_path: Path) -> None:
    path = export(packed_record, tmp_path / "audit.zip", sampled(3, "ours"))
    forger = Forger(path, tmp_path)
    assert "is shown, though it was not drawn" in named(
        forger.forge({}, {"sample": {"number": 3, "seed": "other"}})
    )
    fewer = named(forger.forge({}, {"sample": {"number": 2, "seed": "ours"}}))
    assert "is shown, though it was not drawn" in fewer
    more = named(forger.forge({}, {"sample": {"number": 4, "seed": "ours"}}))
    assert "what decided it is not in the pack" in more


def test_a_sample_lists_its_whole_population(packed_record: Path, tmp_path: Path) -> None:
    path = export(packed_record, tmp_path / "audit.zip", sampled(3))
    (population,) = (
        each for each in json.loads(read(path)["manifest.json"])["populations"] if each["check"] == PRIVATE[0]
    )
    standing = [row for row in lines(path, FINDINGS) if row["check"] == PRIVATE[0] and row["closed"] is None]
    assert len(standing) == population["total"] == 34
    assert sum("observed" in row for row in standing) == population["packed"] == 3


# Whose word it rests on.


def test_without_a_key_from_outside_it_is_not_trusted(pack: Path) -> None:
    found = checked(pack, Demands())
    assert (found.log.problems, found.log.trusted) == ([], False)


def test_another_key_is_refused(pack: Path) -> None:
    assert "which is not a trusted key" in named(pack, Demands(trusted=(signer(seed=9).key,)))


def test_a_pack_that_was_signed_anew_does_not_satisfy_the_key(pack: Path, forger: Forger) -> None:
    note = read(pack)["log/checkpoint"].decode()
    text = note.partition("\n\n")[0] + "\n"
    other = signer(seed=9)
    line = base64.b64encode(other.key.id + other.sign(text.encode())).decode()
    signed = f"{text}\n— {other.key.name} {line}\n".encode()
    told = named(forger.forge({"log/checkpoint": signed, "checkpoints/41.checkpoint": signed}))
    assert "checkpoints/41.checkpoint: does not hold" in told


def test_a_checkpoint_from_outside_must_be_of_the_same_log(pack: Path) -> None:
    members = read(pack)
    held = Held("mine", members["checkpoints/20.checkpoint"])
    assert checked(pack, Demands(trusted=(KEY,), held=(held,))).log.held == [("mine", 20)]
    other = Held("mine", members["checkpoints/20.checkpoint"].replace(b"\n20\n", b"\n21\n"))
    assert "mine" in named(pack, Demands(trusted=(KEY,), held=(other,)))


def test_witnesses_who_cosigned_are_counted_though_the_log_is_too_short_to_name_them(
    pack: Path, forger: Forger
) -> None:
    witness = Witness("witness.one", 11)
    note = read(pack)["log/checkpoint"]
    cosigned = note + str(witness.cosign(note.decode().partition("\n\n")[0] + "\n")).encode()
    proofs = {
        name: data.partition(b"\n\n")[0] + b"\n\n" + cosigned
        for name, data in read(pack).items()
        if name.endswith(".tlog-proof")
    }
    forged = forger.forge({"log/checkpoint": cosigned, "checkpoints/41.checkpoint": cosigned, **proofs})
    asked = Demands(trusted=(KEY,), witnesses=(witness.key,), quorum=1)
    assert (named(forged, asked), checked(forged, asked).log.witnessed_size) == ("", 41)
    assert "no checkpoint is cosigned by 1 of 1 witnesses" in named(pack, asked)


def test_verifying_writes_nothing(pack: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copy = Path(shutil.copy(pack, tmp_path))
    copy.chmod(0o400)
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    assert checked(copy, TRUSTED).ok
    assert copy.read_bytes() == pack.read_bytes()
    assert sorted(each.name for each in tmp_path.rglob("*")) == [copy.name, "here"]


def test_a_byte_that_is_flipped_in_the_zip_itself_is_named_or_refused(pack: Path, tmp_path: Path) -> None:
    with Archive.open(pack) as archive:
        name = next(each for each in archive.names if each.startswith("documents/"))
    data = bytearray(pack.read_bytes())
    at = data.index(name.encode()) + len(name) + 3
    data[at] ^= 0x55
    damaged = tmp_path / "damaged.zip"
    damaged.write_bytes(data)
    assert f"{name}: is damaged" in named(damaged)
