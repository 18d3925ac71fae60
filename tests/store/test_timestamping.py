"""Timestamps hold when a trusted authority made them over the data, at a time when it was one."""

import hashlib
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID
from hypothesis import given, settings
from hypothesis import strategies as st
from rfc3161_client import HashAlgorithm, TimestampRequestBuilder

from store.certificate_order import sorted_certificates
from store.errors import StoreError
from store.timestamp_authority import LARGEST_ANSWER, request
from store.timestamping import Reason, TimestampError, verify
from tests.store.keys import openssl
from tests.store.tsa import POLICY, Authority, Issued, Server, issue, issue_tsa

DATA = b"example.com/evidence\n42\nroot\n"


@dataclass(frozen=True)
class World:
    """A root, an intermediate authority, and a timestamp authority under it."""

    root: Issued
    middle: Issued
    authority: Authority
    server: Server
    token: bytes


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    root = issue("Test root", authority=True)
    middle = issue("Test intermediate", root, authority=True)
    authority = Authority(tmp_path_factory.mktemp("tsa"), issue_tsa(middle), middle.pem)
    with pytest.MonkeyPatch.context() as patch, Server(authority) as server:
        patch.setenv("no_proxy", "127.0.0.1")
        yield World(root, middle, authority, server, request(server.url, DATA, 10))


@pytest.fixture
def serve() -> Iterator[Callable[..., str]]:
    servers: list[Server] = []

    def start(answer: Callable[[bytes], bytes], status: int = 200) -> str:
        servers.append(Server(answer, status))
        return servers[-1].url

    yield start
    for server in servers:
        server.__exit__()


def ask(authority: Authority, data: bytes = DATA, *, nonce: bool = True, certificate: bool = True) -> bytes:
    """Have a token made without the code under test."""
    builder = TimestampRequestBuilder(data, HashAlgorithm.SHA256, nonce, certificate)
    return authority(builder.build().as_bytes())


def refused(reason: Reason, token: bytes, data: bytes, *roots: Issued) -> TimestampError:
    with pytest.raises(TimestampError) as caught:
        verify(token, data, [root.pem for root in roots])
    assert caught.value.reason is reason, caught.value
    return caught.value


def test_a_token_tells_when_and_by_whom(world: World) -> None:
    found = verify(world.token, DATA, [world.root.pem])
    assert abs(found.time.timestamp() - time.time()) < 60
    assert found.time.utcoffset() is not None
    assert (found.authority, found.policy) == ("CN=Test TSA", POLICY)
    assert found.serial > 0


def test_openssl_accepts_the_token(world: World, tmp_path: Path) -> None:
    for name, data in (("data", DATA), ("token.tsr", world.token), ("root.pem", world.root.pem)):
        (tmp_path / name).write_bytes(data)
    options = ("-in", tmp_path / "token.tsr", "-CAfile", tmp_path / "root.pem")
    done = openssl("ts", "-verify", "-data", tmp_path / "data", *options)
    assert "Verification: OK" in done.stdout, done.stderr
    (tmp_path / "data").write_bytes(DATA + b"x")
    assert openssl("ts", "-verify", "-data", tmp_path / "data", *options).returncode != 0


def test_only_a_hash_leaves_the_house(world: World, serve: Callable[..., str]) -> None:
    queries: list[bytes] = []

    def answer(query: bytes) -> bytes:
        queries.append(query)
        return world.authority(query)

    for _ in range(2):
        request(serve(answer), DATA, 10)
    assert all(hashlib.sha256(DATA).digest() in query and DATA not in query for query in queries)
    assert queries[0] != queries[1], "the nonce is new each time"
    assert world.server.headers["Content-Type"] == "application/timestamp-query"


def test_data_that_changed_is_found_out(world: World) -> None:
    assert "over other data" in str(refused(Reason.IMPRINT, world.token, DATA + b"x", world.root))


