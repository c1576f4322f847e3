"""Persons and agencies, invitations, tokens, and roles that are lent."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter
from fastapi.responses import Response

from staydown.api.desk import IfMatch, Once, TheApp, act, answer, require_match
from staydown.api.gate import Caller, needs
from staydown.api.problems import Unfit
from staydown.api.routes.session import fresh
from staydown.core.doors import Token
from staydown.core.errors import NotEntitled, NotFound
from staydown.core.ids import DelegationId, PersonId, TokenId
from staydown.core.people import Person
from staydown.core.rights import RIGHTS, Relation, Verb
from staydown.flow import admit
from staydown.wire.base import AskedNumber
from staydown.wire.people import (
    Agencies,
    AgencyGiven,
    AgencyTold,
    DelegationGiven,
    Delegations,
    DelegationTold,
    Ended,
    InvitationTold,
    Me,
    Nothing,
    PersonChanged,
    PersonGiven,
    PersonName,
    Persons,
    PersonTold,
    TokenGiven,
    TokenMade,
    Tokens,
    TokenTold,
)

if TYPE_CHECKING:
    from staydown.ports.work import Work

router = APIRouter(tags=["people"])
Lends = Annotated[Caller, needs(Verb.DELEGATE)]
Administers = Annotated[Caller, needs(Verb.CHANGE_PERSON)]


@router.get("/v1/me", name="me")
def me(app: TheApp, caller: Annotated[Caller, needs(Verb.SEE_SELF)]) -> Me:
    """Who asks, and what opens to them."""
    person, scope = caller.person, caller.scope
    verbs = [v for v in Verb if any(person.may(v, r) for r in RIGHTS[v]) and (scope is None or v in scope)]
    window = timedelta(seconds=app.settings.fresh_s)
    return Me(
        person=person.id,
        agency=person.agency,
        roles=sorted(person.roles),
        lent=sorted(person.lent),
        verbs=verbs,
        strength=caller.strength,
        fresh_until=caller.proved_at + window if caller.proved_at else None,
    )


# --- agencies and persons -------------------------------------------------------------------------------


@router.get("/v1/agencies", name="agencies")
def agencies(app: TheApp, caller: Annotated[Caller, needs(Verb.SEE_AGENCIES)]) -> Agencies:
    """All agencies that work on the shared record."""
    with app.store.begin(write=False, of=caller.person.agency) as work:
        return Agencies(rows=[AgencyTold.model_validate(one) for one in work.people.agencies()])


@router.get("/v1/agencies/{code}", name="agency", response_model=AgencyTold)
def agency(app: TheApp, caller: Annotated[Caller, needs(Verb.SEE_AGENCIES)], code: str) -> Response:
    """One agency, with the ETag that a change of its name needs."""
    with app.store.begin(write=False, of=caller.person.agency) as work:
        told = _agency(work, code)
    return answer(told, headers={"ETag": _etag(told.code, told.name)})


@router.patch("/v1/agencies/{code}", name="name_agency", response_model=AgencyTold)
def name_agency(
    app: TheApp,
    caller: Annotated[Caller, needs(Verb.NAME_AGENCY)],
    code: str,
    body: AgencyGiven,
    if_match: IfMatch = None,
) -> Response:
    """Give the own agency its name in words."""
    with app.store.begin(of=caller.person.agency) as work:
        before = _agency(work, code)
        if code != caller.person.agency:
            raise NotEntitled("another agency's name is not yours to change")
        require_match(if_match, _etag(before.code, before.name))
        admit.name_agency(work, caller.person, body.name)
    told = AgencyTold(code=code, name=body.name)
    return answer(told, headers={"ETag": _etag(told.code, told.name)})


def _agency(work: Work, code: str) -> AgencyTold:
    found = next((one for one in work.people.agencies() if one.code == code), None)
    if found is None:
        raise NotFound("there is no such agency", hint="See GET /v1/agencies.")
    return AgencyTold.model_validate(found)


@router.get("/v1/persons", name="persons")
def persons(app: TheApp, caller: Annotated[Caller, needs(Verb.SEE_PEOPLE)]) -> Persons:
    """Everybody of the own agency."""
    with app.store.begin(write=False, of=caller.person.agency) as work:
        return Persons(rows=[_told(one) for one in work.people.all(agency=caller.person.agency)])


@router.get("/v1/persons/{person}", name="person", response_model=PersonTold)
def person(app: TheApp, caller: Annotated[Caller, needs(Verb.SEE_PEOPLE)], person: PersonName) -> Response:
    """One person of the own agency, with the ETag that a change needs."""
    with app.store.begin(write=False, of=caller.person.agency) as work:
        found = admit.own(work, caller.person, PersonId(person))
        tag = _person_tag(work, found)
    return answer(_told(found), headers={"ETag": tag})


@router.post("/v1/persons", name="add_person", status_code=201, response_model=PersonTold)
def add_person(
    app: TheApp, caller: Annotated[Caller, needs(Verb.ADD_PERSON)], asked: Once, body: PersonGiven
) -> Response:
    """Add a person to the own agency; an invitation lets them in."""
    fresh(app, caller)
    return act(
        app,
        caller,
        asked,
        lambda work: _told(
            admit.add(work, caller.person, PersonId(body.person), frozenset(body.roles), mail=body.mail)
        ),
    )


@router.patch("/v1/persons/{person}", name="change_person", response_model=PersonTold)
def change_person(
    app: TheApp, caller: Administers, person: PersonName, body: PersonChanged, if_match: IfMatch = None
) -> Response:
    """Change roles, address or the day of leaving; it holds from the person's next call on."""
    if not body.model_fields_set:
        raise Unfit("nothing is to be changed", hint="Send roles, mail or leaves_at.")
    fresh(app, caller)
    with app.store.begin(of=caller.person.agency) as work:
        require_match(if_match, _person_tag(work, admit.own(work, caller.person, PersonId(person))))
        changed = admit.change(
            work,
            caller.person,
            PersonId(person),
            roles=frozenset(body.roles) if body.roles is not None else None,
            mail=body.mail,
            leaves_at=body.leaves_at,
        )
        tag = _person_tag(work, changed)
    return answer(_told(changed), headers={"ETag": tag})


