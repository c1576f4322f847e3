"""A refused order for each rule of footing, with its message: at the drawing board, at consent, or at signature."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest
from sqlalchemy import update

from ordering import OFFICE, SAID, URGENT, consented, drawn, issued, ready, signed
from staydown.core.assessment import Verdict
from staydown.core.errors import Refused
from staydown.core.ids import ItemId
from staydown.core.order import Competence, Reach
from staydown.flow import deconflict
from staydown.flow.footing import Said
from staydown.law.footing_tco import _OUT_OF_SCOPE
from staydown.law.matter import NATIONAL_ORDER, TCO_ORDER, Layer
from staydown.store.tables_orders import authorities
from support import ANNA, CAROL, SAM, Desk, law


@dataclass(frozen=True)
class Case:
    """One rule that says no, and when."""

    name: str
    says: str  #: part of the message, with its article
    said: Said = URGENT
    before: Callable[[Desk, list[ItemId]], None] | None = None  #: done before it is drawn up
    between: Callable[[Desk, list[ItemId]], None] | None = None  #: done after it was drawn up
    instrument: str = TCO_ORDER


def _office(**changed: object) -> Callable[[Desk, list[ItemId]], None]:
    def do(desk: Desk, _: list[ItemId]) -> None:
        with desk.store.begin() as work:
            work.offices.set(replace(OFFICE, **changed), by=SAM.id)  # type: ignore[arg-type]

    return do


def _doubt(desk: Desk, items: list[ItemId]) -> None:
    desk.view(items, Verdict.UNSURE, by=ANNA, research=_unsure())


def _unsure() -> object:
    from staydown.core.assessment import PurposeAnswer

    return PurposeAnswer.UNSURE


def _clear(desk: Desk, items: list[ItemId]) -> None:
    desk.view(items, Verdict.CLEAR, by=ANNA)


def _hold(desk: Desk, items: list[ItemId]) -> None:
    desk.sight("https://flock.exercise.example/@some_one", agency="BB")
    with desk.store.begin() as work:
        deconflict.place(
            work, CAROL, items, reason="under observation", until=work.now + timedelta(days=3),
            longest=timedelta(days=30), at_most=50,
        )  # fmt: skip


def _no_authority(desk: Desk, _: list[ItemId]) -> None:
    with desk.store.begin() as work:
        work.conn.execute(update(authorities).values(closed_at=work.now))


def _first_order(desk: Desk, items: list[ItemId]) -> None:
    """Another order on the same matter was issued before, and refused."""
    from staydown.core.request import Decision, LineAnswer
    from staydown.flow import answer
    from support import ALICE

    first = issued(desk, items)
    with desk.store.begin() as work:
        answer.answer(work, first.id, [LineAnswer(number=1, decision=Decision.REFUSED)], by=ALICE)


def _long_silence() -> Said:
    from support import STARTS

    return replace(URGENT, secret_from=STARTS, secret_until=STARTS + timedelta(weeks=7))


CASES = (
    Case("a protected purpose was seen", r"unsure|Art\. 1\(3\)", before=_doubt),
    Case("nobody finds terrorist content any more", "is cleared|has not found", before=_clear),
    Case("a hold", "wait", before=_hold),
    Case("a hold that came between", r"Wait.*Art\. 14\(1\)", between=_hold),
    Case("not designated", r"Art\. 12\(1\)\(a\)", before=_office(competences=frozenset({Competence.REFER}))),
    Case("outside the Union", r"Art\. 3\(1\)|CH", before=_office(state="CH", competences=frozenset())),
    *(
        Case(f"out of scope: {layer.value}", rf"Art\. 2\(1\), {source}", said=replace(URGENT, layer=layer))
        for layer, (source, _) in _OUT_OF_SCOPE.items()
    ),
    Case("a media service", r"Art\. 1\(5\)", said=replace(URGENT, layer=Layer.MEDIA)),
    Case("a closed group", r"Art\. 2\(3\), recital 14", said=replace(URGENT, reach=Reach.CLOSED_GROUP)),
    Case("a private message", r"Art\. 2\(3\), recital 14", said=replace(URGENT, reach=Reach.PRIVATE)),
    Case(
        "nobody said who can see it", r"Art\. 2\(3\), recital 14", said=replace(URGENT, reach=Reach.UNKNOWN)
    ),
    Case("ticks alone", r"Art\. 3\(4\)\(b\)", said=replace(URGENT, reasons="bad")),
    Case("a whole account without reasons for it", r"Art\. 3\(4\)\(c\)", said=replace(URGENT, whole="")),
    Case("no first contact and no emergency", r"Art\. 3\(2\)", said=SAID),
    Case("an emergency in one word", r"too short.*Art\. 3\(2\)", said=replace(SAID, emergency="urgent")),
    Case(
        "a language it does not take",
        r"accepts en, nl, not de.*Art\. 15\(2\)",
        said=replace(URGENT, language="de"),
    ),
    Case("no address for the copy", r"Art\. 4\(1\)", before=_no_authority),
    Case("a second order", "recital 36", before=_first_order),
    Case("no redress", r"g_body|Art\. 3\(4\)\(f\)", before=_office(redress_body="")),
    Case("silence for too long", r"Art\. 11\(3\)", said=_long_silence()),
    Case(
        "no provision of national law",
        r"i_legal_basis|recital 31",
        instrument=NATIONAL_ORDER,
        before=_office(legal_basis=""),
    ),
    Case("no territory", r"territorial_scope|Art\. 9\(2\)\(b\)", instrument=NATIONAL_ORDER),
    Case(
        "no power to order",
        r"Art\. 9\(1\)",
        instrument=NATIONAL_ORDER,
        said=replace(URGENT, scope="Belgium"),
        before=_office(competences=frozenset({Competence.REFER})),
    ),
)


@law(
    "Regulation (EU) 2021/784, Art. 2(3)",
    "Regulation (EU) 2021/784, Art. 15(2)",
    "Regulation (EU) 2021/784, Art. 1(5)",
)
@pytest.mark.parametrize("case", CASES, ids=[one.name for one in CASES])
def test_each_rule_stops_an_order_and_says_which_article(court: Desk, case: Case) -> None:
    items = ready(court, court.show("some_one"))
    if case.before:
        case.before(court, items)
    sent = len(court.world.intakes)
    with pytest.raises(Refused, match=f"(?s){case.says}"):
        request = drawn(court, items, said=case.said, instrument=case.instrument).request
        if case.between:
            case.between(court, items)
        consented(court, request)
        signed(court, request)
    court.work()
    assert len(court.world.intakes) == sent


def test_a_provider_without_a_contact_point_for_orders_gets_none(court: Desk) -> None:
    court.world.pages.clear()
    address = "https://quill.exercise.example/p/made-up"
    items = court.sight(address)
    with court.store.begin() as work:
        from staydown.flow import preserve
        from support import ALICE

        preserve.waive(work, ALICE, items, reason="a made-up page")
    court.view(items)
    with pytest.raises(Refused, match=r"No contact point.*Art\. 3\(5\), 15\(1\)"):
        drawn(court, items)
