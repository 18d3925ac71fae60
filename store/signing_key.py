"""Where the log's private key comes from: a file, the environment, or a command that asks a KMS or an HSM."""

import os
import stat
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from store.errors import StoreError
from store.note import Signer
from store.note_key import SIGNATURE_SIZE, NoteKey, decode_base64

_SEED_SIZE = 32
_LARGEST_KEY_FILE = 16 * 1024
_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_COMMAND_SECONDS = 60.0


class KeySource(Protocol):
    """A place that a private key comes from."""

    def signer(self, name: str) -> Signer:
        """Return what signs in the name of a log.

        Raises:
            StoreError: there is no usable key; the message says where it was sought.
        """


@dataclass(frozen=True, slots=True)
class Ed25519Signer:
    """Signs with a private key that this process holds (RFC 8032)."""

    key: NoteKey
    _private: Ed25519PrivateKey = field(repr=False, compare=False)

    @classmethod
    def of(cls, private: Ed25519PrivateKey, name: str) -> "Ed25519Signer":
        """Name a private key."""
        return cls(NoteKey(name, private.public_key().public_bytes_raw()), private)

    def sign(self, message: bytes) -> bytes:
        return self._private.sign(message)


@dataclass(frozen=True, slots=True)
class FileKey:
    """A file with a PEM PKCS#8 key or 32 raw bytes, that nobody else may read."""

    path: Path

    def signer(self, name: str) -> Ed25519Signer:
        try:
            data = self._read()
        except OSError as error:
            raise StoreError(
                f"the signing key cannot be read: {self.path}: {error.strerror}",
                "Create one, restore it from a backup, or configure where it is.",
            ) from error
        return _loaded(data, name, f"the file {self.path}")

    def _read(self) -> bytes:
        # The open file is looked at, not the name, which might mean another file by now.
        with os.fdopen(os.open(self.path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0)), "rb") as file:
            found = os.fstat(file.fileno())
            if not stat.S_ISREG(found.st_mode):
                raise StoreError(f"the signing key is not a regular file: {self.path}")
            if os.name == "posix":
                if found.st_mode & _OTHERS:
                    raise StoreError(
                        f"others can read or change the signing key: {self.path} "
                        f"has mode {stat.S_IMODE(found.st_mode):04o}",
                        f"Replace the key if someone may have read it, and run `chmod 600 {self.path}`.",
                    )
                if found.st_uid not in (os.geteuid(), 0):
                    raise StoreError(
                        f"the signing key belongs to another user: {self.path}", "Run `chown` on the file."
                    )
            data = file.read(_LARGEST_KEY_FILE + 1)
        if len(data) > _LARGEST_KEY_FILE:
            raise StoreError(f"the signing key is too large to be one: {self.path}")
        return data


@dataclass(frozen=True, slots=True)
class EnvironmentKey:
    """An environment variable with a PEM PKCS#8 key, or with 32 raw bytes in base64."""

    variable: str

    def signer(self, name: str) -> Ed25519Signer:
        text = os.environ.get(self.variable, "").strip()
        if not text:
            raise StoreError(
                f"the signing key is not in the environment variable {self.variable}",
                "Set it to a PEM key or to 32 bytes in base64.",
            )
        try:
            data = text.encode() if text.startswith("-----") else decode_base64(text)
        except ValueError:
            data = b""
        return _loaded(data, name, f"the environment variable {self.variable}")


@dataclass(frozen=True, slots=True)
class CommandKey:
    """A program that signs: it reads the message from standard input and prints 64 bytes in base64.

    Attributes:
        argv: the program and its arguments; no shell reads them.
        vkey: the public key that belongs to the private one, in its text form.
    """

    argv: tuple[str, ...]
    vkey: str
    timeout: float = _COMMAND_SECONDS

    def signer(self, name: str) -> "CommandSigner":
        try:
            key = NoteKey.parse(self.vkey)
        except ValueError as error:
            raise StoreError(f"the public key of the signing command is wrong: {error}") from error
        if key.name != name:
            raise StoreError(f"the public key of the signing command is {key.name!r}'s, not {name!r}'s")
        if not self.argv:
            raise StoreError("the signing command is empty")
        return CommandSigner(key, self.argv, self.timeout)


@dataclass(frozen=True, slots=True)
class CommandSigner:
    """Signs by running a program."""

    key: NoteKey
    argv: tuple[str, ...]
    timeout: float

    def sign(self, message: bytes) -> bytes:
        """Return the program's answer, which :func:`store.note.sign` checks.

        Raises:
            StoreError: the program cannot be run, fails, hangs, or prints something else.
        """
        program = self.argv[0]
        try:
            done = subprocess.run(
                self.argv, input=message, capture_output=True, timeout=self.timeout, check=False
            )
        except subprocess.TimeoutExpired:
            raise StoreError(f"the signing command {program} took longer than {self.timeout:g} s") from None
        except (OSError, ValueError) as error:
            raise StoreError(f"the signing command {program} cannot be run: {error}") from error
        if done.returncode:
            complaint = done.stderr.decode(errors="replace").strip().splitlines()[-1:]
            raise StoreError(
                f"the signing command {program} failed with status {done.returncode}"
                + "".join(f": {line[:200]}" for line in complaint)
            )
        try:
            signature = decode_base64(done.stdout.decode("ascii").strip())
            if len(signature) != SIGNATURE_SIZE:
                raise ValueError(f"{len(signature)} bytes")
        except ValueError as error:
            raise StoreError(
                f"the signing command {program} did not print {SIGNATURE_SIZE} bytes in base64: {error}"
            ) from error
        return signature


def generate(path: Path, name: str) -> Ed25519Signer:
    """Make a new private key in a new file that only its owner may read.

    Raises:
        StoreError: the file exists, or cannot be written.
    """
    private = Ed25519PrivateKey.generate()
    pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    signer = Ed25519Signer.of(private, name)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise StoreError(
            f"there is a file already: {path}", "A key is never overwritten; move it away."
        ) from None
    except OSError as error:
        raise StoreError(f"the signing key cannot be written: {path}: {error.strerror}") from error
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(pem)
            file.flush()
            os.fsync(file.fileno())
        _sync_directory(path.parent)
    except OSError as error:
        path.unlink(missing_ok=True)
        raise StoreError(f"the signing key cannot be written: {path}: {error.strerror}") from error
    return signer


def _loaded(data: bytes, name: str, where: str) -> Ed25519Signer:
    hint = "It has to be an Ed25519 key: PEM PKCS#8 without a passphrase, or 32 raw bytes."
    try:
        if len(data) == _SEED_SIZE:
            private: object = Ed25519PrivateKey.from_private_bytes(data)
        else:
            private = serialization.load_pem_private_key(data, password=None)
    except TypeError:
        raise StoreError(f"the signing key in {where} is encrypted", hint) from None
    except (ValueError, UnsupportedAlgorithm):
        # What the parser says may quote the key.
        raise StoreError(f"there is no signing key in {where}", hint) from None
    if not isinstance(private, Ed25519PrivateKey):
        raise StoreError(f"the signing key in {where} is of another kind", hint)
    return Ed25519Signer.of(private, name)


def _sync_directory(path: Path) -> None:
    if os.name == "posix":
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
