"""Keys come from where they are said to come from, and nothing leaks on the way."""

import base64
import os
import stat
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key

from store.errors import StoreError
from store.note import NoteError, Signer, sign, verify
from store.signing_key import CommandKey, EnvironmentKey, FileKey, KeySource, generate
from tests.store.keys import ORIGIN, openssl, openssl_accepts, private, signer

SEED = bytes([1]) * 32
PEM = private(1).private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
)
ENCRYPTED = private(1).private_bytes(
    serialization.Encoding.PEM,
    serialization.PrivateFormat.PKCS8,
    serialization.BestAvailableEncryption(b"passphrase"),
)
OTHER_KIND = generate_private_key(SECP256R1()).private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
)
VARIABLE = "ANNEXA_TEST_SIGNING_KEY"

COMMAND = """
import base64, sys
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
key = Ed25519PrivateKey.from_private_bytes(bytes([int(sys.argv[1])]) * 32)
print(base64.b64encode(key.sign(sys.stdin.buffer.read())).decode())
"""


def key_file(folder: Path, data: bytes, mode: int = 0o600) -> Path:
    path = folder / "key"
    path.write_bytes(data)
    path.chmod(mode)
    return path


def python(program: str, *arguments: str, timeout: float = 60) -> CommandKey:
    return CommandKey((sys.executable, "-c", program, *arguments), str(signer().key), timeout)


def signs_as_expected(source: KeySource) -> bool:
    found: Signer = source.signer(ORIGIN)
    note = sign("text\n", [found])
    return found.key == signer().key and len(verify(note, [signer().key])) == 1


@pytest.mark.parametrize("data", [PEM, SEED])
@pytest.mark.parametrize("mode", [0o600, 0o400])
def test_a_key_from_a_file(data: bytes, mode: int, tmp_path: Path) -> None:
    assert signs_as_expected(FileKey(key_file(tmp_path, data, mode)))


@pytest.mark.parametrize("text", [PEM.decode(), base64.b64encode(SEED).decode() + "\n"])
def test_a_key_from_the_environment(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, text)
    assert signs_as_expected(EnvironmentKey(VARIABLE))


def test_a_key_behind_a_command() -> None:
    assert signs_as_expected(python(COMMAND, "1"))


def test_a_key_that_openssl_made(tmp_path: Path) -> None:
    path = tmp_path / "key"
    assert openssl("genpkey", "-algorithm", "ed25519", "-out", path).returncode == 0
    path.chmod(0o600)
    found = FileKey(path).signer(ORIGIN)
    assert openssl_accepts(found.key.public, b"message", found.sign(b"message"), tmp_path)


def test_a_generated_key(tmp_path: Path) -> None:
    path = tmp_path / "key"
    made = generate(path, ORIGIN)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert FileKey(path).signer(ORIGIN) == made
    assert openssl_accepts(made.key.public, b"message", made.sign(b"message"), tmp_path)
    assert "Ed25519 Private-Key" in openssl("pkey", "-in", path, "-noout", "-text").stdout.replace(
        "ED25519", "Ed25519"
    )
    assert made.key != generate(tmp_path / "another", ORIGIN).key


def test_a_generated_key_is_private_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        generate(tmp_path / "key", ORIGIN)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "key").stat().st_mode) == 0o600


@pytest.mark.parametrize("existing", ["file", "link", "dangling"])
def test_a_key_is_never_overwritten(existing: str, tmp_path: Path) -> None:
    path = tmp_path / "key"
    target = path if existing == "file" else tmp_path / "target"
    if existing != "dangling":
        target.write_bytes(b"precious")
    if existing != "file":
        path.symlink_to(target)
    with pytest.raises(StoreError, match="there is a file already") as caught:
        generate(path, ORIGIN)
    assert "never overwritten" in caught.value.hint
    assert target.exists() == (existing != "dangling")
    assert existing == "dangling" or target.read_bytes() == b"precious"


def test_a_key_that_cannot_be_written_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(StoreError, match="cannot be written"):
        generate(tmp_path / "no such folder" / "key", ORIGIN)

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StoreError, match="No space left on device"):
        generate(tmp_path / "key", ORIGIN)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.name != "posix", reason="needs file modes")
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o601, 0o644, 0o666])
def test_a_key_that_others_can_touch_is_refused(mode: int, tmp_path: Path) -> None:
    path = key_file(tmp_path, PEM, mode)
    with pytest.raises(
        StoreError, match=f"others can read or change the signing key: .* mode {mode:04o}"
    ) as caught:
        FileKey(path).signer(ORIGIN)
    assert "chmod 600" in caught.value.hint


