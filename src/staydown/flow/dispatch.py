"""dispatch: approved requests leave, once, with a receipt.

The order of steps is the point. (1) What will leave is settled: approval valid, bytes as approved, each item
looked at within the hour, nothing on hold. (2) The intent is committed, with its ledger entry. (3) Where an
earlier intent exists, the receiver is asked instead; if it knows nothing, everything begins again at (1). Where it
cannot be asked, the repeat is marked and keeps its Message-ID. (4) It is sent. (5) The receipt is committed with the clocks it starts. A process may die
between any two of these; whoever takes the lease over goes on at (3).
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from time import monotonic, time

from staydown.core.check import MarkKind, Sight
from staydown.core.errors import OnHold
from staydown.core.ids import DispatchId, ItemId, RequestId
from staydown.core.request import Approval, Dispatch, DispatchState, Line, Parcel, Receipt, Request
from staydown.core.states import REQUEST, ItemEvent, RequestEvent, RequestState, step
from staydown.core.text import clean
from staydown.flow import approve, clocks, verify
from staydown.flow.approve import digest_of
from staydown.ports import Ask, Known, Knows, Reply
from staydown.ports.tools import Point, Tools
from staydown.ports.work import LineState, Task, Work, WorkKind

FIRST_ANSWER = timedelta(minutes=50)
"""When a provider is first asked for its answer, after receipt: before the hour of the `act` clock is over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Outgoing:
    task: Task
    request: Request
    parcel: Parcel
    dispatch: DispatchId | None  #: None where only a question about an earlier attempt is carried
    earlier: tuple[Dispatch, ...]  #: intents whose outcome nobody knows


def run(tools: Tools, tasks: Sequence[Task]) -> None:
    """Let due requests leave."""
    _look_again(tools, tasks)
    tools.reached(Point.BEFORE_INTENT)
    held = _clocks()
    outgoing = _intend(tools, tasks)
    if not outgoing:
        return
    tools.reached(Point.AFTER_INTENT)
    known, receipts = _carry(tools, outgoing, held)
    tools.reached(Point.AFTER_SEND)
    _settle(tools, outgoing, known, receipts)
    tools.reached(Point.AFTER_RECEIPT)


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
        old = sorted(set(items))
        brief = work.items.brief(old)
    if not old:
        return
    replies = tools.fetch.many([Ask(address=brief[item][1]) for item in old])
    looks = [verify.looked(tools, i, brief[i][0], reply) for i, reply in zip(old, replies, strict=True)]
    with tools.begin() as work:
        work.requests.get(waiting, lock=True)
        work.queue.confirm(tasks, lease=tools.settings.lease)
        changed = _changed(tools, work, dict(zip(old, replies, strict=True)), {i: brief[i][0] for i in old})
        verify.note(work, looks, apart=tools.settings.apart, place=tools.settings.place)
        gone = {one.item for one in looks if one.look.sight is Sight.OFFLINE}
        locked = [r for r in work.requests.get(waiting, lock=True) if r.state is RequestState.APPROVED]
        lines = work.requests.lines(waiting)
        for request in locked:
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
    """Settle what will leave and commit it; where an earlier intent can be asked about, only that is planned."""
    by_request = {RequestId(task.subject): task for task in tasks}
    ids = list(by_request)
    with tools.begin() as work:
        locked = work.requests.get(ids, lock=True)
        work.queue.confirm(tasks, lease=tools.settings.lease)
        approvals, lines = work.requests.approvals(ids), work.requests.lines(ids)
        doubted = _doubt(tools, work, locked, approvals, lines)
        attempts = unsettled(work, ids)
        questions: list[tuple[Request, list[Line]]] = []
        ready: list[tuple[Request, Approval, list[Line]]] = []
        for request in locked:
            approval, earlier = approvals.get(request.id), attempts.get(request.id, [])
            if request.state is not RequestState.APPROVED or approval is None:
                continue
            if earlier and tools.couriers[request.courier].can_be_asked:
                questions.append((request, [one.line for one in lines[request.id] if not one.dropped]))
                continue
            begun = request.id not in doubted and any(one.approval == approval.id for one in earlier)
            present = _ready(work, request, approval, lines[request.id], begun)
            if present is not None:
                ready.append((request, approval, present))
        parcels = {
            request.id: _parcel(tools, work, request, present, attempts.get(request.id, []))
            for request, present in [*questions, *((request, present) for request, _, present in ready)]
        }
        work.queue.done([task for request, task in by_request.items() if request not in parcels])
        made = _write_intents(work, ready, parcels)
        return [
            _Outgoing(
                task=by_request[request.id],
                request=request,
                parcel=parcels[request.id],
                dispatch=made[request.id].id if request.id in made else None,
                earlier=tuple(attempts.get(request.id, ())),
            )
            for request in [*(one for one, _ in questions), *(one for one, *_ in ready)]
        ]


