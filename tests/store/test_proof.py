"""Merkle proofs are those of RFC 6962, and only right ones are accepted."""

import hashlib
from collections.abc import Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tlog_scales.tlog import ConsistencyProof, InclusionProof

from store.proof import (
    LARGEST_SIZE,
    ProofError,
    SubtreeHashes,
    consistency,
    inclusion,
    root_at,
    verify_consistency,
    verify_inclusion,
)
from store.tree import EMPTY_ROOT, Frontier, leaf_hash, node_hash
from tests.store.test_tree import LEAVES, ROOTS

A, B, C, D, E, F, G = (leaf_hash(bytes([number])) for number in range(7))

SIBLING_OF_0 = "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7"
NODE_2_3 = "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e"
NODE_4_7 = "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"
LEAF_4 = "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"
NODE_4_5 = "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a"
NODE_6_7 = "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0"

INCLUSION_VECTORS = [
    (0, 8, [SIBLING_OF_0, NODE_2_3, NODE_4_7]),
    (5, 8, [LEAF_4, NODE_6_7, ROOTS[3]]),
    (2, 3, [ROOTS[1]]),
    (0, 1, []),
]
CONSISTENCY_VECTORS = [
    (1, 1, []),
    (1, 8, [SIBLING_OF_0, NODE_2_3, NODE_4_7]),
    (6, 8, [NODE_4_5, NODE_6_7, ROOTS[3]]),
    (2, 5, [NODE_2_3, LEAF_4]),
]
"""Certificate Transparency's own test vectors, over the leaves of ``test_tree``."""

sizes = st.integers(1, 300)


def hashes_of(size: int) -> list[bytes]:
    return [leaf_hash(number.to_bytes(4, "big")) for number in range(size)]


TREE = SubtreeHashes(hashes_of(300))


def tree_hash(leaves: Sequence[bytes]) -> bytes:
    """MTH, over leaf hashes, as RFC 6962 §2.1 defines it."""
    if len(leaves) <= 1:
        return leaves[0] if leaves else hashlib.sha256(b"").digest()
    k = largest_power_below(len(leaves))
    return node_hash(tree_hash(leaves[:k]), tree_hash(leaves[k:]))


def largest_power_below(number: int) -> int:
    power = 1
    while power * 2 < number:
        power *= 2
    return power


def path(index: int, leaves: Sequence[bytes]) -> list[bytes]:
    """PATH, as RFC 6962 §2.1.1 defines it."""
    if len(leaves) == 1:
        return []
    k = largest_power_below(len(leaves))
    if index < k:
        return [*path(index, leaves[:k]), tree_hash(leaves[k:])]
    return [*path(index - k, leaves[k:]), tree_hash(leaves[:k])]


def subproof(old: int, leaves: Sequence[bytes], complete: bool) -> list[bytes]:
    """SUBPROOF, as RFC 6962 §2.1.2 defines it."""
    if old == len(leaves):
        return [] if complete else [tree_hash(leaves)]
    k = largest_power_below(len(leaves))
    if old <= k:
        return [*subproof(old, leaves[:k], complete), tree_hash(leaves[k:])]
    return [*subproof(old - k, leaves[k:], False), tree_hash(leaves[:k])]


def test_the_example_of_the_rfc() -> None:
    """RFC 6962 §2.1.3, a tree of seven leaves."""
    read = SubtreeHashes([A, B, C, D, E, F, G])
    g, h, i, j = node_hash(A, B), node_hash(C, D), node_hash(E, F), G
    k, last = node_hash(g, h), node_hash(i, j)
    assert root_at(read, 7) == node_hash(k, last)
    assert inclusion(read, 0, 7) == [B, h, last]
    assert inclusion(read, 3, 7) == [C, g, last]
    assert inclusion(read, 4, 7) == [F, j, k]
    assert inclusion(read, 6, 7) == [i, k]
    assert consistency(read, 3, 7) == [C, D, g, last]
    assert consistency(read, 4, 7) == [last]
    assert consistency(read, 6, 7) == [i, j, k]


