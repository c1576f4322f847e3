"""standing: whether a form may go on, asked anew at consent, at signature and before it leaves."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Literal

from staydown.core.errors import Broken, NotEntitled, Refused
from staydown.core.ids import PersonId
from staydown.core.order import Happened, Order, PaperName, Reach
from staydown.core.people import Person
from staydown.core.request import Line, Request
from staydown.core.states import ORDER, OrderEvent, OrderState, allows, step
from staydown.core.time import iso
from staydown.flow import count, footing
from staydown.flow.footing import Said
from staydown.law.matter import NOTICE, Finding, Layer
from staydown.ports.tools import Tools
from staydown.ports.work import Work
from staydown.reason.formcheck import Checked, check
from staydown.reason.formfile import Form

LATEST = timedelta(days=1)
"""How long after its instant of issuing an order may still be approved and signed."""
Stage = Literal["approve", "sign", "send"]
LATER: Mapping[Stage, frozenset[str]] = {
    "approve": frozenset({"first-contact", "second-order", "private"}),
    "sign": frozenset(),
    "send": frozenset({"second-order", "private", "evidence"}),
}
"""Rules that the next person decides, or has decided: the signatory's reasons stand in the signature."""


def values_of(work: Work, request: Request) -> dict[str, object]:
    """The fields of a form as they were drawn up.

    Raises:
        Broken: The rendition that holds them is missing or is no JSON.
    """
    paper = work.papers.one(request.id, PaperName.JSON)
    try:
        found = json.loads(paper.body) if paper else None
    except ValueError as error:
        raise Broken(f"the JSON of {request.reference} cannot be read") from error
    if not isinstance(found, dict):
        raise Broken(f"the JSON of {request.reference} is missing")
    return found


def is_flagger(work: Work, request: Request) -> bool:
    """Whether it is a notice that a trusted flagger sends.

    Source: Regulation (EU) 2022/2065, Art. 22(1).
    """
    return request.instrument == NOTICE and bool(values_of(work, request).get("flagger_id"))


def checked(tools: Tools, work: Work, request: Request) -> Checked:
    """What the form's own rules say of it."""
    form = getattr(tools.instruments.get(request.instrument), "form", None)
    if not isinstance(form, Form):
        raise Refused(
            f"the form {request.instrument} is not installed", hint="Install the package it came from."
        )
    return check(form, values_of(work, request))


def said_of(work: Work, request: Request, order: Order | None) -> Said:
    """What a person said when it was drawn up; for a form that binds nobody, what stands in it."""
    facts: Mapping[str, object] = order.facts if order is not None else {}
    words = {
        name: str(facts.get(name) or "")
        for name in ("emergency", "whole", "again", "reasons", "basis", "scope")
    }
    if order is None:
        values = values_of(work, request)
        told = values.get("a_explanation") or values.get("description") or ""
        return Said(reach=Reach.PUBLIC, reasons=str(told), good_faith=values.get("d_good_faith") is True)
    serves = facts.get("serves_union")
    return Said(
        reach=Reach(str(facts.get("reach") or Reach.UNKNOWN.value)),
        layer=Layer(str(facts["layer"])) if facts.get("layer") else None,
        serves_union=serves if isinstance(serves, bool) else None,
        threat_to_life=facts.get("threat_to_life") is True,
        good_faith=facts.get("good_faith") is True,
        language=request.language,
        secret_from=order.secret_from,
        secret_until=order.secret_until,
        **words,
    )


def found(tools: Tools, work: Work, request: Request, lines: Sequence[Line]) -> tuple[Finding, ...]:
    """What the rules of footing say of a form now."""
    order = work.orders.get([request.id]).get(request.id)
    said = said_of(work, request, order)
    author = Person(id=request.proposed_by, agency=request.agency, roles=frozenset())
    items = [line.item for line in lines]
    facts = footing.matters(tools, work, author, items, said, at=request.issued_at, besides=request.id)
    return footing.all_findings(request.instrument, facts)


def require(
    tools: Tools, work: Work, request: Request, lines: Sequence[Line], *, stage: Stage, reasons: str = ""
) -> None:
    """Refuse a form that is not complete, or that the law does not allow to go on.

    Raises:
        Refused: Names what is missing or wrong, or the rule with its article; or the instant of issuing is long gone by.
    """
    if stage != "send" and request.binding and request.issued_at and work.now - request.issued_at > LATEST:
        raise Refused(
            f"{request.reference} says that it was issued at {iso(request.issued_at)}, more than a day ago",
            hint="Send it back and draw it up anew: the instant of issuing is fixed before anybody approves it.",
        )
    told = checked(tools, work, request)
    if not told.complete:
        lacks = ", ".join(told.missing)
        wrong = "; ".join(told.errors)
        raise Refused(
            f"{request.reference} is not complete: "
            + "; ".join(filter(None, (f"missing: {lacks}" if lacks else "", wrong)))[:2000],
            hint="Send it back and draw it up anew with these fields.",
        )
    stopping = found(tools, work, request, lines)
    footing.require(stopping, reasons=reasons, but=LATER[stage], what=request.reference)


def happened(
    work: Work,
    order: Order,
    event: OrderEvent,
    *,
    at: datetime,
    by: PersonId | None,
    form: str | None = None,
    facts: Mapping[str, object] | None = None,
    **changed: object,
) -> Order:
    """Take one step of an order's own state, with the record of it; gives the order as it now stands.

    Raises:
        IllegalStep: The table has no such step.
        Stale: Somebody was faster.
    """
    after = step(ORDER, order.state, event)
    count.order_stepped(work, order, event, at=at)
    work.orders.step(order, after, **changed)
    work.orders.happened(
        Happened(request=order.request, event=event.value, at=at, by=by, form=form, facts=facts or {})
    )
    detail = {"at": at.isoformat(), "by": by, "event": event.value, "form": form, "state": after.value}
    work.ledger.append("request:order:stepped", f"request:{order.request}", detail)
    return work.orders.get([order.request], lock=True)[order.request]


def revoke(work: Work, requests: Sequence[Request], *, by: PersonId | None, reason: str) -> None:
    """Orders among some requests end, as their requests do; what is void already stays as it is."""
    for order in work.orders.get([one.id for one in requests if one.binding], lock=True).values():
        if allows(ORDER, order.state, OrderEvent.REVOKE):
            happened(work, order, OrderEvent.REVOKE, at=work.now, by=by, facts={"reason": reason})


def may_sign(person: Person, order: Order) -> None:
    """Whether this signatory is the one.

    Raises:
        NotEntitled: The order has left already, or names another signatory.
    """
    if order.state is not OrderState.DRAWN:
        raise NotEntitled(f"{person.id} cannot sign an order that is {order.state.value}")
