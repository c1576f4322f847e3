"""Clocks begin at their event, stand still while a claim does, and ring: warn, alarm, lapse or end.

Which of its two ends a clock rings at is a matter of its period (`law/periods.py`). A provider's claim and what the
authority makes of it are kept apart (`law/claims.py`); nobody is said to be late before both the authority's deadline
and the legal end are over.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from staydown.core.errors import IllegalStep, Invalid
from staydown.core.house import Matter
from staydown.core.ids import AgencyCode, ClockId, RequestId
from staydown.core.people import Person
from staydown.core.request import Request
from staydown.core.states import CLOCK, ClockEvent, ClockState, step
from staydown.core.text import clean
from staydown.core.time import iso, utc
from staydown.flow import duty
from staydown.law import register
from staydown.law.claims import NO_CLAIM, NO_CLAIM_HINT, Noted, Standing, Step, standing
from staydown.law.counting import Day, Ends, Length, Rule, ends, read_length, read_rule
from staydown.law.holidays import state_of
from staydown.law.periods import ACT, FOLLOW_UP, Counts, Party, Period, Ring
from staydown.law.register import SECRET, SECRET_EXTENDED
from staydown.ports.clocks import ClockNote, DueClock, NewClock, QueuedClock
from staydown.ports.tools import Tools
from staydown.ports.work import Task, Work, WorkKind

REFERRAL_PERIODS: tuple[Period, ...] = (ACT, FOLLOW_UP)
"""None of them is a legal deadline: a referral asks, an order binds."""
_TEXT = 4000
_INTO: Mapping[ClockState, ClockEvent] = {
    ClockState.RUNNING: ClockEvent.RESTART,
    ClockState.SUSPENDED: ClockEvent.SUSPEND,
    ClockState.MET: ClockEvent.MEET,
    ClockState.LAPSED: ClockEvent.LAPSE,
}
"""The event that leads into a state."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockView:
    """A clock with both deadlines: the provider's claim and the authority's view never hide each other."""

    id: ClockId
    kind: str
    party: Party
    place: str
    state: ClockState
    source: str
    started_at: datetime
    strict_end: datetime  #: of the view in force
    legal_end: datetime  #: of the view in force
    rule: str
    by_claim: Ends | None  #: None: by the provider's claim it stands still
    by_authority: Ends | None  #: None: by the authority's view it stands still
    accepted: bool | None  #: how the last claim was judged; None: there is none, or it waits
    history: tuple[Noted, ...]


# --- begin ----------------------------------------------------------------------------------------------


def start(work: Work, received: Sequence[tuple[Request, datetime]], *, place: str) -> None:
    """Start the clocks that follow the receipt of referrals; one that was begun stays as it is.

    A provider's clock starts when it had the request; a duty of ours when we could know that.
    """
    new = [
        _new(request, period, ends(begins, period.fixed), at=begins, place=place, party=period.party)
        for request, at in received
        for period in REFERRAL_PERIODS
        for begins in [at if period.party is Party.PROVIDER else work.now]
    ]
    _start(work, new)


def begin(
    work: Work,
    request: Request,
    kind: str,
    *,
    at: datetime,
    state: str,
    place: str = "",
    party: Party | None = None,
    length: Length | None = None,
) -> ClockId:
    """Begin one clock; one that was begun for the same request, kind, party and place stays, however it stands.

    Args:
        work: One open transaction.
        kind: The period's name or number in the register, such as `remove` or `C02`.
        at: The instant of the event that sets it going.
        state: The state of whoever has to act, two letters: its time and its holidays count; empty where unknown.
        place: Tells clocks of the same kind apart, such as two content providers.
        party: Who has to act, where it is not whom the register names: `agency` where it is we.
        length: How long, where another law says it, such as national law the time to appeal.

    Raises:
        Invalid: There is no such period or state, or its length stands elsewhere and was not given.
        NotFound: The period was not in force then.
    """
    at = utc(at)
    period = register.period(kind, at.date())
    who = party or period.party
    country = state_of(state) if state else ""
    wanted = length or period.length or period.reminder
    if wanted is None:
        raise Invalid(
            f"how long {period.name!r} takes is for national law to say",
            hint="Give the length that stands in the order (Annex I, section G).",
        )
    rule = period.rule or read_rule(work.counting)
    found = _ends(wanted, at, country, rule)
    new = _new(request, period, found, at=at, place=place, party=who, length=wanted, country=country)
    _start(work, [new])
    return next(
        one.id
        for one in work.clocks.of([request.id])
        if (one.kind, one.party, one.place) == (period.name, who.value, place)
    )


