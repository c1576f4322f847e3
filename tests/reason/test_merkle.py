"""The tree against an independent one (pymerkle), and proofs that hold or do not."""

from __future__ import annotations

import hashlib

import pymerkle
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from staydown.core.errors import Broken
from staydown.reason.checkpoint import Checkpoint, sign, verify
from staydown.reason.merkle import (
    EMPTY_ROOT,
    Frontier,
    Levels,
    is_consistent,
    leaf_hash,
    root_from_inclusion,
    root_of,
)

ENTRIES = st.lists(st.binary(max_size=40), min_size=1, max_size=130)
RFC_LEAVES = [
    bytes.fromhex(x)
    for x in (
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
RFC_ROOTS = {
    1: "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    2: "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    3: "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    4: "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    5: "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    6: "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    7: "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    8: "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
}


def test_the_vectors_of_certificate_transparency() -> None:
    assert hashlib.sha256(b"").digest() == EMPTY_ROOT
    for size, root in RFC_ROOTS.items():
        assert root_of([leaf_hash(leaf) for leaf in RFC_LEAVES[:size]]).hex() == root


@given(ENTRIES)
def test_the_root_is_pymerkles(entries: list[bytes]) -> None:
    peer = pymerkle.InmemoryTree(algorithm="sha256")
    for entry in entries:
        peer.append_entry(entry)
    leaves = [leaf_hash(entry) for entry in entries]
    assert root_of(leaves) == peer.get_root() == Levels(leaves).root(len(leaves))


@given(ENTRIES, st.data())
def test_a_frontier_kept_between_batches_gives_the_same_root(
    entries: list[bytes], data: st.DataObject
) -> None:
    cut = data.draw(st.integers(0, len(entries)))
    leaves = [leaf_hash(entry) for entry in entries]
    first = Frontier()
    first.extend(leaves[:cut])
    second = Frontier.from_bytes(first.size, first.to_bytes())
    second.extend(leaves[cut:])
    assert (second.size, second.root()) == (len(leaves), root_of(leaves))


@given(ENTRIES, st.data())
def test_inclusion_proves_this_leaf_and_no_other(entries: list[bytes], data: st.DataObject) -> None:
    leaves = [leaf_hash(entry) for entry in entries]
    levels, size = Levels(leaves), len(leaves)
    index = data.draw(st.integers(0, size - 1))
    path = levels.inclusion(index, size)
    assert root_from_inclusion(index, size, leaves[index], path) == levels.root(size)
    wrong = leaf_hash(b"something else entirely, longer than forty bytes of data")
    assert root_from_inclusion(index, size, wrong, path) != levels.root(size)


@given(ENTRIES, st.data())
def test_consistency_holds_for_beginnings_only(entries: list[bytes], data: st.DataObject) -> None:
    leaves = [leaf_hash(entry) for entry in entries]
    levels, new = Levels(leaves), len(leaves)
    old = data.draw(st.integers(1, new))
    path = levels.consistency(old, new)
    assert is_consistent(old, levels.root(old), new, levels.root(new), path)
    assert not is_consistent(old, leaf_hash(b"another history"), new, levels.root(new), path)
    if path:
        assert not is_consistent(old, levels.root(old), new, levels.root(new), path[:-1])


def test_a_checkpoint_says_who_signed_what() -> None:
    key, other = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
    public = key.public_key().public_bytes_raw()
    note = sign(Checkpoint(origin="o.example/1", size=3, root=b"r" * 32), key)
    assert note.split("\n")[:2] == ["o.example/1", "3"]
    assert verify(note, public, origin="o.example/1").size == 3
    for wrong in (
        note.replace("\n3\n", "\n4\n"),
        note.replace("o.example/1\n3", "o.example/2\n3"),
        note[:-10],
        "",
        note * 2,
    ):
        with pytest.raises(Broken):
            verify(wrong, public, origin="o.example/1")
    with pytest.raises(Broken):
        verify(note, other.public_key().public_bytes_raw(), origin="o.example/1")
    with pytest.raises(Broken):
        verify(note, public, origin="p.example/1")
