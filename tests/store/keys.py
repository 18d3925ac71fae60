"""Keys for tests: deterministic signers of logs and witnesses, and OpenSSL as the other judge."""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from store.note import SignatureLine
from store.note_key import NoteKey, SignatureKind, cosignature, cosigned_message
from store.signing_key import Ed25519Signer

ORIGIN = "example.com/evidence"


def private(seed: int) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32)


def signer(name: str = ORIGIN, seed: int = 1) -> Ed25519Signer:
    return Ed25519Signer.of(private(seed), name)


@dataclass(frozen=True)
class Witness:
    """Cosigns whatever it is shown."""

    name: str
    seed: int

    @property
    def key(self) -> NoteKey:
        public = private(self.seed).public_key().public_bytes_raw()
        return NoteKey(self.name, public, SignatureKind.COSIGNATURE)

    def cosign(self, text: str, at: int = 1_700_000_000) -> SignatureLine:
        signature = private(self.seed).sign(cosigned_message(text, at))
        return SignatureLine(self.name, self.key.id, cosignature(at, signature))


def need_openssl() -> None:
    """Skip a test that asks OpenSSL on a machine that has none."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not on this machine")


def openssl(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    need_openssl()
    return subprocess.run(["openssl", *map(str, arguments)], capture_output=True, text=True, check=False)


def openssl_accepts(public: bytes, message: bytes, signature: bytes, folder: Path) -> bool:
    """Ask ``openssl pkeyutl`` whether an Ed25519 signature is right."""
    pem = Ed25519PublicKey.from_public_bytes(public).public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    for name, data in (("key.pem", pem), ("message", message), ("signature", signature)):
        (folder / name).write_bytes(data)
    options = ("-inkey", folder / "key.pem", "-in", folder / "message", "-sigfile", folder / "signature")
    done = openssl("pkeyutl", "-verify", "-pubin", "-rawin", *options)
    if "Verified Successfully" not in done.stdout and "Verification Failure" not in done.stdout:
        pytest.fail(f"openssl could not be asked: {done.stderr}")
    return done.returncode == 0
