"""Who of the own agency looked at what: for its auditors, and for nobody else."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter

from staydown.api import cursors
from staydown.api.cursors import MANY, Cursor, Limit
from staydown.api.desk import TheApp, noted
from staydown.api.gate import Caller, needs
from staydown.core.rights import Verb
from staydown.wire.base import Page
from staydown.wire.duty import Access

router = APIRouter(tags=["accesses"])


@router.get("/v1/accesses")
def list_accesses(
    app: TheApp,
    caller: Annotated[Caller, needs(Verb.SEE_ACCESSES)],
    cursor: Cursor = None,
    limit: Limit = MANY,
) -> Page[Access]:
    """The own agency's, newest first (Directive (EU) 2016/680, Art. 25); this look goes on the list too."""
    agency, before = caller.person.agency, cursors.after("accesses", cursor)
    with app.store.begin(of=agency) as work:
        rows = work.accesses.listed(agency, before=before, limit=limit + 1)
        told = cursors.page("accesses", rows, limit, Access.model_validate)
        noted(work, caller, Verb.SEE_ACCESSES, [f"access:{agency}"], count=len(told.rows))
    return told
