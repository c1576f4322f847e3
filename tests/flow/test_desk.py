"""What a provider itself has to report is counted for its own desk, whoever's transaction it happens in."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ordering import OFFICE, SAID, consented, drawn, issued, ready, settle_in
from staydown.app import forms
from staydown.core.ids import AgencyCode
from staydown.core.order import Asker, Competence
from staydown.core.people import Role, desk_of
from staydown.core.request import Decision, LineAnswer, Request
from staydown.core.time import iso
from staydown.flow import answer, order, withdraw
from staydown.flow.count import Reported, transparency
from staydown.law.matter import NATIONAL_ORDER, NOTICE
from support import ALICE, BOB, SAM, Desk, law, person

FLOCK = desk_of("flock")
OFFICER = person("flock-officer", FLOCK, Role.PROVIDER)


@pytest.fixture
def court(desk: Desk) -> Desk:
    """A desk that may issue orders, beside Flock's own."""
    settle_in(desk)
    with desk.store.begin() as work:
        work.people.add_agencies([FLOCK])
        work.people.add(OFFICER)
        work.offices.set(
            replace(
                OFFICE,
                competences=OFFICE.competences | {Competence.TRUSTED_FLAGGER},
                flagger_id="TF-BE-7",
                expertise="terrorist content",
            ),
            by=SAM.id,
        )
    return desk


def rows(desk: Desk, agency: AgencyCode = FLOCK) -> dict[str, Reported]:
    """The rows that are not nought."""
    with desk.store.begin(write=False) as work:
        return {one.row.id: one for one in transparency(work, agency, 2026) if one.count}


def shown(desk: Desk) -> dict[str, int | None]:
    return {row: one.count for row, one in rows(desk).items()}


def impeded(desk: Desk, request: Request, *reasons: str) -> None:
    """Flock sends Annex III."""
    with desk.store.begin() as work:
        values = forms()["tco-annex-3"].sample | {
            "a_authority_ref": request.reference,
            "a_received_at": iso(request.sent_at or work.now),
            "b_reasons": list(reasons),
            "b_clarification": "Which one is meant?" if set(reasons) & {"err", "info"} else "",
            "c_at": iso(work.now),
        }
        order.impossibility(desk.tools, work, OFFICER, request.id, values)


@law("Regulation (EU) 2021/784, Art. 7(3)", "Regulation (EU) 2022/2065, Art. 15(1)")
def test_an_order_counts_for_the_provider_when_it_arrives_and_when_it_is_executed(court: Desk) -> None:
    items = ready(court, court.show("some_one"), court.show("some_other"))
    request = issued(court, items)
    assert shown(court) == {"dsa-15-a": 1, "dsa-15-a-receipt": 1}
    assert rows(court)["dsa-15-a"].median_s is None, "how long it takes is not known yet"
    court.later(minutes=20)
    court.decided(request.reference, "removed", "removed")
    court.later(hours=2)
    found = rows(court)
    assert {row: one.count for row, one in found.items()} == {
        "dsa-15-a": 1, "dsa-15-a-receipt": 1, "tco-7-c-orders": 2,
    }  # fmt: skip
    assert found["dsa-15-a"].median_s == pytest.approx(20 * 60, abs=60)
    assert found["dsa-15-a-receipt"].median_s is not None
    assert set(rows(court, AgencyCode("AA"))).isdisjoint(found), "the authority reports what is its own"


@law(
    "Regulation (EU) 2021/784, Art. 7(3)",
    "Regulation (EU) 2021/784, Art. 3(7)",
    "Regulation (EU) 2021/784, Art. 3(8)",
)
@pytest.mark.parametrize(
    ("reasons", "row"), [(["fm"], "tco-7-c-impossible"), (["err", "info"], "tco-7-c-unclear")]
)
def test_an_order_that_was_not_executed_counts_once_with_its_ground(
    court: Desk, reasons: list[str], row: str
) -> None:
    request = issued(court, ready(court, court.show("some_one")))
    impeded(court, request, *reasons)
    assert row not in shown(court), "it may still be executed"
    with court.store.begin() as work:
        answer.close(work, BOB, request.id, reason="it cannot be done")
    assert shown(court)[row] == 1
    with court.store.begin() as work:
        withdraw.withdraw(court.tools, work, SAM, request.id, reason="it was the wrong account")
    assert shown(court)[row] == 1
    assert "tco-7-c-orders" not in shown(court)


@law("Regulation (EU) 2021/784, Art. 7(3)")
def test_an_order_that_is_taken_back_while_it_was_impeded_was_not_executed(court: Desk) -> None:
    request = issued(court, ready(court, court.show("some_one")))
    impeded(court, request, "err")
    with court.store.begin() as work:
        withdraw.withdraw(court.tools, work, SAM, request.id, reason="it was the wrong account")
    assert shown(court)["tco-7-c-unclear"] == 1


