"""order: what providers, authorities and courts say about an order, noted with the instant and whoever noted it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta

from staydown.core.errors import IllegalStep, Invalid, NotEntitled, Refused
from staydown.core.ids import RequestId
from staydown.core.order import Asker, Happened, Order, Scrutiny
from staydown.core.people import Person, desk_of
from staydown.core.request import Decision, LineAnswer, Request
from staydown.core.rights import Relation, Verb
from staydown.core.states import (
    ORDER,
    SCRUTINY,
    ClockState,
    ItemEvent,
    OrderEvent,
    OrderState,
    RequestState,
    ScrutinyEvent,
    ScrutinyState,
    step,
)
from staydown.core.text import clean
from staydown.core.time import parse
from staydown.flow import answer, clocks, count, desk, dispatch, life, standing, verify
from staydown.law.matter import TCO_ORDER
from staydown.law.periods import Party
from staydown.ports.tools import Tools
from staydown.ports.work import Work

ANNEX_2, ANNEX_3 = "tco-annex-2", "tco-annex-3"
SLIP = timedelta(minutes=5)
"""How far the clock of whoever fills in a form may be ahead of ours."""
TEXT = 20_000
"""How much of a reason is kept in the record of an order."""


def _order(work: Work, request_id: RequestId) -> tuple[Request, Order]:
    """A request that is an order, both locked.

    Raises:
        NotFound: There is no such request.
        Invalid: It binds nobody.
    """
    request = work.requests.one(request_id, lock=True)
    order = work.orders.get([request_id], lock=True).get(request_id)
    if order is None:
        raise Invalid(f"{request.reference} is no order", hint="staydown orders lists them.")
    return request, order


@contextmanager
def _noting(work: Work, person: Person, request: Request) -> Iterator[None]:
    """Whether the person may note something; what a provider's officer says is written, and told, at the agency that
    issued the order.

    Raises:
        NotEntitled: The person is neither of that provider nor of that agency.
    """
    if person.agency == desk_of(request.provider):
        person.require(Verb.NOTE_ORDER, Relation.ADDRESSED)
        with work.across():
            yield
    else:
        person.require(Verb.NOTE_ORDER, within=request.agency)
        yield


def _said(text: str, what: str) -> str:
    if not text.strip():
        raise Invalid(f"{what} needs its reasons")
    return clean(text)[:TEXT]


def _past(work: Work, at: datetime, what: str) -> datetime:
    if at > work.now:
        raise Invalid(f"{what} lies in the future: {at.isoformat()}")
    return at


# --- what the provider says -----------------------------------------------------------------------


def feedback(
    tools: Tools, work: Work, person: Person, request_id: RequestId, values: Mapping[str, object]
) -> Order:
    """Note Annex II: when it received the order, what it did and when.

    It proves receipt too, where nothing did before; an earlier proof stands, and its claim is kept beside it.

    Raises:
        NotEntitled: The person is neither of that provider nor of that agency.
        Invalid: The form is not complete, or about another order.
        IllegalStep: The order has not left, or is over.

    Source: Regulation (EU) 2021/784, Art. 3(6).
    """
    request, order = _order(work, request_id)
    with _noting(work, person, request):
        told = _checked(tools, work, request, ANNEX_2, values)
        claimed, acted = _instant(told, "a_received_at"), _instant(told, "b_acted_at")
        if order.state not in {
            OrderState.ISSUED,
            OrderState.RUNNING,
            OrderState.IMPEDED,
            OrderState.EXECUTED,
        }:
            step(ORDER, order.state, OrderEvent.EXECUTE)
        _happened(work, order, "annex-2", acted, person, ANNEX_2, told)
        _arrived(tools, work, request, claimed)
        decision = Decision.REMOVED if told["b_measure"] == "removed" else Decision.RESTRICTED
        lines = work.requests.lines([request_id])[request_id]
        given = [
            LineAnswer(number=one.line.number, decision=decision, reason="Annex II", at=acted)
            for one in lines
            if not one.dropped and one.decision is not decision
        ]
        if given and work.requests.one(request_id).state is RequestState.RUNNING:
            answer.answer(work, request_id, given, by=None, place=tools.settings.place)
        return work.orders.get([request_id])[request_id]


def impossibility(
    tools: Tools, work: Work, person: Person, request_id: RequestId, values: Mapping[str, object]
) -> Order:
    """Note Annex III: why the provider cannot execute the order, or what is wrong or lacking in it.

    The claim stops the hour as the provider sees it; what the authority makes of it is said apart (`judge`).

    Raises:
        NotEntitled: The person is neither of that provider nor of that agency.
        Invalid: The form is not complete, or about another order.
        IllegalStep: The order has not left, or is over.

    Source: Regulation (EU) 2021/784, Art. 3(7) and (8).
    """
    request, order = _order(work, request_id)
    with _noting(work, person, request):
        told = _checked(tools, work, request, ANNEX_3, values)
        claimed, said_at = _instant(told, "a_received_at"), _instant(told, "c_at")
        _happened(work, order, "annex-3", said_at, person, ANNEX_3, told)
        _arrived(tools, work, request, claimed)
        request, order = _order(work, request_id)
        reasons = ", ".join(str(one) for one in _listed(told["b_reasons"]))
        ground = f"{reasons}: {told.get('b_explanation', '')} {told.get('b_clarification', '')}".strip()
        at = dispatch.believable(said_at, not_before=request.received_at or work.now, now=work.now)
        clock = life.removal_clock(work, request, order)
        if work.clocks.one(clock).state is not ClockState.SUSPENDED:  # a second claim beside one that stands
            clocks.suspend(work, clock, claimed_at=at, ground=ground, by=None)
        return standing.happened(
            work, order, OrderEvent.IMPEDE, at=at, by=person.id, form=ANNEX_3, facts={"reasons": reasons}
        )


def _listed(value: object) -> list[object]:
    return list(value) if isinstance(value, (list, tuple)) else [value]


def _require_tco(request: Request, what: str) -> None:
    """Whether a rule of the regulation on terrorist content is about this order.

    Raises:
        Refused: It is an order under national law.
    """
    if request.instrument != TCO_ORDER:
        raise Refused(
            f"{what} belongs to removal orders (Regulation (EU) 2021/784), and {request.reference} is none"
        )


def _checked(
    tools: Tools, work: Work, request: Request, form: str, values: Mapping[str, object]
) -> Mapping[str, object]:
    """The values of a form that came back.

    Raises:
        Invalid: It is not complete, or names another order.
    """
    _require_tco(request, form)
    told = tools.paper.check(form, values)
    if not told.complete:
        lacks = "; ".join(filter(None, (", ".join(told.missing), *told.errors)))
        raise Invalid(f"the form {form} is not complete: {lacks}"[:2000], hint="Ask the provider for these.")
    own = standing.values_of(work, request)
    if told.values["a_authority_ref"] not in {request.reference, own.get("e_file_no")}:
        raise Invalid(f"it names {str(told.values['a_authority_ref'])[:80]!r}, not {request.reference}")
    for key in ("a_received_at", "b_acted_at", "c_at"):
        if key in told.values and _instant(told.values, key) > work.now + SLIP:
            raise Invalid(f"{key} lies in the future: {told.values[key]}", hint="Ask whoever filled it in.")
    return told.values


def _instant(values: Mapping[str, object], key: str) -> datetime:
    return parse(str(values[key]))


def _arrived(tools: Tools, work: Work, request: Request, claimed: datetime) -> None:
    """The provider's own form is a proof of receipt."""
    if request.state is not RequestState.DISPATCHED:
        return
    at = dispatch.believable(claimed, not_before=request.sent_at or work.now, now=work.now)
    dispatch.receive(work, [(request, at)], place=tools.settings.place)


