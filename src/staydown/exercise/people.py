"""Simulated people: they err, in bursts and when tired, and act only through the flow.

What they know of a page is what anybody reads on it: the kept evidence. They never see the world's truth.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from staydown.core.assessment import Assessment, Ground, Purpose, PurposeAnswer, Verdict
from staydown.core.ids import AgencyCode, ItemId, OperationId, PersonId, RequestId
from staydown.core.people import Person, Role
from staydown.core.request import Decision, LineAnswer
from staydown.core.states import ItemState, RequestState, ReturnState
from staydown.exercise.draw import chance, pick, unit
from staydown.exercise.host import Host
from staydown.exercise.scenario import Scenario
from staydown.flow import (
    answer,
    approve,
    assess,
    deconflict,
    match,
    operate,
    preserve,
    propose,
    watch,
    withdraw,
)
from staydown.ports.tools import Tools
from staydown.ports.work import ListEntry, Work

OPERATION = OperationId("joint-action")
LEAD = AgencyCode("AA")
_GROUND = re.compile(rb"material on ground ([a-e])")
_PURPOSE = re.compile(rb"for the purpose of ([a-z-]+)")
_VOICE = re.compile(rb"Its voice is ([^.<]+)")
OPEN_TO_VIEW = (ItemState.RECORDED, ItemState.RETURNED, ItemState.UNSURE)
"""States in which an item waits for somebody's view."""
HARD_TO_READ = 3.0
"""How much likelier people err on a page that quotes the material for a protected purpose."""
GIVE_UP = timedelta(days=10)
"""After so long without an answer a request is closed."""


def agency_of(number: int) -> AgencyCode:
    """The made-up agencies: AA, BB, ... ZZ, then A1, B1 ..."""
    letter = chr(ord("A") + number % 26)
    return AgencyCode(letter * 2 if number < 26 else f"{letter}{number // 26}")


@dataclass(frozen=True, slots=True)
class Reading:
    """What a person reads on a kept page."""

    ground: str | None
    purpose: str | None
    voice: str


