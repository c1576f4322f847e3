"""Simulated people: they err, in bursts and when tired, and act only through the flow.

What they know of a page is what anybody reads on it: the kept evidence. They never see the world's truth.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from staydown.core.assessment import Assessment, Ground, Purpose, PurposeAnswer, Verdict
from staydown.core.ids import AgencyCode, ItemId, OperationId, PersonId, RequestId, ReturnId
from staydown.core.people import Person, Role, desk_of
from staydown.core.request import Decision, LineAnswer
from staydown.core.states import ItemState, RequestState, ReturnState
from staydown.exercise.draw import chance, pick, unit
from staydown.exercise.hands import Hands
from staydown.exercise.host import Host
from staydown.exercise.scenario import Scenario
from staydown.flow import answer, match, operate
from staydown.ports.tools import Tools
from staydown.ports.work import ListEntry, Work

OPERATION = OperationId("joint-action")
LEAD = AgencyCode("AA")
_GROUND = re.compile(rb"material on ground ([a-e])")
_PURPOSE = re.compile(rb"for the purpose of ([a-z-]+)")
_VOICE = re.compile(rb"Its voice is ([^.<]+)")
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
    hands: Hands
    _read: dict[ItemId, Reading] = field(default_factory=dict)
    _shift: dict[tuple[PersonId, str], int] = field(default_factory=dict)

    @property
    def agencies(self) -> list[AgencyCode]:
        """The agencies that take part."""
        return [agency_of(number) for number in range(self.scenario.agencies)]

    def shifts(self, day: str) -> dict[str, int]:
        """How many items each person has assessed on a day."""
        return {person: done for (person, at), done in self._shift.items() if at == day}

    def resume(self, day: str, done: Mapping[str, int]) -> None:
        """Go on with a day that an earlier life of the exercise began: who was tired is tired."""
        self._shift = {(PersonId(person), day): count for person, count in done.items()}

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

    def _open_pages(self, work: Work, items: Iterable[ItemId]) -> None:
        """Read the kept pages of items that nobody has read yet, all at once."""
        unread = [item for item in items if item not in self._read]
        for item, sha256 in work.kept.pages(unread).items() if unread else ():
            body = self.tools.vault.get(sha256)
            ground, purpose, voice = (pattern.search(body) for pattern in (_GROUND, _PURPOSE, _VOICE))
            self._read[item] = Reading(
                ground.group(1).decode() if ground else None,
                purpose.group(1).decode() if purpose else None,
                voice.group(1).decode() if voice else "",
            )

    def _errs(self, person: Person, now: datetime, item: ItemId, *, care: float = 1.0) -> bool:
        """Whether a person errs on an item: more in a bad shift, and more the longer the shift."""
        rules, day = self.scenario.people, now.date().isoformat()
        done = self._shift[person.id, day] = self._shift.get((person.id, day), 0) + 1
        rate = rules.error * (
            rules.burst_factor if chance(rules.burst_share, self.seed, "burst", person.id, day) else 1.0
        )
        return chance(min(0.5, (rate + rules.tiring * done) * care), self.seed, "errs", person.id, item)

    def _assessment(
        self, now: datetime, person: Person, item: ItemId, *, care: float = 1.0
    ) -> Assessment | None:
        """One view of an item whose page was opened; None if none is kept."""
        read = self._read.get(item)
        if read is None:
            return None
        verdict = Verdict.TERRORIST if read.ground else Verdict.EXEMPT if read.purpose else Verdict.CLEAR
        hard = HARD_TO_READ if read.purpose else 1.0
        if self._errs(person, now, item, care=care * hard):
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

    def act(self, *, hours: float, first_days: bool, proposes: bool) -> None:
        """One turn of everybody; `hours` is the time since the last one."""
        if first_days:
            self._investigate()
        self._assess(hours)
        self._decide_returns()
        if proposes:
            self._propose()
        self._approve()

    def keep(self, by_agency: Mapping[AgencyCode, Sequence[ItemId]], work: Work) -> None:
        """The analysts on intake ask for what is new to be kept."""
        for code, items in sorted(by_agency.items()):
            self.hands.keep(work, self.analyst(code, 0), items)

    def _investigate(self) -> None:
        """Investigators ask to wait for some of the items that their agencies watch."""
        share = self.scenario.people.hold_share
        with self.tools.begin(write=False) as work:
            desks = work.items.desks([ItemState.RECORDED, ItemState.ASSESSED])
            watched = {
                code: [i for i in items if chance(share, self.seed, "watched", i)]
                for code, items in desks.items()
            }
            held = set(work.holds.on([item for items in watched.values() for item in items]))
        if all(held.issuperset(items) for items in watched.values()):
            return
        with self.hands.reading() as work:
            for code, items in sorted(watched.items()):
                for item in (one for one in items if one not in held):
                    held.add(item)
                    days = 6 + 10 * unit(self.seed, "held for", item)
                    self.hands.hold(
                        work,
                        self._one(code, "investigator", Role.INVESTIGATOR),
                        item,
                        reason="an account under observation",
                        until=work.now + timedelta(days=days),
                    )

    def _assess(self, hours: float) -> None:
        """Each analyst takes the items on the own desk, as many as the time allows; nobody takes what a colleague did."""
        rules = self.scenario.people
        room = int(min(hours, 8.0) * rules.items_an_hour)
        with self.hands.reading() as work:
            fresh = work.items.desks([ItemState.RECORDED, ItemState.RETURNED])
            doubted = self._second_looks(work) if work.now.hour == 12 else {}
            kept = work.items.kept({i for part in (fresh, doubted) for items in part.values() for i in items})
            taken: set[ItemId] = set()
            for code in self.agencies:
                mine = [i for i in fresh.get(code, ()) if i in kept]
                second = [i for i in doubted.get(code, ()) if i in kept]
                self._open_pages(work, [*mine, *second])
                for at in range(rules.analysts):
                    person = self.analyst(code, at)
                    first = [i for i in mine if i not in taken and self._desk("desk", i) == at][:room]
                    again = [i for i in second if i not in taken and self._desk("second", i) == at]
                    made = [one for i in first if (one := self._assessment(work.now, person, i))]
                    made += [one for i in again if (one := self._assessment(work.now, person, i, care=0.3))]
                    taken.update(one.item for one in made)
                    if made:
                        self.hands.assess(work, person, made)

    def _desk(self, pile: str, item: ItemId) -> int:
        return int(unit(self.seed, pile, item) * self.scenario.people.analysts)

    @staticmethod
    def _second_looks(work: Work) -> dict[AgencyCode, list[ItemId]]:
        """Items that a colleague was unsure about; where agencies differ, the item stays stopped."""
        doubted = work.items.desks([ItemState.UNSURE])
        opened = work.assessments.open({i for items in doubted.values() for i in items})
        unsure = (Verdict.UNSURE, None)
        return {
            code: [i for i in items if opened.get(i, {}).get(code, unsure)[0] is Verdict.UNSURE]
            for code, items in doubted.items()
        }

    def _propose(self) -> None:
        with self.hands.reading() as work:
            ready = work.items.in_state([ItemState.ASSESSED], operation=OPERATION)
            opened = work.assessments.open(ready)
            found: dict[AgencyCode, list[ItemId]] = defaultdict(list)
            for item in ready:
                codes = [code for code, (v, _) in opened.get(item, {}).items() if v is Verdict.TERRORIST]
                if codes:
                    found[min(codes)].append(item)
            for code, items in sorted(found.items()):
                self.hands.propose(work, self.analyst(code, 0), items, operation=OPERATION)

    def _approve(self) -> None:
        """Approvers read the lines again, and send back what holds a report or an everyday page."""
        with self.hands.reading() as work:
            waiting = [
                one for one in work.requests.listed(state=RequestState.PROPOSED) if one.proposed_at < work.now
            ]
            if not waiting:
                return
            lines = work.requests.lines([one.id for one in waiting])
            present = {
                one.id: [line.line.item for line in lines[one.id] if not line.dropped] for one in waiting
            }
            everything = [item for own in present.values() for item in own]
            self._open_pages(work, everything)
            held = work.holds.on(everything)
            consents: dict[AgencyCode, list[RequestId]] = defaultdict(list)
            for request in waiting:
                own, person = present[request.id], self._one(request.agency, "approver", Role.APPROVER)
                doubtful = [i for i in own if self._looks_wrong(person, i)]
                if doubtful:
                    self.hands.send_back(
                        work, person, request.id, reason=f"{len(doubtful)} lines look protected or harmless"
                    )
                    self._assess_again(work, request.agency, doubtful)
                elif own and not held.issuperset(own):
                    consents[request.agency].append(request.id)
            for code, ids in sorted(consents.items()):
                self.hands.approve(work, self._one(code, "approver", Role.APPROVER), ids)

    def _looks_wrong(self, person: Person, item: ItemId) -> bool:
        read = self._read.get(item)
        return (
            read is not None
            and read.ground is None
            and chance(0.65, self.seed, "second look", person.id, item)
        )

    def _assess_again(self, work: Work, code: AgencyCode, items: Sequence[ItemId]) -> None:
        person = self.analyst(code, self.scenario.people.analysts - 1)
        made = [one for item in items if (one := self._assessment(work.now, person, item, care=0.0))]
        self.hands.assess(work, person, made)

    def _decide_returns(self) -> None:
        """Is it the same voice? A person of an agency that saw it compares the two kept pages."""
        with self.hands.reading() as work:
            suggested = work.returns.listed(ReturnState.SUGGESTED)
            if not suggested:
                return
            suggested.sort(key=lambda one: (one.child, -one.score, one.parent))  # not as they were noted
            children = {one.child for one in suggested}
            linked = {one.child for one in work.returns.listed(ReturnState.CONFIRMED, of=children)}
            self._open_pages(work, children | {one.parent for one in suggested})
            seen = {code: work.items.seen_by(children, code) for code in self.agencies}
            said: dict[AgencyCode, dict[ReturnId, bool]] = defaultdict(dict)
            for one in suggested:
                code = next((code for code in self.agencies if one.child in seen[code]), None)
                child, parent = self._read.get(one.child), self._read.get(one.parent)
                if code is None or one.child in linked or child is None or parent is None:
                    continue
                same = child.voice == parent.voice and bool(child.ground) == bool(parent.ground)
                is_return = same != chance(0.02, self.seed, "misjudges", one.child, one.parent)
                said[code][one.id] = is_return
                if is_return:
                    linked.add(one.child)
            for code, decided in sorted(said.items()):
                person = self.analyst(code, self.scenario.people.analysts - 1)
                self.hands.decide(work, person, decided)

    def complaints(self, told: Iterable[tuple[str, str, int, str]]) -> None:
        """Somebody says that a page was wrongly referred: the agency looks again, and takes it back."""
        for provider, reference, number, _ in told:
            with self.hands.reading() as work:
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
                    self.hands.withdraw(work, person, request_id, line.item, reason=reason)

    # --- at the providers ----------------------------------------------------------------------------

    def answer_mail(self, host: Host, since: datetime, until: datetime) -> None:
        """Provider staff write back about what they decided, line by line."""
        told = host.decided(since, until)
        if not told:
            return
        with self.hands.reading() as work:
            known = work.requests.known([reference for _, reference, _ in told])
            said: dict[str, list[answer.Said]] = defaultdict(list)
            for provider, reference, lines in told:
                request = known.get(reference)
                if request is None or request.state not in {RequestState.DISPATCHED, RequestState.RUNNING}:
                    continue
                given = [
                    LineAnswer(number=number, decision=Decision(state), reason=reason, at=at)
                    for number, state, reason, at in lines
                    if state != Decision.PENDING.value
                ]
                if given:
                    said[provider].append(answer.Said(request=request.id, lines=given))
            for provider, answers in sorted(said.items()):
                officer = self._one(desk_of(provider), "officer", Role.PROVIDER)
                self.hands.answer(work, officer, answers)

    def give_up(self) -> None:
        """Requests that nobody answers are closed, so that their items can be asked for again."""
        with self.hands.reading() as work:
            for one in work.requests.listed(state=RequestState.RUNNING):
                if one.proposed_at + GIVE_UP < work.now:
                    person = self._one(one.agency, "coordinator", Role.COORDINATOR)
                    self.hands.close(work, person, RequestId(one.id), reason="no answer within ten days")