def _doubt(
    tools: Tools,
    work: Work,
    locked: Sequence[Request],
    approvals: Mapping[RequestId, Approval],
    lines: Mapping[RequestId, list[LineState]],
) -> Collection[RequestId]:
    """After a restore, take requests that the backup knew as if they had been tried: the record may have forgotten it.

    So their receiver is asked first, and a mail says that it may be a repeat. Gives which these are.
    """
    old = [
        one
        for one in locked
        if one.id <= work.restored.upto and one.id in approvals and one.state is RequestState.APPROVED
    ]
    if not old:
        return ()
    tried = work.requests.attempts([one.id for one in old])
    ready = [
        (one, approvals[one.id], [line.line for line in lines[one.id] if not line.dropped])
        for one in old
        if not tried.get(one.id)
    ]
    parcels = {one.id: _parcel(tools, work, one, present, []) for one, _, present in ready}
    return _write_intents(work, ready, parcels)


def _write_intents(
    work: Work, ready: Sequence[tuple[Request, Approval, list[Line]]], parcels: Mapping[RequestId, Parcel]
) -> dict[RequestId, Dispatch]:
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
    return made


def _ready(
    work: Work, request: Request, approval: Approval, lines: Sequence[LineState], begun: bool
) -> list[Line] | None:
    """The lines that will leave; None where the request must not."""
    if approval.digest != digest_of(request, lines):
        approve.void(work, request)
        return None
    if begun:  # it may have left: what was intended then is carried through
        return [one.line for one in lines if not one.dropped]
    if approval.expires_at < work.now:
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
    tools: Tools, work: Work, request: Request, lines: Sequence[Line], earlier: Sequence[Dispatch]
) -> Parcel:
    domain = work.origin.split("/", 1)[0]
    message_id = earlier[0].message_id if earlier else f"<{request.reference}@{domain}>"
    return Parcel(
        reference=request.reference,
        contact_point=request.contact_point,
        sender=request.agency,
        addressee=request.addressee,
        subject=request.subject,
        text=request.cover,
        lines=tuple(lines),
        message_id=message_id,
        repeat=bool(earlier) and not tools.couriers[request.courier].can_be_asked,
        exercise=work.exercise,
    )


def _digest(parcel: Parcel) -> str:
    lines = "".join(f"{line.number}\t{line.address}\n" for line in parcel.lines)
    return hashlib.sha256((parcel.text + "\n" + lines).encode()).hexdigest()


# --- 3 and 4: ask, or send ----------------------------------------------------------------------------


def _clocks() -> tuple[float, float]:
    """Two clocks: one that nobody sets, and one that goes on while the machine sleeps."""
    return monotonic(), time()


def _still_held(
    tools: Tools, outgoing: Sequence[_Outgoing], held: tuple[float, float]
) -> tuple[float, float]:
    """Make sure, just before something is sent, that the leases are still ours.

    A process that stood still may wake when another worker has taken its rows over and asked the receiver; it must
    not send then. Within half a lease of the last word nobody can have taken them.

    Raises:
        Stale: Another worker took over.
    """
    lease = tools.settings.lease
    while max(now - then for now, then in zip(_clocks(), held, strict=True)) > lease.total_seconds() / 2:
        held = _clocks()
        with tools.begin() as work:
            work.queue.confirm([one.task for one in outgoing], lease=lease)
    return held


