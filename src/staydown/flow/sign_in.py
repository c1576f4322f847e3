"""sign in: a person shows who is there, anew if asked, and leaves again.

All instants are real time, in exercises too. Failures read alike, whatever failed. What must outlive a failure (a
challenge that was taken, a draw from a bucket, a counter that went back) has a transaction of its own.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from staydown.core.doors import Ceremony, Credential, Prefix, new_word
from staydown.core.errors import NotFound, NotSignedIn, RateLimited, Refused
from staydown.core.house import CredentialKind, Strength
from staydown.core.ids import PersonId, SessionId
from staydown.core.people import Person
from staydown.ports.doors import Claims, Means
from staydown.ports.tools import Tools
from staydown.ports.work import Work
from staydown.reason import totp

log = logging.getLogger("staydown.sign_in")

CEREMONY = timedelta(minutes=5)
BY_PLACE, BY_NAME = (2.0, 120.0), (1 / 30, 10.0)
"""Tries per second in the long run, and at once: from one address, and at one person's password."""
SEED = "totp"
"""What a sealed seed is for."""


class TooMany(RateLimited):
    """Too many tries; passkeys go on working."""

    def __init__(self, after: timedelta) -> None:
        super().__init__(
            "too many tries to sign in",
            hint=f"Wait {after.total_seconds():.0f} s, or sign in with a passkey.",
        )
        self.after = after


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """What a browser is asked, and the word with which it brings the answer."""

    word: str
    options: Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Inside:
    """Somebody is signed in."""

    word: str  #: the session's secret
    session: SessionId
    person: Person
    strength: Strength
    expires_at: datetime


def draw_tries(tools: Tools, place: str, name: str = "") -> None:
    """Count a try, whatever becomes of it.

    Raises:
        TooMany: From that place, or at that name.
    """
    with tools.begin() as work:
        buckets = [(f"place:{place}", BY_PLACE)] + ([(f"name:{name}", BY_NAME)] if name else [])
        waits = [work.doors.draw(one, rate_per_s=rate, burst=burst) for one, (rate, burst) in buckets]
    if wait := max((one for one in waits if one is not None), default=None):
        raise TooMany(wait)


# --- passkeys -----------------------------------------------------------------------------------------


def begin_passkey(tools: Tools, means: Means, *, of: PersonId | None = None) -> Begun:
    """Ask for a passkey: any, or one of a person who is signed in and has to prove to be there."""
    word = new_word(Prefix.CEREMONY)
    with tools.begin() as work:
        mine = work.doors.credentials(of) if of else []
        known = [one.identifier for one in mine if one.kind is CredentialKind.PASSKEY]
        asked = means.passkeys.to_sign_in(known=known)
        kind = "proof" if of else "sign-in"
        facts = {"challenge": asked.challenge}
        work.doors.begin_ceremony(word, kind, facts, person=of, ends_at=work.real_now + CEREMONY)
    return Begun(word=word, options=asked.options)


def by_passkey(
    tools: Tools, means: Means, word: str, answer: Mapping[str, object], *, agent: str = ""
) -> Inside:
    """Sign in with a passkey.

    Raises:
        NotSignedIn: The challenge is unknown, used or old, or the answer is not good.
    """
    began = taken(tools, word, "sign-in")
    credential = _shown(tools, means, began, answer)
    with tools.begin() as work:
        work.doors.lock(credential.person)
        if credential.id not in {one.id for one in work.doors.credentials(credential.person)}:
            raise _not()  # it was ended since it was shown
        return let_in(work, tools, credential.person, Strength.PASSKEY, agent=agent)


def _shown(tools: Tools, means: Means, began: Ceremony, answer: Mapping[str, object]) -> Credential:
    """The passkey that was shown, its use counted.

    Raises:
        NotSignedIn: It is not known, not good, or its counter went back: then there may be two of it.
    """
    with tools.begin() as work:
        credential = work.doors.credential(CredentialKind.PASSKEY, means.passkeys.identifier(answer))
        if credential is None:
            raise _not()
        try:
            counter = means.passkeys.counted(answer, began.facts["challenge"], credential.secret)
        except Refused as error:
            raise _not() from error
        counted = work.doors.count_up(credential.id, counter)
        if not counted:
            detail = {"counter": counter, "credential": credential.id, "person": credential.person}
            work.ledger.append("person:counter:went-back", "person", detail)
    if not counted:
        log.warning("a passkey's counter went back credential=%d", credential.id)
        raise _not()
    return credential


def taken(tools: Tools, word: str, kind: str) -> Ceremony:
    """What began under a word; nobody takes it twice, whatever becomes of it.

    Raises:
        NotSignedIn: It is unknown, of another kind, taken already, or too old.
    """
    with tools.begin() as work:
        began = work.doors.end_ceremony(word, kind)
    if began is None:
        raise _not()
    return began


# --- password and one-time code -------------------------------------------------------------------------


