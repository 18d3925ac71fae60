"""A second verifier, written from docs/record-format.md. It imports nothing of Annexa's.

``python independent_verifier.py STORE [VKEY]`` prints what does not fit.
"""

import base64
import contextlib
import hashlib
import json
import sqlite3
import sys
from pathlib import Path
from typing import Any

import zstandard
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

STATEMENTS = {"attestation", "waiver", "exclusion", "hold", "withdrawal"}
KINDS = {"store", "run", "checks", "scope", "collection", "key", "checkpoint", "cosignature", "timestamp"}
KINDS |= {"dictionary"} | STATEMENTS
SAME = "run provider scope type region started finished provider_time skew_ms resources gaps"
COLLECTION = """
SELECT c.*, r.uid AS run, p.provider, p.external_id AS scope, x.resource_type AS type, x.region, s.complete,
       s.resources, s.gaps, s.content_root, s.findings_root, s.checks, s.report, s.manifest
FROM collection c JOIN run r ON r.id = c.run_id JOIN series x ON x.id = c.series_id
JOIN scope p ON p.id = x.scope_id JOIN collection_state s ON s.id = c.state_id ORDER BY c.seq"""
CONTENT = "SELECT c.*, r.resource_id, r.series_id FROM content c JOIN resource r ON r.id = c.resource_pk"
FINDING = """SELECT f.*, r.resource_id, r.series_id, k.digest FROM finding f
JOIN resource r ON r.id = f.resource_pk JOIN check_applied k ON k.id = f.check_pk"""


