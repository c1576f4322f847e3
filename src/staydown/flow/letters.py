"""letters: what leaves beside requests, with the persons each of them takes: information, copies, decisions, notices."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from staydown.core.errors import Invalid, NotFound, Refused, SameEyes, Stale
from staydown.core.house import Matter
from staydown.core.ids import LetterId, RequestId
from staydown.core.order import Competence, Letter, Order, Paper, PaperName, letter_digest
from staydown.core.people import Person
from staydown.core.request import DispatchState, Enclosure, Parcel, Receipt, Request
from staydown.core.rights import Role, Verb
from staydown.core.states import LETTER, REQUEST_SENT, LetterEvent, LetterState, OrderState, allows, step
from staydown.core.text import clean
from staydown.flow import duty
from staydown.flow.carry import Held
from staydown.law.matter import TCO_ORDER
from staydown.law.receipt import may_prove
from staydown.ports import Knows
from staydown.ports.tools import Tools
from staydown.ports.work import Task, Work, WorkKind

COPY, FIRST_CONTACT = "tco-copy", "first-contact"
DECIDES = frozenset({"scrutiny-decision", "scrutiny-pre-notice", "non-disclosure", "finality"})
"""Letters by which an authority decides, or tells of a decision: they take a signatory too."""
PAPERS, BESIDE = "papers", "beside"
"""How a letter leaves with its order: with the order's own papers in it, or beside it."""
WITH_ORDER = frozenset({PAPERS, BESIDE})
AGAIN = "again"
"""A copy that is sent once more, with the order in it, because the first one did not arrive."""
PROGRAM = "program"
"""A letter that the program draws up because of what a person did, for two persons to let go."""
OUT = frozenset({OrderState.DRAWN, OrderState.REVOKED, OrderState.CEASED, OrderState.REINSTATED})
IN_FORCE = frozenset(OrderState) - OUT


@dataclass(frozen=True, slots=True, kw_only=True)
class Sort:
    """When a letter of some form may be drawn up."""

    by_hand: bool = True  #: False: the program draws it up with its order
    order: frozenset[OrderState] | None = (
        None  #: it is about an order in one of these states; None: about none
    )
    competence: Competence | None = None
    to_authority: bool = False


SORTS: Mapping[str, Sort] = {
    "first-contact": Sort(competence=Competence.TCO_ISSUE),
    COPY: Sort(order=IN_FORCE, to_authority=True),
    "non-disclosure": Sort(order=IN_FORCE, competence=Competence.TCO_ISSUE),
    "clarification": Sort(order=frozenset({OrderState.IMPEDED, OrderState.APPEALED})),
    "finality": Sort(order=frozenset({OrderState.FINAL}), to_authority=True),
    "withdrawal": Sort(by_hand=False, order=frozenset({OrderState.REVOKED}), to_authority=True),
    "scrutiny-pre-notice": Sort(competence=Competence.TCO_SCRUTINISE, to_authority=True),
    "scrutiny-decision": Sort(competence=Competence.TCO_SCRUTINISE, to_authority=True),
    "threat-to-life": Sort(to_authority=True),
}
"""The forms that are letters. Orders, notices and reports are drawn up for items, and go another way."""
ASKED_AT_MOST = 4
"""After so many attempts a letter is sent again, marked, though nobody says whether it arrived."""


@dataclass(frozen=True, slots=True, kw_only=True)
class To:
    """Whom a letter goes to."""

    party: str  #: a provider's name, or `authority:DE`
    addressee: str
    contact_point: str
    courier: str
    language: str


