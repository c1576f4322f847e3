"""Never lost, never doubled where the receiver can be asked, marked as a repeat where not."""

from __future__ import annotations

from datetime import timedelta

import pytest

from staydown.core.request import DispatchState, Request
from staydown.core.states import ItemState, RequestState
from staydown.flow import withdraw
from support import BOB, Desk


def approved(desk: Desk, address: str) -> Request:
    items = desk.sight(address)
    desk.keep(items)
    desk.view(items)
    request = desk.put(items).requests[0]
    desk.consent(request)
    return request


def attempts(desk: Desk, request: Request) -> list[DispatchState]:
    with desk.store.begin(write=False) as work:
        return [one.state for one in work.requests.attempts([request.id])[request.id]]


@pytest.mark.parametrize("fault", ["stall", "reset", "error", "nonsense"])
def test_a_lost_reply_is_asked_about_not_sent_again(desk: Desk, fault: str) -> None:
    request = approved(desk, desk.show("qorvana"))
    desk.world.faults["flock", "/referrals"] = [fault]  # type: ignore[list-item]
    desk.work()
    taken = len(desk.world.intakes)
    assert desk.request(request.id).state is RequestState.APPROVED, "nobody knows whether it arrived"
    assert attempts(desk, request) == [DispatchState.INTENDED]
    desk.later(minutes=10)
    assert desk.request(request.id).state is RequestState.RUNNING
    assert len(desk.world.intakes) == 1
    assert attempts(desk, request)[-1] is DispatchState.RECEIVED
    if taken == 0:
        assert attempts(desk, request)[0] is DispatchState.FAILED, (
            "the receiver said that it knows nothing of it"
        )


def test_a_web_form_that_does_not_dedupe_gets_it_once(desk: Desk) -> None:
    from staydown.testing.world import Page

    desk.world.pages["quill", "/p/abcdef"] = Page(
        presence="online", kind="paste", name="abcdef", text="made up"
    )
    request = approved(desk, "https://quill.exercise.example/p/abcdef")
    desk.world.faults["quill", "/report"] = ["reset", "error", "reset"]
    desk.work()
    desk.later(hours=2)
    assert [one.reference for one in desk.world.intakes] == [request.reference]
    assert desk.request(request.id).state is RequestState.RUNNING


def test_while_the_receiver_cannot_answer_nothing_is_sent_again(desk: Desk) -> None:
    request = approved(desk, desk.show("qorvana"))
    desk.world.faults["flock", "/referrals"] = ["reset"]
    desk.world.faults["flock", f"/referrals/{request.reference}"] = ["error", "nonsense", "reset", "stall"]
    desk.later(hours=3)
    assert len(desk.world.intakes) == 1
    assert desk.request(request.id).state is RequestState.RUNNING


def test_mail_of_which_nobody_knows_is_repeated_and_marked(desk: Desk) -> None:
    request = approved(desk, desk.channel("velmeri"))
    desk.world.faults["hearth", "smtp"] = ["reset"]
    desk.later(minutes=10)
    mails = desk.world.intakes
    assert {one.reference for one in mails} == {request.reference}
    assert len({one.message_id for one in mails}) == 1, "a repeat keeps its Message-ID"
    assert desk.request(request.id).state is RequestState.DISPATCHED
    assert attempts(desk, request) == [DispatchState.INTENDED, DispatchState.SENT]
    with desk.store.begin(write=False) as work:
        assert work.figures.dispatches()["repeats"] == 1


def test_clocks_start_once_and_at_the_receipt(desk: Desk) -> None:
    request = approved(desk, desk.show("qorvana"))
    desk.world.faults["flock", "/referrals"] = ["reset"]
    desk.work()
    received = desk.world.intakes[0].at
    desk.later(hours=2)
    with desk.store.begin(write=False) as work:
        rows = [one for one in work.clocks.listed() if one.reference == request.reference]
    started = {one.kind: one.started_at for one in rows}
    assert len(rows) == 2
    assert started["act"] == received
    assert started["follow-up"] == received + timedelta(minutes=2), "our own duty starts when we could know"


def test_a_refused_request_goes_back_to_approval(desk: Desk) -> None:
    from sqlalchemy import text

    request = approved(desk, desk.show("qorvana"))
    with desk.store.engine.connect() as conn, conn.begin():  # a desk that does not exist any more
        conn.execute(text("UPDATE requests SET contact_point = 'http://api.flock.exercise.example/closed'"))
        from staydown.flow.approve import digest_of

    with desk.store.begin() as work:
        lines = work.requests.lines([request.id])[request.id]
        digest = digest_of(work.requests.one(request.id), lines)
        work.conn.execute(text("UPDATE approvals SET digest = :digest"), {"digest": digest})
    desk.work()
    assert desk.request(request.id).state is RequestState.PROPOSED
    assert "request:dispatch:bounced" in desk.tags(f"request:{request.id}")
    desk.consent(desk.request(request.id))
    assert desk.request(request.id).state is RequestState.APPROVED


@pytest.mark.parametrize("fault", ["reset", "error", "stall"])
def test_a_withdrawal_is_told_until_it_arrives(desk: Desk, fault: str) -> None:
    request, (item,) = desk.referred(desk.show("qorvana"))
    desk.world.faults["flock", f"/referrals/{request.reference}/withdrawal"] = [fault]  # type: ignore[list-item]
    with desk.store.begin() as work:
        withdraw.withdraw(desk.tools, work, BOB, request.id, reason="an error of ours")
    desk.later(hours=1)
    assert ("flock", request.reference, (1,)) in desk.world.withdrawn
    assert desk.tags(f"request:{request.id}")[-1] == "request:withdrawal:sent"
    assert desk.state(item) in {ItemState.WITHDRAWN, ItemState.REINSTATED}


def test_only_looks_that_agree_and_lie_apart_make_a_removal(desk: Desk) -> None:
    _, (item,) = desk.referred(desk.show("qorvana"))
    desk.show("qorvana", presence="removed")
    desk.later(hours=4)
    assert desk.state(item) is ItemState.REFERRED
    desk.show("qorvana")
    desk.later(hours=1.1)
    desk.show("qorvana", presence="removed")
    desk.later(hours=7)
    assert desk.state(item) is ItemState.REFERRED, "the first miss was undone by seeing it again"
    desk.later(hours=3)
    assert desk.state(item) is ItemState.REMOVED


@pytest.mark.parametrize("fault", ["reset", "error", "nonsense", "stall"])
def test_trouble_is_never_offline(desk: Desk, fault: str) -> None:
    _, (item,) = desk.referred(desk.show("qorvana"))
    desk.world.faults["flock", "/@qorvana"] = [None, None, *([fault] * 3)]  # type: ignore[list-item]
    desk.later(hours=13)
    assert desk.state(item) is ItemState.REFERRED


def test_a_region_block_is_no_removal(desk: Desk) -> None:
    _, (item,) = desk.referred(desk.show("qorvana"))
    desk.show("qorvana", presence="blocked")
    desk.later(days=2)
    assert desk.state(item) is ItemState.REFERRED
    with desk.store.begin(write=False) as work:
        assert work.figures.counts()["geo_blocked"] == 1
