"""The state tables: complete, reachable, and properties over all paths."""

from __future__ import annotations

from enum import StrEnum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from staydown.core import states
from staydown.core.errors import IllegalStep
from staydown.core.states import (
    HOLD,
    ITEM,
    REQUEST,
    TABLES,
    ItemEvent,
    ItemState,
    RequestEvent,
    RequestState,
    sources,
    step,
)

FIRST = {
    "item": ItemState.RECORDED,
    "request": RequestState.DRAFTED,
    "order": states.OrderState.DRAWN,
    "scrutiny": states.ScrutinyState.ASKED,
    "letter": states.LetterState.PROPOSED,
    "hold": states.HoldState.OPEN,
    "clock": states.ClockState.RUNNING,
    "check": states.Presence.UNSEEN,
    "return": states.ReturnState.SUGGESTED,
}


@pytest.mark.parametrize("name", TABLES)
def test_every_state_has_a_row(name: str) -> None:
    table = TABLES[name]
    assert set(table) == set(type(FIRST[name]))


@pytest.mark.parametrize("name", TABLES)
def test_every_state_can_be_reached(name: str) -> None:
    table = TABLES[name]
    reached: set[StrEnum] = {FIRST[name]}
    while fresh := {after for state in reached for after in table[state].values()} - reached:
        reached |= fresh
    assert reached == set(table)


@pytest.mark.parametrize("name", TABLES)
def test_every_event_is_of_use(name: str) -> None:
    used = {event for row in TABLES[name].values() for event in row}
    assert used == set(type(next(iter(used))))


@given(st.lists(st.sampled_from(RequestEvent), max_size=30))
def test_nothing_is_dispatched_without_approval(events: list[RequestEvent]) -> None:
    state, since_approval = RequestState.DRAFTED, False
    for event in events:
        if event in REQUEST[state]:
            after = step(REQUEST, state, event)
            assert after is not RequestState.DISPATCHED or since_approval
            since_approval = {
                RequestEvent.APPROVE: True,
                RequestEvent.SIGN: True,
                RequestEvent.EXPIRE: False,
                RequestEvent.BOUNCE: False,
            }.get(event, since_approval)
            state = after


@given(st.lists(st.sampled_from(ItemEvent), max_size=40))
def test_no_item_is_referred_unless_a_person_found_terrorist_content(events: list[ItemEvent]) -> None:
    state, found = ItemState.RECORDED, False
    for event in events:
        if event in ITEM[state]:
            state = step(ITEM, state, event)
            if event in {ItemEvent.FIND_CLEAR, ItemEvent.FIND_EXEMPT, ItemEvent.DOUBT, ItemEvent.REAPPEAR}:
                found = False
            found = found or event is ItemEvent.FIND_TERRORIST
            assert state is not ItemState.REFERRED or found


@given(st.sampled_from(RequestState), st.sampled_from(RequestEvent))
def test_a_refused_step_says_what_is_open(state: RequestState, event: RequestEvent) -> None:
    if event in REQUEST[state]:
        assert step(REQUEST, state, event) is REQUEST[state][event]
        assert state in sources(REQUEST, event)
    else:
        with pytest.raises(IllegalStep) as refused:
            step(REQUEST, state, event)
        assert all(word.value in refused.value.hint for word in REQUEST[state])


def test_withdrawal_is_possible_from_every_sent_state() -> None:
    for state in states.REQUEST_SENT:
        assert RequestEvent.WITHDRAW in REQUEST[state]


def test_no_lead_overrules_a_hold_that_nobody_disputed() -> None:
    assert states.HoldEvent.OVERRULE not in HOLD[states.HoldState.OPEN]
