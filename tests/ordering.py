"""A desk that issues orders: an office, an authority of establishment, and the steps of one order."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from staydown.core.ids import AgencyCode, ItemId, RequestId
from staydown.core.order import Authority, Competence, Office, Order, Reach, Task
from staydown.core.people import Person, Role
from staydown.core.request import Request
from staydown.flow import approve, draw, letterhead, letters, sign
from staydown.flow.footing import Said
from staydown.law.matter import TCO_ORDER
from support import ALICE, ANNA, BOB, SAM, Desk, person

LONG = "It calls by name for attacks on a made-up city and praises at length those who made them up."
EMERGENCY = "A made-up attack is announced for this very evening, and twelve hours would be too late for it."
WHOLE = (
    "Every one of its made-up posts since it was opened calls for the same attacks; nothing else is in it."
)
SAID = Said(reach=Reach.PUBLIC, serves_union=True, reasons=LONG, whole=WHOLE, good_faith=True)
URGENT = replace(SAID, emergency=EMERGENCY)
OFFICE = Office(
    agency=AgencyCode("AA"),
    state="BE",
    kind="law_enforcement",
    name="Made-up Referral Unit",
    address="1 Made-up Street, 1000 Brussels",
    tel="+32 2 555 01 00",
    email="unit@agency.example",
    feedback="desk@agency.example, +32 2 555 01 01",
    competences=frozenset({Competence.REFER, Competence.TCO_ISSUE, Competence.NATIONAL_ORDER}),
    redress_body="Made-up Court of First Instance, Brussels",
    redress_deadline="30 days from receipt",
    redress_days=30,
    redress_law="https://law.example/made-up",
    legal_basis="Made-up Act of 2020, Art. 7",
)
REPRESENTATIVE = "S. Made-Up, commissioner"
ERIN = person("erin", "AA", Role.APPROVER)


def settle_in(desk: Desk) -> None:
    """Give the agency its office, and another approver; let two persons name the authorities of two states."""
    with desk.store.begin() as work:
        work.people.add(ERIN)
        work.offices.set(OFFICE, by=SAM.id)
        for state in ("IE", "DE"):
            for task in (Task.SCRUTINISE, Task.OVERSEE):
                number = work.offices.propose(
                    Authority(
                        id=0,
                        agency=OFFICE.agency,
                        state=state,
                        task=task,
                        name=f"Made-up Authority of {state}",
                        contact_point="authority@mail.hearth.exercise.example",
                        courier="mail",
                        language="en",
                        by=SAM.id,
                    )
                )
                work.offices.confirm(OFFICE.agency, number, by=BOB.id, eyes={BOB.id})


def ready(desk: Desk, *addresses: str) -> list[ItemId]:
    """Items that are kept and assessed."""
    items = desk.sight(*addresses)
    desk.keep(items)
    desk.view(items)
    return items


def drawn(
    desk: Desk,
    items: list[ItemId],
    *,
    by: Person = ALICE,
    said: Said = URGENT,
    instrument: str = TCO_ORDER,
    **more: object,
) -> draw.Drawn:
    """An instrument, drawn up."""
    with desk.store.begin() as work:
        return draw.draw(
            desk.tools,
            work,
            by,
            items,
            instrument=instrument,
            said=said,
            representative=REPRESENTATIVE,
            **more,  # type: ignore[arg-type]
        )


def consented(desk: Desk, request: Request, *, by: Person = BOB) -> None:
    """The second person's consent."""
    with desk.store.begin() as work:
        approve.approve(desk.tools, work, by, [request.id])


def signed(desk: Desk, request: Request, *, by: Person = SAM, reasons: str = "") -> None:
    """The third person's signature."""
    with desk.store.begin() as work:
        sign.sign(desk.tools, work, by, request.id, reasons=reasons)


def issued(desk: Desk, items: list[ItemId], *, said: Said = URGENT, **more: object) -> Request:
    """An order that has left."""
    request = drawn(desk, items, said=said, **more).request
    consented(desk, request)
    signed(desk, request)
    desk.work()
    return desk.request(request.id)


def order_of(desk: Desk, number: RequestId) -> Order:
    """The law's side of a request."""
    with desk.store.begin(write=False) as work:
        return work.orders.get([number])[number]


def first_contact(desk: Desk, provider: str, *, by: Person = ANNA) -> None:
    """Send the information before a first order, and wait until it is over."""
    with desk.store.begin() as work:
        given = {"procedures": "Orders come on Annex I, signed, from the address of this unit."}
        head = letterhead.complete(desk.tools, work, letters.FIRST_CONTACT, OFFICE, given, provider=provider)
        made = letters.draw(desk.tools, work, by, letters.FIRST_CONTACT, head.to, head.values)
    with desk.store.begin() as work:
        letters.approve(work, BOB, made.id)
    desk.work()


AN_HOUR = timedelta(hours=1)