@settings(max_examples=200)
@given(data=st.data())
def test_no_change_makes_a_token_say_something_else(world: World, data: st.DataObject) -> None:
    """A few bytes of a token are outside its signature, and mean nothing; all others count."""
    token = bytearray(world.token)
    token[data.draw(st.integers(0, len(token) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    try:
        found = verify(bytes(token), DATA, [world.root.pem])
    except TimestampError:
        return
    assert found == verify(world.token, DATA, [world.root.pem])


@given(st.binary())
def test_what_is_no_token_is_refused(token: bytes) -> None:
    with pytest.raises(TimestampError) as caught:
        verify(token, DATA, [])
    assert caught.value.reason is Reason.MALFORMED


def test_a_token_that_is_cut_short_or_continued_is_refused(world: World) -> None:
    for token in (world.token[:-1], world.token[:40], world.token + b"\0"):
        refused(Reason.MALFORMED, token, DATA, world.root)


def test_an_authority_that_nobody_trusts_is_refused(world: World, tmp_path: Path) -> None:
    stranger = issue("Test root", authority=True)
    refused(Reason.UNTRUSTED, world.token, DATA, stranger)
    forged = Authority(tmp_path / "forged", issue_tsa(issue("Test intermediate", stranger, authority=True)))
    refused(Reason.UNTRUSTED, ask(forged), DATA, world.root)
    own = issue("Test TSA", usage=ExtendedKeyUsageOID.TIME_STAMPING)
    refused(Reason.UNTRUSTED, ask(Authority(tmp_path / "own", own)), DATA, world.root)


def test_a_chain_ends_in_a_root(world: World) -> None:
    refused(Reason.UNTRUSTED, world.token, DATA, world.middle)


def test_intermediates_come_with_the_token_or_are_given(world: World, tmp_path: Path) -> None:
    token = ask(Authority(tmp_path / "tsa", issue_tsa(world.middle)))
    refused(Reason.UNTRUSTED, token, DATA, world.root)
    assert verify(token, DATA, [world.root.pem], [world.middle.pem]).authority == "CN=Test TSA"
    assert verify(world.token, DATA, [world.root.pem + issue("Another", authority=True).pem])


def test_certificates_come_in_any_order(world: World, tmp_path: Path) -> None:
    """OpenSSL sends them as they are configured, which RFC 5652 allows and DER does not."""
    signer = issue_tsa(world.middle)
    for number, chain in enumerate((signer.pem + world.middle.pem, world.middle.pem + signer.pem)):
        token = ask(Authority(tmp_path / str(number), signer, chain))
        assert verify(token, DATA, [world.root.pem]).authority == "CN=Test TSA"
        sorted_token = sorted_certificates(token)
        assert len(sorted_token) == len(token)
        assert sorted_certificates(sorted_token) == sorted_token


@given(st.binary())
def test_sorting_leaves_alone_what_is_no_token(data: bytes) -> None:
    assert sorted_certificates(data) == data


def test_an_intermediate_that_is_no_authority_makes_no_chain(world: World, tmp_path: Path) -> None:
    middle = issue("Test intermediate", world.root)
    token = ask(Authority(tmp_path / "tsa", issue_tsa(middle), middle.pem))
    refused(Reason.UNTRUSTED, token, DATA, world.root)
    with pytest.raises(TimestampError):
        verify(token, DATA, [world.root.pem], [middle.pem])


def test_a_root_among_the_intermediates_is_not_trusted_for_it(world: World) -> None:
    other = issue("Another", authority=True)
    with pytest.raises(StoreError, match="a root certificate is given as an intermediate one"):
        verify(world.token, DATA, [other.pem], [world.middle.pem, world.root.pem])


def test_a_certificate_for_something_else_is_refused(world: World, tmp_path: Path) -> None:
    """``openssl ts`` refuses to sign with one, so it takes the place of the right one afterwards."""
    right = issue_tsa(world.root)
    token = ask(Authority(tmp_path / "tsa", right))
    assert verify(token, DATA, [world.root.pem])
    old = right.certificate.public_bytes(Encoding.DER)
    new = b""
    while len(new) != len(old):
        # The length of a signature varies by a byte or two, and the token states it.
        other = issue("Test TSA", world.root, usage=ExtendedKeyUsageOID.CODE_SIGNING, like=right)
        new = other.certificate.public_bytes(Encoding.DER)
    swapped = token.replace(old, new)
    assert swapped != token
    assert "purpose" in str(refused(Reason.UNTRUSTED, swapped, DATA, world.root))


def test_a_token_without_the_certificate_is_refused(world: World) -> None:
    token = ask(world.authority, certificate=False)
    assert "does not bring along" in str(refused(Reason.UNTRUSTED, token, DATA, world.root))


@pytest.mark.parametrize("days", [(-20, -10), (10, 20)])
def test_an_authority_that_was_not_valid_then_is_refused(
    days: tuple[int, int], world: World, tmp_path: Path
) -> None:
    signer = issue_tsa(world.root, days=days)
    error = refused(Reason.EXPIRED, ask(Authority(tmp_path / "tsa", signer)), DATA, world.root)
    assert "was not valid on" in str(error)


def test_an_expired_root_or_intermediate_is_refused(tmp_path: Path) -> None:
    old_root = issue("Old root", authority=True, days=(-20, -10))
    refused(Reason.EXPIRED, ask(Authority(tmp_path / "a", issue_tsa(old_root))), DATA, old_root)
    root = issue("Root", authority=True)
    middle = issue("Old intermediate", root, authority=True, days=(-20, -10))
    refused(Reason.EXPIRED, ask(Authority(tmp_path / "b", issue_tsa(middle), middle.pem)), DATA, root)


def test_roots_are_needed_and_are_pem(world: World) -> None:
    with pytest.raises(StoreError, match="there is no root certificate"):
        verify(world.token, DATA, [])
    with pytest.raises(StoreError, match="is not PEM"):
        verify(world.token, DATA, [b"nonsense"])


def test_an_old_answer_played_back_is_found_out(world: World, serve: Callable[..., str]) -> None:
    with pytest.raises(TimestampError) as caught:
        request(serve(lambda _: world.token), DATA, 10)
    assert caught.value.reason is Reason.NONCE


def test_an_answer_without_a_nonce_is_found_out(world: World, serve: Callable[..., str]) -> None:
    token = ask(world.authority, nonce=False)
    assert verify(token, DATA, [world.root.pem])
    with pytest.raises(TimestampError) as caught:
        request(serve(lambda _: token), DATA, 10)
    assert caught.value.reason is Reason.NONCE


def test_an_answer_over_other_data_is_found_out(world: World, serve: Callable[..., str]) -> None:
    token = ask(world.authority, b"other")
    with pytest.raises(TimestampError) as caught:
        request(serve(lambda _: token), DATA, 10)
    assert caught.value.reason is Reason.IMPRINT


def test_a_refusal_is_told_with_its_reason(world: World, serve: Callable[..., str]) -> None:
    sha512 = TimestampRequestBuilder(DATA, HashAlgorithm.SHA512).build().as_bytes()
    refusal = world.authority(sha512)
    with pytest.raises(TimestampError, match=r"refused, with status 2: .*algorithm") as caught:
        request(serve(lambda _: refusal), DATA, 10)
    assert caught.value.reason is Reason.REJECTED
    refused(Reason.REJECTED, refusal, DATA, world.root)


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (500, Reason.UNREACHABLE),
        (503, Reason.UNREACHABLE),
        (429, Reason.UNREACHABLE),
        (400, Reason.REJECTED),
        (404, Reason.REJECTED),
        (302, Reason.REJECTED),
        (307, Reason.REJECTED),
    ],
)
def test_an_error_of_http_says_whether_to_try_again(
    status: int, reason: Reason, serve: Callable[..., str]
) -> None:
    with pytest.raises(TimestampError, match=f"127.0.0.1 answered with HTTP status {status}") as caught:
        request(serve(lambda _: b"", status), DATA, 10)
    assert caught.value.reason is reason


def test_an_authority_that_is_down(world: World) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with pytest.raises(TimestampError, match=r"127.0.0.1 does not answer: .*refused") as caught:
        request(f"http://127.0.0.1:{port}", DATA, 10)
    assert caught.value.reason is Reason.UNREACHABLE
    with pytest.raises(TimestampError, match="does not answer") as caught:
        request("http://no-such-host.invalid", DATA, 10)
    assert caught.value.reason is Reason.UNREACHABLE


def test_an_authority_that_says_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        with pytest.raises(TimestampError, match="does not answer: timed out") as caught:
            request(f"http://127.0.0.1:{silent.getsockname()[1]}", DATA, 0.2)
        assert caught.value.reason is Reason.UNREACHABLE


def test_an_authority_that_answers_too_much_or_nonsense(world: World, serve: Callable[..., str]) -> None:
    for answer in (bytes(LARGEST_ANSWER + 1), b"<html>", b"", world.token[:100]):
        with pytest.raises(TimestampError) as caught:
            request(serve(lambda _, answer=answer: answer), DATA, 10)
        assert caught.value.reason is Reason.MALFORMED


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://127.0.0.1/", "127.0.0.1:80", "http://", ""])
def test_an_address_is_one_of_http(url: str) -> None:
    with pytest.raises(ValueError, match="begins with http"):
        request(url, DATA, 1)


def test_there_is_something_to_timestamp() -> None:
    with pytest.raises(ValueError, match="nothing to timestamp"):
        request("http://127.0.0.1:1", b"", 1)
