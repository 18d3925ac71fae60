"""Notes, checkpoints and cosignatures are those of C2SP, and others accept ours."""

import base64
import string
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st
from tlog_scales.signing import MLDSA44CosignatureSigner, NoteSignature, Vkey, VkeySet
from tlog_scales.tlog import Checkpoint as TheirCheckpoint

from store.checkpoint_text import Checkpoint, open_checkpoint
from store.note import (
    LARGEST_NOTE,
    MOST_SIGNATURES,
    Note,
    NoteError,
    SignatureLine,
    parse,
    parse_line,
    sign,
    verify,
)
from store.note_key import NoteKey, SignatureKind, check_name, decode_base64
from store.proof import LARGEST_SIZE
from store.signing_key import Ed25519Signer
from store.tree import EMPTY_ROOT, leaf_hash
from store.witness_policy import Policy
from tests.store.keys import ORIGIN, Witness, openssl_accepts, private, signer

TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
PETER = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
PETER_PRIVATE = "AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
PETER_LINE = (
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBw"
    "JnAM=\n"
)
ENOCH = "EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop"
ENOCH_LINE = (
    "— EnochRoot rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnWLox33WWd1RvMc+Q"
    "Q=\n"
)
"""Keys and signatures from the tests of Go's golang.org/x/mod/sumdb/note, where signed notes come from."""

SPECIFIED = """example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
— witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==
"""  # noqa: E501
"""The example of tlog-cosignature, for whose keys nobody published the public halves."""

CHECKPOINT = Checkpoint(ORIGIN, 42, leaf_hash(b"root"))
LOG = signer()
WITNESSES = [Witness(f"witness.example/{number}", 10 + number) for number in range(3)]
POLICY = Policy((LOG.key,), tuple(witness.key for witness in WITNESSES), 2)


def peter() -> NoteKey:
    return NoteKey.parse(PETER)


def signed(*witnesses: Witness) -> Note:
    text = str(CHECKPOINT)
    return sign(text, [LOG]).with_signatures(*(witness.cosign(text) for witness in witnesses))


def test_a_published_key_has_its_id() -> None:
    assert str(peter()) == PETER
    assert peter().id.hex() == "c74f20a3"


def test_no_part_and_no_change_of_a_published_key_is_one() -> None:
    mangled = [PETER[start:end] for start in range(len(PETER)) for end in range(start + 1, len(PETER) + 1)]
    mangled += [PETER[:at] + chr(ord(c) + 1) + PETER[at + 1 :] for at, c in enumerate(PETER)]
    mangled += [
        "PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY==",
        "PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        PETER.replace("c74f20a3", "C74F20A3"),
        PETER + "\n",
    ]
    for text in mangled:
        if text != PETER:
            with pytest.raises(ValueError, match=r"key|base64"):
                NoteKey.parse(text)


def test_signing_gives_the_published_note() -> None:
    seed = base64.b64decode(PETER_PRIVATE)[1:]
    by = Ed25519Signer.of(Ed25519PrivateKey.from_private_bytes(seed), "PeterNeumann")
    assert bytes(sign(TEXT, [by])).decode() == TEXT + "\n" + PETER_LINE


def test_published_signatures_verify_and_unknown_ones_are_ignored() -> None:
    note = parse((TEXT + "\n" + PETER_LINE + ENOCH_LINE).encode())
    assert note.text == TEXT
    enoch = NoteKey.parse(ENOCH)
    assert [found.key for found in verify(note, [peter()])] == [peter()]
    assert [found.key for found in verify(note, [peter(), enoch])] == [peter(), enoch]
    twice = parse((TEXT + "\n" + PETER_LINE + PETER_LINE + ENOCH_LINE).encode())
    assert [found.key for found in verify(twice, [peter(), peter()])] == [peter()]


def test_a_note_without_a_known_signature_is_refused() -> None:
    note = parse((TEXT + "\n" + ENOCH_LINE).encode())
    for keys in ([peter()], []):
        with pytest.raises(NoteError, match="no signature by a known key"):
            verify(note, keys)


def test_a_wrong_signature_by_a_known_key_spoils_the_note() -> None:
    changed = parse((TEXT.replace("answer", "Answer") + "\n" + PETER_LINE).encode())
    with pytest.raises(NoteError, match=r"a signature by 'PeterNeumann' \(c74f20a3\) is wrong"):
        verify(changed, [peter()])
    right, wrong = signed(WITNESSES[0]), WITNESSES[1].cosign("other\n")
    with pytest.raises(NoteError, match=r"a signature by 'witness.example/1'"):
        POLICY.check(right.with_signatures(wrong))
    second = SignatureLine(LOG.key.name, LOG.key.id, bytes(64))
    with pytest.raises(NoteError, match="is wrong"):
        POLICY.check(right.with_signatures(second))