@law("Regulation (EU) 2021/784, Art. 7(3)", "Regulation (EU) 2021/784, Art. 4(7)")
@pytest.mark.parametrize(("asker", "brought"), [(Asker.PROVIDER, 1), (Asker.CONTENT_PROVIDER, None)])
def test_scrutiny_that_finds_an_infringement_means_reinstating(
    court: Desk, asker: Asker, brought: int | None
) -> None:
    request = issued(court, ready(court, court.show("some_one")))
    court.decided(request.reference, "removed")
    court.later(hours=2)
    with court.store.begin() as work:
        now = work.now
        number = order.scrutiny_asked(
            work,
            OFFICER if brought else ALICE,
            request.id,
            asked_by=asker,
            party="somebody",
            at=now,
            reasons="it is satire",
        )
    assert shown(court).get("tco-7-e") == brought
    with court.store.begin() as work:
        order.scrutiny_noticed(work, ALICE, request.id, number, at=now, reasons="it intends to find one")
        order.scrutiny_decided(
            court.tools, work, ALICE, request.id, number, infringement=True, at=now, reasons="satire"
        )
    found = shown(court)
    assert (found.get("tco-7-e-won"), found["tco-7-f"]) == (brought, 1)


@law("Regulation (EU) 2021/784, Art. 7(3)", "Regulation (EU) 2021/784, Art. 9")
@pytest.mark.parametrize("by_provider", [True, False])
def test_a_court_that_annuls_an_order_which_was_executed_counts(court: Desk, by_provider: bool) -> None:
    request = issued(court, ready(court, court.show("some_one")))
    court.decided(request.reference, "removed")
    court.later(hours=2)
    with court.store.begin(of=AgencyCode("AA")) as work:
        now = work.now
        order.appealed(work, ALICE, request.id, at=now, court="a made-up court", by_provider=by_provider)
        order.court_decided(court.tools, work, SAM, request.id, confirmed=False, at=now, text="annulled")
    found = shown(court)
    assert (found.get("tco-7-e"), found.get("tco-7-e-won")) == ((1, 1) if by_provider else (None, None))
    assert found["tco-7-f"] == 1


@law("Regulation (EU) 2021/784, Art. 7(3)")
def test_what_was_never_removed_need_not_be_reinstated(court: Desk) -> None:
    request = issued(court, ready(court, court.show("some_one")))
    with court.store.begin() as work:
        now = work.now
        order.appealed(work, ALICE, request.id, at=now, court="a made-up court")
        order.court_decided(court.tools, work, SAM, request.id, confirmed=False, at=now, text="annulled")
    assert "tco-7-f" not in shown(court)


@law("Regulation (EU) 2022/2065, Art. 15(1)")
def test_a_national_order_counts_with_its_times_and_no_row_of_removal_orders(court: Desk) -> None:
    request = issued(
        court, ready(court, court.show("some_one")), instrument=NATIONAL_ORDER, said=replace(SAID, scope="BE")
    )
    court.decided(request.reference, "removed")
    court.later(hours=2)
    assert shown(court) == {"dsa-15-a": 1, "dsa-15-a-receipt": 1}
    assert rows(court)["dsa-15-a"].median_s is not None


@law("Regulation (EU) 2022/2065, Art. 15(1)")
@pytest.mark.parametrize("flags", [True, False])
def test_a_notice_counts_with_its_sender_and_the_ground_on_which_the_provider_acted(
    court: Desk, flags: bool
) -> None:
    if not flags:
        with court.store.begin() as work:
            work.offices.set(OFFICE, by=SAM.id)
    request = drawn(court, ready(court, court.show("one"), court.show("two"), court.show("three")), said=SAID, instrument=NOTICE).request  # fmt: skip
    consented(court, request)
    court.work()
    sent = {"dsa-15-b": 1} | ({"dsa-15-b-flaggers": 1} if flags else {})
    assert shown(court) == sent
    court.later(minutes=30)
    with court.store.begin() as work:
        said = (
            LineAnswer(number=1, decision=Decision.REMOVED),
            LineAnswer(number=2, decision=Decision.RESTRICTED, on_terms=True),
            LineAnswer(number=3, decision=Decision.REFUSED),
        )
        answer.answer(work, request.id, said, by=OFFICER)
    assert shown(court) == sent | {"dsa-15-b-law": 1, "dsa-15-b-terms": 1}
    assert rows(court)["dsa-15-b"].median_s == pytest.approx(30 * 60, abs=60)


@law("Regulation (EU) 2021/784, recital 40")
def test_referrals_count_as_they_arrive_and_as_they_are_answered(court: Desk) -> None:
    request, _ = court.referred(court.show("one"), court.show("two"), court.show("three"))
    assert shown(court) == {"desk-referrals": 1, "desk-items": 3}
    court.later(minutes=10)
    with court.store.begin(of=AgencyCode("AA")) as work:  # walls hold it to its own agency
        said = (
            LineAnswer(number=1, decision=Decision.REMOVED),
            LineAnswer(number=2, decision=Decision.RESTRICTED),
            LineAnswer(number=3, decision=Decision.REFUSED),
        )
        answer.answer(work, request.id, said, by=ALICE)
    assert shown(court) == {
        "desk-referrals": 1, "desk-items": 3, "desk-removed": 1, "desk-restricted": 1, "desk-refused": 1,
    }  # fmt: skip
    assert rows(court)["desk-removed"].median_s == pytest.approx(10 * 60, abs=60)


def test_a_provider_without_a_desk_here_counts_nothing(desk: Desk) -> None:
    desk.referred(desk.show("one"))
    with desk.store.begin() as work:
        assert (
            work.counted.rows(FLOCK, since=work.now.replace(year=2020), until=work.now.replace(year=2030))
            == {}
        )
        work.people.add_agencies([FLOCK])
    assert shown(desk) == {}
