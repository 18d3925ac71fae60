"""The proofs of a pack: for each entry that something rests on, one that any tlog verifier takes."""

import re

from store.pack import layout
from store.pack.verification.examination import PackExamination
from store.pack.verification.log import CHECKPOINT
from store.proof import verify_inclusion
from store.tlog_proof import TlogProof
from store.tree import leaf_hash

_NUMBERED = re.compile(r"proofs/(\d+)\.(tlog-proof|entry\.json)")


def check_proofs(x: PackExamination) -> None:
    """Check every proof, and that none is missing."""
    with x.at(CHECKPOINT):
        newest = x.archive.read(CHECKPOINT)
        root = x.roots[x.size]
        for seq in sorted(x.rests):
            with x.at(layout.proof(seq)):
                _check(x, seq, newest, root)
    for name in x.under("proofs"):
        number = _NUMBERED.fullmatch(name)
        if number is None or int(number[1]) not in x.rests:
            x.problem(name, "nothing that is shown rests on it")


def _check(x: PackExamination, seq: int, newest: bytes, root: bytes) -> None:
    for name in (layout.entry(seq), layout.proof(seq)):
        if name not in x.archive:
            x.problem(name, "is missing")
            return
    leaf = leaf_hash(x.archive.read(layout.entry(seq)))
    if leaf != x.leaf(seq):
        x.problem(layout.entry(seq), "is not the entry of the log")
        return
    proof = TlogProof.parse(x.archive.read(layout.proof(seq)))
    if (proof.index, proof.checkpoint) != (seq, newest):
        x.problem(layout.proof(seq), "is of another entry or checkpoint")
    verify_inclusion(leaf, proof.index, x.size, proof.hashes, root)
