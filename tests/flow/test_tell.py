"""Webhooks: told in order, until heard, of nothing that is not the own agency's matter."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from sqlalchemy import update

from happened import ADA, OLIVER, newcomers
from staydown.app import HOSTS
from staydown.core.errors import Invalid, NotEntitled, NotFound
from staydown.core.ids import WebhookId
from staydown.core.people import Role
from staydown.flow import deconflict, duty, preserve, tell
from staydown.store.tables_house import webhooks
from staydown.worker import loop as worker_loop
from support import ALICE, CAROL, Desk, person

TAGS = ("item:sighting:recorded", "item:assessment:made", "webhook:address:added")


class Ear:
    """A receiver that writes down what it hears, and answers as it is told to."""

    def __init__(self) -> None:
        self.heard: list[tuple[dict[str, str], bytes]] = []
        self.answers: list[int] = []
        self.stall = threading.Event()  # while it is not set, nothing is answered
        self.stall.set()
        ear = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                ear.heard.append(({name.lower(): value for name, value in self.headers.items()}, body))
                ear.stall.wait(30)
                status = ear.answers.pop(0) if ear.answers else 204
                self.send_response(status)
                if status in {301, 302}:
                    self.send_header("Location", "/elsewhere")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                """Nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def entries(self) -> list[int]:
        """Which entries were heard of, in order."""
        return [json.loads(body)["data"]["entry"] for _, body in self.heard]


@pytest.fixture
def ear(desk: Desk) -> Iterator[Ear]:
    made = Ear()
    table = json.loads((desk.home / HOSTS).read_text())
    table["ear.example"] = ["127.0.0.1", made.server.server_address[1]]
    (desk.home / HOSTS).write_text(json.dumps(table))
    newcomers(desk, ADA)
    yield made
    made.server.shutdown()
    made.server.server_close()


def listen(desk: Desk, *, tags: tuple[str, ...] = TAGS) -> tuple[WebhookId, bytes]:
    """A webhook of Ada's agency; gives its number and its key."""
    with desk.store.begin() as work:
        made, secret = tell.begin(desk.tools, work, ADA, address="http://ear.example/in", tags=tags)
    desk.later(seconds=3)
    return made.id, base64.b64decode(secret.removeprefix("whsec_"))


def test_told_in_order_signed_and_of_ids_only(desk: Desk, ear: Ear) -> None:
    number, key = listen(desk)
    desk.sight(*(desk.show(f"some_{n}") for n in range(5)), note="a secret of ours")
    desk.sight(desk.show("theirs"), agency="BB")
    desk.work()
    assert ear.entries == sorted(set(ear.entries))
    assert len(ear.entries) == 6  # itself, and five sightings; none of what only others saw
    for headers, body in ear.heard:
        told = json.loads(body)
        assert set(told) == {"type", "timestamp", "data"}
        assert told["type"] in TAGS
        assert set(told["data"]) == {"entry", "subject"}
        assert b"secret" not in body
        named = (headers["webhook-id"], headers["webhook-timestamp"], body)
        assert headers["webhook-signature"] == tell.signature(key, *named)
        assert headers["webhook-signature"] != tell.signature(b"x" * 24, *named)
    with desk.store.begin(write=False) as work:
        hook = work.hooks.one(ADA.agency, number)
        assert (hook.failures, hook.position) == (0, work.ledger.size())
        assert key not in hook.secret
        assert work.queue.waiting() == 0


def test_what_was_not_heard_is_told_again_later(desk: Desk, ear: Ear) -> None:
    number, _ = listen(desk, tags=TAGS[:1])
    ear.answers = [500, 302, 200]
    desk.sight(desk.show("one"))
    desk.work()
    assert len(ear.heard) == 1
    desk.sight(desk.show("two"))  # new entries do not cut the wait short
    desk.work()
    assert len(ear.heard) == 1
    desk.later(minutes=1)
    assert len(ear.heard) == 2
    desk.later(minutes=4)
    assert len(ear.heard) == 2
    desk.later(minutes=2)
    assert len(ear.heard) == 4
    assert len({headers["webhook-id"] for headers, _ in ear.heard}) == 2  # a repeat is known as one
    assert ear.entries[:3] == [ear.entries[0]] * 3
    with desk.store.begin(write=False) as work:
        assert work.hooks.one(ADA.agency, number).failures == 0


def test_who_never_hears_is_given_up(desk: Desk, ear: Ear) -> None:
    number, _ = listen(desk, tags=TAGS[:1])
    ear.answers = [500] * 100
    desk.sight(desk.show("one"))
    desk.later(days=4)
    with desk.store.begin(write=False) as work:
        assert work.hooks.one(ADA.agency, number).ended_at is None
    desk.later(days=3)
    with desk.store.begin(write=False) as work:
        assert work.hooks.one(ADA.agency, number).ended_at is not None
    assert desk.tags(f"webhook:{number}")[-1] == "webhook:address:given-up"
    before = len(ear.heard)
    desk.sight(desk.show("two"))
    desk.later(days=2)
    assert len(ear.heard) == before < 20


