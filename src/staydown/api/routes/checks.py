"""Checks and returns: another look, and whether something is the removed thing come back."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path
from fastapi.responses import Response

from staydown.api import cursors
from staydown.api.cursors import MANY, Cursor, Limit
from staydown.api.desk import Once, TheApp, act, items_of
from staydown.api.gate import Caller, needs
from staydown.core.ids import ReturnId
from staydown.core.rights import Relation, Verb
from staydown.core.states import ReturnState
from staydown.flow import watch
from staydown.ports.work import WorkKind
from staydown.store.engine import SqlWork
from staydown.wire.base import AskedNumber, Page
from staydown.wire.items import Asked, DecidedReturn, Return, ReturnDecision, ToKeep

router = APIRouter(tags=["checks"])


@router.post("/v1/checks", status_code=202, response_model=Asked)
def ask_for_checks(
    app: TheApp, caller: Annotated[Caller, needs(Verb.CHECK)], asked: Once, given: ToKeep
) -> Response:
    """Ask for another look at items; a worker does it."""

    def do(work: SqlWork) -> Asked:
        caller.person.require(Verb.CHECK, Relation.SHARED)
        ids = items_of(work, given.items)
        work.queue.add_by(WorkKind.CHECK, dict.fromkeys(ids, work.now))
        return Asked(asked=len(ids))

    return act(app, caller, asked, do, status=202)


@router.get("/v1/returns")
def list_returns(
    app: TheApp,
    caller: Annotated[Caller, needs(Verb.SEE_RETURNS)],
    state: ReturnState | None = None,
    cursor: Cursor = None,
    limit: Limit = MANY,
) -> Page[Return]:
    """Likely returns, in the order they were suggested."""
    after = cursors.after("returns", cursor)
    with app.store.begin(write=False, of=caller.person.agency) as work:
        rows = work.views.returns(state, after=after, limit=limit)
    return cursors.page("returns", rows, limit, Return.model_validate)


@router.post("/v1/returns/{return}/decision", response_model=DecidedReturn)
def decide_return(
    app: TheApp,
    caller: Annotated[Caller, needs(Verb.DECIDE_RETURN)],
    asked: Once,
    number: Annotated[AskedNumber, Path(alias="return", description="Its number.")],
    given: ReturnDecision,
) -> Response:
    """Say whether a suggested return is one; a machine never does."""

    def do(work: SqlWork) -> DecidedReturn:
        watch.decide(work, caller.person, ReturnId(number), is_return=given.is_return)
        return DecidedReturn(id=number, state=work.returns.get([ReturnId(number)])[ReturnId(number)].state)

    return act(app, caller, asked, do, status=200)