def _happened(
    work: Work,
    order: Order,
    event: str,
    at: datetime,
    person: Person,
    form: str | None,
    facts: Mapping[str, object],
) -> None:
    work.orders.happened(
        Happened(request=order.request, event=event, at=at, by=person.id, form=form, facts=facts)
    )
    work.ledger.append(
        f"request:order:{'feedback' if form else 'noted'}",
        f"request:{order.request}",
        {"at": at.isoformat(), "by": person.id, "event": event, "form": form},
    )


def received(
    work: Work, person: Person, request_id: RequestId, *, at: datetime, how: str, place: str
) -> Order:
    """Note by what it is proved that an order arrived: a mail server's word is none.

    Raises:
        NotEntitled: The person is neither of that provider nor of that agency.
        Invalid: No proof is named, or the instant lies before the order left or in the future.
        IllegalStep: It has not left, or its receipt is proved already.

    Source: Regulation (EU) 2021/784, Art. 3(5).
    """
    request, order = _order(work, request_id)
    with _noting(work, person, request):
        if request.state is not RequestState.DISPATCHED:
            raise IllegalStep(f"{request.reference} is {request.state.value}: no receipt is waited for")
        if request.sent_at is None or not request.sent_at <= at <= work.now:
            raise Invalid("an order arrives between its sending and now")
        _happened(work, order, "receipt", at, person, None, {"how": _said(how, "a proof of receipt")})
        dispatch.receive(work, [(request, at)], place=place)
        return work.orders.get([request_id])[request_id]


