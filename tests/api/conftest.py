"""The API of a desk, served over real HTTP."""

from __future__ import annotations

from collections.abc import Iterator

import httpx2
import pytest

from happened import ADA, CLIVE, OLIVER, newcomers
from serving import caller, serving
from staydown.core.people import Person
from support import ALICE, ANNA, BOB, CAROL, DAVE, Desk


class Callers:
    """Everybody of the cast, signed in."""

    def __init__(self, address: str, desk: Desk) -> None:
        self.address, self.desk = address, desk
        with desk.store.begin(write=False) as work:
            known = {one.id for one in work.people.all()}
        newcomers(desk, *(one for one in (OLIVER, ADA, CLIVE) if one.id not in known))
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