def _ends(length: Length | Day, at: datetime, country: str, rule: Rule) -> Ends:
    return (
        length.after(at, state=country)
        if isinstance(length, Day)
        else ends(at, length, state=country, rule=rule)
    )


def _new(
    request: Request,
    period: Period,
    found: Ends,
    *,
    at: datetime,
    place: str,
    party: Party,
    length: Length | Day | None = None,
    country: str = "",
) -> NewClock:
    wanted = length or period.fixed
    return NewClock(
        request=request.id,
        agency=request.agency,
        kind=period.name,
        party=party.value,
        place=place,
        source=period.source,
        started_at=at,
        strict_end=found.strict,
        legal_end=found.legal,
        length=wanted.iso if isinstance(wanted, Length) else str(wanted),
        country=country,
        rule=found.rule,
    )


def _start(work: Work, new: Sequence[NewClock]) -> None:
    """Write clocks, and the work and entries of those that were not begun before."""
    requests = sorted({one.request for one in new})
    before = {clock.id for clock in work.clocks.of(requests)}
    work.clocks.start(new)
    fresh = [clock for clock in work.clocks.running(requests) if clock.id not in before]
    for clock in fresh:
        work.ledger.append(
            "request:clock:started", f"request:{clock.request}", {"clock": clock.id, "kind": clock.kind}
        )
    _wind(work, fresh)


def extend_non_disclosure(work: Work, request: Request, *, by: Person, reason: str) -> ClockId:
    """Give non-disclosure its one extension, which runs from the end of the first period.

    Raises:
        Invalid: No reason was given.
        IllegalStep: There is none, it has ended, or it was extended already.
    """
    if not reason.strip():
        raise Invalid("say why it is still necessary and proportionate that the content provider is not told")
    own = {one.kind: one for one in work.clocks.of([request.id])}
    first = own.get(SECRET.name)
    if first is None or first.state is not ClockState.RUNNING or work.now >= first.strict_end:
        raise IllegalStep(
            "no non-disclosure is running that could be extended", hint="It is never renewed once it ended."
        )
    if SECRET_EXTENDED.name in own:
        raise IllegalStep(
            "non-disclosure was extended already", hint="The law knows one extension of six weeks."
        )
    at = min(first.strict_end, first.legal_end)
    number = begin(work, request, SECRET_EXTENDED.name, at=at, state=first.country, place=first.place)
    detail = {"clock": number, "by": by.id, "reason": clean(reason)[:_TEXT]}
    work.ledger.append("request:clock:extended", f"request:{request.id}", detail)
    return number


