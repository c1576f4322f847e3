"""Each of the exercise's people at a desk of their own: signed in with a passkey, acting over HTTP alone."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import groupby

from staydown.app import App
from staydown.client import Client
from staydown.core.assessment import Assessment
from staydown.core.doors import Prefix, new_word
from staydown.core.errors import Outside
from staydown.core.ids import AgencyCode, ItemId, OperationId, PersonId, RequestId, ReturnId
from staydown.core.item import NewSighting
from staydown.core.people import Person
from staydown.exercise.hands import first_seen
from staydown.flow.answer import Said
from staydown.ports.work import Work
from staydown.testing.signed_in import enrolled, signed_in
from staydown.testing.softkey import SoftKey
from staydown.wire import cases, items

AT_ONCE = 1000
"""Items in one call."""
STARTS_S = 30.0


@dataclass(slots=True)
class _Desk:
    """Somebody's passkey, and the client of the present session."""

    key: SoftKey
    client: Client
    proved: float  #: steady time of the last sign-in


@dataclass(slots=True)
class ApiHands:
    """Everybody acts over the API; what they read on kept pages they read here."""

    app: App
    address: str
    _desks: dict[PersonId, _Desk] = field(default_factory=dict)

    @classmethod
    @contextmanager
    def serving(cls, app: App) -> Iterator[ApiHands]:
        """Serve a home on loopback for as long as people act."""
        with _served(app) as address:
            hands = cls(app, address)
            try:
                yield hands
            finally:
                for desk in hands._desks.values():
                    desk.client.close()

    def reading(self) -> AbstractContextManager[Work]:
        """A transaction for reading: writing is the server's."""
        return self.app.tools.begin(write=False)

    # --- signing in -------------------------------------------------------------------------------

    def _at(self, person: Person, *, fresh: bool = False) -> Client:
        """The client of somebody, who enrols with a passkey when first there.

        Args:
            fresh: What is asked next takes a proof, given just now, of who is there.
        """
        desk = self._desks.get(person.id)
        if desk is None:
            key = enrolled(self.address, self._invited(person))
            desk = self._desks[person.id] = _Desk(key, self._client(key), time.monotonic())
        elif time.monotonic() - desk.proved > self.app.settings.fresh_s / (2 if fresh else 0.5):
            desk.client.close()
            desk.client, desk.proved = self._client(desk.key), time.monotonic()
        return desk.client

    def _invited(self, person: Person) -> str:
        word = new_word(Prefix.INVITATION)
        with self.app.store.begin() as work:
            ends_at = work.real_now + timedelta(hours=1)
            work.doors.invite(person.id, person.agency, word, by=None, ends_at=ends_at)
        return word

    def _client(self, key: SoftKey) -> Client:
        return Client(self.address, signed_in(self.address, key), purpose="exercise")

    # --- acting -----------------------------------------------------------------------------------

    def report(
        self, work: Work, seen: Sequence[NewSighting], *, operation: OperationId
    ) -> Mapping[AgencyCode, Sequence[ItemId]]:
        """Each agency's first analyst sends what the own agency saw, in the order in which it came in."""
        keys = [one.identity.key for one in seen]
        known = set(work.items.find(keys).values())
        for code, own in groupby(seen, key=lambda one: one.agency):
            client = self._at(self._person(PersonId(f"{code.lower()}-analyst-1")))
            client.record(
                [items.NewSighting(url=one.identity.raw, seen_at=one.seen_at, note=one.note) for one in own],
                operation=operation,
            )
        with self.reading() as after:
            found = after.items.find(keys)
        told = [(found[one.identity.key], one.agency) for one in seen]
        return first_seen([item for item in found.values() if item not in known], told)

    def _person(self, who: PersonId) -> Person:
        with self.reading() as work:
            return work.people.get(who)

    def keep(self, work: Work, person: Person, items_: Sequence[ItemId]) -> None:
        """Ask for items to be kept."""
        for some in _some(items_):
            self._at(person).preserve(items.ToKeep(items=some))

    def hold(self, work: Work, person: Person, item: ItemId, *, reason: str, until: datetime) -> None:
        """Ask others to wait."""
        self._at(person).hold(cases.NewHold(items=[str(item)], reason=reason, until=until))

    def assess(self, work: Work, person: Person, made: Sequence[Assessment]) -> None:
        """Write down what was found; what is alike goes in one call, and in the order given."""
        for _, alike in groupby(made, key=lambda one: replace(one, item=ItemId(0))):
            own = list(alike)
            for some in _some([one.item for one in own]):
                self._at(person).assess(
                    items.NewAssessment(
                        items=some,
                        verdict=own[0].verdict,
                        ground=own[0].ground,
                        purposes=dict(own[0].purposes),
                        reason=own[0].reason,
                    )
                )

    def propose(
        self, work: Work, person: Person, items_: Sequence[ItemId], *, operation: OperationId
    ) -> None:
        """Propose requests about items."""
        for some in _some(items_):
            self._at(person).propose(cases.NewRequest(items=some, operation=operation))

    def send_back(self, work: Work, person: Person, request: RequestId, *, reason: str) -> None:
        """Refuse consent."""
        self._at(person).send_back(work.requests.one(request).reference, reason)

    def approve(self, work: Work, person: Person, requests: Sequence[RequestId]) -> None:
        """Read each request as it will leave, and consent to exactly that."""
        for one in work.requests.get(requests):
            client = self._at(person, fresh=True)
            client.approve(client.request(one.reference))

    def decide(self, work: Work, person: Person, said: Mapping[ReturnId, bool]) -> None:
        """Say of likely returns whether they are."""
        for number, is_return in said.items():
            self._at(person).decide_return(number, items.ReturnDecision(is_return=is_return))

    def withdraw(self, work: Work, person: Person, request: RequestId, item: ItemId, *, reason: str) -> None:
        """Take an item of a request back."""
        given = cases.NewWithdrawal(reason=reason, items=[str(item)])
        self._at(person).withdraw(work.requests.one(request).reference, given)

    def answer(self, work: Work, person: Person, said: Sequence[Said]) -> None:
        """Note what a provider says, request by request."""
        for one in said:
            lines = [
                cases.NewLineAnswer(
                    number=line.number, decision=line.decision, reason=line.reason, at=line.at
                )
                for line in one.lines
            ]
            reference = work.requests.one(one.request).reference
            self._at(person).answer(reference, cases.NewAnswer(lines=lines))

    def close(self, work: Work, person: Person, request: RequestId, *, reason: str) -> None:
        """Give up on a request."""
        self._at(person).close_request(work.requests.one(request).reference, reason)


def _some(found: Sequence[ItemId]) -> Iterator[list[str]]:
    for start in range(0, len(found), AT_ONCE):
        yield [str(item) for item in found[start : start + AT_ONCE]]


@contextmanager
def _served(app: App) -> Iterator[str]:
    """The API of a home on a free port of loopback; gives its address, under which passkeys are made too.

    Raises:
        Outside: The server does not start.
    """
    import uvicorn

    from staydown.api.app import make_api

    # said to be TCP, or asyncio leaves Nagle's wait on and each answer takes 40 ms longer
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    listener.listen(128)
    address = f"http://localhost:{listener.getsockname()[1]}"
    app.settings = replace(app.settings, address=address)
    app.__dict__.pop("tools", None)  # made anew with that address
    config = uvicorn.Config(make_api(app), log_config=None, access_log=False, timeout_graceful_shutdown=2)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    ends = time.monotonic() + STARTS_S
    while not server.started:
        if not thread.is_alive() or time.monotonic() > ends:
            raise Outside("the exercise's own server did not start", hint="Its own words stand above.")
        time.sleep(0.01)
    try:
        yield address
    finally:
        server.should_exit = True
        thread.join(10)
        listener.close()
