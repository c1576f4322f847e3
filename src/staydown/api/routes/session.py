"""Signing in, proving it anew, signing out; and what one signs in by."""

from __future__ import annotations

from datetime import timedelta
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Annotated

from fastapi import APIRouter, Request
from fastapi.responses import Response

from staydown.api.desk import TheApp, answer
from staydown.api.gate import COOKIE, Caller, is_own_page, needs, open_to_all
from staydown.api.means import TheMeans
from staydown.app import App
from staydown.core.errors import Invalid, NotEntitled, NotSignedIn, ProofNeeded
from staydown.core.house import CredentialKind
from staydown.core.ids import CredentialId, SessionId
from staydown.core.rights import Verb
from staydown.flow import enrol, sign_in
from staydown.flow.sign_in import Inside
from staydown.wire.base import AskedNumber
from staydown.wire.people import (
    Challenged,
    Credentials,
    CredentialTold,
    Ended,
    EnrolCode,
    Enrolled,
    EnrolPasskey,
    EnrolPassword,
    InvitationGiven,
    Invited,
    Keep,
    Nothing,
    PasskeyAdded,
    PasskeyGiven,
    PasswordGiven,
    ProofGiven,
    Proved,
    SeedTold,
    Sessions,
    SessionTold,
    SignedIn,
)

router = APIRouter(tags=["sign-in"])
NOBODY_YET = "nobody is signed in yet"
INVITED = "the invitation's word is what opens it"
Self = Annotated[Caller, needs(Verb.SEE_SELF)]
Changes = Annotated[Caller, needs(Verb.CHANGE_SELF)]


def place_of(request: Request) -> str:
    """From where somebody asks: an IPv4 address, or the /64 of an IPv6 one, all of which one subscriber has."""
    host = request.client.host if request.client else "nowhere"
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return host
    if isinstance(address, IPv6Address) and address.ipv4_mapped is None:
        return str(ip_network((address, 64), strict=False))
    return str(getattr(address, "ipv4_mapped", None) or address)


def kept(request: Request, app: App, inside: Inside, keep: Keep) -> Response:
    """The answer to a sign-in, its word in the body or in a cookie.

    Raises:
        NotSignedIn: A page of another site asks for the cookie.
    """
    in_cookie = keep == "cookie"
    if in_cookie and not is_own_page(request, app.settings):
        raise NotSignedIn("only the service's own pages get a cookie")
    told = answer(
        SignedIn(
            word=None if in_cookie else inside.word,
            person=inside.person.id,
            strength=inside.strength,
            expires_at=inside.expires_at,
        ),
        status=201,
        headers={"Cache-Control": "no-store"},
    )
    if in_cookie:
        set_cookie(told, inside.word, app.settings.session_s)
    return told


def set_cookie(response: Response, word: str, seconds: int) -> None:
    """Let a browser keep a session's word, out of reach of scripts and other sites; no seconds: let it go."""
    response.set_cookie(
        COOKIE, word, max_age=seconds, path="/", secure=True, httponly=True, samesite="strict"
    )


def _agent(request: Request) -> str:
    text = request.headers.get("user-agent", "")
    return "".join(char for char in text[:200] if char.isprintable())


# --- in ---------------------------------------------------------------------------------------------


@router.post("/v1/session/passkey/options", name="ask_for_passkey", dependencies=[open_to_all(NOBODY_YET)])
def ask_for_passkey(request: Request, app: TheApp, means: TheMeans, body: Nothing) -> Challenged:
    """What a browser is asked so that a passkey signs somebody in."""
    sign_in.draw_tries(app.tools, place_of(request))
    begun = sign_in.begin_passkey(app.tools, means)
    return Challenged(ceremony=begun.word, options=dict(begun.options))


@router.post(
    "/v1/session/passkey",
    name="sign_in_by_passkey",
    status_code=201,
    response_model=SignedIn,
    dependencies=[open_to_all(NOBODY_YET)],
)
def sign_in_by_passkey(request: Request, app: TheApp, means: TheMeans, body: PasskeyGiven) -> Response:
    """Sign in with a passkey."""
    sign_in.draw_tries(app.tools, place_of(request))
    inside = sign_in.by_passkey(app.tools, means, body.ceremony, body.credential, agent=_agent(request))
    return kept(request, app, inside, body.keep)


