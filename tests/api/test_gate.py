"""Whoever was let in is asked for again while an answer is streamed: what ended meanwhile ends there too."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated

import httpx2
import pytest
from fastapi import FastAPI, Request

from serving import served, word_for
from staydown.api import gate
from staydown.api.gate import Caller, needs
from staydown.core.doors import Prefix, new_word
from staydown.core.house import Strength
from staydown.core.people import Delegation
from staydown.core.rights import Role, Verb
from staydown.ports.tools import Tools
from support import ALICE, ANNA, BOB, Desk


def let_in(request: Request, caller: Annotated[Caller, needs(Verb.SEE_ITEMS)]) -> None:
    """Remember whom the gate let in."""
    request.app.state.callers.append(caller)


@dataclass
class Door:
    """A served gate, and those whom it let in."""

    address: str
    desk: Desk
    callers: list[Caller]

    @property
    def tools(self) -> Tools:
        """What the gate works with."""
        return self.desk.app.tools

    def caller(self, word: str) -> Caller:
        """Whom a word stands for, as the gate sees it."""
        answer = httpx2.get(self.address, headers={"Authorization": f"Bearer {word}"})
        assert answer.status_code == 200, answer.text
        return self.callers[-1]


@pytest.fixture
def door(desk: Desk) -> Iterator[Door]:
    """One route behind the gate, over real HTTP."""
    api = FastAPI()
    api.state.callers = []
    gate.install(api, desk.app.tools)
    api.get("/")(let_in)
    with served(api) as address:
        yield Door(address, desk, api.state.callers)


def end_sessions(desk: Desk) -> None:
    """All of Alice's sessions end."""
    with desk.store.begin() as work:
        assert work.doors.end_sessions(ALICE.id) == 1


def change_roles(desk: Desk) -> None:
    """Alice gets one role more."""
    with desk.store.begin() as work:
        work.people.change(ALICE.id, roles=ALICE.roles | {Role.COORDINATOR})


def leave(desk: Desk) -> None:
    """Alice leaves."""
    with desk.store.begin() as work:
        work.people.change(ALICE.id, left_at=work.now)


def lend(desk: Desk) -> None:
    """Bob lends Alice a role."""
    with desk.store.begin() as work:
        given = Delegation(
            id=None,  # type: ignore[arg-type]
            lender=BOB.id,
            borrower=ALICE.id,
            role=Role.COORDINATOR,
            from_at=work.now,
            until_at=work.now + timedelta(days=1),
            reason="made up",
        )
        work.people.lend(given, agency=ALICE.agency)


def sit_idle(desk: Desk) -> None:
    """Nobody does anything for half an hour."""
    desk.app.store.real_now = lambda: datetime.now(UTC) + timedelta(minutes=30)


def end_tokens(desk: Desk) -> None:
    """All of Alice's tokens end."""
    with desk.store.begin() as work:
        assert work.doors.end_tokens(ALICE.id) == 1


def token(desk: Desk) -> str:
    """The word of a token that lets a program look at items for Alice."""
    word = new_word(Prefix.TOKEN)
    with desk.store.begin() as work:
        ends = work.real_now + timedelta(days=1)
        scope = frozenset({Verb.SEE_ITEMS})
        work.doors.make_token(ALICE.id, ALICE.agency, word, label="test", scope=scope, ends_at=ends)
    return word


@pytest.mark.parametrize("happens", [end_sessions, change_roles, leave, lend, sit_idle])
def test_a_session_goes_on_only_as_it_was(desk: Desk, door: Door, happens: Callable[[Desk], None]) -> None:
    caller, other = door.caller(word_for(desk.app, ALICE)), door.caller(word_for(desk.app, ANNA))
    assert gate.still(door.tools, caller)
    assert gate.still(door.tools, other)
    happens(desk)
    assert not gate.still(door.tools, caller)
    assert gate.still(door.tools, other) is (happens is not sit_idle)


@pytest.mark.parametrize("happens", [end_tokens, change_roles, leave])
def test_a_token_goes_on_only_as_it_was(desk: Desk, door: Door, happens: Callable[[Desk], None]) -> None:
    caller = door.caller(token(desk))
    assert gate.still(door.tools, caller)
    sit_idle(desk)
    assert gate.still(door.tools, caller)  # a token does not end by lying idle
    happens(desk)
    assert not gate.still(door.tools, caller)


def test_a_session_without_a_passkey_stays_what_it_is(desk: Desk, door: Door) -> None:
    caller = door.caller(word_for(desk.app, BOB, Strength.OIDC))
    assert Role.APPROVER not in caller.person.roles
    assert gate.still(door.tools, caller)
