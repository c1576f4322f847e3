"""Holds: who asks to wait, and what becomes of it. Whose hold it is, only deconfliction officers see."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Path
from fastapi.responses import Response

from staydown.api import cursors
from staydown.api.cursors import MANY, Cursor, Limit
from staydown.api.desk import Once, TheApp, act, item_of, items_of, noted, subjects
from staydown.api.gate import Caller, needs
from staydown.core.ids import HoldId
from staydown.core.rights import Relation, Verb
from staydown.flow import deconflict
from staydown.store.engine import SqlWork
from staydown.wire.base import AskedNumber, Page
from staydown.wire.cases import (
    Disputed,
    EndedHold,
    Hold,
    NewDispute,
    NewHold,
    NewQuestion,
    PlacedHolds,
    Question,
    QuestionAnswer,
    Reasoned,
)

router = APIRouter(tags=["holds"])
Number = Annotated[AskedNumber, Path(alias="hold", description="Its number.")]


@router.get("/v1/holds")
def list_holds(
    app: TheApp, caller: Annotated[Caller, needs(Verb.SEE_HOLDS)], cursor: Cursor = None, limit: Limit = MANY
) -> Page[Hold]:
    """Holds in force: the own agency's, and to a deconfliction officer all; of others' not who or why."""
    after, person = cursors.after("holds", cursor), caller.person
    with app.store.begin(of=person.agency) as work:
        others = person.may(Verb.SEE_HOLDS, Relation.FOREIGN)
        rows = work.cases.holds(person.agency, others=others, now=work.now, after=after, limit=limit)
        noted(work, caller, Verb.SEE_HOLDS, subjects("hold", [row["id"] for row in rows[:limit]]))
    return cursors.page("holds", rows, limit, Hold.model_validate)


@router.post("/v1/holds", status_code=201, response_model=PlacedHolds)
def place_holds(
    app: TheApp, caller: Annotated[Caller, needs(Verb.PLACE_HOLD)], asked: Once, given: NewHold
) -> Response:
    """Ask all agencies to wait."""

    def do(work: SqlWork) -> PlacedHolds:
        numbers, late = deconflict.place(
            work,
            caller.person,
            items_of(work, given.items),
            reason=given.reason,
            until=given.until,
            longest=timedelta(days=app.settings.hold_days),
            at_most=app.settings.holds_per_agency,
        )
        return PlacedHolds(holds=list(numbers), too_late_for=sorted(late))

    return act(app, caller, asked, do)


@router.post("/v1/holds/{hold}/release", response_model=EndedHold)
def release_hold(
    app: TheApp,
    caller: Annotated[Caller, needs(Verb.RELEASE_HOLD)],
    asked: Once,
    number: Number,
    given: Reasoned,
) -> Response:
    """Let go of the own agency's hold."""

    def do(work: SqlWork) -> EndedHold:
        deconflict.release(work, caller.person, HoldId(number), reason=given.reason)
        return EndedHold(id=number, state=work.holds.get(HoldId(number)).state)

    return act(app, caller, asked, do, status=200)


@router.post("/v1/holds/{hold}/overrule", response_model=EndedHold)
def overrule_hold(
    app: TheApp,
    caller: Annotated[Caller, needs(Verb.OVERRULE_HOLD, Relation.FOREIGN)],
    asked: Once,
    number: Number,
    given: Reasoned,
) -> Response:
    """Decide a disputed hold against its holder, in writing."""

    def do(work: SqlWork) -> EndedHold:
        deconflict.overrule(work, caller.person, HoldId(number), reason=given.reason)
        return EndedHold(id=number, state=work.holds.get(HoldId(number)).state)

    return act(app, caller, asked, do, status=200)


@router.post("/v1/questions", status_code=201, response_model=QuestionAnswer)
def ask_about_hold(
    app: TheApp, caller: Annotated[Caller, needs(Verb.ASK_HOLD)], asked: Once, given: NewQuestion
) -> Response:
    """Ask whether an item has to wait; the holder is shown the question."""

    def do(work: SqlWork) -> QuestionAnswer:
        wait = deconflict.ask(
            work, caller.person, item_of(work, given.item), per_hour=app.settings.questions_per_hour
        )
        return QuestionAnswer(wait=wait)

    return act(app, caller, asked, do)


@router.get("/v1/questions")
def list_questions(
    app: TheApp,
    caller: Annotated[Caller, needs(Verb.SEE_QUESTIONS)],
    cursor: Cursor = None,
    limit: Limit = MANY,
) -> Page[Question]:
    """Questions that others asked within 90 days about items the own agency holds."""
    after, agency = cursors.after("questions", cursor), caller.person.agency
    with app.store.begin(of=agency) as work:
        rows = work.cases.questions(agency, now=work.now, after=after, limit=limit)
        noted(work, caller, Verb.SEE_QUESTIONS, subjects("item", [row["item"] for row in rows[:limit]]))
    return cursors.page("questions", rows, limit, _question)


def _question(row: dict[str, Any]) -> Question:
    return Question(item=row["item"], agency=row["agency"], at=row["at"])


@router.post("/v1/disputes", status_code=201, response_model=Disputed)
def dispute_holds(
    app: TheApp,
    caller: Annotated[Caller, needs(Verb.DISPUTE_HOLD, Relation.FOREIGN)],
    asked: Once,
    given: NewDispute,
) -> Response:
    """Disagree with the holds on an item: both heads are told, others still wait."""

    def do(work: SqlWork) -> Disputed:
        count = deconflict.dispute(work, caller.person, item_of(work, given.item), reason=given.reason)
        return Disputed(holds=count)

    return act(app, caller, asked, do)
