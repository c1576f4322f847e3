"""A desk to write tests at: the cast, the world they look at, and the verbs they use."""

from __future__ import annotations

import atexit
import json
import shutil
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import pytest

from staydown.app import HOSTS, App, open_app
from staydown.core.assessment import Assessment, Ground, Purpose, PurposeAnswer, Verdict
from staydown.core.ids import AgencyCode, ItemId, PersonId, RequestId
from staydown.core.people import Person, Role
from staydown.core.request import Request
from staydown.core.states import ItemState
from staydown.flow import approve, assess, preserve, propose, record
from staydown.ports import Row
from staydown.store.engine import Store
from staydown.testing.memory import MemoryWorld
from staydown.testing.simulated import Servers
from staydown.testing.world import LineStatus, Page
from staydown.worker.loop import drain

STARTS = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
NO = dict.fromkeys(Purpose, PurposeAnswer.NO)


def law(*articles: str) -> pytest.MarkDecorator:
    """Mark a test with the articles it shows."""
    return pytest.mark.law(*articles)


def person(name: str, agency: str, *roles: Role) -> Person:
    """One of the cast."""
    return Person(id=PersonId(name), agency=AgencyCode(agency), roles=frozenset(roles))


ALICE = person("alice", "AA", Role.ANALYST)
ANNA = person("anna", "AA", Role.ANALYST)
BOB = person("bob", "AA", Role.APPROVER, Role.COORDINATOR)
SAM = person("sam", "AA", Role.SIGNATORY)
CAROL = person("carol", "BB", Role.INVESTIGATOR, Role.DECONFLICTION, Role.ANALYST, Role.APPROVER)
DAVE = person("dave", "CC", Role.AUDITOR)
CAST = (ALICE, ANNA, BOB, SAM, CAROL, DAVE)


def settled(app: App) -> Store:
    """The store of a new exercise with its cast."""
    store = app.make(exercise=True, origin="exercise.example/test", starts_at=STARTS)
    with store.begin() as work:
        work.people.add_agencies([one.agency for one in CAST])
        for one in CAST:
            work.people.add(one)
    return store


@cache
def _pattern() -> Path:
    """A home on SQLite that nobody works in: it is made once, and copied in a thirtieth of the time.

    PostgreSQL gains nothing: it copies a database more slowly than it makes the tables.
    """
    home = Path(tempfile.mkdtemp(prefix="staydown-desk-"))
    atexit.register(shutil.rmtree, home, ignore_errors=True)
    app = open_app(home)
    settled(app).close()
    app.close()
    return home


