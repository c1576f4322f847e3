"""approve: the second person's consent to exactly the bytes that will leave."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta

from staydown.core.errors import Invalid, OnHold, Refused, SameEyes, Stale
from staydown.core.house import Matter
from staydown.core.ids import ApprovalId, ItemId, RequestId
from staydown.core.people import Person
from staydown.core.request import Approval, DispatchState, Line, Request, approval_digest
from staydown.core.rights import Role, Verb
from staydown.core.states import REQUEST, ItemEvent, RequestEvent, step
from staydown.core.time import iso
from staydown.flow import duty, letters, sample, standing
from staydown.law.periods import APPROVAL
from staydown.ports.tools import Tools
from staydown.ports.work import Drop, LineState, Task, Work, WorkKind

log = logging.getLogger("staydown.flow")
SOON = APPROVAL.warn or timedelta(0)
"""How long before an approval of an order ends whoever is on duty is called."""


def digest_of(request: Request, lines: Sequence[LineState]) -> str:
    """What an approval of this request binds; dropped lines stay in it, so it does not change when they go."""
    return approval_digest(request, [one.line for one in lines])


def locked_lines(work: Work, ids: Collection[RequestId]) -> dict[RequestId, list[LineState]]:
    """The lines of locked requests, read again once their items are locked too.

    Whoever assesses, holds or looks at an item locks it first and may take its line out: what was read before that
    lock may be over. Requests, items, lines, rows of work: everybody locks in this order.
    """
    work.items.lock({one.line.item for own in work.requests.lines(ids).values() for one in own})
    return work.requests.lines(ids)


def approve(
    tools: Tools,
    work: Work,
    person: Person,
    ids: Sequence[RequestId],
    *,
    seen: str | None = None,
    looked: Collection[int] | None = None,
) -> list[ApprovalId]:
    """Give the second consent without which a request cannot leave; an order then waits for its signatory.

    In a referral, lines on hold drop out; the rest is approved. A request without a line left is refused. What is
    drawn on a form, and every order, is approved one by one, whole, and only on its footing.

    Args:
        tools: The forms and the providers' rooms.
        work: One open transaction.
        person: The approver.
        ids: Requests in `proposed`.
        seen: The digest the approver was shown, where one request is approved: what changed since is refused.
        looked: The numbers of the lines the approver looked at, where those are not all: a sample will do only in a
            referral, and only for lines whose media are byte for byte those of a line that was looked at.

    Raises:
        NotEntitled: The person may not approve for the agency that owns a request.
        SameEyes: The person proposed it, or has assessed one of its items.
        OnHold: Every line of a request has to wait.
        Stale: It is not what the person was shown.
        Refused: The law does not allow it, or its form is not complete; says which article.
        IllegalStep: A request is not in `proposed`.

    Source: four-eyes rule, docs/decisions/0006.
    """
    given: list[tuple[Request, str]] = []
    found = work.requests.get(ids, lock=True)
    if len(found) != len(set(ids)):
        raise Invalid("a request to approve does not exist")
    for request in found:
        person.require(Verb.APPROVE, within=request.agency)
        step(REQUEST, request.state, _event(request))
    if len(found) > 1 and any(request.papers_digest for request in found):
        raise Refused("what is drawn on a form is approved one by one", hint="Name one reference.")
    lines = locked_lines(work, ids)
    _other_eyes(work, person, found, lines)
    for request in found:
        if request.papers_digest:
            standing.require(tools, work, request, [one.line for one in lines[request.id]], stage="approve")
        if looked is not None:
            sample.require(work, request, [one for one in lines[request.id] if not one.dropped], looked)
    left = drop_held(work, found, lines)
    if empty := [request for request in found if not left[request.id]]:
        raise OnHold(f"every line of {empty[0].reference} has to wait")
    for request in found:
        digest = digest_of(request, lines[request.id])
        if seen is not None and seen != digest:
            raise Stale(
                f"{request.reference} is not what was shown", hint="Read it again: staydown request show."
            )
        given.append((request, digest))
    expires_at = work.now + APPROVAL.span
    numbers = work.requests.approve(given, by=person.id, expires_at=expires_at)
    work.requests.step([(request, step(REQUEST, request.state, _event(request))) for request, _ in given])
    work.queue.add_at(
        WorkKind.EXPIRE,
        {one.id: expires_at - SOON if one.binding else expires_at for one, _ in given},
    )
    for request, digest in given:
        detail = {
            "by": person.id,
            "courier": request.courier,
            "digest": digest,
            "proposed_by": request.proposed_by,
        }
        work.ledger.append("request:approval:given", f"request:{request.id}", detail)
    for request, _ in given:
        if request.papers_digest:  # one at most
            letters.approve_with(work, person, request)
    queue_for_dispatch(work, [request for request, _ in given if not request.binding])
    return numbers


def _event(request: Request) -> RequestEvent:
    """What the second person's consent does: an order waits for the third."""
    return RequestEvent.CONSENT if request.binding else RequestEvent.APPROVE


