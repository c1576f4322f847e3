"""The gate: every route says which verb it is, and nobody passes who may not do it.

`caller: Annotated[Caller, needs(Verb.ASSESS)]` on a route lets in whoever may do the verb in at least one relation.
Whether this one record is theirs is asked by the flow; a record of others reads as one that is not there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, cast

from fastapi import Depends, FastAPI, Request
from fastapi.dependencies.models import Dependant

from staydown.api.limits_rates import Limiter
from staydown.core.doors import Prefix, Session, Token
from staydown.core.errors import Invalid, NotEntitled, NotFound, NotSignedIn, ProofNeeded
from staydown.core.house import Strength
from staydown.core.ids import PersonId, SessionId, TokenId
from staydown.core.people import Person
from staydown.core.rights import FRESH, PHISHING_RESISTANT, RIGHTS, WITH_PURPOSE, Relation, Verb
from staydown.ports.tools import Tools
from staydown.ports.work import Work
from staydown.settings import Settings

COOKIE = "__Host-staydown"
"""Carries the session's word in browsers."""
PURPOSE = "Staydown-Purpose"
"""The header that says why somebody looks at sensitive data."""
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
TOUCH = timedelta(seconds=60)
"""A use is written down at most so often, so that reading does not write each time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who asks, and how much of what they may this way of asking opens."""

    person: Person  #: with the roles that hold now, less those that this sign-in does not open
    session: SessionId | None
    token: TokenId | None
    scope: frozenset[Verb] | None  #: None: all of the person's
    strength: Strength | None  #: None for a token
    proved_at: datetime | None  #: real time of the last proof of who is there
    purpose: str  #: in the caller's own words; empty where none was asked for


@dataclass(frozen=True, slots=True)
class Needs:
    """The row of the table of rights on which a route stands."""

    verb: Verb
    relations: tuple[Relation, ...]

    def __call__(self, request: Request) -> Caller:
        """Let the caller in, or say why not.

        Raises:
            NotSignedIn: No word, or one that opens nothing; or a browser was sent here by another site.
            NotEntitled: The person, the token or this sort of sign-in may not do it.
            ProofNeeded: It takes a fresh proof of who is there.
            Invalid: It takes a purpose, and none was given.
            RateLimited: Too many calls.
        """
        tools = tools_of(request)
        caller = _known(tools, request)
        limiter_of(request).take(tools, f"call:{caller.person.id}")
        self.check(caller, tools.settings, tools)
        return replace(caller, purpose=_purpose(request)) if self.verb in WITH_PURPOSE else caller

    def check(self, caller: Caller, settings: Settings, tools: Tools) -> None:
        """Refuse a caller who may not do this.

        Raises:
            NotEntitled: No role of the person opens it, or the token's scope leaves it out.
            ProofNeeded: The proof is missing or old.
        """
        if not any(caller.person.may(self.verb, relation) for relation in self.relations):
            caller.person.require(self.verb, self.relations[0])
        if caller.scope is not None and self.verb not in caller.scope:
            raise NotEntitled(f"this token is not for {self.verb}", hint="Make one whose scope has it.")
        if self.verb in FRESH:
            if caller.proved_at is None:
                raise NotEntitled(
                    f"no token opens {self.verb}", hint="Sign in as a person: POST /v1/session."
                )
            with tools.begin(write=False) as work:
                is_fresh = work.real_now - caller.proved_at < timedelta(seconds=settings.fresh_s)
            if not is_fresh:
                raise ProofNeeded(f"{self.verb} takes a proof, given just now, of who is there")


@dataclass(frozen=True, slots=True)
class OpenToAll:
    """A route without a caller, and why."""

    reason: str

    def __call__(self) -> None:
        """Everybody passes."""


def needs(verb: Verb, *relations: Relation) -> Any:
    """What a route depends on: the caller may do the verb in one of these relations, by default in any."""
    return Depends(Needs(verb, relations or tuple(RIGHTS[verb])))


def open_to_all(reason: str) -> Any:
    """What a route without a caller depends on, such as the one that signs in."""
    return Depends(OpenToAll(reason))


def rows_of(dependant: Dependant) -> Iterator[Needs | OpenToAll]:
    """The gates that a route depends on; exactly one has to stand there."""
    for one in dependant.dependencies:
        if isinstance(one.call, (Needs, OpenToAll)):
            yield one.call
        yield from rows_of(one)


def install(app: FastAPI, tools: Tools) -> None:
    """Give an app what the gate works with."""
    app.state.tools, app.state.limiter = tools, Limiter()


