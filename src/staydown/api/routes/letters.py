"""Letters beside requests, what stands on an agency's forms, and the authorities of states."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path
from fastapi.responses import Response

from staydown.api.desk import Once, TheApp, act, noted, subjects
from staydown.api.gate import Caller, needs
from staydown.core.errors import NotFound
from staydown.core.ids import RequestId, agency_code
from staydown.core.order import Authority, Letter
from staydown.core.rights import Relation, Verb
from staydown.flow import footing, letterhead, letters
from staydown.flow import office as offices
from staydown.flow.consider import DRAFT
from staydown.store.engine import SqlWork
from staydown.wire import orders as wire
from staydown.wire.base import AskedNumber, Name
from staydown.wire.cases import Reasoned

router = APIRouter(tags=["letters"])
Reference = Annotated[Name, Path(description="As its addressee is told it.")]
AT_MOST = 1000
"""Letters in one list."""
Approves = Annotated[Caller, needs(Verb.APPROVE_LETTER)]


def _own(work: SqlWork, caller: Caller, reference: str) -> Letter:
    """A letter of the own agency; what is others' is not there."""
    found = letters.one(work, work.letters.by_reference(reference))
    if found.agency != caller.person.agency:
        raise NotFound(f"there is no letter {reference!r}", hint="See GET /v1/letters.")
    return found


def _told(work: SqlWork, one: Letter) -> wire.Letter:
    about = work.requests.one(one.request).reference if one.request is not None else None
    return _as_told(one, about)


def _as_told(one: Letter, about: str | None) -> wire.Letter:
    names = [name for name in wire.Letter.model_fields if name not in {"about", "text"}]
    text = one.text if one.sent_at is not None else DRAFT + one.text
    return wire.Letter(about=about, text=text, **{name: getattr(one, name) for name in names})


@router.get("/v1/letters")
def list_letters(
    app: TheApp, caller: Annotated[Caller, needs(Verb.SEE_REQUESTS, Relation.OWN)], about: Name | None = None
) -> wire.Letters:
    """Letters of the own agency, oldest first; at most the last thousand, each without its text."""
    with app.store.begin(of=caller.person.agency) as work:
        request = work.requests.by_reference(about) if about else None
        found = work.letters.newest(caller.person.agency, request=request, at_most=AT_MOST)
        noted(work, caller, Verb.SEE_REQUESTS, subjects("letter", [one.id for one in found]))
        orders = {one.request for one in found if one.request is not None}
        about_of: dict[RequestId | None, str] = {
            one.id: one.reference for one in work.requests.get(list(orders))
        }
        return wire.Letters(rows=[_as_told(one, about_of.get(one.request)) for one in found])


@router.post("/v1/letters", status_code=201, response_model=wire.Letter)
def draw_letter(
    app: TheApp, caller: Annotated[Caller, needs(Verb.DRAW_LETTER)], asked: Once, given: wire.NewLetter
) -> Response:
    """Draw up a letter, for a second person to approve and, where it decides something, a third to sign."""

    def do(work: SqlWork) -> wire.Letter:
        person = caller.person
        request = work.requests.one(work.requests.by_reference(given.about)) if given.about else None
        if request is not None and request.agency != person.agency:
            raise NotFound(f"there is no request {given.about!r}", hint="See GET /v1/requests.")
        head = letterhead.complete(
            app.tools,
            work,
            given.form,
            footing.office_of(work, person),
            given.values,
            request=request,
            provider=given.to or "",
            state=given.state or "",
        )
        made = letters.draw(app.tools, work, person, given.form, head.to, head.values, request=request)
        return _told(work, made)

    return act(app, caller, asked, do)


@router.get("/v1/letters/{letter}")
def show_letter(
    app: TheApp, caller: Annotated[Caller, needs(Verb.SEE_REQUESTS, Relation.OWN)], letter: Reference
) -> wire.Letter:
    """One letter; `digest` is what consent and signature bind."""
    with app.store.begin(of=caller.person.agency) as work:
        found = _own(work, caller, letter)
        noted(work, caller, Verb.SEE_REQUESTS, [f"letter:{found.id}"])
        return _told(work, found)


@router.post("/v1/letters/{letter}/approvals", status_code=201, response_model=wire.Letter)
def approve_letter(
    app: TheApp, caller: Approves, asked: Once, letter: Reference, given: wire.NewLetterConsent
) -> Response:
    """Give the second consent to a letter as it was read."""

    def do(work: SqlWork) -> wire.Letter:
        found = _own(work, caller, letter)
        return _told(work, letters.approve(work, caller.person, found.id, seen=given.digest))

    return act(app, caller, asked, do)