def test_a_signature_that_shares_only_the_name_or_only_the_id_is_ignored() -> None:
    lines = (SignatureLine(ORIGIN, b"\0\0\0\0", bytes(64)), SignatureLine("else", LOG.key.id, bytes(64)))
    assert [found.key for found in verify(sign("a\n", [LOG]).with_signatures(*lines), [LOG.key])] == [LOG.key]


def test_two_known_keys_that_cannot_be_told_apart_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(NoteKey, "id", property(lambda _: b"same"))
    with pytest.raises(NoteError, match="two keys have the name"):
        verify(sign("a\n", [LOG]), [LOG.key, signer(seed=2).key])


@pytest.mark.parametrize(
    "malformed",
    [
        TEXT,
        TEXT + "\n",
        TEXT + "\n" + PETER_LINE[:-1],
        "\x01" + TEXT + "\n" + PETER_LINE,
        TEXT.replace("\n", "\r\n") + "\n" + PETER_LINE,
        TEXT + "\n" + PETER_LINE.replace("PeterNeumann", "Bad Name"),
        TEXT + "\n" + PETER_LINE.replace("PeterNeumann", "Bad\u3000Name"),
        TEXT + "\n" + PETER_LINE.replace("PeterNeumann", "Bad+Name"),
        TEXT + "\n" + PETER_LINE.replace("— PeterNeumann", "— "),
        TEXT + "\n" + PETER_LINE.replace("—", "-"),
        TEXT + "\n" + PETER_LINE.replace("— ", "—"),
        TEXT + "\n" + PETER_LINE.replace("nAM=", "nAN="),
        TEXT + "\n" + PETER_LINE.replace("nAM=", "nAM"),
        TEXT + "\n" + PETER_LINE.replace("nAM=", "nA M="),
        TEXT + "\n" + PETER_LINE + "Unexpected line.\n",
        TEXT + "\n" + PETER_LINE + "\n",
        TEXT + "\n— PeterNeumann x08gow==\n",
        TEXT + "\n" + PETER_LINE * (MOST_SIGNATURES + 1),
        "x" * LARGEST_NOTE + "\n\n" + PETER_LINE,
        "",
        "\n\n",
    ],
)
def test_a_malformed_note_is_refused(malformed: str) -> None:
    with pytest.raises(NoteError):
        parse(malformed.encode())


def test_a_note_that_is_not_utf_8_is_refused() -> None:
    with pytest.raises(NoteError, match="UTF-8"):
        parse(b"\xff" + (TEXT + "\n" + PETER_LINE).encode())
    with pytest.raises(NoteError, match="UTF-8"):
        sign("\ud800\n", [LOG])


texts = st.text(st.characters(exclude_categories=["Cs"], min_codepoint=32) | st.just("\n")).map(
    lambda text: text + "\n"
)


@given(texts, st.integers(1, 5))
def test_a_note_comes_back_as_it_was_signed(text: str, count: int) -> None:
    """Blank lines in the text and strange line separators change nothing."""
    signers = [signer(f"{ORIGIN}/{seed}", seed) for seed in range(1, count + 1)]
    note = sign(text, signers)
    assert parse(bytes(note)) == note
    assert [found.key for found in verify(parse(bytes(note)), [by.key for by in signers])] == [
        by.key for by in signers
    ]


@given(st.integers(0, 10_000), st.integers(0, 7))
def test_no_changed_bit_goes_unseen(place: int, bit: int) -> None:
    """It is refused, or it only took a signature away that the policy does not need."""
    data = bytearray(bytes(signed(*WITNESSES[:2])))
    data[place % len(data)] ^= 1 << bit
    with pytest.raises(NoteError):
        open_checkpoint(bytes(data), POLICY, ORIGIN)


@pytest.mark.parametrize("text", ["", "no newline", "a\tb\n", "a\r\n", "x" * LARGEST_NOTE + "\n"])
def test_a_text_that_no_note_can_have_is_not_signed(text: str) -> None:
    with pytest.raises(NoteError):
        sign(text, [LOG])


def test_a_note_needs_a_signature() -> None:
    with pytest.raises(NoteError, match="at least one signature"):
        sign("a\n", [])


def test_a_signer_that_answers_with_another_key_is_found_out() -> None:
    class Confused:
        key = signer(seed=2).key

        def sign(self, message: bytes) -> bytes:
            return LOG.sign(message)

    with pytest.raises(NoteError, match="the signing key is not the one that belongs to"):
        sign("a\n", [Confused()])


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\u2003b", "a\x85b", "a\nb", "a\x00b"])
def test_names_that_are_not_allowed(name: str) -> None:
    with pytest.raises(ValueError, match="a key name"):
        check_name(name)


