"""The log of a pack: its entries give its tiles and the root of its newest checkpoint."""

from collections.abc import Iterator
from typing import Any

import orjson

from store.checkpoint_text import Checkpoint
from store.collection_entry import KIND
from store.log import ENTRY_VERSION
from store.note import parse
from store.pack import layout
from store.pack.replayed import Collected
from store.pack.verification.examination import PackExamination
from store.proof import HASH_SIZE
from store.tiles import bundles_of, hash_tiles, unpack
from store.tree import Frontier, leaf_hash
from store.verification.log import KINDS

CHECKPOINT = f"{layout.LOG}/checkpoint"


def check_log(x: PackExamination) -> None:
    """Read every entry, and recompute every tile and the roots that something is said about."""
    with x.at(CHECKPOINT):
        newest = Checkpoint.parse(parse(x.archive.read(CHECKPOINT)).text)
        wanted = {newest.size, *x.manifest.checkpoints, *(held.size for _, _, held in x.held)}
        _read_entries(x, newest.size, wanted)
        x.result.size = x.size
        x.result.root = x.roots.get(newest.size, b"").hex()
        _check_tiles(x, newest.size)
        if x.roots.get(newest.size) != newest.root:
            x.problem(CHECKPOINT, "the entries of the log give another root")
        stated = x.manifest.log
        if (stated.size, stated.root) != (newest.size, newest.root.hex()):
            x.problem(layout.MANIFEST, "is of another log than the pack's")
        if (x.manifest.origin, x.entries.get(0, {}).get("store")) != (newest.origin, x.manifest.store):
            x.problem(layout.MANIFEST, "names another log or store than the pack's")


def _read_entries(x: PackExamination, size: int, wanted: set[int]) -> None:
    frontier = Frontier()
    same: dict[Any, Any] = {}
    for bundle in bundles_of(size):
        name = f"{layout.LOG}/{bundle}"
        if name not in x.archive:
            x.problem(name, "is missing; what follows cannot be verified")
            return
        with x.at(name):
            entries = unpack(x.archive.read(name))
            if len(entries) != bundle.width:
                x.problem(name, f"has {len(entries)} entries, not {bundle.width}")
            for entry in entries:
                seq, leaf = frontier.size, leaf_hash(entry)
                frontier.append(leaf)
                x.leaves += leaf
                if frontier.size in wanted:
                    x.roots[frontier.size] = frontier.root()
                with x.at(f"log entry {seq}"):
                    _take(x, seq, orjson.loads(entry), same)


def _take(x: PackExamination, seq: int, body: dict[str, Any], same: dict[Any, Any]) -> None:
    kind = body["kind"]
    if body["v"] != ENTRY_VERSION or kind not in KINDS:
        x.problem(f"log entry {seq}", f"is of the kind {kind!r}, which this version cannot verify")
    elif kind != KIND:
        x.entries[seq] = body
    elif _chosen(x, body):
        key = (body["provider"], body["scope"], body["type"], body["region"])
        one = Collected.of(seq, body)
        # Most collections come to what the one before came to: its hashes are kept once.
        shared = (same.setdefault(value, value) for value in (one.content, one.findings, one.report))
        content, findings, report = shared
        x.collections.setdefault(key, []).append(
            Collected(
                seq,
                one.finished,
                one.complete,
                one.resources,
                one.gaps,
                content,
                findings,
                report,
                one.manifest,
            )
        )


def _chosen(x: PackExamination, body: dict[str, Any]) -> bool:
    providers, scopes = x.selection.providers, x.selection.scopes
    return (not providers or body["provider"] in providers) and (not scopes or body["scope"] in scopes)


def _check_tiles(x: PackExamination, size: int) -> None:
    expected = {CHECKPOINT, *(f"{layout.LOG}/{bundle}" for bundle in bundles_of(min(size, x.size)))}
    for path, data in hash_tiles(_leaves(x)):
        name = f"{layout.LOG}/{path}"
        expected.add(name)
        if name not in x.archive:
            x.problem(name, "is missing")
            continue
        with x.at(name):
            if x.archive.read(name) != data:
                x.problem(name, "is not the tile that the entries give")
    for name in x.under(layout.LOG):
        if name not in expected:
            x.problem(name, "is no part of the log")


def _leaves(x: PackExamination) -> Iterator[bytes]:
    for at in range(0, len(x.leaves), HASH_SIZE):
        yield bytes(x.leaves[at : at + HASH_SIZE])
