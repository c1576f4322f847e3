"""Clocks ring: they warn before the end, alarm at the strict one, and lapse or end at the end that counts.

Which end that is, is a matter of the period (`law/periods.py`). Nobody is said to be late before both the authority's
deadline and the legal end are over.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from staydown.core.house import Matter
from staydown.core.ids import ClockId
from staydown.core.states import CLOCK, ClockEvent, ClockState, step
from staydown.core.time import iso
from staydown.flow import duty
from staydown.law import register
from staydown.law.claims import Step
from staydown.law.counting import Ends
from staydown.law.periods import FOLLOW_UP, Counts, Party, Period, Ring
from staydown.ports.clocks import DueClock
from staydown.ports.tools import Tools
from staydown.ports.work import Task, Work, WorkKind


def period_of(clock: DueClock) -> Period:
    return register.begun_under(clock.kind, clock.started_at.date())


def rings_of(clock: DueClock) -> tuple[tuple[datetime, Ring], ...]:
    found = Ends(strict=clock.strict_end, legal=clock.legal_end)
    return period_of(clock).rings(found, Party(clock.party))


def wind(work: Work, clocks: Sequence[DueClock]) -> None:
    """See to it that each clock rings next when it has to: at once where that has passed."""
    due: dict[ClockId, datetime] = {}
    for clock in clocks:
        left = [at for at, _ in rings_of(clock) if at > work.now]
        due[clock.id] = min(left, default=work.now)
    work.queue.add_at(WorkKind.CLOCK, due, priority=0)


def run(tools: Tools, tasks: Sequence[Task]) -> None:
    """Ring clocks: warn before the end, alarm at the strict one, lapse or end at the end that counts."""
    with tools.begin() as work:
        work.queue.done(tasks)
        due = work.clocks.get([ClockId(task.subject) for task in tasks])
        over = [clock for clock in due if rings_of(clock)[-1][0] <= work.now]
        before = [clock for clock in due if rings_of(clock)[-1][0] > work.now]
        _over(work, over)
        for clock in before:
            _announce(work, clock)
        wind(work, before)


def _over(work: Work, due: Sequence[DueClock]) -> None:
    """Clocks whose end has come: met if the duty was done in time, else lapsed; ended where nobody could be late."""
    duties = [clock for clock in due if rings_of(clock)[-1][1] is Ring.LAPSE]
    ours = [clock for clock in duties if clock.kind == FOLLOW_UP.name]
    done = work.clocks.followed_up([clock.request for clock in ours], FOLLOW_UP.name)
    met = [clock.id for clock in ours if clock.request in done]
    lapsed = [clock for clock in duties if clock.id not in set(met)]
    ended = [clock for clock in due if rings_of(clock)[-1][1] is Ring.END]
    work.clocks.end(met, step(CLOCK, ClockState.RUNNING, ClockEvent.MEET))
    late = work.clocks.end([one.id for one in lapsed], step(CLOCK, ClockState.RUNNING, ClockEvent.LAPSE))
    gone = work.clocks.end([one.id for one in ended], step(CLOCK, ClockState.RUNNING, ClockEvent.END))
    for clock in (one for one in lapsed if one.id in late):
        detail = {"clock": clock.id, "kind": clock.kind, "party": clock.party}
        work.ledger.append("request:clock:lapsed", f"request:{clock.request}", detail)
    for clock in (one for one in ended if one.id in gone):
        detail = {"clock": clock.id, "kind": clock.kind, "party": clock.party}
        work.ledger.append("request:clock:ended", f"request:{clock.request}", detail)
    _call_about(work, [one for one in (*lapsed, *ended) if one.id in late | gone])


def _call_about(work: Work, over: Sequence[DueClock]) -> None:
    """Somebody has to know: a duty or a power of our own ran out, or an order was not executed in time."""
    told = [clock for clock in over if clock.party == Party.AGENCY.value or period_of(clock).binding]
    for clock in told:
        period, name = period_of(clock), name_of(work, clock)
        if period.counts is Counts.MAY and clock.party == Party.AGENCY.value:
            text = f"{name}: {clock.kind!r} ended by itself at {iso(min(clock.strict_end, clock.legal_end))}"
        elif clock.party == Party.AGENCY.value and period.counts in {Counts.DUTY, Counts.HOUSE}:
            text = f"{name}: our own duty {clock.kind!r} ended undone at {iso(clock.strict_end)}"
        elif period.counts is Counts.DUTY:
            text = f"{name}: {clock.kind!r} was due from the {clock.party} by {iso(clock.strict_end)}"
        else:
            continue
        _alarm(work, clock, "", text)


def _announce(work: Work, clock: DueClock) -> None:
    """What rings before the end: our own people are warned, and told when the strict end has come."""
    rung = [ring for at, ring in rings_of(clock)[:-1] if at <= work.now]
    name = name_of(work, clock)
    if Ring.ALARM in rung:
        by = f"by {iso(clock.strict_end)}" if clock.strict_end != clock.legal_end else "now"
        _alarm(
            work,
            clock,
            "",
            f"{name}: {clock.kind!r} was due from the {clock.party} {by}; nobody is late before {iso(max(clock.strict_end, clock.legal_end))}",
        )
    elif Ring.WARN in rung:
        _alarm(
            work,
            clock,
            ":soon",
            f"{name}: {clock.kind!r} ends at {iso(min(clock.strict_end, clock.legal_end))}",
        )


def _alarm(work: Work, clock: DueClock, sort: str, text: str) -> None:
    """One alarm for each clock and round: what rings again after a restart is told again."""
    number = round_of(work, clock) if period_of(clock).binding else 0
    turn = f":{number}" if number else ""
    duty.alarm(work, clock.agency, Matter.ALARM, f"clock:{clock.id}{turn}{sort}", text)


def round_of(work: Work, one: DueClock) -> int:
    return sum(note.step == Step.SUSPENDED.value for note in work.clocks.history([one.id])[one.id])


def name_of(work: Work, clock: DueClock) -> str:
    return work.requests.one(clock.request).reference


__all__ = ["name_of", "period_of", "rings_of", "round_of", "run", "wind"]
