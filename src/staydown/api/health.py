"""Three questions that are not one: is the process alive, is it ready, and is the work behind."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Request
from fastapi.responses import Response

from staydown.api.desk import answer, app_of
from staydown.api.gate import open_to_all
from staydown.app import App
from staydown.core.errors import StaydownError
from staydown.wire.health import Alive, Behind, Ready

router = APIRouter(prefix="/health", tags=["health"])
BEHIND_S = 300
"""Work that is due for longer than this is late."""
Open = Annotated[None, open_to_all("whoever watches over the service has no account in it; no case is shown")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How the house stands at one moment."""

    waiting: int  #: rows of work that are due
    behind_s: float  #: how late the oldest of them is
    alarms_open: int
    ledger_size: int


def standing(app: App) -> Standing:
    """Ask the store.

    Raises:
        Outside: It does not answer.
    """
    with app.store.begin(write=False) as work:
        due = work.queue.next_due()
        late = (work.now - due).total_seconds() if due is not None else 0.0
        return Standing(
            waiting=work.queue.waiting(),
            behind_s=max(0.0, late),
            alarms_open=work.duties.open_count(),
            ledger_size=work.ledger.size(),
        )


@router.get("/alive", operation_id="alive", response_model=Alive)
def alive(_: Open) -> Response:
    """The process answers; says nothing about the store."""
    return answer(Alive(alive=True))


@router.get("/ready", operation_id="ready", response_model=Ready, responses={503: {"model": Ready}})
def ready(request: Request, _: Open) -> Response:
    """The store answers, so calls can be served; else 503."""
    try:
        standing(app_of(request))
    except StaydownError as error:
        return answer(Ready(ready=False, reason=error.hint), status=503)
    return answer(Ready(ready=True, reason=None))


@router.get("/behind", operation_id="behind", response_model=Behind, responses={503: {"model": Behind}})
def behind(request: Request, _: Open) -> Response:
    """Whether due work is being done; 503 where some of it is more than five minutes late."""
    try:
        found = standing(app_of(request))
    except StaydownError as error:
        return answer(Behind(behind=True, waiting=None, seconds=None, reason=error.hint), status=503)
    late = found.behind_s > BEHIND_S
    return answer(
        Behind(
            behind=late,
            waiting=found.waiting,
            seconds=found.behind_s,
            reason="Start a worker: staydown work." if late else None,
        ),
        status=503 if late else 200,
    )