def _carry(
    tools: Tools, outgoing: Sequence[_Outgoing], held: tuple[float, float]
) -> tuple[dict[RequestId, Known], dict[RequestId, Receipt]]:
    """Ask receivers about earlier intents; send what has none, or what cannot be asked about.

    Raises:
        Stale: Another worker took over meanwhile; nothing more was sent.
    """
    known: dict[RequestId, Known] = {}
    receipts: dict[RequestId, Receipt] = {}
    for name in sorted({one.request.courier for one in outgoing}):
        courier = tools.couriers[name]
        mine = [one for one in outgoing if one.request.courier == name]
        unsure = [one for one in mine if one.dispatch is None]
        for one, word in zip(unsure, courier.ask([one.parcel for one in unsure]), strict=True):
            known[one.request.id] = word
        send = [one for one in mine if one.dispatch is not None]
        if send:
            held = _still_held(tools, outgoing, held)
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
    """Write how everything ended. What was withdrawn meanwhile keeps its state; only the attempt is settled."""
    with tools.begin() as work:
        current = {one.id: one for one in work.requests.get([o.request.id for o in outgoing], lock=True)}
        ends = [
            (
                replace(one, request=current[one.request.id]),
                _ended(known.get(one.request.id), receipts.get(one.request.id)),
            )
            for one in outgoing
        ]
        work.requests.settle([row for one, receipt in ends for row in _settled(one, receipt)])
        arrived = [(one, r) for one, r in ends if r.state in {DispatchState.SENT, DispatchState.RECEIVED}]
        for one, receipt in arrived:
            detail = {"detail": clean(receipt.detail)[:500], "repeat": one.parcel.repeat}
            work.ledger.append("request:dispatch:sent", f"request:{one.request.id}", detail)
        waiting = [(one, r) for one, r in ends if one.request.state is RequestState.APPROVED]
        left = [(one, r) for one, r in waiting if (one, r) in arrived]
        _left(work, left, place=tools.settings.place, apart=tools.settings.apart)
        unknown = [one for one, r in waiting if r.state is DispatchState.FAILED and one.dispatch is None]
        bounced = [
            (one, r)
            for one, r in waiting
            if r.state is DispatchState.FAILED and one.dispatch is not None and not r.temporary
        ]
        for one, receipt in bounced:
            _bounce(work, one.request, receipt)
        over = {one.task.id for one, _ in [*left, *bounced]}
        over |= {one.task.id for one, _ in ends if one.request.state is not RequestState.APPROVED}
        work.queue.done(work.queue.held([one.task for one, _ in ends if one.task.id in over]))
        work.queue.postpone([one.task for one in unknown], due_at=work.now, trouble="to be sent again")
        for one, receipt in waiting:
            if one.task.id not in over and one not in unknown:
                wait = timedelta(minutes=min(2 ** min(one.task.attempts, 6), 60))
                work.queue.postpone([one.task], due_at=work.now + wait, trouble=clean(receipt.detail))
        tools.reached(Point.BEFORE_RECEIPT)


def _ended(word: Known | None, receipt: Receipt | None) -> Receipt:
    """How an attempt ended; for a question, `failed` says that the receiver knows nothing of it."""
    if receipt is not None:
        return receipt
    if word is None:
        return Receipt(state=DispatchState.INTENDED, detail="not carried")
    if word.knows is Knows.YES:
        state = DispatchState.RECEIVED if word.received_at else DispatchState.SENT
        return Receipt(state=state, at=word.received_at, detail="the receiver has it from an earlier attempt")
    if word.knows is Knows.NO:
        return Receipt(state=DispatchState.FAILED, detail="the receiver does not know it")
    return Receipt(state=DispatchState.INTENDED, detail=word.detail)


def _settled(one: _Outgoing, receipt: Receipt) -> list[tuple[DispatchId, DispatchState, str]]:
    detail = clean(receipt.detail)
    if one.dispatch is not None:
        return [(one.dispatch, receipt.state, detail)]
    if receipt.state is DispatchState.INTENDED:
        return []
    return [(dispatch.id, receipt.state, detail) for dispatch in one.earlier]


def _left(work: Work, left: Sequence[tuple[_Outgoing, Receipt]], *, place: str, apart: timedelta) -> None:
    """What has left: states, clocks from the instant of receipt, and the looks and questions that follow."""
    work.requests.step(
        [(one.request, step(REQUEST, one.request.state, RequestEvent.DISPATCH)) for one, _ in left]
    )
    received = [
        (
            replace(one.request, state=RequestState.DISPATCHED, version=one.request.version + 1),
            believable(
                receipt.at, not_before=min([work.now, *(e.intent_at for e in one.earlier)]), now=work.now
            ),
        )
        for one, receipt in left
        if receipt.state is DispatchState.RECEIVED
    ]
    receive(work, received, place=place)
    items: list[ItemId] = sorted(line.item for one, _ in left for line in one.parcel.lines)
    work.items.step(items, ItemEvent.REFER)
    verify.schedule(work, items, apart=apart)


def believable(claimed: datetime | None, *, not_before: datetime, now: datetime) -> datetime:
    """The instant somebody outside claims, kept between our own sending and the present."""
    return now if claimed is None else min(max(claimed, not_before), now)


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