@given(st.binary())
def test_base64_has_one_spelling(data: bytes) -> None:
    text = base64.b64encode(data).decode()
    assert decode_base64(text) == data
    for wrong in (text + "\n", " " + text, text + "=", text.rstrip("=") if text.endswith("=") else "ä"):
        with pytest.raises(ValueError, match="not base64"):
            decode_base64(wrong)


def test_the_example_of_a_cosigned_checkpoint_is_read() -> None:
    note = parse(SPECIFIED.encode())
    assert bytes(note).decode() == SPECIFIED
    log, witness = note.signatures
    assert (log.name, log.key_id.hex(), len(log.signature)) == ("example.com/behind-the-sofa", "033de0ae", 64)
    assert (witness.name, witness.key_id.hex()) == ("witness.example.com/w1", "8d66cf3f")
    assert int.from_bytes(witness.signature[:8], "big") == 1679315147
    checkpoint = Checkpoint.parse(note.text)
    assert (checkpoint.origin, checkpoint.size) == ("example.com/behind-the-sofa", 20852163)
    assert str(checkpoint) == note.text


def test_openssl_accepts_the_signature_of_a_checkpoint(tmp_path: Path) -> None:
    note = signed(WITNESSES[0])
    log, witness = note.signatures
    assert openssl_accepts(LOG.key.public, note.text.encode(), log.signature, tmp_path)
    assert not openssl_accepts(LOG.key.public, note.text.encode() + b"x", log.signature, tmp_path)
    at = int.from_bytes(witness.signature[:8], "big")
    cosigned = f"cosignature/v1\ntime {at}\n{note.text}".encode()
    assert openssl_accepts(WITNESSES[0].key.public, cosigned, witness.signature[8:], tmp_path)


def test_another_implementation_accepts_checkpoint_and_cosignatures() -> None:
    theirs = TheirCheckpoint.from_text(bytes(signed(*WITNESSES)).decode())
    assert (theirs.origin, theirs.size, theirs.root_hash) == (ORIGIN, 42, CHECKPOINT.root)
    keys = [Vkey.from_string(str(key)) for key in (*POLICY.log, *POLICY.witnesses)]
    ids = [Vkey(key.name, None, key.sig_type, key.pubkey).key_id.to_bytes(4) for key in keys]
    assert ids == [key.id for key in (*POLICY.log, *POLICY.witnesses)]
    assert len(VkeySet(*keys).verify(theirs.signatures, theirs)) == 4
    for key in keys:
        theirs.verify(key)


def test_a_cosignature_of_a_kind_that_is_not_known_is_ignored() -> None:
    """ML-DSA-44 (type 0x06), as the other implementation makes it."""
    theirs = TheirCheckpoint.from_text(bytes(signed()).decode())
    post_quantum: NoteSignature = MLDSA44CosignatureSigner("witness.example/pq", bytes(32)).sign(theirs)
    note = parse(bytes(signed(*WITNESSES[:2])) + (post_quantum.serialize() + "\n").encode())
    assert len(note.signatures) == 4
    assert [found.key for found in POLICY.check(note).witnesses] == [w.key for w in WITNESSES[:2]]


def test_enough_witnesses_are_enough() -> None:
    checkpoint, signatures = open_checkpoint(bytes(signed(*WITNESSES[1:])), POLICY, ORIGIN)
    assert checkpoint == CHECKPOINT
    assert [(found.key.name, found.at) for found in signatures.log] == [(ORIGIN, None)]
    assert [(found.key.name, found.at) for found in signatures.witnesses] == [
        ("witness.example/1", 1_700_000_000),
        ("witness.example/2", 1_700_000_000),
    ]


def test_missing_witnesses_are_named() -> None:
    one = WITNESSES[1]
    again = one.cosign(str(CHECKPOINT), 1_800_000_000)
    message = "2 of 3 witnesses must have cosigned, 1 did; missing: witness.example/0, witness.example/2"
    for note in (signed(one), signed(one).with_signatures(again)):
        with pytest.raises(NoteError, match=message):
            POLICY.check(note)


def test_a_missing_signature_of_the_log_is_named() -> None:
    note = signed(*WITNESSES)
    without = Note(note.text, note.signatures[1:])
    with pytest.raises(NoteError, match=rf"not signed by {ORIGIN} \({LOG.key.id.hex()}\)"):
        POLICY.check(without)