# --- claims ---------------------------------------------------------------------------------------------


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
    _note(work, one, Step.SUSPENDED, instant=claimed_at, text=ground, by=by)
    _settle(work, one)
    work.ledger.append(
        "request:clock:suspended",
        f"request:{one.request}",
        {"clock": one.id, "ground": clean(ground)[:_TEXT]},
    )
    name = _named(work, one)
    duty.alarm(
        work,
        one.agency,
        Matter.ALARM,
        f"clock:{one.id}:claim:{_round(work, one)}",
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
    _note(work, one, Step.ACCEPTED if accepted else Step.REJECTED, instant=work.now, text=reason, by=by)
    _settle(work, one)
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
    rule = _period(one).rule or Rule(one.rule.split(" ")[0])
    one = _claimable(work, clock, ground)
    anew = ends(at, length, state=one.country, rule=rule)
    _note(work, one, Step.RESTARTED, instant=at, text=ground, by=by, found=anew)
    _settle(work, one)
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
        _note(work, one, Step.BEGUN, instant=one.started_at, text="", by=None, found=first)
    return one


def _note(
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


def _history(notes: Sequence[ClockNote], one: DueClock) -> tuple[Ends, tuple[Noted, ...]]:
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


def _round(work: Work, one: DueClock) -> int:
    return sum(note.step == Step.SUSPENDED.value for note in work.clocks.history([one.id])[one.id])


def _settle(work: Work, one: DueClock) -> None:
    """Bring a clock to where it stands after all that was noted about it."""
    first, said = _history(work.clocks.history([one.id])[one.id], one)
    now = standing(first, said)
    view = now.in_force
    after = _state(work, one, now, [note.instant for note in said if note.step is Step.MET])
    if after is not one.state:
        after = step(CLOCK, one.state, _INTO[after])
    shown = view or Ends(strict=one.strict_end, legal=one.legal_end)
    work.clocks.turn(one, after, strict_end=shown.strict, legal_end=shown.legal)
    work.queue.cancel(WorkKind.CLOCK, [one.id])
    if after is ClockState.RUNNING:
        _wind(work, [replace(one, state=after, strict_end=shown.strict, legal_end=shown.legal)])


def _state(work: Work, one: DueClock, now: Standing, met: Sequence[datetime]) -> ClockState:
    view, over = now.in_force, None
    if view is not None:
        over = _period(one).over_at(view, Party(one.party))
    if met:
        return ClockState.MET if over is None or met[0] <= over else ClockState.LAPSED
    if over is None:
        return ClockState.SUSPENDED
    if one.state is ClockState.LAPSED and work.now >= over:
        return ClockState.LAPSED
    return ClockState.RUNNING


def view(work: Work, request: Request) -> list[ClockView]:
    """The clocks of a request, each with both deadlines and its history."""
    found = work.clocks.of([request.id])
    notes = work.clocks.history([one.id for one in found])
    views = []
    for one in found:
        first, said = _history(notes[one.id], one)
        now = standing(first, said)
        views.append(
            ClockView(
                id=one.id,
                kind=one.kind,
                party=Party(one.party),
                place=one.place,
                state=one.state,
                source=one.source,
                started_at=one.started_at,
                strict_end=one.strict_end,
                legal_end=one.legal_end,
                rule=one.rule,
                by_claim=now.by_claim,
                by_authority=now.by_authority,
                accepted=now.accepted,
                history=said,
            )
        )
    return views


def queue(
    work: Work, agency: AgencyCode, *, limit: int = 100, after: tuple[datetime, ClockId] | None = None
) -> list[QueuedClock]:
    """Running clocks of an agency, what ends first on top; `after` is the strict end and id of the last one shown.

    Raises:
        Invalid: The limit is not 1 to 10,000.
    """
    if not 1 <= limit <= 10_000:
        raise Invalid(f"a list of {limit} clocks cannot be", hint="Ask for 1 to 10,000.")
    return work.clocks.queue(agency, limit=limit, after=after)


# --- meet, cancel ---------------------------------------------------------------------------------------


def meet(
    work: Work,
    came: Mapping[RequestId, datetime],
    *,
    kinds: Sequence[str],
    places: Sequence[str] | None = None,
) -> None:
    """Stop clocks because what they waited for came, each at its own instant; one that was over by then lapses.

    Args:
        kinds: Names of periods.
        places: Only clocks of these; None: of all.
    """
    going = [
        clock
        for clock in work.clocks.of(list(came))
        if clock.kind in kinds
        and clock.state in {ClockState.RUNNING, ClockState.SUSPENDED}
        and (places is None or clock.place in places)
    ]
    binding = [clock for clock in going if _period(clock).counts is not Counts.HOUSE]
    for clock in binding:
        _note(work, clock, Step.MET, instant=came[clock.request], text="", by=None)
        _settle(work, clock)
    plain = [clock for clock in going if _period(clock).counts is Counts.HOUSE]
    for event, in_time in ((ClockEvent.MEET, True), (ClockEvent.LAPSE, False)):
        ids = [clock.id for clock in plain if (clock.strict_end >= came[clock.request]) is in_time]
        work.clocks.end(ids, step(CLOCK, ClockState.RUNNING, event))


def cancel(work: Work, requests: Sequence[RequestId]) -> None:
    """Stop all clocks of withdrawn requests."""
    work.clocks.end_all(requests, step(CLOCK, ClockState.RUNNING, ClockEvent.CANCEL))


def cancel_one(work: Work, clock: ClockId) -> None:
    """Stop one clock that nobody waits for any more; one that is over stays as it is."""
    one = work.clocks.one(clock, lock=True)
    if one.state in {ClockState.RUNNING, ClockState.SUSPENDED}:
        after = step(CLOCK, one.state, ClockEvent.CANCEL)
        work.clocks.turn(one, after, strict_end=one.strict_end, legal_end=one.legal_end)
        work.queue.cancel(WorkKind.CLOCK, [one.id])


# --- ring -----------------------------------------------------------------------------------------------


def _period(clock: DueClock) -> Period:
    return register.begun_under(clock.kind, clock.started_at.date())


def _rings(clock: DueClock) -> tuple[tuple[datetime, Ring], ...]:
    found = Ends(strict=clock.strict_end, legal=clock.legal_end)
    return _period(clock).rings(found, Party(clock.party))


def _wind(work: Work, clocks: Sequence[DueClock]) -> None:
    """See to it that each clock rings next when it has to: at once where that has passed."""
    due: dict[ClockId, datetime] = {}
    for clock in clocks:
        left = [at for at, _ in _rings(clock) if at > work.now]
        due[clock.id] = min(left, default=work.now)
    work.queue.add_at(WorkKind.CLOCK, due, priority=0)


def run(tools: Tools, tasks: Sequence[Task]) -> None:
    """Ring clocks: warn before the end, alarm at the strict one, lapse or end at the end that counts."""
    with tools.begin() as work:
        work.queue.done(tasks)
        due = work.clocks.get([ClockId(task.subject) for task in tasks])
        over = [clock for clock in due if _rings(clock)[-1][0] <= work.now]
        before = [clock for clock in due if _rings(clock)[-1][0] > work.now]
        _over(work, over)
        for clock in before:
            _announce(work, clock)
        _wind(work, before)


def _over(work: Work, due: Sequence[DueClock]) -> None:
    """Clocks whose end has come: met if the duty was done in time, else lapsed; ended where nobody could be late."""
    last: Callable[[DueClock], Ring] = lambda clock: _rings(clock)[-1][1]  # noqa: E731
    duties = [clock for clock in due if last(clock) is Ring.LAPSE]
    ours = [clock for clock in duties if clock.kind == FOLLOW_UP.name]
    done = work.clocks.followed_up([clock.request for clock in ours], FOLLOW_UP.name)
    met = [clock.id for clock in ours if clock.request in done]
    lapsed = [clock for clock in duties if clock.id not in set(met)]
    ended = [clock for clock in due if last(clock) is Ring.END]
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
    told = [clock for clock in over if clock.party == Party.AGENCY.value or _period(clock).binding]
    for clock in told:
        period, name = _period(clock), _named(work, clock)
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
    rung = [ring for at, ring in _rings(clock)[:-1] if at <= work.now]
    name = _named(work, clock)
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
    number = _round(work, clock) if _period(clock).binding else 0
    turn = f":{number}" if number else ""
    duty.alarm(work, clock.agency, Matter.ALARM, f"clock:{clock.id}{turn}{sort}", text)


def _named(work: Work, clock: DueClock) -> str:
    return work.requests.one(clock.request).reference


__all__ = [
    "REFERRAL_PERIODS", "ClockView", "begin", "cancel", "cancel_one", "extend_non_disclosure", "judge", "meet",
    "queue", "restart", "run", "start", "suspend", "view",
]  # fmt: skip