def judge(work: Work, person: Person, request_id: RequestId, *, accepted: bool, reason: str) -> None:
    """Say what the authority makes of the provider's claim; both views stay, and both deadlines.

    Source: Regulation (EU) 2021/784, Art. 3(7) and (8).
    """
    request, order = _order(work, request_id)
    person.require(Verb.NOTE_ORDER, within=request.agency)
    clocks.judge(work, life.removal_clock(work, request, order), accepted=accepted, reason=reason, by=person)


def grounds_ended(work: Work, person: Person, request_id: RequestId, *, at: datetime, ground: str) -> Order:
    """Note that the grounds ended (Art. 3(7)), or that the clarification was received (Art. 3(8)): the hour anew.

    Raises:
        IllegalStep: The order is not impeded.
    """
    request, order = _order(work, request_id)
    with _noting(work, person, request):
        return life.resume(
            work, request, order, at=_past(work, at, "the end"), ground=_said(ground, "the end")
        )


# --- the content provider ---------------------------------------------------------------------------


def informed(work: Work, person: Person, request_id: RequestId, *, party: str, at: datetime) -> None:
    """Note that a content provider was informed: its own 48 hours start, beside the provider's.

    Raises:
        Refused: Silence towards content providers is in force.

    Source: Regulation (EU) 2021/784, Art. 11(1)-(3) and 4(4).
    """
    request, order = _order(work, request_id)
    with _noting(work, person, request):
        if order.secret_until is not None and at < order.secret_until:
            raise Refused(
                f"until {order.secret_until.isoformat()} nobody may tell the content provider"
                " (Regulation (EU) 2021/784, Art. 11(3))"
            )
        _happened(work, order, "informed", _past(work, at, "it"), person, None, {"party": clean(party)[:200]})
        clocks.begin(
            work, request, "ask-scrutiny", at=at, state=life.state_of(order), place=clean(party)[:200],
            party=Party.CONTENT_PROVIDER,
        )  # fmt: skip


def extend_silence(work: Work, person: Person, request_id: RequestId, *, reasons: str) -> Order:
    """Extend non-disclosure, once, by six weeks from its end.

    Raises:
        NotEntitled: The person is no signatory of the agency.
        IllegalStep: It is not in force, or was extended already: it is never renewed silently.

    Source: Regulation (EU) 2021/784, Art. 11(3).
    """
    request, order = _order(work, request_id)
    person.require(Verb.SIGN, within=request.agency)
    if order.secret_until is None or order.secret_until <= work.now or order.secret_extended:
        raise IllegalStep("silence is not in force, or was extended already (Art. 11(3))")
    why = _said(reasons, "an extension")
    number = clocks.extend_non_disclosure(work, request, by=person, reason=why)
    anew = next(one for one in work.clocks.of([request.id]) if one.id == number)
    until = min(anew.strict_end, anew.legal_end)  # ours ends at the earlier
    _happened(work, order, "silence-extended", work.now, person, None, {"reasons": why})
    work.orders.step(order, order.state, secret_until=until, secret_extended=True)
    return work.orders.get([request_id])[request_id]


# --- scrutiny -----------------------------------------------------------------------------------------