def by_password(
    tools: Tools, means: Means, name: str, password: str, code: str, *, agent: str = ""
) -> Inside:
    """Sign in with a password and a code; unknown names take the same time and read the same.

    Raises:
        NotSignedIn: Something does not fit.
    """
    who = fits(tools, means, PersonId(name), password, code)
    with tools.begin() as work:
        return let_in(work, tools, who, Strength.PASSWORD_TOTP, agent=agent)


def fits(tools: Tools, means: Means, name: PersonId, password: str, code: str) -> PersonId:
    """Whose password and code these are; the code is used up.

    Raises:
        NotSignedIn: Something does not fit; what, is not told, nor does the time it takes tell.
    """
    with tools.begin(write=False) as work:
        hashed = work.doors.credential(CredentialKind.PASSWORD, name)
        sealed = work.doors.credential(CredentialKind.TOTP, name)
        now = work.real_now
    is_password = means.passwords.fits(password, hashed.secret if hashed else None)
    # For an unknown name the same work is done, on a seed from which nobody's codes come.
    unused = totp.new_seed()
    seed = means.sealed.unseal(sealed.secret, SEED) if sealed else means.sealed.seal(unused, SEED)
    step = totp.matching_step(seed, code, now)
    if hashed is None or sealed is None or not is_password or step is None:
        raise _not()
    with tools.begin() as work:
        is_new = work.doors.count_up(sealed.id, step)  # each code once
        if is_new:
            work.doors.count_up(hashed.id, step)
    if not is_new:
        raise _not()
    return hashed.person


# --- identity provider ----------------------------------------------------------------------------------


def by_provider(tools: Tools, claims: Claims, *, agent: str = "") -> Inside:
    """Sign in as whoever was linked to an account at the agency's own identity provider.

    Raises:
        NotSignedIn: Nobody was.
    """
    with tools.begin() as work:
        credential = work.doors.credential(CredentialKind.OIDC, f"{claims.issuer} {claims.subject}")
        if credential is None:
            raise _not()
        return let_in(work, tools, credential.person, Strength.OIDC, agent=agent)


# --- in, anew, out --------------------------------------------------------------------------------------


def let_in(work: Work, tools: Tools, who: PersonId, strength: Strength, *, agent: str) -> Inside:
    """Open a session.

    Raises:
        NotSignedIn: The person has left.
    """
    try:
        person = work.people.get(who)
    except NotFound as error:
        raise _not() from error
    if not person.roles:
        raise _not()
    word, ends_at = new_word(Prefix.SESSION), work.real_now + timedelta(seconds=tools.settings.session_s)
    number = work.doors.open_session(person.id, person.agency, word, strength, ends_at=ends_at, agent=agent)
    log.info("signed in session=%d strength=%s", number, strength)
    return Inside(word=word, session=number, person=person, strength=strength, expires_at=ends_at)


def prove_by_passkey(
    tools: Tools, means: Means, who: PersonId, session: SessionId, word: str, answer: Mapping[str, object]
) -> None:
    """Prove anew who is there, in a session that began with a passkey.

    Raises:
        NotSignedIn: The answer is not good, or another person's.
    """
    began = taken(tools, word, "proof")
    if began.person != who or _shown(tools, means, began, answer).person != who:
        raise _not()
    _prove(tools, session, Strength.PASSKEY)


def prove_by_password(
    tools: Tools, means: Means, who: PersonId, session: SessionId, password: str, code: str
) -> None:
    """Prove anew who is there, in a session that began with a password.

    Raises:
        NotSignedIn: Something does not fit.
    """
    fits(tools, means, who, password, code)
    _prove(tools, session, Strength.PASSWORD_TOTP)


def prove_by_provider(
    tools: Tools, who: PersonId, session: SessionId, claims: Claims, *, asked_at: datetime
) -> None:
    """Prove anew who is there, in a session that began at the identity provider.

    Raises:
        NotSignedIn: It is somebody else, or the provider did not ask anew.
    """
    with tools.begin(write=False) as work:
        credential = work.doors.credential(CredentialKind.OIDC, f"{claims.issuer} {claims.subject}")
    slack = timedelta(seconds=5)  # two machines' clocks
    if credential is None or credential.person != who or claims.auth_time is None:
        raise _not()
    if claims.auth_time < asked_at.replace(microsecond=0) - slack:
        raise _not()
    _prove(tools, session, Strength.OIDC)


def _prove(tools: Tools, session: SessionId, strength: Strength) -> None:
    with tools.begin() as work:
        found = work.doors.session_of(session)
        if (
            found is None or found.strength is not strength
        ):  # the same means as the sign-in, never a weaker one
            raise _not()
        work.doors.proved(session)


def leave(tools: Tools, person: Person, session: SessionId | None = None) -> int:
    """End one of a person's sessions, or all of them.

    Raises:
        NotFound: The person has no such open session.
    """
    with tools.begin(of=person.agency) as work:
        ended = work.doors.end_sessions(person.id, only=session)
    if session is not None and not ended:
        raise NotFound("there is no such session", hint="GET /v1/sessions lists the open ones.")
    return ended


def _not() -> NotSignedIn:
    return NotSignedIn(
        "this signs nobody in", hint="Try again from the beginning, or ask your administrator."
    )
