"""withdraw: an error is put right, from every sent state and after removal too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from staydown.core.errors import Invalid, Refused
from staydown.core.house import Matter
from staydown.core.ids import ItemId, RequestId
from staydown.core.people import Person
from staydown.core.request import DispatchState, Parcel, Receipt, Request
from staydown.core.rights import Verb
from staydown.core.states import REQUEST, REQUEST_SENT, ItemEvent, RequestEvent, step
from staydown.core.time import iso
from staydown.flow import approve, clocks, count, duty, letters, life, standing, verify
from staydown.flow.carry import Held
from staydown.ports import Knows
from staydown.ports.tools import Tools
from staydown.ports.work import Drop, Task, Withdrawal, Work, WorkKind

ASKED_AT_MOST = 4
"""After so many attempts a notice is sent again, marked, though nobody says whether it arrived: told twice is better
than not told."""
BEHIND = timedelta(minutes=1)
"""How long a notice waits before it looks again whether its request has left."""


def withdraw(
    tools: Tools,
    work: Work,
    person: Person,
    request_id: RequestId,
    *,
    reason: str,
    items: Sequence[ItemId] = (),
) -> int:
    """Take a request back, or some of its items; the provider is told and asked to put them back.

    Gives how many items it concerns.

    Raises:
        NotEntitled: The person is of another agency.
        Invalid: No reason, or an item that is not in the request.
        Refused: Only a part of an order is named.
        IllegalStep: It was withdrawn already.
    """
    request = work.requests.one(request_id, lock=True)
    person.require(Verb.WITHDRAW, within=request.agency)
    if not reason.strip():
        raise Invalid("a withdrawal needs a reason")
    present = [
        one.line.item for one in approve.locked_lines(work, [request_id])[request_id] if not one.dropped
    ]
    if items and request.binding and set(present) - set(items):
        raise Refused(f"{request.reference} is an order and is void whole", hint="Leave the items out.")
    if strange := [item for item in items if item not in present]:
        raise Invalid(f"item {strange[0]} is not in {request.reference}")
    after = step(REQUEST, request.state, RequestEvent.WITHDRAW)
    before, count = work.requests.withdrawn_items(request_id)
    taken = [item for item in dict.fromkeys(items or present) if item not in before]
    if not taken and before.issuperset(present) and present:
        raise Invalid(f"{request.reference} was withdrawn already")
    attempts = work.requests.attempts([request_id]).get(request_id, [])
    is_sent = request.state in REQUEST_SENT
    if is_sent or any(one.state is DispatchState.INTENDED for one in attempts):
        _take_back(tools, work, person, request, taken, reason=reason, number=count + 1, is_sent=is_sent)
    else:
        approve.drop(work, {request_id: taken}, reason="withdrawn")
    whole = before.union(taken).issuperset(present)
    if whole:
        work.requests.close_approvals([request_id])
        work.requests.step([(request, after)])
        if not is_sent and request.binding and any(one.state is DispatchState.INTENDED for one in attempts):
            life.issued(work, [request])  # nobody knows whether it arrived, so it is taken as sent
        standing.revoke(work, [request], by=person.id, reason=reason)
        if is_sent or not attempts:
            letters.drop_of(work, [request_id])
        _tell_authorities(tools, work, person, request, reason=reason)
        clocks.cancel(work, [request_id])
        for kind in (WorkKind.ASK, WorkKind.EXPIRE):
            work.queue.cancel(kind, [request_id])
        if not work.queue.in_hand(WorkKind.DISPATCH, [request_id]):  # else whoever works on it strikes it off
            work.queue.cancel(WorkKind.DISPATCH, [request_id])
    detail = {"by": person.id, "items": taken, "reason": reason, "whole": whole}
    work.ledger.append("request:withdrawal:made", f"request:{request_id}", detail)
    return len(taken)


def _take_back(
    tools: Tools,
    work: Work,
    person: Person,
    request: Request,
    taken: Sequence[ItemId],
    *,
    reason: str,
    number: int,
    is_sent: bool,
) -> None:
    """Tell the provider, and step the items; where nobody knows whether it arrived, it is taken as sent."""
    text = _text(tools, work, request, taken, reason=reason)
    domain = work.origin.split("/", 1)[0]
    withdrawal = Withdrawal(
        request=request.id,
        by=person.id,
        reason=reason,
        text=text,
        message_id=f"<{request.reference}-withdrawal-{number}@{domain}>",
    )
    key = work.requests.withdraw(withdrawal, taken)
    if not is_sent:  # a later attempt must not carry these lines
        work.requests.drop([Drop(request=request.id, item=item, reason="withdrawn") for item in taken])
        work.items.step(taken, ItemEvent.REFER)
    work.requests.close_lines([(request.id, item) for item in taken])
    elsewhere = work.requests.open_beside(taken, request.id)
    work.items.step([item for item in taken if item not in elsewhere], ItemEvent.WITHDRAW)
    count.counted(
        work,
        "withdrawn-items",
        agency=request.agency,
        provider=request.provider,
        request=request,
        amount=len(taken),
    )
    work.queue.add(WorkKind.WITHDRAWAL, [key], due_at=work.now, priority=0)
    verify.schedule(work, taken, apart=tools.settings.apart)


def _tell_authorities(tools: Tools, work: Work, person: Person, request: Request, *, reason: str) -> None:
    """Whoever had a copy of the order has to know as well: a letter is drawn up, and somebody is called to let it go."""
    for copy in letters.with_order(work, request):
        if copy.form != letters.COPY or copy.sent_at is None:
            continue
        to = letters.To(
            party=copy.party,
            addressee=copy.addressee,
            contact_point=copy.contact_point,
            courier=copy.courier,
            language=copy.language,
        )
        present = [one.line.item for one in work.requests.lines([request.id])[request.id] if not one.dropped]
        values = _values(work, request, present, reason=reason) | {"addressee": copy.addressee}
        made = letters.draw(
            tools, work, person, "withdrawal", to, values, request=request, leaves=letters.PROGRAM
        )
        told = (
            f"{request.reference} is withdrawn; {made.reference} tells {copy.addressee} once it is approved"
        )
        duty.alarm(work, request.agency, Matter.ALARM, f"letter:{made.id}", told)


def _text(tools: Tools, work: Work, request: Request, taken: Sequence[ItemId], *, reason: str) -> str:
    """The words that take it back: the instrument's own, or the form of withdrawals for what stands on a form."""
    if not request.papers_digest:
        return tools.instruments[request.instrument].withdrawal(
            reference=request.reference,
            agency=request.agency,
            addressee=request.addressee,
            language=request.language,
            reason=reason,
            exercise=work.exercise,
        )
    values = _values(work, request, taken, reason=reason)
    sheet = tools.paper.render(
        "withdrawal", values, language=request.language, draft=False, exercise=work.exercise
    )
    return sheet.text


