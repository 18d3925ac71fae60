"""Witnesses are asked as tlog-witness says, and nothing that they do or leave undone fails a run."""

import shutil
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from store.note import parse
from store.publication import FILE
from store.record import Record
from store.sealing import Sealing
from store.signing_key import FileKey, generate
from store.verify import Demands, verify
from store.witness_client import LARGEST_ANSWER, add_checkpoint
from tests.independent_verifier import Verifier
from tests.store.conftest import Clock, Play
from tests.store.keys import ORIGIN, Witness
from tests.store.witness_server import TEXT, Reply, WitnessServer

ONE, TWO = Witness("witness.one", 11), Witness("witness.two", 12)


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")


@pytest.fixture
def sealing(tmp_path: Path) -> Sealing:
    generate(tmp_path / "signing.key", ORIGIN)
    return Sealing(FileKey(tmp_path / "signing.key"), ORIGIN, witnesses=(ONE.key, TWO.key), witness_seconds=5)


def serve(witness: Witness, sealing: Sealing) -> WitnessServer:
    return WitnessServer(witness, {ORIGIN: (sealing.key.signer(ORIGIN).key,)})


@pytest.fixture
def one(sealing: Sealing) -> Iterator[WitnessServer]:
    with serve(ONE, sealing) as server:
        yield server


@pytest.fixture
def two(sealing: Sealing) -> Iterator[WitnessServer]:
    with serve(TWO, sealing) as server:
        yield server


def run(folder: Path, sealing: Sealing, resource: str = "a") -> list[str]:
    with Record.writer(folder, Clock(), sealing) as record:
        with record.engine.connect() as connection:
            done = connection.exec_driver_sql("SELECT count(*) FROM run").scalar_one()
        Play(record, runs=done).run({resource: {"n": 1}})
        return record.publish()


def publish(folder: Path, sealing: Sealing) -> list[str]:
    with Record.writer(folder, Clock(), sealing) as record:
        return record.publish()


def cosigners(folder: Path) -> set[str]:
    return {line.name for line in parse((folder / FILE).read_bytes()).signatures} - {ORIGIN}


def newest(folder: Path) -> int:
    return int(parse((folder / FILE).read_bytes()).text.split("\n")[1])


def test_each_checkpoint_is_cosigned_and_the_published_one_says_so(
    folder: Path, sealing: Sealing, one: WitnessServer, two: WitnessServer
) -> None:
    both = replace(sealing, witness_urls=(one.url, two.url))
    for resource in "abc":
        assert run(folder, both, resource) == []
        assert cosigners(folder) == {ONE.name, TWO.name}
    assert {path for server in (one, two) for path in server.paths} == {"/witness/add-checkpoint"}
    assert [len(server.requests) for server in (one, two)] == [3, 3], "what was cosigned last is remembered"
    assert one.held[ORIGIN][0] == newest(folder)
    with Record.open(folder) as record:
        found = verify(record, Demands(witnesses=sealing.witnesses, quorum=2))
    assert (found.problems, found.witnessed_size, found.unwitnessed) == ([], newest(folder), 0)
    assert found.witnessed_at == "2023-11-14T22:13:20.000Z"
    assert Verifier(folder).run() == []


def test_what_is_cosigned_is_not_asked_for_again(folder: Path, sealing: Sealing, one: WitnessServer) -> None:
    asking = replace(sealing, witness_urls=(one.url,))
    run(folder, asking)
    assert publish(folder, asking) == []
    assert len(one.requests) == 1


def test_a_witness_that_knows_more_or_less_than_is_believed_says_so_and_is_asked_again(
    folder: Path, sealing: Sealing, one: WitnessServer, two: WitnessServer
) -> None:
    run(folder, replace(sealing, witness_urls=(one.url,)))
    for resource in "bcd":
        run(folder, replace(sealing, witness_urls=(two.url,)), resource)
    both = replace(sealing, witness_urls=(one.url, two.url))
    assert run(folder, both, "e") == []
    assert cosigners(folder) == {ONE.name, TWO.name}
    assert [body.split(b"\n")[0] for body in one.requests[1:]] == [
        b"old %d" % int(two.requests[-1].split(b"\n")[0][4:]),
        b"old %d" % int(one.requests[0].partition(b"\n\n")[2].split(b"\n")[1]),
    ]


