"""life: what follows in law when an order leaves, arrives, is executed, ends: its state and the clocks that start."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from staydown.core.errors import Invalid, NotFound, Refused
from staydown.core.ids import ClockId, RequestId
from staydown.core.order import Letter, Order
from staydown.core.request import Decision, Request
from staydown.core.states import ORDER, OrderEvent, OrderState, allows
from staydown.flow import clocks, standing
from staydown.law import register
from staydown.law.counting import Length, days, ends, hours, weeks
from staydown.law.matter import TCO_ORDER
from staydown.law.periods import FOLLOW_UP
from staydown.ports.work import Work

DONE = frozenset({Decision.REMOVED, Decision.RESTRICTED})
"""What a provider says of a line that it has executed."""
LOOK_BACK = timedelta(days=365)
"""How far final orders count towards exposure (Regulation (EU) 2021/784, Art. 5(4)): twelve months."""
EXPOSED_FROM = 2
"""So many final orders are one objective factor for exposure."""


def state_of(order: Order) -> str:
    """The state whose hours and holidays hold for the provider; empty where it has named none."""
    return order.establishment_state or ""


def foresee(work: Work, request: Request, order: Order) -> None:
    """Count every period that will start when the order leaves or arrives: what cannot be counted is said now, and
    not when it is too late to refuse anything.

    Raises:
        Refused: One of them cannot be counted.
    """
    office = work.offices.get(request.agency)
    at, own, home = request.issued_at or work.now, order.issuing_state, state_of(order)
    try:
        for name, start, state in (
            ("copy", at, own),
            ("remove", at, home),
            ("ask-scrutiny", at, home),
            ("preserve", at, home),
            ("effect", at, home),
            ("non-disclosure", order.secret_from or at, own),
        ):
            period = register.period(name, start.date())
            length = period.length or period.reminder
            if isinstance(length, Length):
                ends(start, length, state=state)
        if office is not None and office.redress_days:
            ends(at, days(office.redress_days), state=own)
    except (Invalid, NotFound) as error:
        raise Refused(f"the clocks of {request.reference} cannot be counted: {error}") from error


def issued(work: Work, left: Sequence[Request]) -> None:
    """Orders among what has left: the copy's clock and that of silence start now."""
    bound = {one.id: one for one in left if one.binding}
    if not bound:
        return
    for number, order in work.orders.get(list(bound), lock=True).items():
        request = bound[number]
        at = max(request.issued_at or work.now, work.now)
        order = standing.happened(work, order, OrderEvent.ISSUE, at=at, by=None)
        if request.instrument != TCO_ORDER:
            continue
        if order.crosses_border:
            clocks.begin(work, request, "copy", at=at, state=order.issuing_state)
        if order.secret_from is not None:
            clocks.begin(
                work,
                request,
                "non-disclosure",
                at=order.secret_from,
                state=order.issuing_state,
                length=_silence(order),
            )


def received(work: Work, arrived: Sequence[tuple[Request, datetime]]) -> None:
    """Receipt of orders is proved: the hour starts, and what others may do from then on."""
    if not arrived:
        return
    orders = work.orders.get([request.id for request, _ in arrived], lock=True)
    for request, at in arrived:
        order = orders.get(request.id)
        if order is None:
            continue
        order = standing.happened(work, order, OrderEvent.RECEIVE, at=at, by=None)
        home = state_of(order)
        clocks.begin(work, request, FOLLOW_UP.name, at=work.now, state=order.issuing_state)
        if request.instrument == TCO_ORDER:
            clocks.begin(work, request, "remove", at=at, state=home)
            clocks.begin(work, request, "ask-scrutiny", at=at, state=home)
        else:
            clocks.begin(work, request, "effect", at=at, state=home)
        _appeal(work, request, order, at)