def test_a_secret_that_does_not_open_stops_nobody_else(desk: Desk, ear: Ear) -> None:
    number, _ = listen(desk)
    with desk.store.begin() as work:
        broken = update(webhooks).where(webhooks.c.id == number).values(secret=b"x" * 40)
        work.conn.execute(broken)
    other, _ = listen(desk)
    heard = len(ear.heard)
    desk.sight(desk.show("one"))
    desk.work()
    assert len(ear.heard) == heard + 1
    with desk.store.begin(write=False) as work:
        assert work.hooks.one(ADA.agency, number).ended_at is not None
        assert work.hooks.one(ADA.agency, other).ended_at is None


def test_ended_is_silent(desk: Desk, ear: Ear) -> None:
    number, _ = listen(desk)
    heard = len(ear.heard)
    stranger = person("eve", "BB", Role.ADMINISTRATOR)
    with pytest.raises(NotFound), desk.store.begin() as work:
        tell.end(work, stranger, number)
    with desk.store.begin() as work:
        tell.end(work, ADA, number)
    desk.sight(desk.show("one"))
    desk.work()
    assert len(ear.heard) == heard


def test_who_may_and_how_many(desk: Desk, ear: Ear) -> None:
    with pytest.raises(NotEntitled), desk.store.begin() as work:
        tell.begin(desk.tools, work, ALICE, address="http://ear.example/in", tags=TAGS)
    for _ in range(tell.AT_MOST):
        with desk.store.begin() as work:
            tell.begin(desk.tools, work, ADA, address="http://ear.example/in", tags=["a:b:c"])
    with pytest.raises(Invalid), desk.store.begin() as work:
        tell.begin(desk.tools, work, ADA, address="http://ear.example/in", tags=TAGS)


def test_nothing_is_asked_for_where_nobody_listens(desk: Desk) -> None:
    desk.sight(desk.show("one"))
    with desk.store.begin(write=False) as work:
        assert work.hooks.all_open() == []
        assert work.queue.waiting() == 0


def told_tags(ear: Ear) -> list[str]:
    """What was heard, by its tag."""
    return [json.loads(body)["type"] for _, body in ear.heard]


def test_of_a_shared_item_only_the_own_doings_are_told(desk: Desk, ear: Ear) -> None:
    tags = ("item:sighting:recorded", "item:assessment:made", "item:question:asked", "item:evidence:kept")
    listen(desk, tags=(*tags, "item:evidence:waived"))
    cora = person("cora", "CC", Role.ANALYST)
    newcomers(desk, cora)
    address = desk.show("seen_by_all")
    (item,) = desk.sight(address)
    desk.sight(address, agency="CC")
    desk.view([item], by=cora)
    with desk.store.begin() as work:
        deconflict.ask(work, cora, item, per_hour=9)
        preserve.waive(work, cora, [item], reason="theirs")
    desk.work()
    assert told_tags(ear) == ["item:sighting:recorded"]
    desk.keep([item])
    desk.view([item])
    with desk.store.begin() as work:
        preserve.waive(work, ALICE, [item], reason="ours")
        deconflict.ask(work, ALICE, item, per_hour=9)
    desk.work()
    assert told_tags(ear)[1:] == [
        "item:evidence:kept",
        "item:assessment:made",
        "item:evidence:waived",
        "item:question:asked",
    ]


def test_a_provider_hears_nothing_of_how_a_request_came_about(desk: Desk, ear: Ear) -> None:
    newcomers(desk, OLIVER)
    tags = [
        "request:proposal:made",
        "request:lines:dropped",
        "request:approval:given",
        "request:dispatch:sent",
    ]
    with desk.store.begin() as work:
        for who in (OLIVER, ADA):
            tell.begin(desk.tools, work, who, address=f"http://ear.example/{who.agency.lower()}", tags=tags)
    items = desk.sight(desk.show("one"), desk.show("two"))
    desk.keep(items)
    desk.view(items)
    (request,) = desk.put(items).requests
    with desk.store.begin() as work:
        until, longest = work.now + timedelta(days=2), timedelta(days=9)
        deconflict.place(work, CAROL, items[:1], reason="r", until=until, longest=longest, at_most=9)
    desk.consent(request)
    desk.later(seconds=5)
    assert sorted(told_tags(ear)) == sorted([*tags, "request:dispatch:sent"])


def test_a_slow_receiver_does_not_keep_an_alarm_waiting(desk: Desk, ear: Ear) -> None:
    """Between two of its messages whatever presses more goes first."""
    listen(desk)
    desk.sight(*(desk.show(f"some_{n}") for n in range(9)))
    heard = len(ear.heard)
    worker_loop.once(desk.tools, "test")
    assert len(ear.heard) == heard + 1
    with desk.store.begin() as work:
        alarm = duty.threat(work, ALICE, "a life", items=[])
    worker_loop.once(desk.tools, "test")
    with desk.store.begin(write=False) as work:
        assert work.duties.calls(alarm)
    assert len(ear.heard) == heard + 1
    desk.work()
    assert len(ear.heard) == heard + 9


def test_a_receiver_that_does_not_answer_is_left(desk: Desk, ear: Ear) -> None:
    number, _ = listen(desk)
    ear.stall.clear()
    desk.sight(desk.show("one"))
    desk.work()
    with desk.store.begin(write=False) as work:
        assert work.hooks.one(ADA.agency, number).failures == 1
    ear.stall.set()
    desk.later(minutes=2)
    with desk.store.begin(write=False) as work:
        assert work.hooks.one(ADA.agency, number).failures == 0
