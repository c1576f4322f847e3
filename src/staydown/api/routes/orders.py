"""Orders and other instruments on legal forms: footing, drawing up, signature, and what is said of them afterwards."""

from __future__ import annotations

from dataclasses import fields
from typing import Annotated, Literal

from fastapi import APIRouter, Path
from fastapi.responses import Response

from staydown.api.desk import IfMatch, Once, TheApp, act, items_of, noted, require_match
from staydown.api.gate import Caller, needs
from staydown.api.routes.requests import Reference, etag_of, found_request
from staydown.core.errors import NotFound
from staydown.core.ids import OperationId, RequestId
from staydown.core.order import PaperName
from staydown.core.rights import Relation, Verb
from staydown.flow import consider, dossier, draw, footing, sign
from staydown.flow import order as life
from staydown.flow.footing import Said
from staydown.store.engine import SqlWork
from staydown.wire import orders as wire
from staydown.wire.cases import RequestClock

router = APIRouter(tags=["orders"])
Sees = Annotated[Caller, needs(Verb.SEE_REQUESTS)]
Notes = Annotated[Caller, needs(Verb.NOTE_ORDER)]


def _said(given: wire.Said) -> Said:
    return Said(**{one.name: getattr(given, one.name) for one in fields(Said)})


@router.post("/v1/footing")
def ask_footing(
    app: TheApp, caller: Annotated[Caller, needs(Verb.SEE_ITEMS)], given: wire.NewFooting
) -> wire.Options:
    """Which instrument fits each item, the least intrusive first, and why; nothing is kept, and a person chooses."""
    with app.store.begin(write=False, of=caller.person.agency) as work:
        ids = items_of(work, given.items)
        found = footing.suggest(app.tools, work, caller.person, ids, _said(given.said))
    return wire.Options(
        rows=[
            wire.Option(
                item=item,
                instrument=one.instrument,
                standing=one.standing,
                why=list(one.why),
                findings=[wire.Finding.model_validate(each) for each in one.findings],
            )
            for item, rows in found.items()
            for one in rows
        ]
    )


@router.post("/v1/orders", status_code=201, response_model=wire.DrawnOrder)
def draw_order(
    app: TheApp, caller: Annotated[Caller, needs(Verb.PROPOSE)], asked: Once, given: wire.NewOrder
) -> Response:
    """Draw up an instrument on its form, for a second person to approve and, where it binds, a third to sign."""

    def do(work: SqlWork) -> wire.DrawnOrder:
        made = draw.draw(
            app.tools,
            work,
            caller.person,
            items_of(work, given.items),
            instrument=given.instrument,
            said=_said(given.said),
            given=given.values,
            representative=given.representative,
            file=given.file,
            operation=OperationId(given.operation) if given.operation else None,
            issue_at=given.issue_at,
        )
        return wire.DrawnOrder(
            reference=made.request.reference,
            instrument=made.request.instrument,
            state=made.request.state,
            issued_at=made.request.issued_at or work.now,
            language=made.request.language,
            findings=[wire.Finding.model_validate(one) for one in made.findings],
        )

    return act(app, caller, asked, do)


@router.get("/v1/requests/{reference}/consideration")
def consider_request(
    app: TheApp, caller: Annotated[Caller, needs(Verb.SEE_REQUESTS, Relation.OWN)], reference: Reference
) -> wire.Consideration:
    """All that the approver and the signatory have to see: form, ground, evidence, waiting, clocks, persons, digest."""
    with app.store.begin(of=caller.person.agency) as work:
        number = RequestId(found_request(work, caller, reference, Verb.SEE_REQUESTS)["id"])
        noted(work, caller, Verb.SEE_REQUESTS, [f"request:{number}"])
        seen = consider.consider(app.tools, work, number)
    request = seen.request
    banner = "DRAFT, NOT AN ORDER\n\n" if consider.is_draft(request) else ""
    return wire.Consideration(
        reference=reference,
        state=request.state,
        digest=seen.digest,
        papers=[wire.Paper(name=name, sha256=sha256) for name, sha256 in seen.papers],
        missing=list(seen.missing),
        errors=list(seen.errors),
        findings=[wire.Finding.model_validate(one) for one in seen.findings],
        stopped=seen.stopped,
        grounds=list(seen.grounds),
        items=len([one for one in seen.lines if not one.dropped]),
        evidence_kept=seen.kept,
        wait=seen.wait,
        clocks=[wire.PlannedClock(name=one.name, source=one.source) for one in seen.clocks],
        persons=list(seen.persons),
        letters=[f"{one.form} to {one.addressee}: {one.state.value}" for one in seen.letters],
        text=banner + request.cover,
    )


