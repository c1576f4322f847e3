"""The world as it moves: what stands where, what providers decide, and how the adversary goes on.

Everything random is a function of the seed, of what is asked about and of the simulated instant, so the same requests
at the same simulated time give the same world on any machine, in whatever order they come.
"""

from __future__ import annotations

import hashlib
import heapq
import math
from bisect import bisect_right, insort
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from staydown.exercise.draw import chance, hours, lognormal, unit
from staydown.exercise.generator import Generator, seen_by
from staydown.exercise.scenario import Scenario
from staydown.exercise.things import Role, Span, Thing, picture
from staydown.testing.world import Fault, FaultKind, LineStatus, Page

FIRST_DAYS = timedelta(hours=26)
"""The things of the first days are seen within this time."""


@dataclass(frozen=True, slots=True)
class Habit:
    """How a provider decides."""

    accepts: float  #: share of rightly referred lines that it acts on
    delay_h: float  #: median hours until it decides
    spread: float = 0.9
    restricts: bool = False  #: shuts off by region in place of removing


HABITS: dict[str, Habit] = {
    "flock": Habit(0.94, 2.0),
    "reel": Habit(0.96, 1.2),
    "hearth": Habit(0.93, 5.0),
    "parcel": Habit(0.90, 8.0),
    "quill": Habit(0.88, 6.0),
    "tortoise": Habit(0.85, 30.0, 0.7),
    "bastion": Habit(0.50, 10.0),
    "lagoon": Habit(0.90, 7.0, restricts=True),
    "barehost": Habit(0.75, 40.0, 0.7),
}
PARTNER_KNOWS = 0.3
"""Share of the media that stand in the partner's list."""
WRONGLY = {Role.EXEMPT: 0.25, Role.CLEAR: 0.15}
"""How often a provider acts on a line that should not have been referred."""


@dataclass(slots=True)
class _Line:
    number: int
    thing: int | None
    decided_at: datetime
    state: str
    reason: str
    address: str


@dataclass(slots=True)
class _Intake:
    provider: str
    reference: str
    at: datetime
    message_id: str
    lines: list[_Line]


@dataclass(frozen=True, slots=True)
class Report:
    """What an agency's monitoring turned up."""

    agency: int
    at: datetime
    address: str
    thing: int


def _report_order(one: Report) -> tuple[datetime, int, int]:
    return one.at, one.agency, one.thing


def _reported_at(one: Report) -> datetime:
    return one.at


def _decided_at(one: tuple[datetime, str, str, int]) -> datetime:
    return one[0]


@dataclass(frozen=True, slots=True)
class Complaint:
    """Somebody says that a page was wrongly referred: its owner, or the provider that looked at it."""

    at: datetime
    provider: str
    reference: str
    line: int
    purpose: str


