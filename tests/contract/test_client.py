"""The typed client against a real server, also one whose connections break."""

from __future__ import annotations

import inspect
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from happened import let_things_happen
from serving import serving, word_for
from staydown.api.app import make_api
from staydown.client import Client
from staydown.client.orders import Orders
from staydown.core.errors import Invalid, NotEntitled, NotFound, NotSignedIn, Outside, SameEyes, Stale
from staydown.core.people import Person, Role
from staydown.wire import cases, items, operations
from support import ALICE, BOB, CAROL, Desk, person

NO = dict.fromkeys(("education", "journalism", "art", "research", "counter-speech"), "no")


@pytest.fixture
def address(desk: Desk) -> Iterator[str]:
    with serving(desk.app) as found:
        yield found


def of(address: str, desk: Desk, who: Person) -> Client:
    """A client of somebody of the cast."""
    return Client(address, word_for(desk.app, who), purpose="case 7, made up")


def test_the_path_with_types(address: str, desk: Desk) -> None:
    alice, bob = of(address, desk, ALICE), of(address, desk, BOB)
    seen = [items.NewSighting(url=desk.show(f"some_{n}")) for n in range(30)]
    told = alice.record(seen)
    assert (told.items_new, told.refused) == (30, 0)
    assert len({one.id for one in alice.items(limit=7)}) == 30  # page by page
    assert [one.key for one in alice.items(key="flock:account:some_29")] == ["flock:account:some_29"]
    keys = [one.key for one in alice.items()][:3]
    alice.waive(items.NewWaiver(items=keys, reason="kept by the court"))
    alice.assess(
        items.NewAssessment.model_validate(
            {"items": keys, "verdict": "terrorist", "ground": "a", "purposes": NO, "reason": "made up"}
        )
    )
    reference = alice.propose(cases.NewRequest(items=keys)).requests[0].reference
    read = bob.request(reference)
    assert bob.request(reference) == read  # 304, from memory
    assert bob.approve(read).state == "approved"
    with pytest.raises(Stale):
        bob.approve(read)
    assert alice.withdraw(reference, cases.NewWithdrawal(reason="wrong")).items == 3
    assert next(iter(alice.requests(state="withdrawn"))).reference == reference


def test_errors_arrive_as_what_they_are(address: str, desk: Desk) -> None:
    alice = of(address, desk, ALICE)
    with pytest.raises(NotFound) as missing:
        alice.item("web:site:nowhere.example")
    assert missing.value.hint
    with pytest.raises(NotEntitled):
        list(alice.holds())
    with pytest.raises(Invalid, match="no such parameter"):
        list(alice.items(stat="assessed"))
    with pytest.raises(NotSignedIn):
        list(Client(address, "sds_nobody").items())
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        gone = Client(f"http://127.0.0.1:{closed.getsockname()[1]}", "x", timeout_s=2)
        with pytest.raises(Outside):
            gone.figures()


def test_four_eyes_are_told_by_name(address: str, desk: Desk) -> None:
    both = person("both", "AA", Role.ANALYST, Role.APPROVER)
    with desk.store.begin() as work:
        work.people.add(both)
    client = of(address, desk, both)
    (item,) = desk.sight(desk.show("some_one"))
    desk.keep([item])
    desk.view([item], by=both)
    reference = client.propose(cases.NewRequest()).requests[0].reference
    with pytest.raises(SameEyes):
        client.approve(client.request(reference))


def is_whole(asked: bytes) -> bool:
    """Whether a request with a plain body is there in full."""
    head, found, body = asked.partition(b"\r\n\r\n")
    length = next(
        (int(one[15:]) for one in head.lower().split(b"\r\n") if one.startswith(b"content-length:")), 0
    )
    return bool(found) and len(body) >= length


@contextmanager
def breaking(address: str, *, losses: int) -> Iterator[str]:
    """A way to the server that carries a whole request, and breaks before the answer, so many times."""
    host, port = address.removeprefix("http://").split(":")
    listener = socket.create_server(("127.0.0.1", 0))
    left = [losses]

    def carry(near: socket.socket) -> None:
        with near, socket.create_connection((host, int(port))) as far:
            asked = b""
            while not is_whole(asked):
                asked += near.recv(65536)
            far.sendall(asked)
            answer = far.recv(65536)  # by now it has acted
            if left[0]:
                left[0] -= 1
                return
            while answer:
                near.sendall(answer)
                answer = far.recv(65536)

    def serve() -> None:
        while True:
            try:
                near, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=carry, args=(near,), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        listener.close()


def test_a_lost_answer_acts_once(address: str, desk: Desk) -> None:
    with breaking(address, losses=2) as way:
        client = of(way, desk, BOB)
        client._http.headers["Connection"] = "close"
        made = client.begin_operation(
            operations.NewOperation.model_validate(
                {
                    "id": "spring",
                    "title": "Spring",
                    "opens_at": "2026-03-02T00:00:00Z",
                    "closes_at": "2026-03-09T00:00:00Z",
                }
            )
        )
    assert made.id == "spring"
    assert desk.tags("operation:spring") == ["operation:window:opened"]


def test_everything_that_can_be_asked_has_a_method(address: str, desk: Desk) -> None:
    names = let_things_happen(desk)
    alice, carol = of(address, desk, ALICE), of(address, desk, CAROL)
    item = names["item"][0]
    asked = [
        list(alice.sightings()),
        [alice.item(item)],
        list(alice.names(item)),
        list(alice.checks(item)),
        list(alice.evidence_of(item)),
        [alice.evidence(int(names["evidence"][0]))],
        [alice.evidence_bytes(int(names["evidence"][0]))],
        list(alice.assessments(item=item)),
        list(alice.returns()),
        list(carol.holds()),
        list(carol.questions()),
        list(alice.requests()),
        [alice.request_text(names["reference"][0])],
        list(alice.operations()),
        [alice.operation("spring"), alice.operation_figures("spring"), alice.figures()],
        list(alice.providers()),
        [alice.provider("flock")],
        list(alice.entries()),
        [alice.checkpoint(), alice.ledger_key(), alice.inclusion(0, 5), alice.consistency(2, 5)],
    ]
    assert all(asked)
    assert list(alice.matches(item)) == []
    assert alice.check(items.ToKeep(items=[item])).asked == 1
    number = int(names["return"][0])
    assert alice.decide_return(number, items.ReturnDecision(is_return=False)).state == "rejected"


def test_no_route_of_ours_lacks_a_method(desk: Desk) -> None:
    source = inspect.getsource(Client) + inspect.getsource(Orders)
    ours = [
        "sightings",
        "items",
        "evidence",
        "waivers",
        "assessments",
        "checks",
        "returns",
        "holds",
        "questions",
        "disputes",
        "requests",
        "footing",
        "orders",
        "letters",
        "operations",
        "figures",
        "providers",
        "ledger",
        "webhooks",
    ]
    for path in make_api(desk.app).openapi()["paths"]:
        noun = path.split("/")[2]
        if noun in ours and not path.endswith("/events"):
            last = [part for part in path.split("/")[3:] if not part.startswith("{")]
            assert f"/v1/{noun}" in source, path
            assert all(part in source for part in last), path
