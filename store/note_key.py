"""The public keys that sign notes: names, key IDs, their text form, and the two kinds of signature.

Sources: C2SP signed-note (Ed25519, type 0x01) and C2SP tlog-cosignature (cosignature/v1, type 0x04).
"""

import base64
import hashlib
import re
from dataclasses import dataclass
from enum import IntEnum

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

KEY_ID_SIZE = 4
PUBLIC_KEY_SIZE = 32
SIGNATURE_SIZE = 64
_TIMESTAMP_SIZE = 8
_LATEST_TIMESTAMP = 2**63 - 1
_KEY_ID = re.compile(r"[0-9a-f]{8}")


class SignatureKind(IntEnum):
    """What a key's signatures are made over."""

    ED25519 = 0x01
    """The text of the note."""
    COSIGNATURE = 0x04
    """The text of a checkpoint and the time at which a witness saw it."""


@dataclass(frozen=True, slots=True)
class NoteKey:
    """A public key that may sign notes; ``str()`` gives its text form (vkey).

    Raises:
        ValueError: the name or the public key is not of the form that signed-note asks for.
    """

    name: str
    public: bytes
    kind: SignatureKind = SignatureKind.ED25519

    def __post_init__(self) -> None:
        check_name(self.name)
        if len(self.public) != PUBLIC_KEY_SIZE:
            raise ValueError(f"an Ed25519 public key has {PUBLIC_KEY_SIZE} bytes, not {len(self.public)}")

    @property
    def id(self) -> bytes:
        """The four bytes that name the key in a signature line: enough to find it, not to trust it."""
        return hashlib.sha256(self.name.encode() + b"\n" + bytes([self.kind]) + self.public).digest()[
            :KEY_ID_SIZE
        ]

    def __str__(self) -> str:
        return f"{self.name}+{self.id.hex()}+{encode_base64(bytes([self.kind]) + self.public)}"

    @classmethod
    def parse(cls, text: str) -> "NoteKey":
        """Read a vkey: ``<name>+<key ID, hexadecimal>+<base64 of type and public key>``.

        Raises:
            ValueError: it is not one, or its key ID belongs to another key.
        """
        name, plus, rest = text.partition("+")
        key_id, second_plus, material = rest.partition("+")
        if not (plus and second_plus and _KEY_ID.fullmatch(key_id)):
            raise ValueError(f"{text!r} is not a key of the form name+id+base64")
        decoded = decode_base64(material)
        try:
            kind = SignatureKind(decoded[0])
        except (ValueError, IndexError):
            raise ValueError(f"the key {name!r} is of a type that is not supported") from None
        key = cls(name, decoded[1:], kind)
        if key.id.hex() != key_id:
            raise ValueError(f"the key {name!r} does not have the ID {key_id} that is stated")
        return key

    def verify(self, text: str, signature: bytes) -> int | None:
        """Check a signature, as it stands behind the key ID in a signature line.

        Returns:
            the time that a witness states, in seconds since 1970; None for the other kind.

        Raises:
            ValueError: the signature is not by this key over this text.
        """
        at: int | None = None
        message = text.encode()
        if self.kind is SignatureKind.COSIGNATURE:
            if len(signature) != _TIMESTAMP_SIZE + SIGNATURE_SIZE:
                raise ValueError(f"a cosignature by {self.name!r} has the wrong length")
            at = int.from_bytes(signature[:_TIMESTAMP_SIZE], "big")
            message = cosigned_message(text, at)
            signature = signature[_TIMESTAMP_SIZE:]
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, message)
        except InvalidSignature:
            raise ValueError(f"a signature by {self.name!r} ({self.id.hex()}) is wrong") from None
        return at


def cosigned_message(text: str, at: int) -> bytes:
    """Return what a witness signs (tlog-cosignature, "Ed25519 signed message").

    Args:
        text: the text of the checkpoint, with its last newline.
        at: seconds since 1970.

    Raises:
        ValueError: the time is out of range.
    """
    if not 0 <= at <= _LATEST_TIMESTAMP:
        raise ValueError("the time of a cosignature is out of range")
    return f"cosignature/v1\ntime {at}\n{text}".encode()


def cosignature(at: int, signature: bytes) -> bytes:
    """Return the bytes that stand behind the key ID in a witness's signature line."""
    return at.to_bytes(_TIMESTAMP_SIZE, "big") + signature


def check_name(name: str) -> None:
    """Refuse a key name that signed-note does not allow.

    Raises:
        ValueError: it is empty, or has a space, a plus sign or a control character.
    """
    if not name or "+" in name or any(c.isspace() or c < " " for c in name):
        raise ValueError(f"a key name is not empty and has no spaces and no plus signs: {name!r}")
    name.encode()


def encode_base64(data: bytes) -> str:
    """Encode with the alphabet and the padding of RFC 4648 §4."""
    return base64.b64encode(data).decode("ascii")


def decode_base64(text: str) -> bytes:
    """Decode base64 that has exactly one spelling (RFC 4648 §4; no white space, no loose bits).

    Raises:
        ValueError: it is spelled in another way, or is none.
    """
    try:
        data = base64.b64decode(text.encode("ascii"), validate=True)
    except ValueError:
        raise ValueError("this is not base64") from None
    if encode_base64(data) != text:
        raise ValueError("this is not base64 as it is written: it has loose bits")
    return data