class Desk:
    """An exercise home beside real simulated providers."""

    def __init__(
        self, home: Path, world: MemoryWorld, servers: Servers, *, database: str | None = None
    ) -> None:
        self.world, self.home = world, home
        if database is None:
            shutil.copytree(_pattern(), home, dirs_exist_ok=True)
        self.app = open_app(home, database=database)
        self.store = settled(self.app) if database else self.app.store
        (home / HOSTS).write_text(json.dumps(servers.hosts))
        self.tools = self.app.tools
        world.now = STARTS

    def close(self) -> None:
        """Let go of everything."""
        self.app.close()
        self.store.close()

    # --- the world ------------------------------------------------------------------------------

    def show(self, name: str, *, presence: str = "online", **more: object) -> str:
        """Put an account of Flock into the world; gives its address."""
        fields = {"kind": "account", "handle": name, "name": name, "text": "made up", **more}
        self.world.pages["flock", f"/@{name}"] = Page(presence=presence, **fields)  # type: ignore[arg-type]
        return f"https://flock.exercise.example/@{name}"

    def channel(self, name: str, *, presence: str = "online") -> str:
        """Put a channel of Hearth, which takes mail, into the world; gives its address."""
        self.world.pages["hearth", f"/{name}"] = Page(
            presence=presence, kind="channel", handle=name, name=name
        )  # type: ignore[arg-type]
        return f"https://hearth.exercise.example/{name}"

    def decided(self, reference: str, *states: str, provider: str = "flock") -> None:
        """Let a provider decide the lines of a reference."""
        self.world.states[provider, reference] = [
            LineStatus(number=number, state=state, at=self.world.now)
            for number, state in enumerate(states, 1)
        ]

    def later(self, **length: float) -> None:
        """Let simulated time pass, and do what falls due on the way."""
        with self.store.begin(write=False) as work:
            to = work.now + timedelta(**length)
        while True:
            with self.store.begin(write=False) as work:
                due, now = work.queue.next_due(), work.now
            instant = to if due is None else min(max(due, now), to)
            if instant > now:
                self.store.set_simulated(instant)
                self.world.now = instant
            self.work()
            if instant >= to:
                return

    def work(self) -> int:
        """Do what is due."""
        return drain(self.tools, "test")

    # --- the verbs ------------------------------------------------------------------------------

    def sight(self, *addresses: str, agency: str = "AA", note: str = "") -> list[ItemId]:
        """Record sightings; gives the items in the order of the addresses."""
        with self.store.begin() as work:
            seen = [
                record.sighting(
                    self.tools,
                    Row(line=at, raw=raw, seen_at=work.now.isoformat(), note=note),
                    agency=AgencyCode(agency),
                    now=work.now,
                    file_sha256="",
                )
                for at, raw in enumerate(addresses, 1)
            ]
            record.record(work, seen)  # type: ignore[arg-type]
            found = work.items.find([one.identity.key for one in seen])  # type: ignore[union-attr]
            return [found[one.identity.key] for one in seen]  # type: ignore[union-attr]

    def keep(self, items: Sequence[ItemId]) -> None:
        """Ask for items to be kept, and do it."""
        with self.store.begin() as work:
            preserve.ask(work, ALICE, items)
        self.work()

    def view(
        self,
        items: Sequence[ItemId],
        verdict: Verdict = Verdict.TERRORIST,
        *,
        by: Person = ALICE,
        **answers: PurposeAnswer,
    ) -> None:
        """Assess items."""
        purposes = NO | {Purpose(name.replace("_", "-")): answer for name, answer in answers.items()}
        ground = Ground.INCITES if verdict is Verdict.TERRORIST else None
        with self.store.begin() as work:
            made = [
                Assessment(
                    item=i,
                    by=by.id,
                    agency=by.agency,
                    verdict=verdict,
                    ground=ground,
                    purposes=purposes,
                    reason="made up",
                )
                for i in items
            ]
            assess.assess(work, by, made)

    def put(
        self, items: Sequence[ItemId], *, by: Person = ALICE, operation: str | None = None
    ) -> propose.Proposal:
        """Propose items."""
        with self.store.begin() as work:
            return propose.propose(self.tools, work, by, items, operation=operation)  # type: ignore[arg-type]

    def consent(self, *requests: Request, by: Person = BOB) -> None:
        """Approve requests."""
        with self.store.begin() as work:
            approve.approve(self.tools, work, by, [one.id for one in requests])

    def referred(self, *addresses: str) -> tuple[Request, list[ItemId]]:
        """The path from a sighting to a request that has left."""
        items = self.sight(*addresses)
        self.keep(items)
        self.view(items)
        request = self.put(items).requests[0]
        self.consent(request)
        self.work()
        return self.request(request.id), items

    # --- looking --------------------------------------------------------------------------------

    def request(self, number: RequestId) -> Request:
        """A request as it stands."""
        with self.store.begin(write=False) as work:
            return work.requests.one(number)

    def state(self, item: ItemId) -> ItemState:
        """An item's state."""
        with self.store.begin(write=False) as work:
            return work.items.since([item])[item][0]

    def tags(self, subject: str) -> list[str]:
        """What the ledger says about a subject, in order."""
        with self.store.begin(write=False) as work:
            entries = [json.loads(line.entry) for line in work.ledger.lines()]
        return [entry["tag"] for entry in entries if entry["subject"] == subject]
