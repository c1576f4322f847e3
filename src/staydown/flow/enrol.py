"""enrol: a person who was invited says by what they sign in from now on, and later adds or ends means of it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from staydown.core.doors import Credential, Invitation, Prefix, new_word
from staydown.core.errors import Invalid, NotEntitled, NotFound, Refused, Stale
from staydown.core.house import CredentialKind, Strength
from staydown.core.ids import CredentialId, PersonId, SessionId
from staydown.core.people import Person
from staydown.core.rights import PHISHING_RESISTANT
from staydown.flow.sign_in import CEREMONY, SEED, Begun, fits, taken
from staydown.ports.doors import Claims, Means
from staydown.ports.tools import Tools
from staydown.ports.work import Work
from staydown.reason import totp

_NEXT = "Ask your administrator for a new invitation."


@dataclass(frozen=True, slots=True, kw_only=True)
class Seed:
    """What goes into an authenticator app, shown once."""

    word: str  #: with which the first code is brought
    seed: str
    address: str


def invited(work: Work, word: str) -> tuple[Invitation, Person]:
    """Whom an invitation is for.

    Raises:
        NotFound: It is none, or used, or too old, or the person has left.
    """
    invitation = work.doors.invitation(word)
    person = work.people.get(invitation.person) if invitation else None
    if invitation is None or person is None or not person.roles:
        raise NotFound("this invitation is not open", hint=_NEXT)
    return invitation, person


def may_use_password(person: Person) -> bool:
    """Whether the fallback is open to a person: not to whoever gives consents or signs."""
    return not person.roles & PHISHING_RESISTANT


# --- passkeys -------------------------------------------------------------------------------------------


def begin_passkey(tools: Tools, means: Means, invitation: str) -> Begun:
    """Ask a browser to make a passkey for the person invited.

    Raises:
        NotFound: The invitation is not open.
    """
    with tools.begin() as work:
        _, person = invited(work, invitation)
        return _ask(work, means, person.id, known=[])


def finish_passkey(
    tools: Tools, means: Means, invitation: str, word: str, answer: Mapping[str, object], *, label: str
) -> Person:
    """Take a passkey as what the invited person signs in by.

    Raises:
        NotFound: The invitation is not open.
        NotSignedIn: The challenge is unknown, used or old.
        Refused: The answer is not good.
    """
    began = taken(tools, word, "register")
    key = means.passkeys.registered(answer, began.facts["challenge"])
    with tools.begin() as work:
        person = _accept(work, invitation, expected=began.person)
        work.doors.add_credential(
            person.id,
            person.agency,
            CredentialKind.PASSKEY,
            key.identifier,
            key.public,
            label=label,
            counter=key.counter,
        )
        return person


def require_passkey(strength: Strength | None) -> None:
    """Refuse a new passkey in a session that began with anything weaker: it would open what only passkeys may.

    Raises:
        NotEntitled: It did.
    """
    if strength is not Strength.PASSKEY:
        raise NotEntitled(
            "a passkey is added in a session that began with one",
            hint="Sign in with your passkey; if you have none, let an administrator invite you anew.",
        )


def begin_another(tools: Tools, means: Means, person: Person) -> Begun:
    """Ask for one more passkey of somebody who is signed in."""
    with tools.begin() as work:
        known = [o.identifier for o in work.doors.credentials(person.id) if o.kind is CredentialKind.PASSKEY]
        return _ask(work, means, person.id, known=known)


def finish_another(
    tools: Tools, means: Means, person: Person, word: str, answer: Mapping[str, object], *, label: str
) -> CredentialId:
    """Take one more passkey.

    Raises:
        NotSignedIn: The challenge is unknown, used, old, or another person's.
        Refused: The answer is not good.
    """
    began = taken(tools, word, "register")
    if began.person != person.id:
        raise Refused("this began for another person")
    key = means.passkeys.registered(answer, began.facts["challenge"])
    with tools.begin() as work:
        number = work.doors.add_credential(
            person.id,
            person.agency,
            CredentialKind.PASSKEY,
            key.identifier,
            key.public,
            label=label,
            counter=key.counter,
        )
        work.ledger.append("person:passkey:added", "person", {"credential": number, "person": person.id})
        return number


def remove(tools: Tools, person: Person, number: CredentialId) -> None:
    """End one of the things that a person signs in by.

    Raises:
        NotFound: The person has no such thing.
        Refused: It is the last one, or the last passkey of somebody who gives consents or signs.
    """
    with tools.begin() as work:
        work.doors.lock(person.id)  # two at once would each leave the other one
        mine = work.doors.credentials(person.id)
        ended = next((one for one in mine if one.id == number), None)
        if ended is None:
            raise NotFound("there is no such thing to sign in by", hint="GET /v1/credentials lists them.")
        _check_rest(work.people.get(person.id), [one for one in mine if one.id != number])
        work.doors.end_credentials(person.id, only=number)
        detail = {"credential": number, "kind": ended.kind.value, "person": person.id}
        work.ledger.append("person:credential:ended", "person", detail)


def _check_rest(person: Person, rest: Sequence[Credential]) -> None:
    kinds = {one.kind for one in rest}
    hint = "Add another passkey first."
    if person.roles & PHISHING_RESISTANT and CredentialKind.PASSKEY not in kinds:
        raise Refused("it is the last passkey of somebody whose role takes one", hint=hint)
    if not kinds & {CredentialKind.PASSKEY, CredentialKind.OIDC} and not kinds >= {
        CredentialKind.PASSWORD,
        CredentialKind.TOTP,
    }:
        raise Refused("nothing would be left to sign in by", hint=hint)


def _ask(work: Work, means: Means, who: PersonId, *, known: Sequence[str]) -> Begun:
    handle = hashlib.sha256(f"{work.origin} {who}".encode()).digest()
    asked, word = means.passkeys.to_register(who, handle=handle, known=known), new_word(Prefix.CEREMONY)
    facts = {"challenge": asked.challenge}
    work.doors.begin_ceremony(word, "register", facts, person=who, ends_at=work.real_now + CEREMONY)
    return Begun(word=word, options=asked.options)


# --- the fallback: password and one-time codes ----------------------------------------------------------


def begin_password(tools: Tools, means: Means, invitation: str, password: str) -> Seed:
    """Take a password, and give the seed whose first code makes it count.

    Raises:
        NotFound: The invitation is not open.
        Refused: The person's role takes a passkey.
        Invalid: The password is too short, too long, or among those that are tried first.
    """
    with tools.begin(write=False) as work:
        _, person = invited(work, invitation)
        names = _names(work, person)
    if not may_use_password(person):
        raise Refused("whoever gives consents or signs does so with a passkey", hint="Register a passkey.")
    _check_strong(means, password, names)
    hashed, seed, word = (
        means.passwords.hashed(password),
        totp.new_seed(),
        new_word(Prefix.CEREMONY),
    )
    facts = {"hashed": hashed.decode(), "sealed": means.sealed.seal(seed, SEED).hex()}
    with tools.begin() as work:
        work.doors.begin_ceremony(
            word, "password", facts, person=person.id, ends_at=work.real_now + 2 * CEREMONY
        )
    issuer = f"Staydown {person.agency}"
    return Seed(
        word=word, seed=totp.written(seed), address=totp.address(seed, person=person.id, issuer=issuer)
    )


def finish_password(tools: Tools, means: Means, invitation: str, word: str, code: str) -> Person:
    """Confirm the seed by its first code; from now on both count.

    Raises:
        NotFound: The invitation is not open.
        NotSignedIn: It began too long ago, or not at all.
        Invalid: The code is not the seed's.
    """
    began = taken(tools, word, "password")
    seed = means.sealed.unseal(bytes.fromhex(began.facts["sealed"]), SEED)
    with tools.begin() as work:
        step = totp.matching_step(seed, code, work.real_now)
        if step is None:
            raise Invalid(
                "this is not the code", hint="Begin again, and see that the clock of the app is right."
            )
        person = _accept(work, invitation, expected=began.person)
        if not may_use_password(person):
            raise Refused("whoever gives consents or signs does so with a passkey")
        for kind, secret, counter in (
            (CredentialKind.PASSWORD, began.facts["hashed"].encode(), 0),
            (CredentialKind.TOTP, bytes.fromhex(began.facts["sealed"]), step),
        ):
            work.doors.add_credential(person.id, person.agency, kind, person.id, secret, counter=counter)
        return person


def change_password(
    tools: Tools,
    means: Means,
    person: Person,
    session: SessionId,
    *,
    present: str,
    code: str,
    new: str,
    end_others: bool,
) -> int:
    """Take another password of somebody who signed in by one; gives how many other sessions ended.

    Raises:
        Refused: This session did not begin with a password.
        Invalid: The new password cannot be used.
        NotSignedIn: The present password or the code does not fit.
    """
    with tools.begin(write=False, of=person.agency) as work:
        here, names = work.doors.session_of(session), _names(work, person)
        before = work.doors.credential(CredentialKind.PASSWORD, person.id)
    if here is None or here.strength is not Strength.PASSWORD_TOTP or before is None:
        raise Refused("a password is changed by whoever signed in with it", hint="Sign in with the password.")
    _check_strong(means, new, names)
    if new == present:
        raise Invalid("this is the present password", hint="Take another one.")
    fits(tools, means, person.id, present, code)
    hashed = means.passwords.hashed(new)
    with tools.begin(of=person.agency) as work:
        if not work.doors.end_credentials(person.id, only=before.id):
            raise Stale("the password was changed meanwhile", hint="Sign in again.")
        work.doors.add_credential(person.id, person.agency, CredentialKind.PASSWORD, person.id, hashed)
        others = [one.id for one in work.doors.sessions(person.id) if one.id != session]
        ended = sum(work.doors.end_sessions(person.id, only=one) for one in others) if end_others else 0
        work.ledger.append("person:password:changed", "person", {"ended": ended, "person": person.id})
    return ended


def _names(work: Work, person: Person) -> list[str]:
    """What everybody knows about a person, and would try first."""
    called = [one.name for one in work.people.agencies() if one.code == person.agency]
    return [person.id, person.agency, *called]


def _check_strong(means: Means, password: str, names: Sequence[str]) -> None:
    if weak := means.passwords.weakness(password, names):
        raise Invalid(
            f"this password cannot be used: {weak}", hint="Take several words that nobody would guess."
        )


# --- the agency's own identity provider -----------------------------------------------------------------


def by_provider(tools: Tools, invitation_id: int, who: PersonId, claims: Claims) -> Person:
    """Link an account at the identity provider to the person invited.

    Raises:
        NotFound: The invitation is not open.
    """
    with tools.begin() as work:
        person = _take(work, invitation_id, who)
        identifier = f"{claims.issuer} {claims.subject}"
        work.doors.add_credential(person.id, person.agency, CredentialKind.OIDC, identifier, b"")
        return person


def _accept(work: Work, invitation: str, *, expected: PersonId | None) -> Person:
    found, person = invited(work, invitation)
    if person.id != expected:
        raise Refused("this began for another person")
    return _take(work, found.id, person.id)


def _take(work: Work, invitation_id: int, who: PersonId) -> Person:
    """Use an invitation up; whoever had credentials before starts anew, everything older ends."""
    person = work.people.get(who)
    if not person.roles or not work.doors.use_invitation(invitation_id):
        raise NotFound("this invitation is not open", hint=_NEXT)
    before = work.doors.end_credentials(who)
    ended = work.doors.end_sessions(who) + work.doors.end_tokens(who)
    tag = "person:account:recovered" if before else "person:account:opened"
    work.ledger.append(tag, "person", {"ended": ended, "person": who})
    return person
