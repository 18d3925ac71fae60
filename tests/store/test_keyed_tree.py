"""A tree that is changed in place has the root that building it anew gives."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

import store.keyed_tree
from store.keyed_tree import KeyedTree
from store.tree import EMPTY_ROOT, Frontier, leaf_hash, node_hash

keys = st.text("abc", max_size=4)
changes = st.tuples(st.sets(keys, max_size=8), st.dictionaries(keys, st.binary(max_size=2), max_size=12))


def plain_root(leaves: dict[str, bytes]) -> bytes:
    frontier = Frontier()
    for key in sorted(leaves):
        frontier.append(leaves[key])
    return frontier.root()


def test_a_tree_without_leaves_has_the_hash_of_nothing() -> None:
    assert KeyedTree[str]().root() == EMPTY_ROOT


@given(st.lists(changes, max_size=12))
def test_after_any_changes_the_root_is_that_of_the_leaves_in_the_order_of_their_keys(
    history: list[tuple[set[str], dict[str, bytes]]],
) -> None:
    tree, model = KeyedTree[str](), dict[str, bytes]()
    for removed, put in history:
        leaves = {key: leaf_hash(entry) for key, entry in put.items()}
        model = {key: leaf for key, leaf in model.items() if key not in removed} | leaves
        tree.change(removed, leaves)
        assert tree.leaves == model
        assert len(tree) == len(model)
        assert tree.root() == plain_root(model)


def test_exchanging_a_leaf_hashes_what_is_above_it_and_the_right_edge_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tree = KeyedTree[str]()
    tree.change((), {f"{number:04}": leaf_hash(b"old") for number in range(1000)})
    made = []

    def counted(left: bytes, right: bytes) -> bytes:
        made.append(left + right)
        return node_hash(left, right)

    monkeypatch.setattr(store.keyed_tree, "node_hash", counted)
    tree.change((), {"0500": leaf_hash(b"new")})
    assert 10 <= len(made) <= 20
