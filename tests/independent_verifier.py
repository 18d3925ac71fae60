"""A second verifier, written from docs/record-format.md. It imports nothing of Annexa's.

``python independent_verifier.py STORE [VKEY]`` prints what does not fit.
"""

import base64
import contextlib
import datetime as dt
import hashlib
import json
import sqlite3
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import zstandard
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

SAYS = {
    "attestation": "control owner says valid_from valid_until files",
    "waiver": "check provider scope resource reason approver valid_from valid_until",
    "exclusion": "control justification approver valid_from valid_until",
    "hold": "reason approver valid_from valid_until",
    "withdrawal": "entry reason approver",
}
KINDS = dict.fromkeys(SAYS, "at statement") | {
    "store": "store at",
    "run": "run event at",
    "checks": "at checks",
    "scope": "provider scope name",
    "key": "old new at",
    "checkpoint": "at",
    "cosignature": "size witness at",
    "timestamp": "size authority token at",
    "dictionary": "at dictionary",
    "prune": "at by reason before removed root",
    "clock": "at before reason by",
}
EVENTS = {"started": " trigger", "finished": " status summary", "interrupted": ""}
SAME = "run provider scope type region started finished provider_time skew_ms resources gaps"
COLLECTION = """
SELECT c.*, r.uid AS run, p.provider, p.external_id AS scope, x.resource_type AS type, x.region, s.complete,
       s.resources, s.gaps, s.content_root, s.findings_root, s.checks, s.report, s.manifest
FROM collection c JOIN run r ON r.id = c.run_id JOIN series x ON x.id = c.series_id
JOIN scope p ON p.id = x.scope_id
JOIN collection_state s ON s.id = c.state_id AND s.series_id = c.series_id ORDER BY c.id"""
CONTENT = """SELECT c.*, r.resource_id, r.series_id, s.resource_type FROM content c
JOIN resource r ON r.id = c.resource_pk JOIN series s ON s.id = r.series_id"""
FINDING = """SELECT f.*, r.resource_id, r.series_id, k.digest FROM finding f
JOIN resource r ON r.id = f.resource_pk
JOIN check_applied k ON k.id = f.check_pk AND k.check_id = f.check_id"""

End = tuple[str, int]
"""When something was needed no more: a moment, and the entry of the log that shows it."""


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


