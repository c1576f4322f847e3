"""dispatch: approved requests leave, once, with a receipt.

The order of steps is the point. (1) What will leave is settled: approval valid, bytes as approved, each item
looked at within the hour, nothing on hold. (2) The intent is committed, with its ledger entry. (3) Where an
earlier intent exists, the receiver is asked first; where it cannot be asked, the repeat is marked and keeps
its Message-ID. (4) It is sent. (5) The receipt is committed with the clocks it starts. A process may die
between any two of these; whoever takes the lease over goes on at (3).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from staydown.core.check import MarkKind, Sight
from staydown.core.errors import OnHold
from staydown.core.ids import DispatchId, ItemId, RequestId
from staydown.core.request import Approval, Dispatch, DispatchState, Line, Parcel, Receipt, Request
from staydown.core.states import REQUEST, ItemEvent, RequestEvent, RequestState, step
from staydown.flow import approve, clocks, verify
from staydown.flow.approve import digest_of
from staydown.law.periods import LOOK_AGAIN
from staydown.ports import Ask, Known, Knows, Reply
from staydown.ports.tools import Tools
from staydown.ports.work import LineState, Task, Work, WorkKind

FIRST_ANSWER = timedelta(minutes=50)
"""When a provider is first asked for its answer, after receipt: before the hour of the `act` clock is over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Outgoing:
    task: Task
    request: Request
    parcel: Parcel
    dispatch: DispatchId
    earlier: tuple[Dispatch, ...]  #: intents whose outcome nobody knows


def run(tools: Tools, tasks: Sequence[Task]) -> None:
    """Let due requests leave."""
    _look_again(tools, tasks)
    outgoing = _intend(tools, tasks)
    if not outgoing:
        return
    known, receipts = _carry(tools, outgoing)
    _settle(tools, outgoing, known, receipts)


# --- 1: look again ------------------------------------------------------------------------------------


def _look_again(tools: Tools, tasks: Sequence[Task]) -> None:
    """Look at each item that nobody has looked at within the hour; what is gone drops out, uncredited."""
    ids = [RequestId(task.subject) for task in tasks]
    with tools.begin(write=False) as work:
        waiting = _not_begun(work, ids)
        items = [
            one.line.item
            for lines in work.requests.lines(waiting).values()
            for one in lines
            if not one.dropped
        ]
        presence = work.items.presence(items)
        old = [i for i in items if presence[i][2] is None or work.now - presence[i][2] > LOOK_AGAIN.length]  # type: ignore[operator]
        brief = work.items.brief(old)
    if not old:
        return
    replies = tools.fetch.many([Ask(address=brief[item][1]) for item in old])
    looks = [verify.looked(tools, i, brief[i][0], reply) for i, reply in zip(old, replies, strict=True)]
    with tools.begin() as work:
        work.queue.confirm(tasks, lease=tools.settings.lease)
        changed = _changed(tools, work, dict(zip(old, replies, strict=True)), {i: brief[i][0] for i in old})
        verify.note(work, looks, apart=tools.settings.apart, place=tools.settings.place)
        gone = {one.item for one in looks if one.look.sight is Sight.OFFLINE}
        lines = work.requests.lines(waiting)
        for request in work.requests.get(waiting, lock=True):
            mine = [one.line.item for one in lines[request.id] if not one.dropped and one.line.item in gone]
            approve.drop(work, request, mine, reason="gone")
            other = [
                one.line.item
                for one in lines[request.id]
                if not one.dropped and one.line.item in changed - gone
            ]
            approve.drop(work, request, other, reason="changed")
        work.items.step(sorted(changed - gone), ItemEvent.DOUBT)


def _changed(
    tools: Tools, work: Work, replies: Mapping[ItemId, Reply], providers: Mapping[ItemId, str]
) -> set[ItemId]:
    """Items that show another handle or number than when they were kept: perhaps somebody else's by now."""
    telling = {MarkKind.HANDLE, MarkKind.STABLE_ID}
    kept = work.kept.marks(list(replies))
    changed = set()
    for item, reply in replies.items():
        fresh = tools.probe.marks(tools.catalogue.room(providers[item]), reply)
        for kind in telling:
            was = {
                m.value.lower() for m in kept.get(item, []) if m.kind is kind and not m.value.startswith("~")
            }
            now = {m.value.lower() for m in fresh if m.kind is kind}
            if was and now and not was & now:
                changed.add(item)
    return changed


def _not_begun(work: Work, ids: Sequence[RequestId]) -> list[RequestId]:
    attempts = unsettled(work, ids)
    return [
        one.id
        for one in work.requests.get(ids)
        if one.state is RequestState.APPROVED and not attempts.get(one.id)
    ]


