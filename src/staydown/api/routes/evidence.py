"""Evidence: what is kept, and what is waived."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path
from fastapi.responses import Response

from staydown.api.desk import Once, TheApp, act, items_of, noted
from staydown.api.gate import Caller, needs
from staydown.core.ids import EvidenceId
from staydown.core.rights import Verb
from staydown.flow import preserve
from staydown.store.engine import SqlWork
from staydown.wire.base import AskedNumber
from staydown.wire.items import Asked, Evidence, NewWaiver, ToKeep

router = APIRouter(tags=["evidence"])
Number = Annotated[AskedNumber, Path(alias="evidence", description="Its number.")]
BYTES = {
    "description": "The bytes as they were kept. They are foreign: never show them as a page.",
    "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
}


@router.post("/v1/evidence", status_code=202, response_model=Asked)
def ask_for_evidence(
    app: TheApp, caller: Annotated[Caller, needs(Verb.PRESERVE)], asked: Once, given: ToKeep
) -> Response:
    """Ask for items to be kept; a worker does it."""

    def do(work: SqlWork) -> Asked:
        return Asked(asked=preserve.ask(work, caller.person, items_of(work, given.items)))

    return act(app, caller, asked, do, status=202)


@router.post("/v1/waivers", status_code=201, response_model=Asked)
def waive_evidence(
    app: TheApp, caller: Annotated[Caller, needs(Verb.WAIVE)], asked: Once, given: NewWaiver
) -> Response:
    """Say why items may be acted on without kept evidence."""

    def do(work: SqlWork) -> Asked:
        ids = items_of(work, given.items)
        preserve.waive(work, caller.person, ids, reason=given.reason)
        return Asked(asked=len(ids))

    return act(app, caller, asked, do)


@router.get("/v1/evidence/{evidence}")
def show_evidence(
    app: TheApp, caller: Annotated[Caller, needs(Verb.SEE_EVIDENCE)], number: Number
) -> Evidence:
    """One act of keeping."""
    with app.store.begin(of=caller.person.agency) as work:
        found = work.views.capture(EvidenceId(number))
        noted(work, caller, Verb.SEE_EVIDENCE, [f"evidence:{number}"])
    return Evidence.model_validate(found)


@router.get("/v1/evidence/{evidence}/bytes", response_class=Response, responses={200: BYTES})
def open_evidence(
    app: TheApp, caller: Annotated[Caller, needs(Verb.OPEN_EVIDENCE)], number: Number
) -> Response:
    """The bytes themselves, as an attachment."""
    with app.store.begin(of=caller.person.agency) as work:
        sha256 = work.views.capture(EvidenceId(number))["sha256"]
        noted(work, caller, Verb.OPEN_EVIDENCE, [f"evidence:{number}"])
    return Response(
        app.vault.get(sha256),
        media_type="application/octet-stream",
        headers={
            "Content-Disposition": f'attachment; filename="{sha256}.bin"',
            "Content-Security-Policy": "default-src 'none'; sandbox",
            "X-Content-Type-Options": "nosniff",
        },
    )
