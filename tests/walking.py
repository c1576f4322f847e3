"""A random walk of persons around orders and notices, and an observer who knows nothing of the program's own rules.

The observer writes down who did what to which bytes, and looks at what providers took in: whatever arrived must have
been drawn up, approved and (an order) signed by different pairs of eyes over exactly those bytes, within a day.
"""

from __future__ import annotations

import base64
import hashlib
import json
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import select, text, update

from ordering import OFFICE, URGENT, drawn, ready, settle_in
from staydown.core.errors import StaydownError
from staydown.core.ids import PersonId, RequestId
from staydown.core.order import Paper, PaperName
from staydown.core.people import Person
from staydown.core.rights import Role
from staydown.flow import admit, approve, deconflict, letterhead, letters, sign, withdraw
from staydown.law.matter import TCO_ORDER
from staydown.ports.work import Work
from staydown.store.tables import request_items, requests
from staydown.store.tables_orders import letters as letters_table
from staydown.store.tables_orders import papers
from staydown.testing.memory import MemoryWorld
from staydown.testing.simulated import Servers
from staydown.testing.world import Arrival
from support import ALICE, ANNA, BOB, CAROL, SAM, Desk, person

MAX = person("max", "AA", Role.ANALYST, Role.APPROVER, Role.SIGNATORY)
SUE = person("sue", "AA", Role.SIGNATORY)
PEOPLE = (ALICE.id, ANNA.id, BOB.id, SAM.id, CAROL.id, MAX.id, SUE.id, PersonId("erin"))
OWN_ROLES = (Role.ANALYST, Role.APPROVER, Role.SIGNATORY)
DAY = timedelta(days=1)
SLACK = timedelta(hours=1)
NOTICE = "dsa-art-16"


@dataclass
class Acted:
    """One act of consent: whose eyes, over which bytes, when."""

    eyes: frozenset[str]
    by: str
    content: str
    at: datetime
    cover: str = ""


@dataclass
class Story:
    """What the observer knows of one request."""

    drawn_by: str
    assessed_by: frozenset[str]
    binds: bool
    approvals: list[Acted] = field(default_factory=list)
    signatures: list[Acted] = field(default_factory=list)


