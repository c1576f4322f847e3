"""Operations: agencies acting in one window."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Header, Path
from fastapi.responses import Response, StreamingResponse

from staydown.api.desk import Once, TheApp, act, items_of
from staydown.api.gate import Caller, needs
from staydown.api.stream import Tallies, TheTallies
from staydown.core.ids import AgencyCode, OperationId
from staydown.core.network import Operation as Joint
from staydown.core.rights import Verb
from staydown.flow import operate, publish
from staydown.store.engine import SqlWork
from staydown.wire.base import OperationName, Page
from staydown.wire.items import OnOperation
from staydown.wire.operations import Added, Figures, NewOperation, Operation, Released

router = APIRouter(tags=["operations"])
Sees = Annotated[Caller, needs(Verb.SEE_OPERATIONS)]
Named = Annotated[OperationName, Path(alias="operation", description="Its short name.")]
EVENTS = {
    "description": "Server-sent events: `tally` whenever a number changes.",
    "content": {"text/event-stream": {"schema": {"type": "object"}}},
}


@router.get("/v1/operations")
def list_operations(app: TheApp, caller: Sees) -> Page[Operation]:
    """Operations in which the own agency takes part."""
    with app.store.begin(write=False, of=caller.person.agency) as work:
        rows = work.views.operations(caller.person.agency)
    return Page[Operation](rows=[Operation.model_validate(row) for row in rows], next=None)


@router.post("/v1/operations", status_code=201, response_model=Operation)
def begin_operation(
    app: TheApp, caller: Annotated[Caller, needs(Verb.BEGIN_OPERATION)], asked: Once, given: NewOperation
) -> Response:
    """Set up an operation under the own agency as its lead."""

    def do(work: SqlWork) -> Operation:
        made = operate.begin(
            work,
            caller.person,
            OperationId(given.id),
            title=given.title,
            agencies=[AgencyCode(code) for code in given.agencies],
            opens_at=given.opens_at,
            closes_at=given.closes_at,
            hour_h=given.hour_h,
        )
        return _told(made)

    return act(app, caller, asked, do)


@router.get("/v1/operations/{operation}")
def show_operation(app: TheApp, caller: Sees, name: Named) -> Operation:
    """One operation."""
    with app.store.begin(write=False, of=caller.person.agency) as work:
        return _told(operate.joint(work, caller.person, name))


@router.post("/v1/operations/{operation}/items", status_code=201, response_model=Added)
def add_operation_items(
    app: TheApp,
    caller: Annotated[Caller, needs(Verb.ADD_TO_OPERATION)],
    asked: Once,
    name: Named,
    given: OnOperation,
) -> Response:
    """Put items on an operation's list."""

    def do(work: SqlWork) -> Added:
        operation = operate.joint(work, caller.person, name)
        return Added(items=operate.add_items(work, caller.person, operation.id, items_of(work, given.items)))

    return act(app, caller, asked, do)


@router.post("/v1/operations/{operation}/release", response_model=Released)
def release_operation(
    app: TheApp, caller: Annotated[Caller, needs(Verb.RELEASE_OPERATION)], asked: Once, name: Named
) -> Response:
    """Let everything that is approved leave now."""

    def do(work: SqlWork) -> Released:
        operation = operate.joint(work, caller.person, name)
        return Released(requests=operate.release(work, caller.person, operation.id))

    return act(app, caller, asked, do, status=200)


@router.get("/v1/operations/{operation}/figures")
def show_operation_figures(
    app: TheApp, caller: Annotated[Caller, needs(Verb.SEE_FIGURES)], name: Named
) -> Figures:
    """All that a report on it shows, of what those did who take part; of holds no more than `wait` tells."""
    with app.store.begin(write=False, of=caller.person.agency) as work:
        operation = operate.joint(work, caller.person, name).id
        return publish.figures(work, operation, to=caller.person.agency)


@router.get("/v1/operations/{operation}/events", response_class=StreamingResponse, responses={200: EVENTS})
def follow_operation(
    app: TheApp,
    caller: Sees,
    tallies: TheTallies,
    name: Named,
    last_event_id: Annotated[str | None, Header(max_length=100)] = None,
) -> StreamingResponse:
    """The live tally, until the caller's sign-in ends."""
    with app.store.begin(write=False, of=caller.person.agency) as work:
        operation = operate.joint(work, caller.person, name).id
    return StreamingResponse(
        _events(tallies, caller, operation, last_event_id),
        media_type="text/event-stream",
        headers={"X-Accel-Buffering": "no"},
    )


async def _events(
    tallies: Tallies, caller: Caller, operation: OperationId, last: str | None
) -> AsyncIterator[bytes]:
    async for part in tallies.follow(caller, operation, last):
        yield part


def _told(made: Joint) -> Operation:
    return Operation.model_validate(made)
