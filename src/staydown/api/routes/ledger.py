"""The ledger: what anybody needs to check it, and nothing of what its entries keep to themselves."""

from __future__ import annotations

import base64
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import PlainTextResponse

from staydown.api import cursors
from staydown.api.cursors import MANY, Cursor, Limit
from staydown.api.desk import TheApp
from staydown.api.gate import Caller, needs
from staydown.api.trees import TheTree
from staydown.core.rights import Verb
from staydown.reason.checkpoint import key_id
from staydown.wire.base import AskedSize, Page
from staydown.wire.operations import ConsistencyProof, InclusionProof, LedgerEntry, LedgerKey

router = APIRouter(tags=["ledger"])
Sees = Annotated[Caller, needs(Verb.SEE_CHECKPOINT)]
_ED25519 = b"\x01"


def _text(value: bytes) -> str:
    return base64.b64encode(value).decode()


@router.get("/v1/ledger/checkpoint", response_class=PlainTextResponse)
def show_checkpoint(app: TheApp, caller: Sees) -> PlainTextResponse:
    """The newest checkpoint: a signed note (C2SP tlog-checkpoint)."""
    with app.store.begin(write=False, of=caller.person.agency) as work:
        return PlainTextResponse(work.ledger.head())


@router.get("/v1/ledger/key")
def show_ledger_key(app: TheApp, caller: Sees) -> LedgerKey:
    """The key with which checkpoints are checked."""
    public, origin = app.store.public_key, app.store.origin
    verifier = f"{origin}+{key_id(origin, public).hex()}+{_text(_ED25519 + public)}"
    return LedgerKey(origin=origin, algorithm="Ed25519", public=_text(public), verifier=verifier)


@router.get("/v1/ledger/entries")
def list_entries(
    app: TheApp, caller: Annotated[Caller, needs(Verb.SEE_LEDGER)], cursor: Cursor = None, limit: Limit = MANY
) -> Page[LedgerEntry]:
    """Entries in order, as their canonical bytes; what they commit to is not in them."""
    place = cursors.read("entries", cursor, [int])
    first = max(place[0], 0) if place else 0
    with app.store.begin(write=False, of=caller.person.agency) as work:
        found = work.entries.page(first=first, limit=limit + 1)
    rows = [LedgerEntry(n=number, entry=_text(entry)) for number, entry in found[:limit]]
    more = cursors.written("entries", [found[limit][0]]) if len(found) > limit else None
    return Page[LedgerEntry](rows=rows, next=more)


@router.get("/v1/ledger/proofs/inclusion")
def prove_inclusion(
    caller: Sees,
    tree: TheTree,
    entry: Annotated[AskedSize, Query(description="Its number, from 0.")],
    size: Annotated[AskedSize, Query(description="Of the ledger, as a checkpoint says.")],
) -> InclusionProof:
    """That an entry stands in the ledger of that size (RFC 6962, section 2.1.1)."""
    return tree.inclusion(entry, size)


@router.get("/v1/ledger/proofs/consistency")
def prove_consistency(
    caller: Sees, tree: TheTree, first: Annotated[AskedSize, Query()], second: Annotated[AskedSize, Query()]
) -> ConsistencyProof:
    """That the ledger of the second size begins with the one of the first (RFC 6962, section 2.1.2)."""
    return tree.consistency(first, second)
