"""draw: one instrument is drawn up for items of one provider, with every rendition that will leave."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from staydown.core.errors import Invalid, NotFound, Refused
from staydown.core.ids import ItemId, OperationId, RequestId
from staydown.core.order import Office, Order, Paper, PaperName, Task, papers_digest
from staydown.core.people import Person
from staydown.core.request import Line, Request, line_digest
from staydown.core.rights import Verb
from staydown.core.states import ItemEvent, ItemState, OrderState, RequestState
from staydown.core.time import iso
from staydown.flow import footing, letterhead, letters, operate, propose
from staydown.flow.footing import NOTHING, Said
from staydown.flow.prefill import Known, merged
from staydown.law.matter import (
    ABUSE_REPORT,
    LADDER,
    ORDERS,
    REFERRAL,
    SECRET_AT_MOST,
    TCO_ORDER,
    Finding,
    Matter,
)
from staydown.ports.tools import Tools
from staydown.ports.work import NewRequest, Work
from staydown.reason.formcheck import Checked, check
from staydown.reason.formfile import Form
from staydown.reason.rooms import ContactPoint, Room

AT_MOST = 100
"""How many items one instrument may name: an order is read, signed and executed as a whole."""
AT_ONCE = frozenset({"competence", "contact-point", "copy", "language", "secret"})
"""Rules without which there is nothing to draw: no power, nobody to send it to, or no words for it."""
DRAWABLE = tuple(name for name in LADDER if name != REFERRAL)
"""Instruments that stand on a form and have rules of footing; referrals go in batches."""
SILENCE = "non-disclosure"
"""The decision that nobody tells the content provider; it travels with its order (Art. 3(4)(g))."""
FARTHEST = timedelta(days=30)
"""How far ahead an instant of issuing may lie."""
ESCALATES = frozenset({ItemState.REFERRED})
"""Beside assessed ones: items for which a lesser request is out, or ended in silence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """An instrument that was drawn up, and what still stands in its way."""

    request: Request
    findings: tuple[Finding, ...]
    checked: Checked


def form_of(tools: Tools, instrument: str) -> Form:
    """The form of an instrument.

    Raises:
        NotFound: There is no such form, or none with rules of footing.
    """
    found = getattr(tools.instruments.get(instrument), "form", None)
    if not isinstance(found, Form) or instrument not in DRAWABLE:
        is_letter = isinstance(found, Form)
        raise NotFound(
            f"{instrument[:60]!r} is not drawn up for items",
            hint=f"Those are: {', '.join(DRAWABLE)}."
            + (
                " Referrals go by `staydown propose`, letters by `staydown letter draw`." if is_letter else ""
            ),
        )
    return found


def draw(
    tools: Tools,
    work: Work,
    person: Person,
    ids: Sequence[ItemId],
    *,
    instrument: str,
    said: Said = NOTHING,
    given: Mapping[str, object] | None = None,
    representative: str = "",
    file: str = "",
    operation: OperationId | None = None,
    issue_at: datetime | None = None,
) -> Drawn:
    """Draw up an instrument for a second person to approve, and for a third to sign where it binds.

    Args:
        ids: Items of one provider; all of them stand or fall together.
        said: What the rules of footing ask a person.
        given: Fields of the form that do not follow from the record.
        representative: Name, post and grade of whoever certifies an order.
        file: The file number at the agency; without one the reference stands for it.
        issue_at: The instant of issuing, fixed now; None: now, or when the twelve hours are over.

    Raises:
        NotEntitled: The person is no analyst.
        NotFound: No such form or item, or no operation in which the agency takes part.
        Invalid: No items, too many, or of several providers; a field that follows from the record; an instant gone by.
        Refused: An item may not be asked for, or there is no contact point or language for it.
    """
    person.require(Verb.PROPOSE)
    form = form_of(tools, instrument)
    if operation is not None:
        operate.joint(work, person, operation)
    if not 1 <= len(set(ids)) <= AT_MOST:
        raise Invalid(f"an instrument names 1 to {AT_MOST} items, not {len(set(ids))}")
    ids = list(dict.fromkeys(ids))
    if instrument == ABUSE_REPORT and len(ids) > 1:
        raise Refused(
            f"an abuse report is about one incident, not {len(ids)}: its receiver files each under its own number",
            hint="Draw up one report for each item.",
        )
    _require_sane(work, said, issue_at)
    work.items.lock(ids)
    office = footing.office_of(work, person)
    room = _one_room(tools, work, ids)
    grounds = _fit(work, person, ids, instrument)
    issued_at = _issued_at(work, person, room, office.agency, instrument, issue_at)
    facts = footing.matters(tools, work, person, ids, said, at=issued_at)
    found = footing.all_findings(instrument, facts)
    footing.require([one for one in found if one.rule in AT_ONCE], what=f"this {instrument}")
    contact = propose.contact_for(tools, work, room, instrument)
    if contact is None:
        raise Refused(
            f"{room.title} has no contact point for {instrument}",
            hint="Look it up and enter it in the provider's room (docs/how-to/add-a-provider.md).",
        )
    if form.binding and not getattr(tools.couriers.get(contact.courier), "carries_files", True):
        raise Refused(
            f"{room.title} takes this by {contact.courier}, which carries no signed file",
            hint="An order goes to a contact point that takes mail or has an interface (Art. 3(5)).",
        )
    language = _language(form, facts[ids[0]], room)
    number = work.requests.reserve(1)[0]
    known = _known(
        work, number, office=office, room=room, contact=contact, ids=ids, grounds=grounds, said=said,
        issued_at=issued_at, language=language, representative=representative, file=file,
    )  # fmt: skip
    values = merged(instrument, known, given or {})
    papers = render(tools, form.name, values, language=language, exercise=work.exercise)
    request = _request(work, person, number, known, form, papers, operation=operation)
    _store(work, person, request, known, ids, papers, said, facts[ids[0]])
    if instrument == TCO_ORDER:
        _beside(tools, work, person, request, known)
    return Drawn(request=request, findings=found, checked=check(form, values))


