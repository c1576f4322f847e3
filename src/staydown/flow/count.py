"""count: what the law wants reported is written down as it happens, in the transaction in which it happens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from staydown.core.errors import Invalid
from staydown.core.ids import AgencyCode, ItemId, RequestId
from staydown.core.order import Order
from staydown.core.request import Decision, LineAnswer, Request
from staydown.core.states import OrderEvent, OrderState
from staydown.flow import desk
from staydown.law.figures import SMALL, Figure, Of, figure, figures_of
from staydown.law.holidays import zone_of
from staydown.law.matter import TCO_ORDER
from staydown.ports.clocks import NewCount, RowCount
from staydown.ports.work import Work
from staydown.reason.statistics import quantile

REFERRAL, NOTICE = "referral", "dsa-art-16"
ORDER_ROWS: Mapping[OrderEvent, tuple[str, ...]] = {
    OrderEvent.ISSUE: ("tco-8-a-issued", "tco-21-a-orders"),
    OrderEvent.EXECUTE: ("tco-8-a-removed",),
    OrderEvent.REVOKE: ("tco-8-a-withdrawn",),
    OrderEvent.CEASE: ("tco-8-a-infringing",),
    OrderEvent.APPEAL: ("tco-8-c-orders", "tco-21-e"),
    OrderEvent.CONFIRM: ("tco-21-e-decided",),
    OrderEvent.ANNUL: ("tco-8-c-orders-annulled", "tco-21-e-decided"),
}
"""The rows that a step of a removal order counts for, each step once."""
ANSWERED: Mapping[tuple[str, Decision], str] = {
    (REFERRAL, Decision.REMOVED): "referred-removed",
    (REFERRAL, Decision.RESTRICTED): "referred-restricted",
    (REFERRAL, Decision.REFUSED): "referred-refused",
    (NOTICE, Decision.REMOVED): "dsa-22-acted",
    (NOTICE, Decision.RESTRICTED): "dsa-22-acted",
    (NOTICE, Decision.REFUSED): "dsa-22-refused",
}
"""The row that a provider's word about an item of a request counts for; orders have a life of their own."""
SENT: Mapping[str, tuple[str, str]] = {
    REFERRAL: ("referrals", "referred-items"),
    NOTICE: ("dsa-22-notices", "dsa-22-items"),
}
"""The rows of what left, and of its items, by instrument."""


def counted(
    work: Work,
    row_id: str,
    *,
    agency: AgencyCode,
    provider: str = "",
    request: Request | RequestId | None = None,
    amount: int = 1,
    seconds: float | None = None,
) -> None:
    """Count something for a report; nothing at all where the amount is nought.

    Args:
        work: The transaction in which it happens.
        row_id: A row of `law/figures.py`.
        agency: Whose report it is for.
        amount: How many.
        seconds: How long it took, where the row is timed.

    Raises:
        Invalid: There is no such row, it is told in words, or the amount or the time is below nought.
    """
    wanted = figure(row_id)
    if wanted.of is Of.WORDS:
        raise Invalid(f"{row_id} is told in words and cannot be counted")
    if amount < 0 or (seconds is not None and seconds < 0):
        raise Invalid(f"{row_id} cannot be counted below nought")
    if amount:
        number = request.id if isinstance(request, Request) else request
        work.counted.add(
            [
                NewCount(
                    row=row_id,
                    agency=agency,
                    provider=provider,
                    request=number,
                    amount=amount,
                    seconds=seconds,
                )
            ]
        )


def sent(work: Work, requests: Sequence[tuple[Request, int]]) -> None:
    """Requests left, each with so many items."""
    work.counted.add(
        [
            NewCount(row=row, agency=one.agency, provider=one.provider, request=one.id, amount=amount)
            for one, items in requests
            for row, amount in zip(SENT.get(one.instrument, ()), (1, items), strict=False)
            if amount
        ]
    )


def answered(work: Work, request: Request, given: Sequence[LineAnswer]) -> None:
    """A provider said something new about items of a request."""
    since = request.received_at or request.sent_at
    new = []
    for one in given:
        row = ANSWERED.get((request.instrument, one.decision))
        if row is not None:
            at = min(one.at or work.now, work.now)
            took = max(0.0, (at - since).total_seconds()) if since and figure(row).timed else None
            new.append(
                NewCount(
                    row=row,
                    agency=request.agency,
                    provider=request.provider,
                    request=request.id,
                    seconds=took,
                )
            )
    work.counted.add(new)