def scrutiny_asked(
    work: Work,
    person: Person,
    request_id: RequestId,
    *,
    asked_by: Asker,
    party: str,
    at: datetime,
    reasons: str,
) -> int:
    """Note a reasoned request for scrutiny, or that the authority of establishment began one; 72 hours run.

    Whether a request came in time is for that authority to say; both ends of the 48 hours stand in the clocks.

    Raises:
        NotEntitled: The person is neither of that provider nor of that agency.
        Invalid: No reasons, or that party has asked already.
        Refused: The order crosses no border, so no other authority scrutinises it.

    Source: Regulation (EU) 2021/784, Art. 4(3) and (4).
    """
    request, order = _order(work, request_id)
    with _noting(work, person, request):
        _require_tco(request, "scrutiny")
        if person.agency != request.agency and asked_by is not Asker.PROVIDER:
            raise NotEntitled(f"{person.id} can ask for scrutiny for {request.provider} only")
        if request.sent_at is None or at < request.sent_at:
            raise Invalid("nobody asks for scrutiny of an order before it has left")
        if not order.crosses_border:
            raise Refused(
                "the order crosses no border; it is challenged before the courts of its own state (Art. 9)"
            )
        if order.state in {OrderState.DRAWN, OrderState.CEASED, OrderState.REVOKED, OrderState.REINSTATED}:
            raise IllegalStep(f"an order that is {order.state.value} is not scrutinised")
        told = _said(reasons, "a request for scrutiny")
        number = work.orders.ask_scrutiny(
            Scrutiny(
                id=0,
                request=request_id,
                asked_by=asked_by,
                party=clean(party)[:200],
                asked_at=_past(work, at, "the request"),
                reasons=told,
                state=ScrutinyState.ASKED,
            )
        )
        _happened(
            work, order, f"scrutiny-{asked_by.value}", at, person, None, {"party": party, "reasons": told}
        )
        if asked_by is not Asker.AUTHORITY:
            place = clean(party)[:200] if asked_by is Asker.CONTENT_PROVIDER else ""
            if asked_by is Asker.PROVIDER:
                desk.review_brought(work, request)
            clocks.meet(work, {request_id: at}, kinds=["ask-scrutiny"], places=[place])
            clocks.begin(work, request, "decide-scrutiny", at=at, state=life.state_of(order), place=place)
        return number


def scrutiny_noticed(
    work: Work, person: Person, request_id: RequestId, number: int, *, at: datetime, reasons: str
) -> None:
    """Note that the authority of establishment told the issuing one of its intention, before it finds anything.

    Source: Regulation (EU) 2021/784, Art. 4(5).
    """
    request, order = _order(work, request_id)
    person.require(Verb.NOTE_ORDER, within=request.agency)
    one = _scrutiny(work, request_id, number)
    after = step(SCRUTINY, one.state, ScrutinyEvent.GIVE_NOTICE)
    work.orders.step_scrutiny(one, after, at=_past(work, at, "it"), text=_said(reasons, "an intention"))
    _happened(work, order, "scrutiny-noticed", at, person, None, {"scrutiny": number, "reasons": reasons})


def scrutiny_decided(
    tools: Tools,
    work: Work,
    person: Person,
    request_id: RequestId,
    number: int,
    *,
    infringement: bool,
    at: datetime,
    reasons: str,
) -> Order:
    """Note the reasoned decision of the authority of establishment; an infringement ends the order's legal effect.

    Raises:
        IllegalStep: An infringement is found without notice before it (Art. 4(5)), or it is decided already.

    Source: Regulation (EU) 2021/784, Art. 4(3)-(7).
    """
    request, order = _order(work, request_id)
    person.require(Verb.NOTE_ORDER, within=request.agency)
    one = _scrutiny(work, request_id, number)
    after = step(SCRUTINY, one.state, ScrutinyEvent.FIND if infringement else ScrutinyEvent.UPHOLD)
    why = _said(reasons, "a decision")
    work.orders.step_scrutiny(one, after, at=_past(work, at, "the decision"), text=why)
    _happened(work, order, f"scrutiny-{after.value}", at, person, None, {"scrutiny": number, "reasons": why})
    place = one.party if one.asked_by is Asker.CONTENT_PROVIDER else ""
    own = one.asked_by is Asker.AUTHORITY
    clocks.meet(work, {request_id: at}, kinds=["scrutinise" if own else "decide-scrutiny"], places=[place])
    before = [
        other for other in work.orders.scrutinies(request_id) if other.id != number and other.decided_at
    ]
    if not before:  # orders are counted, not scrutinies
        count.counted(
            work, "tco-8-a-scrutinised", agency=request.agency, provider=request.provider, request=request
        )
    if not infringement:
        return work.orders.get([request_id])[request_id]
    if one.asked_by is Asker.PROVIDER:
        desk.review_won(work, request)
    facts = {"scrutiny": number, "reasons": why}
    order = standing.happened(work, order, OrderEvent.CEASE, at=at, by=person.id, facts=facts)
    _undo(tools, work, request, order, at)
    return order