@router.get(
    "/v1/requests/{reference}/papers/{paper}",
    response_class=Response,
    responses={200: {"content": {"application/octet-stream": {}}, "description": "The bytes."}},
)
def read_paper(
    app: TheApp,
    caller: Sees,
    reference: Reference,
    paper: Annotated[Literal["pdf", "json", "txt", "pdf-signed"], Path(description="Which rendition.")],
) -> Response:
    """A rendition; before it is approved and signed it says DRAFT, NOT AN ORDER on every page."""
    with app.store.begin(of=caller.person.agency) as work:
        number = RequestId(found_request(work, caller, reference, Verb.SEE_REQUESTS)["id"])
        noted(work, caller, Verb.SEE_REQUESTS, [f"request:{number}"])
        body = consider.shown(app.tools, work, work.requests.one(number), PaperName(paper))
    return Response(
        body,
        media_type="application/octet-stream",
        headers={
            "Content-Disposition": f'attachment; filename="{reference}.{paper.removesuffix("-signed")}"'
        },
    )


@router.post("/v1/requests/{reference}/signatures", status_code=201, response_model=wire.Signed)
def sign_request(
    app: TheApp,
    caller: Annotated[Caller, needs(Verb.SIGN)],
    asked: Once,
    reference: Reference,
    given: wire.NewSignature,
    if_match: IfMatch = None,
) -> Response:
    """Sign one order, as the third person, over exactly what was read: its version in If-Match, its digest in the body."""

    def do(work: SqlWork) -> wire.Signed:
        row = found_request(work, caller, reference, Verb.SIGN)
        require_match(if_match, etag_of(row["version"]))
        number = RequestId(row["id"])
        sign.sign(app.tools, work, caller.person, number, seen=given.digest, reasons=given.reasons)
        request = work.requests.one(number)
        return wire.Signed(reference=reference, state=request.state, issued_at=request.issued_at or work.now)

    return act(app, caller, asked, do)


@router.get("/v1/requests/{reference}/order")
def show_order(app: TheApp, caller: Sees, reference: Reference) -> wire.Order:
    """How an order stands in law: its state, history, scrutinies and clocks."""
    with app.store.begin(of=caller.person.agency) as work:
        number = RequestId(found_request(work, caller, reference, Verb.SEE_REQUESTS)["id"])
        noted(work, caller, Verb.SEE_REQUESTS, [f"request:{number}"])
        order = work.orders.get([number]).get(number)
        if order is None:
            raise NotFound(f"{reference} is no order", hint="See GET /v1/requests.")
        is_own = work.requests.one(number).agency == caller.person.agency
        return wire.Order(
            reference=reference,
            instrument=work.requests.one(number).instrument,
            order=order.state,
            issuing_state=order.issuing_state,
            establishment_state=order.establishment_state,
            appeal_until=order.appeal_until,
            secret_until=order.secret_until,
            final_at=order.final_at,
            history=[
                wire.Happened(event=one.event, at=one.at, by=one.by if is_own else None, form=one.form)
                for one in work.orders.history(number)
            ],
            scrutinies=[wire.Scrutiny.model_validate(one) for one in work.orders.scrutinies(number)],
            clocks=[RequestClock.model_validate(one) for one in work.cases.clocks(number)],
        )


@router.post("/v1/requests/{reference}/receipts", status_code=201, response_model=wire.OrderStanding)
def note_receipt(
    app: TheApp, caller: Notes, asked: Once, reference: Reference, given: wire.NewReceipt
) -> Response:
    """Note by what it is proved that an order arrived: its hour starts."""

    def do(work: SqlWork) -> wire.OrderStanding:
        number = RequestId(found_request(work, caller, reference, Verb.NOTE_ORDER)["id"])
        done = life.received(
            work, caller.person, number, at=given.at, how=given.how, place=app.settings.place
        )
        return wire.OrderStanding(reference=reference, order=done.state)

    return act(app, caller, asked, do)