def unsettled(work: Work, ids: Sequence[RequestId]) -> dict[RequestId, list[Dispatch]]:
    """Attempts of which nobody knows whether they arrived, by request."""
    found = {
        request: [one for one in attempts if one.state is DispatchState.INTENDED]
        for request, attempts in work.requests.attempts(ids).items()
    }
    return {request: attempts for request, attempts in found.items() if attempts}


# --- 2: commit the intent -----------------------------------------------------------------------------


def _intend(tools: Tools, tasks: Sequence[Task]) -> list[_Outgoing]:
    by_request = {RequestId(task.subject): task for task in tasks}
    ids = list(by_request)
    with tools.begin() as work:
        work.queue.confirm(tasks, lease=tools.settings.lease)
        attempts, approvals = unsettled(work, ids), work.requests.approvals(ids)
        lines, subjects = work.requests.lines(ids), work.requests.subject(ids)
        ready: list[tuple[Request, Approval, list[Line]]] = []
        for request in work.requests.get(ids, lock=True):
            present = _ready(
                work, request, approvals.get(request.id), lines[request.id], bool(attempts.get(request.id))
            )
            if present is not None:
                ready.append((request, approvals[request.id], present))
        leaving = {request.id for request, _, _ in ready}
        work.queue.done([task for request, task in by_request.items() if request not in leaving])
        parcels = {
            r.id: _parcel(tools, work, r, subjects[r.id], p, attempts.get(r.id, [])) for r, _, p in ready
        }
        made = work.requests.intend(
            [(a, parcels[r.id].message_id, _digest(parcels[r.id]), parcels[r.id].repeat) for r, a, _ in ready]
        )
        for request, approval, _ in ready:
            detail = {
                "approval": approval.id,
                "attempt": made[request.id].attempt,
                "text_sha256": _digest(parcels[request.id]),
            }
            work.ledger.append("request:dispatch:intended", f"request:{request.id}", detail)
        return [
            _Outgoing(
                task=by_request[request.id],
                request=request,
                parcel=parcels[request.id],
                dispatch=made[request.id].id,
                earlier=tuple(attempts.get(request.id, ())),
            )
            for request, _, _ in ready
        ]


def _ready(
    work: Work,
    request: Request,
    approval: Approval | None,
    lines: Sequence[LineState],
    begun: bool,
) -> list[Line] | None:
    """The lines that will leave; None where the request must not."""
    if request.state is not RequestState.APPROVED or approval is None:
        return None
    if approval.digest != digest_of(request, lines):
        approve.void(work, request)
        return None
    if begun:  # it may have left: what was intended then is carried through
        return [one.line for one in lines if not one.dropped]
    if approval.expires_at <= work.now:
        approve.expire(work, request)
        return None
    try:
        present = approve.drop_held(work, request, lines)
    except OnHold:
        approve.drop(work, request, [one.line.item for one in lines if not one.dropped], reason="wait")
        present = []
    if not present:
        work.requests.close_approvals([request.id])
        work.requests.step([(request, step(REQUEST, request.state, RequestEvent.WITHDRAW))])
        work.ledger.append("request:dispatch:dropped", f"request:{request.id}", {"reason": "no line is left"})
        return None
    return present


def _parcel(
    tools: Tools,
    work: Work,
    request: Request,
    subject: str,
    lines: Sequence[Line],
    earlier: Sequence[Dispatch],
) -> Parcel:
    domain = work.origin.split("/", 1)[0]
    message_id = earlier[0].message_id if earlier else f"<{request.reference}@{domain}>"
    courier = tools.couriers[request.courier]
    return Parcel(
        reference=request.reference,
        contact_point=request.contact_point,
        sender=request.agency,
        addressee=request.addressee,
        subject=subject,
        text=request.cover,
        lines=tuple(lines),
        message_id=message_id,
        repeat=bool(earlier) and not courier.can_be_asked,
        exercise=work.exercise,
    )


def _digest(parcel: Parcel) -> str:
    lines = "".join(f"{line.number}\t{line.address}\n" for line in parcel.lines)
    return hashlib.sha256((parcel.text + "\n" + lines).encode()).hexdigest()


# --- 3 and 4: ask, then send --------------------------------------------------------------------------


