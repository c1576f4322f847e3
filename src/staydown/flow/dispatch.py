"""dispatch: approved requests leave, once, with a receipt.

The order of steps is the point. (1) What will leave is settled: approval valid, bytes as approved, each item
looked at within the hour, nothing on hold. (2) The intent is committed, with its ledger entry. (3) Where an
earlier intent exists, the receiver is asked instead; if it knows nothing, everything begins again at (1). Where it
cannot be asked, the repeat is marked and keeps its Message-ID. (4) It is sent. (5) The receipt is committed with the clocks it starts. A process may die
between any two of these; whoever takes the lease over goes on at (3).
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

from staydown.core.check import Mark, MarkKind, Sight
from staydown.core.errors import Refused, Stale
from staydown.core.house import Matter
from staydown.core.ids import DispatchId, ItemId, RequestId
from staydown.core.order import Paper, PaperName
from staydown.core.request import (
    Approval,
    Dispatch,
    DispatchState,
    Enclosure,
    Line,
    Parcel,
    Receipt,
    Request,
)
from staydown.core.states import REQUEST, ItemEvent, RequestEvent, RequestState, step
from staydown.core.text import clean
from staydown.flow import approve, clocks, count, desk, duty, letters, life, sign, standing, verify
from staydown.flow.approve import digest_of
from staydown.flow.carry import Held, Outgoing, carry, insist
from staydown.law.periods import FOLLOW_UP
from staydown.law.receipt import may_prove
from staydown.ports import Ask, Known, Knows, Reply
from staydown.ports.tools import Point, Tools
from staydown.ports.work import LineState, Task, Work, WorkKind

FIRST_ANSWER = timedelta(minutes=50)
"""When a provider is first asked for its answer, after receipt: before the hour of the `act` clock is over."""
BLIND_AT_ONCE = 8
"""How many requests are under way at a time whose receiver cannot be asked afterwards."""
TELLING = frozenset({MarkKind.HANDLE, MarkKind.STABLE_ID})
"""Marks that say whose a page is."""


def run(tools: Tools, tasks: Sequence[Task]) -> None:
    """Let due requests leave: all are looked at again together, then they leave a few at a time."""
    couriers = _look_again(tools, tasks)
    tasks = _sealed(tools, tasks)
    tools.reached(Point.BEFORE_INTENT)
    for part in _parts(tools, tasks, couriers):
        held = Held(tools, part)
        outgoing = _intend(tools, part)
        if not outgoing:
            continue
        tools.reached(Point.AFTER_INTENT)
        known, receipts = carry(tools, outgoing, held)
        tools.reached(Point.AFTER_SEND)
        insist(partial(_settle, tools, outgoing, known, receipts))
        tools.reached(Point.AFTER_RECEIPT)


def _sealed(tools: Tools, tasks: Sequence[Task]) -> list[Task]:
    """Seal the orders among them; those that cannot be sealed wait, and whoever is on duty is called."""
    waits = sign.seal(tools, [RequestId(task.subject) for task in tasks])
    if not waits:
        return list(tasks)
    with tools.begin() as work:
        requests = {one.id: one for one in work.requests.get(list(waits))}
        late = [task for task in tasks if RequestId(task.subject) in waits]
        for task in late:
            request, why = requests[RequestId(task.subject)], waits[RequestId(task.subject)]
            wait = timedelta(minutes=min(2 ** min(task.attempts, 6), 60))
            work.queue.postpone([task], due_at=work.now + wait, trouble=clean(why))
            subject = f"request:{request.id}:seal"
            text = f"{request.reference} is signed by its signatory and cannot be sealed: {clean(why)[:300]}"
            duty.alarm(work, request.agency, Matter.ALARM, subject, text)
    return [task for task in tasks if RequestId(task.subject) not in waits]


def _parts(tools: Tools, tasks: Sequence[Task], couriers: Mapping[RequestId, str]) -> Iterator[list[Task]]:
    """Few at a time where the receiver cannot be asked, so that few are in doubt if the process dies."""
    blind: list[Task] = []
    askable: list[Task] = []
    for task in tasks:
        name = couriers.get(RequestId(task.subject))
        (askable if name is None or tools.couriers[name].can_be_asked else blind).append(task)
    if askable:
        yield askable
    for at in range(0, len(blind), BLIND_AT_ONCE):
        yield blind[at : at + BLIND_AT_ONCE]


# --- 1: look again ------------------------------------------------------------------------------------


def _look_again(tools: Tools, tasks: Sequence[Task]) -> dict[RequestId, str]:
    """Look at each item; what is gone drops out, uncredited. Gives the courier of each request."""
    ids = [RequestId(task.subject) for task in tasks]
    with tools.begin(write=False) as work:
        found = work.requests.get(ids)
        waiting = _not_begun(work, found)
        items = sorted(
            {
                one.line.item
                for lines in work.requests.lines(waiting).values()
                for one in lines
                if not one.dropped
            }
        )
        brief = work.items.brief(items)
        kept, numbers = work.kept.marks(items), work.names.numbers(items)
    couriers = {one.id: one.courier for one in found}
    if not items:
        return couriers

    def read(at: int, reply: Reply) -> tuple[verify.Looked, bool]:
        item, provider = items[at], brief[items[at]][0]
        is_changed = _is_changed(tools, kept.get(item, ()), reply, provider)
        return verify.looked(tools, item, provider, reply, number=numbers.get(item)), is_changed

    seen = tools.fetch.read([Ask(address=brief[item][1]) for item in items], read)
    looks = [look for look, _ in seen]
    changed = {look.item for look, is_changed in seen if is_changed}
    changed |= {one.item for one in looks if one.has_passed}
    gone = {one.item for one in looks if one.look.sight is Sight.OFFLINE and not one.has_passed}
    with tools.begin() as work:
        work.requests.get(waiting, lock=True)
        work.queue.confirm(tasks, lease=tools.settings.lease)
        verify.note(work, looks, apart=tools.settings.apart, place=tools.settings.place)
        locked = [r for r in work.requests.get(waiting, lock=True) if r.state is RequestState.APPROVED]
        lines = work.requests.lines(waiting)
        present = {
            request.id: [one.line.item for one in lines[request.id] if not one.dropped] for request in locked
        }
        whole = [one for one in locked if one.papers_digest and set(present[one.id]) & (gone | changed)]
        _void(work, whole, lines, reason="an item is gone, or is not what it was")
        for one in whole:
            present.pop(one.id)
        for reason, out in (("gone", gone), ("changed", changed - gone)):
            approve.drop(
                work, {r: [item for item in own if item in out] for r, own in present.items()}, reason=reason
            )
        work.items.step(sorted(changed - gone), ItemEvent.DOUBT)
    return couriers


def _is_changed(tools: Tools, kept: Sequence[Mark], reply: Reply, provider: str) -> bool:
    """Whether an item shows another handle or number than when it was kept: perhaps somebody else's by now."""
    known = [m for m in kept if m.kind in TELLING and not m.value.startswith("~")]
    if not known:
        return False
    fresh = tools.probe.marks(tools.catalogue.room(provider), reply)
    for kind in TELLING:
        was = {m.value.lower() for m in known if m.kind is kind}
        now = {m.value.lower() for m in fresh if m.kind is kind}
        if was and now and not was & now:
            return True
    return False