def test_a_witness_that_is_down_is_asked_with_the_next_publication(
    folder: Path, sealing: Sealing, one: WitnessServer
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    down = replace(sealing, witness_urls=(f"http://127.0.0.1:{port}/",))
    (notice,) = run(folder, down)
    assert "is not cosigned yet: the witness 127.0.0.1 does not answer" in notice
    assert cosigners(folder) == set()
    assert publish(folder, replace(sealing, witness_urls=(one.url,))) == []
    assert cosigners(folder) == {ONE.name}


def test_a_witness_that_is_slow_costs_no_more_than_its_time(folder: Path, sealing: Sealing) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        started = time.monotonic()
        (notice,) = run(folder, replace(sealing, witness_urls=(url,), witness_seconds=0.3))
    assert "does not answer: timed out" in notice
    assert time.monotonic() - started < 5


def wrong(body: bytes) -> Reply:
    text = parse(body.partition(b"\n\n")[2]).text
    forged = Witness(ONE.name, 99).cosign(text)
    return 200, TEXT, str(replace(forged, key_id=ONE.key.id)).encode()


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (wrong, "is wrong"),
        (lambda body: (200, TEXT, b""), "answered, but the cosignature is not taken"),
        (lambda body: (200, TEXT, b"<html>\n"), "a signature line is malformed"),
        (
            lambda body: (200, TEXT, str(Witness("other", 5).cosign("x")).encode()),
            "no signature by a known key",
        ),
        (
            lambda body: (200, TEXT, str(ONE.cosign("example.com/evidence\n1\nAAAA\n")).encode()),
            "is wrong",
        ),
        (lambda body: (200, TEXT, bytes(LARGEST_ANSWER + 1)), "answers too much"),
        (lambda body: (400, TEXT, b""), "status 400: it takes the request for malformed"),
        (lambda body: (403, TEXT, b""), "status 403: it does not know the key"),
        (lambda body: (404, TEXT, b""), "status 404: it does not know the log"),
        (lambda body: (422, TEXT, b""), "status 422: it has cosigned another history"),
        (lambda body: (500, TEXT, b""), "status 500"),
        (lambda body: (302, TEXT, b""), "status 302"),
        (lambda body: (409, TEXT, b"1\n"), "status 409: it names no size"),
        (lambda body: (409, "text/x.tlog.size", b"01\n"), "status 409: '01' is not a decimal number"),
        (lambda body: (409, "text/x.tlog.size", b"999\n"), "an older copy of the store was put in its place"),
        (lambda body: (409, "text/x.tlog.size", b"0\n"), "has cosigned another history of this log"),
    ],
)
def test_whatever_it_answers_is_a_notice_and_leaves_nothing_behind(
    folder: Path, sealing: Sealing, one: WitnessServer, fault: Callable[[bytes], Reply], message: str
) -> None:
    one.fault = fault
    (notice,) = run(folder, replace(sealing, witness_urls=(one.url,)))
    assert notice.startswith(f"checkpoint {newest(folder)} is not cosigned yet: the witness 127.0.0.1 ")
    assert message in notice
    assert cosigners(folder) == set()
    with Record.open(folder) as record:
        assert verify(record).problems == []
    one.fault = None
    assert publish(folder, replace(sealing, witness_urls=(one.url,))) == []
    assert cosigners(folder) == {ONE.name}


def test_one_that_keeps_changing_its_mind_is_left(folder: Path, sealing: Sealing, one: WitnessServer) -> None:
    sizes = iter(range(1, 9))
    one.fault = lambda body: (409, "text/x.tlog.size", f"{next(sizes)}\n".encode())
    (notice,) = run(folder, replace(sealing, witness_urls=(one.url,)))
    assert "faster than it can be asked" in notice
    assert len(one.requests) == 3


def test_a_witness_finds_out_a_fork_and_an_older_copy(
    folder: Path, sealing: Sealing, one: WitnessServer, tmp_path: Path
) -> None:
    asking = replace(sealing, witness_urls=(one.url,))
    run(folder, asking)
    fork, older = (Path(shutil.copytree(folder, tmp_path / name)) for name in ("fork", "older"))
    run(folder, asking, "b")
    run(folder, asking, "c")
    (notice,) = run(older, asking, "b")
    assert "an older copy of the store was put in its place, or somebody else signs for it" in notice
    for resource in "xyz":
        notices = run(fork, asking, resource)
    assert "another history" in notices[0]
    assert one.held[ORIGIN][0] == newest(folder)


def test_what_is_not_of_the_log_is_shown_to_nobody(
    folder: Path, sealing: Sealing, one: WitnessServer
) -> None:
    run(folder, sealing)
    with Record.writer(folder, Clock(), replace(sealing, witness_urls=(one.url,))) as record:
        with record.engine.begin() as connection:
            connection.exec_driver_sql("UPDATE log SET hash = zeroblob(32) WHERE seq = 1")
        (notice,) = record.publish()
    assert "it is not of this log" in notice
    assert one.requests == []


def test_a_witness_does_not_know_a_log_that_it_was_not_told_of(folder: Path, sealing: Sealing) -> None:
    with WitnessServer(ONE, {}) as stranger:
        (notice,) = run(folder, replace(sealing, witness_urls=(stranger.url,)))
    assert "status 404: it does not know the log; tell its operator" in notice
    with WitnessServer(ONE, {ORIGIN: (TWO.key,)}) as other:
        (notice,) = publish(folder, replace(sealing, witness_urls=(other.url,)))
    assert "status 403" in notice


@pytest.mark.parametrize("url", ["ftp://127.0.0.1", "127.0.0.1"])
def test_an_address_is_one_of_http(url: str) -> None:
    with pytest.raises(ValueError, match="begins with http"):
        add_checkpoint(url, b"", 0, 0, lambda level, index: b"", 1)