def _carry(
    tools: Tools, outgoing: Sequence[_Outgoing]
) -> tuple[dict[RequestId, Known], dict[RequestId, Receipt]]:
    """Ask receivers about earlier intents, then send what they do not have."""
    known: dict[RequestId, Known] = {}
    receipts: dict[RequestId, Receipt] = {}
    for name in sorted({one.request.courier for one in outgoing}):
        courier = tools.couriers[name]
        mine = [one for one in outgoing if one.request.courier == name]
        unsure = [one for one in mine if one.earlier and courier.can_be_asked]
        for one, word in zip(unsure, courier.ask([one.parcel for one in unsure]), strict=True):
            known[one.request.id] = word
        send = [one for one in mine if one not in unsure or known[one.request.id].knows is Knows.NO]
        for one, receipt in zip(send, courier.send([one.parcel for one in send]), strict=True):
            receipts[one.request.id] = receipt
    return known, receipts


# --- 5: commit the receipt ----------------------------------------------------------------------------


def _settle(
    tools: Tools,
    outgoing: Sequence[_Outgoing],
    known: Mapping[RequestId, Known],
    receipts: Mapping[RequestId, Receipt],
) -> None:
    with tools.begin() as work:
        ends = [
            (one, _ended(one, known.get(one.request.id), receipts.get(one.request.id))) for one in outgoing
        ]
        work.requests.settle(
            [(one.dispatch, receipt.state, receipt.detail) for one, receipt in ends]
            + [
                (dispatch.id, DispatchState.FAILED, "the receiver does not know it")
                for one, _ in ends
                for dispatch in one.earlier
                if dispatch.state is DispatchState.INTENDED
                and one.request.id in known
                and known[one.request.id].knows is Knows.NO
            ]
        )
        left = [(one, r) for one, r in ends if r.state in {DispatchState.SENT, DispatchState.RECEIVED}]
        _left(work, left, place=tools.settings.place, apart=tools.settings.apart)
        bounced = [(one, r) for one, r in ends if r.state is DispatchState.FAILED and not r.temporary]
        for one, receipt in bounced:
            _bounce(work, one.request, receipt)
        work.queue.done([one.task for one, _ in [*left, *bounced]])
        for one, receipt in ends:
            if receipt.state is DispatchState.INTENDED or receipt.temporary:
                wait = timedelta(minutes=min(2 ** min(one.task.attempts, 6), 60))
                work.queue.postpone([one.task], due_at=work.now + wait, trouble=receipt.detail)


def _ended(one: _Outgoing, word: Known | None, receipt: Receipt | None) -> Receipt:
    if receipt is not None:
        return receipt
    if word is not None and word.knows is Knows.YES:
        arrived = DispatchState.RECEIVED if word.received_at else DispatchState.SENT
        return Receipt(
            state=arrived, at=word.received_at, detail="the receiver has it from an earlier attempt"
        )
    return Receipt(state=DispatchState.INTENDED, detail=word.detail if word else "not carried")


def _left(work: Work, left: Sequence[tuple[_Outgoing, Receipt]], *, place: str, apart: timedelta) -> None:
    """What has left: states, clocks from the instant of receipt, and the looks and questions that follow."""
    sent = [(one.request, step(REQUEST, one.request.state, RequestEvent.DISPATCH)) for one, _ in left]
    work.requests.step(sent)
    received = [
        (replace(one.request, state=RequestState.DISPATCHED, version=one.request.version + 1), receipt)
        for one, receipt in left
        if receipt.state is DispatchState.RECEIVED
    ]
    receive(work, [(request, receipt.at or work.now) for request, receipt in received], place=place)
    for one, receipt in left:
        detail = {"detail": receipt.detail, "repeat": one.parcel.repeat}
        work.ledger.append("request:dispatch:sent", f"request:{one.request.id}", detail)
    items: list[ItemId] = sorted(line.item for one, _ in left for line in one.parcel.lines)
    work.items.step(items, ItemEvent.REFER)
    verify.schedule(work, items, apart=apart)


def receive(work: Work, received: Sequence[tuple[Request, datetime]], *, place: str) -> None:
    """Arrival is proved: clocks start from it, and the provider will be asked for its answer."""
    for instant in sorted({at for _, at in received}):
        part = [request for request, at in received if at == instant]
        work.requests.step(
            [(request, step(REQUEST, request.state, RequestEvent.RECEIVE)) for request in part],
            received_at=instant,
        )
        clocks.start(work, part, at=instant, place=place)
        work.queue.add(
            WorkKind.ASK, [request.id for request in part], due_at=work.now + FIRST_ANSWER, priority=6
        )


def _bounce(work: Work, request: Request, receipt: Receipt) -> None:
    """It could not be delivered: back to approval, for another contact point or courier."""
    left = step(REQUEST, request.state, RequestEvent.DISPATCH)
    back = step(REQUEST, left, RequestEvent.BOUNCE)
    work.requests.close_approvals([request.id])
    work.requests.step([(request, back)])
    work.ledger.append("request:dispatch:bounced", f"request:{request.id}", {"detail": receipt.detail})