def _values(work: Work, request: Request, taken: Sequence[ItemId], *, reason: str) -> dict[str, object]:
    """The fields of the form of withdrawals."""
    office = work.offices.get(request.agency)
    present = [one.line for one in work.requests.lines([request.id])[request.id] if not one.dropped]
    is_whole = {line.item for line in present} <= set(taken)
    values: dict[str, object] = {
        "reference": request.reference,
        "instrument": request.instrument,
        "authority": office.name if office else request.agency,
        "addressee": request.addressee,
        "issued_at": iso(request.issued_at or work.now),
        "withdrawn_at": iso(max(work.now, request.issued_at or work.now)),
        "scope": "whole" if is_whole else "part",
        "reasons": reason,
        "reinstate": True,
    }
    if not is_whole:
        values["locations"] = [{"url": line.address} for line in present if line.item in taken]
    return values


def run(tools: Tools, tasks: Sequence[Task]) -> None:
    """Tell providers that something is taken back, each in its own time; a notice that may have arrived is asked about,
    or marked as a repeat.

    A notice never overtakes the request it is about: as long as somebody works on the way out of the request, it waits.
    """
    ids = [task.subject for task in tasks]
    with tools.begin() as work:
        work.queue.confirm(tasks, lease=tools.settings.lease)
        todo = work.requests.withdrawal(ids)
        requests = {one.id: one for one in work.requests.get([w.request for w in todo.values()])}
        leaving = work.queue.in_hand(WorkKind.DISPATCH, list(requests))
        behind = [task for task in tasks if todo[task.subject].request in leaving]
        work.queue.postpone(behind, due_at=work.now + BEHIND, trouble="the request is still on its way out")
        ready = [task for task in tasks if task not in behind]
        subjects = work.requests.subject(list(requests))
        lines = work.requests.lines(list(requests))
        work.requests.withdrawal_tried([task.subject for task in ready], told=False)
        exercise = work.exercise
    for task in ready:
        taken = todo[task.subject]
        request = requests[taken.request]
        parcel = Parcel(
            reference=request.reference,
            contact_point=request.contact_point,
            sender=request.agency,
            addressee=request.addressee,
            subject=f"WITHDRAWN: {subjects[request.id]}",
            text=taken.text,
            lines=tuple(one.line for one in lines[request.id] if one.line.item in taken.items),
            message_id=taken.message_id,
            repeat=taken.tried,
            exercise=exercise,
            withdrawal=True,
        )
        held = Held(tools, [task])
        with tools.begin() as work:  # a worker that stood still and lost the row must not send
            work.queue.confirm([task], lease=tools.settings.lease)
        _tell(tools, task, request, replace(parcel, may_begin=held.may_begin), held)


def _tell(tools: Tools, task: Task, request: Request, parcel: Parcel, held: Held) -> None:
    """Tell one provider, and write at once how it ended; where it may know already, it is asked first."""
    courier = tools.couriers[request.courier]
    word = courier.ask([parcel])[0] if parcel.repeat and courier.can_be_asked else None
    if word is not None and word.knows is Knows.YES:
        receipt = Receipt(state=DispatchState.RECEIVED, detail="it knew already")
    elif word is not None and word.knows is Knows.CANNOT_TELL and task.attempts <= ASKED_AT_MOST:
        receipt = Receipt(state=DispatchState.INTENDED, detail=word.detail)
    else:
        held.confirm()
        receipt = courier.send([parcel])[0]
    with tools.begin() as work:
        detail, subject = {"withdrawal": task.subject}, f"request:{request.id}"
        if receipt.state in {DispatchState.SENT, DispatchState.RECEIVED}:
            work.requests.withdrawal_tried([task.subject], told=True)
            work.ledger.append("request:withdrawal:sent", subject, detail)
        elif receipt.state is DispatchState.FAILED and not receipt.temporary:
            work.ledger.append("request:withdrawal:refused", subject, detail)
        else:
            wait = timedelta(minutes=min(2 ** min(task.attempts, 6), 60))
            work.queue.postpone([task], due_at=work.now + wait, trouble="the provider could not be told")
            return
        work.queue.done([task])