class Walk:
    """Takes random steps at a desk."""

    def __init__(self, home: Path, seed: int, *, database: str | None = None, draws: float = 0.02) -> None:
        self.chance = random.Random(seed)
        self.draws = draws
        self.world = MemoryWorld()
        self.arrivals: list[Arrival] = []
        self.servers = Servers(self.world, watcher=self.arrivals.append)
        self.servers.__enter__()
        self.desk = Desk(home, self.world, self.servers, database=database)
        settle_in(self.desk)
        with self.desk.store.begin() as work:
            for one in (MAX, SUE):
                work.people.add(one)
        self.stories: dict[str, Story] = {}
        self.digests: dict[RequestId, list[str]] = {}
        self.numbers: list[RequestId] = []
        self.items: list[object] = []
        self.lent: list[object] = []
        self.seen = 0
        self.counts: Counter[str] = Counter()
        self.violations: list[str] = []
        self.made = 0
        self.written: dict[str, str] = {}
        self.let_go: dict[str, frozenset[PersonId]] = {}
        self.gone_out: set[str] = set()

    def close(self) -> None:
        """Let go of everything."""
        self.desk.close()
        self.servers.__exit__(None, None, None)

    # --- steps ------------------------------------------------------------------------------------

    def step(self) -> None:
        """One random step; what a rule refuses is counted and changes nothing."""
        kinds: tuple[tuple[Callable[[], object], float], ...] = (
            (self.draw, self.draws),
            (self.approve, 0.33),
            (self.sign, 0.27),
            (self.write, 0.004),
            (self.approve_letter, 0.02),
            (self.tamper, 0.015),
            (self.send_back, 0.02),
            (self.take_back, 0.02),
            (self.change_roles, 0.05),
            (self.lend, 0.05),
            (self.hold, 0.02),
            (self.fault, 0.02),
            (self.pass_time, 0.03),
            (self.deliver, 0.06),
        )
        act = self.chance.choices([one for one, _ in kinds], [weight for _, weight in kinds])[0]
        name = act.__name__
        try:
            act()
            self.counts[name] += 1
        except StaydownError as error:
            self.counts[f"{name} refused: {type(error).__name__}"] += 1
        self.observe()

    def anybody(self) -> Person:
        """A person as they stand now; sometimes with a face that the program does not know of them any more."""
        with self.desk.store.begin(write=False) as work:
            return work.people.get(self.chance.choice(PEOPLE))

    def anybody_of(self, work: Work) -> Person:
        """A person as they stand in this transaction."""
        return work.people.get(self.chance.choice(PEOPLE))

    def any_request(self) -> RequestId | None:
        """A request, mostly a young one."""
        if not self.numbers:
            return None
        young = self.numbers[-5:]
        return self.chance.choice(young if self.chance.random() < 0.9 else self.numbers)

    def draw(self) -> None:
        """Draw up an order or a notice, on a fresh item or one that is there."""
        self.made += 1
        who = self.anybody()
        place = (
            self.desk.show(f"acc_{self.made}")
            if self.chance.random() < 0.8
            else self.desk.channel(f"ch_{self.made}")
        )
        if not self.items or self.chance.random() < 0.8:
            self.items.append(ready(self.desk, place)[0])
        item = self.items[-1]
        instrument = TCO_ORDER if self.chance.random() < 0.75 else NOTICE
        request = drawn(self.desk, [item], by=who, said=URGENT, instrument=instrument).request  # type: ignore[list-item]
        self.numbers.append(request.id)
        self.stories[request.reference] = Story(
            drawn_by=who.id, assessed_by=frozenset({ALICE.id}), binds=instrument == TCO_ORDER
        )
        self.note_digest(request.id)

    def note_digest(self, number: RequestId) -> None:
        """A tab that is open shows the digest of now; it may be used much later."""
        with self.desk.store.begin(write=False) as work:
            request, lines = work.requests.one(number), work.requests.lines([number])[number]
            self.digests.setdefault(number, []).append(approve.digest_of(request, lines))

    def tab(self, number: RequestId) -> str | None:
        """What the person believes to have read: this moment's, an older tab's, another request's, or nothing."""
        roll = self.chance.random()
        if roll < 0.4:
            self.note_digest(number)
            return self.digests[number][-1]
        if roll < 0.6:
            return self.chance.choice(self.digests[number])
        if roll < 0.7:
            return self.chance.choice(self.digests[self.chance.choice(self.numbers)])
        return None

    def approve(self) -> None:
        """Somebody tries to approve."""
        number = self.any_request()
        if number is None:
            return
        who, seen = self.anybody(), self.tab(number)
        with self.desk.store.begin() as work:
            reference, cover = work.requests.one(number).reference, work.requests.one(number).cover
            content = self.content(work, number)
            approve.approve(self.desk.tools, work, who, [number], seen=seen)
            now = work.now
        self.stories[reference].approvals.append(
            Acted(eyes=who.eyes(Role.APPROVER), by=who.id, content=content, at=now, cover=cover)
        )

    def sign(self) -> None:
        """Somebody tries to sign."""
        number = self.any_request()
        if number is None:
            return
        who, seen = self.anybody(), self.tab(number)
        with self.desk.store.begin() as work:
            reference = work.requests.one(number).reference
            content = self.content(work, number)
            sign.sign(self.desk.tools, work, who, number, seen=seen)
            now = work.now
        self.stories[reference].signatures.append(
            Acted(eyes=frozenset(who.eyes(Role.SIGNATORY)), by=who.id, content=content, at=now)
        )

    def tamper(self) -> None:
        """Bytes change behind everybody's back, as another program with the database's password could."""
        number = self.any_request()
        if number is None:
            return
        with self.desk.store.begin() as work:
            which = self.chance.randrange(7)
            if which == 0:
                work.conn.execute(update(requests).where(requests.c.id == number).values(cover="other words"))
            elif which == 1:
                other = "http://api.reel.exercise.example/referrals"
                work.conn.execute(update(requests).where(requests.c.id == number).values(contact_point=other))
            elif which == 2:
                own = (papers.c.request == number) & (papers.c.name == "json")
                work.conn.execute(update(papers).where(own).values(body=b'{"form":"tco-annex-1"}'))
            elif which == 3:
                own = (papers.c.request == number) & (papers.c.name == "pdf")
                body = work.conn.execute(select(papers.c.body).where(own)).scalar_one_or_none()
                if body:
                    work.conn.execute(update(papers).where(own).values(body=bytes(body) + b"\n%"))
            elif which == 4:
                signed = Paper(name=PaperName.SIGNED, media_type="application/pdf", body=b"%PDF-1.7 another")
                work.papers.add(number, [signed])
            elif which == 5:
                own_letters = letters_table.c.request == number
                work.conn.execute(update(letters_table).where(own_letters).values(text="other words"))
            else:
                work.conn.execute(
                    update(request_items)
                    .where(request_items.c.request == number)
                    .values(address="https://flock.exercise.example/@somebody_else")
                )

    def write(self) -> None:
        """Somebody draws up a letter."""
        who = self.anybody()
        with self.desk.store.begin() as work:
            given = {"procedures": "made up"}
            head = letterhead.complete(
                self.desk.tools, work, letters.FIRST_CONTACT, OFFICE, given, provider="flock"
            )
            made = letters.draw(self.desk.tools, work, who, letters.FIRST_CONTACT, head.to, head.values)
        self.written[made.reference] = who.id

    def approve_letter(self) -> None:
        """Somebody tries to approve a letter, of whatever sort."""
        with self.desk.store.begin() as work:
            found = work.letters.listed()
            if not found:
                return
            one, who = self.chance.choice(found), self.anybody_of(work)
            letters.approve(work, who, one.id)
            self.let_go[one.reference] = who.eyes(Role.APPROVER)

    def send_back(self) -> None:
        """Somebody says no."""
        number = self.any_request()
        if number is not None:
            with self.desk.store.begin() as work:
                approve.send_back(work, self.anybody(), number, reason="made up")

    def take_back(self) -> None:
        """Somebody withdraws."""
        number = self.any_request()
        if number is not None:
            with self.desk.store.begin() as work:
                withdraw.withdraw(self.desk.tools, work, self.anybody(), number, reason="made up")

    def change_roles(self) -> None:
        """An administrator gives somebody other roles."""
        who = self.chance.choice(PEOPLE)
        some = self.chance.random() < 0.7
        with self.desk.store.begin() as work:
            roles = self.chance.sample(OWN_ROLES, k=self.chance.randint(1, 3) if some else 3)
            work.people.change(who, roles=frozenset(roles))

    def lend(self) -> None:
        """Somebody lends a role to a colleague, or takes one back."""
        if self.lent and self.chance.random() < 0.3:
            with self.desk.store.begin() as work:
                work.people.end_lending(self.lent.pop())  # type: ignore[arg-type]
            return
        lender, role = self.anybody(), self.chance.choice(OWN_ROLES)
        with self.desk.store.begin() as work:
            until = work.now + timedelta(hours=self.chance.randint(1, 72))
            self.lent.append(
                admit.lend(work, lender, self.chance.choice(PEOPLE), role, until=until, reason="made up")
            )

    def hold(self) -> None:
        """An investigation asks to wait, or lets go."""
        if not self.items:
            return
        item = self.items[-1]
        with self.desk.store.begin() as work:
            mine = [one for one in work.holds.listed() if one.agency == CAROL.agency]
            if mine:
                deconflict.release(work, CAROL, mine[0].id, reason="made up")
            else:
                deconflict.place(
                    work, CAROL, [item], reason="made up", until=work.now + timedelta(days=2),  # type: ignore[list-item]
                    longest=timedelta(days=30), at_most=50,
                )  # fmt: skip

    def fault(self) -> None:
        """A provider's desk will break at its next turn."""
        kind = self.chance.choice(["error", "reset", "nonsense"])
        self.world.faults.setdefault(("flock", "/referrals"), []).append(kind)  # type: ignore[arg-type]

    def pass_time(self) -> None:
        """Minutes, or days."""
        self.desk.later(minutes=self.chance.choice([5, 90, 600, 1500]))

    def deliver(self) -> None:
        """Workers do what is due."""
        self.desk.work()

    # --- the observer -----------------------------------------------------------------------------

    def content(self, work: object, number: RequestId) -> str:
        """What would leave, hashed from the rows as they lie there."""
        conn = work.conn  # type: ignore[attr-defined]
        cover, contact = conn.execute(
            text("SELECT cover, contact_point FROM requests WHERE id = :n"), {"n": number}
        ).one()
        found = conn.execute(text("SELECT name, body FROM papers WHERE request = :n"), {"n": number})
        bodies = {name: bytes(body) for name, body in found}
        places = conn.execute(
            text("SELECT address FROM request_items WHERE request = :n ORDER BY number"), {"n": number}
        )
        listed = [address for (address,) in places]
        return fingerprint(cover, bodies.get("json", b""), bodies.get("pdf", b""), contact, listed)

    def observe(self) -> None:
        """Look at what has arrived since."""
        for one in self.arrivals[self.seen :]:
            if one.reference in self.stories:
                self.gone_out.add(one.reference)
                self.judge(one)
            else:
                self.judge_letter(one)
        self.seen = len(self.arrivals)

    def judge_letter(self, arrival: Arrival) -> None:
        """A letter of its own takes two pairs of eyes; one that goes with an order comes when that has left."""
        with self.desk.store.begin(write=False) as work:
            letter = letters.one(work, work.letters.by_reference(arrival.reference))
            order = work.requests.one(letter.request).reference if letter.request is not None else ""
        self.counts[f"arrived letter {letter.form}"] += 1
        if letter.enclosed in letters.WITH_ORDER:
            fault = None if order in self.gone_out else "it came without its order"
        elif letter.enclosed == letters.PROGRAM or letter.reference in self.written:
            eyes = self.let_go.get(letter.reference, frozenset())
            author = self.written.get(letter.reference, "")
            fault = None if eyes and author not in eyes else "nobody else has approved it"
        else:
            fault = "nobody wrote it"
        if plain(letter.text) not in plain(arrival.text) or "other words" in arrival.text:
            fault = fault or "it has other words"
        if fault:
            self.violations.append(f"{arrival.reference}: {fault}")

    def judge(self, arrival: Arrival) -> None:
        """Whether this may have left."""
        story = self.stories[arrival.reference]
        self.counts["arrived"] += 1
        self.counts[f"arrived {'order' if story.binds else 'notice'}"] += 1
        fault = self.fault_of(story, arrival)
        if fault:
            self.violations.append(f"{arrival.reference}: {fault}")

    def fault_of(self, story: Story, arrival: Arrival) -> str | None:
        """What is wrong with an arrival; None where nothing is."""
        files = dict(arrival.files)
        pdf = next((body for name, body in files.items() if name.endswith(".pdf")), b"")
        found = next((body for name, body in files.items() if name.endswith(".json")), b"")
        contact = CONTACTS.get((arrival.provider, arrival.via), "")
        taken = [
            one
            for one in self.world.intakes
            if (one.reference, one.provider) == (arrival.reference, arrival.provider)
        ]
        if len(taken) > 1 and not arrival.repeat:
            return f"taken in {len(taken)} times"
        intake = taken[-1]
        listed = [address for _, address in intake.lines]
        now = intake.at
        for approval in reversed(story.approvals):
            cover = arrival.text
            if arrival.via == "mail" and plain(approval.cover) in plain(cover):
                cover = approval.cover  # a mail has the list of items below its words
            if not arrival_matches(approval.content, cover, found, pdf, contact, listed):
                continue
            if approval.by == story.drawn_by or approval.eyes & ({story.drawn_by} | story.assessed_by):
                return f"approved by {approval.by}, whose eyes had seen it before"
            if now - approval.at > DAY + SLACK and not story.binds:
                return "its approval was over"
            if not story.binds:
                return None
            for signature in story.signatures:
                if signature.content != approval.content or signature.at < approval.at:
                    continue
                seen_before = {story.drawn_by, approval.by} | story.assessed_by
                if signature.by in seen_before or signature.eyes & seen_before:
                    return f"signed by {signature.by}, whose eyes had seen it before"
                return None
        return "nobody approved and signed these bytes"


