"""What several topics stand on: a home of their own, worker processes, made-up requests."""

from __future__ import annotations

import hashlib
import multiprocessing
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import TYPE_CHECKING

from staydown.core.errors import Outside
from staydown.core.ids import AgencyCode, ItemKey, PersonId, RequestId
from staydown.core.item import Identity, ItemKind, NewSighting
from staydown.core.people import Person, Role
from staydown.core.request import Line, Request
from staydown.core.states import RequestState
from staydown.ports.work import NewRequest, Work

if TYPE_CHECKING:
    from staydown.app import App

PERSON = Person(id=PersonId("alice"), agency=AgencyCode("AA"), roles=frozenset({Role.ANALYST}))
PATIENCE_S = 300.0
"""How long a measurement waits for something before it gives up."""


@contextmanager
def home(folder: Path, address: str | None) -> Iterator[App]:
    """A real home in a folder, with a store of its own; nothing leaves it, for no courier is called."""
    from staydown.app import open_app

    app = open_app(folder, database=address)
    app.make(exercise=False, origin="bench.example").close()
    with app.store.begin() as work:
        work.people.add_agencies([PERSON.agency])
        work.people.add(PERSON)
    yield app
    app.close()


def spawned(target: Callable[..., None], *given: object) -> BaseProcess:
    """A process of its own, started afresh; it is killed with us."""
    process = multiprocessing.get_context("spawn").Process(target=target, args=given, daemon=True)
    process.start()
    return process


def wait_for(what: Callable[[], bool], *, every_s: float = 0.002) -> None:
    """Wait until something is so.

    Raises:
        Outside: It did not become so.
    """
    ends = time.monotonic() + PATIENCE_S
    while not what():
        if time.monotonic() > ends:
            raise Outside(
                "a measurement came to no end", hint="Try it on a quieter machine, or with a smaller --size."
            )
        time.sleep(every_s)


def running_requests(work: Work, count: int, *, first: int = 1) -> list[Request]:
    """Requests that a provider has, of one made-up item each, put into the store without walking the path."""
    items = work.items.record(
        [_sighting(number, work.now) for number in range(first, first + count)]
    ).items_new
    requests = [_request(number, work.now) for number in range(first, first + count)]
    work.requests.add(
        [
            NewRequest(
                request=request,
                subject="made up",
                lines=(Line(item=item, number=1, address="https://flock.example/made-up", digest=""),),
            )
            for request, item in zip(requests, items, strict=True)
        ]
    )
    return requests


def _sighting(number: int, at: datetime) -> NewSighting:
    address = f"https://flock.example/made-up-{number}"
    identity = Identity(
        raw=address,
        key=ItemKey(f"flock:account:made-up-{number}"),
        provider="flock",
        kind=ItemKind.ACCOUNT,
        address=address,
    )
    fingerprint = hashlib.blake2b(address.encode(), digest_size=16).digest()
    return NewSighting(identity=identity, agency=PERSON.agency, seen_at=at, fingerprint=fingerprint)


def _request(number: int, at: datetime) -> Request:
    return Request(
        id=RequestId(number),
        reference=f"SD-1-{number:06}",
        provider="flock",
        instrument="referral",
        agency=PERSON.agency,
        operation=None,
        state=RequestState.RUNNING,
        version=1,
        proposed_by=PERSON.id,
        proposed_at=at,
        addressee="made up",
        contact_point="made up",
        courier="files",
        cover="made up",
        cover_digest="",
        language="en",
        issued_at=at,
    )


def quantile(values: Sequence[float], share: float) -> float:
    """The value that a share of all do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
