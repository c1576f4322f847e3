"""The whole path, on both databases, against real simulated providers."""

from __future__ import annotations

from staydown.core.request import Decision, LineAnswer
from staydown.core.states import ItemState, RequestState, ReturnState
from staydown.flow import answer, audit, watch, withdraw
from support import ALICE, BOB, Desk


def test_from_a_sighting_to_a_verified_removal(desk: Desk) -> None:
    address = desk.show("qorvananews", addresses=("https://hub.example/join",))
    request, (item,) = desk.referred(address)
    assert request.state is RequestState.RUNNING
    assert [one.reference for one in desk.world.intakes] == [request.reference]
    desk.show("qorvananews", presence="removed")
    desk.decided(request.reference, "removed")
    desk.later(hours=1.5)
    assert desk.request(request.id).state is RequestState.ANSWERED
    assert desk.state(item) is ItemState.REFERRED, "one look that misses is not a removal"
    desk.later(hours=4)
    assert desk.state(item) is ItemState.REMOVED
    assert desk.tags(f"item:{item}") == [
        "item:sighting:recorded",
        "item:evidence:kept",
        "item:assessment:made",
        "item:removal:verified",
    ]
    assert desk.tags(f"request:{request.id}") == [
        "request:proposal:made",
        "request:approval:given",
        "request:dispatch:intended",
        "request:dispatch:sent",
        "request:clock:started",
        "request:clock:started",
        "request:answer:noted",
    ]


def test_by_mail_the_answer_proves_receipt(desk: Desk) -> None:
    request, (item,) = desk.referred(desk.channel("velmeri"))
    assert request.state is RequestState.DISPATCHED, "a mail server's word is no receipt"
    with desk.store.begin(write=False) as work:
        assert work.clocks.running([request.id]) == []
    with desk.store.begin() as work:
        given = [LineAnswer(number=1, decision=Decision.REMOVED, at=work.now)]
        answer.answer(work, request.id, given, by=ALICE)
    assert desk.request(request.id).state is RequestState.ANSWERED
    desk.channel("velmeri", presence="removed")
    desk.later(hours=3)
    assert desk.state(item) is ItemState.REMOVED


def test_a_return_is_suggested_and_a_person_confirms(desk: Desk) -> None:
    shared = ("https://velhub.example/join", "https://outlet.example/all")
    request, (item,) = desk.referred(desk.show("qorvananews12", addresses=shared))
    desk.show("qorvananews12", presence="removed")
    desk.later(hours=6)
    assert desk.state(item) is ItemState.REMOVED
    child = desk.sight(desk.show("qorvananews99", addresses=shared))
    desk.keep(child)
    with desk.store.begin(write=False) as work:
        (found,) = work.returns.listed(ReturnState.SUGGESTED)
        assert (found.parent, found.child) == (item, child[0])
        assert found.score >= 0.5
        assert any("handle" in reason for reason in found.reasons)
        assert work.items.get(child)[0].lineage is None, "a machine suggests, it does not decide"
    with desk.store.begin() as work:
        watch.decide(work, ALICE, found.id, is_return=True)
    with desk.store.begin(write=False) as work:
        assert work.items.get(child)[0].lineage == "flock:account:qorvananews12"
    assert request.state is RequestState.RUNNING


def test_the_same_address_comes_back(desk: Desk) -> None:
    _, (item,) = desk.referred(desk.show("tamtosk"))
    desk.show("tamtosk", presence="removed")
    desk.later(hours=6)
    assert desk.state(item) is ItemState.REMOVED
    desk.show("tamtosk")
    desk.later(days=4)
    assert desk.state(item) is ItemState.RETURNED
    with desk.store.begin(write=False) as work:
        (hours,) = work.figures.hours_to_removal()["flock"]
    assert 1 <= hours <= 6, "counted to the first removal"
    desk.view([item])
    assert desk.put([item]).requests, "what came back can be asked for again"


def test_an_error_is_put_right_after_removal(desk: Desk) -> None:
    request, (item,) = desk.referred(desk.show("lorquin"))
    desk.show("lorquin", presence="removed")
    desk.later(hours=6)
    with desk.store.begin() as work:
        withdraw.withdraw(desk.tools, work, BOB, request.id, reason="it was a school project")
    desk.work()
    assert desk.request(request.id).state is RequestState.WITHDRAWN
    assert desk.world.withdrawn == [("flock", request.reference, (1,))]
    assert desk.state(item) is ItemState.WITHDRAWN
    desk.show("lorquin")
    desk.later(hours=7)
    assert desk.state(item) is ItemState.REINSTATED


def test_the_record_verifies_at_the_end(desk: Desk) -> None:
    desk.referred(desk.show("fenrell"), desk.show("daxyent"))
    with desk.store.begin(write=False) as work:
        found = audit.verify(work, desk.app.vault, public=desk.store.public_key)
    assert found.broken == ()
    assert found.size > 8
