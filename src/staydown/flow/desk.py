"""desk: what the law wants a provider itself to report, counted for its own desk as it happens.

Only for providers whose desk is an agency of this store. The rows are the provider's, also where the transaction acts
for the agency that asked; so they are written across all agencies, and tell nothing but that it happened.

Source: Regulation (EU) 2021/784, Art. 7(3); Regulation (EU) 2022/2065, Art. 15(1).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime

from staydown.core.ids import RequestId
from staydown.core.order import Order
from staydown.core.people import desk_of
from staydown.core.request import Decision, LineAnswer, Request
from staydown.core.states import OrderEvent, OrderState
from staydown.law.matter import NOTICE, REFERRAL, TCO_ORDER
from staydown.ports.clocks import NewCount
from staydown.ports.work import Work

TIME = ".time"
"""Behind the name of a row: how long one took of those that the row counted when they began."""
ACTED: Mapping[Decision, str] = {
    Decision.REMOVED: "desk-removed",
    Decision.RESTRICTED: "desk-restricted",
    Decision.REFUSED: "desk-refused",
}
DONE = frozenset({Decision.REMOVED, Decision.RESTRICTED})
VOID = frozenset({OrderEvent.REVOKE, OrderEvent.CEASE, OrderEvent.ANNUL})
"""Steps after which an order that was not executed will never be."""
NOT_EXECUTED = frozenset({"tco-7-c-impossible", "tco-7-c-unclear"})
FOUND_WRONG = frozenset({OrderEvent.CEASE, OrderEvent.ANNUL})
"""Steps after a review that went against the order."""


def add(work: Work, new: Sequence[NewCount]) -> None:
    """Count for providers, where their desks are agencies of this store; all else is left out."""
    if not new:
        return
    known = {one.code for one in work.people.agencies()}
    own = [one for one in new if one.agency in known]
    if own:
        with work.across():
            work.counted.add(own)


def row(request: Request, name: str, *, amount: int = 1, seconds: float | None = None) -> NewCount:
    """A row of the provider that a request went to."""
    return NewCount(
        row=name,
        agency=desk_of(request.provider),
        provider=request.provider,
        request=request.id,
        amount=amount,
        seconds=seconds,
    )


def _took(since: datetime | None, at: datetime) -> float | None:
    return max(0.0, (at - since).total_seconds()) if since is not None else None


# --- notices and referrals --------------------------------------------------------------------------


def received(
    work: Work,
    arrived: Sequence[tuple[Request, int]],
    *,
    flagged: Collection[RequestId] = (),
) -> None:
    """Notices and referrals arrived, each with so many items; orders are counted by their own steps.

    Args:
        flagged: Those of the notices that a trusted flagger sent.
    """
    add(work, [one for request, items in arrived for one in _received(request, items, flagged)])


def _received(request: Request, items: int, flagged: Collection[RequestId]) -> Iterator[NewCount]:
    if request.instrument == REFERRAL:
        yield row(request, "desk-referrals")
        if items:
            yield row(request, "desk-items", amount=items)
    elif request.instrument == NOTICE:
        yield row(request, "dsa-15-b")
        if request.id in flagged:
            yield row(request, "dsa-15-b-flaggers")


def answered(work: Work, told: Sequence[tuple[Request, Sequence[LineAnswer]]]) -> None:
    """Providers said something new about lines."""
    add(work, [one for request, given in told for line in given for one in _answered(work, request, line)])


def _answered(work: Work, request: Request, line: LineAnswer) -> Iterator[NewCount]:
    took = _took(request.received_at or request.sent_at, min(line.at or work.now, work.now))
    if request.instrument == REFERRAL and line.decision in ACTED:
        timed = took if line.decision is Decision.REMOVED else None
        yield row(request, ACTED[line.decision], seconds=timed)
    elif request.instrument == NOTICE and line.decision in DONE:
        yield row(request, "dsa-15-b-terms" if line.on_terms else "dsa-15-b-law")
        if took is not None:
            yield row(request, f"dsa-15-b{TIME}", seconds=took)


# --- orders -------------------------------------------------------------------------------------------


def order_stepped(work: Work, request: Request, order: Order, event: OrderEvent, *, at: datetime) -> None:
    """An order takes a step, for the first time.

    Args:
        order: As it stood before the step.
        at: When it happened.
    """
    add(work, list(_stepped(work, request, order, event, at)))


def _stepped(
    work: Work, request: Request, order: Order, event: OrderEvent, at: datetime
) -> Iterator[NewCount]:
    if event is OrderEvent.RECEIVE:
        yield row(request, "dsa-15-a")
        yield row(request, "dsa-15-a-receipt", seconds=_took(at, work.now))
    if event is OrderEvent.EXECUTE:
        if (took := _took(request.received_at, at)) is not None:
            yield row(request, f"dsa-15-a{TIME}", seconds=took)
        items = sum(not one.dropped for one in work.requests.lines([request.id])[request.id])
        if request.instrument == TCO_ORDER and items:
            yield row(request, "tco-7-c-orders", amount=items)
    if request.instrument != TCO_ORDER:
        return
    if event in VOID:
        yield from _not_executed(work, request, order)
    if event in FOUND_WRONG and OrderEvent.EXECUTE.value in _events(work, request):
        yield row(request, "tco-7-f")
    if event is OrderEvent.ANNUL and _brought_by_provider(work, request):
        yield row(request, "tco-7-e-won")


def order_closed(work: Work, request: Request, order: Order) -> None:
    """The wait for a removal order's execution ends without it."""
    add(work, list(_not_executed(work, request, order)))


def _not_executed(work: Work, request: Request, order: Order) -> Iterator[NewCount]:
    """Once for each order: whoever gave up waiting may withdraw it later."""
    if order.state is not OrderState.IMPEDED:
        return
    with work.across():
        before = work.counted.about(desk_of(request.provider), request.id)
    if before.isdisjoint(NOT_EXECUTED):
        yield row(request, f"tco-7-c-{ground_of(work, request)}")


def ground_of(work: Work, request: Request) -> str:
    """Why a provider last said that it does not execute an order: `impossible` (Art. 3(7)) or `unclear` (Art. 3(8))."""
    said = [one.facts for one in work.orders.history(request.id) if one.event == OrderEvent.IMPEDE.value]
    is_impossible = "fm" in str(said[-1].get("reasons", "")).split(", ") if said else False
    return "impossible" if is_impossible else "unclear"


def _events(work: Work, request: Request) -> frozenset[str]:
    return frozenset(one.event for one in work.orders.history(request.id))


def _brought_by_provider(work: Work, request: Request) -> bool:
    return any(
        one.event == OrderEvent.APPEAL.value and one.facts.get("by_provider") is True
        for one in work.orders.history(request.id)
    )


def review_brought(work: Work, request: Request) -> None:
    """The provider itself asked for scrutiny, or challenged the order before a court."""
    add(work, [row(request, "tco-7-e")])


def review_won(work: Work, request: Request) -> None:
    """What the provider brought was decided for it."""
    add(work, [row(request, "tco-7-e-won")])


__all__ = [
    "TIME",
    "add",
    "answered",
    "ground_of",
    "order_closed",
    "order_stepped",
    "received",
    "review_brought",
    "review_won",
]
