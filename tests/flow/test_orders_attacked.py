"""Ways in which an order might get out wrongly, each tried: as a letter, with other bytes, without its copy, twice."""

from __future__ import annotations

import json
from collections.abc import Callable
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
from staydown.core.errors import Invalid, NotEntitled, NotFound, Refused
from staydown.core.ids import AgencyCode, PersonId
from staydown.core.order import Asker, Competence, Paper, PaperName
from staydown.core.people import Person
from staydown.core.request import DispatchState, Parcel, Receipt, Request
from staydown.core.rights import Role
from staydown.core.states import LetterState, OrderEvent, OrderState, RequestState
from staydown.core.time import iso
from staydown.flow import consider, deconflict, letterhead, letters, life, order, withdraw
from staydown.law.matter import NATIONAL_ORDER
from staydown.store.tables_orders import papers
from support import ALICE, ANNA, BOB, CAROL, SAM, STARTS, Desk, law


def arrived(desk: Desk) -> list[str]:
    return [one.reference for one in desk.world.intakes]


def papers_of(desk: Desk, request: Request) -> dict[PaperName, Paper]:
    with desk.store.begin(write=False) as work:
        return {one.name: one for one in work.papers.of([request.id]).get(request.id, ())}


def hold(desk: Desk, items: list[int]) -> None:
    desk.sight("https://flock.exercise.example/@some_one", agency="BB")
    with desk.store.begin() as work:
        deconflict.place(
            work, CAROL, items, reason="observed", until=work.now + timedelta(days=3),  # type: ignore[arg-type]
            longest=timedelta(days=30), at_most=50,
        )  # fmt: skip


def letter(
    desk: Desk, form: str, request: Request | None, given: dict[str, object], **more: str
) -> letters.Letter:
    with desk.store.begin() as work:
        office = work.offices.get(AgencyCode("AA")) or OFFICE
        head = letterhead.complete(desk.tools, work, form, office, given, request=request, **more)
        return letters.draw(desk.tools, work, ANNA, form, head.to, head.values, request=request)


@pytest.mark.parametrize(
    "form", ["tco-annex-1", "dsa-art-9", "dsa-art-16", "xarf", "tco-annex-2", "scrutiny-request", "referral"]
)
def test_nothing_but_a_letter_leaves_as_a_letter(court: Desk, form: str) -> None:
    sample = dict(court.tools.instruments[form].sample)  # type: ignore[attr-defined]
    with court.store.begin() as work, pytest.raises((NotFound, Invalid)):
        head = letterhead.head(court.tools, work, form, OFFICE, provider="flock")
        letters.draw(court.tools, work, ANNA, form, head.to, sample)


def test_a_letter_takes_the_competence_the_order_and_its_state(court: Desk) -> None:
    items = ready(court, court.show("some_one"))
    request = drawn(court, items).request
    for form, given in (
        ("finality", {"ground": "lapsed", "final_on": "2026-03-02"}),
        ("clarification", {"asked_at": iso(STARTS), "answer": "this one"}),
        ("withdrawal", {"reasons": "wrong", "scope": "whole"}),
        ("tco-copy", {}),
    ):
        with pytest.raises((Refused, Invalid)):
            letter(court, form, court.request(request.id), given)
    with court.store.begin() as work:
        work.offices.set(replace(OFFICE, competences=frozenset({Competence.REFER})), by=SAM.id)
    with pytest.raises(Refused, match="competence"):
        letter(court, "first-contact", None, {"procedures": "made up"}, provider="flock")


def test_the_agencys_key_touches_no_other_bytes(court: Desk) -> None:
    request = drawn(court, ready(court, court.show("some_one"))).request
    consented(court, request)
    signed(court, request)
    values = json.loads(papers_of(court, request)[PaperName.JSON].body) | {"b_reasoning": "something else"}
    sheet = court.tools.paper.render("tco-annex-1", values, language="en", draft=False, exercise=True)
    with court.store.begin() as work:
        work.conn.execute(update(papers).where(papers.c.name == "pdf").values(body=sheet.pdf))
    court.work()
    assert PaperName.SIGNED not in papers_of(court, request)
    assert court.request(request.id).state is RequestState.PROPOSED
    assert not arrived(court)


