"""The API of a desk, served over real HTTP."""

from __future__ import annotations

from collections.abc import Iterator

import httpx2
import pytest

from serving import caller, serving
from staydown.core.people import Person, Role
from support import ALICE, ANNA, BOB, CAROL, DAVE, Desk, person

OLIVER = person("oliver", "FLOCK", Role.PROVIDER)
ADA = person("ada", "AA", Role.ADMINISTRATOR)
CLIVE = person("clive", "AA", Role.COORDINATOR)


class Callers:
    """Everybody of the cast, signed in."""

    def __init__(self, address: str, desk: Desk) -> None:
        self.address, self.desk = address, desk
        with desk.store.begin() as work:
            work.people.add_agencies(["FLOCK"])  # type: ignore[list-item]
            for one in (OLIVER, ADA, CLIVE):
                work.people.add(one)
        self.alice, self.anna, self.bob = self.of(ALICE), self.of(ANNA), self.of(BOB)
        self.carol, self.dave, self.oliver = self.of(CAROL), self.of(DAVE), self.of(OLIVER)
        self.ada, self.clive = self.of(ADA), self.of(CLIVE)

    def of(self, who: Person) -> httpx2.Client:
        """A client of somebody who is signed in."""
        return caller(self.address, self.desk.app, who)

    def close(self) -> None:
        """Let go of all connections."""
        for one in vars(self).values():
            if isinstance(one, httpx2.Client):
                one.close()


@pytest.fixture
def api(desk: Desk) -> Iterator[Callers]:
    """The cast at a real server, on each database."""
    with serving(desk.app) as address:
        made = Callers(address, desk)
        yield made
        made.close()