def draw(
    tools: Tools,
    work: Work,
    person: Person,
    form: str,
    to: To,
    values: Mapping[str, object],
    *,
    request: Request | None = None,
    leaves: str = "",
) -> Letter:
    """Draw up a letter for a second person to approve, and for a third to sign where it decides something.

    Args:
        leaves: `papers` or `beside` for one that leaves with its order, in the same act; empty for one of its own.

    Raises:
        NotEntitled: The person may not draw up letters, or it is about another agency's request.
        NotFound: There is no such form, or no such courier.
        Refused: It is no letter, or not now, or not by this agency; the form does not exist in the language of whoever
            gets it, or is not complete.
    """
    if form == COPY and not leaves:
        leaves = AGAIN
    if leaves != PROGRAM:
        person.require(Verb.DRAW_LETTER, within=request.agency if request is not None else person.agency)
    _require_sort(work, person, form, to, request, leaves)
    if not getattr(tools.couriers.get(to.courier), "carries_files", True):
        raise Refused(f"{to.addressee} takes this by {to.courier}, which carries no files")
    if to.courier not in tools.couriers:
        raise NotFound(
            f"there is no courier {to.courier!r}", hint=f"There is: {', '.join(sorted(tools.couriers))}."
        )
    told = tools.paper.check(form, values)
    if not told.complete:
        lacks = "; ".join(filter(None, (", ".join(told.missing), *told.errors)))
        raise Refused(f"the letter {form} is not complete: {lacks}"[:2000], hint="Supply these fields.")
    sheet = tools.paper.render(form, values, language=to.language, draft=False, exercise=work.exercise)
    number = work.letters.reserve()
    reference = reference_of(work, number)
    title = sheet.text.strip().splitlines()[0] if sheet.text.strip() else form
    made = Letter(
        id=number,
        reference=reference,
        agency=person.agency,
        request=request.id if request is not None else None,
        form=form,
        party=to.party,
        addressee=to.addressee,
        contact_point=to.contact_point,
        courier=to.courier,
        language=to.language,
        subject=f"{'[EXERCISE] ' if work.exercise else ''}{clean(title)} {reference}"[:300],
        text=sheet.text,
        values=sheet.json.decode(),
        pdf=sheet.pdf,
        enclosed=leaves,
        digest="",
        state=LetterState.PROPOSED,
        version=1,
        by=person.id,
        at=work.now,
        decides=form in DECIDES,
    )
    made = replace(made, digest=letter_digest(made))
    work.letters.add(made)
    detail = {
        "agency": made.agency,
        "by": person.id,
        "contact_point": made.contact_point,
        "digest": made.digest,
        "form": form,
        "party": made.party,
        "reference": reference,
    }
    work.ledger.append("letter:proposal:made", f"letter:{number}", detail)
    return made


def _require_sort(
    work: Work, person: Person, form: str, to: To, request: Request | None, leaves: str
) -> None:
    """Whether a letter of this form may be drawn up for this agency, party and order.

    Raises:
        NotFound: No letter has this form.
        Refused: It may not be drawn up here, or not now.
    """
    sort = SORTS.get(form)
    if sort is None:
        raise NotFound(f"{form[:60]!r} is no letter", hint=f"Those are: {', '.join(sorted(SORTS))}.")
    office = work.offices.get(person.agency)
    if sort.competence is not None and (office is None or sort.competence not in office.competences):
        raise Refused(f"{person.agency} lacks the competence {sort.competence.value!r} for the letter {form}")
    if sort.to_authority != to.party.startswith("authority:"):
        raise Refused(f"the letter {form} goes to {'an authority' if sort.to_authority else 'a provider'}")
    if not leaves and not sort.by_hand:
        raise Refused(f"the letter {form} is drawn up by the program, together with what it belongs to")
    if leaves in WITH_ORDER:
        return
    order = work.orders.get([request.id]).get(request.id) if request is not None else None
    if sort.order is None:
        return
    if order is None:
        raise Refused(f"the letter {form} is about an order", hint="Name it with --about.")
    if order.state not in sort.order:
        raise Refused(
            f"the order is {order.state.value}; a letter {form} belongs to one that is "
            + " or ".join(sorted(state.value for state in sort.order))
        )


def reference_of(work: Work, number: LetterId) -> str:
    """How a letter is named towards whoever gets it."""
    store = "-".join(part for part in (work.origin.rsplit("/", 1)[-1], work.restored.mark) if part)
    return f"SL-{store}-{number:06d}"


def one(work: Work, number: LetterId, *, lock: bool = False) -> Letter:
    """A letter.

    Raises:
        NotFound: There is none of that number.
    """
    found = work.letters.get([number], lock=lock)
    if not found:
        raise NotFound(f"there is no letter {number}", hint="staydown letters lists them.")
    return found[0]


def approve(work: Work, person: Person, number: LetterId, *, seen: str | None = None) -> Letter:
    """Give the second consent to exactly the bytes of a letter; one that decides then waits for its signatory.

    Raises:
        NotEntitled: The person may not approve letters of that agency.
        SameEyes: The person drew it up.
        Refused: It leaves with its order, and is approved with it.
        Stale: It is not what the person was shown, or its bytes are not those it was drawn up with.
    """
    letter = one(work, number, lock=True)
    person.require(Verb.APPROVE_LETTER, within=letter.agency)
    if letter.enclosed in WITH_ORDER:
        raise Refused(f"{letter.reference} leaves with its order and is approved with it")
    return _approve(work, person, letter, seen=seen, role=Role.APPROVER)


