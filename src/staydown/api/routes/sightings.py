"""Sightings: what the own agency saw."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

from staydown.api import bulk, cursors
from staydown.api.cursors import MANY, Cursor, Limit
from staydown.api.desk import IdempotencyKey, TheApp, again, answer, item_of, noted, subjects
from staydown.api.gate import Caller, needs
from staydown.api.limits import STREAMED
from staydown.api.problems import Unfit, WrongMedia
from staydown.app import App
from staydown.core.rights import Verb
from staydown.flow import operate
from staydown.wire.base import Key, OperationName, Page
from staydown.wire.items import Intake, Sighting

router = APIRouter(tags=["sightings"])
ROUTE = "POST /v1/sightings"
BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "type": "array",
                    "maxItems": bulk.LISTED,
                    "items": {"$ref": "#/components/schemas/NewSighting"},
                }
            },
            STREAMED: {
                "schema": {
                    "description": "One NewSighting a line. A line that cannot be taken is refused by itself.",
                }
            },
        },
    }
}


@router.post("/v1/sightings", response_model=Intake, openapi_extra=BODY)
async def record_sightings(
    request: Request,
    app: TheApp,
    caller: Annotated[Caller, needs(Verb.RECORD)],
    operation: Annotated[OperationName | None, Query(description="Whose list the items go on.")] = None,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Record what the own agency saw; the same record twice stays one record.

    Whole batches are stored as they come: after a broken connection, send the stream again.
    """
    digest = hashlib.sha256(request.url.query.encode() + b"\n")
    if idempotency_key:
        known = await run_in_threadpool(_claim, app, caller, idempotency_key)
        if known is not None:
            async for chunk in request.stream():
                digest.update(chunk)
            return again(known, digest.digest())
    try:
        taking = await run_in_threadpool(_begun, app, caller, operation, idempotency_key)
        await _take(request, taking, digest)
    except BaseException as error:
        if idempotency_key:
            await run_in_threadpool(_forget, app, caller, idempotency_key)
        if isinstance(error, ClientDisconnect):
            return Response(status_code=400)  # nobody is there to read it
        raise
    told = answer(taking.told())
    if idempotency_key:
        await run_in_threadpool(_settle, app, caller, idempotency_key, digest.digest(), bytes(told.body))
    return told


async def _take(request: Request, taking: bulk.Taking, digest: Any) -> None:
    sort = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if sort == "application/json":
        body = await request.body()
        digest.update(body)
        await run_in_threadpool(lambda: taking.take_list(bulk.listed(body)))
    elif sort == STREAMED:
        async for block in bulk.blocks(_read(request, digest)):
            await run_in_threadpool(taking.take, block)
    elif not await request.body():
        raise Unfit("body: nothing was sent")
    else:
        raise WrongMedia(f"sightings come as application/json or {STREAMED}")


async def _read(request: Request, digest: Any) -> AsyncIterator[bytes]:
    async for chunk in request.stream():
        digest.update(chunk)
        yield chunk


def _begun(app: App, caller: Caller, operation: str | None, key: str | None) -> bulk.Taking:
    with app.store.begin(write=False, of=caller.person.agency) as work:
        on = operate.joint(work, caller.person, operation).id if operation else None
        salt = f"api {key or work.now.date().isoformat()}"
        return bulk.Taking(app=app, person=caller.person, operation=on, now=work.now, salt=salt)


def _claim(app: App, caller: Caller, key: str) -> Any:
    with app.store.begin(of=caller.person.agency) as work:
        return work.replays.claim(caller.person.id, key, route=ROUTE, digest=b"")


def _forget(app: App, caller: Caller, key: str) -> None:
    with app.store.begin(of=caller.person.agency) as work:
        work.replays.forget(caller.person.id, key)


def _settle(app: App, caller: Caller, key: str, digest: bytes, body: bytes) -> None:
    with app.store.begin(of=caller.person.agency) as work:
        work.replays.settle(caller.person.id, key, digest=digest, status=200, headers={}, body=body)


@router.get("/v1/sightings")
def list_sightings(
    app: TheApp,
    caller: Annotated[Caller, needs(Verb.SEE_SIGHTINGS)],
    item: Annotated[Key | None, Query(description="Of one item only.")] = None,
    cursor: Cursor = None,
    limit: Limit = MANY,
) -> Page[Sighting]:
    """The own agency's records, in the order they were stored."""
    after = cursors.after("sightings", cursor)
    with app.store.begin(of=caller.person.agency) as work:
        only = item_of(work, item) if item else None
        rows = work.views.sightings(caller.person.agency, item=only, after=after, limit=limit)
        told = cursors.page("sightings", rows, limit, _sighting)
        noted(work, caller, Verb.SEE_SIGHTINGS, subjects("sighting", [one.id for one in told.rows]))
    return told


def _sighting(row: dict[str, Any]) -> Sighting:
    return Sighting.model_validate({**row, "item": row["key"], "url": row["raw"]})
