"""answer: what the provider says back, kept apart from what we see ourselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

from staydown.core.errors import Invalid, NotEntitled
from staydown.core.ids import PersonId, RequestId
from staydown.core.people import Person, Role
from staydown.core.request import Decision, LineAnswer, Parcel, Request
from staydown.core.states import REQUEST, ItemEvent, RequestEvent, RequestState, step
from staydown.core.text import clean
from staydown.flow import clocks, dispatch
from staydown.law.periods import ACT
from staydown.ports import Known, Knows
from staydown.ports.tools import Tools
from staydown.ports.work import LineState, Task, Work, WorkKind

_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)
ASK_AGAIN = (4 * _HOUR, 12 * _HOUR, _DAY, 3 * _DAY, 7 * _DAY)
"""When a provider that can be asked is asked for its answer, counted from the receipt."""


def answer(
    work: Work, request_id: RequestId, given: Sequence[LineAnswer], *, by: Person | None, place: str = "here"
) -> None:
    """Note what a provider says about lines; an answer also proves that the request arrived.

    Args:
        work: One open transaction.
        request_id: The request it answers.
        given: One answer per line; lines not mentioned stay open.
        by: The person who notes it: of the provider, or of the agency that asked; None where the
            provider's own interface said it.
        place: Where clocks that start with the proof of receipt are counted.

    Raises:
        NotEntitled: The person is neither of that provider nor of that agency.
        Invalid: There is no such line.
        IllegalStep: The request has not left.
    """
    request = work.requests.one(request_id, lock=True)
    if by is not None:
        _may_answer(by, request)
    lines = {one.line.number: one for one in work.requests.lines([request_id])[request_id]}
    for one in given:
        if one.number not in lines or lines[one.number].dropped:
            raise Invalid(f"{request.reference} has no line {one.number}")
    if request.state is RequestState.DISPATCHED:
        claimed = min((one.at for one in given if one.at), default=None)
        at = dispatch.believable(claimed, not_before=request.sent_at or work.now, now=work.now)
        dispatch.receive(work, [(request, at)], place=place)
        request = replace(request, state=RequestState.RUNNING, version=request.version + 1)
    step(REQUEST, request.state, RequestEvent.ANSWER)
    _note(work, request, given, lines, by=by.id if by else None)


def _may_answer(person: Person, request: Request) -> None:
    if Role.PROVIDER in person.roles and person.agency.lower() == request.provider.replace("_", "-"):
        return
    if person.agency != request.agency:
        raise NotEntitled(f"{person.id} may not answer for {request.provider}")
    person.require(Role.ANALYST, Role.COORDINATOR)


def _note(
    work: Work,
    request: Request,
    given: Sequence[LineAnswer],
    lines: Mapping[int, LineState],
    *,
    by: PersonId | None,
) -> None:
    fresh = [one for one in given if one.decision is not lines[one.number].decision]
    said = [replace(one, reason=clean(one.reason)) for one in fresh if one.decision is not Decision.PENDING]
    if not said:
        return
    work.requests.answer(request.id, said, by=by)
    refused = [
        lines[one.number].line.item
        for one in said
        if one.decision is Decision.REFUSED and lines[one.number].open
    ]
    work.items.step(refused, ItemEvent.REFUSE)
    work.requests.close_lines(refused, request=request.id)
    work.queue.add(WorkKind.CHECK, [lines[one.number].line.item for one in said], due_at=work.now)
    detail = {"answers": [[one.number, one.decision.value, one.reason] for one in said], "by": by}
    work.ledger.append("request:answer:noted", f"request:{request.id}", detail)
    if not work.requests.unanswered([request.id]):
        work.requests.step([(request, step(REQUEST, request.state, RequestEvent.ANSWER))])
        lower = request.sent_at or work.now
        decided = [dispatch.believable(one.at, not_before=lower, now=work.now) for one in said]
        clocks.meet(work, [request.id], kinds=[ACT.name], at=max(decided))
        work.queue.cancel(WorkKind.ASK, [request.id])


def close(work: Work, person: Person, request_id: RequestId, *, reason: str) -> None:
    """End the wait for an answer that does not come; its items may come into a new request.

    Raises:
        NotEntitled: The person is of another agency.
        Invalid: No reason.
        IllegalStep: The request does not wait for an answer.
    """
    request = work.requests.one(request_id, lock=True)
    person.require(Role.ANALYST, Role.COORDINATOR, within=request.agency)
    if not reason.strip():
        raise Invalid("closing a request needs a reason")
    work.requests.step([(request, step(REQUEST, request.state, RequestEvent.CLOSE))])
    items = [one.line.item for one in work.requests.lines([request_id])[request_id] if one.open]
    work.requests.close_lines(items, request=request_id)
    work.queue.cancel(WorkKind.ASK, [request_id])
    work.ledger.append(
        "request:answer:given-up", f"request:{request_id}", {"by": person.id, "reason": reason}
    )


def run(tools: Tools, tasks: Sequence[Task]) -> None:
    """Ask providers that can be asked for their answers."""
    by_request = {RequestId(task.subject): task for task in tasks}
    with tools.begin(write=False) as work:
        running = [one for one in work.requests.get(list(by_request)) if one.state is RequestState.RUNNING]
        subjects = work.requests.subject([one.id for one in running])
        lines = work.requests.lines([one.id for one in running])
    askable = [one for one in running if tools.couriers[one.courier].can_be_asked]
    words: dict[RequestId, Known] = {}
    for name in sorted({one.courier for one in askable}):
        mine = [one for one in askable if one.courier == name]
        parcels = [_question(one, subjects[one.id], lines[one.id]) for one in mine]
        words |= {one.id: w for one, w in zip(mine, tools.couriers[name].ask(parcels), strict=True)}
    with tools.begin() as work:
        work.queue.done(tasks)
        for request_id, word in words.items():
            _ask_again(work, request_id)
            if word.knows is Knows.YES and word.answers:
                answer(work, request_id, word.answers, by=None, place=tools.settings.place)


def _question(request: Request, subject: str, lines: Sequence[LineState]) -> Parcel:
    return Parcel(
        reference=request.reference,
        contact_point=request.contact_point,
        sender=request.agency,
        addressee=request.addressee,
        subject=subject,
        text="",
        lines=tuple(one.line for one in lines if not one.dropped),
        message_id="",
    )


def _ask_again(work: Work, request_id: RequestId) -> None:
    received = work.requests.one(request_id).received_at or work.now
    following = next((received + rung for rung in ASK_AGAIN if received + rung > work.now), None)
    if following is not None:
        work.queue.add(WorkKind.ASK, [request_id], due_at=following, priority=6)