def _approve(work: Work, person: Person, letter: Letter, *, seen: str | None, role: Role) -> Letter:
    if letter.by in person.eyes(role):
        raise SameEyes(f"{letter.by} drew up {letter.reference}")
    if letter_digest(letter) != letter.digest or (seen is not None and seen != letter.digest):
        raise Stale(f"{letter.reference} is not what was shown", hint="Read it again: staydown letter show.")
    event = LetterEvent.CONSENT if letter.decides else LetterEvent.APPROVE
    after = step(LETTER, letter.state, event)
    work.letters.step(letter, after, approved_by=person.id, approved_at=work.now)
    detail = {"by": person.id, "digest": letter.digest}
    work.ledger.append("letter:approval:given", f"letter:{letter.id}", detail)
    if after is LetterState.APPROVED and letter.enclosed not in WITH_ORDER:
        work.queue.add(WorkKind.LETTER, [letter.id], due_at=work.now, priority=1)
    return one(work, letter.id)


def sign(work: Work, person: Person, number: LetterId, *, seen: str | None = None) -> Letter:
    """Sign a letter that decides something.

    Raises:
        NotEntitled: The person is no signatory of that agency.
        SameEyes: The person drew it up or approved it.
        Stale: It is not what was approved, or not what the person was shown.
    """
    letter = one(work, number, lock=True)
    person.require(Verb.SIGN, within=letter.agency)
    if letter.enclosed in WITH_ORDER:
        raise Refused(f"{letter.reference} leaves with its order and is signed with it")
    return _sign(work, person, letter, seen=seen)


def _sign(work: Work, person: Person, letter: Letter, *, seen: str | None) -> Letter:
    if {letter.by, letter.approved_by} & person.eyes(Role.SIGNATORY):
        raise SameEyes(f"{person.id} drew up or approved {letter.reference}")
    if letter_digest(letter) != letter.digest or (seen is not None and seen != letter.digest):
        raise Stale(f"{letter.reference} is not what was approved and shown")
    after = step(LETTER, letter.state, LetterEvent.SIGN)
    work.letters.step(letter, after, signed_by=person.id, signed_at=work.now)
    work.ledger.append(
        "letter:decision:signed", f"letter:{letter.id}", {"by": person.id, "digest": letter.digest}
    )
    if letter.enclosed not in WITH_ORDER:
        work.queue.add(WorkKind.LETTER, [letter.id], due_at=work.now, priority=1)
    return one(work, letter.id)


def drop(work: Work, person: Person, number: LetterId, *, reason: str) -> None:
    """Say that a letter will not be sent.

    Raises:
        NotEntitled: The person may not approve letters of that agency.
        Invalid: No reason.
    """
    letter = one(work, number, lock=True)
    person.require(Verb.APPROVE_LETTER, within=letter.agency)
    if not reason.strip():
        raise Invalid("a letter that is not sent needs a reason")
    if letter.enclosed in WITH_ORDER:
        raise Refused(
            f"{letter.reference} leaves with its order", hint="Send the order back, or withdraw it."
        )
    if letter.tried_at is not None:
        raise Refused(f"{letter.reference} is on its way, and may have arrived")
    _drop(work, letter, by=person.id, reason=reason)


def _drop(work: Work, letter: Letter, *, by: str | None, reason: str) -> None:
    work.letters.step(letter, step(LETTER, letter.state, LetterEvent.DROP))
    work.ledger.append("letter:proposal:dropped", f"letter:{letter.id}", {"by": by, "reason": reason})


# --- with an order ---------------------------------------------------------------------------------


def with_order(work: Work, request: Request) -> list[Letter]:
    """Letters that leave with an order."""
    return [one for one in work.letters.listed(request=request.id) if one.enclosed in WITH_ORDER]


def approve_with(work: Work, person: Person, request: Request) -> None:
    """The consent to an order is the consent to what leaves with it."""
    for letter in with_order(work, request):
        if letter.state is LetterState.PROPOSED:
            _approve(work, person, letter, seen=None, role=Role.APPROVER)