def _silence(order: Order) -> Length:
    """How long silence was decided for: whole weeks or days where it is such, else hours that do not go beyond it."""
    if order.secret_from is None or order.secret_until is None:
        raise Invalid("no silence was decided")
    length = order.secret_until - order.secret_from
    if not length % timedelta(weeks=1):
        return weeks(length // timedelta(weeks=1))
    if not length % timedelta(days=1):
        return days(length // timedelta(days=1))
    return hours(length // timedelta(hours=1))


def _appeal(work: Work, request: Request, order: Order, at: datetime) -> None:
    """The time to challenge it, as national law gives it and the order says."""
    office = work.offices.get(request.agency)
    if office is None or not office.redress_days:
        return
    number = clocks.begin(
        work, request, "appeal", at=at, state=order.issuing_state, length=days(office.redress_days)
    )
    until = next(one for one in work.clocks.of([request.id]) if one.id == number)
    work.orders.step(order, order.state, appeal_until=max(until.strict_end, until.legal_end))


def removal_clock(work: Work, request: Request, order: Order) -> ClockId:
    """The clock of the hour."""
    kind = "remove" if request.instrument == TCO_ORDER else "effect"
    return clocks.begin(work, request, kind, at=request.received_at or work.now, state=state_of(order))


def answered(work: Work, told: Mapping[RequestId, datetime], requests: Mapping[RequestId, Request]) -> None:
    """Every line of some orders is answered: where all were removed or disabled, they are executed."""
    bound = [number for number in told if requests[number].binding]
    if not bound:
        return
    lines = work.requests.lines(bound)
    for number, order in work.orders.get(bound, lock=True).items():
        said = {one.decision for one in lines[number] if not one.dropped}
        if said <= DONE and allows(ORDER, order.state, OrderEvent.EXECUTE):
            executed(work, requests[number], order, at=told[number])


def executed(work: Work, request: Request, order: Order, *, at: datetime) -> Order:
    """The provider says that it has removed or disabled: the hour stops, and what was removed is to be kept."""
    order = standing.happened(work, order, OrderEvent.EXECUTE, at=at, by=None)
    clocks.meet(work, {request.id: at}, kinds=["remove", "effect", "feedback"])
    if request.instrument == TCO_ORDER:
        clocks.begin(work, request, "preserve", at=at, state=state_of(order))
    return order


def letter_received(work: Work, letter: Letter, at: datetime) -> None:
    """What the arrival of a letter starts or ends."""
    if letter.request is None:
        return
    request = work.requests.one(letter.request)
    order = work.orders.get([letter.request]).get(letter.request)
    if order is None:
        return
    if letter.form == "tco-copy" and letter.party == f"authority:{order.establishment_state}":
        clocks.meet(work, {request.id: at}, kinds=["copy"])
        clocks.begin(work, request, "scrutinise", at=at, state=state_of(order))
    elif letter.form == "clarification" and _waits_for_word(work, order):
        resume(work, request, order, at=at, ground="the clarification was received")


def _waits_for_word(work: Work, order: Order) -> bool:
    """Whether the last Annex III asked for a clarification and for nothing else: force majeure ends by itself (Art. 3(7))."""
    if order.state not in {OrderState.IMPEDED, OrderState.APPEALED}:
        return False
    claims = [
        one.facts
        for one in work.orders.history(order.request)
        if one.form == "tco-annex-3" and one.facts.get("b_reasons")
    ]
    said = claims[-1].get("b_reasons") if claims else None
    return isinstance(said, list) and bool(said) and "fm" not in said


def resume(work: Work, request: Request, order: Order, *, at: datetime, ground: str) -> Order:
    """The grounds ended, or the clarification was received: the whole hour again from that instant."""
    clocks.restart(work, removal_clock(work, request, order), at=at, ground=ground, by=None)
    return standing.happened(work, order, OrderEvent.RESUME, at=at, by=None, facts={"ground": ground})


def over(work: Work, request: Request) -> None:
    """An order has no effect any more: nothing is waited for."""
    clocks.cancel(work, [request.id])


def exposure(work: Work, request: Request) -> int:
    """How many orders to the provider became final within twelve months; two or more are noted, a person decides."""
    if request.instrument != TCO_ORDER:
        return 0
    count = work.orders.final_since(request.provider, work.now - LOOK_BACK)
    if count >= EXPOSED_FROM:
        detail = {"final_orders": count, "source": "Regulation (EU) 2021/784, Art. 5(4)"}
        work.ledger.append("provider:exposure:suggested", f"provider:{request.provider}", detail)
    return count