@router.post("/v1/letters/{letter}/signatures", status_code=201, response_model=wire.Letter)
def sign_letter(
    app: TheApp,
    caller: Annotated[Caller, needs(Verb.SIGN)],
    asked: Once,
    letter: Reference,
    given: wire.NewLetterConsent,
) -> Response:
    """Sign a letter that decides something, as the third person."""

    def do(work: SqlWork) -> wire.Letter:
        found = _own(work, caller, letter)
        return _told(work, letters.sign(work, caller.person, found.id, seen=given.digest))

    return act(app, caller, asked, do)


@router.post("/v1/letters/{letter}/dropping", response_model=wire.Letter)
def drop_letter(app: TheApp, caller: Approves, asked: Once, letter: Reference, given: Reasoned) -> Response:
    """Say that a letter will not be sent."""

    def do(work: SqlWork) -> wire.Letter:
        found = _own(work, caller, letter)
        letters.drop(work, caller.person, found.id, reason=given.reason)
        return _told(work, letters.one(work, found.id))

    return act(app, caller, asked, do, status=200)


@router.post("/v1/letters/{letter}/receipts", status_code=201, response_model=wire.Letter)
def note_letter_receipt(
    app: TheApp,
    caller: Annotated[Caller, needs(Verb.DRAW_LETTER)],
    asked: Once,
    letter: Reference,
    given: wire.NewReceipt,
) -> Response:
    """Note by what it is proved that a letter arrived; after first-contact information the twelve hours run from it."""

    def do(work: SqlWork) -> wire.Letter:
        found = _own(work, caller, letter)
        return _told(work, letters.received(work, caller.person, found.id, at=given.at, how=given.how))

    return act(app, caller, asked, do)


@router.get("/v1/agencies/{code}/office")
def show_office(app: TheApp, caller: Annotated[Caller, needs(Verb.SEE_AGENCIES)], code: Name) -> wire.Office:
    """What stands on an agency's forms."""
    with app.store.begin(write=False, of=caller.person.agency) as work:
        found = work.offices.get(agency_code(code))
    if found is None:
        raise NotFound(f"{code[:40]!r} has set no office", hint="See GET /v1/agencies.")
    return wire.Office.model_validate(found)


@router.put("/v1/office", response_model=wire.Office)
def set_office(
    app: TheApp, caller: Annotated[Caller, needs(Verb.SET_OFFICE)], asked: Once, given: wire.NewOffice
) -> Response:
    """Set what stands on the own agency's forms, and what it may do."""

    def do(work: SqlWork) -> wire.Office:
        found = offices.read_office(
            caller.person.agency,
            given.model_dump() | {"competences": [one.value for one in given.competences]},
        )
        offices.set_office(work, caller.person, found)
        return wire.Office.model_validate(found)

    return act(app, caller, asked, do, status=200)


def _listed(one: Authority) -> wire.Authority:
    """Who named and who confirmed it is nobody else's business."""
    return wire.Authority(
        id=one.id,
        state=one.state,
        task=one.task,
        name=one.name,
        contact_point=one.contact_point,
        confirmed=one.confirmed_by is not None,
    )


@router.get("/v1/authorities")
def list_authorities(app: TheApp, caller: Annotated[Caller, needs(Verb.SEE_AGENCIES)]) -> wire.Authorities:
    """The competent authorities of states that are known, and those that wait for a second person."""
    with app.store.begin(write=False, of=caller.person.agency) as work:
        found = work.offices.authorities(caller.person.agency)
    return wire.Authorities(rows=[_listed(one) for one in found])


@router.post("/v1/authorities", status_code=201, response_model=wire.Authority)
def propose_authority(
    app: TheApp, caller: Annotated[Caller, needs(Verb.SET_AUTHORITY)], asked: Once, given: wire.NewAuthority
) -> Response:
    """Name the competent authority of a state and its address; it is used once a second person confirms it."""

    def do(work: SqlWork) -> wire.Authority:
        number = offices.propose_authority(
            app.tools,
            work,
            caller.person,
            state=given.state,
            task=given.task.value,
            name=given.name,
            contact_point=given.contact_point,
            courier=given.courier,
            language=given.language,
        )
        found = next(one for one in work.offices.authorities(caller.person.agency) if one.id == number)
        return _listed(found)

    return act(app, caller, asked, do)


@router.post("/v1/authorities/{authority}/confirmation", response_model=wire.Confirmed)
def confirm_authority(
    app: TheApp,
    caller: Annotated[Caller, needs(Verb.SET_AUTHORITY)],
    asked: Once,
    authority: Annotated[AskedNumber, Path(description="As the list shows it.")],
) -> Response:
    """Confirm an authority's address, as a second person; the one that stood before ends."""

    def do(work: SqlWork) -> wire.Confirmed:
        offices.confirm_authority(work, caller.person, authority)
        return wire.Confirmed(authority=authority, confirmed=True)

    return act(app, caller, asked, do, status=200)
