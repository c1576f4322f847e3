"""The live tally of an operation: one poller, events when a number changes, an end with the sign-in."""

from __future__ import annotations

import json
from collections.abc import Iterator

import httpx2
import pytest

from happened import let_things_happen
from serving import PURPOSE, served, word_for
from staydown.api.app import make_api
from staydown.api.limits_rates import Limiter
from staydown.api.stream import Tallies
from support import ALICE, BOB, DAVE, Desk

PATH = "/v1/operations/spring/events"


@pytest.fixture
def running(desk: Desk) -> Iterator[tuple[str, Tallies]]:
    let_things_happen(desk)
    api = make_api(desk.app)
    api.state.limiter = Limiter(rate_per_s=1e9, burst=1e9)
    api.state.tallies = Tallies(desk.app, every_s=0.05, beat_s=0.2, ask_s=0.2)
    with served(api) as address:
        yield address, api.state.tallies


def listen(address: str, word: str, **headers: str) -> Iterator[dict[str, str]]:
    """The parts of the stream as they come."""
    told = {"Authorization": f"Bearer {word}", **PURPOSE, **headers}
    with httpx2.stream("GET", address + PATH, headers=told, timeout=20) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        part: dict[str, str] = {}
        for line in answer.iter_lines():
            if line:
                name, _, value = line.partition(": ")
                part[name or "comment"] = value
            elif part:
                yield part
                part = {}


def first(parts: Iterator[dict[str, str]], event: str) -> dict[str, str]:
    """The next event of that name."""
    return next(part for part in parts if part.get("event") == event)


def test_a_change_is_told_to_all_by_one_poller(running: tuple[str, Tallies], desk: Desk) -> None:
    address, tallies = running
    listeners = [listen(address, word_for(desk.app, who)) for who in (ALICE, BOB, ALICE)]
    before = [json.loads(first(one, "tally")["data"])["items"] for one in listeners]
    assert before == [4, 4, 4]
    assert tallies.pollers == 1
    items = desk.sight(desk.show("late"))
    with desk.store.begin() as work:
        work.operations.add_items("spring", items)  # type: ignore[arg-type]
    assert [json.loads(first(one, "tally")["data"])["items"] for one in listeners] == [5, 5, 5]
    for one in listeners:
        one.close()  # type: ignore[attr-defined]


def test_what_was_had_is_not_told_again(running: tuple[str, Tallies], desk: Desk) -> None:
    address, _ = running
    word = word_for(desk.app, ALICE)
    parts = listen(address, word)
    had = first(parts, "tally")["id"]
    again = listen(address, word, **{"Last-Event-ID": had})
    quiet = [next(again) for _ in range(3)]
    assert all("event" not in part for part in quiet)  # how to come back, then beats


def test_the_end_of_a_sign_in_ends_it(running: tuple[str, Tallies], desk: Desk) -> None:
    address, _ = running
    parts = listen(address, word_for(desk.app, ALICE))
    first(parts, "tally")
    with desk.store.begin() as work:
        work.doors.end_sessions(ALICE.id)
    assert first(parts, "end")["data"] == "signed out"
    assert list(parts) == []


def test_others_hear_nothing(running: tuple[str, Tallies], desk: Desk) -> None:
    address, _ = running
    told = {"Authorization": f"Bearer {word_for(desk.app, DAVE)}"}
    assert httpx2.get(address + PATH, headers=told).status_code == 404
