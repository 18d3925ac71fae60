"""Signed notes (C2SP signed-note): a text, a blank line, and a line for each signature."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from store.note_key import KEY_ID_SIZE, NoteKey, check_name, decode_base64, encode_base64

LARGEST_NOTE = 1_000_000
MOST_SIGNATURES = 100
"""The limits of Go's golang.org/x/mod/sumdb/note; signed-note asks for at least 16 signatures."""

_DASH = "\u2014 "


class NoteError(ValueError):
    """A note is malformed, wrongly signed, or not signed by those whose signature is needed."""


class Signer(Protocol):
    """Holds a private key, or knows who does."""

    @property
    def key(self) -> NoteKey:
        """The public key that belongs to it."""

    def sign(self, message: bytes) -> bytes:
        """Return the raw Ed25519 signature (RFC 8032), 64 bytes."""


@dataclass(frozen=True, slots=True)
class SignatureLine:
    """One signature, not yet verified: who is said to have made it, and its bytes."""

    name: str
    key_id: bytes
    signature: bytes

    def __str__(self) -> str:
        return f"{_DASH}{self.name} {encode_base64(self.key_id + self.signature)}\n"


@dataclass(frozen=True, slots=True)
class Note:
    """A text and its signatures; ``bytes()`` gives the signed note."""

    text: str
    signatures: tuple[SignatureLine, ...]

    def __bytes__(self) -> bytes:
        return (self.text + "\n" + "".join(map(str, self.signatures))).encode()

    def with_signatures(self, *more: SignatureLine) -> "Note":
        """Return the note with further signatures, such as those of witnesses.

        Raises:
            NoteError: they are too many.
        """
        note = Note(self.text, tuple(dict.fromkeys((*self.signatures, *more))))
        if len(note.signatures) > MOST_SIGNATURES:
            raise NoteError(f"a note has at most {MOST_SIGNATURES} signatures")
        if len(bytes(note)) > LARGEST_NOTE:
            raise NoteError(f"a note has at most {LARGEST_NOTE} bytes")
        return note


@dataclass(frozen=True, slots=True)
class Verified:
    """A signature that is right.

    Attributes:
        at: when a witness says that it saw the checkpoint, in seconds since 1970; None for other keys.
    """

    key: NoteKey
    at: int | None


def sign(text: str, signers: Iterable[Signer]) -> Note:
    """Sign a text.

    Raises:
        NoteError: the text cannot be that of a note, or a signer's answer does not fit its public key.
        StoreError: a signer cannot reach its key.
    """
    _check_text(text)
    lines: list[SignatureLine] = []
    for signer in signers:
        signature = signer.sign(text.encode())
        try:
            signer.key.verify(text, signature)
        except ValueError as error:
            raise NoteError(
                f"the signing key is not the one that belongs to {signer.key}: {error}"
            ) from error
        lines.append(SignatureLine(signer.key.name, signer.key.id, signature))
    if not lines:
        raise NoteError("a note has at least one signature")
    return Note(text, ()).with_signatures(*lines)


def parse(data: bytes) -> Note:
    """Read a signed note. Nothing in it is to be believed before :func:`verify`.

    Raises:
        NoteError: it is malformed.
    """
    if len(data) > LARGEST_NOTE:
        raise NoteError(f"a note has at most {LARGEST_NOTE} bytes")
    try:
        content = data.decode()
    except UnicodeDecodeError:
        raise NoteError("a note is UTF-8") from None
    # The last blank line is the one that divides: a text may have blank lines of its own.
    end = content.rfind("\n\n")
    if end < 0:
        raise NoteError("a note has a blank line between its text and its signatures")
    text, signatures = content[: end + 1], content[end + 2 :]
    _check_text(text)
    if not signatures.endswith("\n"):
        raise NoteError("a note ends in a signature line")
    lines = signatures[:-1].split("\n")
    if len(lines) > MOST_SIGNATURES:
        raise NoteError(f"a note has at most {MOST_SIGNATURES} signatures")
    return Note(text, tuple(map(parse_line, lines)))


def parse_line(line: str) -> SignatureLine:
    """Read one signature line, without its newline, as a witness answers with one.

    Raises:
        NoteError: it is malformed.
    """
    name, _, encoded = line.removeprefix(_DASH).partition(" ")
    try:
        if not line.startswith(_DASH):
            raise ValueError("it does not begin with a dash and a space")
        check_name(name)
        decoded = decode_base64(encoded)
        if len(decoded) <= KEY_ID_SIZE:
            raise ValueError("it is too short")
    except ValueError as error:
        raise NoteError(f"a signature line is malformed: {error}") from error
    return SignatureLine(name, decoded[:KEY_ID_SIZE], decoded[KEY_ID_SIZE:])


def verify(note: Note, keys: Iterable[NoteKey]) -> list[Verified]:
    """Check every signature that is by one of these keys, and ignore the others, as signed-note asks.

    Returns:
        the signatures that are right, in the order of the note, the first one of each key.

    Raises:
        NoteError: one of them is wrong, or there is none.
    """
    known: dict[tuple[str, bytes], NoteKey] = {}
    for key in keys:
        if known.setdefault((key.name, key.id), key) != key:
            raise NoteError(f"two keys have the name {key.name!r} and the ID {key.id.hex()}")
    verified: dict[NoteKey, Verified] = {}
    for line in note.signatures:
        found = known.get((line.name, line.key_id))
        if found is None:
            continue
        try:
            at = found.verify(note.text, line.signature)
        except ValueError as error:
            raise NoteError(str(error)) from error
        verified.setdefault(found, Verified(found, at))
    if not verified:
        raise NoteError("the note has no signature by a known key")
    return list(verified.values())


def _check_text(text: str) -> None:
    if not text.endswith("\n"):
        raise NoteError("the text of a note ends in a newline")
    if any(c < " " and c != "\n" for c in text):
        raise NoteError("a note has no control characters but newlines")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise NoteError("a note is UTF-8") from None