@router.post(
    "/v1/session/password",
    name="sign_in_by_password",
    status_code=201,
    response_model=SignedIn,
    dependencies=[open_to_all(NOBODY_YET)],
)
def sign_in_by_password(request: Request, app: TheApp, means: TheMeans, body: PasswordGiven) -> Response:
    """Sign in with a password and a one-time code: the fallback."""
    sign_in.draw_tries(app.tools, place_of(request), body.person)
    inside = sign_in.by_password(
        app.tools, means, body.person, body.password, body.code, agent=_agent(request)
    )
    return kept(request, app, inside, body.keep)


# --- anew ---------------------------------------------------------------------------------------------


@router.post("/v1/session/proof/options", name="ask_for_proof")
def ask_for_proof(app: TheApp, means: TheMeans, caller: Self, body: Nothing) -> Challenged:
    """What a browser is asked so that a passkey proves anew who is there."""
    _session(caller)
    begun = sign_in.begin_passkey(app.tools, means, of=caller.person.id)
    return Challenged(ceremony=begun.word, options=dict(begun.options))


@router.post("/v1/session/proof", name="prove")
def prove(request: Request, app: TheApp, means: TheMeans, caller: Self, body: ProofGiven) -> Proved:
    """Prove anew who is there, by the means of the sign-in."""
    session, who = _session(caller), caller.person.id
    sign_in.draw_tries(app.tools, place_of(request), who if body.password else "")
    if body.ceremony and body.credential is not None:
        sign_in.prove_by_passkey(app.tools, means, who, session, body.ceremony, body.credential)
    elif body.password and body.code:
        sign_in.prove_by_password(app.tools, means, who, session, body.password, body.code)
    else:
        raise Invalid("neither a passkey's answer nor password and code", hint="Send one of the two.")
    with app.store.begin(write=False) as work:
        until = work.real_now + timedelta(seconds=app.settings.fresh_s)
    return Proved(fresh_until=until)


def _session(caller: Caller) -> SessionId:
    """The session in which somebody asks.

    Raises:
        NotEntitled: It is a program, by a token.
    """
    if caller.session is None:
        raise NotEntitled("a token does not do this", hint="Sign in as a person: POST /v1/session/passkey.")
    return caller.session


def fresh(app: App, caller: Caller) -> SessionId:
    """The session of somebody who has just proved to be there: whoever changes what opens the account.

    Raises:
        NotEntitled: It is a program, by a token.
        ProofNeeded: The proof is old.
    """
    session = _session(caller)
    with app.store.begin(write=False) as work:
        now = work.real_now
    if caller.proved_at is None or now - caller.proved_at >= timedelta(seconds=app.settings.fresh_s):
        raise ProofNeeded("what opens an account changes only after a fresh proof of who is there")
    return session


# --- sessions -----------------------------------------------------------------------------------------


@router.get("/v1/sessions", name="sessions")
def sessions(app: TheApp, caller: Self) -> Sessions:
    """Where one is signed in."""
    with app.store.begin(write=False, of=caller.person.agency) as work:
        found = work.doors.sessions(caller.person.id)
    return Sessions(
        rows=[
            SessionTold(
                id=one.id,
                strength=one.strength,
                created_at=one.created_at,
                used_at=one.used_at,
                proved_at=one.proved_at,
                expires_at=one.expires_at,
                agent=one.agent,
                is_this=one.id == caller.session,
            )
            for one in found
        ]
    )


@router.delete("/v1/session", name="sign_out", response_model=Ended)
def sign_out(app: TheApp, caller: Changes) -> Response:
    """Sign out here."""
    ended = sign_in.leave(app.tools, caller.person, _session(caller))
    told = answer(Ended(ended=ended))
    set_cookie(told, "", 0)
    return told


@router.delete("/v1/sessions", name="sign_out_everywhere", response_model=Ended)
def sign_out_everywhere(app: TheApp, caller: Changes) -> Response:
    """Sign out everywhere, here too."""
    _session(caller)
    told = answer(Ended(ended=sign_in.leave(app.tools, caller.person)))
    set_cookie(told, "", 0)
    return told


@router.delete("/v1/sessions/{session}", name="end_session")
def end_session(app: TheApp, caller: Changes, session: AskedNumber) -> Ended:
    """End one of the own sessions."""
    _session(caller)
    return Ended(ended=sign_in.leave(app.tools, caller.person, SessionId(session)))


# --- what one signs in by -------------------------------------------------------------------------------


