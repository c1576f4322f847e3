"""approve: the second person's consent to exactly the bytes that will leave."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime

from staydown.core.errors import Invalid, OnHold, SameEyes, Stale
from staydown.core.ids import ApprovalId, ItemId, RequestId
from staydown.core.people import Person, Role
from staydown.core.request import DispatchState, Line, Request, approval_digest
from staydown.core.states import REQUEST, ItemEvent, RequestEvent, step
from staydown.law.periods import APPROVAL
from staydown.ports.tools import Tools
from staydown.ports.work import Drop, LineState, Task, Work, WorkKind

log = logging.getLogger("staydown.flow")


def digest_of(request: Request, lines: Sequence[LineState]) -> str:
    """What an approval of this request binds; dropped lines stay in it, so it does not change when they go."""
    return approval_digest(request, [one.line for one in lines])


def approve(
    work: Work, person: Person, ids: Sequence[RequestId], *, seen: str | None = None
) -> list[ApprovalId]:
    """Give the second consent without which a request cannot leave.

    In a referral, lines on hold drop out; the rest is approved. A request without a line left is refused.

    Args:
        work: One open transaction.
        person: The approver.
        ids: Requests in `proposed`.
        seen: The digest the approver was shown, where one request is approved: what changed since is refused.

    Raises:
        NotEntitled: The person may not approve for the agency that owns a request.
        SameEyes: The person proposed it, or has assessed one of its items.
        OnHold: Every line of a request has to wait.
        Stale: It is not what the person was shown.
        IllegalStep: A request is not in `proposed`.

    Source: four-eyes rule, docs/decisions/0006.
    """
    given: list[tuple[Request, str]] = []
    found = work.requests.get(ids, lock=True)
    if len(found) != len(set(ids)):
        raise Invalid("a request to approve does not exist")
    lines = work.requests.lines(ids)
    for request in found:
        person.require(Role.APPROVER, within=request.agency)
        step(REQUEST, request.state, RequestEvent.APPROVE)
        _other_eyes(work, person, request, lines[request.id])
        drop_held(work, request, lines[request.id])
        digest = digest_of(request, lines[request.id])
        if seen is not None and seen != digest:
            raise Stale(
                f"{request.reference} is not what was shown", hint="Read it again: staydown request show."
            )
        given.append((request, digest))
    expires_at = work.now + APPROVAL.length
    numbers = work.requests.approve(given, by=person.id, expires_at=expires_at)
    work.requests.step(
        [(request, step(REQUEST, request.state, RequestEvent.APPROVE)) for request, _ in given]
    )
    work.queue.add(WorkKind.EXPIRE, [request.id for request, _ in given], due_at=expires_at)
    for request, digest in given:
        detail = {
            "by": person.id,
            "courier": request.courier,
            "digest": digest,
            "proposed_by": request.proposed_by,
        }
        work.ledger.append("request:approval:given", f"request:{request.id}", detail)
    _queue(work, [request for request, _ in given])
    return numbers


def _other_eyes(work: Work, person: Person, request: Request, lines: Sequence[LineState]) -> None:
    if person.id == request.proposed_by:
        raise SameEyes(f"{person.id} proposed {request.reference}")
    items = [one.line.item for one in lines]
    if person.id in work.assessments.assessors(items):
        raise SameEyes(f"{person.id} has assessed an item of {request.reference}")
    if person.id in work.requests.proposers(items):
        raise SameEyes(f"{person.id} has proposed an item of {request.reference} before")


def drop_held(work: Work, request: Request, lines: Sequence[LineState]) -> list[Line]:
    """Take lines out that have to wait; gives those that are left.

    Raises:
        OnHold: None would be left.
    """
    present = [one.line for one in lines if not one.dropped]
    items = [line.item for line in present]
    work.items.lock(items)
    held = work.holds.on(items)
    if held and held.issuperset(items):
        raise OnHold(f"every line of {request.reference} has to wait")
    drop(work, request, sorted(held), reason="wait")
    return [line for line in present if line.item not in held]


def drop(work: Work, request: Request, items: Sequence[ItemId], *, reason: str) -> None:
    """Take lines out of a request that has not left."""
    if items:
        work.requests.drop([Drop(request=request.id, item=item, reason=reason) for item in items])
        work.items.step(items, ItemEvent.DROP)
        detail = {"items": list(items), "reason": reason}
        work.ledger.append("request:lines:dropped", f"request:{request.id}", detail)


def _queue(work: Work, approved: Sequence[Request]) -> None:
    """Ask for dispatch: at once, or at hour H where an operation has one."""
    due: dict[datetime, list[RequestId]] = {}
    for request in approved:
        instant: datetime | None = work.now
        if request.operation is not None:
            operation = work.operations.get(request.operation)
            instant = operation.hour_h if operation.released_at is None else work.now
        if instant is not None:
            due.setdefault(max(instant, work.now), []).append(request.id)
    for instant, ids in due.items():
        work.queue.add(WorkKind.DISPATCH, ids, due_at=instant, priority=1)


def send_back(work: Work, person: Person, request_id: RequestId, *, reason: str) -> None:
    """Give a proposed request back: its lines are free for another one.

    Raises:
        NotEntitled: The person may not approve for the agency that owns it.
        IllegalStep: It is not in `proposed`.
    """
    request = work.requests.one(request_id, lock=True)
    person.require(Role.APPROVER, within=request.agency)
    back = step(REQUEST, request.state, RequestEvent.SEND_BACK)
    lines = [one.line.item for one in work.requests.lines([request_id])[request_id] if not one.dropped]
    drop(work, request, lines, reason=f"sent back: {reason}")
    work.requests.step([(request, step(REQUEST, back, RequestEvent.WITHDRAW))])
    work.ledger.append(
        "request:approval:denied", f"request:{request_id}", {"by": person.id, "reason": reason}
    )


def run(tools: Tools, tasks: Sequence[Task]) -> None:
    """Let approvals end whose day is over and whose request has not begun to leave."""
    with tools.begin() as work:
        ids = [RequestId(task.subject) for task in tasks]
        locked = work.requests.get(ids, lock=True)
        work.queue.done(tasks)
        approvals = work.requests.approvals(ids)
        begun = {
            request
            for request, attempts in work.requests.attempts(ids).items()
            if any(one.state is DispatchState.INTENDED for one in attempts)
        }
        for request in locked:
            approval = approvals.get(request.id)
            if approval is None or approval.expires_at > work.now or request.id in begun:
                continue
            if RequestEvent.EXPIRE in REQUEST[request.state]:
                expire(work, request)
                work.queue.cancel(WorkKind.DISPATCH, [request.id])


def void(work: Work, request: Request) -> None:
    """What is stored is not what was approved: it does not leave, and the record says so loudly."""
    log.error("request.not_as_approved reference=%s", request.reference)
    work.requests.close_approvals([request.id])
    work.requests.step([(request, step(REQUEST, request.state, RequestEvent.EXPIRE))])
    work.ledger.append(
        "request:approval:void", f"request:{request.id}", {"reason": "other bytes than the approved ones"}
    )


def expire(work: Work, request: Request) -> None:
    """End an approval; the request waits for another one."""
    work.requests.close_approvals([request.id])
    work.requests.step([(request, step(REQUEST, request.state, RequestEvent.EXPIRE))])
    work.ledger.append("request:approval:expired", f"request:{request.id}", {})