@router.post(
    "/v1/persons/{person}/invitations", name="invite", status_code=201, response_model=InvitationTold
)
def invite(
    app: TheApp,
    caller: Annotated[Caller, needs(Verb.INVITE)],
    asked: Once,
    person: PersonName,
    body: Nothing,
) -> Response:
    """Invite a person of the own agency to say by what they sign in; used, it ends whatever opened the account before."""
    fresh(app, caller)

    def do(work: Work) -> InvitationTold:
        made = admit.invite(work, caller.person, PersonId(person))
        address = f"{app.settings.address.rstrip('/')}/enrol#{made.word}"
        return InvitationTold(person=made.person, address=address, expires_at=made.expires_at)

    return act(app, caller, asked, do, keep=lambda told: told.model_copy(update={"address": None}))


def _told(one: Person) -> PersonTold:
    return PersonTold(
        person=one.id,
        agency=one.agency,
        roles=sorted(one.roles),
        lent=sorted(one.lent),
        has_left=not one.roles,
    )


def _person_tag(work: Work, one: Person) -> str:
    own = one.roles - one.lent.keys()
    return _etag(one.id, " ".join(sorted(own)), work.people.mail([one.id]).get(one.id, ""))


def _etag(*parts: str) -> str:
    return f'"{hashlib.sha256(chr(0).join(parts).encode()).hexdigest()[:32]}"'


# --- tokens ---------------------------------------------------------------------------------------------


@router.get("/v1/tokens", name="tokens")
def tokens(app: TheApp, caller: Annotated[Caller, needs(Verb.SEE_SELF)]) -> Tokens:
    """The own tokens that are open, without their words; to an administrator, all of the own agency."""
    with app.store.begin(write=False, of=caller.person.agency) as work:
        whose = [caller.person.id]
        if caller.person.may(Verb.END_TOKEN, Relation.OWN):
            whose = [one.id for one in work.people.all(agency=caller.person.agency)]
        rows = [_token(one) for who in whose for one in work.doors.tokens(who)]
    return Tokens(rows=rows)


@router.post("/v1/tokens", name="make_token", status_code=201, response_model=TokenMade)
def make_token(
    app: TheApp, caller: Annotated[Caller, needs(Verb.MAKE_TOKEN)], asked: Once, body: TokenGiven
) -> Response:
    """Let a program act for oneself; the word is told this once."""
    fresh(app, caller)

    def do(work: Work) -> TokenMade:
        number, word = admit.make_token(
            work, caller.person, label=body.label, scope=frozenset(body.scope), days=body.days
        )
        made = work.doors.token_of(number)
        assert made is not None  # made in this transaction
        return TokenMade(**_token(made).model_dump(), word=word)

    return act(app, caller, asked, do, keep=lambda told: told.model_copy(update={"word": None}))


@router.delete("/v1/tokens/{token}", name="end_token")
def end_token(app: TheApp, caller: Annotated[Caller, needs(Verb.END_TOKEN)], token: AskedNumber) -> Ended:
    """End a token, at once."""
    with app.store.begin(of=caller.person.agency) as work:
        admit.end_token(work, caller.person, TokenId(token))
    return Ended(ended=1)


def _token(one: Token) -> TokenTold:
    return TokenTold(
        id=one.id,
        person=one.person,
        label=one.label,
        scope=sorted(one.scope),
        created_at=one.created_at,
        expires_at=one.expires_at,
        used_at=one.used_at,
    )


# --- roles that are lent --------------------------------------------------------------------------------


@router.get("/v1/delegations", name="delegations")
def delegations(app: TheApp, caller: Annotated[Caller, needs(Verb.SEE_DELEGATIONS)]) -> Delegations:
    """All roles that were ever lent at the own agency."""
    with app.store.begin(write=False, of=caller.person.agency) as work:
        found = work.people.lent(caller.person.agency)
    return Delegations(rows=[DelegationTold.model_validate(one) for one in found])


@router.post("/v1/delegations", name="lend", status_code=201, response_model=DelegationTold)
def lend(app: TheApp, caller: Lends, asked: Once, body: DelegationGiven) -> Response:
    """Lend an own role to a colleague, for at most thirty days."""
    fresh(app, caller)

    def do(work: Work) -> DelegationTold:
        number = admit.lend(
            work, caller.person, PersonId(body.borrower), body.role, until=body.until, reason=body.reason
        )
        made = next(one for one in work.people.lent(caller.person.agency) if one.id == number)
        return DelegationTold.model_validate(made)

    return act(app, caller, asked, do)


@router.delete("/v1/delegations/{delegation}", name="take_back")
def take_back(app: TheApp, caller: Lends, delegation: AskedNumber) -> Ended:
    """Take a lent role back; it ends at once."""
    with app.store.begin(of=caller.person.agency) as work:
        admit.take_back(work, caller.person, DelegationId(delegation))
    return Ended(ended=1)
