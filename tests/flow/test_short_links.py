"""A short link is an item of its own; what it wraps is noted once a check has seen where it leads."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from staydown.app import HOSTS
from staydown.core.ids import ItemId
from staydown.core.item import Item
from staydown.core.states import Presence
from staydown.ports.work import WorkKind
from support import Desk

SHORT = "https://bit.ly/AbCdEfG"
PLACES = {
    "/AbCdEfG": "https://flock.exercise.example/@qorvana",
    "/Twice00": "https://bit.ly/AbCdEfG",
    "/Front00": "https://flock.exercise.example/",
}


class _Shortener(BaseHTTPRequestHandler):
    """Leads on where it knows, and says 404 elsewhere."""

    def do_GET(self) -> None:
        place = PLACES.get(self.path)
        self.send_response(301 if place else 404)
        if place:
            self.send_header("Location", place)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def shortener(desk: Desk) -> Iterator[None]:
    """A real server on loopback that answers for the shortener's host."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Shortener)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    table = json.loads((desk.home / HOSTS).read_text())
    (desk.home / HOSTS).write_text(json.dumps(table | {"bit.ly": ["127.0.0.1", server.server_address[1]]}))
    yield
    server.shutdown()
    server.server_close()
    thread.join()


def item_of(desk: Desk, item: ItemId) -> Item:
    with desk.store.begin(write=False) as work:
        return work.items.get([item])[0]


def look(desk: Desk, *items: ItemId) -> None:
    with desk.store.begin() as work:
        work.queue.add(WorkKind.CHECK, items, due_at=work.now)
    desk.work()


@pytest.mark.usefixtures("shortener")
def test_a_check_notes_what_a_short_link_wraps(desk: Desk) -> None:
    target = desk.show("qorvana")
    short, account = desk.sight(SHORT, target)
    assert item_of(desk, short).wraps is None
    look(desk, short)
    found = item_of(desk, short)
    assert (found.wraps, found.presence) == ("flock:account:qorvana", Presence.ONLINE)
    assert found.key == "short-links:link:bit.ly/AbCdEfG"
    assert "item:target:found" in desk.tags(f"item:{short}")
    assert item_of(desk, account).key == "flock:account:qorvana"


@pytest.mark.usefixtures("shortener")
def test_a_link_to_a_link_wraps_what_is_at_the_end(desk: Desk) -> None:
    desk.show("qorvana")
    (short,) = desk.sight("https://bit.ly/Twice00")
    look(desk, short)
    assert item_of(desk, short).wraps == "flock:account:qorvana"


@pytest.mark.usefixtures("shortener")
def test_a_link_that_leads_nowhere_wraps_nothing_and_is_gone(desk: Desk) -> None:
    gone, front = desk.sight("https://bit.ly/Gone000", "https://bit.ly/Front00")
    look(desk, gone, front)
    desk.later(hours=3)
    assert (item_of(desk, gone).wraps, item_of(desk, front).wraps) == (None, None)
    assert item_of(desk, gone).presence is Presence.OFFLINE
    assert item_of(desk, front).presence is not Presence.OFFLINE


@pytest.mark.usefixtures("shortener")
def test_what_a_link_wraps_stays_what_it_was_when_it_was_first_seen(desk: Desk) -> None:
    desk.show("qorvana")
    (short,) = desk.sight(SHORT)
    look(desk, short)
    PLACES["/AbCdEfG"] = "https://page.example/a"
    try:
        desk.show("other")
        look(desk, short)
    finally:
        PLACES["/AbCdEfG"] = "https://flock.exercise.example/@qorvana"
    assert item_of(desk, short).wraps == "flock:account:qorvana"
