"""admit: who works here, by what word they first come in, whom they lend a role to, and what programs do for them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from staydown.core.doors import Prefix, Token, new_word
from staydown.core.errors import Invalid, NotEntitled, NotFound, Refused
from staydown.core.ids import AgencyCode, DelegationId, PersonId, TokenId
from staydown.core.people import Delegation, Person
from staydown.core.rights import FRESH, RIGHTS, Relation, Role, Verb, goes_together
from staydown.core.time import iso
from staydown.ports.work import Work

FIRST_FOR, INVITED_FOR = timedelta(hours=1), timedelta(days=7)
"""How long the first administrator's invitation is open, and everybody else's."""
LENT_AT_MOST = timedelta(days=30)
NO_TOKEN = FRESH | {
    Verb.MAKE_TOKEN,
    Verb.CHANGE_SELF,
    Verb.INVITE,
    Verb.ADD_PERSON,
    Verb.CHANGE_PERSON,
    Verb.SET_WEBHOOKS,
    Verb.TAKE_ALARM,
}
"""What no program does for a person: acts that take a fresh proof, whatever lets somebody in, and answering an alarm."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Invited:
    """A word that opens an account, told once."""

    person: PersonId
    word: str
    expires_at: datetime


# --- persons ------------------------------------------------------------------------------------------


def first(
    work: Work, name: PersonId, agency: AgencyCode, *, again: bool = False, reason: str = ""
) -> Invited:
    """Invite an agency's first administrator, by whoever sits at the machine; from now on persons sign in.

    Raises:
        Refused: The agency has an administrator who can sign in, and it is not said that this is known, and why.
        Invalid: The name is somebody's who is no administrator there.
    """
    for code in work.people.add_agencies([agency]):
        work.ledger.append("agency:code:added", f"agency:{code}", {"code": code})
    if work.doors.administrators(agency) and not (again and reason.strip()):
        raise Refused(
            f"{agency} has an administrator who can sign in",
            hint="That person invites others. Where nobody can any more: --again --reason WHY.",
        )
    known = next((one for one in work.people.all(agency=agency) if one.id == name), None)
    if known is None:
        work.people.add(Person(id=name, agency=agency, roles=frozenset({Role.ADMINISTRATOR})))
    elif Role.ADMINISTRATOR not in known.roles:
        raise Invalid(f"{name} is no administrator", hint="Take another short name.")
    made = _word_for(work, name, agency, by=None, length=FIRST_FOR)
    work.doors.note_sign_in()
    detail = {"again": again, "person": name, "reason": reason.strip()}
    work.ledger.append("person:administrator:invited", "person", detail, facts={"agency": agency})
    return made


def add(work: Work, by: Person, name: PersonId, roles: frozenset[Role], *, mail: str = "") -> Person:
    """Add a person to the own agency.

    Raises:
        NotEntitled: Not an administrator.
        Invalid: The name is taken, or no one person may hold these roles.
    """
    by.require(Verb.ADD_PERSON)
    person = Person(id=name, agency=by.agency, roles=roles)
    work.people.add(person, mail=mail)
    detail = {"by": by.id, "person": name, "roles": sorted(roles)}
    work.ledger.append("person:roles:given", "person", detail)
    return person


def own(work: Work, by: Person, name: PersonId) -> Person:
    """A person of the same agency.

    Raises:
        NotFound: Nobody of that name, or of another agency: both read alike.
    """
    found = next((one for one in work.people.all(agency=by.agency) if one.id == name), None)
    if found is None:
        raise NotFound(f"nobody is called {name!r}", hint="See GET /v1/persons.")
    return found


def change(
    work: Work,
    by: Person,
    name: PersonId,
    *,
    roles: frozenset[Role] | None = None,
    mail: str | None = None,
    leaves_at: datetime | None = None,
) -> Person:
    """Give a person other roles or another address, or note when the person leaves; it holds from the next call on.

    Raises:
        NotEntitled: Not an administrator, or it is about the own roles or the own leaving.
        NotFound: Nobody of that name at the own agency.
        Invalid: No one person may hold these roles.
    """
    by.require(Verb.CHANGE_PERSON)
    person = own(work, by, name)
    if person.id == by.id and (roles is not None or leaves_at is not None):
        raise NotEntitled("nobody changes their own roles", hint="Ask another administrator of your agency.")
    work.people.change(name, roles=roles, mail=mail, left_at=leaves_at)
    if roles is not None:
        before = person.roles - person.lent.keys()
        detail = {"before": sorted(before), "by": by.id, "person": name, "roles": sorted(roles)}
        work.ledger.append("person:roles:given", "person", detail)
    if mail is not None:
        work.ledger.append("person:address:changed", "person", {"by": by.id, "person": name})
    if leaves_at is not None:
        if leaves_at <= work.now:
            work.doors.end_sessions(name)
            work.doors.end_tokens(name)
            work.doors.end_credentials(name)
        work.ledger.append("person:left:noted", "person", {"at": iso(leaves_at), "by": by.id, "person": name})
    return own(work, by, name)


def invite(work: Work, by: Person, name: PersonId) -> Invited:
    """Ask a person to say by what they sign in; used, it ends whatever opened the account before.

    Raises:
        NotEntitled: Not an administrator.
        NotFound: Nobody of that name at the own agency, or the person has left.
    """
    by.require(Verb.INVITE)
    person = own(work, by, name)
    if not person.roles:
        raise NotFound(f"{name} has left", hint="Add the person under another short name.")
    made = _word_for(work, name, person.agency, by=by.id, length=INVITED_FOR)
    work.ledger.append("person:invitation:sent", "person", {"by": by.id, "person": name})
    return made