def test_another_signed_file_does_not_leave(court: Desk) -> None:
    request = drawn(court, ready(court, court.show("some_one"))).request
    consented(court, request)
    signed(court, request)
    with court.store.begin() as work:
        other = Paper(
            name=PaperName.SIGNED, media_type="application/pdf", body=b"%PDF-1.7 not what was approved"
        )
        work.papers.add(request.id, [other])
    court.work()
    assert not arrived(court)
    assert court.request(request.id).state is RequestState.PROPOSED
    assert PaperName.SIGNED not in papers_of(court, request)


def test_the_copy_cannot_be_taken_away(court: Desk) -> None:
    request = drawn(court, ready(court, court.show("some_one"))).request
    with court.store.begin() as work:
        (copy,) = work.letters.listed(request=request.id)
    for act in (
        lambda work: letters.drop(work, BOB, copy.id, reason="made up"),
        lambda work: letters.approve(work, BOB, copy.id),
    ):
        with pytest.raises(Refused), court.store.begin() as work:
            act(work)
    with court.store.begin() as work:
        work.letters.step(copy, LetterState.DROPPED)
    consented(court, request)
    with pytest.raises(Refused, match=r"4\(1\)"):
        signed(court, request)


def test_a_copy_does_not_leave_when_its_order_bounces(court: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    request = drawn(court, ready(court, court.show("some_one"))).request
    consented(court, request)
    signed(court, request)
    courier = type(court.tools.couriers["api"])
    real = courier.send

    def bad(self: object, parcels: list[Parcel]) -> list[Receipt]:
        return [
            Receipt(state=DispatchState.FAILED, detail="no such intake")
            if one.reference == request.reference
            else real(self, [one])[0]  # type: ignore[arg-type]
            for one in parcels
        ]

    with monkeypatch.context() as broken:
        broken.setattr(courier, "send", bad)
        court.work()
    assert court.request(request.id).state is RequestState.PROPOSED
    assert not arrived(court)
    first = papers_of(court, request).get(PaperName.SIGNED)
    assert first is None or court.request(request.id).sent_at is None
    court.later(hours=3)
    consented(court, request)
    signed(court, request)
    court.work()
    assert sorted(arrived(court)) == [request.reference, "SL-test-000001"]
    sealed = papers_of(court, request)[PaperName.SIGNED]
    (found,) = court.tools.paper.verify(sealed.body)
    assert found.claimed_at is not None
    assert found.claimed_at >= STARTS + timedelta(hours=3)


def test_the_reasons_of_the_emergency_stand_in_the_order(court: Desk) -> None:
    items = ready(court, court.show("some_one"))
    with pytest.raises(Invalid, match="b_reasoning"):
        drawn(court, items, given={"b_reasoning": "x"})
    for name in ("addressee", "territorial_scope", "i_legal_basis", "contact_point"):
        with pytest.raises(Invalid, match=name):
            drawn(
                court,
                items,
                instrument=NATIONAL_ORDER,
                said=replace(SAID, scope="Belgium"),
                given={name: "other"},
            )
    with pytest.raises(Invalid, match="authority"):
        letter(court, "first-contact", None, {"procedures": "x", "authority": "Europol"}, provider="flock")


def test_silence_that_cannot_be_counted_is_not_drawn_up(court: Desk) -> None:
    items = ready(court, court.show("some_one"))
    for since, until in (
        (STARTS - timedelta(days=365 * 5), STARTS - timedelta(days=365 * 5 - 30)),
        (STARTS + timedelta(days=9), STARTS + timedelta(days=20)),
        (STARTS, None),
        (None, STARTS + timedelta(days=7)),
    ):
        said = replace(URGENT, secret_from=since, secret_until=until, secret_reasons="made up")
        with pytest.raises((Invalid, Refused)):
            drawn(court, items, said=said)
    said = replace(
        URGENT, secret_from=STARTS, secret_until=STARTS + timedelta(weeks=1), secret_reasons="made up"
    )
    request = issued(court, items, said=said)
    with court.store.begin(write=False) as work:
        (clock,) = (one for one in work.clocks.of([request.id]) if one.kind == "non-disclosure")
    assert min(clock.strict_end, clock.legal_end) == STARTS + timedelta(weeks=1)


def test_half_a_character_and_the_year_9999_are_refused(court: Desk) -> None:
    items = ready(court, court.show("some_one"))
    with pytest.raises(Invalid, match="half a character"):
        drawn(court, items, said=replace(URGENT, scope="\ud800"))
    with pytest.raises(Invalid, match="too far"):
        drawn(court, items, issue_at=STARTS.replace(year=9999))


def test_an_order_withdrawn_on_its_way_is_counted_and_told(
    court: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = drawn(court, ready(court, court.show("some_one"))).request
    consented(court, request)
    signed(court, request)
    courier = type(court.tools.couriers["api"])
    real = courier.send

    def meanwhile(self: object, parcels: list[Parcel]) -> list[Receipt]:
        got = real(self, parcels)  # type: ignore[arg-type]
        if any(one.reference == request.reference and not one.withdrawal for one in parcels):
            with court.store.begin() as work:
                withdraw.withdraw(court.tools, work, SAM, request.id, reason="the wrong account")
        return got

    with monkeypatch.context() as racing:
        racing.setattr(courier, "send", meanwhile)
        court.work()
    court.later(minutes=5)
    stands = court.request(request.id)
    assert stands.state is RequestState.WITHDRAWN
    assert stands.sent_at is not None
    with court.store.begin(write=False) as work:
        steps = [one.event for one in work.orders.history(request.id)]
        sent = {one.form: one.state for one in work.letters.listed(request=request.id)}
    assert steps == [OrderEvent.ISSUE.value, OrderEvent.REVOKE.value]
    assert sent["tco-copy"] in {LetterState.SENT, LetterState.RECEIVED}


def test_whoever_had_a_copy_is_told_of_the_withdrawal(court: Desk) -> None:
    request = issued(court, ready(court, court.show("some_one")))
    with court.store.begin() as work:
        withdraw.withdraw(court.tools, work, SAM, request.id, reason="the wrong account")
        (told,) = (one for one in work.letters.listed(request=request.id) if one.form == "withdrawal")
        alarms = [one.text for one in work.duties.alarms(AgencyCode("AA"))]
    assert told.party == "authority:IE"
    assert any(told.reference in text for text in alarms)
    with court.store.begin() as work:
        letters.approve(work, BOB, told.id)
    court.work()
    assert told.reference in arrived(court)


def test_a_letter_on_its_way_cannot_be_dropped(court: Desk) -> None:
    first_contact(court, "flock")
    with court.store.begin() as work:
        (one,) = work.letters.listed()
    assert one.tried_at is not None
    with pytest.raises(Refused, match="on its way"), court.store.begin() as work:
        letters.drop(work, BOB, one.id, reason="made up")


@law("Regulation (EU) 2021/784, Art. 14(1)")
def test_a_hold_after_the_signature_leaves_no_signed_paper(court: Desk) -> None:
    items = ready(court, court.show("some_one"))
    request = drawn(court, items).request
    consented(court, request)
    signed(court, request)
    hold(court, items)  # type: ignore[arg-type]
    court.work()
    assert court.request(request.id).state is RequestState.WITHDRAWN
    assert order_of(court, request.id).state is OrderState.REVOKED
    assert PaperName.SIGNED not in papers_of(court, request)
    assert not arrived(court)
    with court.store.begin(write=False) as work, pytest.raises(NotFound):
        consider.shown(court.tools, work, court.request(request.id), PaperName.SIGNED)


def annex_3(desk: Desk, request: Request, *reasons: str, **more: object) -> dict[str, object]:
    with desk.store.begin(write=False) as work:
        now = work.now
    return {
        "form": "tco-annex-3", "a_addressee": request.addressee, "a_authority": OFFICE.name,
        "a_authority_ref": request.reference, "a_received_at": iso(request.sent_at or now), "b_reasons": list(reasons),
        "b_explanation": "A made-up storm.", "b_clarification": "Which one?" if set(reasons) & {"err", "info"} else "",
        "c_hsp": "Flock", "c_person": "A Made-Up Officer", "c_email": "desk@flock.example", "c_signature": "A.",
        "c_at": iso(now),
    } | more  # fmt: skip


@law("Regulation (EU) 2021/784, Art. 3(7)")
def test_a_clarification_does_not_end_a_storm(court: Desk) -> None:
    request = issued(court, ready(court, court.show("some_one")))
    with court.store.begin() as work:
        order.impossibility(court.tools, work, ALICE, request.id, annex_3(court, request, "fm"))
    made = letter(
        court,
        "clarification",
        court.request(request.id),
        {"asked_at": iso(STARTS), "answer": "The first one."},
    )
    with court.store.begin() as work:
        letters.approve(work, BOB, made.id)
    court.work()
    assert order_of(court, request.id).state is OrderState.IMPEDED


def test_a_challenged_order_can_still_be_impeded_resumed_and_executed(court: Desk) -> None:
    request = issued(court, ready(court, court.show("some_one")))
    with court.store.begin() as work:
        order.impossibility(court.tools, work, ALICE, request.id, annex_3(court, request, "fm"))
        order.appealed(work, ALICE, request.id, at=work.now, court="Made-up Court")
        order.impossibility(court.tools, work, ALICE, request.id, annex_3(court, request, "fm"))
        order.grounds_ended(work, ALICE, request.id, at=work.now, ground="the storm is over")
    assert order_of(court, request.id).state is OrderState.APPEALED


def test_instants_to_come_and_other_laws_rules_are_refused(court: Desk) -> None:
    request = issued(court, ready(court, court.show("some_one")))
    with pytest.raises(Invalid, match="future"), court.store.begin() as work:
        late = annex_3(court, request, "fm", c_at=iso(work.now + timedelta(days=400)))
        order.impossibility(court.tools, work, ALICE, request.id, late)
    national = issued(
        court,
        ready(court, court.show("some_two")),
        instrument=NATIONAL_ORDER,
        said=replace(SAID, scope="Belgium"),
    )
    acts: tuple[Callable[[object], object], ...] = (
        lambda work: order.impossibility(
            court.tools, work, ALICE, national.id, annex_3(court, national, "fm")
        ),  # type: ignore[arg-type]
        lambda work: order.scrutiny_asked(
            work,
            ALICE,
            national.id,
            asked_by=Asker.PROVIDER,
            party="x",
            at=STARTS,
            reasons="made up",  # type: ignore[arg-type]
        ),
    )
    for act in acts:
        with pytest.raises(Refused, match="removal orders"), court.store.begin() as work:
            act(work)


def test_a_providers_officer_speaks_for_the_provider_alone(court: Desk) -> None:
    officer = Person(id=PersonId("officer"), agency=AgencyCode("FLOCK"), roles=frozenset({Role.PROVIDER}))
    with court.store.begin() as work:
        work.people.add_agencies([officer.agency])
        work.people.add(officer)
    request = issued(court, ready(court, court.show("some_one")))
    for asker in (Asker.AUTHORITY, Asker.CONTENT_PROVIDER):
        with pytest.raises(NotEntitled), court.store.begin() as work:
            order.scrutiny_asked(
                work, officer, request.id, asked_by=asker, party="x", at=work.now, reasons="made up"
            )
    with pytest.raises(Invalid, match="before it has left"), court.store.begin() as work:
        order.scrutiny_asked(
            work, officer, request.id, asked_by=Asker.PROVIDER, party="x", at=STARTS - timedelta(days=30),
            reasons="made up",
        )  # fmt: skip


def test_what_the_clocks_cannot_count_is_said_before_the_signature(court: Desk) -> None:
    request = drawn(court, ready(court, court.show("some_one"))).request
    consented(court, request)
    with court.store.begin() as work:
        stands = order_of(court, request.id)
        with pytest.raises(Refused, match="cannot be counted"):
            life.foresee(work, request, replace(stands, secret_from=STARTS.replace(year=1999)))
