"""duty: who answers alarms and threats to life, and how an alarm goes from one person to the next until it is taken."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta

from staydown.core.errors import IllegalStep, Invalid, NotFound, StaydownError
from staydown.core.house import Alarm, AlarmState, Call, Matter
from staydown.core.ids import AgencyCode, AlarmId, DutyId, ItemId, PersonId
from staydown.core.people import Person
from staydown.core.request import DispatchState, Parcel
from staydown.core.rights import Relation, Role, Verb
from staydown.core.text import clean
from staydown.ports.tools import Tools
from staydown.ports.work import Task, Work, WorkKind

LONGEST_DUTY = timedelta(days=31)
STEP = {Matter.ALARM: timedelta(minutes=10), Matter.LIFE: timedelta(minutes=2)}
"""How long one person has to take an alarm before the next one is called."""
LONGEST_PAUSE = timedelta(hours=6)
"""However often nobody took it, somebody is called this often."""
RANKS = range(1, 100)
HEADS = frozenset({Role.COORDINATOR, Role.SIGNATORY, Role.APPROVER, Role.PROVIDER})
"""Who is called where nobody is on the roster; without any of them everybody who may take an alarm."""


def put_on(
    work: Work,
    person: Person,
    who: PersonId,
    matter: Matter,
    *,
    rank: int,
    from_at: datetime,
    until_at: datetime,
) -> DutyId:
    """Put somebody of the own agency on the roster.

    Raises:
        NotEntitled: The person keeps no roster.
        NotFound: Nobody of that name at this agency.
        Invalid: The time ends before it begins, is longer than 31 days, or the rank is none.
    """
    person.require(Verb.SET_ROSTER)
    if not from_at < until_at <= from_at + LONGEST_DUTY:
        raise Invalid("a duty ends after it begins, and within 31 days", hint="Enter longer times in parts.")
    if rank not in RANKS:
        raise Invalid("the rank is 1 for whoever is called first, up to 99")
    if work.people.get(who).agency != person.agency:
        raise NotFound(f"nobody is called {who!r}", hint="staydown person list shows who there is.")
    number = work.duties.add(
        person.agency, who, matter, rank=rank, from_at=from_at, until_at=until_at, by=person.id
    )
    detail = {"person": who, "matter": matter, "rank": rank, "from": from_at, "until": until_at}
    work.ledger.append("duty:line:added", f"duty:{number}", {k: str(v) for k, v in detail.items()})
    return number


def take_off(work: Work, person: Person, duty: DutyId) -> None:
    """Take a line off the own agency's roster.

    Raises:
        NotEntitled: The person keeps no roster.
        NotFound: No such line, or another agency's: both read alike.
    """
    person.require(Verb.SET_ROSTER)
    if work.duties.get(duty).agency != person.agency:
        raise NotFound(f"there is no line {duty} on the roster")
    work.duties.end(duty)
    work.ledger.append("duty:line:ended", f"duty:{duty}", {"by": person.id})


def gaps(
    work: Work, agency: AgencyCode, matter: Matter, *, since: datetime, until: datetime
) -> list[tuple[datetime, datetime]]:
    """The times between two instants at which nobody is on duty."""
    found, at = [], since
    for line in (one for one in work.duties.listed(agency, since=since) if one.matter is matter):
        if line.from_at > at:
            found.append((at, min(line.from_at, until)))
        at = max(at, line.until_at)
        if at >= until:
            return [gap for gap in found if gap[0] < until]
    return [gap for gap in [*found, (at, until)] if gap[0] < gap[1]]


def alarm(work: Work, agency: AgencyCode, matter: Matter, subject: str, text: str) -> AlarmId | None:
    """Raise an alarm and see to it that somebody is called now; the same one is raised once."""
    number = work.duties.raise_alarm(agency, matter, subject, clean(text)[:1000])
    if number is not None:
        work.ledger.append(
            "alarm:call:raised", f"alarm:{number}", {"matter": matter.value, "subject": subject}
        )
        work.queue.add_at(WorkKind.ALARM, {number: work.now}, priority=0)
    return number


def threat(work: Work, person: Person, text: str, *, items: Sequence[ItemId] = ()) -> AlarmId | None:
    """Say that a life is in danger: the own agency's people on duty are called, and those of every holder of the items.

    Gives the own agency's alarm, and nothing of the others'.

    Raises:
        NotEntitled: The person may raise no alarm.
        Invalid: Nothing was said.

    Source: Regulation (EU) 2021/784, Art. 14(5).
    """
    person.require(Verb.RAISE_ALARM)
    if not text.strip():
        raise Invalid("say in words what threatens whom")
    number = alarm(work, person.agency, Matter.LIFE, f"threat:{secrets.token_hex(8)}", text)
    if number is not None and items:
        work.duties.concern(number, items)
        work.queue.add(WorkKind.WARN, [number], due_at=work.now, priority=0)
    return number


def warn(tools: Tools, tasks: Sequence[Task]) -> None:
    """Call those on duty at every other agency that holds an item of a threat; apart from whoever raised it, to whom
    not even the numbers of alarms tell that there are any."""
    with tools.begin() as work:
        work.queue.done(tasks)
        for task in tasks:
            own = work.duties.alarm(AlarmId(task.subject))
            items = work.duties.concerned(own.id)
            holders = {hold.agency for hold in work.holds.listed(items=items)} - {own.agency}
            for agency in sorted(holders):
                alarm(work, agency, own.matter, own.subject, own.text)


def take(work: Work, person: Person, number: AlarmId) -> Alarm:
    """Answer for an alarm: nobody else is called.

    Raises:
        NotFound: No such alarm, or another agency's: both read alike.
        IllegalStep: A colleague has it already.
    """
    person.require(Verb.TAKE_ALARM)
    found = work.duties.alarm(number, lock=True)
    if found.agency != person.agency:
        raise NotFound(f"there is no alarm {number}")
    if found.state is not AlarmState.OPEN:
        raise IllegalStep(f"{found.taken_by} has taken it already", hint="Ask the colleague.")
    work.duties.take(number, person.id)
    work.queue.cancel(WorkKind.ALARM, [number])
    work.ledger.append("alarm:call:taken", f"alarm:{number}", {"by": person.id})
    return work.duties.alarm(number)


def next_of(on_duty: Sequence[PersonId], calls: Sequence[Call]) -> PersonId | None:
    """Whom to call now: the first on duty who was called least often."""
    if not on_duty:
        return None
    often = {one: sum(call.person == one for call in calls) for one in on_duty}
    return min(on_duty, key=lambda one: (often[one], on_duty.index(one)))


def pause(matter: Matter, calls: int, on_duty: int) -> timedelta:
    """How long until the next call: a step, which doubles with each round in which nobody took it."""
    rounds = max(0, calls - 1) // max(1, on_duty)
    return min(STEP[matter] * (1 << min(rounds, 16)), LONGEST_PAUSE)


def run(tools: Tools, tasks: Sequence[Task]) -> None:
    """Call the next person about each alarm that nobody has taken."""
    for task in tasks:
        _call(tools, task)


def _call(tools: Tools, task: Task) -> None:
    number = AlarmId(task.subject)
    with tools.begin(write=False) as work:
        one, calls = work.duties.alarm(number), work.duties.calls(number)
        on_duty = work.duties.on_duty(one.agency, one.matter, work.now)
        if not on_duty:
            people = [
                who for who in work.people.all(agency=one.agency) if who.may(Verb.TAKE_ALARM, Relation.OWN)
            ]
            on_duty = [who.id for who in people if who.roles & HEADS] or [who.id for who in people]
        who = next_of(on_duty, calls)
        mail = work.people.mail([who]) if who else {}
    means, reached, detail = (
        _tell(tools, one, mail.get(who, "")) if who else ("desk", False, "nobody is there")
    )
    with tools.begin() as work:
        if not work.queue.held([task]):
            return
        if work.duties.alarm(number, lock=True).state is not AlarmState.OPEN:
            work.queue.done([task])
            return
        if who:
            work.duties.called(number, who, means=means, reached=reached, detail=detail)
        others_wait = not reached and len({call.person for call in calls} | {who}) < len(on_duty)
        after = timedelta(0) if others_wait else pause(one.matter, len(calls) + 1, len(on_duty))
        work.queue.postpone([task], due_at=work.now + after, trouble="" if reached else detail)
        work.ledger.append(
            "alarm:call:made", f"alarm:{number}", {"to": who, "means": means, "reached": reached}
        )


def _tell(tools: Tools, one: Alarm, mail: str) -> tuple[str, bool, str]:
    """Send a mail that says where to look and no more; without an address, or a way for mail, the desk shows it."""
    if not mail or "mail" not in tools.couriers:
        return "desk", True, "shown in the list of alarms"
    parcel = Parcel(
        reference=f"alarm-{one.id}",
        contact_point=f"mailto:{mail}",
        sender=one.agency,
        addressee="whoever is on duty",
        subject=f"Alarm {one.id}: " + ("a threat to life" if one.matter is Matter.LIFE else "please look"),
        text=f"{one.text}\n\nTake it, or the next on duty is called: staydown take-alarm {one.id}, or POST /v1/alarms/{one.id}/taking.\n",
        lines=(),
        message_id=f"<alarm-{one.id}-{int(one.raised_at.timestamp())}@staydown.example>",
        exercise=False,
    )
    try:
        receipt = tools.couriers["mail"].send([parcel])[0]
    except StaydownError as error:
        return "mail", False, str(error)
    return "mail", receipt.state in {DispatchState.SENT, DispatchState.INTENDED}, receipt.detail


__all__ = ["alarm", "gaps", "next_of", "pause", "put_on", "run", "take", "take_off", "threat"]
