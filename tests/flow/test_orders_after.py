"""What follows when an order has left: annexes back, scrutiny, silence, courts, finality, the dossier."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from dataclasses import replace
from datetime import timedelta

import pytest

from ordering import OFFICE, SAID, URGENT, consented, drawn, issued, order_of, ready, signed
from staydown.core.errors import IllegalStep, Invalid, NotEntitled, Refused, SameEyes
from staydown.core.order import Asker, Reach
from staydown.core.request import Request
from staydown.core.states import ItemState, LetterState, OrderState, RequestState
from staydown.core.time import iso
from staydown.flow import dossier, letterhead, letters, order
from staydown.law.matter import NATIONAL_ORDER
from support import ALICE, ANNA, BOB, CAROL, SAM, Desk, law


def annex_2(desk: Desk, request: Request, **more: object) -> dict[str, object]:
    """Annex II for an order."""
    with desk.store.begin(write=False) as work:
        now = work.now
    return {
        "form": "tco-annex-2",
        "a_addressee": request.addressee,
        "a_authority": OFFICE.name,
        "a_authority_ref": request.reference,
        "a_received_at": iso(request.sent_at or now),
        "b_measure": "removed",
        "b_acted_at": iso(now),
        "c_hsp": "Flock (simulated)",
        "c_ms": "IE",
        "c_person": "A Made-Up Officer",
        "c_email": "desk@flock.example",
        "c_date": now.date().isoformat(),
    } | more


def annex_3(desk: Desk, request: Request, *reasons: str) -> dict[str, object]:
    """Annex III for an order."""
    with desk.store.begin(write=False) as work:
        now = work.now
    return {
        "form": "tco-annex-3",
        "a_addressee": request.addressee,
        "a_authority": OFFICE.name,
        "a_authority_ref": request.reference,
        "a_received_at": iso(request.sent_at or now),
        "b_reasons": list(reasons),
        "b_explanation": "A made-up storm has cut our made-up lines.",
        "b_clarification": "Which of the two accounts is meant?" if set(reasons) & {"err", "info"} else "",
        "c_hsp": "Flock (simulated)",
        "c_person": "A Made-Up Officer",
        "c_email": "desk@flock.example",
        "c_signature": "A. Made-Up",
        "c_at": iso(now),
    }


def clock(desk: Desk, request: Request, kind: str, place: str = "") -> object:
    """A clock as it stands."""
    from staydown.flow import clocks

    with desk.store.begin(write=False) as work:
        found = clocks.view(work, request)
    return next(one for one in found if one.kind == kind and one.place == place)


@law("Regulation (EU) 2021/784, Art. 3(6)")
def test_annex_2_ends_the_hour_and_what_was_removed_is_kept(court: Desk) -> None:
    request = issued(court, ready(court, court.show("some_one")))
    court.later(minutes=20)
    with court.store.begin() as work:
        order.feedback(court.tools, work, ALICE, request.id, annex_2(court, request))
    assert order_of(court, request.id).state is OrderState.EXECUTED
    assert court.request(request.id).state is RequestState.ANSWERED
    assert clock(court, request, "remove").state.value == "met"  # type: ignore[attr-defined]
    assert clock(court, request, "preserve").state.value == "running"  # type: ignore[attr-defined]


def test_annex_2_of_another_order_or_an_incomplete_one_is_refused(court: Desk) -> None:
    request = issued(court, ready(court, court.show("some_one")))
    for values in (
        annex_2(court, request, a_authority_ref="SD-other-000009"),
        annex_2(court, request, c_person=""),
    ):
        with pytest.raises(Invalid), court.store.begin() as work:
            order.feedback(court.tools, work, ALICE, request.id, values)
    with pytest.raises(NotEntitled), court.store.begin() as work:
        order.feedback(court.tools, work, CAROL, request.id, annex_2(court, request))
    assert order_of(court, request.id).state is OrderState.RUNNING


@law("Regulation (EU) 2021/784, Art. 3(7)")
def test_impossibility_suspends_the_hour_and_it_runs_again_whole(court: Desk) -> None:
    request = issued(court, ready(court, court.show("some_one")))
    court.later(minutes=10)
    with court.store.begin() as work:
        order.impossibility(court.tools, work, ALICE, request.id, annex_3(court, request, "fm"))
    assert order_of(court, request.id).state is OrderState.IMPEDED
    assert clock(court, request, "remove").state.value == "suspended"  # type: ignore[attr-defined]
    court.later(hours=5)
    with court.store.begin() as work:
        ended = work.now
        order.judge(work, SAM, request.id, accepted=True, reason="the storm was in the news")
        order.grounds_ended(work, ALICE, request.id, at=ended, ground="their lines are back")
    assert order_of(court, request.id).state is OrderState.RUNNING
    assert clock(court, request, "remove").strict_end == ended + timedelta(hours=1)  # type: ignore[attr-defined]


@law("Regulation (EU) 2021/784, Art. 3(8)")
def test_the_hour_starts_again_when_the_clarification_is_received(court: Desk) -> None:
    request = issued(court, ready(court, court.show("some_one")))
    with court.store.begin() as work:
        order.impossibility(court.tools, work, ALICE, request.id, annex_3(court, request, "info"))
    court.later(hours=2)
    with court.store.begin() as work:
        given = {
            "asked_at": iso(work.now - timedelta(hours=2)),
            "answer": "The first one is meant, as its number says.",
        }
        head = letterhead.complete(
            court.tools, work, "clarification", OFFICE, given, request=court.request(request.id)
        )
        made = letters.draw(court.tools, work, ANNA, "clarification", head.to, head.values, request=request)
    with court.store.begin() as work:
        letters.approve(work, BOB, made.id)
    court.work()
    assert order_of(court, request.id).state is OrderState.RUNNING
    with court.store.begin(write=False) as work:
        (letter,) = work.letters.get([made.id])
    assert letter.received_at is not None
    assert clock(court, request, "remove").strict_end == letter.received_at + timedelta(hours=1)  # type: ignore[attr-defined]


@law(
    "Regulation (EU) 2021/784, Art. 4(4)",
    "Regulation (EU) 2021/784, Art. 4(5)",
    "Regulation (EU) 2021/784, Art. 4(6)",
    "Regulation (EU) 2021/784, Art. 4(7)",
    "Regulation (EU) 2021/784, Art. 11(1)",
    "Regulation (EU) 2021/784, Art. 11(2)",
)
def test_an_infringement_is_found_only_after_notice_and_ends_the_order(court: Desk) -> None:
    items = ready(court, court.show("some_one"))
    request = issued(court, items)
    with court.store.begin() as work:
        now = work.now
        first = order.scrutiny_asked(
            work,
            ALICE,
            request.id,
            asked_by=Asker.PROVIDER,
            party="Flock",
            at=now,
            reasons="the reasons are thin",
        )
        order.informed(work, ALICE, request.id, party="account 7", at=now)
        second = order.scrutiny_asked(
            work,
            ALICE,
            request.id,
            asked_by=Asker.CONTENT_PROVIDER,
            party="account 7",
            at=now,
            reasons="it was satire",
        )
    assert first != second
    with pytest.raises(Invalid, match="asked for scrutiny already"), court.store.begin() as work:
        order.scrutiny_asked(
            work, ALICE, request.id, asked_by=Asker.PROVIDER, party="Flock", at=now, reasons="once more"
        )
    with pytest.raises(IllegalStep), court.store.begin() as work:
        order.scrutiny_decided(
            court.tools, work, ALICE, request.id, first, infringement=True, at=now, reasons="it is satire"
        )
    with court.store.begin() as work:
        order.scrutiny_noticed(work, ALICE, request.id, second, at=now, reasons="it intends to find one")
        order.scrutiny_decided(
            court.tools, work, ALICE, request.id, second, infringement=True, at=now, reasons="it is satire"
        )
    assert order_of(court, request.id).state is OrderState.CEASED
    assert court.state(items[0]) is ItemState.WITHDRAWN
    with court.store.begin() as work:
        order.reinstated(work, ALICE, request.id, at=work.now)
    assert order_of(court, request.id).state is OrderState.REINSTATED


@law("Regulation (EU) 2021/784, Art. 11(3)")
def test_silence_is_short_extended_once_and_ends_by_itself(court: Desk) -> None:
    items = ready(court, court.show("some_one"))
    with court.store.begin(write=False) as work:
        now = work.now
    long = replace(URGENT, secret_from=now, secret_until=now + timedelta(weeks=6, days=1))
    with pytest.raises(Refused, match=r"Art\. 11\(3\)"):
        drawn(court, items, said=long)
    fitting = replace(URGENT, secret_from=now, secret_until=now + timedelta(weeks=6))
    with pytest.raises(Refused, match="reasons"):
        drawn(court, items, said=fitting)
    request = issued(
        court, items, said=replace(fitting, secret_reasons="Arrests are prepared in the same matter.")
    )
    with court.store.begin(write=False) as work:
        sent = {one.form: one for one in work.letters.listed(request=request.id)}
    decision = sent["non-disclosure"]
    assert decision.state in {LetterState.SENT, LetterState.RECEIVED}
    assert (decision.approved_by, decision.signed_by) == (BOB.id, SAM.id)
    assert decision.party == "flock"
    with pytest.raises(Refused, match=r"Art\. 11\(3\)"), court.store.begin() as work:
        order.informed(work, ALICE, request.id, party="account 7", at=work.now)
    with pytest.raises(NotEntitled), court.store.begin() as work:
        order.extend_silence(work, ALICE, request.id, reasons="arrests are prepared")
    with court.store.begin() as work:
        found = order.extend_silence(work, SAM, request.id, reasons="arrests are prepared")
    assert found.secret_until == now + timedelta(weeks=12, hours=-1)  # summer time began meanwhile
    with pytest.raises(IllegalStep), court.store.begin() as work:
        order.extend_silence(work, SAM, request.id, reasons="once more")


@law("Regulation (EU) 2021/784, Art. 3(9)", "Regulation (EU) 2021/784, Art. 5(4)")
def test_an_order_is_final_only_when_the_time_to_challenge_it_is_over(court: Desk) -> None:
    request = issued(court, ready(court, court.show("some_one")))
    with pytest.raises(IllegalStep, match="not over"), court.store.begin() as work:
        order.finalise(work, SAM, request.id)
    with pytest.raises(NotEntitled), court.store.begin() as work:
        order.finalise(work, ALICE, request.id)
    court.later(days=33)
    with court.store.begin() as work:
        found = order.finalise(work, SAM, request.id)
    assert found.state is OrderState.FINAL
    with court.store.begin() as work:
        head = letterhead.complete(
            court.tools,
            work,
            "finality",
            OFFICE,
            {"ground": "lapsed"},
            request=court.request(request.id),
        )
        made = letters.draw(court.tools, work, ANNA, "finality", head.to, head.values, request=request)
        assert made.party == "authority:IE"
    with court.store.begin() as work:
        letters.approve(work, BOB, made.id)
    with pytest.raises(SameEyes), court.store.begin() as work:
        letters.sign(work, replace(BOB, roles=SAM.roles | BOB.roles), made.id)
    with court.store.begin() as work:
        letters.sign(work, SAM, made.id)
    court.work()
    with court.store.begin(write=False) as work:
        assert work.letters.get([made.id])[0].sent_at is not None


@law("Regulation (EU) 2021/784, Art. 9")
def test_a_court_annuls_and_everything_is_put_back(court: Desk) -> None:
    items = ready(court, court.show("some_one"))
    request = issued(court, items)
    with court.store.begin() as work:
        order.appealed(work, ALICE, request.id, at=work.now, court="Made-up Court")
        order.court_decided(
            court.tools, work, SAM, request.id, confirmed=False, at=work.now, text="judgment 12"
        )
    assert order_of(court, request.id).state is OrderState.CEASED
    assert court.state(items[0]) is ItemState.WITHDRAWN


@law("Regulation (EU) 2021/784, recital 36")
def test_a_second_order_needs_the_signatorys_reasons(court: Desk) -> None:
    items = ready(court, court.show("some_one"))
    first = issued(court, items)
    court.decided(first.reference, "refused")
    with court.store.begin() as work:
        from staydown.core.request import Decision, LineAnswer
        from staydown.flow import answer

        answer.answer(work, first.id, [LineAnswer(number=1, decision=Decision.REFUSED)], by=ALICE)
    second = drawn(court, items).request
    consented(court, second)
    with pytest.raises(Refused, match="recital 36"):
        signed(court, second)
    signed(
        court,
        second,
        reasons="The first was refused for a mistake in its address, which this one does not have.",
    )


@law("Regulation (EU) 2022/2065, Art. 9")
def test_a_national_order_takes_three_persons_too(court: Desk) -> None:
    items = ready(court, court.show("some_one"))
    request = drawn(
        court,
        items,
        instrument=NATIONAL_ORDER,
        said=replace(SAID, scope="Belgium, because the law ends there"),
    ).request
    assert request.binding
    consented(court, request)
    assert not court.world.intakes
    signed(court, request)
    court.work()
    assert order_of(court, request.id).state is OrderState.RUNNING
    assert clock(court, request, "effect")


@law("Regulation (EU) 2022/2065, Art. 16")
def test_a_notice_takes_two_and_leaves_as_it_was_approved(court: Desk) -> None:
    items = ready(court, court.show("some_one"))
    request = drawn(court, items, instrument="dsa-art-16", said=SAID).request
    assert not request.binding
    with pytest.raises(SameEyes):
        consented(court, request, by=replace(ALICE, roles=BOB.roles))
    consented(court, request)
    court.work()
    assert [one.reference for one in court.world.intakes] == [request.reference]


def test_a_closed_group_gets_no_order(court: Desk) -> None:
    items = ready(court, court.show("some_one"))
    request = drawn(court, items, said=replace(URGENT, reach=Reach.CLOSED_GROUP)).request
    with pytest.raises(Refused, match="recital 14"):
        consented(court, request)


def test_the_dossier_holds_everything_and_its_manifest_is_right(court: Desk) -> None:
    request = issued(court, ready(court, court.show("some_one")))
    with court.store.begin() as work:
        body, names = dossier.dossier(court.tools, work, SAM, request.id)
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        assert sorted(archive.namelist()) == names
        manifest = json.loads(archive.read("MANIFEST.json"))
        for name, sha256 in manifest["files"].items():
            assert hashlib.sha256(archive.read(name)).hexdigest() == sha256
        tags = [entry["tag"] for entry in json.loads(archive.read("ledger.json"))]
        assert archive.read(f"papers/{request.reference}.signed.pdf").startswith(b"%PDF")
    for tag in (
        "request:proposal:made",
        "request:approval:given",
        "request:order:signed",
        "request:dispatch:sent",
    ):
        assert tag in tags
    with pytest.raises(NotEntitled), court.store.begin() as work:
        dossier.dossier(court.tools, work, CAROL, request.id)


def test_what_was_never_signed_leaves_the_house_only_as_a_draft(court: Desk) -> None:
    from staydown.core.order import PaperName
    from staydown.flow import approve
    from staydown.flow.consider import shown

    items = ready(court, court.show("some_one"))
    request = drawn(court, items).request
    for act in (lambda: None, lambda: consented(court, request), lambda: None):
        act()
        with court.store.begin() as work:
            final = work.papers.one(request.id, PaperName.PDF)
            assert final is not None
            seen = shown(court.tools, work, court.request(request.id), PaperName.PDF)
            body, _ = dossier.dossier(court.tools, work, SAM, request.id)
        assert seen != final.body
        assert court.tools.paper.read(seen).draft
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            assert court.tools.paper.read(archive.read(f"papers/{request.reference}.pdf")).draft
            assert not [name for name in archive.namelist() if name.startswith("letters/")]
    with court.store.begin() as work:
        approve.send_back(work, BOB, request.id, reason="made up")
        seen = shown(court.tools, work, work.requests.one(request.id), PaperName.PDF)
    assert court.tools.paper.read(seen).draft