def _other_eyes(
    work: Work,
    person: Person,
    requests: Sequence[Request],
    lines: Mapping[RequestId, Sequence[LineState]],
) -> None:
    items = [one.line.item for own in lines.values() for one in own]
    for who in sorted(person.eyes(Role.APPROVER)):  # a role that is lent lends no other eyes
        assessed = work.assessments.assessed_by(items, who)
        proposed = work.requests.proposed_by(items, who)
        for request in requests:
            own = {one.line.item for one in lines[request.id]}
            if who == request.proposed_by:
                raise SameEyes(f"{who} proposed {request.reference}")
            if own & assessed:
                raise SameEyes(f"{who} has assessed an item of {request.reference}")
            if own & proposed:
                raise SameEyes(f"{who} has proposed an item of {request.reference} before")


def drop_held(
    work: Work, requests: Sequence[Request], lines: Mapping[RequestId, Sequence[LineState]]
) -> dict[RequestId, list[Line]]:
    """Take lines out that have to wait; gives those that are left, by request. One with none left keeps all.

    What is drawn on a form is void whole: with one line that has to wait, none is left.
    """
    present = {request.id: [one.line for one in lines[request.id] if not one.dropped] for request in requests}
    items = sorted({line.item for own in present.values() for line in own})
    work.items.lock(items)
    held = work.holds.on(items)
    whole = {one.id for one in requests if one.papers_digest}
    left = {request: [line for line in own if line.item not in held] for request, own in present.items()}
    left = {r: [] if r in whole and len(own) < len(present[r]) else own for r, own in left.items()}
    drop(
        work,
        {
            request: [line.item for line in own if line.item in held]
            for request, own in present.items()
            if left[request]
        },
        reason="wait",
    )
    return left


def drop(work: Work, items: Mapping[RequestId, Sequence[ItemId]], *, reason: str) -> None:
    """Take lines out of requests that have not left."""
    dropped = [
        Drop(request=request, item=item, reason=reason) for request, own in items.items() for item in own
    ]
    if not dropped:
        return
    work.requests.drop(dropped)
    elsewhere = work.requests.unsent_items([one.item for one in dropped])
    work.items.step([one.item for one in dropped if one.item not in elsewhere], ItemEvent.DROP)
    for request, own in items.items():
        if own:
            detail = {"items": list(own), "reason": reason}
            work.ledger.append("request:lines:dropped", f"request:{request}", detail)


def queue_for_dispatch(work: Work, approved: Sequence[Request]) -> None:
    """Ask for dispatch: at once, at hour H where an operation has one, and never before the instant of issuing."""
    names = {request.operation for request in approved if request.operation is not None}
    operations = {name: work.operations.get(name) for name in sorted(names)}
    due: dict[RequestId, datetime] = {}
    for request in approved:
        instant: datetime | None = work.now
        if request.operation is not None:
            operation = operations[request.operation]
            instant = operation.hour_h if operation.released_at is None else work.now
        if instant is not None:
            due[request.id] = max(instant, work.now, request.issued_at or work.now)
    work.queue.add_at(WorkKind.DISPATCH, due, priority=1)


def send_back(work: Work, person: Person, request_id: RequestId, *, reason: str) -> None:
    """Give a request back that has not been approved, or an order that has not been signed: its lines are free.

    Raises:
        NotEntitled: The person may not approve for the agency that owns it.
        IllegalStep: It is not in `proposed`.
    """
    request = work.requests.one(request_id, lock=True)
    person.require(Verb.SEND_BACK, within=request.agency)
    back = step(REQUEST, request.state, RequestEvent.SEND_BACK)
    lines = [one.line.item for one in locked_lines(work, [request_id])[request_id] if not one.dropped]
    drop(work, {request_id: lines}, reason=f"sent back: {reason}")
    work.requests.close_approvals([request_id])
    standing.revoke(work, [request], by=person.id, reason=reason)
    letters.drop_of(work, [request_id])
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
        over: list[Request] = []
        for request in locked:
            approval = approvals.get(request.id)
            if approval is None or request.id in begun or RequestEvent.EXPIRE not in REQUEST[request.state]:
                continue
            if approval.expires_at > work.now:
                work.queue.add(WorkKind.EXPIRE, [request.id], due_at=approval.expires_at)
                if request.binding:
                    _warn(work, request, approval)
            else:
                over.append(request)
        expire(work, over)
        work.queue.cancel(WorkKind.DISPATCH, [request.id for request in over])


def _warn(work: Work, request: Request, approval: Approval) -> None:
    """A consent to an order ends soon and it has not left: whoever is on duty has to know."""
    text = f"{request.reference}: its approval ends at {iso(approval.expires_at)}, and it has not left"
    duty.alarm(work, request.agency, Matter.ALARM, f"approval:{approval.id}", text)


def void(work: Work, request: Request) -> None:
    """What is stored is not what was approved: it does not leave, and the record says so loudly."""
    log.error("request.not_as_approved reference=%s", request.reference)
    work.requests.close_approvals([request.id])
    work.requests.step([(request, step(REQUEST, request.state, RequestEvent.EXPIRE))])
    work.ledger.append(
        "request:approval:void", f"request:{request.id}", {"reason": "other bytes than the approved ones"}
    )


def expire(work: Work, requests: Sequence[Request]) -> None:
    """End approvals; the requests wait for other ones."""
    if not requests:
        return
    work.requests.close_approvals([request.id for request in requests])
    work.requests.step([(request, step(REQUEST, request.state, RequestEvent.EXPIRE)) for request in requests])
    for request in requests:
        work.ledger.append("request:approval:expired", f"request:{request.id}", {})
