"""Assessments: what persons of the own agency found."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import Response

from staydown.api import cursors
from staydown.api.cursors import MANY, Cursor, Limit
from staydown.api.desk import Once, TheApp, act, item_of, items_of, noted, subjects
from staydown.api.gate import Caller, needs
from staydown.core.assessment import Assessment as Made
from staydown.core.rights import Verb
from staydown.flow.assess import assess
from staydown.store.engine import SqlWork
from staydown.wire.base import Key, Page
from staydown.wire.items import Assessed, AssessedItems, Assessment, NewAssessment

router = APIRouter(tags=["assessments"])


@router.post("/v1/assessments", status_code=201, response_model=AssessedItems)
def make_assessments(
    app: TheApp, caller: Annotated[Caller, needs(Verb.ASSESS)], asked: Once, given: NewAssessment
) -> Response:
    """Write down what was found, of one item or of several alike."""

    def do(work: SqlWork) -> AssessedItems:
        person, ids = caller.person, items_of(work, given.items)
        made = [
            Made(
                item=item,
                by=person.id,
                agency=person.agency,
                verdict=given.verdict,
                ground=given.ground,
                purposes=given.purposes,
                reason=given.reason,
            )
            for item in ids
        ]
        assess(work, person, made)
        return AssessedItems(
            items=[Assessed(id=one.id, key=one.key, state=one.state) for one in work.items.get(ids)]
        )

    return act(app, caller, asked, do)


@router.get("/v1/assessments")
def list_assessments(
    app: TheApp,
    caller: Annotated[Caller, needs(Verb.SEE_ASSESSMENTS)],
    item: Annotated[Key | None, Query(description="Of one item only.")] = None,
    cursor: Cursor = None,
    limit: Limit = MANY,
) -> Page[Assessment]:
    """The own agency's, those that were closed too."""
    after = cursors.after("assessments", cursor)
    with app.store.begin(of=caller.person.agency) as work:
        only = item_of(work, item) if item else None
        rows = work.views.assessments(caller.person.agency, item=only, after=after, limit=limit)
        told = cursors.page("assessments", rows, limit, Assessment.model_validate)
        noted(work, caller, Verb.SEE_ASSESSMENTS, subjects("assessment", [one.id for one in told.rows]))
    return told