def test_keys_are_rotated_with_an_overlap() -> None:
    new, text = signer(seed=2), str(CHECKPOINT)
    overlap = Policy((LOG.key, new.key))
    for signers in ([LOG], [LOG, new], [new]):
        assert overlap.check(sign(text, signers)).log
    moved = Witness(WITNESSES[0].name, 99)
    policy = Policy((LOG.key,), (*POLICY.witnesses, moved.key), 2)
    with pytest.raises(NoteError, match=r"1 did; missing: witness.example/1, witness.example/2"):
        policy.check(signed(WITNESSES[0], moved))


def test_a_checkpoint_of_another_log_is_refused() -> None:
    with pytest.raises(NoteError, match=r"is of 'example.com/evidence', not of 'example.com/other'"):
        open_checkpoint(bytes(signed(*WITNESSES)), POLICY, "example.com/other")


def test_policies_that_make_no_sense_are_refused() -> None:
    witness = WITNESSES[0].key
    as_log = NoteKey("as-log", witness.public)
    wrong: list[tuple[tuple[NoteKey, ...], tuple[NoteKey, ...], int]] = [
        ((), (witness,), 1),
        ((LOG.key,), (witness,), 2),
        ((LOG.key,), (), -1),
        ((LOG.key,), (as_log,), 1),
        ((witness,), (), 0),
        ((LOG.key,), (witness, witness), 1),
        ((LOG.key,), (witness, NoteKey("b", witness.public, SignatureKind.COSIGNATURE)), 2),
        ((LOG.key, as_log), (witness,), 1),
    ]
    for log, witnesses, k in wrong:
        with pytest.raises(ValueError, match=r"policy|witness|log"):
            Policy(log, witnesses, k)


def test_a_cosignature_is_bound_to_its_time_and_length() -> None:
    witness, text = WITNESSES[0], str(CHECKPOINT)
    right = witness.cosign(text).signature
    assert witness.key.verify(text, right) == 1_700_000_000
    for wrong in (right[1:], right + b"\0", b"\0" * 8 + right[8:], b"\xff" * 8 + right[8:], right[8:], b""):
        with pytest.raises(ValueError, match=r"cosignature|is wrong"):
            witness.key.verify(text, wrong)


ORIGINS = st.text(string.printable.strip() + " ä", min_size=1)


@given(ORIGINS, st.integers(1, LARGEST_SIZE), st.binary(min_size=32, max_size=32), st.lists(ORIGINS))
def test_a_checkpoint_comes_back(origin: str, size: int, root: bytes, extensions: list[str]) -> None:
    checkpoint = Checkpoint(origin, size, root, tuple(extensions))
    assert Checkpoint.parse(str(checkpoint)) == checkpoint


def test_the_checkpoint_of_an_empty_log() -> None:
    assert str(Checkpoint("a", 0, EMPTY_ROOT)) == "a\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n"
    with pytest.raises(ValueError, match="without leaves"):
        Checkpoint("a", 0, bytes(32))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("42", "042"),
        ("42", "+42"),
        ("42", "-42"),
        ("42", "4 2"),
        ("42", " 42"),
        ("42", "４２"),
        ("42", "4_2"),
        ("42", "0x2a"),
        ("42", ""),
        ("42", str(2**63)),
        ("42", "9" * 5000),
        ("42\n", "42\n\n"),
        ("42\n", ""),
        ("=\n", "\n"),
        ("=\n", "=\n\n"),
        ("=\n", "=\nextension\n\nmore\n"),
        ("=\n", "="),
        (ORIGIN, ""),
        (ORIGIN + "\n", ""),
    ],
)
def test_a_checkpoint_has_one_spelling(old: str, new: str) -> None:
    text = str(CHECKPOINT)
    assert Checkpoint.parse(text) == CHECKPOINT
    with pytest.raises(NoteError, match="checkpoint"):
        Checkpoint.parse(text.replace(old, new, 1))


def test_a_signature_line_of_a_witness_is_read_by_itself() -> None:
    line = WITNESSES[0].cosign(str(CHECKPOINT))
    assert parse_line(str(line).removesuffix("\n")) == line
    with pytest.raises(NoteError):
        parse_line(str(line))


def test_a_note_has_only_so_many_signatures() -> None:
    lines = [SignatureLine(f"w{number}", bytes(4), b"x") for number in range(MOST_SIGNATURES)]
    with pytest.raises(NoteError, match="at most 100 signatures"):
        sign("a\n", [LOG]).with_signatures(*lines)
    assert len(sign("a\n", [LOG]).with_signatures(*lines[1:], *lines[1:]).signatures) == MOST_SIGNATURES


def test_a_key_has_32_bytes() -> None:
    with pytest.raises(ValueError, match="has 32 bytes, not 31"):
        NoteKey("a", private(1).public_key().public_bytes_raw()[1:])