@pytest.mark.parametrize(("index", "size", "expected"), INCLUSION_VECTORS)
def test_published_inclusion_proofs(index: int, size: int, expected: list[str]) -> None:
    leaves = [leaf_hash(leaf) for leaf in LEAVES]
    proof = inclusion(SubtreeHashes(leaves), index, size)
    assert [value.hex() for value in proof] == expected
    verify_inclusion(leaves[index], index, size, proof, bytes.fromhex(ROOTS[size - 1]))


@pytest.mark.parametrize(("old", "new", "expected"), CONSISTENCY_VECTORS)
def test_published_consistency_proofs(old: int, new: int, expected: list[str]) -> None:
    proof = consistency(SubtreeHashes(map(leaf_hash, LEAVES)), old, new)
    assert [value.hex() for value in proof] == expected
    verify_consistency(old, new, proof, bytes.fromhex(ROOTS[old - 1]), bytes.fromhex(ROOTS[new - 1]))


def test_every_small_proof_is_the_one_of_the_definition_and_verifies() -> None:
    leaves = hashes_of(34)
    roots = [tree_hash(leaves[:size]) for size in range(35)]
    for size in range(1, 35):
        for index in range(size):
            proof = inclusion(TREE, index, size)
            assert proof == path(index, leaves[:size])
            verify_inclusion(leaves[index], index, size, proof, roots[size])
        for old in range(1, size + 1):
            proof = consistency(TREE, old, size)
            assert proof == subproof(old, leaves[:size], True)
            verify_consistency(old, size, proof, roots[old], roots[size])


