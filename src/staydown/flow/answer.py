"""answer: what the provider says back, kept apart from what we see ourselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from staydown.core.errors import Invalid, NotEntitled, NotFound
from staydown.core.ids import ItemId, PersonId, RequestId
from staydown.core.people import Person, desk_of
from staydown.core.request import Decision, LineAnswer, Parcel, Request
from staydown.core.rights import Relation, Verb
from staydown.core.states import REQUEST, ItemEvent, Presence, RequestEvent, RequestState, step
from staydown.core.text import clean
from staydown.flow import approve, clocks, count, desk, dispatch, life
from staydown.law.periods import ACT
from staydown.ports import Known, Knows
from staydown.ports.tools import Tools
from staydown.ports.work import LineState, Task, Work, WorkKind

_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)
ASK_AGAIN = (4 * _HOUR, 12 * _HOUR, _DAY, 3 * _DAY, 7 * _DAY)
"""When a provider that can be asked is asked for its answer, counted from the receipt."""


JUST = _HOUR
"""After a look that missed the item, another one that comes sooner could confirm nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a provider said about the lines of one request."""

    request: RequestId
    lines: Sequence[LineAnswer]  #: one answer per line; lines not mentioned stay open


def answer(
    work: Work, request_id: RequestId, given: Sequence[LineAnswer], *, by: Person | None, place: str = "here"
) -> None:
    """Note what a provider says about the lines of one request; see `answers`."""
    answers(work, [Said(request=request_id, lines=given)], by=by, place=place)


def answers(work: Work, said: Sequence[Said], *, by: Person | None, place: str = "here") -> None:
    """Note what providers say about lines; an answer also proves that the request arrived.

    Args:
        work: One open transaction.
        said: At most one for each request.
        by: The person who notes it: of the provider, or of the agency that asked; None where the
            provider's own interface said it.
        place: Where clocks that start with the proof of receipt are counted.

    Raises:
        NotEntitled: The person is neither of that provider nor of that agency.
        NotFound: There is no such request.
        Invalid: There is no such line.
        IllegalStep: A request has not left.
    """
    ids = [one.request for one in said]
    found = {one.id: one for one in work.requests.get(ids, lock=True)}
    if missing := [number for number in ids if number not in found]:
        raise NotFound(f"there is no request {missing[0]}", hint="staydown requests lists them.")
    lines = {
        request: {one.line.number: one for one in own}
        for request, own in approve.locked_lines(work, ids).items()
    }
    for one in said:
        if by is not None:
            _may_answer(by, found[one.request])
        for line in one.lines:
            known = lines[one.request].get(line.number)
            if known is None or known.dropped:
                raise Invalid(f"{found[one.request].reference} has no line {line.number}")
    for request in _arrived(work, said, found, place=place):
        found[request.id] = request
    for one in said:
        step(REQUEST, found[one.request].state, RequestEvent.ANSWER)
    _note(work, said, found, lines, by=by.id if by else None)


def _may_answer(person: Person, request: Request) -> None:
    if person.agency == desk_of(request.provider):
        person.require(Verb.ANSWER, Relation.ADDRESSED)
    elif person.agency == request.agency:
        person.require(Verb.ANSWER)
    else:
        raise NotEntitled(f"{person.id} may not answer for {request.provider}")


def _arrived(
    work: Work, said: Sequence[Said], found: Mapping[RequestId, Request], *, place: str
) -> list[Request]:
    """Those of the requests of which this is the first proof that they arrived, as they now stand."""
    received: list[tuple[Request, datetime]] = []
    for one in said:
        request = found[one.request]
        if request.state is RequestState.DISPATCHED:
            claimed = min((line.at for line in one.lines if line.at), default=None)
            lower = request.sent_at or work.now
            received.append((request, dispatch.believable(claimed, not_before=lower, now=work.now)))
    dispatch.receive(work, received, place=place)
    return [
        replace(request, state=RequestState.RUNNING, version=request.version + 1) for request, _ in received
    ]


def _note(
    work: Work,
    said: Sequence[Said],
    found: Mapping[RequestId, Request],
    lines: Mapping[RequestId, Mapping[int, LineState]],
    *,
    by: PersonId | None,
) -> None:
    fresh = {
        one.request: [
            replace(line, reason=clean(line.reason))
            for line in one.lines
            if line.decision is not lines[one.request][line.number].decision
            and line.decision is not Decision.PENDING
        ]
        for one in said
    }
    fresh = {request: given for request, given in fresh.items() if given}
    if not fresh:
        return
    work.requests.answer(fresh, by=by)
    for request, given in fresh.items():
        count.answered(work, found[request], given)
    desk.answered(work, [(found[request], given) for request, given in fresh.items()])
    told = [
        (request, line, lines[request][line.number]) for request, given in fresh.items() for line in given
    ]
    refused = [
        (r, known.line.item) for r, line, known in told if line.decision is Decision.REFUSED and known.open
    ]
    work.items.step([item for _, item in refused], ItemEvent.REFUSE)
    work.requests.close_lines(refused)
    _look(work, [known.line.item for _, _, known in told])
    for request, given in fresh.items():
        detail = {"answers": [[one.number, one.decision.value, one.reason] for one in given], "by": by}
        work.ledger.append("request:answer:noted", f"request:{request}", detail)
    open_still = work.requests.unanswered(list(fresh))
    _finish(work, {r: given for r, given in fresh.items() if r not in open_still}, found)


def _look(work: Work, ids: Sequence[ItemId]) -> None:
    """Ask for a look at once; where one would tell nothing new, for one that can confirm what the last one saw."""
    soon = {
        item: at + JUST
        for item, (presence, _, at) in work.items.presence(ids).items()
        if at is not None and (at == work.now or (presence is Presence.DOUBTED and at + JUST > work.now))
    }
    now = [item for item in ids if item not in soon]
    work.queue.add(WorkKind.CHECK, now, due_at=work.now)
    work.queue.add_by(WorkKind.CHECK, soon)


def _finish(
    work: Work, told: Mapping[RequestId, Sequence[LineAnswer]], found: Mapping[RequestId, Request]
) -> None:
    """Requests of which every line is answered: the provider acted when it decided, not when we noted it."""
    if not told:
        return
    work.requests.step([(found[r], step(REQUEST, found[r].state, RequestEvent.ANSWER)) for r in told])
    decided = {
        request: max(
            dispatch.believable(one.at, not_before=found[request].sent_at or work.now, now=work.now)
            for one in given
        )
        for request, given in told.items()
    }
    clocks.meet(work, decided, kinds=[ACT.name])
    life.answered(work, decided, found)
    work.queue.cancel(WorkKind.ASK, list(told))


def close(work: Work, person: Person, request_id: RequestId, *, reason: str) -> None:
    """End the wait for an answer that does not come; its items may come into a new request.

    Raises:
        NotEntitled: The person is of another agency.
        Invalid: No reason.
        IllegalStep: The request does not wait for an answer.
    """
    request = work.requests.one(request_id, lock=True)
    person.require(Verb.CLOSE, within=request.agency)
    if not reason.strip():
        raise Invalid("closing a request needs a reason")
    work.requests.step([(request, step(REQUEST, request.state, RequestEvent.CLOSE))])
    items = [one.line.item for one in work.requests.lines([request_id])[request_id] if one.open]
    work.requests.close_lines([(request_id, item) for item in items])
    work.queue.cancel(WorkKind.ASK, [request_id])
    count.order_closed(work, request)
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
        locked = work.requests.get(list(by_request), lock=True)  # requests before rows of work, as elsewhere
        work.queue.done(tasks)
        running_still = [one for one in locked if one.id in words and one.state is RequestState.RUNNING]
        _ask_again(work, running_still)
        said = [
            Said(request=one.id, lines=words[one.id].answers)
            for one in running_still
            if words[one.id].knows is Knows.YES and words[one.id].answers
        ]
        answers(work, said, by=None, place=tools.settings.place)


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


def _ask_again(work: Work, requests: Sequence[Request]) -> None:
    due: dict[RequestId, datetime] = {}
    for request in requests:
        received = request.received_at or work.now
        following = next((received + rung for rung in ASK_AGAIN if received + rung > work.now), None)
        if following is not None:
            due[request.id] = following
    work.queue.add_at(WorkKind.ASK, due, priority=6)
