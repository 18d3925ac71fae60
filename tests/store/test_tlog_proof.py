"""Offline proofs are those of tlog-proof, and prove one entry at one place in one log."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tlog_scales.tlog import Checkpoint as TheirCheckpoint
from tlog_scales.tlog import InclusionProof

from store.checkpoint_text import Checkpoint
from store.note import NoteError, sign
from store.proof import ProofError, SubtreeHashes, inclusion, root_at
from store.tlog_proof import TlogProof
from store.tree import leaf_hash
from store.witness_policy import Policy
from tests.store.keys import ORIGIN, Witness, signer

SPECIFIED = """c2sp.org/tlog-proof@v1
extra YWdlLXYxLjIuMS1kYXJ3aW4tYXJtNjQudGFyLmd6kYXJ3aW4tYXJ
index 73894
gSKyXoYZUgZ6jduWYrkDOARinOMGJveXjgMkBTcdPlQ=
B95lDa8R83lS8n0eG+o0buTxRKQTYFi//1U8anccXmA=
EKNzoDWG8LGC0Yp9o+sv3qllpMP9uHQ9B20KNL+Q1zs=
RoopEkOdqkYqMB4MJXrbt/hMjOxsVn0IrWjpz1ZMMes=
AHCioX9nLjsrse6YhjRRmk1WUEirVOLLRoOQ6vfO5vk=

example.com/fancylog
109482
sFodV/vSp5O8n9a8QpW6PRY97tfOSW5bsc2Xl/EQi08=
"""
"""The example of tlog-proof, up to its signatures, which it abbreviates; its ``extra`` is no base64."""

ENTRIES = [f"entry {number}".encode() for number in range(300)]
TREE = SubtreeHashes(map(leaf_hash, ENTRIES))
LOG = signer()
WITNESS = Witness("witness.example", 7)
POLICY = Policy((LOG.key,), (WITNESS.key,), 1)


def proof_of(index: int, size: int, extra: bytes = b"") -> TlogProof:
    text = str(Checkpoint(ORIGIN, size, root_at(TREE, size)))
    note = sign(text, [LOG]).with_signatures(WITNESS.cosign(text))
    return TlogProof(index, tuple(inclusion(TREE, index, size)), bytes(note), extra)


PROOF = proof_of(123, 300)
DATA = bytes(PROOF)


def test_the_example_of_the_specification_is_read() -> None:
    text = SPECIFIED.replace("YWdlLXYxLjIuMS1kYXJ3aW4tYXJtNjQudGFyLmd6kYXJ3aW4tYXJ", "YWdl")
    proof = TlogProof.parse(text.encode())
    assert (proof.index, len(proof.hashes), proof.extra) == (73894, 5, b"age")
    assert proof.checkpoint.startswith(b"example.com/fancylog\n109482\n")
    assert bytes(proof).decode() == text


def test_the_file_has_the_lines_of_the_specification() -> None:
    lines = DATA.decode().split("\n")
    assert lines[:2] == ["c2sp.org/tlog-proof@v1", "index 123"]
    assert lines.index("") == 2 + len(PROOF.hashes)
    assert DATA.endswith(b"\n\n" + PROOF.checkpoint)


@given(st.data())
def test_a_proof_comes_back_and_verifies(data: st.DataObject) -> None:
    size = data.draw(st.integers(1, 300))
    index = data.draw(st.integers(0, size - 1))
    proof = proof_of(index, size, data.draw(st.binary(max_size=9)))
    again = TlogProof.parse(bytes(proof))
    assert again == proof
    assert again.verify(ENTRIES[index], POLICY, ORIGIN).size == size


def test_another_implementation_accepts_what_the_file_says() -> None:
    head, _, checkpoint = DATA.decode().partition("\n\n")
    theirs = TheirCheckpoint.from_text(checkpoint)
    hashes = list(TlogProof.parse((head + "\n\n" + checkpoint).encode()).hashes)
    InclusionProof(123, theirs.size, hashes).check(leaf_hash(ENTRIES[123]), theirs.root_hash)


@given(st.integers(0, 10_000), st.integers(0, 7))
def test_no_changed_bit_goes_unseen(place: int, bit: int) -> None:
    data = bytearray(DATA)
    data[place % len(data)] ^= 1 << bit
    with pytest.raises((ProofError, NoteError)):
        TlogProof.parse(bytes(data)).verify(ENTRIES[123], POLICY, ORIGIN)


def test_another_entry_another_log_or_another_policy_is_refused() -> None:
    with pytest.raises(ProofError, match="the leaf is not number 123 of the 300 under this root"):
        PROOF.verify(ENTRIES[124], POLICY)
    with pytest.raises(NoteError, match=r"not of 'example.com/other'"):
        PROOF.verify(ENTRIES[123], POLICY, "example.com/other")
    with pytest.raises(NoteError, match="no signature by a known key"):
        PROOF.verify(ENTRIES[123], Policy((signer(seed=5).key,)))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("@v1", "@v2"),
        ("c2sp.org", "\nc2sp.org"),
        ("index 123", "index 0123"),
        ("index 123", "index -1"),
        ("index 123", "index"),
        ("index 123", "index  123"),
        ("index 123\n", ""),
        ("index 123", "extra \nindex 123"),
        ("index 123", "extra !\nindex 123"),
        ("index 123", "extra YWdl\nextra YWdl\nindex 123"),
        ("index 123", "index 123\nextra YWdl"),
        ("index 123", "index 123\nYWdl"),
        ("index 123", "index 123" + "\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=" * 64),
        ("index 123", "index 123\r"),
        ("index 123", "index 123\nä"),
    ],
)
def test_a_malformed_proof_is_refused(old: str, new: str) -> None:
    with pytest.raises(ProofError, match="malformed"):
        TlogProof.parse(DATA.decode().replace(old, new, 1).encode())


def test_a_proof_that_is_too_large_or_empty_is_refused() -> None:
    with pytest.raises(ProofError, match="too large"):
        TlogProof.parse(DATA + bytes(2_000_000))
    for data in (b"", b"c2sp.org/tlog-proof@v1", b"c2sp.org/tlog-proof@v1\n\n"):
        with pytest.raises(ProofError, match="malformed"):
            TlogProof.parse(data)
