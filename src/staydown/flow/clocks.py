"""Clocks start at receipt, stop at what they wait for, and lapse at their strict end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from staydown.core.house import Matter
from staydown.core.ids import ClockId, RequestId
from staydown.core.request import Request
from staydown.core.states import CLOCK, ClockEvent, ClockState, step
from staydown.core.time import iso
from staydown.flow import duty
from staydown.law.counting import ends
from staydown.law.periods import ACT, FOLLOW_UP, Party, Period
from staydown.ports.tools import Tools
from staydown.ports.work import DueClock, NewClock, Task, Work, WorkKind

REFERRAL_PERIODS: tuple[Period, ...] = (ACT, FOLLOW_UP)
"""None of them is a legal deadline: a referral asks, an order binds."""


def start(work: Work, received: Sequence[tuple[Request, datetime]], *, place: str) -> None:
    """Start the clocks that follow receipt; one that runs already stays as it is.

    A provider's clock starts when it had the request; a duty of ours when we could know that.
    """
    work.clocks.start(
        [
            NewClock(
                request=request.id,
                kind=period.name,
                party=period.party.value,
                place=place,
                source=period.source,
                started_at=begins,
                strict_end=ends(begins, period.fixed).strict,
                legal_end=ends(begins, period.fixed).legal,
            )
            for request, at in received
            for period in REFERRAL_PERIODS
            for begins in [at if period.party is Party.PROVIDER else work.now]
        ]
    )
    due: dict[ClockId, datetime] = {}
    for clock in work.clocks.running([request.id for request, _ in received]):
        due[clock.id] = max(clock.strict_end, work.now)
        work.ledger.append(
            "request:clock:started", f"request:{clock.request}", {"clock": clock.id, "kind": clock.kind}
        )
    work.queue.add_at(WorkKind.CLOCK, due, priority=0)


def meet(work: Work, came: Mapping[RequestId, datetime], *, kinds: Sequence[str]) -> None:
    """Stop clocks because what they waited for came, each at its own instant; one that had ended by then lapses."""
    running = [clock for clock in work.clocks.running(list(came)) if clock.kind in kinds]
    for event, in_time in ((ClockEvent.MEET, True), (ClockEvent.LAPSE, False)):
        ids = [clock.id for clock in running if (clock.strict_end >= came[clock.request]) is in_time]
        work.clocks.end(ids, step(CLOCK, ClockState.RUNNING, event))


def cancel(work: Work, requests: Sequence[RequestId]) -> None:
    """Stop all clocks of withdrawn requests."""
    work.clocks.end_all(requests, step(CLOCK, ClockState.RUNNING, ClockEvent.CANCEL))


def run(tools: Tools, tasks: Sequence[Task]) -> None:
    """End clocks whose strict end has come: met if the duty was done in time, else lapsed."""
    with tools.begin() as work:
        work.queue.done(tasks)
        due = work.clocks.get([ClockId(task.subject) for task in tasks])
        ours = [clock for clock in due if clock.party == Party.AGENCY.value]
        done = work.clocks.followed_up([clock.request for clock in ours], FOLLOW_UP.name)
        met = [clock.id for clock in ours if clock.request in done]
        lapsed = [clock for clock in due if clock.id not in set(met)]
        work.clocks.end(met, step(CLOCK, ClockState.RUNNING, ClockEvent.MEET))
        over = work.clocks.end([one.id for one in lapsed], step(CLOCK, ClockState.RUNNING, ClockEvent.LAPSE))
        for clock in (one for one in lapsed if one.id in over):
            detail = {"clock": clock.id, "kind": clock.kind, "party": clock.party}
            work.ledger.append("request:clock:lapsed", f"request:{clock.request}", detail)
        _call_about(work, [one for one in ours if one.id in over])


def _call_about(work: Work, missed: Sequence[DueClock]) -> None:
    """A duty of our own ran out: whoever is on duty at the agency has to know."""
    requests = {one.id: one for one in work.requests.get({clock.request for clock in missed})}
    for clock in missed:
        request = requests[clock.request]
        duty.alarm(
            work,
            request.agency,
            Matter.ALARM,
            f"clock:{clock.id}",
            f"{request.reference}: our own duty {clock.kind!r} ended undone at {iso(clock.strict_end)}",
        )