def order_stepped(work: Work, order: Order, event: OrderEvent, *, at: datetime) -> None:
    """A removal order takes a step: what the authority's report and the state's data count of it.

    Args:
        order: As it stood before the step.
    """
    request = work.requests.one(order.request)
    never_left = event is OrderEvent.REVOKE and order.state is OrderState.DRAWN
    if never_left or _has_happened(work, order, event):
        return
    desk.order_stepped(work, request, order, event, at=at)
    if request.instrument != TCO_ORDER:
        return
    rows = [*ORDER_ROWS.get(event, ())]
    if event is OrderEvent.ISSUE and order.crosses_border:
        rows.append("tco-8-a-cross-border")
    for row in rows:
        counted(work, row, agency=request.agency, provider=request.provider, request=request)
    if event is OrderEvent.EXECUTE:
        items = sum(not one.dropped for one in work.requests.lines([request.id])[request.id])
        took = max(0.0, (at - request.received_at).total_seconds()) if request.received_at else None
        counted(
            work,
            "tco-21-a-items",
            agency=request.agency,
            provider=request.provider,
            request=request,
            amount=items,
            seconds=took,
        )


def order_closed(work: Work, request: Request) -> None:
    """The wait for an order's execution ends without it: it was not removed, and why the provider said it was not."""
    order = work.orders.get([request.id]).get(request.id)
    if order is None or request.instrument != TCO_ORDER or _has_happened(work, order, OrderEvent.EXECUTE):
        return
    rows = ["tco-8-a-not-removed"]
    if order.state is OrderState.IMPEDED:
        rows.append(f"tco-8-a-{desk.ground_of(work, request)}")
    desk.order_closed(work, request, order)
    for row in rows:
        counted(work, row, agency=request.agency, provider=request.provider, request=request)


def _has_happened(work: Work, order: Order, event: OrderEvent) -> bool:
    return any(one.event == event.value for one in work.orders.history(order.request))


def reinstated(work: Work, items: Sequence[ItemId]) -> None:
    """Items of withdrawn requests were seen online again."""
    if not items:
        return
    last = {item: requests[-1] for item, requests in work.requests.sent_for(items).items() if requests}
    found = {one.id: one for one in work.requests.get(sorted(set(last.values())))}
    work.counted.add(
        [
            NewCount(row="reinstated-items", agency=one.agency, provider=one.provider, request=one.id)
            for one in (found[request] for request in last.values())
        ]
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Reported:
    """One row of a report."""

    row: Figure
    count: int | None  #: None: told in words, or too small to be shown
    median_s: float | None  #: the median time in seconds, where the row is timed
    is_suppressed: bool = False


def year_of(year: int, *, state: str = "") -> tuple[datetime, datetime]:
    """A calendar year of a state, as two instants; the second is not part of it.

    Raises:
        Invalid: It is no year that can be reported.
    """
    if not 1971 <= year <= 2199:
        raise Invalid(f"there is no report for the year {year}", hint="Write a year such as 2026.")
    zone = zone_of(state)
    first, last = (datetime(one, 1, 1, tzinfo=zone).astimezone(UTC) for one in (year, year + 1))
    return first, last


def transparency(
    work: Work,
    agency: AgencyCode,
    year: int,
    *,
    article: str = "",
    provider: str = "",
    state: str = "",
    public: bool = False,
) -> list[Reported]:
    """The rows of a year's reports: nought is shown as nought, and to the public no small cell.

    Args:
        article: Only rows that begin so, such as `tco-8`.
        provider: Only what concerns one provider.
        state: Whose calendar year it is; empty: in UTC.
        public: Leave out counts below five, and whatever would let one reckon them.

    Raises:
        Invalid: No row begins so, or the year or the state cannot be.
    """
    since, until = year_of(year, state=state)
    found = work.counted.rows(agency, since=since, until=until, provider=provider)
    few = SMALL if public else 1
    rows = [
        _reported(one, found.get(one.id), found.get(f"{one.id}{desk.TIME}"), few=few)
        for one in figures_of(article)
    ]
    return _without_small(rows) if public else rows


def _reported(row: Figure, found: RowCount | None, later: RowCount | None, *, few: int) -> Reported:
    """One row; what took its time after it was counted is noted under a name of its own."""
    if row.of is Of.WORDS:
        return Reported(row=row, count=None, median_s=None)
    times = sorted(time for one in (found, later) if one for time in one.times)
    median = quantile(times, 0.5) if row.timed and len(times) >= few else None
    return Reported(row=row, count=found.amount if found else 0, median_s=median)


def _without_small(rows: Sequence[Reported]) -> list[Reported]:
    """Leave out small counts, parts whose rest is small, and a whole from which the only part left out could be reckoned;
    and medians of few."""
    counts = {one.row.id: one.count or 0 for one in rows}
    parts: dict[str, list[str]] = {}
    for one in rows:
        if one.row.part_of in counts:
            parts.setdefault(one.row.part_of, []).append(one.row.id)
    small = {row for row, count in counts.items() if 0 < count < SMALL}
    for whole, own in parts.items():
        small |= {row for row in own if counts[row] and 0 < counts[whole] - counts[row] < SMALL}
        if len(small.intersection(own)) == 1:
            small.add(whole)
    return [_hidden(one) if one.row.id in small else one for one in rows]


def _hidden(one: Reported) -> Reported:
    return replace(one, count=None, median_s=None, is_suppressed=True)


__all__ = [
    "Reported",
    "answered",
    "counted",
    "order_closed",
    "order_stepped",
    "reinstated",
    "sent",
    "transparency",
    "year_of",
]
