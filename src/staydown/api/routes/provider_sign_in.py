"""Signing in, enrolling and proving it anew at the agency's own identity provider."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from html import escape
from typing import Annotated

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from pydantic import Field

from staydown.api.desk import TheApp, answer
from staydown.api.gate import Caller, needs, open_to_all
from staydown.api.means import TheMeans
from staydown.api.problems import problem_of, refusal
from staydown.api.routes.session import INVITED, NOBODY_YET, _agent, _session, place_of, set_cookie
from staydown.app import App
from staydown.core.doors import Prefix, new_word
from staydown.core.errors import NotFound, StaydownError
from staydown.core.ids import PersonId, SessionId
from staydown.core.rights import Verb
from staydown.core.time import iso, parse
from staydown.flow import enrol, sign_in
from staydown.ports.doors import IdentityProvider, Means
from staydown.wire.people import InvitationGiven, Nothing, ProviderAddress

router = APIRouter(tags=["sign-in"])
STATE = "__Host-staydown-oidc"
"""Binds a flow to the browser that began it; Lax, since the way back comes from another site."""
BACK = "/v1/session/oidc/back"
TRIP = timedelta(minutes=10)
ON = '<!doctype html><html lang="en"><title>Signed in</title><meta http-equiv="refresh" content="0;url=/account"><p><a href="/account">Go on</a></p></html>'
"""A page of our own leads on: only from there does the browser send a cookie that is for this site alone."""
OFF = (
    '<!doctype html><html lang="en"><head><meta charset="utf-8">'
    '<meta name="viewport" content="width=device-width, initial-scale=1"><title>Not signed in - Staydown</title>'
    '<link rel="stylesheet" href="/static/door.css"></head><body><header><p class="name">Staydown</p></header>'
    '<main><h1>Not signed in</h1><p class="fault">{detail}</p><p>{hint}</p>'
    '<p><a href="/sign-in">Sign in</a></p></main></body></html>'
)
OFF_POLICY = (
    "default-src 'none'; style-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)
Asked = Annotated[str | None, Field(max_length=4096)]


def _provider(means: Means) -> IdentityProvider:
    if means.provider is None:
        raise NotFound("no identity provider is set", hint="Sign in with a passkey.")
    return means.provider


def _begin(app: App, means: Means, **more: str) -> tuple[str, str]:
    """The address to go to, and the word that the browser keeps."""
    provider, word = _provider(means), new_word(Prefix.CEREMONY)
    facts = provider.facts() | more
    address = provider.begin(facts, anew=more["for"] == "proof")
    with app.store.begin() as work:
        facts["asked_at"] = iso(work.real_now)
        work.doors.begin_ceremony(word, "oidc", facts, person=None, ends_at=work.real_now + TRIP)
    return address, word


def _sent(address: str, word: str) -> Response:
    told = answer(ProviderAddress(address=address), headers={"Cache-Control": "no-store"})
    return _bound(told, word)


def _bound(response: Response, word: str) -> Response:
    response.set_cookie(
        STATE, word, max_age=int(TRIP.total_seconds()), path="/", secure=True, httponly=True, samesite="lax"
    )
    return response


@router.get(
    "/v1/session/oidc",
    name="go_to_provider",
    status_code=303,
    response_class=RedirectResponse,
    dependencies=[open_to_all(NOBODY_YET)],
)
def go_to_provider(request: Request, app: TheApp, means: TheMeans) -> Response:
    """Go to the agency's own identity provider to sign in."""
    sign_in.draw_tries(app.tools, place_of(request))
    address, word = _begin(app, means, **{"for": "sign-in"})
    headers = {"Cache-Control": "no-store"}
    return _bound(RedirectResponse(address, status_code=303, headers=headers), word)


@router.post(
    "/v1/enrol/oidc",
    name="enrol_at_provider",
    response_model=ProviderAddress,
    dependencies=[open_to_all(INVITED)],
)
def enrol_at_provider(request: Request, app: TheApp, means: TheMeans, body: InvitationGiven) -> Response:
    """Where to go so that an account at the identity provider is linked to the person invited."""
    sign_in.draw_tries(app.tools, place_of(request))
    with app.store.begin(write=False) as work:
        invitation, person = enrol.invited(work, body.invitation)
    return _sent(*_begin(app, means, **{"for": "enrol", "person": person.id, "number": str(invitation.id)}))


@router.post("/v1/session/proof/oidc", name="prove_at_provider", response_model=ProviderAddress)
def prove_at_provider(
    app: TheApp, means: TheMeans, caller: Annotated[Caller, needs(Verb.SEE_SELF)], body: Nothing
) -> Response:
    """Where to go to prove anew who is there."""
    more = {"for": "proof", "person": caller.person.id, "number": str(_session(caller))}
    return _sent(*_begin(app, means, **more))


@router.get(
    BACK,
    name="back_from_provider",
    response_class=HTMLResponse,
    dependencies=[open_to_all(NOBODY_YET)],
)
def back_from_provider(
    request: Request,
    app: TheApp,
    means: TheMeans,
    state: Asked = None,
    code: Asked = None,
    iss: Asked = None,
    error: Asked = None,
) -> Response:
    """Where the identity provider sends browsers back to."""
    given = {"state": state, "code": code, "iss": iss, "error": error}
    try:
        return _back(request, app, means, given)
    except StaydownError as trouble:
        if "text/html" not in request.headers.get("accept", ""):
            raise
        return _off(trouble)


def _off(trouble: StaydownError) -> Response:
    """A problem as a page, for the person in front of the browser."""
    plain, problem = refusal(trouble), problem_of(trouble)
    page = OFF.format(detail=escape(problem.detail), hint=escape(problem.hint))
    kept = {
        name: plain.headers[name] for name in ("retry-after", "www-authenticate") if name in plain.headers
    }
    headers = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"} | kept
    headers["Content-Security-Policy"] = OFF_POLICY
    told = HTMLResponse(page, problem.status, headers=headers)
    told.delete_cookie(STATE, path="/", secure=True, httponly=True, samesite="lax")
    return told


def _back(request: Request, app: App, means: Means, given: Mapping[str, str | None]) -> Response:
    """Finish what began before the browser went to the provider: a sign-in, a link, or a fresh proof."""
    sign_in.draw_tries(app.tools, place_of(request))
    began = sign_in.taken(app.tools, request.cookies.get(STATE, ""), "oidc")
    with app.store.begin(write=False) as work:
        now = work.real_now
    facts = began.facts
    claims = _provider(means).claims(facts, {name: one for name, one in given.items() if one}, now)
    headers = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
    told = HTMLResponse(ON, headers=headers | {"Content-Security-Policy": "default-src 'none'"})
    told.delete_cookie(STATE, path="/", secure=True, httponly=True, samesite="lax")
    if facts["for"] == "proof":
        number, asked_at = SessionId(int(facts["number"])), parse(facts["asked_at"])
        sign_in.prove_by_provider(app.tools, PersonId(facts["person"]), number, claims, asked_at=asked_at)
        return told
    if facts["for"] == "enrol":
        enrol.by_provider(app.tools, int(facts["number"]), PersonId(facts["person"]), claims)
    inside = sign_in.by_provider(app.tools, claims, agent=_agent(request))
    set_cookie(told, inside.word, app.settings.session_s)
    return told
