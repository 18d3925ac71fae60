"""Merkle trees are those of RFC 6962."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from store.tree import EMPTY_ROOT, Frontier, leaf_hash, node_hash, root_of

LEAVES = [
    bytes.fromhex(leaf)
    for leaf in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
"""Certificate Transparency's own test vectors, with the roots that it publishes for them."""

ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]

leaves = st.lists(st.binary(max_size=4), max_size=70)


def tree_hash(entries: list[bytes]) -> bytes:
    """MTH, as section 2.1 of the RFC defines it."""
    if not entries:
        return hashlib.sha256(b"").digest()
    if len(entries) == 1:
        return leaf_hash(entries[0])
    split = 1 << ((len(entries) - 1).bit_length() - 1)
    return node_hash(tree_hash(entries[:split]), tree_hash(entries[split:]))


def frontier_of(entries: list[bytes]) -> Frontier:
    frontier = Frontier()
    for entry in entries:
        frontier.append(leaf_hash(entry))
    return frontier


def test_the_empty_tree_has_the_hash_of_nothing() -> None:
    assert root_of([]) == EMPTY_ROOT == Frontier().root()
    assert EMPTY_ROOT.hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


@pytest.mark.parametrize("size", range(1, 9))
def test_published_roots(size: int) -> None:
    assert root_of(LEAVES[:size]).hex() == ROOTS[size - 1]


@given(leaves)
def test_a_frontier_has_the_root_of_the_whole_tree(entries: list[bytes]) -> None:
    assert frontier_of(entries).root() == tree_hash(entries) == root_of(entries)


@pytest.mark.parametrize("size", [255, 256, 257, 511, 512, 513, 769, 1024])
def test_what_is_joined_many_at_once_has_the_same_root(size: int) -> None:
    entries = [str(number).encode() for number in range(size)]
    assert root_of(entries) == tree_hash(entries)


@given(leaves)
def test_a_frontier_keeps_one_hash_for_each_full_subtree(entries: list[bytes]) -> None:
    frontier = frontier_of(entries)
    assert frontier.size == len(entries)
    assert len(frontier.hashes) == len(entries).bit_count()


@given(leaves, leaves)
def test_a_frontier_read_back_grows_as_if_it_had_never_been_put_away(
    before: list[bytes], after: list[bytes]
) -> None:
    kept = frontier_of(before)
    frontier = Frontier.from_bytes(kept.size, kept.to_bytes())
    for entry in after:
        frontier.append(leaf_hash(entry))
    assert frontier.root() == tree_hash(before + after)


@given(leaves, leaves)
def test_different_lists_have_different_roots(one: list[bytes], other: list[bytes]) -> None:
    assert (root_of(one) == root_of(other)) == (one == other)


@pytest.mark.parametrize(("size", "length"), [(0, 1), (1, 0), (1, 31), (1, 33), (3, 32), (4, 64), (7, 95)])
def test_a_frontier_of_the_wrong_length_is_refused(size: int, length: int) -> None:
    with pytest.raises(ValueError, match=f"a tree of {size} leaves"):
        Frontier.from_bytes(size, bytes(length))
