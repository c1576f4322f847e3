"""The ledger's tree in memory: read once, then grown by what was written since, so that a proof costs little."""

from __future__ import annotations

import base64
import threading
from typing import Annotated, cast

from fastapi import Depends, Request

from staydown.app import App
from staydown.core.errors import NotFound
from staydown.reason.merkle import Levels
from staydown.wire.operations import ConsistencyProof, InclusionProof


class Tree:
    """All levels of the tree, as far as somebody asked."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._levels = Levels([])
        self._lock = threading.Lock()

    def inclusion(self, entry: int, size: int) -> InclusionProof:
        """The audit path of an entry.

        Raises:
            NotFound: The ledger is not that large, or the entry lies outside.
        """
        levels = self._grown(size)
        try:
            path = levels.inclusion(entry, size)
        except IndexError as error:
            raise NotFound(f"there is no entry {entry} in a ledger of {size}", hint=_HINT) from error
        return InclusionProof(
            entry=entry,
            size=size,
            leaf=_text(levels.levels[0][entry]),
            root=_text(levels.root(size)),
            path=[_text(one) for one in path],
        )

    def consistency(self, first: int, second: int) -> ConsistencyProof:
        """The proof that the ledger only grew.

        Raises:
            NotFound: The ledger is not that large, or the sizes are not in order.
        """
        levels = self._grown(second)
        try:
            path = levels.consistency(first, second)
        except IndexError as error:
            raise NotFound(f"there is no proof from {first} to {second}", hint=_HINT) from error
        return ConsistencyProof(
            first=first,
            first_root=_text(levels.root(first)),
            size=second,
            root=_text(levels.root(second)),
            path=[_text(one) for one in path],
        )

    def _grown(self, size: int) -> Levels:
        """The levels over at least so many entries, where there are as many; what is there never changes."""
        with self._lock:
            known = len(self._levels.levels[0])
            if known < size:
                with self._app.store.begin(write=False) as work:
                    self._levels.extend(work.entries.leaves(first=known))
            return self._levels


_HINT = "Sizes are those of checkpoints: see GET /v1/ledger/checkpoint."


def _text(value: bytes) -> str:
    return base64.b64encode(value).decode()


def tree_of(request: Request) -> Tree:
    """The tree of this process."""
    return cast("Tree", request.app.state.tree)


TheTree = Annotated[Tree, Depends(tree_of)]