@router.post("/v1/requests/{reference}/feedback", status_code=201, response_model=wire.OrderStanding)
def give_feedback(
    app: TheApp, caller: Notes, asked: Once, reference: Reference, given: wire.Feedback
) -> Response:
    """Annex II or III, by the provider's own officer or whoever received it: it ends or suspends the hour."""

    def do(work: SqlWork) -> wire.OrderStanding:
        number = RequestId(found_request(work, caller, reference, Verb.NOTE_ORDER)["id"])
        form = str(
            given.values.get("form") or (life.ANNEX_3 if "b_reasons" in given.values else life.ANNEX_2)
        )
        verb = life.impossibility if form == life.ANNEX_3 else life.feedback
        done = verb(app.tools, work, caller.person, number, given.values)
        return wire.OrderStanding(reference=reference, order=done.state)

    return act(app, caller, asked, do)


@router.post("/v1/requests/{reference}/events", status_code=201, response_model=wire.OrderStanding)
def note_event(
    app: TheApp, caller: Notes, asked: Once, reference: Reference, given: wire.NewEvent
) -> Response:
    """Note what was said or done about an order: a judged claim, grounds that ended, scrutiny, a challenge."""

    def do(work: SqlWork) -> wire.OrderStanding:
        number = RequestId(found_request(work, caller, reference, Verb.NOTE_ORDER)["id"])
        scrutiny = _note(app, work, caller, number, given)
        return wire.OrderStanding(
            reference=reference, order=work.orders.get([number])[number].state, scrutiny=scrutiny
        )

    return act(app, caller, asked, do)


def _note(app: TheApp, work: SqlWork, caller: Caller, number: RequestId, given: wire.NewEvent) -> int | None:
    """Do what the event says; gives the number of a scrutiny that began."""
    who, one = caller.person, given.happened
    match one:
        case wire.Judged():
            life.judge(work, who, number, accepted=one.accepted, reason=one.reason)
        case wire.Resumed():
            life.grounds_ended(work, who, number, at=one.at, ground=one.reason)
        case wire.Informed():
            life.informed(work, who, number, party=one.party, at=one.at)
        case wire.ScrutinyAsked():
            return life.scrutiny_asked(
                work, who, number, asked_by=one.asked_by, party=one.party, at=one.at, reasons=one.reason
            )
        case wire.ScrutinyNoticed():
            life.scrutiny_noticed(work, who, number, one.scrutiny, at=one.at, reasons=one.reason)
        case wire.ScrutinyDecided():
            life.scrutiny_decided(
                app.tools,
                work,
                who,
                number,
                one.scrutiny,
                infringement=one.infringement,
                at=one.at,
                reasons=one.reason,
            )
        case wire.Appealed():
            life.appealed(work, who, number, at=one.at, court=one.court, by_provider=one.by_provider)
        case wire.Reinstated():
            life.reinstated(work, who, number, at=one.at)
    return None


@router.post("/v1/requests/{reference}/decisions", status_code=201, response_model=wire.OrderStanding)
def decide_order(
    app: TheApp,
    caller: Annotated[Caller, needs(Verb.SIGN)],
    asked: Once,
    reference: Reference,
    given: wire.NewDecision,
) -> Response:
    """What a signatory says of an issued order: silence extended, a court's decision, finality."""

    def do(work: SqlWork) -> wire.OrderStanding:
        number = RequestId(found_request(work, caller, reference, Verb.SIGN)["id"])
        one = given.decided
        match one:
            case wire.SilenceExtended():
                done = life.extend_silence(work, caller.person, number, reasons=one.reason)
            case wire.CourtDecided():
                done = life.court_decided(
                    app.tools,
                    work,
                    caller.person,
                    number,
                    confirmed=one.confirmed,
                    at=one.at,
                    text=one.reason,
                )
            case wire.Finalised():
                done = life.finalise(work, caller.person, number)
        return wire.OrderStanding(reference=reference, order=done.state)

    return act(app, caller, asked, do)


@router.get(
    "/v1/requests/{reference}/dossier",
    response_class=Response,
    responses={200: {"content": {"application/zip": {}}, "description": "The archive."}},
)
def export_dossier(
    app: TheApp, caller: Annotated[Caller, needs(Verb.EXPORT_DOSSIER)], reference: Reference
) -> Response:
    """All that belongs to one request, from its footing to its finality, in one ZIP."""
    with app.store.begin(of=caller.person.agency) as work:
        number = RequestId(found_request(work, caller, reference, Verb.EXPORT_DOSSIER)["id"])
        body, _ = dossier.dossier(app.tools, work, caller.person, number)
        noted(work, caller, Verb.EXPORT_DOSSIER, [f"request:{number}"])
    headers = {"Content-Disposition": f'attachment; filename="{reference}.zip"'}
    return Response(body, media_type="application/zip", headers=headers)