@dataclass(slots=True)
class Staff:
    """Everybody in the exercise, at all agencies and providers."""

    tools: Tools
    scenario: Scenario
    seed: int
    _read: dict[ItemId, Reading] = field(default_factory=dict)
    _shift: dict[tuple[PersonId, str], int] = field(default_factory=dict)

    @property
    def agencies(self) -> list[AgencyCode]:
        """The agencies that take part."""
        return [agency_of(number) for number in range(self.scenario.agencies)]

    # --- who there is -----------------------------------------------------------------------------

    def hire(self, providers: Iterable[str], known_media: Iterable[tuple[str, str]]) -> None:
        """Put everybody into the store, open the operation, and take in a partner's list of known media."""
        with self.tools.begin() as work:
            work.people.add_agencies([*self.agencies, *(desk_of(p) for p in providers)])
            for person in self._everybody(providers):
                work.people.add(person)
            operate.begin(
                work,
                self._one(LEAD, "coordinator", Role.COORDINATOR),
                OPERATION,
                title=self.scenario.title,
                agencies=self.agencies,
                opens_at=self.scenario.starts_at,
                closes_at=self.scenario.ends_at,
                hour_h=self.scenario.hour_h,
            )
            entries = [ListEntry(entry=name, algorithm="sha256", value=value) for name, value in known_media]
            match.import_list(work, self.analyst(LEAD, 0), "partner", entries)

    def _everybody(self, providers: Iterable[str]) -> list[Person]:
        people = [self._one(desk_of(provider), "officer", Role.PROVIDER) for provider in providers]
        for code in self.agencies:
            people += [self.analyst(code, number) for number in range(self.scenario.people.analysts)]
            people.append(self._one(code, "approver", Role.APPROVER))
            people.append(self._one(code, "coordinator", Role.COORDINATOR))
            people.append(self._one(code, "investigator", Role.INVESTIGATOR))
            people.append(self._one(code, "deconfliction", Role.DECONFLICTION))
        return people

    @staticmethod
    def _one(code: AgencyCode, part: str, *roles: Role) -> Person:
        return Person(id=PersonId(f"{code.lower()}-{part}"), agency=code, roles=frozenset(roles))

    def analyst(self, code: AgencyCode, number: int) -> Person:
        """One of an agency's analysts."""
        return self._one(code, f"analyst-{number + 1}", Role.ANALYST)

    # --- reading ----------------------------------------------------------------------------------

    def reading(self, work: Work, item: ItemId) -> Reading | None:
        """What stands on the kept page; None if none is kept."""
        if item not in self._read:
            kept = [one for one in work.kept.of(item) if one.capture.media_type.startswith("text/html")]
            if not kept:
                return None
            body = self.tools.vault.get(kept[-1].capture.sha256)
            ground, purpose, voice = (pattern.search(body) for pattern in (_GROUND, _PURPOSE, _VOICE))
            self._read[item] = Reading(
                ground.group(1).decode() if ground else None,
                purpose.group(1).decode() if purpose else None,
                voice.group(1).decode() if voice else "",
            )
        return self._read[item]

    def _errs(self, person: Person, now: datetime, item: ItemId, *, care: float = 1.0) -> bool:
        """Whether a person errs on an item: more in a bad shift, and more the longer the shift."""
        rules, day = self.scenario.people, now.date().isoformat()
        done = self._shift[person.id, day] = self._shift.get((person.id, day), 0) + 1
        rate = rules.error * (
            rules.burst_factor if chance(rules.burst_share, self.seed, "burst", person.id, day) else 1.0
        )
        return chance(min(0.5, (rate + rules.tiring * done) * care), self.seed, "errs", person.id, item)

    def _assessment(
        self, work: Work, person: Person, item: ItemId, *, care: float = 1.0
    ) -> Assessment | None:
        read = self.reading(work, item)
        if read is None:
            return None
        verdict = Verdict.TERRORIST if read.ground else Verdict.EXEMPT if read.purpose else Verdict.CLEAR
        hard = HARD_TO_READ if read.purpose else 1.0
        if self._errs(person, work.now, item, care=care * hard):
            wrong = [v for v in (Verdict.TERRORIST, Verdict.CLEAR, Verdict.UNSURE) if v is not verdict]
            verdict = pick(wrong, self.seed, "errs to", person.id, item)
        purposes = dict.fromkeys(Purpose, PurposeAnswer.NO)
        if verdict is Verdict.EXEMPT and read.purpose:
            purposes[Purpose(read.purpose)] = PurposeAnswer.YES
        if verdict is Verdict.UNSURE:
            purposes[Purpose(read.purpose or "journalism")] = PurposeAnswer.UNSURE
        return Assessment(
            item=item,
            by=person.id,
            agency=person.agency,
            verdict=verdict,
            ground=Ground(read.ground or "a") if verdict is Verdict.TERRORIST else None,
            purposes=purposes,
            reason="as read on the kept page",
        )

    # --- what people do ---------------------------------------------------------------------------

    def act(self, *, hours: float, first_days: bool) -> None:
        """One turn of everybody; `hours` is the time since the last one."""
        with self.tools.begin(write=False) as work:
            items, requests = work.figures.by_state(), work.figures.requests()
            is_suggested = bool(work.returns.listed(ReturnState.SUGGESTED))
        for code in self.agencies:
            if first_days:
                self._investigate(code)
            if any(items.get(state.value) for state in OPEN_TO_VIEW):
                self._assess(code, hours)
            if is_suggested:
                self._decide_returns(code)
            self._propose(code)
            if requests.get(RequestState.PROPOSED.value):
                self._approve(code)

    def keep(self, code: AgencyCode, items: Sequence[ItemId]) -> None:
        """The analyst on intake asks for what is new to be kept."""
        if items:
            with self.tools.begin() as work:
                preserve.ask(work, self.analyst(code, 0), items)

    def _investigate(self, code: AgencyCode) -> None:
        """An investigator asks to wait for some of the items that the agency watches."""
        person = self._one(code, "investigator", Role.INVESTIGATOR)
        with self.tools.begin() as work:
            fresh = work.items.in_state([ItemState.RECORDED, ItemState.ASSESSED], seen_by=code)
            share = self.scenario.people.hold_share
            watched = [item for item in fresh if chance(share, self.seed, "watched", item)]
            held = work.holds.on(watched)
            for item in watched:
                if item in held:
                    continue
                days = 6 + 10 * unit(self.seed, "held for", item)
                deconflict.place(
                    work,
                    person,
                    [item],
                    reason="an account under observation",
                    until=work.now + timedelta(days=days),
                    longest=timedelta(days=90),
                    at_most=self.tools.settings.holds_per_agency,
                )

    def _assess(self, code: AgencyCode, hours: float) -> None:
        """Each analyst takes the items on the own desk, as many as the time allows."""
        rules = self.scenario.people
        room = int(min(hours, 8.0) * rules.items_an_hour)
        with self.tools.begin() as work:
            fresh = work.items.in_state([ItemState.RECORDED, ItemState.RETURNED], seen_by=code)
            doubted = self._second_looks(work, code) if work.now.hour == 12 else []
            kept = work.items.kept([*fresh, *doubted])
            for at in range(rules.analysts):
                person = self.analyst(code, at)
                mine = [i for i in fresh if i in kept and self._desk("desk", i) == at][:room]
                second = [i for i in doubted if i in kept and self._desk("second", i) == at]
                made = [one for i in mine if (one := self._assessment(work, person, i))]
                made += [one for i in second if (one := self._assessment(work, person, i, care=0.3))]
                if made:
                    assess.assess(work, person, made)

    def _desk(self, pile: str, item: ItemId) -> int:
        return int(unit(self.seed, pile, item) * self.scenario.people.analysts)

    @staticmethod
    def _second_looks(work: Work, code: AgencyCode) -> list[ItemId]:
        """Items that a colleague was unsure about; where agencies differ, the item stays stopped."""
        doubted = work.items.in_state([ItemState.UNSURE], seen_by=code)
        opened = work.assessments.open(doubted)
        return [
            i for i in doubted if opened.get(i, {}).get(code, (Verdict.UNSURE, None))[0] is Verdict.UNSURE
        ]

    def _propose(self, code: AgencyCode) -> None:
        person = self.analyst(code, 0)
        with self.tools.begin() as work:
            ready = propose.proposable(work, person, operation=OPERATION)
            opened = work.assessments.open(ready)
            mine = [
                item for item in ready if opened.get(item, {}).get(code, (None, None))[0] is Verdict.TERRORIST
            ]
            if mine:
                propose.propose(self.tools, work, person, mine, operation=OPERATION)

    def _approve(self, code: AgencyCode) -> None:
        """The approver reads the lines again, and sends back what holds a report or an everyday page."""
        person = self._one(code, "approver", Role.APPROVER)
        with self.tools.begin() as work:
            waiting = work.requests.listed(state=RequestState.PROPOSED, agency=code)
            lines = work.requests.lines([one.id for one in waiting])
            for request in waiting:
                if request.proposed_at >= work.now:
                    continue
                present = [one.line.item for one in lines[request.id] if not one.dropped]
                doubtful = [i for i in present if self._looks_wrong(work, person, i)]
                if doubtful:
                    approve.send_back(
                        work, person, request.id, reason=f"{len(doubtful)} lines look protected or harmless"
                    )
                    self._assess_again(work, code, doubtful)
                elif present and not work.holds.on(present).issuperset(present):
                    approve.approve(work, person, [request.id])

    def _looks_wrong(self, work: Work, person: Person, item: ItemId) -> bool:
        read = self.reading(work, item)
        return (
            read is not None
            and read.ground is None
            and chance(0.65, self.seed, "second look", person.id, item)
        )

    def _assess_again(self, work: Work, code: AgencyCode, items: Sequence[ItemId]) -> None:
        person = self.analyst(code, self.scenario.people.analysts - 1)
        made = [one for item in items if (one := self._assessment(work, person, item, care=0.0))]
        assess.assess(work, person, made)

    def _decide_returns(self, code: AgencyCode) -> None:
        """Is it the same voice? A person compares the two kept pages."""
        person = self.analyst(code, self.scenario.people.analysts - 1)
        with self.tools.begin() as work:
            suggested = work.returns.listed(ReturnState.SUGGESTED)
            mine = work.items.seen_by([one.child for one in suggested], code)
            linked = {one.child for one in work.returns.listed(ReturnState.CONFIRMED)}
            for one in suggested:
                if one.child not in mine or one.child in linked:
                    continue
                child, parent = self.reading(work, one.child), self.reading(work, one.parent)
                if child is None or parent is None:
                    continue
                same = child.voice == parent.voice and bool(child.ground) == bool(parent.ground)
                is_return = same != chance(0.02, self.seed, "misjudges", one.child, one.parent)
                watch.decide(work, person, one.id, is_return=is_return)
                if is_return:
                    linked.add(one.child)

    def complaints(self, told: Iterable[tuple[str, str, int, str]]) -> None:
        """Somebody says that a page was wrongly referred: the agency looks again, and takes it back."""
        for provider, reference, number, _ in told:
            with self.tools.begin() as work:
                request_id = work.requests.by_reference(reference)
                request = work.requests.one(request_id)
                line = next(
                    one.line
                    for one in work.requests.lines([request_id])[request_id]
                    if one.line.number == number
                )
                state = work.items.since([line.item])[line.item][0]
                if state in {ItemState.REFERRED, ItemState.REMOVED, ItemState.REFUSED}:
                    person = self._one(request.agency, "coordinator", Role.COORDINATOR)
                    reason = (
                        f"{provider} says that it should not have been referred; we looked again and agree"
                    )
                    withdraw.withdraw(self.tools, work, person, request_id, reason=reason, items=[line.item])

    # --- at the providers ----------------------------------------------------------------------------

    def mailed(self) -> list[tuple[str, str]]:
        """References that went out by mail and wait for an answer: (provider, reference)."""
        with self.tools.begin(write=False) as work:
            waiting = [
                *work.requests.listed(state=RequestState.DISPATCHED),
                *work.requests.listed(state=RequestState.RUNNING),
            ]
            return [(one.provider, one.reference) for one in waiting if one.courier == "mail"]

    def answer_mail(
        self, decided: Iterable[tuple[tuple[str, str], Sequence[tuple[int, str, str, datetime | None]]]]
    ) -> None:
        """Provider staff write back, line by line, as they decide."""
        for (provider, reference), lines in decided:
            given = [
                LineAnswer(number=number, decision=Decision(state), reason=reason, at=at)
                for number, state, reason, at in lines
                if state != Decision.PENDING.value
            ]
            if given:
                officer = self._one(desk_of(provider), "officer", Role.PROVIDER)
                with self.tools.begin() as work:
                    answer.answer(work, work.requests.by_reference(reference), given, by=officer)

    def answer_mail_of(self, host: Host) -> None:
        """Provider staff look at their decisions, and write back."""
        waiting = self.mailed()
        self.answer_mail(zip(waiting, host.statuses(waiting), strict=True))

    def give_up(self) -> None:
        """Requests that nobody answers are closed, so that their items can be asked for again."""
        with self.tools.begin() as work:
            for one in work.requests.listed(state=RequestState.RUNNING):
                if one.proposed_at + GIVE_UP < work.now:
                    person = self._one(one.agency, "coordinator", Role.COORDINATOR)
                    answer.close(work, person, RequestId(one.id), reason="no answer within ten days")


def desk_of(provider: str) -> AgencyCode:
    """The code of a provider's own desk."""
    return AgencyCode(provider.replace("_", "-").upper())