def sign_with(work: Work, person: Person, request: Request) -> None:
    """The signature of an order is the signature of what decides beside it."""
    for letter in with_order(work, request):
        if letter.state is LetterState.CONSENTED:
            _sign(work, person, letter, seen=None)


def require_beside(work: Work, request: Request, order: Order) -> None:
    """Whether everything that has to leave with an order is there, and may.

    Raises:
        Refused: The copy, or the decision on silence, is missing, twice there, changed, or not approved.

    Source: Regulation (EU) 2021/784, Art. 3(4)(g) and 4(1).
    """
    require_ready(work, request, order)
    if any(one.state is not LetterState.APPROVED for one in with_order(work, request)):
        raise Refused(f"what has to leave with {request.reference} is not all approved (Art. 3(4)(g), 4(1))")


def require_ready(work: Work, request: Request, order: Order) -> None:
    """Whether everything that has to leave with an order is there, once, as it was drawn up.

    Raises:
        Refused: The copy, or the decision on silence, is missing, twice there, or changed.
    """
    wanted = {COPY} if order.crosses_border and request.instrument == TCO_ORDER else set[str]()
    wanted |= {"non-disclosure"} if order.secret_until is not None else set()
    there = with_order(work, request)
    alive = [one.form for one in there if one.state is not LetterState.DROPPED]
    if sorted(alive) != sorted(wanted) or any(letter_digest(one) != one.digest for one in there):
        raise Refused(f"what has to leave with {request.reference} is not all there (Art. 3(4)(g), 4(1))")


def accompany(work: Work, orders: Sequence[Request]) -> None:
    """The copies of orders begin to leave in the transaction that says that the orders have left (Regulation (EU)
    2021/784, Art. 4(1)): an order that does not arrive has no copy."""
    for request in orders:
        ready = [one.id for one in with_order(work, request) if one.state is LetterState.APPROVED]
        work.queue.add(WorkKind.LETTER, ready, due_at=work.now, priority=0)


def drop_of(work: Work, requests: Sequence[RequestId]) -> None:
    """Letters that would have left with orders that do not leave."""
    for request in work.orders.get(requests):
        for letter in work.letters.listed(request=request):
            if (
                letter.enclosed in WITH_ORDER
                and letter.tried_at is None
                and allows(LETTER, letter.state, LetterEvent.DROP)
            ):
                _drop(work, letter, by=None, reason="its order does not leave")


# --- the way out -----------------------------------------------------------------------------------


def run(tools: Tools, tasks: Sequence[Task]) -> None:
    """Let approved letters leave, each once; one that may have left is asked about, or marked as a repeat."""
    for task in tasks:
        held = Held(tools, [task])
        with tools.begin() as work:
            work.queue.confirm([task], lease=tools.settings.lease)
            found = work.letters.get([LetterId(task.subject)], lock=True)
            parcel = _ready(work, found[0]) if found else None
            if parcel is None:
                work.queue.done([task])
                continue
            work.letters.tried([LetterId(task.subject)])
            work.ledger.append(
                "letter:dispatch:intended", f"letter:{task.subject}", {"repeat": parcel.repeat}
            )
        _carry(tools, task, replace(parcel, may_begin=held.may_begin), found[0], held)


def _ready(work: Work, letter: Letter) -> Parcel | None:
    """What leaves; None where it may not: a letter whose bytes are not those that were approved says so loudly."""
    if letter.state is not LetterState.APPROVED:
        return None
    if letter_digest(letter) != letter.digest:
        _drop(work, letter, by=None, reason="other bytes than the approved ones")
        return None
    if letter.enclosed in WITH_ORDER and not _order_left(work, letter):
        return None
    domain = work.origin.split("/", 1)[0]
    return Parcel(
        reference=letter.reference,
        contact_point=letter.contact_point,
        sender=letter.agency,
        addressee=letter.addressee,
        subject=letter.subject,
        text=letter.text,
        lines=(),
        message_id=f"<{letter.reference}@{domain}>",
        repeat=letter.tried_at is not None,
        exercise=work.exercise,
        form=letter.form,
        enclosures=_enclosures(work, letter),
    )


def _order_left(work: Work, letter: Letter) -> bool:
    """Whether the order has left."""
    if letter.request is None:
        return False
    order = work.requests.one(letter.request)
    return order.state in REQUEST_SENT or order.sent_at is not None