def _require_sane(work: Work, said: Said, issue_at: datetime | None) -> None:
    """Whether what a person said can be written down at all.

    Raises:
        Invalid: Half a character, silence without one of its ends or decided in the future, an instant too far away.
    """
    for name in ("emergency", "whole", "again", "reasons", "basis", "scope", "secret_reasons"):
        if any("\ud800" <= sign <= "\udfff" for sign in str(getattr(said, name))):
            raise Invalid(f"{name} holds half a character", hint="Write it as UTF-8 text.")
    if (said.secret_from is None) != (said.secret_until is None):
        raise Invalid(
            "silence has a beginning, its decision, and an end", hint="Give secret_from and secret_until."
        )
    if said.secret_from is not None and said.secret_until is not None:
        if said.secret_from > work.now:
            raise Invalid("silence is decided before the order that carries it, not in the future")
        if said.secret_until <= work.now or said.secret_from < work.now - SECRET_AT_MOST:
            raise Invalid("silence is over already (Regulation (EU) 2021/784, Art. 11(3))")
    if issue_at is not None and issue_at > work.now + FARTHEST:
        raise Invalid(f"{issue_at.isoformat()} is too far away", hint="An approval holds for a day.")


def _fit(work: Work, person: Person, ids: Sequence[ItemId], instrument: str) -> dict[ItemId, str]:
    """The ground of each item.

    Raises:
        Refused: One of them may not be asked for; the hold of another reads "wait".
    """
    grounds, left_out = propose.fit(work, person, ids, also=ESCALATES)
    joined = work.requests.open_items(list(grounds), instrument)
    left_out = {**left_out, **dict.fromkeys(joined, "stands in an open request of this instrument already")}
    if left_out:
        names = {one.id: one.key for one in work.items.get(list(left_out))}
        told = "; ".join(f"{names[item]}: {why}" for item, why in sorted(left_out.items()))
        raise Refused(f"it names items that may not be asked for: {told[:2000]}")
    return {item: ground.value for item, ground in grounds.items()}


def _one_room(tools: Tools, work: Work, ids: Sequence[ItemId]) -> Room:
    brief = work.items.brief(ids)
    if missing := [item for item in ids if item not in brief]:
        raise NotFound(f"there is no item {missing[0]}")
    places = {
        (provider, propose.site_of(tools.catalogue.room(provider), address))
        for provider, address, *_ in brief.values()
    }
    if len(places) > 1:
        names = ", ".join(sorted(f"{provider} {site}".strip() for provider, site in places))
        raise Invalid(f"one instrument goes to one provider, and these items are of {names}")
    return tools.catalogue.room(next(iter(places))[0])


def _issued_at(
    work: Work, person: Person, room: Room, agency: str, instrument: str, asked: datetime | None
) -> datetime:
    """The instant of issuing: fixed before anybody approves it (docs/decisions/0023)."""
    if asked is not None and asked < work.now:
        raise Invalid(f"{iso(asked)} is gone by; an instrument cannot be issued in the past")
    if asked is not None or instrument not in ORDERS:
        return asked or work.now
    over = footing.waits_until(work, person, room.name, footing.office_of(work, person))
    return max(work.now, over) if over is not None else work.now


def _language(form: Form, matter: Matter, room: Room) -> str:
    """The first language that the provider accepts and the form exists in, where nobody asked for one."""
    if matter.language in room.languages and matter.language in form.languages:
        return matter.language
    both = [one for one in room.languages if one in form.languages]
    if not both:
        raise Refused(
            f"{room.title} accepts {', '.join(room.languages)}; the form exists in {', '.join(form.languages)}",
            hint="A language can be added as data: docs/reference/forms.md.",
        )
    return both[0]


