"""Clocks begin at their event, are met by what they wait for, and can be read with both deadlines.

How they ring is in `flow/ringing.py`, what is claimed about them in `flow/claimed.py`; both are called from here too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from staydown.core.errors import IllegalStep, Invalid
from staydown.core.ids import AgencyCode, ClockId, RequestId
from staydown.core.people import Person
from staydown.core.request import Request
from staydown.core.states import CLOCK, ClockEvent, ClockState, step
from staydown.core.text import clean
from staydown.core.time import utc
from staydown.flow.claimed import history_of, judge, note, restart, settle, suspend
from staydown.flow.ringing import period_of, run, wind
from staydown.law import register
from staydown.law.claims import Noted, Step, standing
from staydown.law.counting import Day, Ends, Length, Rule, ends, read_rule
from staydown.law.holidays import state_of
from staydown.law.periods import ACT, FOLLOW_UP, Counts, Party, Period
from staydown.law.register import SECRET, SECRET_EXTENDED
from staydown.ports.clocks import NewClock, QueuedClock
from staydown.ports.work import Work, WorkKind

REFERRAL_PERIODS: tuple[Period, ...] = (ACT, FOLLOW_UP)
"""None of them is a legal deadline: a referral asks, an order binds."""
_TEXT = 4000


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
    wind(work, fresh)


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


def view(work: Work, request: Request) -> list[ClockView]:
    """The clocks of a request, each with both deadlines and its history."""
    found = work.clocks.of([request.id])
    notes = work.clocks.history([one.id for one in found])
    views = []
    for one in found:
        first, said = history_of(notes[one.id], one)
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
    binding = [clock for clock in going if period_of(clock).counts is not Counts.HOUSE]
    for clock in binding:
        note(work, clock, Step.MET, instant=came[clock.request], text="", by=None)
        settle(work, clock)
    plain = [clock for clock in going if period_of(clock).counts is Counts.HOUSE]
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


__all__ = [
    "REFERRAL_PERIODS", "ClockView", "begin", "cancel", "cancel_one", "extend_non_disclosure", "judge", "meet",
    "queue", "restart", "run", "start", "suspend", "view",
]  # fmt: skip
