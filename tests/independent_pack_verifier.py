"""A second verifier of packs, written from docs/pack-format.md. It imports nothing of Annexa's.

``python independent_pack_verifier.py PACK VKEY`` prints what does not fit.
"""

import base64
import json
import sys
import zipfile
from hashlib import sha256
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

PLACE = ("provider", "scope", "type", "region")
FOLDERS = ("documents", "reports", "checks", "statements")


def leaf(data: bytes) -> bytes:
    return sha256(b"\x00" + data).digest()


def canonical(value: Any) -> bytes:
    """RFC 8785 for what is hashed here: no floats, and keys that sort alike in UTF-8 and UTF-16."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()


def root(leaves: list[bytes]) -> bytes:
    if len(leaves) < 2:
        return leaves[0] if leaves else sha256(b"").digest()
    split = 1 << ((len(leaves) - 1).bit_length() - 1)
    return sha256(b"\x01" + root(leaves[:split]) + root(leaves[split:])).digest()


def numbered(index: int, width: int) -> str:
    name = f"{index % 1000:03d}"
    while index := index // 1000:
        name = f"x{index % 1000:03d}/{name}"
    return name if width == 256 else f"{name}.p/{width}"


def signed(vkey: str, note: bytes) -> bool:
    name, _, material = vkey.split("+", 2)
    key = base64.b64decode(material)
    key_id = sha256(name.encode() + b"\n" + key).digest()[:4]
    text, _, lines = note.decode().rpartition("\n\n")
    for line in lines.splitlines():
        _, signer, encoded = line.split(" ")
        data = base64.b64decode(encoded)
        if (signer, data[:4]) == (name, key_id):
            try:
                Ed25519PublicKey.from_public_bytes(key[1:]).verify(data[4:], f"{text}\n".encode())
            except InvalidSignature:
                return False
            return True
    return False


class PackVerifier:
    def __init__(self, path: Path) -> None:
        with zipfile.ZipFile(path) as archive:
            self.files = {name: archive.read(name) for name in archive.namelist()}
        self.manifest = json.loads(self.files["manifest.json"])
        self.selection = self.manifest["selection"]
        self.problems: list[str] = []
        self.needed: set[str] = set()
        self.rests: set[int] = set()

    def need(self, fits: bool, what: str) -> None:
        self.problems += [] if fits else [what]

    def lines(self, name: str) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.files[name].splitlines()]

    def run(self, vkey: str) -> list[str]:
        stated = {name: (f["sha256"], f["bytes"]) for name, f in self.manifest["files"].items()}
        found = {name: (sha256(data).hexdigest(), len(data)) for name, data in self.files.items()}
        self.need(stated == {n: v for n, v in found.items() if n != "manifest.json"}, "manifest")
        for name, (digest, _) in found.items():
            folder, _, rest = name.partition("/")
            if folder in FOLDERS:
                self.need(rest.split("/")[-1] == f"{digest}.json", name)
        self.log(vkey)
        series = self.series()
        if not self.problems:
            self.replay(series)
            self.proofs()
        return self.problems

    def log(self, vkey: str) -> None:
        note = self.files["log/checkpoint"]
        origin, size, top = note.decode().split("\n")[:3]
        self.need(signed(vkey, note) and origin == self.manifest["origin"], "log/checkpoint")
        self.entries: list[bytes] = []
        for index in range((int(size) + 255) // 256):
            width = min(256, int(size) - index * 256)
            data = self.files[f"log/tile/entries/{numbered(index, width)}"]
            while data:
                length = 2 + int.from_bytes(data[:2], "big")
                self.entries.append(data[2:length])
                data = data[length:]
        self.leaves = [leaf(entry) for entry in self.entries]
        level, hashes = 0, self.leaves
        while hashes:
            for at in range(0, len(hashes), 256):
                tile = hashes[at : at + 256]
                name = f"log/tile/{level}/{numbered(at // 256, len(tile))}"
                self.need(self.files.get(name) == b"".join(tile), name)
            whole = len(hashes) // 256 * 256
            level, hashes = level + 1, [root(hashes[at : at + 256]) for at in range(0, whole, 256)]
        fits = len(self.leaves) == int(size) and base64.b64encode(root(self.leaves)).decode() == top
        self.need(fits, "the log's root")
        for count in self.manifest["checkpoints"]:
            other = self.files[f"checkpoints/{count}.checkpoint"]
            text = f"{origin}\n{count}\n{base64.b64encode(root(self.leaves[:count])).decode()}\n"
            self.need(signed(vkey, other) and other.startswith(text.encode()), f"checkpoint {count}")

    def series(self) -> list[tuple[list[tuple[int, Any]], int]]:
        """Return for each series what is replayed, and its last collection by the period's beginning."""
        begin, end = (self.manifest["period"][name] for name in ("first", "last"))
        found: dict[tuple[str, ...], list[tuple[int, Any]]] = {}
        for seq, entry in enumerate(self.entries):
            body = json.loads(entry)
            chosen = all(
                not self.selection[f"{name}s"] or body.get(name) in self.selection[f"{name}s"]
                for name in ("provider", "scope")
            )
            if body["kind"] == "collection" and chosen:
                found.setdefault(tuple(body[name] for name in PLACE), []).append((seq, body))
        replayed, keys = [], []
        for key, all_of_it in sorted(found.items()):
            by_end = [i for i, (_, body) in enumerate(all_of_it) if body["finished"][:10] <= end]
            before = [i for i, (_, body) in enumerate(all_of_it) if body["finished"][:10] < begin]
            if by_end:
                first = before[-1] if before else 0
                while first and not all_of_it[first][1]["complete"]:
                    first -= 1
                last_before = all_of_it[before[-1]][0] if before else -1
                replayed.append((all_of_it[first : by_end[-1] + 1], last_before))
                keys.append(key)
        stated = [tuple(line[name] for name in PLACE) for line in self.lines("data/series.jsonl")]
        self.need(stated == keys, "a series is missing, or one too many")
        return replayed

    def replay(self, series: list[tuple[list[tuple[int, Any]], int]]) -> None:
        content, findings = self.lines("data/content.jsonl"), self.lines("data/findings.jsonl")
        seen = {(line["series"], line["collection"]): line["seen"] for line in self.lines("data/seen.jsonl")}
        population: dict[str, list[dict[str, Any]]] = {}
        shown, whole = [], set()
        for number, (collections, before) in enumerate(series):
            mine = [row for row in findings if row["series"] == number]
            place = collections[0][1]
            for seq, body in collections:
                open_ = [row for row in mine if stands(row, seq)]
                self.need(
                    root([self.finding(row) for row in open_]).hex() == body["findings"], f"findings at {seq}"
                )
            for row in mine:
                check = json.loads(self.files[f"checks/{row['check_digest']}.json"])
                bears = not self.selection["controls"] or set(check["controls"]) & set(
                    self.selection["controls"]
                )
                if not bears or not (row["closed"] is None or row["closed"] > before):
                    continue
                row |= {
                    "place": [place[name] for name in ("provider", "scope", "region")],
                    "kinds": check["resources"],
                }
                row["proven"] = max(
                    seq for seq, _ in collections if seq < (row["closed"] or len(self.leaves))
                )
                if row["closed"] is None and row["outcome"] != "not_applicable":
                    population.setdefault(row["check"], []).append(row)
                shown += [] if self.manifest["sample"] else [row]
        if self.manifest["sample"]:
            shown = [row for rows in population.values() for row in self.draw(rows)]
        for row in shown:
            self.need("observed" in row, f"{row['check']} on {row['resource']} shows nothing")
            self.rests |= {row["opened"], row["proven"]}
            self.needed |= {row["document"]} - {""}
            if not self.lines("data/series.jsonl")[row["series"]]["type"]:
                whole |= {(*row["place"][:2], kind) for kind in row["kinds"]}
        for check in self.manifest["populations"]:
            rows = population.get(check["check"], [])
            packed = sum(row["check"] == check["check"] and row in rows for row in shown)
            self.need(
                (len(rows), packed) == (check["total"], check["packed"]), f"population of {check['check']}"
            )
        self.need(set(population) <= {one["check"] for one in self.manifest["populations"]}, "populations")
        every = not self.manifest["sample"] and not self.selection["controls"]
        for number, (collections, before) in enumerate(series):
            mine = [row for row in content if row["series"] == number]
            for seq, body in collections:
                open_ = [row for row in mine if stands(row, seq)]
                if not body["complete"]:
                    open_ = [row for first, last in seen[number, seq] for row in open_[first : last + 1]]
                pairs = [canonical([row["resource"], row["document"]]) for row in open_]
                fits = root([leaf(pair) for pair in pairs]).hex() == body["content"]
                self.need(fits and len(pairs) == body["resources"], f"content at {seq}")
            place = collections[0][1]
            if every or (place["provider"], place["scope"], place["type"]) in whole:
                in_period = [row for row in mine if row["closed"] is None or row["closed"] > before]
                self.needed |= {row["document"] for row in in_period}
        there = {name.split("/")[-1][:-5] for name in self.files if name.startswith("documents/")}
        gone = (
            {row["hash"] for row in self.lines("data/tombstones.jsonl")}
            if "data/tombstones.jsonl" in self.files
            else set()
        )
        self.need(there == self.needed - gone, "documents")

    def finding(self, row: dict[str, Any]) -> bytes:
        decided = (
            row.get("decided")
            or sha256(canonical({"observed": row["observed"], "reason": row["reason"]})).hexdigest()
        )
        names = ("resource", "check", "check_digest", "outcome", "document")
        return leaf(canonical([*(row[name] for name in names), decided]))

    def draw(self, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        sample = self.manifest["sample"]

        def rank(row: dict[str, Any]) -> bytes:
            parts = (sample["seed"], row["check"], *row["place"], row["resource"])
            return sha256("\0".join(parts).encode()).digest()

        return sorted(rows, key=rank)[: sample["number"]]

    def proofs(self) -> None:
        for seq in self.rests | set(self.manifest["statements"]):
            self.need(self.files.get(f"proofs/{seq}.entry.json") == self.entries[seq], f"entry {seq}")
            head, _, note = self.files.get(f"proofs/{seq}.tlog-proof", b"").partition(b"\n\n")
            _, index, *path = head.decode().split("\n")
            self.need(note == self.files["log/checkpoint"] and index == f"index {seq}", f"proof {seq}")
            at, last, node = seq, len(self.leaves) - 1, self.leaves[seq]
            for sibling in map(base64.b64decode, path):
                if at & 1 or at == last:
                    node = sha256(b"\x01" + sibling + node).digest()
                    while not at & 1 and at:
                        at, last = at >> 1, last >> 1
                else:
                    node = sha256(b"\x01" + node + sibling).digest()
                at, last = at >> 1, last >> 1
            self.need(last == 0 and node == root(self.leaves), f"proof {seq}")
            body = json.loads(self.entries[seq])
            if "statement" in body:
                self.need(f"statements/{body['statement']}.json" in self.files, f"statement {seq}")


def stands(row: dict[str, Any], seq: int) -> bool:
    return bool(row["opened"] <= seq and (row["closed"] is None or row["closed"] > seq))


if __name__ == "__main__":
    sys.exit("\n".join(PackVerifier(Path(sys.argv[1])).run(sys.argv[2])) or 0)
