"""The roster and alarms: who answers now."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Path, Query
from fastapi.responses import Response

from staydown.api.desk import Once, TheApp, act, answer, items_of
from staydown.api.gate import Caller, needs
from staydown.core.errors import NotFound
from staydown.core.house import Alarm as Found
from staydown.core.house import Matter
from staydown.core.ids import AlarmId, DutyId, PersonId
from staydown.core.rights import Verb
from staydown.flow import duty as verb
from staydown.store.engine import SqlWork
from staydown.wire.base import AskedNumber, AskedYes
from staydown.wire.duty import (
    Alarm,
    Alarms,
    AlarmWithCalls,
    Call,
    Duty,
    Gap,
    NewDuty,
    NewThreat,
    Raised,
    Roster,
)

router = APIRouter(tags=["duty"])
AHEAD = timedelta(days=7)
"""So far ahead gaps in the roster are shown."""


@router.get("/v1/duties", response_model=Roster)
def roster(app: TheApp, caller: Annotated[Caller, needs(Verb.SEE_ROSTER)]) -> Response:
    """Who is on duty at the own agency from now on, and when nobody is."""
    agency = caller.person.agency
    with app.store.begin(write=False, of=agency) as work:
        found = work.duties.listed(agency, since=work.now)
        gaps = [
            Gap(matter=matter, from_at=begins, until_at=ends)
            for matter in Matter
            for begins, ends in verb.gaps(work, agency, matter, since=work.now, until=work.now + AHEAD)
        ]
    return answer(Roster(duties=[Duty.model_validate(one) for one in found], gaps=gaps))


@router.post("/v1/duties", status_code=201, response_model=Duty)
def put_on_duty(
    app: TheApp, caller: Annotated[Caller, needs(Verb.SET_ROSTER)], asked: Once, given: NewDuty
) -> Response:
    """Put somebody of the own agency on the roster."""

    def do(work: SqlWork) -> Duty:
        number = verb.put_on(
            work,
            caller.person,
            PersonId(given.person),
            given.matter,
            rank=given.rank,
            from_at=given.from_at,
            until_at=given.until_at,
        )
        return Duty.model_validate(work.duties.get(number))

    return act(app, caller, asked, do)


@router.delete("/v1/duties/{duty}", status_code=204)
def take_off_duty(
    app: TheApp, caller: Annotated[Caller, needs(Verb.SET_ROSTER)], duty: Annotated[AskedNumber, Path()]
) -> Response:
    """Take a line off the own agency's roster, from now on."""
    with app.store.begin(of=caller.person.agency) as work:
        verb.take_off(work, caller.person, DutyId(duty))
    return Response(status_code=204)


@router.get("/v1/alarms", response_model=Alarms)
def list_alarms(
    app: TheApp,
    caller: Annotated[Caller, needs(Verb.SEE_ALARMS)],
    open_only: Annotated[AskedYes, Query(alias="open", description="Those that nobody has taken.")] = False,
) -> Response:
    """The own agency's hundred newest alarms."""
    agency = caller.person.agency
    with app.store.begin(write=False, of=agency) as work:
        found = work.duties.alarms(agency, open_only=open_only)
    return answer(Alarms(rows=[Alarm.model_validate(one) for one in found]))


@router.get("/v1/alarms/{alarm}", response_model=AlarmWithCalls)
def see_alarm(
    app: TheApp, caller: Annotated[Caller, needs(Verb.SEE_ALARMS)], alarm: Annotated[AskedNumber, Path()]
) -> Response:
    """One alarm of the own agency, and who was called about it."""
    with app.store.begin(write=False, of=caller.person.agency) as work:
        found = work.duties.alarm(AlarmId(alarm))
        if found.agency != caller.person.agency:
            raise NotFound(f"there is no alarm {alarm}")
        return answer(_with_calls(work, found))


@router.post("/v1/alarms/{alarm}/taking", status_code=201, response_model=AlarmWithCalls)
def take_alarm(
    app: TheApp,
    caller: Annotated[Caller, needs(Verb.TAKE_ALARM)],
    asked: Once,
    alarm: Annotated[AskedNumber, Path()],
) -> Response:
    """Answer for an alarm: nobody else is called."""
    return act(
        app,
        caller,
        asked,
        lambda work: _with_calls(work, verb.take(work, caller.person, AlarmId(alarm))),
    )


@router.post("/v1/threats", status_code=201, response_model=Raised)
def raise_threat(
    app: TheApp, caller: Annotated[Caller, needs(Verb.RAISE_ALARM)], asked: Once, given: NewThreat
) -> Response:
    """Say that a life is in danger (Regulation (EU) 2021/784, Art. 14(5)); whose holds concern it does not come out."""

    def do(work: SqlWork) -> Raised:
        items = items_of(work, given.items) if given.items else []
        return Raised(alarm=verb.threat(work, caller.person, given.text, items=items))

    return act(app, caller, asked, do)


def _with_calls(work: SqlWork, found: Found) -> AlarmWithCalls:
    calls = [Call.model_validate(one) for one in work.duties.calls(found.id)]
    return AlarmWithCalls(**Alarm.model_validate(found).model_dump(), calls=calls)