def _known(
    work: Work, number: RequestId, *, room: Room, contact: ContactPoint, ids: Sequence[ItemId],
    grounds: Mapping[ItemId, str], said: Said, issued_at: datetime, language: str, representative: str, file: str,
    office: Office,
) -> Known:  # fmt: skip
    brief = work.items.brief(ids)
    home = Matter(establishment=room.establishment, representative=room.representative).home
    kept = [one.capture for item in ids for one in work.kept.of(item)]
    site = propose.site_of(room, brief[ids[0]][1])
    return Known(
        reference=propose.reference_of(work, number),
        office=office,
        room=room,
        contact=contact,
        addressee=f"{room.title} {site}".strip(),
        addresses=[brief[item][1] for item in ids],
        grounds=sorted(set(grounds.values())),
        hashes=[(one.sha256, one.media_type) for one in kept],
        kept_at=max((one.at for one in kept), default=None),
        said=said,
        issued_at=issued_at,
        language=language,
        authority=work.offices.authority(office.agency, home, Task.SCRUTINISE)
        if home and home != office.state
        else None,
        representative=representative,
        file=file,
    )


def render(
    tools: Tools,
    form: str,
    values: Mapping[str, object],
    *,
    language: str,
    exercise: bool,
    draft: bool = False,
) -> tuple[Paper, ...]:
    """Every rendition of a form."""
    sheet = tools.paper.render(form, values, language=language, draft=draft, exercise=exercise)
    return (
        Paper(name=PaperName.PDF, media_type="application/pdf", body=sheet.pdf),
        Paper(name=PaperName.JSON, media_type="application/json", body=sheet.json),
        Paper(name=PaperName.TEXT, media_type="text/plain; charset=utf-8", body=sheet.text.encode()),
    )


def _request(
    work: Work, person: Person, number: RequestId, known: Known, form: Form, papers: Sequence[Paper], *,
    operation: OperationId | None,
) -> Request:  # fmt: skip
    text = next(one for one in papers if one.name is PaperName.TEXT).body.decode()
    title = form.words(known.language).title
    mark = "[EXERCISE] " if work.exercise else ""
    return Request(
        id=number,
        reference=known.reference,
        provider=known.room.name,
        instrument=form.name,
        agency=person.agency,
        operation=operation,
        state=RequestState.PROPOSED,
        version=1,
        proposed_by=person.id,
        proposed_at=work.now,
        addressee=known.addressee,
        contact_point=known.contact.address,
        courier=known.contact.courier,
        cover=text,
        cover_digest=hashlib.sha256(text.encode()).hexdigest(),
        language=known.language,
        issued_at=known.issued_at,
        subject=f"{mark}{title} {known.reference}"[:300],
        binding=form.name in ORDERS,
        papers_digest=papers_digest(papers),
    )


def _store(
    work: Work, person: Person, request: Request, known: Known, ids: Sequence[ItemId], papers: Sequence[Paper],
    said: Said, matter: Matter,
) -> None:  # fmt: skip
    lines = tuple(
        Line(item=item, number=at, address=address, digest=line_digest(at, address, request.instrument))
        for at, (item, address) in enumerate(zip(ids, known.addresses, strict=True), 1)
    )
    work.requests.add([NewRequest(request=request, subject=request.subject, lines=lines)])
    work.papers.add(request.id, papers)
    work.items.step(ids, ItemEvent.PROPOSE)
    if request.binding:
        work.orders.add(
            Order(
                request=request.id,
                state=OrderState.DRAWN,
                version=1,
                issuing_state=known.office.state,
                establishment_state=matter.home,
                facts=said_as_facts(said),
                secret_from=said.secret_from,
                secret_until=said.secret_until,
            )
        )
    detail = {
        "agency": request.agency,
        "binding": request.binding,
        "by": person.id,
        "contact_point": request.contact_point,
        "form": request.instrument,
        "issued_at": iso(known.issued_at),
        "lines": [[line.number, line.item, line.digest] for line in lines],
        "papers": {one.name.value: one.sha256 for one in papers},
        "provider": request.provider,
        "reference": request.reference,
    }
    work.ledger.append("request:proposal:made", f"request:{request.id}", detail)


def _beside(tools: Tools, work: Work, person: Person, request: Request, known: Known) -> None:
    """What leaves in the same act: the copy for the authority of establishment, and a decision on silence.

    Source: Regulation (EU) 2021/784, Art. 3(4)(g), 4(1) and 11(3).
    """
    said, office = known.said, known.office
    if known.authority is not None:
        found = letterhead.complete(tools, work, letters.COPY, office, {}, request=request)
        letters.draw(
            tools, work, person, letters.COPY, found.to, found.values, request=request, leaves=letters.PAPERS
        )
    if said.secret_until is not None:
        given = {
            "representative": known.representative,
            "decided_at": iso(said.secret_from or work.now),
            "expires_at": iso(said.secret_until),
            "reasons": said.secret_reasons,
        }
        found = letterhead.complete(tools, work, SILENCE, office, given, request=request)
        letters.draw(
            tools, work, person, SILENCE, found.to, found.values, request=request, leaves=letters.BESIDE
        )


def said_as_facts(said: Said) -> dict[str, object]:
    """What a person said of its footing, to be kept and asked again before it is signed."""
    return {
        "reach": said.reach.value,
        "layer": said.layer.value if said.layer else None,
        "serves_union": said.serves_union,
        "threat_to_life": said.threat_to_life,
        "emergency": said.emergency,
        "whole": said.whole,
        "again": said.again,
        "reasons": said.reasons,
        "basis": said.basis,
        "scope": said.scope,
        "good_faith": said.good_faith,
    }
