"""deconflict: one agency asks the others to wait; everybody else sees "wait" and no more."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta

from staydown.core.errors import Invalid, NotEntitled, NotFound, RateLimited, Refused
from staydown.core.hold import Hold
from staydown.core.house import Matter
from staydown.core.ids import AgencyCode, HoldId, ItemId, PersonId
from staydown.core.people import Person
from staydown.core.request import DispatchState
from staydown.core.rights import Relation, Verb
from staydown.core.states import HOLD, REQUEST_SENT, HoldEvent, HoldState, step
from staydown.core.time import iso
from staydown.flow import duty
from staydown.ports.tools import Tools
from staydown.ports.work import Task, Work, WorkKind


def place(
    work: Work,
    person: Person,
    ids: Sequence[ItemId],
    *,
    reason: str,
    until: datetime,
    longest: timedelta,
    at_most: int,
) -> tuple[list[HoldId], list[ItemId]]:
    """Hold items; gives the holds, and the items whose request has left already: for those it is too late.

    Items are locked in the order of their ids, as a dispatch locks them: whichever comes second sees the first.

    Raises:
        NotEntitled: Neither investigator nor deconfliction officer.
        Invalid: No reason, or an end that has passed or lies further away than `longest`.
        Refused: The agency would have more than `at_most` holds in force.
        NotFound: No such item.
    """
    person.require(Verb.PLACE_HOLD)
    if not reason.strip():
        raise Invalid("a hold needs a reason")
    if not work.now < until <= work.now + longest:
        raise Invalid(
            f"a hold ends within {longest.days} days from now", hint="Name an instant with --until."
        )
    if work.holds.open_of(person.agency) + len(ids) > at_most:
        raise Refused(
            f"an agency may have {at_most} holds in force", hint="Release holds that are no longer needed."
        )
    known = work.items.brief(ids)
    if missing := [item for item in ids if item not in known]:
        raise NotFound(f"there is no item {missing[0]}")
    work.items.lock(ids)
    numbers = work.holds.place(ids, agency=person.agency, by=person.id, reason=reason, until=until)
    work.queue.add(WorkKind.HOLD, numbers, due_at=until)
    late = _already_left(work, ids)
    for number in numbers:
        work.ledger.append(
            "item:hold:placed", f"hold:{number}", {"by": person.id, "reason": reason, "until": iso(until)}
        )
    return numbers, late


def _already_left(work: Work, ids: Sequence[ItemId]) -> list[ItemId]:
    """Items for which an intent to send is committed: a hold that comes after it is too late and says so."""
    with work.across():
        return _left(work, ids)


def _left(work: Work, ids: Sequence[ItemId]) -> list[ItemId]:
    requests = {request for found in work.requests.sent_for(ids).values() for request in found}
    attempts = work.requests.attempts(requests)
    begun = {
        request
        for request, tried in attempts.items()
        if any(one.state is not DispatchState.FAILED for one in tried)
    }
    left = begun | {one.id for one in work.requests.get(requests) if one.state in REQUEST_SENT}
    return [item for item, found in work.requests.sent_for(ids).items() if left.intersection(found)]


def waiting(work: Work, ids: Sequence[ItemId]) -> frozenset[ItemId]:
    """Those of the items that have to wait. Whose hold it is does not come out of here."""
    return work.holds.on(ids)


def ask(work: Work, person: Person, item: ItemId, *, per_hour: int) -> bool:
    """Whether an item has to wait; the holder is shown that the question was asked.

    Raises:
        NotEntitled: The agency has no assessed sighting of its own, so it may not ask.
        RateLimited: The agency asked too often within the hour.
    """
    person.require(Verb.ASK_HOLD, Relation.SHARED)
    seen = work.items.seen_by([item], person.agency)
    assessed = person.agency in work.assessments.open([item]).get(item, {})
    if not seen or not assessed:
        raise NotEntitled("a question needs an own, assessed sighting of the item")
    if work.holds.questions_of(person.agency, work.now - timedelta(hours=1)) >= per_hour:
        raise RateLimited(f"{person.agency} asked {per_hour} times within the hour")
    work.holds.asked(item, by=person.id, agency=person.agency)
    work.ledger.append("item:question:asked", f"item:{item}", {"agency": person.agency, "by": person.id})
    return bool(work.holds.on([item]))


def shown(work: Work, person: Person) -> tuple[list[Hold], list[tuple[ItemId, AgencyCode, datetime]]]:
    """The holds that a person may see, and the questions asked about the own agency's.

    A deconfliction officer sees all holds, an investigator those of the own agency.

    Raises:
        NotEntitled: Neither of the two.
    """
    person.require(Verb.SEE_HOLDS)
    holds = work.holds.listed()
    if not person.may(Verb.SEE_HOLDS, Relation.FOREIGN):
        holds = [hold for hold in holds if hold.agency == person.agency]
    return holds, work.holds.questions_about(person.agency)


def release(work: Work, person: Person, hold: HoldId, *, reason: str) -> None:
    """Let go of the own agency's hold.

    Raises:
        NotFound: No such hold, or not the own agency's: both read alike.
    """
    person.require(Verb.RELEASE_HOLD)
    found = work.holds.get(hold)
    if found.agency != person.agency:
        raise NotFound(f"there is no hold {hold}")
    _end(work, found, HoldEvent.RELEASE, by=person.id, reason=reason)


def dispute(work: Work, person: Person, item: ItemId, *, reason: str) -> int:
    """Disagree with the holds on an item: both heads are told, others still wait. Gives how many it concerns.

    Raises:
        NotEntitled: No deconfliction officer.
        Invalid: No reason.
    """
    person.require(Verb.DISPUTE_HOLD, Relation.FOREIGN)
    if not reason.strip():
        raise Invalid("a dispute needs a reason")
    holds = [hold for hold in work.holds.listed(items=[item]) if hold.agency != person.agency]
    for hold in holds:
        _end(work, hold, HoldEvent.DISPUTE, by=person.id, reason=reason)
        with work.across():
            for agency, words in (
                (hold.agency, f"{person.agency} disputes your hold {hold.id}"),
                (person.agency, f"hold {hold.id} of {hold.agency} is disputed by {person.id}"),
            ):
                duty.alarm(work, agency, Matter.ALARM, f"hold:{hold.id}", f"{words}: {reason}")
    return len(holds)


def overrule(work: Work, person: Person, hold: HoldId, *, reason: str) -> None:
    """Decide a disputed hold against its holder, in writing; only a signatory may.

    Raises:
        NotEntitled: No signatory.
        Invalid: No reason.
        IllegalStep: Nobody disputed it before.

    Source: Regulation (EU) 2021/784, recital 36.
    """
    person.require(Verb.OVERRULE_HOLD, Relation.FOREIGN)
    if not reason.strip():
        raise Invalid("overruling a hold needs written reasons")
    _end(work, work.holds.get(hold), HoldEvent.OVERRULE, by=person.id, reason=reason)


def _end(work: Work, hold: Hold, event: HoldEvent, *, by: PersonId | None, reason: str) -> HoldState:
    state = step(HOLD, hold.state, event)
    work.holds.end([hold.id], state, by=by, reason=reason)
    work.ledger.append(f"item:hold:{state.value}", f"hold:{hold.id}", {"by": by, "reason": reason})
    return state


def run(tools: Tools, tasks: Sequence[Task]) -> None:
    """Let holds whose instant has come lapse, visibly."""
    with tools.begin() as work:
        work.queue.done(tasks)
        by_state: dict[HoldState, list[HoldId]] = defaultdict(list)
        reason = "its instant came"
        for hold in work.holds.due([HoldId(task.subject) for task in tasks]):
            by_state[step(HOLD, hold.state, HoldEvent.EXPIRE)].append(hold.id)
        for state, ids in by_state.items():
            work.holds.end(ids, state, by=None, reason=reason)
            for number in ids:
                work.ledger.append(
                    f"item:hold:{state.value}", f"hold:{number}", {"by": None, "reason": reason}
                )
