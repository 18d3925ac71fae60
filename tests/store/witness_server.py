"""A witness on loopback, written from c2sp.org/tlog-witness; another package checks the proofs."""

import base64
import hashlib
import http.server
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tlog_scales.tlog import Checkpoint, ConsistencyProof, ConsistencyProofInvalid

from store.note import NoteError, parse, verify
from store.note_key import NoteKey
from tests.store.keys import Witness

EMPTY = hashlib.sha256(b"").digest()

Reply = tuple[int, str, bytes]
TEXT = "text/plain"


@dataclass
class WitnessServer:
    """Cosigns what is consistent with what it has cosigned, and remembers it.

    Attributes:
        logs: origin → the log's keys; others are unknown.
        held: origin → size and root that it cosigned last.
        requests: the bodies that it was sent.
        fault: takes the place of its answer, where there is one.
    """

    witness: Witness
    logs: dict[str, tuple[NoteKey, ...]]
    held: dict[str, tuple[int, bytes]] = field(default_factory=dict)
    requests: list[bytes] = field(default_factory=list)
    fault: Callable[[bytes], Reply] | None = None
    paths: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.lock = threading.Lock()
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        serve = self.server.serve_forever
        threading.Thread(target=serve, kwargs={"poll_interval": 0.01}, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}/witness/"

    def __enter__(self) -> "WitnessServer":
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()

    def add_checkpoint(self, body: bytes) -> Reply:
        head, _, data = body.partition(b"\n\n")
        old, *proof = head.decode("ascii").split("\n")
        if not old.startswith("old ") or str(int(old[4:])) != old[4:] or len(proof) > 63:
            return 400, TEXT, b""
        note, theirs = parse(data), Checkpoint.from_text(data.decode())
        if theirs.origin not in self.logs:
            return 404, TEXT, b""
        try:
            verify(note, self.logs[theirs.origin])
        except NoteError:
            return 403, TEXT, b""
        size = int(old[4:])
        if size > theirs.size:
            return 400, TEXT, b""
        with self.lock:
            held, root = self.held.get(theirs.origin, (0, EMPTY))
            if held != size or (held == theirs.size and root != theirs.root_hash):
                return 409, "text/x.tlog.size", f"{held}\n".encode()
            if held:
                hashes = [base64.b64decode(line, validate=True) for line in proof]
                try:
                    ConsistencyProof(held, theirs.size, hashes).check(root, theirs.root_hash)
                except ConsistencyProofInvalid:
                    return 422, TEXT, b""
            elif proof:
                return 422, TEXT, b""
            self.held[theirs.origin] = theirs.size, theirs.root_hash
        return 200, TEXT, str(self.witness.cosign(note.text)).encode()

    def _handler(self) -> type[http.server.BaseHTTPRequestHandler]:
        owner = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                owner.requests.append(body)
                owner.paths.append(self.path)
                status, kind, answer = (owner.fault or owner.add_checkpoint)(body)
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_: Any) -> None:
                pass

        return Handler