def tools_of(request: Request) -> Tools:
    """The neighbours and plugs of the running program."""
    return cast("Tools", request.app.state.tools)


def limiter_of(request: Request) -> Limiter:
    """Counts the calls of each caller."""
    return cast("Limiter", request.app.state.limiter)


def still(tools: Tools, caller: Caller) -> bool:
    """Whether a caller who was let in would be let in now with the same rights: asked while an answer is streamed."""
    with tools.begin(write=False) as work:
        if caller.session is not None:
            session = work.doors.session_of(caller.session)
            now = _of_session(work, session, tools.settings) if session else None
        else:
            token = work.doors.token_of(caller.token) if caller.token is not None else None
            now = _of_token(work, token) if token else None
    return now is not None and (now.person, now.scope) == (caller.person, caller.scope)


# --- who it is --------------------------------------------------------------------------------------


def _known(tools: Tools, request: Request) -> Caller:
    word = word_of(request, tools.settings)
    with tools.begin(write=False) as work:
        caller, stale = _caller(work, word, tools.settings)
    if stale:
        with tools.begin() as work:
            if caller.session is not None:
                work.doors.used_session(caller.session)
            elif caller.token is not None:
                work.doors.used_token(caller.token)
    return caller


def word_of(request: Request, settings: Settings) -> str:
    """The secret word that a request carries.

    Raises:
        NotSignedIn: None; or a cookie with a change that another site's page may have asked for.
    """
    kind, _, word = request.headers.get("authorization", "").partition(" ")
    if kind:
        if kind.lower() != "bearer" or not word:
            raise NotSignedIn("the Authorization header holds no Bearer word")
        return word.strip()
    cookie = request.cookies.get(COOKIE, "")
    if not cookie:
        raise NotSignedIn("nobody is signed in")
    if request.method not in SAFE and not is_own_page(request, settings):
        raise NotSignedIn(
            "this change was asked for by a page of another site", hint="Do it on the service's own pages."
        )
    return cookie


def is_own_page(request: Request, settings: Settings) -> bool:
    """Whether a browser says that a page of ours asked for this."""
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    if site is not None:
        return site == "same-origin"
    return origin == settings.address.rstrip("/")


def _caller(work: Work, word: str, settings: Settings) -> tuple[Caller, bool]:
    """Who a word stands for, and whether its use wants writing down."""
    unknown = NotSignedIn("nobody is signed in by this word")
    found: Caller | None = None
    used_at: datetime | None = None
    if word.startswith(Prefix.SESSION) and (session := work.doors.session(word)):
        found, used_at = _of_session(work, session, settings), session.used_at
    elif word.startswith(Prefix.TOKEN) and (token := work.doors.token(word)):
        found, used_at = _of_token(work, token), token.used_at
    if found is None:
        raise unknown
    return found, used_at is None or work.real_now - used_at >= TOUCH


def _of_session(work: Work, session: Session, settings: Settings) -> Caller | None:
    if work.real_now - session.used_at >= timedelta(seconds=settings.idle_s):
        return None
    person = _person(work, session.person)
    if person is None:
        return None
    return Caller(
        person=person if session.strength is Strength.PASSKEY else _without_passkey(person),
        session=session.id,
        token=None,
        scope=None,
        strength=session.strength,
        proved_at=session.proved_at,
        purpose="",
    )


def _of_token(work: Work, token: Token) -> Caller | None:
    person = _person(work, token.person)
    if person is None:
        return None
    return Caller(
        person=person.by_token(token.scope),
        session=None,
        token=token.id,
        scope=token.scope - FRESH,
        strength=None,
        proved_at=None,
        purpose="",
    )


def _person(work: Work, who: PersonId) -> Person | None:
    try:
        person = work.people.get(who)
    except NotFound:
        return None
    return person if person.roles else None  # whoever left has none


def _without_passkey(person: Person) -> Person:
    """The person, less the roles that only a passkey opens."""
    lent = {role: by for role, by in person.lent.items() if role not in PHISHING_RESISTANT}
    return replace(person, roles=person.roles - PHISHING_RESISTANT, lent=lent)


def _purpose(request: Request) -> str:
    """Why the caller looks.

    Raises:
        Invalid: Not said, or not in 1 to 200 printable characters.
    """
    text = request.headers.get(PURPOSE.lower(), "").strip()
    if not 1 <= len(text) <= 200 or not text.isprintable():
        raise Invalid(
            f"this looks at sensitive data, and the header {PURPOSE} says for no purpose",
            hint=f"Send {PURPOSE} with 1 to 200 printable characters, such as the case it is for.",
        )
    return text