@given(sizes, st.data())
def test_an_independent_verifier_accepts_inclusion_proofs(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    proof = inclusion(TREE, index, size)
    InclusionProof(index, size, proof).check(TREE(0, index), root_at(TREE, size))
    verify_inclusion(TREE(0, index), index, size, proof, root_at(TREE, size))


@given(sizes, st.data())
def test_an_independent_verifier_accepts_consistency_proofs(new: int, data: st.DataObject) -> None:
    old = data.draw(st.integers(0, new))
    proof = consistency(TREE, old, new)
    ConsistencyProof(old, new, proof).check(root_at(TREE, old), root_at(TREE, new))
    verify_consistency(old, new, proof, root_at(TREE, old), root_at(TREE, new))


@given(sizes)
def test_the_root_is_that_of_the_frontier(size: int) -> None:
    frontier = Frontier()
    for leaf in hashes_of(size):
        frontier.append(leaf)
    assert root_at(TREE, size) == frontier.root()


def flip(value: bytes, bit: int) -> bytes:
    return bytes(byte ^ (1 << bit % 8 if place == bit // 8 else 0) for place, byte in enumerate(value))


@given(st.integers(2, 300), st.data())
def test_a_wrong_inclusion_proof_is_refused(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    other = data.draw(st.integers(0, size - 1).filter(lambda chosen: chosen != index))
    at, bit = data.draw(st.integers(0, 300)), data.draw(st.integers(0, 255))
    leaf, proof, root = TREE(0, index), inclusion(TREE, index, size), root_at(TREE, size)
    at %= len(proof)
    wrong: list[tuple[bytes, int, list[bytes], bytes]] = [
        (flip(leaf, bit), index, proof, root),
        (TREE(0, other), index, proof, root),
        (leaf, other, proof, root),
        (leaf, index, proof, flip(root, bit)),
        (leaf, index, [*proof[:at], flip(proof[at], bit), *proof[at + 1 :]], root),
        (leaf, index, proof[:at] + proof[at + 1 :], root),
        (leaf, index, [*proof[:at], leaf, *proof[at:]], root),
        (leaf, index, [*proof, root], root),
        (leaf, index, [value[:31] for value in proof], root),
        (leaf, size, proof, root),
        (leaf, -1, proof, root),
    ]
    for case in wrong:
        with pytest.raises(ProofError):
            verify_inclusion(case[0], case[1], size, case[2], case[3])


@given(st.integers(2, 300), st.data())
def test_a_wrong_consistency_proof_is_refused(new: int, data: st.DataObject) -> None:
    old = data.draw(st.integers(1, new - 1))
    at, bit = data.draw(st.integers(0, 300)), data.draw(st.integers(0, 255))
    proof, old_root, new_root = consistency(TREE, old, new), root_at(TREE, old), root_at(TREE, new)
    at %= len(proof)
    wrong: list[tuple[list[bytes], bytes, bytes]] = [
        (proof, flip(old_root, bit), new_root),
        (proof, old_root, flip(new_root, bit)),
        (proof, new_root, old_root),
        ([*proof[:at], flip(proof[at], bit), *proof[at + 1 :]], old_root, new_root),
        (proof[:at] + proof[at + 1 :], old_root, new_root),
        ([*proof, new_root], old_root, new_root),
        ([], old_root, new_root),
    ]
    for case in wrong:
        with pytest.raises(ProofError):
            verify_consistency(old, new, *case)
    with pytest.raises(ProofError, match="is no beginning of"):
        verify_consistency(new, old, proof, new_root, old_root)


def test_a_log_that_forgot_an_entry_cannot_prove_that_it_only_grew() -> None:
    leaves = hashes_of(20)
    rewritten = SubtreeHashes([*leaves[:5], *leaves[6:], leaf_hash(b"new"), leaf_hash(b"newer")])
    old_root = root_at(TREE, 12)
    with pytest.raises(ProofError, match="the tree of 21 leaves does not begin with the one of 12"):
        verify_consistency(12, 21, consistency(rewritten, 12, 21), old_root, root_at(rewritten, 21))


def test_where_there_is_nothing_to_prove_the_proof_is_empty() -> None:
    root = root_at(TREE, 9)
    assert consistency(TREE, 0, 9) == consistency(TREE, 9, 9) == inclusion(TREE, 0, 1) == []
    verify_consistency(0, 9, [], EMPTY_ROOT, root)
    verify_consistency(9, 9, [], root, root)
    verify_consistency(0, 0, [], EMPTY_ROOT, EMPTY_ROOT)
    wrong = [(0, root, []), (9, EMPTY_ROOT, []), (0, EMPTY_ROOT, [root]), (9, root, [root])]
    for old, old_root, proof in wrong:
        with pytest.raises(ProofError):
            verify_consistency(old, 9, proof, old_root, root)


def test_a_proof_in_a_huge_log_needs_few_hashes() -> None:
    reads: list[tuple[int, int]] = []

    def read(level: int, index: int) -> bytes:
        reads.append((level, index))
        return hashlib.sha256(f"{level}/{index}".encode()).digest()

    for size in (2**40, 2**40 - 1, LARGEST_SIZE):
        for make in (inclusion, consistency):
            reads.clear()
            make(read, size // 3, size)
            assert len(reads) <= 2 * size.bit_length()
            assert all((index + 1) << level <= size for level, index in reads)


@pytest.mark.parametrize(
    "ask",
    [
        lambda: inclusion(TREE, 0, 0),
        lambda: inclusion(TREE, 5, 5),
        lambda: inclusion(TREE, -1, 5),
        lambda: inclusion(TREE, 0, 301),
        lambda: consistency(TREE, 6, 5),
        lambda: consistency(TREE, -1, 5),
        lambda: root_at(TREE, -1),
        lambda: root_at(TREE, LARGEST_SIZE + 1),
        lambda: TREE(0, 300),
        lambda: TREE(0, -1),
        lambda: TREE(-1, 0),
        lambda: TREE(9, 0),
        lambda: SubtreeHashes([b"short"]),
    ],
)
def test_a_proof_of_what_is_not_there_is_not_made(ask: Callable[[], object]) -> None:
    with pytest.raises(ValueError, match=r"leaves|leaf"):
        ask()