@pytest.mark.skipif(os.name != "posix", reason="needs owners of files")
def test_a_key_of_another_user_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = key_file(tmp_path, PEM)
    if os.geteuid() == 0:
        os.chown(path, 54321, -1)
    monkeypatch.setattr(os, "geteuid", lambda: 12345)
    with pytest.raises(StoreError, match="belongs to another user"):
        FileKey(path).signer(ORIGIN)


def test_what_is_no_file_is_no_key(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"cannot be read: .*No such file"):
        FileKey(tmp_path / "none").signer(ORIGIN)
    os.mkfifo(tmp_path / "pipe", 0o600)
    with pytest.raises(StoreError, match="not a regular file"):
        FileKey(tmp_path / "pipe").signer(ORIGIN)
    with pytest.raises(StoreError, match=r"not a regular file|cannot be read"):
        FileKey(tmp_path).signer(ORIGIN)
    with pytest.raises(StoreError, match="too large"):
        FileKey(key_file(tmp_path, bytes(100_000))).signer(ORIGIN)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "there is no signing key in"),
        (SEED[:31], "there is no signing key in"),
        (SEED + b"\n", "there is no signing key in"),
        (PEM[:60], "there is no signing key in"),
        (ENCRYPTED, "is encrypted"),
        (OTHER_KIND, "is of another kind"),
    ],
    ids=["empty", "short", "long", "cut", "encrypted", "other kind"],
)
def test_what_is_no_key_is_refused(data: bytes, message: str, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=message) as caught:
        FileKey(key_file(tmp_path, data)).signer(ORIGIN)
    assert "PEM PKCS#8 without a passphrase, or 32 raw bytes" in caught.value.hint


@pytest.mark.parametrize(
    "text", ["", " \n", "hunter2", base64.b64encode(SEED[:31]).decode(), "-----BEGIN hunter2"]
)
def test_what_is_no_key_in_the_environment_is_refused(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, text)
    with pytest.raises(StoreError, match=f"environment variable {VARIABLE}") as caught:
        EnvironmentKey(VARIABLE).signer(ORIGIN)
    assert "hunter2" not in str(caught.value) + caught.value.hint
    monkeypatch.delenv(VARIABLE)
    with pytest.raises(StoreError, match=f"is not in the environment variable {VARIABLE}"):
        EnvironmentKey(VARIABLE).signer(ORIGIN)


def test_no_key_shows_in_what_is_printed() -> None:
    shown = repr(signer())
    assert "private" not in shown
    assert SEED.hex() not in shown
    assert base64.b64encode(SEED).decode() not in shown


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (python("import sys; sys.exit('first\\nno such key')"), "failed with status 1: no such key"),
        (python("import sys; sys.exit(3)"), "failed with status 3$"),
        (python("print('nonsense!')"), "did not print 64 bytes in base64"),
        (python("print('YWdl')"), "did not print 64 bytes in base64: 3 bytes"),
        (python("pass"), "did not print 64 bytes in base64: 0 bytes"),
        (python("print(chr(228))"), "did not print 64 bytes"),
        (python("import time; time.sleep(60)", timeout=0.2), "took longer than 0.2 s"),
        (CommandKey(("/no/such/program",), str(signer().key)), "/no/such/program cannot be run"),
        (CommandKey(("a\0b",), str(signer().key)), "cannot be run"),
    ],
)
def test_a_command_that_does_not_sign(source: CommandKey, message: str) -> None:
    with pytest.raises(StoreError, match=message):
        sign("text\n" * 50_000, [source.signer(ORIGIN)])


def test_a_command_that_signs_with_another_key_is_found_out() -> None:
    with pytest.raises(NoteError, match="the signing key is not the one that belongs to"):
        sign("text\n", [python(COMMAND, "2").signer(ORIGIN)])


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (CommandKey(("sign",), "nonsense"), "the public key of the signing command is wrong"),
        (CommandKey(("sign",), str(signer("example.com/other").key)), "is 'example.com/other''s, not"),
        (CommandKey((), str(signer().key)), "the signing command is empty"),
    ],
)
def test_a_command_that_is_configured_wrongly(source: CommandKey, message: str) -> None:
    with pytest.raises(StoreError, match=message):
        source.signer(ORIGIN)