def _not_begun(work: Work, requests: Sequence[Request]) -> list[RequestId]:
    attempts = unsettled(work, [one.id for one in requests])
    return [one.id for one in requests if one.state is RequestState.APPROVED and not attempts.get(one.id)]


def unsettled(work: Work, ids: Sequence[RequestId]) -> dict[RequestId, list[Dispatch]]:
    """Attempts of which nobody knows whether they arrived, by request."""
    found = {
        request: [one for one in attempts if one.state is DispatchState.INTENDED]
        for request, attempts in work.requests.attempts(ids).items()
    }
    return {request: attempts for request, attempts in found.items() if attempts}


# --- 2: commit the intent -----------------------------------------------------------------------------


def _intend(tools: Tools, tasks: Sequence[Task]) -> list[Outgoing]:
    """Settle what will leave and commit it; where an earlier intent can be asked about, only that is planned."""
    by_request = {RequestId(task.subject): task for task in tasks}
    ids = list(by_request)
    with tools.begin() as work:
        locked = work.requests.get(ids, lock=True)
        work.queue.confirm(tasks, lease=tools.settings.lease)
        approvals, lines = work.requests.approvals(ids), approve.locked_lines(work, ids)
        doubted = _doubt(tools, work, locked, approvals, lines)
        attempts = unsettled(work, ids)
        asked, free = _sort(tools, locked, approvals, attempts)
        questions = [(one, [ln.line for ln in lines[one.id] if not ln.dropped]) for one in asked]
        ready = _ready(tools, work, free, approvals, lines, attempts, doubted)
        leaving = [*questions, *((request, present) for request, _, present in ready)]
        papers = work.papers.of([one.id for one, _ in leaving if one.papers_digest])
        parcels = {
            request.id: _parcel(
                tools, work, request, present, attempts.get(request.id, []), papers.get(request.id, ())
            )
            for request, present in leaving
        }
        work.queue.done([task for request, task in by_request.items() if request not in parcels])
        made = _write_intents(work, ready, parcels)
        return [
            Outgoing(
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
    known = {
        request
        for request, attempts in tried.items()
        if any(one.id > work.restored.tries or one.state is DispatchState.INTENDED for one in attempts)
    }
    ready = [
        (one, approvals[one.id], [line.line for line in lines[one.id] if not line.dropped])
        for one in old
        if one.id not in known
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


def _sort(
    tools: Tools,
    requests: Sequence[Request],
    approvals: Mapping[RequestId, Approval],
    attempts: Mapping[RequestId, Sequence[Dispatch]],
) -> tuple[list[Request], list[Request]]:
    """Requests whose receiver has to be asked about an earlier attempt, and those that may leave."""
    due = [one for one in requests if one.state is RequestState.APPROVED and one.id in approvals]
    asked = [one for one in due if attempts.get(one.id) and tools.couriers[one.courier].can_be_asked]
    numbers = {one.id for one in asked}
    return asked, [one for one in due if one.id not in numbers]


def _ready(
    tools: Tools,
    work: Work,
    requests: Sequence[Request],
    approvals: Mapping[RequestId, Approval],
    lines: Mapping[RequestId, Sequence[LineState]],
    attempts: Mapping[RequestId, Sequence[Dispatch]],
    doubted: Collection[RequestId],
) -> list[tuple[Request, Approval, list[Line]]]:
    """The requests that will leave, with their lines; the others are settled here."""
    ready: list[tuple[Request, Approval, list[Line]]] = []
    fresh: list[Request] = []
    over: list[Request] = []
    for request in requests:
        approval = approvals[request.id]
        if approval.digest != digest_of(request, lines[request.id]):
            approve.void(work, request)
        elif request.id not in doubted and any(
            one.approval == approval.id for one in attempts.get(request.id, ())
        ):
            # it may have left: what was intended then is carried through
            ready.append((request, approval, [one.line for one in lines[request.id] if not one.dropped]))
        elif approval.expires_at <= work.now:
            over.append(request)
        elif request.papers_digest and not _stands(tools, work, request, approval, lines[request.id]):
            continue
        else:
            fresh.append(request)
    approve.expire(work, over)
    left = approve.drop_held(work, fresh, lines)
    _drop_whole(work, [request for request in fresh if not left[request.id]], lines)
    ready += [(request, approvals[request.id], left[request.id]) for request in fresh if left[request.id]]
    return ready


def _stands(
    tools: Tools, work: Work, request: Request, approval: Approval, lines: Sequence[LineState]
) -> bool:
    """Whether a form may leave now: signed where it binds, its papers the approved ones, nothing in its way."""
    present = [one.line for one in lines if not one.dropped]
    if work.holds.on([line.item for line in present]):
        return True  # it is dropped whole for the hold, of which nobody else may read
    try:
        papers = sign.require_papers(work, request)
        if request.binding and (approval.signature is None or not sign.is_sealed(tools, papers)):
            raise Stale(f"{request.reference} is not signed, or not over its own bytes")
        if request.binding:
            letters.require_beside(work, request, work.orders.get([request.id])[request.id])
        standing.require(tools, work, request, present, stage="send")
    except Stale:
        approve.void(work, request)
        return False
    except Refused as error:
        _void(work, [request], {request.id: lines}, reason=str(error))
        return False
    return True


def _drop_whole(
    work: Work, requests: Sequence[Request], lines: Mapping[RequestId, Sequence[LineState]]
) -> None:
    """Requests of which no line is left to ask for."""
    _void(work, requests, lines, reason="wait", why="no line is left")


def _void(
    work: Work,
    requests: Sequence[Request],
    lines: Mapping[RequestId, Sequence[LineState]],
    *,
    reason: str,
    why: str = "",
) -> None:
    """Requests that do not leave, with all their lines; orders among them are revoked."""
    if not requests:
        return
    ids = [request.id for request in requests]
    held = {number: [one.line.item for one in lines[number] if not one.dropped] for number in ids}
    approve.drop(work, held, reason=reason)
    work.requests.close_approvals(ids)
    work.requests.step([(one, step(REQUEST, one.state, RequestEvent.WITHDRAW)) for one in requests])
    standing.revoke(work, requests, by=None, reason=reason)
    letters.drop_of(work, ids)
    for number in ids:
        work.ledger.append("request:dispatch:dropped", f"request:{number}", {"reason": why or reason})


def _parcel(
    tools: Tools,
    work: Work,
    request: Request,
    lines: Sequence[Line],
    earlier: Sequence[Dispatch],
    papers: Sequence[Paper] = (),
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
        form=request.instrument if request.papers_digest else "",
        enclosures=enclosures(request.reference, papers),
    )


def enclosures(reference: str, papers: Sequence[Paper]) -> tuple[Enclosure, ...]:
    """The files that travel with a form: its PDF, signed where it is, and its JSON."""
    own = {one.name: one for one in papers}
    named = ((own.get(PaperName.SIGNED) or own.get(PaperName.PDF), "pdf"), (own.get(PaperName.JSON), "json"))
    return tuple(
        Enclosure(name=f"{reference}.{ending}", media_type=one.media_type, body=one.body)
        for one, ending in named
        if one is not None
    )


def _digest(parcel: Parcel) -> str:
    lines = "".join(f"{line.number}\t{line.address}\n" for line in parcel.lines)
    files = "".join(f"{one.name} {hashlib.sha256(one.body).hexdigest()}\n" for one in parcel.enclosures)
    return hashlib.sha256((parcel.text + "\n" + lines + files).encode()).hexdigest()


# --- 5: commit the receipt (3 and 4, asking and sending, are in carry.py) ----------------------------------------------------------------------------


def _settle(
    tools: Tools,
    outgoing: Sequence[Outgoing],
    known: Mapping[RequestId, Known],
    receipts: Mapping[RequestId, Receipt],
) -> None:
    """Write how everything ended. What was withdrawn meanwhile keeps its state; only the attempt is settled."""
    with tools.begin() as work:
        current = {one.id: one for one in work.requests.get([o.request.id for o in outgoing], lock=True)}
        work.items.lock({line.item for one in outgoing for line in one.parcel.lines})
        open_still = unsettled(work, list(current))
        ends = [
            (
                replace(one, request=current[one.request.id]),
                _ended(known.get(one.request.id), receipts.get(one.request.id)),
            )
            for one in outgoing
            if one.request.id in open_still  # else all this is written already, by us or by who took over
        ]
        work.requests.settle([row for one, receipt in ends for row in _settled(one, receipt)])
        arrived = [(one, r) for one, r in ends if r.state in {DispatchState.SENT, DispatchState.RECEIVED}]
        for one, receipt in arrived:
            detail = {"detail": clean(receipt.detail)[:500], "repeat": one.parcel.repeat}
            work.ledger.append("request:dispatch:sent", f"request:{one.request.id}", detail)
        _left_all_the_same(work, arrived)
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
                tries = one.task.attempts if receipt.begun else 0  # nothing was wrong with the receiver
                wait = timedelta(minutes=min(2 ** min(tries, 6), 60))
                work.queue.postpone([one.task], due_at=work.now + wait, trouble=clean(receipt.detail))
        tools.reached(Point.BEFORE_RECEIPT)


def _left_all_the_same(work: Work, arrived: Sequence[tuple[Outgoing, Receipt]]) -> None:
    """What was withdrawn while it was on its way has left, and what goes with it goes too."""
    late = [one.request for one, _ in arrived if one.request.state is RequestState.WITHDRAWN]
    work.requests.note_sent([one.id for one in late])
    letters.accompany(work, [one for one in late if one.binding])


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


def _settled(one: Outgoing, receipt: Receipt) -> list[tuple[DispatchId, DispatchState, str]]:
    detail = clean(receipt.detail)
    if one.dispatch is not None:
        return [(one.dispatch, receipt.state, detail)]
    if receipt.state is DispatchState.INTENDED:
        return []
    return [(dispatch.id, receipt.state, detail) for dispatch in one.earlier]


def _left(work: Work, left: Sequence[tuple[Outgoing, Receipt]], *, place: str, apart: timedelta) -> None:
    """What has left: states, clocks from the instant of receipt, and the looks and questions that follow."""
    work.requests.step(
        [(one.request, step(REQUEST, one.request.state, RequestEvent.DISPATCH)) for one, _ in left]
    )
    life.issued(work, [one.request for one, _ in left])
    letters.accompany(work, [one.request for one, _ in left if one.request.binding])
    count.sent(work, [(one.request, len(one.parcel.lines)) for one, _ in left])
    received = [
        (
            replace(one.request, state=RequestState.DISPATCHED, version=one.request.version + 1),
            believable(
                receipt.at, not_before=min([work.now, *(e.intent_at for e in one.earlier)]), now=work.now
            ),
        )
        for one, receipt in left
        if receipt.state is DispatchState.RECEIVED and may_prove(one.request.courier)
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
    if not received:
        return
    work.requests.step(
        [(request, step(REQUEST, request.state, RequestEvent.RECEIVE)) for request, _ in received],
        received_at={request.id: at for request, at in received},
    )
    clocks.start(work, [(one, at) for one, at in received if not one.binding], place=place)
    life.received(work, [(one, at) for one, at in received if one.binding])
    lines = work.requests.lines([request.id for request, _ in received])
    items = [one.line.item for own in lines.values() for one in own if not one.dropped]
    desk.received(
        work,
        [(one, sum(not line.dropped for line in lines[one.id])) for one, _ in received],
        flagged=[one.id for one, _ in received if standing.is_flagger(work, one)],
    )
    work.queue.add_by(WorkKind.CHECK, dict.fromkeys(items, work.now + FOLLOW_UP.span / 2))
    work.queue.add(
        WorkKind.ASK, [request.id for request, _ in received], due_at=work.now + FIRST_ANSWER, priority=6
    )


def _bounce(work: Work, request: Request, receipt: Receipt) -> None:
    """It could not be delivered: back to approval, for another contact point or courier."""
    left = step(REQUEST, request.state, RequestEvent.DISPATCH)
    back = step(REQUEST, left, RequestEvent.BOUNCE)
    work.requests.close_approvals([request.id])
    work.requests.step([(request, back)])
    work.ledger.append("request:dispatch:bounced", f"request:{request.id}", {"detail": receipt.detail})
