"""What a provider claims about a clock, and what the authority makes of it: kept apart, neither overwrites the other.

Source: Regulation (EU) 2021/784, Art. 3(7) and 3(8).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from staydown.core.errors import IllegalStep, Invalid
from staydown.core.house import Matter
from staydown.core.ids import ClockId
from staydown.core.people import Person
from staydown.core.states import CLOCK, ClockEvent, ClockState, step
from staydown.core.text import clean
from staydown.core.time import iso, utc
from staydown.flow import duty
from staydown.flow.ringing import name_of, period_of, round_of, wind
from staydown.law.claims import NO_CLAIM, NO_CLAIM_HINT, Noted, Standing, Step, standing
from staydown.law.counting import Ends, Rule, ends, read_length
from staydown.law.periods import Counts, Party
from staydown.ports.clocks import ClockNote, DueClock
from staydown.ports.work import Work, WorkKind

_TEXT = 4000
_INTO: Mapping[ClockState, ClockEvent] = {
    ClockState.RUNNING: ClockEvent.RESTART,
    ClockState.SUSPENDED: ClockEvent.SUSPEND,
    ClockState.MET: ClockEvent.MEET,
    ClockState.LAPSED: ClockEvent.LAPSE,
}
"""The event that leads into a state."""


def suspend(work: Work, clock: ClockId, *, claimed_at: datetime, ground: str, by: Person | None) -> None:
    """Note the provider's claim that it cannot execute, or finds the order wrong or short (Annex III).

    Args:
        claimed_at: The instant from which on it says so.
        ground: What it says.
        by: Who notes it; None where the provider's own interface said it.

    Raises:
        Invalid: It says nothing.
        IllegalStep: The clock stands still already, or is over for good.

    Source: Regulation (EU) 2021/784, Art. 3(7) and 3(8).
    """
    one = _claimable(work, clock, ground, claimed=False)
    note(work, one, Step.SUSPENDED, instant=claimed_at, text=ground, by=by)
    settle(work, one)
    work.ledger.append(
        "request:clock:suspended",
        f"request:{one.request}",
        {"clock": one.id, "ground": clean(ground)[:_TEXT]},
    )
    name = name_of(work, one)
    duty.alarm(
        work,
        one.agency,
        Matter.ALARM,
        f"clock:{one.id}:claim:{round_of(work, one)}",
        f"{name}: the provider says that {one.kind!r} does not run; somebody has to judge that",
    )


def judge(work: Work, clock: ClockId, *, accepted: bool, reason: str, by: Person) -> None:
    """Note what the authority makes of the provider's last claim; it may be said at any time, and again.

    Raises:
        Invalid: No reason was given.
        IllegalStep: Nothing was claimed.

    Source: Regulation (EU) 2021/784, Art. 3(7) and 3(8).
    """
    one = _claimable(work, clock, reason)
    note(work, one, Step.ACCEPTED if accepted else Step.REJECTED, instant=work.now, text=reason, by=by)
    settle(work, one)
    detail = {"clock": one.id, "accepted": accepted, "by": by.id, "reason": clean(reason)[:_TEXT]}
    work.ledger.append("request:clock:judged", f"request:{one.request}", detail)


def restart(work: Work, clock: ClockId, *, at: datetime, ground: str, by: Person | None) -> None:
    """The grounds ended, or the clarification was received: the whole period again, from that instant.

    Raises:
        Invalid: It is not said why, or the instant lies before the period began.
        IllegalStep: Nothing was claimed.

    Source: Regulation (EU) 2021/784, Art. 3(7) and 3(8).
    """
    one, at = work.clocks.one(clock), utc(at)
    if at < one.started_at:
        raise Invalid(
            f"{iso(at)} lies before the period began", hint="Name the instant at which it may begin anew."
        )
    try:
        length = read_length(one.length)
    except Invalid as error:
        raise IllegalStep(f"{one.kind!r} ends on a fixed day and cannot begin anew") from error
    rule = period_of(one).rule or Rule(one.rule.split(" ")[0])
    one = _claimable(work, clock, ground)
    anew = ends(at, length, state=one.country, rule=rule)
    note(work, one, Step.RESTARTED, instant=at, text=ground, by=by, found=anew)
    settle(work, one)
    work.ledger.append(
        "request:clock:restarted",
        f"request:{one.request}",
        {"clock": one.id, "at": iso(at), "ground": clean(ground)[:_TEXT]},
    )


def _claimable(work: Work, clock: ClockId, text: str, *, claimed: bool = True) -> DueClock:
    """The clock, locked, and with its first ends on record before anything moves them."""
    if not text.strip():
        raise Invalid("say in words why")
    one = work.clocks.one(clock, lock=True)
    if one.state in {ClockState.ENDED, ClockState.CANCELLED}:
        raise IllegalStep(
            f"{one.kind!r} is over: {one.state.value}", hint="Nothing runs that could stand still."
        )
    steps = {note.step for note in work.clocks.history([one.id])[one.id]}
    if claimed and Step.SUSPENDED.value not in steps:
        raise IllegalStep(NO_CLAIM, hint=NO_CLAIM_HINT)
    if not claimed and one.state not in {ClockState.RUNNING, ClockState.LAPSED}:
        step(CLOCK, one.state, ClockEvent.SUSPEND)
    if Step.BEGUN.value not in steps:
        first = Ends(strict=one.strict_end, legal=one.legal_end, rule=one.rule)
        note(work, one, Step.BEGUN, instant=one.started_at, text="", by=None, found=first)
    return one


def note(
    work: Work,
    one: DueClock,
    what: Step,
    *,
    instant: datetime,
    text: str,
    by: Person | None,
    found: Ends | None = None,
) -> None:
    work.clocks.note(
        [
            ClockNote(
                clock=one.id,
                step=what.value,
                at=work.now,
                instant=utc(instant),
                by=by.id if by else "",
                text=clean(text)[:_TEXT],
                strict_end=found.strict if found else None,
                legal_end=found.legal if found else None,
                rule=found.rule if found else "",
            )
        ]
    )


def history_of(notes: Sequence[ClockNote], one: DueClock) -> tuple[Ends, tuple[Noted, ...]]:
    """The first ends of a clock, and everything noted since."""
    said = tuple(
        Noted(
            step=Step(note.step),
            at=note.at,
            instant=note.instant,
            by=note.by,
            text=note.text,
            ends=_read(note),
        )
        for note in notes
    )
    first = next((note.ends for note in said if note.step is Step.BEGUN and note.ends), None)
    return first or Ends(strict=one.strict_end, legal=one.legal_end, rule=one.rule), said


def _read(note: ClockNote) -> Ends | None:
    if note.strict_end is None or note.legal_end is None:
        return None
    return Ends(strict=note.strict_end, legal=note.legal_end, rule=note.rule)


def settle(work: Work, one: DueClock) -> None:
    """Bring a clock to where it stands after all that was noted about it."""
    first, said = history_of(work.clocks.history([one.id])[one.id], one)
    now = standing(first, said)
    view = now.in_force
    after = _state(work, one, now, [note.instant for note in said if note.step is Step.MET])
    if after is not one.state:
        after = step(CLOCK, one.state, _INTO[after])
    shown = view or Ends(strict=one.strict_end, legal=one.legal_end)
    work.clocks.turn(one, after, strict_end=shown.strict, legal_end=shown.legal)
    work.queue.cancel(WorkKind.CLOCK, [one.id])
    if after is ClockState.RUNNING:
        wind(work, [replace(one, state=after, strict_end=shown.strict, legal_end=shown.legal)])


def _state(work: Work, one: DueClock, now: Standing, met: Sequence[datetime]) -> ClockState:
    view, over = now.in_force, None
    if view is not None:
        over = period_of(one).over_at(view, Party(one.party))
    if met and period_of(one).counts is not Counts.DUTY:
        return ClockState.MET  # nobody could be late
    if met:
        return ClockState.MET if over is None or met[0] <= over else ClockState.LAPSED
    if over is None:
        return ClockState.SUSPENDED
    if one.state is ClockState.LAPSED and work.now >= over:
        return ClockState.LAPSED
    return ClockState.RUNNING


__all__ = ["history_of", "judge", "note", "restart", "settle", "suspend"]
