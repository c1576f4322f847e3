"""The life of an order, from the drawing board to what follows in law."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import update

from ordering import (
    OFFICE,
    SAID,
    URGENT,
    consented,
    drawn,
    first_contact,
    issued,
    order_of,
    ready,
    signed,
)
from staydown.core.errors import Invalid, NotEntitled, Outside, Refused, SameEyes, StaydownError
from staydown.core.order import PaperName
from staydown.core.rights import Role
from staydown.core.states import ItemState, LetterState, OrderState, RequestState
from staydown.flow import approve, deconflict, withdraw
from staydown.store.tables_orders import papers
from support import ALICE, BOB, CAROL, SAM, Desk, law


@law("Regulation (EU) 2021/784, Art. 3(1)", "Regulation (EU) 2021/784, Art. 4(1)")
def test_an_order_leaves_signed_with_its_copy_and_its_hour_runs(court: Desk) -> None:
    items = ready(court, court.show("some_one"))
    request = drawn(court, items).request
    assert request.binding
    assert request.state is RequestState.PROPOSED
    consented(court, request)
    assert court.request(request.id).state is RequestState.CONSENTED
    court.work()
    assert not court.world.intakes
    signed(court, request)
    court.work()
    assert court.request(request.id).state is RequestState.RUNNING
    assert order_of(court, request.id).state is OrderState.RUNNING
    assert sorted(one.reference for one in court.world.intakes) == [request.reference, "SL-test-000001"]
    with court.store.begin(write=False) as work:
        (copy,) = work.letters.listed(request=request.id)
        own = {one.name: one for one in work.papers.of([request.id])[request.id]}
        kinds = {one.kind for one in work.clocks.of([request.id])}
    assert copy.state is LetterState.SENT
    assert own[PaperName.SIGNED].body.startswith(own[PaperName.PDF].body)
    assert json.loads(own[PaperName.JSON].body)["a_order_ref"] == request.reference
    assert {"remove", "ask-scrutiny", "copy", "appeal", "follow-up"} <= kinds
    findings = court.tools.paper.verify(own[PaperName.SIGNED].body)
    assert findings
    assert all(one.intact and one.whole for one in findings)


def test_nobody_signs_what_somebody_else_has_to(court: Desk) -> None:
    items = ready(court, court.show("some_one"))
    request = drawn(court, items).request
    with pytest.raises(StaydownError):
        signed(court, request)  # nobody has approved it
    consented(court, request)
    for who, error in ((BOB, NotEntitled), (ALICE, NotEntitled), (CAROL, NotEntitled)):
        with pytest.raises(error):
            signed(court, request, by=who)
    with pytest.raises(SameEyes), court.store.begin() as work:
        from staydown.flow import sign

        sign.sign(court.tools, work, _with_all(BOB), request.id)
    signed(court, request)


def _with_all(who: object) -> object:
    from dataclasses import replace

    return replace(who, roles=frozenset({Role.APPROVER, Role.SIGNATORY, Role.ANALYST}))  # type: ignore[type-var]


@law("Regulation (EU) 2021/784, Art. 3(2)")
def test_the_first_order_waits_twelve_hours_after_the_information(court: Desk) -> None:
    items = ready(court, court.show("some_one"))
    request = drawn(court, items, said=SAID).request
    consented(court, request)
    with pytest.raises(Refused, match=r"Art\. 3\(2\)"):
        signed(court, request)
    first_contact(court, "flock")
    court.later(hours=13, minutes=1)
    with pytest.raises(Refused, match="twelve hours are not over"):
        signed(court, request)  # the instant of issuing stands in it, and lies before
    with court.store.begin() as work:
        approve.send_back(work, BOB, request.id, reason="its instant of issuing is too early")
        told = work.letters.first_contact(OFFICE.agency, "flock")
    assert told is not None
    later = drawn(court, items, said=SAID).request
    assert later.issued_at is not None
    assert later.issued_at >= told + timedelta(hours=12)
    consented(court, later)
    signed(court, later)
    court.work()
    assert court.request(later.id).state is RequestState.RUNNING


@law("Regulation (EU) 2021/784, Art. 3(2)")
def test_an_order_drawn_while_the_wait_runs_leaves_when_it_is_over(court: Desk) -> None:
    items = ready(court, court.show("some_one"))
    first_contact(court, "flock")
    request = drawn(court, items, said=SAID).request
    consented(court, request)
    signed(court, request)
    court.work()
    assert court.request(request.id).state is RequestState.APPROVED
    assert not [one for one in court.world.intakes if one.reference == request.reference]
    court.later(hours=13, minutes=1)
    assert court.request(request.id).state is RequestState.RUNNING


@law("Regulation (EU) 2021/784, Art. 14(1)")
def test_a_hold_voids_an_order_whole(court: Desk) -> None:
    items = ready(court, court.show("some_one"), court.show("some_other"))
    court.sight(court.show("some_one"), agency="BB")
    request = drawn(court, items).request
    consented(court, request)
    with court.store.begin() as work:
        deconflict.place(
            work, CAROL, items[:1], reason="under observation", until=work.now + timedelta(days=3),
            longest=timedelta(days=30), at_most=50,
        )  # fmt: skip
    with pytest.raises(Refused, match="Wait"):
        signed(court, request)
    with court.store.begin(write=False) as work:
        assert work.holds.on(items) == {items[0]}
    assert not court.world.intakes


def test_other_bytes_than_the_approved_ones_are_not_signed(court: Desk) -> None:
    items = ready(court, court.show("some_one"))
    request = drawn(court, items).request
    consented(court, request)
    with court.store.begin() as work:
        changed = b'{"form": "tco-annex-1"}'
        work.conn.execute(update(papers).where(papers.c.name == "json").values(body=changed))
    with pytest.raises(StaydownError):
        signed(court, request)


def test_an_order_is_not_drawn_up_without_its_reasons(court: Desk) -> None:
    items = ready(court, court.show("some_one"))
    with pytest.raises((Refused, Invalid), match="b_reasoning"):
        drawn(court, items, said=replace(SAID, reasons="", whole="", emergency=""))
    request = drawn(court, items, said=replace(URGENT, whole="")).request
    with pytest.raises(Refused, match=r"Art\. 3\(4\)\(c\)"):
        consented(court, request)


def test_an_order_is_withdrawn_and_what_it_removed_comes_back(court: Desk) -> None:
    items = ready(court, court.show("some_one"))
    request = issued(court, items)
    with court.store.begin() as work:
        withdraw.withdraw(court.tools, work, SAM, request.id, reason="the wrong account")
    court.work()
    assert court.request(request.id).state is RequestState.WITHDRAWN
    assert order_of(court, request.id).state is OrderState.REVOKED
    assert court.world.withdrawn


def test_an_order_that_cannot_be_sealed_waits_and_somebody_is_called(
    court: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = drawn(court, ready(court, court.show("some_one"))).request
    consented(court, request)
    signed(court, request)

    def no_token(*_: object, **__: object) -> bytes:
        raise Outside("the token does not answer")

    with monkeypatch.context() as broken:
        broken.setattr(type(court.tools.paper), "sign", no_token)
        court.work()
    assert court.request(request.id).state is RequestState.APPROVED
    assert not [one for one in court.world.intakes if one.reference == request.reference]
    with court.store.begin(write=False) as work:
        alarms = [one.text for one in work.duties.alarms(OFFICE.agency)]
    assert any("cannot be sealed: the token does not answer" in text for text in alarms)
    court.later(minutes=5)
    assert court.request(request.id).state is RequestState.RUNNING


def test_a_withdrawn_order_leaves_the_referral_beside_it_as_it_was(court: Desk) -> None:
    request, items = court.referred(court.show("some_one"))
    order = issued(court, items)
    assert court.state(items[0]) is ItemState.REFERRED
    with court.store.begin() as work:
        withdraw.withdraw(court.tools, work, SAM, order.id, reason="the referral will do")
    court.work()
    assert court.state(items[0]) is ItemState.REFERRED
    with court.store.begin() as work:
        withdraw.withdraw(court.tools, work, ALICE, request.id, reason="the wrong account")
    assert court.state(items[0]) is ItemState.WITHDRAWN


def test_an_order_whose_instant_of_issuing_is_long_gone_is_drawn_up_anew(court: Desk) -> None:
    request = drawn(court, ready(court, court.show("some_one"))).request
    consented(court, request)
    court.later(hours=25)
    assert court.request(request.id).state is RequestState.PROPOSED
    with pytest.raises(Refused, match="more than a day ago"):
        consented(court, request)