@dataclass(slots=True)
class World:
    """All things and what happens to them; satisfies `testing.world.WorldView`."""

    scenario: Scenario
    seed: int
    now: datetime = field(init=False)
    things: list[Thing] = field(init=False)
    record: list[dict[str, object]] = field(default_factory=list)  #: the providers' own record

    def __post_init__(self) -> None:
        self.now = self.scenario.starts_at
        self._made = Generator(self.scenario, self.seed)
        self.things = self._made.world()
        self._intakes: dict[tuple[str, str], _Intake] = {}
        self._events: list[tuple[datetime, str, int]] = []
        self._came_back: dict[int, datetime] = {}
        self._reports: list[Report] = []
        self._complaints: list[Complaint] = []
        self._decisions: list[tuple[datetime, str, str, int]] = []
        self._attempts: dict[int, int] = {}
        self._by_place = {}
        self._things_at, self._struck_at = Counter(), Counter()
        self._is_sorted = False
        for thing in self.things:
            self._enter(thing, later=False)
        self._reports.sort(key=_report_order)
        self._is_sorted = True

    _made: Generator = field(init=False)
    _intakes: dict[tuple[str, str], _Intake] = field(init=False)
    _events: list[tuple[datetime, str, int]] = field(init=False)  #: instant, what, thing; in this order
    _came_back: dict[int, datetime] = field(init=False)  #: when somebody last came back from a thing
    _reports: list[Report] = field(init=False)
    _complaints: list[Complaint] = field(init=False)
    _decisions: list[tuple[datetime, str, str, int]] = field(
        init=False
    )  #: of lines that came by mail, in order
    _is_sorted: bool = field(init=False)
    _attempts: dict[int, int] = field(init=False)
    _by_place: dict[tuple[str, str], int] = field(init=False)
    _things_at: Counter[str] = field(init=False)  #: by provider
    _struck_at: Counter[str] = field(init=False)  #: those of them that were ever taken down

    def _enter(self, thing: Thing, *, later: bool) -> None:
        self._by_place[thing.form.provider, thing.path] = thing.number
        self._things_at[thing.form.provider] += 1
        self._plan_own_ban(thing)
        if not self._is_seen(thing, later=later):
            return
        for agency in seen_by(self.scenario, self.seed, thing, later=later):
            if later:
                wait = lognormal(
                    self.scenario.adversary.found_hours_median, 0.8, self.seed, "found", thing.number, agency
                )
                at = thing.born + hours(max(0.5, wait))
            else:
                at = self.scenario.starts_at + FIRST_DAYS * unit(self.seed, "seen at", thing.number, agency)
            self._told(Report(agency, at.replace(microsecond=0), thing.address, thing.number))

    def _is_seen(self, thing: Thing, *, later: bool) -> bool:
        """Whether the agencies' monitoring turns a thing up."""
        action = self.scenario.action
        if later:
            return action.follow_up
        if action.only and (thing.form.provider != action.only or not thing.form.is_actor):
            return False
        return chance(action.volume, self.seed, "in volume", thing.number)

    def _told(self, report: Report) -> None:
        if self._is_sorted:
            insort(self._reports, report, key=_report_order)
        else:
            self._reports.append(report)

    def _plan_own_ban(self, thing: Thing) -> None:
        """The messenger's own bans: of outlets' accounts and channels, from hour H on."""
        days = self.scenario.action.own_ban_days
        if not days or thing.form.provider != self.scenario.messenger or not thing.form.is_actor:
            return
        if thing.role is Role.TERRORIST:
            mark = unit(self.seed, "own ban", thing.number)
            begins = max(thing.born, self.scenario.hour_h)
            self._plan(begins + hours(-24 * days * math.log(1.0 - mark)), "ban", thing.number)

    def _plan(self, at: datetime, what: str, thing: int) -> None:
        heapq.heappush(self._events, (at, what, thing))

    # --- time ----------------------------------------------------------------------------------

    def advance(self, to: datetime) -> None:
        """Let everything happen that is due until an instant."""
        while self._events and self._events[0][0] <= to:
            at, what, number = heapq.heappop(self._events)
            self.now = max(self.now, at)
            if what == "return":
                self._return(self.things[number], at)
            elif what == "reopen":
                self._reopen(self.things[number], at)
            elif what == "ban":
                self._ban(self.things[number], at)
        self.now = max(self.now, to)

    def _return(self, old: Thing, at: datetime) -> None:
        span, last = old.span_at(at), self._came_back.get(old.number)
        if span is None or (last is not None and last >= span.since):
            return  # it is back, or its operator has come back from this removal already
        self._came_back[old.number] = at
        pressure = self._struck_at[old.form.provider] / max(1, self._things_at[old.form.provider])
        share = min(0.7, self.scenario.adversary.migrate_share * (0.5 + pressure))
        migrates = chance(share, self.seed, "migrates", old.number)
        self._enter(self._made.returned(old, at, migrates=migrates), later=True)

    def _reopen(self, thing: Thing, at: datetime) -> None:
        """The same address comes back: an appeal, or an error at the provider."""
        span = thing.span_at(at)
        if span is not None and span.why == "referral":
            span.until = at
            if self.scenario.action.follow_up:
                self._told(Report(0, at + timedelta(hours=20), thing.address, thing.number))

    def _ban(self, thing: Thing, at: datetime) -> None:
        if thing.span_at(at) is not None:
            return
        planned = next((span for span in thing.spans if span.since > at), None)
        if planned is None:
            self._strike(thing, Span(at, None, "own-ban"))
        else:  # the provider has decided on a request already, and its bans were faster
            planned.since, planned.why = at, "own-ban"
        self._plan_return(thing, at)

    def _strike(self, thing: Thing, span: Span) -> None:
        if not thing.spans:
            self._struck_at[thing.form.provider] += 1
        thing.spans.append(span)

    # --- what the providers' servers ask and say --------------------------------------------------

    def _at(self, provider: str, path: str) -> Thing | None:
        number = self._by_place.get((provider, path))
        return None if number is None else self.things[number]

    def away(self, thing: Thing, at: datetime) -> Span | None:
        """Why a thing cannot be seen at an instant: its own reason, or that of what it sits in."""
        own = thing.span_at(at)
        if own is not None or thing.owner is None:
            return own
        return self.away(self.things[thing.owner], at)

    def page(self, provider: str, path_qs: str) -> Page | None:
        """What stands at a path now."""
        thing = self._at(provider, path_qs)
        if thing is None or thing.born > self.now:
            return None
        span = self.away(thing, self.now)
        owner = self.things[thing.owner].name if thing.owner is not None else thing.name
        return Page(
            presence="online" if span is None else "blocked" if span.why == "region" else "removed",
            kind=thing.form.kind,
            handle=owner if thing.form.is_actor else "",
            name=f"{thing.name} ({thing.form.kind})",
            avatar=thing.avatar,
            text=thing.text(),
            addresses=thing.shared,
            media=thing.media,
            followers=thing.followers if thing.form.is_actor else None,
            posts=None,
        )

    def media(self, provider: str, path: str) -> bytes | None:
        """The bytes of a picture."""
        return picture(path) if path.startswith("/media/") else None

    def receive(
        self,
        provider: str,
        reference: str,
        lines: Sequence[tuple[int, str]],
        *,
        via: str,
        message_id: str,
        repeat: bool,
    ) -> datetime:
        """Take a request in, and decide each line, to take effect after the provider's own time."""
        known = self._intakes.get((provider, reference))
        is_known_mail = known is not None and via == "mail" and message_id == known.message_id
        self._note(provider, reference, via=via, repeat=repeat, is_set_aside=is_known_mail)
        if known is not None:
            return known.at
        decided = [self._decide(provider, reference, number, address) for number, address in lines]
        if via == "mail":
            for line in decided:
                insort(self._decisions, (line.decided_at, provider, reference, line.number))
        intake = _Intake(provider, reference, self.now, message_id, decided)
        self._intakes[provider, reference] = intake
        return intake.at

    def _note(self, provider: str, reference: str, *, via: str, repeat: bool, is_set_aside: bool) -> None:
        self.record.append(
            {
                "at": self.now,
                "provider": provider,
                "reference": reference,
                "via": via,
                "repeat": repeat,
                "set_aside": is_set_aside,  # the provider knows it, and takes nothing in
            }
        )

    def set_aside(self, provider: str, reference: str, *, via: str, repeat: bool) -> None:
        """Note that a request came again and nothing was taken in."""
        self._note(provider, reference, via=via, repeat=repeat, is_set_aside=True)

    def _decide(self, provider: str, reference: str, number: int, address: str) -> _Line:
        place = address.split(".exercise.example", 1)[-1] or "/"
        if provider == "barehost":
            place = f"/{address.split('//', 1)[-1].split('.', 1)[0]}/"
        thing = self._at(provider, place)
        if thing is None:
            return _Line(number, None, self.now, "refused", "there is no such thing here", address)
        attempt = self._attempts[thing.number] = self._attempts.get(thing.number, 0) + 1
        habit = HABITS[provider]
        share = habit.accepts if thing.role is Role.TERRORIST else WRONGLY[thing.role]
        at = self.now + hours(
            lognormal(habit.delay_h, habit.spread, self.seed, "delay", thing.number, attempt)
        )
        if not chance(share, self.seed, "accepts", thing.number, attempt):
            reason = "within our rules" if thing.role is Role.TERRORIST else f"this is {thing.purpose}"
            if thing.role is not Role.TERRORIST:  # a provider that sees the error says so
                self._complaints.append(Complaint(at, provider, reference, number, thing.purpose))
            return _Line(number, thing.number, at, "refused", reason, address)
        state = "restricted" if habit.restricts else "removed"
        if thing.span_at(at) is None:
            self._strike(thing, Span(at, None, "region" if habit.restricts else "referral"))
            self._after_removal(thing, at, reference, number)
        return _Line(number, thing.number, at, state, "against our rules", address)

    def _after_removal(self, thing: Thing, at: datetime, reference: str, line: int) -> None:
        rules, seed = self.scenario.adversary, self.seed
        if thing.role is not Role.TERRORIST:
            wait = hours(lognormal(48.0, 0.6, seed, "complains after", thing.number))
            if chance(0.8, seed, "complains", thing.number):
                self._complaints.append(
                    Complaint(at + wait, thing.form.provider, reference, line, thing.purpose)
                )
            return
        self._plan_return(thing, at)
        if chance(rules.same_address_share, seed, "reopens", thing.number):
            days = lognormal(9.0, 0.5, seed, "reopens after", thing.number)
            self._plan(at + hours(days * 24), "reopen", thing.number)

    def _plan_return(self, thing: Thing, at: datetime) -> None:
        rules, seed = self.scenario.adversary, self.seed
        share = rules.return_share * rules.return_fading**thing.generation
        if thing.form.is_actor and chance(share, seed, "returns", thing.number):
            days = lognormal(
                rules.return_days_median, rules.return_days_sigma, seed, "returns after", thing.number
            )
            self._plan(at + hours(days * 24), "return", thing.number)

    def withdraw(self, provider: str, reference: str, numbers: Sequence[int]) -> None:
        """Put back what was taken down on a request that is withdrawn."""
        intake = self._intakes.get((provider, reference))
        for line in intake.lines if intake else ():
            if line.number in numbers and line.thing is not None:
                thing = self.things[line.thing]
                for span in thing.spans:
                    if span.until is None and span.why in {"referral", "region"}:
                        span.until = max(
                            span.since,
                            self.now + hours(lognormal(10.0, 0.5, self.seed, "back", thing.number)),
                        )

    def status(self, provider: str, reference: str) -> list[LineStatus] | None:
        """What was decided about each line, as far as it is decided."""
        intake = self._intakes.get((provider, reference))
        if intake is None:
            return None
        return [
            LineStatus(number=line.number, state=line.state, reason=line.reason, at=line.decided_at)
            if line.decided_at <= self.now
            else LineStatus(number=line.number, state="pending")
            for line in intake.lines
        ]

    def received_at(self, provider: str, reference: str) -> datetime | None:
        """When a reference first arrived."""
        intake = self._intakes.get((provider, reference))
        return None if intake is None else intake.at

    def fault(self, provider: str, path: str, attempt: int, *, about: str = "") -> Fault | None:
        """Errors, resets, stalls and nonsense, now and then.

        They befall a path, and what is sent to it, at an instant of simulated time: whoever asks again at the same
        instant fares alike. So neither the order of requests nor their number changes what goes wrong.
        """
        question = (provider, path, about, self.now.isoformat())
        mark = unit(self.seed, "fault", *question)
        if self.scenario.world.trouble:
            mark /= self.scenario.world.trouble
        limits: tuple[tuple[float, FaultKind], ...] = (
            (0.0002, "stall"),
            (0.003, "reset"),
            (0.010, "error"),
            (0.012, "nonsense"),
        )
        kind = next((kind for limit, kind in limits if mark < limit), None)
        if kind is None:
            return None
        return Fault(kind=kind, is_late=chance(0.5, self.seed, "late", *question))

    def partner_list(self) -> list[tuple[str, str]]:
        """A partner's list of known media: (entry, SHA-256) of some of what the outlets have spread before."""
        paths = {
            path for t in self.things if t.role is Role.TERRORIST and t.parent is None for path in t.media
        }
        known = sorted(path for path in paths if chance(PARTNER_KNOWS, self.seed, "partner knows", path))
        return [(path.rsplit("/", 1)[-1], hashlib.sha256(picture(path)).hexdigest()) for path in known]

    # --- what people outside see ------------------------------------------------------------------

    def reports(self, since: datetime, until: datetime) -> list[Report]:
        """What the agencies' monitoring turned up, after `since` up to `until`; what is away is not seen."""
        first = bisect_right(self._reports, since, key=_reported_at)
        last = bisect_right(self._reports, until, key=_reported_at)
        return [one for one in self._reports[first:last] if self.away(self.things[one.thing], one.at) is None]

    def decided(self, since: datetime, until: datetime) -> list[tuple[str, str]]:
        """Requests that came by mail and of which a line was decided after `since` up to `until`, in order."""
        first = bisect_right(self._decisions, since, key=_decided_at)
        last = bisect_right(self._decisions, until, key=_decided_at)
        return list(dict.fromkeys((one[1], one[2]) for one in self._decisions[first:last]))

    def complaints(self, since: datetime, until: datetime) -> list[Complaint]:
        """What was said about pages that were wrongly referred."""
        return sorted(
            (c for c in self._complaints if since < c.at <= until), key=lambda c: (c.at, c.reference, c.line)
        )

    def posts(self, since: datetime, until: datetime) -> dict[str, float]:
        """How many posts the outlets' accounts and channels made in a time, by provider."""
        total: dict[str, float] = {}
        for thing in self.things:
            if thing.role is Role.TERRORIST and thing.posts_a_day:
                made = thing.posts_a_day * self._seconds_up(thing, since, until) / 86400
                total[thing.form.provider] = total.get(thing.form.provider, 0.0) + made
        return total

    @staticmethod
    def _seconds_up(thing: Thing, since: datetime, until: datetime) -> float:
        begin = max(since, thing.born)
        up = max(0.0, (until - begin).total_seconds())
        for span in thing.spans:
            start, end = max(begin, span.since), min(until, span.until or until)
            up -= max(0.0, (end - start).total_seconds())
        return max(0.0, up)
