"""Ways round the gates that a second reader found; each is closed, and stays closed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from staydown.core.errors import Invalid, NotEntitled, NotFound, SameEyes, Stale
from staydown.core.ids import ItemId
from staydown.core.people import Role
from staydown.core.request import Decision, DispatchState, LineAnswer, Request
from staydown.core.states import ItemState, RequestState, ReturnState
from staydown.flow import answer, approve, deconflict, operate, preserve, watch, withdraw
from support import ALICE, ANNA, BOB, CAROL, Desk, person


def proposed(desk: Desk, *addresses: str) -> tuple[Request, list[ItemId]]:
    items = desk.sight(*addresses)
    desk.keep(items)
    desk.view(items)
    return desk.put(items).requests[0], items


def hold(desk: Desk, items: list[ItemId], **length: float) -> None:
    with desk.store.begin() as work:
        until = work.now + timedelta(**length)
        deconflict.place(work, CAROL, items, reason="r", until=until, longest=timedelta(days=90), at_most=9)


def test_who_proposed_an_item_before_does_not_approve_it_later(desk: Desk) -> None:
    both = person("bea", "AA", Role.ANALYST, Role.APPROVER)
    with desk.store.begin() as work:
        work.people.add(both)
    items = desk.sight(desk.show("qorvana"))
    desk.keep(items)
    desk.view(items)
    first = desk.put(items, by=both).requests[0]
    with desk.store.begin() as work:
        approve.send_back(work, BOB, first.id, reason="again")
    second = desk.put(items, by=ANNA).requests[0]
    with pytest.raises(SameEyes, match="proposed"):
        desk.consent(second, by=both)


def test_another_agencys_waiver_and_view_do_not_count(desk: Desk) -> None:
    (item,) = desk.sight(desk.show("qorvana"))
    desk.view([item])
    with desk.store.begin() as work:
        preserve.waive(work, CAROL, [item], reason="not our business")
    assert desk.put([item]).left_out == {item: "no evidence is kept and no waiver given"}
    with pytest.raises(NotEntitled, match="has not sighted"):
        desk.view([item], by=CAROL)


def test_a_proposal_is_no_way_to_ask_about_holds_unseen(desk: Desk) -> None:
    (item,) = desk.sight(desk.show("qorvana"), agency="BB")
    hold(desk, [item], days=3)
    assert desk.put([item]).left_out == {item: "AA has not sighted it"}
    desk.sight("https://flock.exercise.example/@qorvana")
    desk.keep([item])
    desk.view([item])
    assert desk.put([item]).left_out == {item: "wait"}
    with desk.store.begin(write=False) as work:
        assert [code for _, code, _ in deconflict.shown(work, CAROL)[1]] == ["AA"], (
            "the holder sees that somebody asked"
        )


def test_an_agency_outside_an_operation_proposes_nothing_into_it(desk: Desk) -> None:
    items = desk.sight(desk.show("qorvana"), agency="BB")
    with desk.store.begin() as work:
        operate.begin(
            work,
            BOB,
            "joint",
            title="",
            agencies=[],
            opens_at=work.now,
            closes_at=work.now + timedelta(days=1),
        )  # type: ignore[arg-type]
    with pytest.raises(NotFound, match="there is no operation"):
        desk.put(items, by=CAROL, operation="joint")


def test_a_hold_can_be_made_longer(desk: Desk) -> None:
    items = desk.sight(desk.show("qorvana"))
    hold(desk, items, days=1)
    hold(desk, items, days=9)
    desk.later(days=3)
    with desk.store.begin(write=False) as work:
        assert work.holds.on(items) == set(items)


def test_a_hold_that_comes_while_nobody_knows_is_kept_if_it_never_arrived(desk: Desk) -> None:
    request, items = proposed(desk, desk.show("qorvana"))
    desk.consent(request)
    desk.world.faults["flock", "/referrals"] = ["error"]
    desk.work()
    assert desk.world.intakes == [], "the server broke before it took anything in"
    hold(desk, items, days=5)
    desk.later(hours=2)
    assert desk.world.intakes == []
    assert desk.request(request.id).state is RequestState.WITHDRAWN


def test_withdrawn_while_nobody_knows_whether_it_arrived(desk: Desk) -> None:
    request, items = proposed(desk, desk.show("qorvana"), desk.show("velmeri"))
    desk.consent(request)
    desk.world.faults["flock", "/referrals"] = ["reset"]
    desk.work()
    with desk.store.begin() as work:
        withdraw.withdraw(desk.tools, work, ALICE, request.id, reason="an error", items=items[:1])
    desk.later(hours=3)
    assert desk.state(items[0]) in {ItemState.WITHDRAWN, ItemState.REINSTATED}
    assert desk.state(items[1]) is ItemState.REFERRED
    with desk.store.begin() as work:
        withdraw.withdraw(desk.tools, work, ALICE, request.id, reason="an error")
    desk.later(hours=3)
    assert desk.request(request.id).state is RequestState.WITHDRAWN
    assert {numbers for _, _, numbers in desk.world.withdrawn} == {(1,), (2,)}
    with pytest.raises(Exception, match="not possible"), desk.store.begin() as work:
        withdraw.withdraw(desk.tools, work, ALICE, request.id, reason="again")


def test_a_late_word_on_a_closed_line_moves_nobody_elses_item(desk: Desk) -> None:
    request, (first, second) = proposed(desk, desk.show("qorvana"), desk.show("velmeri"))
    hold(desk, [second], hours=1)
    desk.consent(request)
    desk.work()
    with pytest.raises(Invalid, match="no line 2"), desk.store.begin() as work:
        answer.answer(work, request.id, [LineAnswer(number=2, decision=Decision.REFUSED)], by=ALICE)
    assert desk.state(first) is ItemState.REFERRED


def test_a_receivers_clock_is_not_believed_beyond_reason(desk: Desk) -> None:
    desk.world.now = datetime(2100, 1, 1, tzinfo=UTC)
    request, _ = proposed(desk, desk.show("qorvana"))
    desk.consent(request)
    desk.work()
    with desk.store.begin(write=False) as work:
        assert work.requests.one(request.id).received_at == work.now
        assert max(one.strict_end for one in work.clocks.listed()) <= work.now + timedelta(days=1)


def test_one_bad_answer_holds_up_no_other(desk: Desk) -> None:
    requests = [proposed(desk, desk.show(f"name{n}"))[0] for n in range(3)]
    desk.consent(*requests)
    desk.work()
    from staydown.testing.world import LineStatus

    for number, request in enumerate(requests):
        reason = "a \x00 and \ud800 in it" if number == 1 else "plain"
        desk.world.states["flock", request.reference] = [
            LineStatus(number=1, state="removed", reason=reason, at=desk.world.now)
        ]
    desk.later(hours=2)
    assert {desk.request(one.id).state for one in (requests[0], requests[2])} == {RequestState.ANSWERED}


def test_rejecting_one_suggestion_leaves_another_confirmation_alone(desk: Desk) -> None:
    shared = ("https://velhub.example/join",)
    _, (old, other) = desk.referred(
        desk.show("qorvananews12", addresses=shared), desk.show("velmerinews", addresses=shared)
    )
    for name in ("qorvananews12", "velmerinews"):
        desk.show(name, presence="removed")
    desk.later(hours=6)
    (child,) = desk.sight(desk.show("qorvananews99", addresses=shared))
    desk.keep([child])
    with desk.store.begin() as work:
        from staydown.ports.work import Suggestion

        (first,) = work.returns.listed(ReturnState.SUGGESTED)
        (second,) = work.returns.suggest(
            [Suggestion(parent=other, child=child, score=0.5, reasons=("made up",))]
        )
        watch.decide(work, ALICE, first.id, is_return=True)
        with pytest.raises(Stale, match="another return"):
            watch.decide(work, ALICE, second, is_return=True)
        watch.decide(work, ALICE, second, is_return=False)
        assert work.items.lineages([child]) == {child: old}


def test_a_successor_kept_before_the_removal_is_verified_is_found(desk: Desk) -> None:
    shared = ("https://velhub.example/join", "https://two.example/x")
    _, (old,) = desk.referred(desk.show("qorvananews12", addresses=shared))
    desk.show("qorvananews12", presence="removed")
    desk.later(minutes=30)
    (child,) = desk.sight(desk.show("qorvananews99", addresses=shared))
    desk.keep([child])
    with desk.store.begin(write=False) as work:
        assert work.returns.listed() == []
    desk.later(hours=6)
    assert desk.state(old) is ItemState.REMOVED
    with desk.store.begin(write=False) as work:
        assert [(one.parent, one.child) for one in work.returns.listed()] == [(old, child)]


def test_doubt_takes_an_item_out_of_a_request_that_has_not_left(desk: Desk) -> None:
    from staydown.core.assessment import PurposeAnswer, Verdict

    request, items = proposed(desk, desk.show("qorvana"), desk.show("velmeri"))
    desk.sight("https://flock.exercise.example/@qorvana", agency="BB")
    desk.view(items[:1], Verdict.EXEMPT, by=CAROL, journalism=PurposeAnswer.YES)
    desk.consent(request)
    desk.work()
    assert [number for one in desk.world.intakes for number, _ in one.lines] == [2]
    assert desk.state(items[0]) is ItemState.EXEMPT
    with desk.store.begin(write=False) as work:
        states = [one.state for one in work.requests.attempts([request.id])[request.id]]
    assert states == [DispatchState.RECEIVED]


def test_unrelated_sites_never_share_a_request(desk: Desk) -> None:
    addresses = ["https://a.page.example/x", "https://b.other.example/y", "https://a.page.example/z"]
    items = desk.sight(*addresses)
    desk.view(items)
    with desk.store.begin() as work:
        preserve.waive(work, ALICE, items, reason="made up")
    from dataclasses import replace

    tools, desk.tools = (
        desk.tools,
        replace(desk.tools, settings=replace(desk.tools.settings, courier="files")),
    )
    desk.store.exercise = False
    try:
        done = desk.put(items)
    finally:
        desk.tools, desk.store.exercise = tools, True
    with desk.store.begin(write=False) as work:
        lines = work.requests.lines([one.id for one in done.requests])
    assert sorted(len(part) for part in lines.values()) == [1, 2]
    assert {one.addressee.rsplit(" ", 1)[-1] for one in done.requests} == {
        "a.page.example",
        "b.other.example",
    }


@pytest.mark.parametrize(("minutes", "state"), [(0, "met"), (150, "lapsed")])
def test_a_clock_is_met_by_when_the_provider_decided(desk: Desk, minutes: int, state: str) -> None:
    """Noted late, decided in time: met. Decided late: lapsed, whatever the worker was doing meanwhile."""
    request, _ = proposed(desk, desk.show("qorvana"))
    desk.consent(request)
    desk.work()
    with desk.store.begin(write=False) as work:
        sent = work.now
    desk.store.set_simulated(sent + timedelta(hours=3))
    with desk.store.begin() as work:
        said = LineAnswer(number=1, decision=Decision.REMOVED, at=sent + timedelta(minutes=minutes))
        answer.answer(work, request.id, [said], by=ALICE)
        (clock,) = [one for one in work.clocks.listed() if one.kind == "act"]
        assert clock.state.value == state


def test_keeping_a_page_again_does_not_make_a_new_owner_the_old_one(desk: Desk) -> None:
    request, (item,) = proposed(desk, desk.show("qorvana"))
    desk.show("qorvana", handle="qorvana2")
    desk.keep([item])
    desk.consent(request)
    desk.work()
    assert desk.world.intakes == []
    assert desk.state(item) is ItemState.UNSURE