class Verifier:
    def __init__(self, store: Path) -> None:
        self.store = store
        self.db = sqlite3.connect(f"file:{store / 'record.db'}?mode=ro", uri=True)
        self.db.row_factory = sqlite3.Row
        self.problems: list[str] = []
        self.dictionaries = {row["id"]: row["data"] for row in self.rows("SELECT * FROM dictionary")}
        self.blobs: dict[bytes, bytes] = {}
        self.bodies: dict[int, Any] = {}
        self.leaves: list[bytes] = []
        self.gone: dict[bytes, list[tuple[int, str]]] = {}
        self.ends: dict[bytes, list[End | None]] = defaultdict(list)
        self.file_ends: dict[bytes, list[End | None]] = defaultdict(list)
        self.saw_last: set[int] = set()

    def rows(self, query: str) -> list[sqlite3.Row]:
        return self.db.execute(query).fetchall()

    def stored(self, table: str, *columns: str) -> list[tuple[Any, ...]]:
        return sorted(tuple(row) for row in self.rows(f"SELECT {', '.join(columns)} FROM {table}"))

    def need(self, fits: bool, what: str) -> None:
        self.problems += [] if fits else [what]

    def of(self, *kinds: str) -> list[tuple[int, Any]]:
        return [(seq, body) for seq, body in self.bodies.items() if body["kind"] in kinds]

    def plain(self, row: sqlite3.Row, column: str) -> bytes:
        which = row["dictionary_id"]
        trained = None if which is None else zstandard.ZstdCompressionDict(self.dictionaries[which])
        return zstandard.ZstdDecompressor(dict_data=trained).decompress(row[column], max_output_size=1 << 30)

    def run(self, trusted: str = "") -> list[str]:
        try:
            for row in self.rows("SELECT * FROM blob"):
                self.blobs[row["hash"]] = self.plain(row, "data")
                self.need(sha(self.blobs[row["hash"]]) == row["hash"], f"blob {row['hash'].hex()}")
            self.log()
            self.named()
            self.runs()
            self.checkpoints(trusted)
            self.tombstones()
            self.statements()
            for series in {row["series_id"] for row in self.collections}:
                self.replay(series)
            self.payloads()
        except (AttributeError, LookupError, TypeError, ValueError, zstandard.ZstdError) as error:
            self.problems.append(f"cannot be read any further: {error!r}")
        return self.problems

    def log(self) -> None:
        self.collections = self.rows(COLLECTION)
        self.by_id = {row["id"]: row for row in self.collections}
        order = [row["seq"] for row in self.collections]
        self.need(
            order == sorted(order) and len(order) == len(self.rows("SELECT 1 FROM collection")), "collections"
        )
        entries = {row["seq"]: canonical(self.body(row)) for row in self.collections}
        for number, row in enumerate(self.rows("SELECT * FROM log ORDER BY seq")):
            kept = row["kind"] != "collection"
            entry = self.plain(row, "entry") if kept else entries.pop(row["seq"], b"")
            self.need(row["seq"] == number and sha(b"\x00" + entry) == row["hash"], f"entry {row['seq']}")
            self.leaves.append(row["hash"])
            if kept:
                body = self.bodies[number] = json.loads(entry)
                keys = f"v kind {KINDS[row['kind']]}{EVENTS[body['event']] if row['kind'] == 'run' else ''}"
                fits = (body["v"], body["kind"], set(body)) == (1, row["kind"], set(keys.split()))
                self.need(fits and (row["kind"] == "store") == (number == 0), f"kind of entry {number}")
            else:
                self.need((row["entry"], row["dictionary_id"]) == (None, None), f"entry {number} is kept")
        self.need(not entries, "a collection that is not logged")
        size, frontier = len(self.leaves), b""
        for full in (1 << bit for bit in reversed(range(size.bit_length())) if size >> bit & 1):
            begun = len(self.leaves[: size & ~(2 * full - 1)])
            frontier += root(self.leaves[begun : begun + full])
        self.need(self.stored("log_state", "size", "frontier") == [(size, frontier)] * bool(size), "state")

    def named(self) -> None:
        """What entries name must stand in the rows, and nothing else."""
        names = {(b["provider"], b["scope"]): b["name"] for _, b in self.of("scope")}
        checks = sorted(
            (one, bytes.fromhex(digest)) for _, b in self.of("checks") for one, digest in b["checks"]
        )
        stamps = [(b["size"], b["authority"], b["token"]) for _, b in self.of("timestamp")]
        tokens = [
            (*row[:2], sha(row[2]).hex()) for row in self.stored("timestamp", "size", "authority", "token")
        ]
        trained = {b["dictionary"] for _, b in self.of("dictionary")}
        stores = [("store_id", body["store"]) for _, body in self.of("store")]
        self.need(self.stored("meta", "key", "value") == stores, "the store's identifier")
        scopes = self.stored("scope", "provider", "external_id", "name")
        self.need(scopes == sorted((*key, name) for key, name in names.items()), "names of scopes")
        self.need(self.stored("check_applied", "check_id", "digest") == checks, "checks that were applied")
        self.need(all(digest in self.blobs for _, digest in checks), "a check as it was applied")
        self.need(sorted(tokens) == sorted(stamps), "timestamps")
        self.need({sha(data).hex() for data in self.dictionaries.values()} <= trained, "dictionaries")

    def runs(self) -> None:
        logged: dict[str, tuple[Any, ...]] = {}
        for _, body in self.of("run"):
            if body["event"] == "started":
                logged[body["run"]] = body["at"], body["trigger"], None, "running", None
            else:
                ended = body["at"], body.get("status", "interrupted"), body.get("summary")
                self.need(logged[body["run"]][2] is None, f"run {body['run']} ended twice")
                logged[body["run"]] = (*logged[body["run"]][:2], *ended)
        for row in self.rows("SELECT * FROM run"):
            summary = None if row["summary"] is None else json.loads(row["summary"])
            stated = row["started"], row["trigger"], row["finished"], row["status"], summary
            self.need(stated == logged.pop(row["uid"], None), f"run {row['uid']}")
        self.need(not logged, "a run that was logged")

    def body(self, row: sqlite3.Row) -> dict[str, Any]:
        names = (("content", "content_root"), ("findings", "findings_root"), ("checks",) * 2, ("report",) * 2)
        manifest = row["manifest"].hex() if row["manifest"] else None
        more = {"v": 1, "kind": "collection", "complete": bool(row["complete"]), "manifest": manifest}
        return {key: row[key] for key in SAME.split()} | {key: row[name].hex() for key, name in names} | more

    def checkpoints(self, trusted: str) -> None:
        keys = [(seq, body["old"], body["new"]) for seq, body in self.of("key")]
        self.need([old for _, old, _ in keys] == [None, *(new for *_, new in keys)][: len(keys)], "keys")
        cosigned = [(body["size"], body["witness"]) for _, body in self.of("cosignature")]
        due = {seq + 1: body["at"] for seq, body in self.of("checkpoint")}
        due |= {seq + 1: body["at"] for seq, body in self.of("run") if body["event"] == "finished"}
        due |= {seq + 1: body["at"] for seq, body in self.of("key") if body["old"] is not None}
        self.need(self.stored("checkpoint", "size", "at") == sorted(due.items()), "checkpoints that are due")
        last, texts = "", []
        for row in self.rows("SELECT * FROM checkpoint ORDER BY size"):
            size, what = row["size"], f"checkpoint {row['size']}"
            self.need(size <= len(self.leaves) and root(self.leaves[:size]) == row["root"], what)
            signing = [key for key in keys if key[0] < size]
            if not signing:
                self.need(row["note"] is None, f"{what} is from before the first key")
                continue
            seq, old, last = signing[-1]
            vkeys = [last] + [old] * bool(old and size == seq + 1) + [w for s, w in cosigned if s == size]
            text, _, lines = (row["note"] or "").partition("\n\n")
            text += "\n"
            expected = f"{last.split('+')[0]}\n{size}\n{base64.b64encode(row['root']).decode()}\n"
            found = lines.splitlines()
            fits = text == expected and all(any(signed(key, text, line) for line in found) for key in vkeys)
            self.need(fits and len(found) == len(set(vkeys)) == len(vkeys), f"signatures of {what}")
            texts.append(text)
        outside = self.store / "checkpoint"
        copy = outside.read_text("utf-8").partition("\n\n")[0] + "\n" if outside.exists() else ""
        self.need(copy in ["", *texts], "the file checkpoint")
        self.need(not trusted or trusted == last, "not signed by the key that was given")

    def statements(self) -> None:
        filed = self.of(*SAYS)
        said = {seq: json.loads(self.blobs.get(bytes.fromhex(b["statement"]), b"null")) for seq, b in filed}
        withdrawn: dict[int, End] = {}
        for seq, body in filed:
            if body["kind"] == "withdrawal" and said[seq]:
                ended = said[seq]["says"]["entry"]
                fits = ended < seq and ended not in withdrawn and self.bodies[ended]["kind"] in SAYS
                fits = fits and self.bodies[ended]["kind"] != "withdrawal"
                self.need(fits, f"withdrawal {seq} of entry {ended}")
                withdrawn[ended] = body["at"], seq
        for seq, body in filed:
            kind, told, ended = body["kind"], said[seq], withdrawn.get(seq)
            if told is None:
                gone = None if kind == "withdrawal" else (body["at"], seq)
                self.ends[bytes.fromhex(body["statement"])].append(gone)
                continue
            says, keys = told["says"], {"kind", "nonce", "filed_by", "says"}
            fits = (told["kind"], set(told), set(says)) == (kind, keys, set(SAYS[kind].split()))
            self.need(fits, f"statement {seq}")
            expiry = ""
            if says.get("valid_until"):
                expiry = f"{dt.date.fromisoformat(says['valid_until']) + dt.timedelta(days=1)}T00:00:00.000Z"
            ends = ([ended] if ended else []) + ([(expiry, seq)] if expiry else [])
            for prune, act in self.of("prune") if kind == "hold" else ():
                over = (ended and ended[1] < prune) or (expiry and expiry <= act["at"])
                self.need(prune < seq or bool(over), f"prune {prune} during hold {seq}")
            for file in says.get("files", ()):
                path = self.store / "files" / file["sha256"][:2] / file["sha256"]
                what = f"file {file['name']} of statement {seq}"
                if path.exists():
                    data = path.read_bytes() if path.is_file() and not path.is_symlink() else b""
                    self.need((sha(data).hex(), len(data)) == (file["sha256"], file["bytes"]), what)
                else:
                    self.need(
                        self.may_be_gone(bytes.fromhex(file["sha256"]), [min(ends, default=None)]), what
                    )

    def tombstones(self) -> None:
        found: dict[int, list[bytes]] = {}
        for row in self.rows("SELECT * FROM tombstone ORDER BY hash"):
            found.setdefault(row["seq"], []).append(row["hash"])
        for seq, body in self.of("prune"):
            hashes = found.pop(seq, [])
            stated = root([sha(b"\x00" + key) for key in hashes]).hex()
            fits = (len(hashes), stated) == (body["removed"], body["root"]) and body["before"] < body["at"]
            self.need(fits, f"tombstones of entry {seq}")
            for key in hashes:
                self.gone.setdefault(key, []).append((seq, body["before"]))
        self.need(not found, "tombstones that are not logged")

    def may_be_gone(self, key: bytes, ends: list[End | None]) -> bool:
        ended = [end for end in ends if end is not None]
        return len(ended) == len(ends) and any(
            all(at < before and entry < seq for at, entry in ended) for seq, before in self.gone.get(key, [])
        )

    def replay(self, series: int) -> None:
        content = [row for row in self.rows(CONTENT) if row["series_id"] == series]
        findings = [row for row in self.rows(FINDING) if row["series_id"] == series]
        held: dict[str, sqlite3.Row] = {}
        judged: dict[tuple[str, str], sqlite3.Row] = {}
        last: dict[str, int] = {}
        for row in (r for r in self.collections if r["series_id"] == series):
            now, what = row["id"], f"collection {row['id']}"
            closed = [held.pop(c["resource_id"]) for c in content if c["closed"] == now]
            opened = [c for c in content if c["opened"] == now]
            self.need(not any(c["resource_id"] in held for c in opened), f"versions opened by {what}")
            held |= {c["resource_id"]: c for c in opened}
            seen = [[key, held[key]["hash"].hex()] for key in sorted(held)]
            if not row["complete"]:
                manifest = json.loads(self.blobs[row["manifest"]])
                anew = {c["resource_id"] for c in opened}
                fits = anew <= {key for key, _ in manifest} and {c["resource_id"] for c in closed} <= anew
                self.need(fits and all(pair in seen for pair in manifest), f"manifest of {what}")
                seen = manifest
            last.update({resource: now for resource, _ in seen})
            self.need(
                (tree(seen), len(seen)) == (row["content_root"], row["resources"]), f"content of {what}"
            )
            before = {
                k: judged.pop(k)
                for k in [(f["resource_id"], f["check_id"]) for f in findings if f["closed"] == now]
            }
            for f in (f for f in findings if f["opened"] == now):
                key = f["resource_id"], f["check_id"]
                same = key in before and before[key]["outcome"] == f["outcome"]
                fits = key not in judged and f["since"] == (before[key]["since"] if same else now)
                self.need(fits, f"finding {f['id']}")
                judged[key] = f
            leaves = [self.finding(judged[key]) for key in sorted(judged)]
            self.need(tree(leaves) == row["findings_root"], f"findings of {what}")
        left = {row["id"] for row in (*held.values(), *judged.values())}
        self.need({r["id"] for r in (*content, *findings) if r["closed"] is None} == left, f"series {series}")
        self.saw_last |= {last[key] for key in held}

    def payloads(self) -> None:
        let_go = {row["hash"] for row in self.rows("SELECT hash FROM tombstone")}
        for row in self.rows(CONTENT):
            self.ends[row["hash"]].append(self.end(row["closed"]))
            document = json.loads(self.blobs.get(row["hash"], b"null"))
            stated = {"type": row["resource_type"], "id": row["resource_id"]}
            stated |= {"name": row["name"], "region": row["region"]}
            if row["closed"] is not None and row["hash"] in let_go and row["name"] == row["resource_id"]:
                stated["name"] = document and document["name"]  # it went with the document, which came back
            self.need(
                document is None or stated.items() <= document.items(), f"document of {row['resource_id']}"
            )
        following: dict[int, int] = {}
        for row in reversed(self.collections):
            follower = None if row["id"] in self.saw_last else following.get(row["series_id"])
            self.ends[row["report"]].append(self.end(follower))
            following[row["series_id"]] = row["id"]
            report = json.loads(self.blobs.get(row["report"], b"null"))
            self.need(report is None or len(report["gaps"]) == row["gaps"], f"gaps of collection {row['id']}")
        for key, ends in self.ends.items():
            self.need(key in self.blobs or self.may_be_gone(key, ends), f"payload {key.hex()}")

    def end(self, collection: int | None) -> End | None:
        return (
            None
            if collection is None
            else (self.by_id[collection]["finished"], self.by_id[collection]["seq"])
        )

    def finding(self, f: sqlite3.Row) -> list[str]:
        decided = f["decided"]
        if decided is not None:
            fits = f["reason"] is None is f["observed"] and self.may_be_gone(decided, [self.end(f["closed"])])
            self.need(fits, f"what decided finding {f['id']}")
        else:
            # ``observed`` is canonical already, and may hold numbers that only RFC 8785 writes right.
            observed, reason = f["observed"].encode(), canonical(f["reason"])
            decided = sha(b'{"observed":' + observed + b',"reason":' + reason + b"}")
        document = f["document"].hex() if f["document"] else ""
        who = [f["resource_id"], f["check_id"], f["digest"].hex()]
        return [*who, f["outcome"], document, decided.hex()]


if __name__ == "__main__":
    sys.exit("\n".join(Verifier(Path(sys.argv[1])).run(*sys.argv[2:3])) or 0)
