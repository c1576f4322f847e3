"""A scratch exercise with its people and simulated providers, in which approved requests wait to leave.

The providers run in this process and write every arrival down, also those they notice as repeats; the workers are
other processes. So what was lost or doubled is counted at the receiver.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from staydown.app import HOSTS, App, open_app
from staydown.core.assessment import Assessment, Ground, Purpose, PurposeAnswer, Verdict
from staydown.core.ids import AgencyCode, PersonId
from staydown.core.item import Refusal
from staydown.core.people import Person, Role
from staydown.flow import approve, assess, preserve, propose, record
from staydown.ports import Row
from staydown.settings import FILE
from staydown.testing.memory import MemoryWorld
from staydown.testing.profiles import PROFILES
from staydown.testing.simulated import Servers
from staydown.testing.world import Arrival, Page
from staydown.worker.loop import drain

STARTS = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
ALICE = Person(id=PersonId("alice"), agency=AgencyCode("AA"), roles=frozenset({Role.ANALYST}))
BOB = Person(id=PersonId("bob"), agency=AgencyCode("AA"), roles=frozenset({Role.APPROVER}))
PLACES: Mapping[str, tuple[str, str, str]] = {
    "api": ("flock", "account", "/@made_up_{}"),
    "webform": ("quill", "paste", "/p/madeup{}"),
    "mail": ("hearth", "channel", "/made_up_{}"),
}
"""By courier: a provider that takes it, a sort of thing there, and where number so-and-so stands."""
LEASE_S = 1
BATCH = 60


@dataclass
class Stage:
    """One exercise home with its providers."""

    app: App
    world: MemoryWorld
    arrivals: list[Arrival]
    approved: dict[str, str] = field(default_factory=dict)  #: courier by reference of an approved request
    count: int = 0

    @property
    def database(self) -> str:
        """The address of its database."""
        return self.app.settings.database_address

    @property
    def home(self) -> Path:
        """Its home."""
        return self.app.settings.home

    def outstanding(self) -> int:
        """How many approved requests have not arrived."""
        return len(self.approved) - len({one.reference for one in self.arrivals})

    def add(self, count: int, couriers: Sequence[str], *, keep: bool = False) -> list[str]:
        """Let people record, assess, propose and approve; gives the references of as many requests.

        Args:
            keep: Whether evidence is kept; else a person waives it with a reason.
        """
        made: list[str] = []
        while len(made) < count:
            made += self._batch(min(BATCH, count - len(made)), couriers, keep=keep)
        return made

    def sight(self, count: int, couriers: Sequence[str]) -> list[int]:
        """Show new things in the world and record them; gives their items."""
        addresses = [self._show(couriers[number % len(couriers)]) for number in range(count)]
        with self.app.store.begin() as work:
            seen = [
                record.sighting(
                    self.app.tools,
                    Row(line=at, raw=address, seen_at=work.now.isoformat()),
                    agency=ALICE.agency,
                    now=work.now,
                    file_sha256="",
                )
                for at, address in enumerate(addresses, 1)
            ]
            good = [one for one in seen if not isinstance(one, Refusal)]
            record.record(work, good)
            found = work.items.find([one.identity.key for one in good])
        return [found[one.identity.key] for one in good]

    def _batch(self, count: int, couriers: Sequence[str], *, keep: bool) -> list[str]:
        store, items = self.app.store, self.sight(count, couriers)
        with store.begin() as work:
            if keep:
                preserve.ask(work, ALICE, items)  # type: ignore[arg-type]
            else:
                preserve.waive(work, ALICE, items, reason="a measurement on made-up things")  # type: ignore[arg-type]
        if keep:
            drain(self.app.tools, "stage")
        with store.begin() as work:
            assess.assess(work, ALICE, [_view(item) for item in items])
        with store.begin() as work:
            proposal = propose.propose(self.app.tools, work, ALICE, items)  # type: ignore[arg-type]
        with store.begin() as work:
            approve.approve(self.app.tools, work, BOB, [one.id for one in proposal.requests])
        made = {one.reference: one.courier for one in proposal.requests}
        self.approved |= made
        return list(made)

    def _show(self, courier: str) -> str:
        self.count += 1
        provider, kind, path = PLACES[courier]
        place = path.format(self.count)
        page = Page(presence="online", kind=kind, name="made up", text=f"made up, number {self.count}")
        self.world.pages[provider, place] = page
        return f"https://{PROFILES[provider].host}{place}"

    def later(self, length: timedelta) -> None:
        """Let simulated time pass; nobody does anything meanwhile."""
        self.world.now += length
        self.app.store.set_simulated(self.world.now)


def _view(item: int) -> Assessment:
    return Assessment(
        item=item,  # type: ignore[arg-type]
        by=ALICE.id,
        agency=ALICE.agency,
        verdict=Verdict.TERRORIST,
        ground=Ground.INCITES,
        purposes=dict.fromkeys(Purpose, PurposeAnswer.NO),
        reason="made up",
    )


@contextmanager
def stage(home: Path, *, database: str | None, couriers: Iterable[str]) -> Iterator[Stage]:
    """An exercise in a fresh home, with the providers that these couriers reach."""
    home.mkdir(parents=True)
    (home / FILE).write_text(f"lines_per_request = 1\nlease_s = {LEASE_S}\n", encoding="utf-8")
    world, arrivals, lock = MemoryWorld(now=STARTS), list[Arrival](), threading.Lock()

    def watch(arrival: Arrival) -> None:
        with lock:
            arrivals.append(arrival)

    wanted = {PLACES[courier][0] for courier in couriers}
    profiles = [profile for name, profile in PROFILES.items() if name in wanted]
    with Servers(world, profiles, watcher=watch) as servers:
        app = open_app(home, database=database)
        store = app.make(exercise=True, origin="exercise.example/bench", starts_at=STARTS)
        store.close()
        (home / HOSTS).write_text(json.dumps(servers.hosts), encoding="utf-8")
        try:
            with app.store.begin() as work:
                work.people.add_agencies([ALICE.agency])
                for one in (ALICE, BOB):
                    work.people.add(one)
            yield Stage(app, world, arrivals)
        finally:
            app.close()
