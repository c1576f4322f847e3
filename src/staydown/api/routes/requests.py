"""Requests: what is asked of providers, who consented, and what became of it."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path
from fastapi.responses import Response

from staydown.api import cursors
from staydown.api.cursors import MANY, Cursor, Limit
from staydown.api.desk import (
    IfMatch,
    IfNoneMatch,
    Once,
    TheApp,
    act,
    answer,
    is_known,
    items_of,
    noted,
    require_match,
    subjects,
)
from staydown.api.gate import Caller, needs
from staydown.core.ids import OperationId, RequestId
from staydown.core.request import LineAnswer
from staydown.core.rights import Relation, Verb
from staydown.core.states import RequestState
from staydown.flow import answer as answering
from staydown.flow import approve, operate, propose, withdraw
from staydown.flow.consider import DRAFT, is_draft
from staydown.store.engine import SqlWork
from staydown.wire.base import Name, OperationName, Page
from staydown.wire.cases import (
    Approval,
    LeftOut,
    NewAnswer,
    NewApproval,
    NewRequest,
    NewWithdrawal,
    Proposal,
    Proposed,
    Reasoned,
    Request,
    RequestAnswer,
    RequestApproval,
    RequestAttempt,
    RequestClock,
    RequestLine,
    RequestRow,
    RequestText,
    Standing,
    Withdrawn,
)

router = APIRouter(tags=["requests"])
Sees = Annotated[Caller, needs(Verb.SEE_REQUESTS)]
Reference = Annotated[Name, Path(description="As the provider is told it.")]
NOT_CHANGED: dict[int | str, dict[str, Any]] = {304: {"description": "As the caller has it."}}


def found_request(work: SqlWork, caller: Caller, reference: str, verb: Verb) -> dict[str, Any]:
    """A request of the own agency, or one sent to the own desk; what is others' is not there."""
    own, addressed = (caller.person.may(verb, one) for one in (Relation.OWN, Relation.ADDRESSED))
    return work.cases.request(caller.person.agency, reference, own=own, addressed=addressed)


def etag_of(version: int) -> str:
    return f'"{version}"'


@router.get("/v1/requests")
def list_requests(
    app: TheApp,
    caller: Sees,
    state: RequestState | None = None,
    provider: Name | None = None,
    operation: OperationName | None = None,
    cursor: Cursor = None,
    limit: Limit = MANY,
) -> Page[RequestRow]:
    """The own agency's; to a provider's officer those that were sent to the own desk."""
    own, addressed = (caller.person.may(Verb.SEE_REQUESTS, one) for one in (Relation.OWN, Relation.ADDRESSED))
    after = cursors.after("requests", cursor)
    with app.store.begin(of=caller.person.agency) as work:
        if operation and own:
            operate.joint(work, caller.person, operation)
        rows = work.cases.requests(
            caller.person.agency,
            own=own,
            addressed=addressed,
            state=state,
            provider=provider,
            operation=OperationId(operation) if operation else None,
            after=after,
            limit=limit,
        )
        noted(work, caller, Verb.SEE_REQUESTS, subjects("request", [row["id"] for row in rows[:limit]]))
    return cursors.page("requests", rows, limit, RequestRow.model_validate)


@router.get("/v1/requests/{reference}", response_model=Request, responses=NOT_CHANGED)
def show_request(
    app: TheApp, caller: Sees, reference: Reference, if_none_match: IfNoneMatch = None
) -> Response:
    """One request with its lines, clocks, consent, attempts and answers; `digest` is what a consent binds."""
    with app.store.begin(of=caller.person.agency) as work:
        row = found_request(work, caller, reference, Verb.SEE_REQUESTS)
        noted(work, caller, Verb.SEE_REQUESTS, [f"request:{row['id']}"])
        told = _whole(work, caller, row)
    etag = etag_of(told.version)
    if is_known(if_none_match, etag):
        return Response(status_code=304, headers={"ETag": etag})
    return answer(told, headers={"ETag": etag})


def _whole(work: SqlWork, caller: Caller, row: dict[str, Any]) -> Request:
    number = RequestId(row["id"])
    lines = work.requests.lines([number])[number]
    approval = work.requests.approvals([number]).get(number)
    is_own = row["agency"] == caller.person.agency
    return Request.model_validate(
        {
            **row,
            "proposed_by": row["proposed_by"] if is_own else None,
            "digest": approve.digest_of(work.requests.one(number), lines),
            "approval": RequestApproval.model_validate(approval) if approval and is_own else None,
            "items": [
                RequestLine(
                    number=one.line.number,
                    item=one.line.item,
                    address=one.line.address,
                    open=one.open,
                    dropped=one.dropped,
                    decision=one.decision,
                )
                for one in lines
                if is_own or not one.dropped  # why a line never left is nobody else's
            ],
            "clocks": [RequestClock.model_validate(one) for one in work.cases.clocks(number)],
            "attempts": [
                RequestAttempt.model_validate(one) for one in work.requests.attempts([number]).get(number, [])
            ],
            "answers": [RequestAnswer.model_validate(one) for one in work.cases.answers(number)],
        }
    )


