"""What the authority's report and the state's data count of removal orders, on both databases."""

from __future__ import annotations

from ordering import issued, ready
from staydown.core.ids import AgencyCode
from staydown.core.order import Asker
from staydown.core.states import OrderEvent
from staydown.flow import answer, order, standing
from staydown.flow.clocks import view
from staydown.flow.count import transparency
from staydown.law.periods import Party
from support import ALICE, BOB, SAM, Desk, law

AA = AgencyCode("AA")


def shown(desk: Desk) -> dict[str, int]:
    """The rows that are not nought, referrals left out."""
    with desk.store.begin(write=False) as work:
        rows = transparency(work, AA, 2026, article="tco")
    return {one.row.id: one.count for one in rows if one.count}


@law("Regulation (EU) 2021/784, Art. 8(1)", "Regulation (EU) 2021/784, Art. 21(1)")
def test_an_order_is_counted_when_issued_and_once_when_executed(court: Desk) -> None:
    request = issued(court, ready(court, court.show("some_one")))
    left = {"tco-8-a-issued": 1, "tco-21-a-orders": 1, "tco-8-a-cross-border": 1}
    assert shown(court) == left
    court.decided(request.reference, "removed")
    court.later(hours=2)
    done = left | {"tco-8-a-removed": 1, "tco-21-a-items": 1}
    assert shown(court) == done
    with court.store.begin() as work:
        now = work.now
        order.appealed(work, ALICE, request.id, at=now, court="the court of first instance")
        found = work.orders.get([request.id], lock=True)[request.id]
        standing.happened(work, found, OrderEvent.EXECUTE, at=now, by=None)  # said once more
    assert shown(court) == done | {"tco-8-c-orders": 1, "tco-21-e": 1}
    with court.store.begin() as work:
        order.court_decided(court.tools, work, SAM, request.id, confirmed=False, at=now, text="annulled")
    assert shown(court) == done | {
        "tco-8-c-orders": 1, "tco-21-e": 1, "tco-8-c-orders-annulled": 1, "tco-21-e-decided": 1,
    }  # fmt: skip


@law("Regulation (EU) 2021/784, Art. 8(1)")
def test_an_order_that_is_given_up_was_not_executed(court: Desk) -> None:
    request = issued(court, ready(court, court.show("some_one")))
    with court.store.begin() as work:
        answer.close(work, BOB, request.id, reason="it never answered")
    assert shown(court)["tco-8-a-not-removed"] == 1
    assert "tco-8-a-removed" not in shown(court)


@law("Regulation (EU) 2021/784, Art. 4(4)")
def test_each_party_has_its_own_time_to_ask_and_each_request_its_own_to_be_decided(court: Desk) -> None:
    request = issued(court, ready(court, court.show("some_one")))
    with court.store.begin() as work:
        now = work.now
        for party in ("account 7", "account 8"):
            order.informed(work, ALICE, request.id, party=party, at=now)
        number = order.scrutiny_asked(
            work,
            ALICE,
            request.id,
            asked_by=Asker.CONTENT_PROVIDER,
            party="account 7",
            at=now,
            reasons="satire",
        )
        order.scrutiny_asked(
            work, ALICE, request.id, asked_by=Asker.PROVIDER, party="Flock", at=now, reasons="thin reasons"
        )
        order.scrutiny_decided(
            court.tools, work, ALICE, request.id, number, infringement=False, at=now, reasons="it stands"
        )
        stands = {(one.kind, one.party, one.place): one.state.value for one in view(work, request)}
    assert stands["ask-scrutiny", Party.CONTENT_PROVIDER, "account 7"] == "met"
    assert stands["ask-scrutiny", Party.CONTENT_PROVIDER, "account 8"] == "running"
    assert stands["ask-scrutiny", Party.PROVIDER, ""] == "met"
    assert stands["decide-scrutiny", Party.ESTABLISHMENT, "account 7"] == "met"
    assert stands["decide-scrutiny", Party.ESTABLISHMENT, ""] == "running"
    assert shown(court)["tco-8-a-scrutinised"] == 1