def _scrutiny(work: Work, request_id: RequestId, number: int) -> Scrutiny:
    found = next((one for one in work.orders.scrutinies(request_id) if one.id == number), None)
    if found is None:
        raise Invalid(f"there is no scrutiny {number} of this order")
    return found


def _undo(tools: Tools, work: Work, request: Request, order: Order, at: datetime) -> None:
    """What an order had removed is to be there again, and is looked at until it is."""
    life.over(work, request)
    items = [one.line.item for one in work.requests.lines([request.id])[request.id] if not one.dropped]
    work.requests.close_lines([(request.id, item) for item in items])
    elsewhere = work.requests.open_beside(items, request.id)
    back = [item for item in items if item not in elsewhere]
    work.items.step(back, ItemEvent.WITHDRAW)
    verify.schedule(work, back, apart=tools.settings.apart)
    clocks.begin(work, request, "reinstate", at=at, state=life.state_of(order))


# --- courts and the end -------------------------------------------------------------------------------


def appealed(
    work: Work, person: Person, request_id: RequestId, *, at: datetime, court: str, by_provider: bool = False
) -> Order:
    """Note that the order was challenged before a court.

    Args:
        by_provider: The hosting service provider brought it, not the content provider: its own report counts it.

    Source: Regulation (EU) 2021/784, Art. 9.
    """
    request, order = _order(work, request_id)
    person.require(Verb.NOTE_ORDER, within=request.agency)
    clocks.meet(work, {request_id: _past(work, at, "the challenge")}, kinds=["appeal"])
    facts = {"court": _said(court, "a challenge"), "by_provider": by_provider}
    if by_provider:
        desk.review_brought(work, request)
    return standing.happened(work, order, OrderEvent.APPEAL, at=at, by=person.id, facts=facts)


def court_decided(
    tools: Tools,
    work: Work,
    person: Person,
    request_id: RequestId,
    *,
    confirmed: bool,
    at: datetime,
    text: str,
) -> Order:
    """Note what the court decided: a confirmed order is final, an annulled one has no effect.

    Source: Regulation (EU) 2021/784, Art. 3(9) and 9.
    """
    request, order = _order(work, request_id)
    person.require(Verb.SIGN, within=request.agency)
    event = OrderEvent.CONFIRM if confirmed else OrderEvent.ANNUL
    facts = {"text": _said(text, "a court's decision")}
    final_at = at if confirmed else order.final_at
    order = standing.happened(
        work, order, event, at=_past(work, at, "it"), by=person.id, facts=facts, final_at=final_at
    )
    if confirmed:
        life.exposure(work, request)
    else:
        _undo(tools, work, request, order, at)
    return order


def finalise(work: Work, person: Person, request_id: RequestId) -> Order:
    """Say that the order is final, because the time to challenge it is over.

    Raises:
        NotEntitled: The person is no signatory of the agency.
        IllegalStep: The time to challenge it is not over, or not known.

    Source: Regulation (EU) 2021/784, Art. 3(9).
    """
    request, order = _order(work, request_id)
    person.require(Verb.SIGN, within=request.agency)
    if order.appeal_until is None or order.appeal_until > work.now:
        until = (
            f"not before {order.appeal_until.isoformat()}" if order.appeal_until else "its end is not known"
        )
        raise IllegalStep(f"the time to challenge {request.reference} is not over: {until} (Art. 3(9))")
    order = standing.happened(
        work, order, OrderEvent.FINALISE, at=order.appeal_until, by=person.id, final_at=order.appeal_until
    )
    life.exposure(work, request)
    return order


def reinstated(work: Work, person: Person, request_id: RequestId, *, at: datetime) -> Order:
    """Note that the provider says it has put everything back; our own looks are kept apart.

    Source: Regulation (EU) 2021/784, Art. 4(7).
    """
    request, order = _order(work, request_id)
    with _noting(work, person, request):
        clocks.meet(work, {request_id: _past(work, at, "it")}, kinds=["reinstate"])
        return standing.happened(work, order, OrderEvent.REINSTATE, at=at, by=person.id)