def sha(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def canonical(value: Any) -> bytes:
    """RFC 8785 for what is hashed here: no floats, and keys that sort alike in UTF-8 and UTF-16."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()


def root(leaves: list[bytes]) -> bytes:
    if len(leaves) < 2:
        return leaves[0] if leaves else sha(b"")
    split = 1 << ((len(leaves) - 1).bit_length() - 1)
    return sha(b"\x01" + root(leaves[:split]) + root(leaves[split:]))


def tree(values: list[Any]) -> bytes:
    return root([sha(b"\x00" + canonical(value)) for value in values])


def signed(vkey: str, text: str, line: str) -> bool:
    name, key_id, material = vkey.split("+", 2)
    key = base64.b64decode(material)
    _, signer, encoded = line.split(" ")
    data = base64.b64decode(encoded)
    if sha(name.encode() + b"\n" + key)[:4].hex() != key_id or (signer, data[:4].hex()) != (name, key_id):
        return False
    message, signature = text.encode(), data[4:]
    if key[0] == 4:
        at = int.from_bytes(signature[:8], "big")
        message, signature = f"cosignature/v1\ntime {at}\n{text}".encode(), signature[8:]
    with contextlib.suppress(InvalidSignature):
        Ed25519PublicKey.from_public_bytes(key[1:]).verify(signature, message)
        return True
    return False


def is_open(rows: list[sqlite3.Row], now: int) -> list[sqlite3.Row]:
    return [row for row in rows if row["opened"] <= now and (row["closed"] is None or row["closed"] > now)]


class Verifier:
    def __init__(self, store: Path) -> None:
        self.files = store / "files"
        self.db = sqlite3.connect(f"file:{store / 'record.db'}?mode=ro", uri=True)
        self.db.row_factory = sqlite3.Row
        self.problems: list[str] = []
        self.dictionaries = {r["id"]: r["data"] for r in self.rows("SELECT * FROM dictionary")}
        self.blobs: dict[bytes, bytes] = {}
        self.bodies: dict[int, Any] = {}
        self.leaves: list[bytes] = []

    def rows(self, query: str) -> list[sqlite3.Row]:
        return self.db.execute(query).fetchall()

    def need(self, fits: bool, what: str) -> None:
        self.problems += [] if fits else [what]

    def plain(self, row: sqlite3.Row, column: str) -> bytes:
        which = row["dictionary_id"]
        trained = None if which is None else zstandard.ZstdCompressionDict(self.dictionaries[which])
        return zstandard.ZstdDecompressor(dict_data=trained).decompress(row[column], max_output_size=1 << 30)

    def run(self, trusted: str = "") -> list[str]:
        for row in self.rows("SELECT * FROM blob"):
            self.blobs[row["hash"]] = self.plain(row, "data")
            self.need(sha(self.blobs[row["hash"]]) == row["hash"], f"blob {row['hash'].hex()}")
        self.log()
        self.statements()
        self.checkpoints(trusted)
        for series in {row["series_id"] for row in self.collections}:
            self.replay(series)
        return self.problems

    def log(self) -> None:
        self.collections = self.rows(COLLECTION)
        entries = {row["seq"]: canonical(self.body(row)) for row in self.collections}
        for number, row in enumerate(self.rows("SELECT * FROM log ORDER BY seq")):
            entry = self.plain(row, "entry") if row["entry"] is not None else entries.pop(row["seq"], b"")
            self.need(row["seq"] == number and sha(b"\x00" + entry) == row["hash"], f"entry {row['seq']}")
            self.leaves.append(row["hash"])
            if row["entry"] is not None:
                self.bodies[number] = json.loads(entry)
                self.need(self.bodies[number]["v"] == 1 and row["kind"] in KINDS, f"kind of entry {number}")
        self.need(not entries, "a collection that is not logged")
        ends = {b["run"]: b for b in self.bodies.values() if b.get("event") == "finished"}
        for row in self.rows("SELECT * FROM run WHERE summary IS NOT NULL"):
            end, summary = ends[row["uid"]], json.loads(row["summary"])
            stated = (end["at"], end["status"], end["summary"])
            self.need(stated == (row["finished"], row["status"], summary), f"run {row['uid']}")

    def statements(self) -> None:
        for number, entry in self.bodies.items():
            if entry["kind"] in STATEMENTS:
                said = json.loads(self.blobs.get(bytes.fromhex(entry["statement"]), b"{}"))
                self.need(said.get("kind") == entry["kind"], f"statement {number}")
                for file in said.get("says", {}).get("files", ()):
                    path = self.files / file["sha256"][:2] / file["sha256"]
                    fits = path.is_file() and sha(path.read_bytes()).hex() == file["sha256"]
                    self.need(fits, f"file {file['name']} of statement {number}")

    def body(self, row: sqlite3.Row) -> dict[str, Any]:
        names = (("content", "content_root"), ("findings", "findings_root"), ("checks",) * 2, ("report",) * 2)
        manifest = row["manifest"].hex() if row["manifest"] else None
        self.need(row["report"] in self.blobs, f"report of collection {row['id']}")
        more = {"v": 1, "kind": "collection", "complete": bool(row["complete"]), "manifest": manifest}
        return {key: row[key] for key in SAME.split()} | {key: row[name].hex() for key, name in names} | more

    def checkpoints(self, trusted: str) -> None:
        keys = [(seq, b["old"], b["new"]) for seq, b in self.bodies.items() if b["kind"] == "key"]
        cosigned = [(b["size"], b["witness"]) for b in self.bodies.values() if b["kind"] == "cosignature"]
        last = ""
        for row in self.rows("SELECT * FROM checkpoint ORDER BY size"):
            size, what = row["size"], f"checkpoint {row['size']}"
            self.need(size <= len(self.leaves) and root(self.leaves[:size]) == row["root"], what)
            signing = [key for key in keys if key[0] < size]
            if not signing:
                continue
            seq, old, last = signing[-1]
            vkeys = [last] + [old] * bool(old and size == seq + 1) + [w for s, w in cosigned if s == size]
            text, _, lines = (row["note"] or "").partition("\n\n")
            text += "\n"
            expected = f"{last.split('+')[0]}\n{size}\n{base64.b64encode(row['root']).decode()}\n"
            found = lines.splitlines()
            fits = text == expected and all(any(signed(key, text, line) for line in found) for key in vkeys)
            self.need(fits and len(found) == len(vkeys), f"signatures of {what}")
        self.need(not trusted or trusted == last, "not signed by the key that was given")

    def replay(self, series: int) -> None:
        content = [row for row in self.rows(CONTENT) if row["series_id"] == series]
        findings = [row for row in self.rows(FINDING) if row["series_id"] == series]
        for row in (r for r in self.collections if r["series_id"] == series):
            now = row["id"]
            seen = sorted([c["resource_id"], c["hash"].hex()] for c in is_open(content, now))
            if not row["complete"]:
                manifest = json.loads(self.blobs[row["manifest"]])
                self.need(all(pair in seen for pair in manifest), f"manifest of collection {now}")
                seen = manifest
            self.need(all(bytes.fromhex(h) in self.blobs for _, h in seen), f"documents of collection {now}")
            self.need((tree(seen), len(seen)) == (row["content_root"], row["resources"]), f"content of {now}")
            judged = sorted(is_open(findings, now), key=lambda f: (f["resource_id"], f["check_id"]))
            self.need(tree([self.finding(f) for f in judged]) == row["findings_root"], f"findings of {now}")

    def finding(self, f: sqlite3.Row) -> list[str]:
        # ``observed`` is canonical already, and may hold numbers that only RFC 8785 writes right.
        decided = b'{"observed":' + f["observed"].encode() + b',"reason":' + canonical(f["reason"]) + b"}"
        document = f["document"].hex() if f["document"] else ""
        who = [f["resource_id"], f["check_id"], f["digest"].hex()]
        return [*who, f["outcome"], document, sha(decided).hex()]


if __name__ == "__main__":
    sys.exit("\n".join(Verifier(Path(sys.argv[1])).run(*sys.argv[2:3])) or 0)