def _enclosures(work: Work, letter: Letter) -> tuple[Enclosure, ...]:
    own = [
        Enclosure(name=f"{letter.reference}.pdf", media_type="application/pdf", body=letter.pdf),
        Enclosure(
            name=f"{letter.reference}.json", media_type="application/json", body=letter.values.encode()
        ),
    ]
    if letter.enclosed in {PAPERS, AGAIN} and letter.request is not None:
        papers: dict[PaperName, Paper] = {
            one.name: one for one in work.papers.of([letter.request]).get(letter.request, ())
        }
        order = papers.get(PaperName.SIGNED) or papers.get(PaperName.PDF)
        if order is not None:
            reference = work.requests.one(letter.request).reference
            own.append(Enclosure(name=f"{reference}.pdf", media_type=order.media_type, body=order.body))
    return tuple(own)


def _carry(tools: Tools, task: Task, parcel: Parcel, letter: Letter, held: Held) -> None:
    courier = tools.couriers[letter.courier]
    word = courier.ask([parcel])[0] if parcel.repeat and courier.can_be_asked else None
    if word is not None and word.knows is Knows.YES:
        proved = word.received_at is not None and may_prove(letter.courier)
        state = DispatchState.RECEIVED if proved else DispatchState.SENT
        receipt = Receipt(state=state, at=word.received_at, detail="it knew already")
    elif word is not None and word.knows is Knows.CANNOT_TELL and task.attempts <= ASKED_AT_MOST:
        receipt = Receipt(state=DispatchState.INTENDED, detail=word.detail)
    else:
        held.confirm()
        receipt = courier.send([parcel])[0]
    with tools.begin() as work:
        _settle(work, task, LetterId(task.subject), receipt)


def _settle(work: Work, task: Task, number: LetterId, receipt: Receipt) -> None:
    letter = one(work, number, lock=True)
    detail = {"detail": clean(receipt.detail)[:500], "form": letter.form}
    if receipt.state in {DispatchState.SENT, DispatchState.RECEIVED}:
        work.letters.step(letter, step(LETTER, letter.state, LetterEvent.SEND), sent_at=work.now)
        work.ledger.append("letter:dispatch:sent", f"letter:{number}", detail)
        if receipt.state is DispatchState.RECEIVED and may_prove(letter.courier):
            at = min(max(receipt.at or work.now, letter.at), work.now)
            note_receipt(work, one(work, number), at=at, how="the receiver's own receipt")
    elif receipt.state is DispatchState.FAILED and not receipt.temporary:
        told = f"{letter.reference} ({letter.form}) could not be delivered to {letter.addressee}: {detail['detail'][:300]}"
        duty.alarm(work, letter.agency, Matter.ALARM, f"letter:{number}", told)
        _drop(work, letter, by=None, reason=f"it could not be delivered: {detail['detail']}")
    else:
        wait = timedelta(minutes=min(2 ** min(task.attempts, 6), 60))
        work.queue.postpone([task], due_at=work.now + wait, trouble=detail["detail"] or "not delivered")
        return
    work.queue.done([task])


def received(work: Work, person: Person, number: LetterId, *, at: datetime, how: str) -> Letter:
    """Note by what it is proved that a letter arrived: a mail server's word is none.

    Raises:
        NotEntitled: The person may not draw up letters of that agency.
        Invalid: No proof is named, or the instant lies before it left or in the future.
        IllegalStep: It has not left.
    """
    letter = one(work, number, lock=True)
    person.require(Verb.DRAW_LETTER, within=letter.agency)
    if len(how.strip()) < 3:
        raise Invalid("say by what it is proved that it arrived", hint='Such as --how "their mail of 10:20".')
    if letter.sent_at is None or not letter.sent_at <= at <= work.now:
        raise Invalid("a letter arrives between its sending and now")
    return note_receipt(work, letter, at=at, how=how)


def note_receipt(work: Work, letter: Letter, *, at: datetime, how: str) -> Letter:
    """Write that a letter arrived, and start what follows from it."""
    from staydown.flow import life

    work.letters.step(letter, step(LETTER, letter.state, LetterEvent.RECEIVE), received_at=at)
    work.ledger.append(
        "letter:receipt:noted", f"letter:{letter.id}", {"at": at.isoformat(), "how": clean(how)[:500]}
    )
    noted = one(work, letter.id)
    life.letter_received(work, noted, at)
    return noted


def values_of(letter: Letter) -> dict[str, object]:
    """The fields of a letter."""
    found: dict[str, object] = json.loads(letter.values)
    return found