@router.get("/v1/requests/{reference}/text")
def show_request_text(app: TheApp, caller: Sees, reference: Reference) -> RequestText:
    """The exact text that leaves, or left."""
    with app.store.begin(of=caller.person.agency) as work:
        number = RequestId(found_request(work, caller, reference, Verb.SEE_REQUESTS)["id"])
        noted(work, caller, Verb.SEE_REQUESTS, [f"request:{number}"])
        request, lines = work.requests.one(number), work.requests.lines([number])[number]
        return RequestText(
            reference=reference,
            subject=request.subject,
            cover=DRAFT + request.cover if request.papers_digest and is_draft(request) else request.cover,
            lines=[f"{one.line.number}\t{one.line.address}" for one in lines if not one.dropped],
            digest=approve.digest_of(request, lines),
            exercise=work.exercise,
        )


@router.post("/v1/requests", status_code=201, response_model=Proposal)
def propose_requests(
    app: TheApp, caller: Annotated[Caller, needs(Verb.PROPOSE)], asked: Once, given: NewRequest
) -> Response:
    """Put assessed items into requests, one provider each, for a second person to approve."""

    def do(work: SqlWork) -> Proposal:
        person, named = caller.person, OperationId(given.operation) if given.operation else None
        ids = (
            items_of(work, given.items) if given.items else propose.proposable(work, person, operation=named)
        )
        done = propose.propose(
            app.tools,
            work,
            person,
            ids,
            instrument=given.instrument,
            operation=named,
            language=given.language,
        )
        lines = work.requests.lines([one.id for one in done.requests])
        return Proposal(
            requests=[
                Proposed(reference=one.reference, provider=one.provider, items=len(lines[one.id]))
                for one in done.requests
            ],
            left_out=[LeftOut(item=item, reason=why) for item, why in done.left_out.items()],
        )

    return act(app, caller, asked, do)


@router.post("/v1/requests/{reference}/approvals", status_code=201, response_model=Approval)
def approve_request(
    app: TheApp,
    caller: Annotated[Caller, needs(Verb.APPROVE)],
    asked: Once,
    reference: Reference,
    given: NewApproval,
    if_match: IfMatch = None,
) -> Response:
    """Give the second consent to exactly what was read: its version in If-Match, its digest in the body."""

    def do(work: SqlWork) -> Approval:
        row = found_request(work, caller, reference, Verb.APPROVE)
        require_match(if_match, etag_of(row["version"]))
        number = RequestId(row["id"])
        approve.approve(app.tools, work, caller.person, [number], seen=given.digest, looked=given.looked)
        made = work.requests.approvals([number])[number]
        state = work.requests.one(number).state
        return Approval(reference=reference, state=state, digest=made.digest, expires_at=made.expires_at)

    return act(app, caller, asked, do)


@router.post("/v1/requests/{reference}/send-back", response_model=Standing)
def send_back_request(
    app: TheApp,
    caller: Annotated[Caller, needs(Verb.SEND_BACK)],
    asked: Once,
    reference: Reference,
    given: Reasoned,
    if_match: IfMatch = None,
) -> Response:
    """Say no to a proposed request; its items are free for another one."""

    def do(work: SqlWork) -> Standing:
        row = found_request(work, caller, reference, Verb.SEND_BACK)
        if if_match is not None:
            require_match(if_match, etag_of(row["version"]))
        approve.send_back(work, caller.person, RequestId(row["id"]), reason=given.reason)
        return _standing(work, RequestId(row["id"]))

    return act(app, caller, asked, do, status=200)


@router.post("/v1/requests/{reference}/withdrawals", status_code=201, response_model=Withdrawn)
def withdraw_request(
    app: TheApp,
    caller: Annotated[Caller, needs(Verb.WITHDRAW)],
    asked: Once,
    reference: Reference,
    given: NewWithdrawal,
) -> Response:
    """Take a request back, or some of its items, after removal too: the provider is told."""

    def do(work: SqlWork) -> Withdrawn:
        number = RequestId(found_request(work, caller, reference, Verb.WITHDRAW)["id"])
        ids = items_of(work, given.items) if given.items else []
        count = withdraw.withdraw(app.tools, work, caller.person, number, reason=given.reason, items=ids)
        return Withdrawn(reference=reference, state=work.requests.one(number).state, items=count)

    return act(app, caller, asked, do)


@router.post("/v1/requests/{reference}/answers", status_code=201, response_model=Standing)
def answer_request(
    app: TheApp,
    caller: Annotated[Caller, needs(Verb.ANSWER)],
    asked: Once,
    reference: Reference,
    given: NewAnswer,
) -> Response:
    """Note what a provider says about lines: its own officer, or whoever was told by mail or telephone."""

    def do(work: SqlWork) -> Standing:
        number = RequestId(found_request(work, caller, reference, Verb.ANSWER)["id"])
        lines = [
            LineAnswer(
                number=one.number, decision=one.decision, reason=one.reason, at=one.at, on_terms=one.on_terms
            )
            for one in given.lines
        ]
        answering.answer(work, number, lines, by=caller.person, place=app.settings.place)
        return _standing(work, number)

    return act(app, caller, asked, do)


@router.post("/v1/requests/{reference}/close", response_model=Standing)
def close_request(
    app: TheApp,
    caller: Annotated[Caller, needs(Verb.CLOSE)],
    asked: Once,
    reference: Reference,
    given: Reasoned,
) -> Response:
    """End the wait for an answer that does not come."""

    def do(work: SqlWork) -> Standing:
        number = RequestId(found_request(work, caller, reference, Verb.CLOSE)["id"])
        answering.close(work, caller.person, number, reason=given.reason)
        return _standing(work, number)

    return act(app, caller, asked, do, status=200)


def _standing(work: SqlWork, number: RequestId) -> Standing:
    request = work.requests.one(number)
    return Standing(reference=request.reference, state=request.state, version=request.version)
