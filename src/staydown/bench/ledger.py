"""Ledger: the tree in memory, the durable path of the store, and proofs, beside pymerkle.

The durable lines are not the same work. Ours salts and commits to the details, writes canonical JSON and a second
table, and signs the head with every batch; the peer is handed finished bytes and stores a hash beside them. It is
measured once as it is, and once with the root after each batch that a signed head needs.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from staydown.bench.topics import Options, beside, peer, timed
from staydown.core.errors import Broken
from staydown.reason.merkle import Frontier, Levels, leaf_hash, root_from_inclusion
from staydown.store.engine import make_store

SIZE = 50_000
ROUNDS = 3
BATCH = 1_000
PROOFS = 5_000
TAG = "item:sighting:recorded"


def steps(_: Options) -> int:
    """In memory, durably, proofs."""
    return 3


def measure(options: Options) -> Mapping[str, object]:
    """The figures of the ledger.

    Raises:
        Outside: pymerkle is not installed.
        Broken: Roots differ, or a proof does not verify; then no figure counts.
    """
    pymerkle = peer("pymerkle")
    size, rounds = options.size or SIZE, options.rounds or ROUNDS
    entries = list(_made_up(size))
    in_memory = partial(beside, size, rounds=rounds)
    append = in_memory(
        lambda: timed(lambda: _grown(entries)), lambda: timed(lambda: _theirs(pymerkle, entries))
    )
    with_root = in_memory(
        lambda: timed(lambda: _grown_with_roots(entries)),
        lambda: timed(lambda: _theirs_with_roots(pymerkle, entries)),
    )
    options.progress(1)
    files = _files(options.scratch)
    durable = in_memory(lambda: _durable(next(files), size), lambda: _bulk(pymerkle, next(files), entries))
    durable_with_root = in_memory(
        lambda: _durable(next(files), size), lambda: _bulk(pymerkle, next(files), entries, with_root=True)
    )
    options.progress(1)
    proofs = _proofs(pymerkle, entries[:PROOFS], rounds)
    options.progress(1)
    return {
        **append,
        "goal": 3,
        "goal_is": "ratio at least",
        "unit": "entries a second, in memory",
        "entries": size,
        "rounds": rounds,
        "append": append,
        "append_root_after_each": with_root,
        "durable": durable,
        "durable_root_after_each_batch": durable_with_root,
        "batch": BATCH,
        "proofs": proofs,
        "roots_agree": _agree(pymerkle, entries),
    }


def _made_up(size: int) -> Iterator[bytes]:
    for number in range(size):
        yield (
            b'{"at":"2026-03-02T09:00:00Z","commit":"%s","n":%d,"subject":"item:%d","tag":"%s"}'
            % (secrets.token_hex(32).encode(), number, number, TAG.encode())
        )


def _grown(entries: list[bytes]) -> bytes:
    frontier = Frontier()
    frontier.extend(leaf_hash(entry) for entry in entries)
    return frontier.root()


def _theirs(pymerkle: Any, entries: list[bytes]) -> bytes:
    tree = pymerkle.InmemoryTree()
    tree.append_entries(entries)
    return bytes(tree.get_root())


def _grown_with_roots(entries: list[bytes]) -> bytes:
    frontier, root = Frontier(), b""
    for entry in entries:
        frontier.extend((leaf_hash(entry),))
        root = frontier.root()
    return root


def _theirs_with_roots(pymerkle: Any, entries: list[bytes]) -> bytes:
    tree, root = pymerkle.InmemoryTree(), b""
    for entry in entries:
        tree.append_entry(entry)
        root = tree.get_root()
    return root


def _files(scratch: Path) -> Iterator[Path]:
    """A new folder for each round."""
    number = 0
    while True:
        number += 1
        folder = scratch / str(number)
        folder.mkdir()
        yield folder


def _durable(folder: Path, size: int) -> float:
    store = make_store(
        f"sqlite:///{folder / 'ours.sqlite'}", folder / "ledger.key", exercise=False, origin="bench.example"
    )

    def add() -> None:
        for first in range(0, size, BATCH):
            with store.begin() as work:
                for number in range(first, min(first + BATCH, size)):
                    work.ledger.append(TAG, f"item:{number}", {"agency": "AA", "sighting": number})

    seconds = timed(add)
    store.close()
    return seconds


def _bulk(pymerkle: Any, folder: Path, entries: list[bytes], *, with_root: bool = False) -> float:
    tree = pymerkle.SqliteTree(str(folder / "theirs.sqlite"))

    def add() -> None:
        for first in range(0, len(entries), BATCH):
            tree.append_entries(entries[first : first + BATCH])
            if with_root:
                tree.get_root()

    seconds = timed(add)
    tree.close()
    return seconds


def _proofs(pymerkle: Any, entries: list[bytes], rounds: int) -> dict[str, object]:
    """All inclusion proofs of one tree; they are verified outside the measured time."""
    count = len(entries)
    leaves = [leaf_hash(entry) for entry in entries]
    tree = pymerkle.InmemoryTree()
    tree.append_entries(entries)
    made: list[list[bytes]] = []

    def ours() -> None:
        levels = Levels(leaves)
        made[:] = [levels.inclusion(index, count) for index in range(count)]

    def theirs() -> list[object]:
        return [tree.prove_inclusion(index, count) for index in range(1, count + 1)]

    figures = beside(count, lambda: timed(ours), lambda: timed(theirs), rounds=rounds)
    root = tree.get_root()
    for index, path in enumerate(made):
        if root_from_inclusion(index, count, leaves[index], path) != root:
            raise Broken(f"the proof of entry {index} does not lead to the peer's root")
    return {**figures, "verified_against_the_peers_root": count}


def _agree(pymerkle: Any, entries: list[bytes]) -> bool:
    if _grown(entries) != _theirs(pymerkle, entries):
        raise Broken("our root is not the peer's")
    return True


__all__ = ["measure"]