def _word_for(
    work: Work, name: PersonId, agency: AgencyCode, *, by: PersonId | None, length: timedelta
) -> Invited:
    word, ends_at = new_word(Prefix.INVITATION), work.real_now + length
    work.doors.invite(name, agency, word, by=by, ends_at=ends_at)
    return Invited(person=name, word=word, expires_at=ends_at)


def name_agency(work: Work, by: Person, name: str) -> None:
    """Give the own agency its name in words.

    Raises:
        NotEntitled: Not an administrator.
    """
    by.require(Verb.NAME_AGENCY)
    work.people.name_agency(by.agency, name)
    work.ledger.append("agency:name:given", f"agency:{by.agency}", {"by": by.id, "name": name})


# --- tokens -------------------------------------------------------------------------------------------


def opens(person: Person) -> frozenset[Verb]:
    """What a token may be made for: whatever the person may, less what no program does."""
    return frozenset(
        verb for verb in Verb if verb not in NO_TOKEN and any(person.may(verb, one) for one in RIGHTS[verb])
    )


def make_token(
    work: Work, person: Person, *, label: str, scope: frozenset[Verb], days: int
) -> tuple[TokenId, str]:
    """Let a program act for a person; gives the number and the word, which is told this once.

    Raises:
        NotEntitled: The scope holds more than a token of this person opens.
    """
    person.require(Verb.MAKE_TOKEN, Relation.SELF)
    if over := scope - opens(person):
        words = ", ".join(sorted(over))
        raise NotEntitled(f"no token of yours opens {words}", hint="Leave it out of the scope.")
    word, ends_at = new_word(Prefix.TOKEN), work.real_now + timedelta(days=days)
    number = work.doors.make_token(person.id, person.agency, word, label=label, scope=scope, ends_at=ends_at)
    detail = {"person": person.id, "scope": sorted(scope), "token": number}
    work.ledger.append("person:token:made", "person", detail)
    return number, word


def end_token(work: Work, by: Person, number: TokenId) -> Token:
    """End a token: an own one, or as administrator one of the own agency.

    Raises:
        NotFound: There is none, or it is not theirs to see.
    """
    token = work.doors.token_of(number)
    missing = NotFound("there is no such token", hint="See GET /v1/tokens.")
    if token is None or token.agency != by.agency:
        raise missing
    if token.person != by.id and not by.may(Verb.END_TOKEN, Relation.OWN):
        raise missing
    work.doors.end_tokens(token.person, only=number)
    work.ledger.append("person:token:ended", "person", {"by": by.id, "person": token.person, "token": number})
    return token


# --- roles that are lent ------------------------------------------------------------------------------


def lend(
    work: Work, lender: Person, borrower: PersonId, role: Role, *, until: datetime, reason: str
) -> DelegationId:
    """Lend an own role to a colleague, for a time.

    Raises:
        NotEntitled: The role is not held, is itself lent, or is the administrator's.
        NotFound: Nobody of that name at the own agency.
        Invalid: Too long, already over, or the roles do not go together in one person.
    """
    lender.require(Verb.DELEGATE, Relation.SELF)
    if role is Role.ADMINISTRATOR:
        raise NotEntitled("the administrator's role is never lent")
    mine = own(
        work, lender, lender.id
    )  # all own roles: a sign-in without a passkey still lends none it lacks
    if role not in lender.roles or role in mine.lent:
        raise NotEntitled(f"{role} is not yours to lend", hint="Lend a role that you hold yourself.")
    colleague = own(work, lender, borrower)
    if colleague.id == lender.id or not colleague.roles:
        raise Invalid("nobody is there to take it", hint="Name a colleague who works at your agency.")
    if not work.now < until <= work.now + LENT_AT_MOST:
        raise Invalid(
            f"a role is lent for at most {LENT_AT_MOST.days} days from now", hint="Choose an end within them."
        )
    if role in colleague.roles - colleague.lent.keys() or not goes_together(colleague.roles | {role}):
        raise Invalid(
            f"{borrower} cannot take {role}", hint="The roles do not go together, or it is held already."
        )
    given = Delegation(
        id=DelegationId(0), lender=lender.id, borrower=borrower, role=role, from_at=work.now, until_at=until, reason=reason
    )  # fmt: skip
    number = work.people.lend(given, agency=lender.agency)
    detail = {
        "borrower": borrower,
        "delegation": number,
        "lender": lender.id,
        "reason": reason,
        "role": role.value,
    }
    work.ledger.append("person:role:lent", "person", {**detail, "until": iso(until)})
    return number


def take_back(work: Work, lender: Person, number: DelegationId) -> None:
    """Take a lent role back; it ends at once.

    Raises:
        NotFound: No such open loan of this person.
    """
    lender.require(Verb.DELEGATE, Relation.SELF)
    mine = {one.id: one for one in work.people.lent(lender.agency) if one.lender == lender.id}
    if number not in mine or mine[number].ended_at is not None:
        raise NotFound("there is no such loan of yours", hint="See GET /v1/delegations.")
    work.people.end_lending(number)
    work.ledger.append("person:role:returned", "person", {"delegation": number, "lender": lender.id})