def plain(words: str) -> str:
    """Without what mail does to lines."""
    return " ".join(words.split())


def fingerprint(cover: str, found: bytes, pdf: bytes, contact: str, listed: list[str]) -> str:
    """Of everything that leaves, kept apart so that a signed PDF can be held against it."""
    return json.dumps(
        [
            hashlib.sha256(cover.encode()).hexdigest(),
            hashlib.sha256(found).hexdigest(),
            base64.b64encode(hashlib.sha256(pdf).digest()).decode(),
            contact,
            listed,
            len(pdf),
        ]
    )


def arrival_matches(
    content: str, cover: str, found: bytes, pdf: bytes, contact: str, listed: list[str]
) -> bool:
    """Whether what arrived is what was looked at; the signature was added behind the PDF's own bytes."""
    length = json.loads(content)[-1]
    return content == fingerprint(cover, found, pdf[:length], contact, listed)


CONTACTS = {
    ("flock", "api"): "http://api.flock.exercise.example/referrals",
    ("hearth", "mail"): "referrals@mail.hearth.exercise.example",
    ("reel", "api"): "http://api.reel.exercise.example/referrals",
}


def walk(home: Path, *, seed: int, steps: int, database: str | None = None, draws: float = 0.02) -> Walk:
    """Take so many steps; gives the walk, closed."""
    one = Walk(home, seed, database=database, draws=draws)
    try:
        for _ in range(steps):
            one.step()
    finally:
        one.close()
    return one
