"""Items: the things themselves, and what is known of them."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Annotated
from urllib.parse import unquote

from fastapi import APIRouter, Path, Query
from fastapi.responses import Response

from staydown.api import cursors
from staydown.api.cursors import MANY, Cursor, Limit
from staydown.api.desk import IfNoneMatch, TheApp, answer, is_known, item_of, noted
from staydown.api.gate import Caller, needs
from staydown.api.problems import Unfit
from staydown.app import App
from staydown.core.ids import OperationId
from staydown.core.item import ItemKind
from staydown.core.rights import Verb
from staydown.core.states import ItemState
from staydown.flow import operate
from staydown.store.views import Rows, Wanted
from staydown.wire.base import AskedYes, Instant, Name, OperationName, Page
from staydown.wire.items import Check, Evidence, Item, Match
from staydown.wire.items import Name as ItemName

router = APIRouter(tags=["items"])
Sees = Annotated[Caller, needs(Verb.SEE_ITEMS)]
Word = Annotated[
    str,
    Path(
        alias="item",
        min_length=1,
        max_length=6000,
        description="Its number, or its key or canonical address, percent-encoded as one part of the path.",
    ),
]


@router.get("/v1/items")
def list_items(
    app: TheApp,
    caller: Sees,
    state: ItemState | None = None,
    provider: Name | None = None,
    kind: ItemKind | None = None,
    operation: OperationName | None = None,
    seen_by_us: Annotated[
        AskedYes | None, Query(description="Whether the own agency has sighted it.")
    ] = None,
    since: Annotated[Instant | None, Query(description="Whose present state began then or later.")] = None,
    key: Annotated[Name | None, Query(description="How its key begins.")] = None,
    cursor: Cursor = None,
    limit: Limit = MANY,
) -> Page[Item]:
    """The shared record, by number; by key where a beginning is given, by time with `since`."""
    if since is not None and key is not None:
        raise Unfit("since and key do not go together", hint="Ask with one of them.")
    wanted = Wanted(
        state=state,
        provider=provider,
        kind=kind,
        operation=OperationId(operation) if operation else None,
        seen_by_us=seen_by_us,
        since=since,
        key=key,
    )
    of, kinds = _order(wanted)
    place = cursors.read(of, cursor, kinds)
    with app.store.begin(write=False, of=caller.person.agency) as work:
        if operation:
            operate.joint(work, caller.person, operation)
        rows, ends = work.views.items(caller.person.agency, wanted, after=place, limit=limit)
    told = Page[Item](
        rows=[Item.model_validate(row) for row in rows], next=cursors.written(of, ends) if ends else None
    )
    return answer(told)  # type: ignore[return-value]  # made here, so that it is checked once


def _order(wanted: Wanted) -> tuple[str, list[type]]:
    if wanted.key is not None:
        return "items-by-key", [str]
    return ("items-since", [datetime, int]) if wanted.since is not None else ("items", [int])


@router.get(
    "/v1/items/{item}", response_model=Item, responses={304: {"description": "As the caller has it."}}
)
def show_item(app: TheApp, caller: Sees, word: Word, if_none_match: IfNoneMatch = None) -> Response:
    """One item."""
    with app.store.begin(write=False, of=caller.person.agency) as work:
        found = work.views.item(caller.person.agency, item_of(work, unquote(word)))
    told = answer(Item.model_validate(found))
    etag = f'"{found["version"]}-{hashlib.sha256(bytes(told.body)).hexdigest()[:16]}"'
    if is_known(if_none_match, etag):
        return Response(status_code=304, headers={"ETag": etag})
    told.headers["ETag"] = etag
    return told


@router.get("/v1/items/{item}/matches")
def list_matches(
    app: TheApp,
    caller: Annotated[Caller, needs(Verb.SEE_MATCHES)],
    word: Word,
    cursor: Cursor = None,
    limit: Limit = MANY,
) -> Page[Match]:
    """What machines suggest that it is."""
    rows = _rows(app, caller, word, "matches", cursor, limit)
    return cursors.page("matches", rows, limit, Match.model_validate)


@router.get("/v1/items/{item}/checks")
def list_checks(
    app: TheApp,
    caller: Annotated[Caller, needs(Verb.SEE_CHECKS)],
    word: Word,
    cursor: Cursor = None,
    limit: Limit = MANY,
) -> Page[Check]:
    """Every look at it."""
    rows = _rows(app, caller, word, "checks", cursor, limit)
    return cursors.page("checks", rows, limit, Check.model_validate)


@router.get("/v1/items/{item}/evidence")
def list_evidence(
    app: TheApp,
    caller: Annotated[Caller, needs(Verb.SEE_EVIDENCE)],
    word: Word,
    cursor: Cursor = None,
    limit: Limit = MANY,
) -> Page[Evidence]:
    """What is kept of it."""
    after = cursors.after("evidence", cursor)
    with app.store.begin(of=caller.person.agency) as work:
        item = item_of(work, unquote(word))
        rows = work.views.evidence(item, after=after, limit=limit)
        noted(work, caller, Verb.SEE_EVIDENCE, [f"item:{item}"], count=min(len(rows), limit))
    return cursors.page("evidence", rows, limit, Evidence.model_validate)


@router.get("/v1/items/{item}/names")
def list_names(app: TheApp, caller: Sees, word: Word) -> Page[ItemName]:
    """Every name it has or had."""
    with app.store.begin(write=False, of=caller.person.agency) as work:
        found = work.names.of(item_of(work, unquote(word)))
    return Page[ItemName](rows=[ItemName.model_validate(one) for one in found], next=None)


def _rows(app: App, caller: Caller, word: str, of: str, cursor: str | None, limit: int) -> Rows:
    after = cursors.after(of, cursor)
    with app.store.begin(write=False, of=caller.person.agency) as work:
        item = item_of(work, unquote(word))
        list_them = work.views.matches if of == "matches" else work.views.checks
        return list_them(item, after=after, limit=limit)
