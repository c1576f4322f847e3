"""What may not happen does not happen: assessment, evidence, other eyes, the same bytes, no hold."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import text

from staydown.core.assessment import PurposeAnswer, Verdict
from staydown.core.errors import (
    IllegalStep,
    Invalid,
    NotEntitled,
    NotFound,
    OnHold,
    Outside,
    RateLimited,
    Refused,
    SameEyes,
    Stale,
)
from staydown.core.ids import HoldId, ItemId
from staydown.core.people import Role
from staydown.core.request import Request
from staydown.core.states import ItemState, RequestState
from staydown.flow import approve, deconflict, operate, preserve, withdraw
from support import ALICE, ANNA, BOB, CAROL, DAVE, SAM, Desk, law, person


def proposed(desk: Desk, *names: str) -> tuple[Request, list[ItemId]]:
    items = desk.sight(*(desk.show(name) for name in names))
    desk.keep(items)
    desk.view(items)
    return desk.put(items).requests[0], items


def hold(desk: Desk, items: list[ItemId], *, days: float = 5) -> tuple[list[HoldId], list[ItemId]]:
    with desk.store.begin() as work:
        until = work.now + timedelta(days=days)
        return deconflict.place(
            work, CAROL, items, reason="observed", until=until, longest=timedelta(days=90), at_most=5
        )


# --- before a proposal ----------------------------------------------------------------------------------


def test_nothing_is_proposed_without_assessment_or_evidence(desk: Desk) -> None:
    kept, unkept, foreign = desk.sight(desk.show("qorvana"), desk.show("velmeri"), desk.show("tamtosk"))
    desk.keep([kept, foreign])
    desk.view([unkept])
    desk.sight("https://flock.exercise.example/@tamtosk", agency="BB")
    desk.view([foreign], by=CAROL)
    done = desk.put([kept, unkept, foreign])
    assert done.requests == ()
    assert done.left_out[kept] == "is recorded"
    assert done.left_out[unkept] == "no evidence is kept and no waiver given"
    assert "AA has not found" in done.left_out[foreign]


def test_a_reasoned_waiver_stands_in_for_evidence(desk: Desk) -> None:
    (item,) = desk.sight(desk.show("qorvana"))
    desk.view([item])
    with pytest.raises(Invalid), desk.store.begin() as work:
        preserve.waive(work, ALICE, [item], reason=" ")
    with desk.store.begin() as work:
        preserve.waive(work, ALICE, [item], reason="kept by the court")
    assert desk.put([item]).requests
    assert "item:evidence:waived" in desk.tags(f"item:{item}")


@law("Regulation (EU) 2021/784, Art. 1(3)")
def test_another_agencys_exemption_stops_an_item(desk: Desk) -> None:
    (item,) = desk.sight(desk.show("qorvana"))
    desk.sight("https://flock.exercise.example/@qorvana", agency="BB")
    desk.keep([item])
    desk.view([item], Verdict.EXEMPT, by=CAROL, journalism=PurposeAnswer.YES)
    assert desk.state(item) is ItemState.EXEMPT
    desk.view([item], by=ALICE)
    assert desk.state(item) is ItemState.UNSURE
    assert not desk.put([item]).requests
    desk.view([item], by=CAROL)
    desk.view([item], by=ALICE)
    assert desk.state(item) is ItemState.ASSESSED


def test_an_assessment_is_in_the_own_name(desk: Desk) -> None:
    (item,) = desk.sight(desk.show("qorvana"))
    with pytest.raises(NotEntitled):
        desk.view([item], by=DAVE)
    request, (other,) = proposed(desk, "velmeri")
    with pytest.raises(IllegalStep):
        desk.view([other], Verdict.CLEAR)
    with pytest.raises(NotFound):
        desk.view([ItemId(4711)])
    assert request.state is RequestState.PROPOSED


def test_an_item_is_asked_for_once_across_agencies(desk: Desk) -> None:
    request, (item,) = proposed(desk, "qorvana")
    desk.sight("https://flock.exercise.example/@qorvana", agency="BB")
    done = desk.put([item], by=CAROL)
    assert not done.requests
    assert desk.request(request.id).state is RequestState.PROPOSED


# --- the second person ----------------------------------------------------------------------------------


def test_the_second_person_is_another_one(desk: Desk) -> None:
    request, items = proposed(desk, "qorvana")
    both = person("bea", "AA", Role.ANALYST, Role.APPROVER)
    with desk.store.begin() as work:
        work.people.add(both)
    with pytest.raises(NotEntitled):
        desk.consent(request, by=ALICE)
    with pytest.raises(NotEntitled):
        desk.consent(request, by=CAROL)
    with desk.store.begin() as work:
        approve.send_back(work, BOB, request.id, reason="again")
    desk.view(items, by=both)
    second = desk.put(items).requests[0]
    with pytest.raises(SameEyes, match="assessed"):
        desk.consent(second, by=both)
    third_by = desk.put(items, by=both)
    assert not third_by.requests
    desk.consent(second)
    assert desk.request(second.id).state is RequestState.APPROVED


def test_what_changed_since_it_was_shown_is_not_approved(desk: Desk) -> None:
    request, _ = proposed(desk, "qorvana")
    with pytest.raises(Stale), desk.store.begin() as work:
        approve.approve(desk.tools, work, BOB, [request.id], seen="0" * 64)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE requests SET cover = cover || ' and more'",
        "UPDATE requests SET contact_point = 'http://elsewhere.example/'",
        "UPDATE requests SET addressee = 'Somebody else'",
        "UPDATE requests SET courier = 'files'",
        "UPDATE request_items SET digest = 'x'",
        "UPDATE request_items SET address = 'https://innocent.example/'",
        "UPDATE requests SET subject = subject || '!'",
        "UPDATE requests SET agency = 'BB'",
    ],
)
def test_other_bytes_than_the_approved_ones_never_leave(desk: Desk, change: str) -> None:
    request, _ = proposed(desk, "qorvana")
    other, _ = proposed(desk, "velmeri")
    desk.consent(request, other)
    with desk.store.engine.connect() as conn, conn.begin():
        conn.execute(
            text(f"{change} WHERE {'request' if 'request_items' in change else 'id'} = {request.id}")
        )
    desk.work()
    assert [one.reference for one in desk.world.intakes] == [other.reference], (
        "one bad request stops no other"
    )
    assert desk.request(request.id).state is RequestState.PROPOSED
    assert desk.tags(f"request:{request.id}")[-1] == "request:approval:void"
    with desk.store.begin(write=False) as work:
        assert work.requests.attempts([request.id]) == {}


def test_an_approval_is_over_after_a_day(desk: Desk) -> None:
    request, items = proposed(desk, "qorvana")
    with desk.store.begin() as work:
        operate.begin(
            work,
            BOB,
            "later",
            title="",
            agencies=[],
            opens_at=work.now,
            closes_at=work.now + timedelta(days=9),  # type: ignore[arg-type]
            hour_h=work.now + timedelta(days=2),
        )
        approve.send_back(work, BOB, request.id, reason="for the operation")
    request = desk.put(items, operation="later").requests[0]
    desk.consent(request)
    desk.later(hours=23)
    assert desk.request(request.id).state is RequestState.APPROVED
    desk.later(hours=2)
    assert desk.request(request.id).state is RequestState.PROPOSED
    desk.later(days=2)
    assert desk.world.intakes == []


def test_requests_of_an_operation_leave_together(desk: Desk) -> None:
    with desk.store.begin() as work:
        operate.begin(
            work,
            BOB,
            "joint",
            title="",
            agencies=[],
            opens_at=work.now,
            closes_at=work.now + timedelta(days=4),  # type: ignore[arg-type]
            hour_h=work.now + timedelta(hours=6),
        )
    items = desk.sight(desk.show("qorvana"), desk.channel("velmeri"))
    desk.keep(items)
    desk.view(items)
    requests = desk.put(items, operation="joint").requests
    desk.consent(*requests)
    desk.later(hours=5)
    assert desk.world.intakes == []
    desk.later(hours=1.5)  # the hour, and time to send again where a busy machine was slow to answer
    assert {one.reference for one in desk.world.intakes} == {one.reference for one in requests}
    with pytest.raises(NotEntitled), desk.store.begin() as work:
        operate.release(work, CAROL, "joint")  # type: ignore[arg-type]


# --- holds ----------------------------------------------------------------------------------------------


def test_a_hold_stops_proposal_approval_and_dispatch(desk: Desk) -> None:
    before = desk.sight(desk.show("qorvana"))
    desk.keep(before)
    desk.view(before)
    hold(desk, before)
    assert dict(desk.put(before).left_out) == {before[0]: "wait"}
    request, items = proposed(desk, "velmeri", "tamtosk")
    hold(desk, items[:1])
    desk.consent(request)
    assert desk.state(items[0]) is ItemState.ASSESSED
    hold(desk, items[1:])
    desk.work()
    assert desk.world.intakes == []
    assert desk.request(request.id).state is RequestState.WITHDRAWN
    alone, held = proposed(desk, "lorquin")
    hold(desk, held)
    with pytest.raises(OnHold) as refused:
        desk.consent(alone)
    assert "BB" not in str(refused.value) + refused.value.hint, "whose hold it is does not come out"


def test_a_hold_that_comes_too_late_says_so(desk: Desk) -> None:
    _, items = desk.referred(desk.show("qorvana"))
    numbers, late = hold(desk, items)
    assert numbers
    assert late == items


def test_holds_are_bounded_and_lapse(desk: Desk) -> None:
    items = desk.sight(*(desk.show(f"name{n}") for n in range(6)))
    with pytest.raises(Refused, match="5 holds"):
        hold(desk, items)
    with pytest.raises(Invalid):
        hold(desk, items[:1], days=91)
    hold(desk, items[:1], days=1)
    desk.keep(items[:1])
    desk.view(items[:1])
    assert not desk.put(items[:1]).requests
    desk.later(days=1)
    assert desk.put(items[:1]).requests


def test_only_officers_see_holds(desk: Desk) -> None:
    items = desk.sight(desk.show("qorvana"))
    (number,), _ = hold(desk, items)
    with desk.store.begin(write=False) as work:
        for one in (ALICE, BOB, DAVE):
            with pytest.raises(NotEntitled):
                deconflict.shown(work, one)
        assert [found.id for found in deconflict.shown(work, CAROL)[0]] == [number]
    with pytest.raises(NotEntitled), desk.store.begin() as work:
        deconflict.release(work, ALICE, number, reason="r")


@law("Regulation (EU) 2021/784, recital 36")
def test_a_signatory_decides_only_what_was_disputed(desk: Desk) -> None:
    items = desk.sight(desk.show("qorvana"))
    (number,), _ = hold(desk, items)
    with pytest.raises(IllegalStep), desk.store.begin() as work:
        deconflict.overrule(work, SAM, number, reason="reasons")
    officer = person("olga", "AA", Role.DECONFLICTION)
    with desk.store.begin() as work:
        work.people.add(officer)
        assert deconflict.dispute(work, officer, items[0], reason="reasons") == 1
        assert deconflict.waiting(work, items) == set(items)
        deconflict.overrule(work, SAM, number, reason="reasons")
        assert deconflict.waiting(work, items) == set()


def test_a_question_needs_an_own_assessed_sighting(desk: Desk) -> None:
    items = desk.sight(desk.show("qorvana"), desk.show("velmeri"))
    hold(desk, items[:1])
    with pytest.raises(NotEntitled), desk.store.begin() as work:
        deconflict.ask(work, ALICE, items[0], per_hour=2)
    desk.view(items)
    with desk.store.begin() as work:
        assert deconflict.ask(work, ALICE, items[0], per_hour=2)
        assert not deconflict.ask(work, ALICE, items[1], per_hour=2)
    with pytest.raises(RateLimited), desk.store.begin() as work:
        deconflict.ask(work, ALICE, items[0], per_hour=2)
    with desk.store.begin(write=False) as work:
        assert [(item, code) for item, code, _ in deconflict.shown(work, CAROL)[1]] == [(items[0], "AA")]


# --- just before it leaves --------------------------------------------------------------------------------


def test_what_is_gone_already_drops_out_uncredited(desk: Desk) -> None:
    request, items = proposed(desk, "qorvana", "velmeri")
    desk.later(hours=2)
    desk.show("velmeri", presence="removed")
    desk.consent(request)
    desk.work()
    assert [lines for one in desk.world.intakes for lines in one.lines] == [
        (1, "https://flock.exercise.example/@qorvana")
    ]
    desk.later(hours=3)
    assert desk.state(items[1]) is ItemState.GONE
    with desk.store.begin(write=False) as work:
        assert work.figures.counts()["items_referred"] == 1
        assert work.figures.counts()["verified_offline"] == 0


def test_what_is_somebody_elses_by_now_goes_back_to_assessment(desk: Desk) -> None:
    request, items = proposed(desk, "qorvana", "velmeri")
    desk.later(hours=2)
    desk.show("velmeri", handle="a_new_owner")
    desk.consent(request)
    desk.work()
    assert len(desk.world.intakes[0].lines) == 1
    assert desk.state(items[1]) is ItemState.UNSURE


# --- taking back ------------------------------------------------------------------------------------------


def test_what_has_not_left_is_withdrawn_without_a_word_outside(desk: Desk) -> None:
    request, items = proposed(desk, "qorvana", "velmeri")
    with pytest.raises(NotEntitled), desk.store.begin() as work:
        withdraw.withdraw(desk.tools, work, CAROL, request.id, reason="r")
    with pytest.raises(Invalid), desk.store.begin() as work:
        withdraw.withdraw(desk.tools, work, ALICE, request.id, reason=" ")
    with desk.store.begin() as work:
        withdraw.withdraw(desk.tools, work, ALICE, request.id, reason="doubts", items=items[:1])
    assert desk.request(request.id).state is RequestState.PROPOSED
    with desk.store.begin() as work:
        withdraw.withdraw(desk.tools, work, ANNA, request.id, reason="doubts")
    assert desk.request(request.id).state is RequestState.WITHDRAWN
    desk.work()
    assert desk.world.intakes == desk.world.withdrawn == []


# --- the record ---------------------------------------------------------------------------------------------


def test_if_the_ledger_cannot_be_written_nothing_leaves(desk: Desk) -> None:
    request, _ = proposed(desk, "qorvana")
    desk.consent(request)
    sqlite = desk.store.engine.dialect.name == "sqlite"
    with desk.store.engine.connect() as conn, conn.begin():
        if sqlite:
            conn.execute(
                text(
                    "CREATE TRIGGER full BEFORE INSERT ON ledger_entries BEGIN SELECT RAISE(ABORT, 'disk full'); END"
                )
            )
        else:
            conn.execute(text("ALTER TABLE ledger_entries ADD CONSTRAINT no_room CHECK (n < 0) NOT VALID"))
    with pytest.raises((Outside, Stale)), desk.store.begin() as work:
        work.ledger.append("item:test:made", "item:1", {})
    desk.work()
    assert desk.world.intakes == []
    assert desk.request(request.id).state is RequestState.APPROVED