@router.get("/v1/credentials", name="credentials")
def credentials(app: TheApp, caller: Self) -> Credentials:
    """By what one signs in."""
    with app.store.begin(write=False, of=caller.person.agency) as work:
        found = work.doors.credentials(caller.person.id)
    return Credentials(rows=[CredentialTold.model_validate(one) for one in found])


@router.post("/v1/credentials/options", name="ask_for_another")
def ask_for_another(app: TheApp, means: TheMeans, caller: Changes, body: Nothing) -> Challenged:
    """What a browser is asked so that it makes one more passkey."""
    fresh(app, caller)
    enrol.require_passkey(caller.strength)
    begun = enrol.begin_another(app.tools, means, caller.person)
    return Challenged(ceremony=begun.word, options=dict(begun.options))


@router.post("/v1/credentials", name="add_passkey", status_code=201)
def add_passkey(app: TheApp, means: TheMeans, caller: Changes, body: PasskeyAdded) -> CredentialTold:
    """Add one more passkey."""
    fresh(app, caller)
    enrol.require_passkey(caller.strength)
    number = enrol.finish_another(
        app.tools, means, caller.person, body.ceremony, body.credential, label=body.label
    )
    with app.store.begin(write=False, of=caller.person.agency) as work:
        made = next(one for one in work.doors.credentials(caller.person.id) if one.id == number)
    return CredentialTold.model_validate(made)


@router.delete("/v1/credentials/{credential}", name="end_credential")
def end_credential(app: TheApp, caller: Changes, credential: AskedNumber) -> Ended:
    """End one of the things one signs in by."""
    fresh(app, caller)
    enrol.remove(app.tools, caller.person, CredentialId(credential))
    return Ended(ended=1)


# --- by invitation --------------------------------------------------------------------------------------


@router.post("/v1/enrol", name="look_at_invitation", dependencies=[open_to_all(INVITED)])
def look_at_invitation(request: Request, app: TheApp, means: TheMeans, body: InvitationGiven) -> Invited:
    """Whom an invitation is for."""
    sign_in.draw_tries(app.tools, place_of(request))
    with app.store.begin(write=False) as work:
        _, person = enrol.invited(work, body.invitation)
    kinds = [CredentialKind.PASSKEY] + ([CredentialKind.OIDC] if means.provider else [])
    if enrol.may_use_password(person):
        kinds.append(CredentialKind.PASSWORD)
    return Invited(person=person.id, agency=person.agency, means=kinds)


@router.post("/v1/enrol/passkey/options", name="ask_for_first", dependencies=[open_to_all(INVITED)])
def ask_for_first(request: Request, app: TheApp, means: TheMeans, body: InvitationGiven) -> Challenged:
    """What a browser is asked so that it makes a passkey for the person invited."""
    sign_in.draw_tries(app.tools, place_of(request))
    begun = enrol.begin_passkey(app.tools, means, body.invitation)
    return Challenged(ceremony=begun.word, options=dict(begun.options))


@router.post("/v1/enrol/passkey", name="enrol_passkey", status_code=201, dependencies=[open_to_all(INVITED)])
def enrol_passkey(request: Request, app: TheApp, means: TheMeans, body: EnrolPasskey) -> Enrolled:
    """Sign in by this passkey from now on; whatever opened the account before ends."""
    sign_in.draw_tries(app.tools, place_of(request))
    person = enrol.finish_passkey(
        app.tools, means, body.invitation, body.ceremony, body.credential, label=body.label
    )
    return Enrolled(person=person.id)


@router.post("/v1/enrol/password", name="enrol_password", dependencies=[open_to_all(INVITED)])
def enrol_password(request: Request, app: TheApp, means: TheMeans, body: EnrolPassword) -> SeedTold:
    """Choose a password; it counts once the first code has come."""
    sign_in.draw_tries(app.tools, place_of(request))
    made = enrol.begin_password(app.tools, means, body.invitation, body.password)
    return SeedTold(ceremony=made.word, seed=made.seed, address=made.address)


@router.post("/v1/enrol/code", name="enrol_code", status_code=201, dependencies=[open_to_all(INVITED)])
def enrol_code(request: Request, app: TheApp, means: TheMeans, body: EnrolCode) -> Enrolled:
    """Bring the first code: from now on password and code open the account."""
    sign_in.draw_tries(app.tools, place_of(request))
    person = enrol.finish_password(app.tools, means, body.invitation, body.ceremony, body.code)
    return Enrolled(person=person.id)
