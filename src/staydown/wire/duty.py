"""The roster, alarms, and who looked at what."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from staydown.core.house import AccessKind, AlarmState, Matter
from staydown.core.rights import Verb
from staydown.wire.base import Given, Instant, Key, Number, Spoken, Told

PersonName = Annotated[
    str, StringConstraints(pattern=r"^[a-z][a-z0-9]*([.-][a-z0-9]+)*$", min_length=1, max_length=40)
]


class NewDuty(Given):
    """Somebody of the own agency is on duty from one instant to another."""

    person: PersonName
    matter: Matter
    rank: Annotated[int, Field(strict=True, ge=1, le=99, description="1 is called first.")] = 1
    from_at: Instant
    until_at: Instant


class Duty(Told):
    """One line of the roster."""

    id: int
    person: str
    matter: Matter
    rank: int
    from_at: Instant
    until_at: Instant


class Gap(Told):
    """A time at which nobody is on duty."""

    matter: Matter
    from_at: Instant
    until_at: Instant


class Roster(Told):
    """Who is on duty from now on, and when nobody is within the next seven days."""

    duties: list[Duty]
    gaps: list[Gap]


class NewThreat(Given):
    """A life is in danger: those on duty are called at once, and those of agencies that hold the items."""

    text: Spoken
    items: Annotated[list[Key], Field(max_length=100)] = Field(default_factory=list)


class Call(Told):
    """Somebody was called about an alarm."""

    person: str
    at: Instant
    means: str
    reached: bool


class Alarm(Told):
    """Something that a person has to answer for now."""

    id: int
    matter: Matter
    subject: str
    text: str
    raised_at: Instant
    state: AlarmState
    taken_by: str | None
    taken_at: Instant | None


class AlarmWithCalls(Alarm):
    """An alarm, and who was called about it."""

    calls: list[Call]


class Alarms(Told):
    """An agency's alarms, newest first."""

    rows: list[Alarm]


class Raised(Told):
    """The own agency's alarm that was raised."""

    alarm: Number | None


class Access(Told):
    """One look at sensitive data."""

    number: int
    at: Instant
    kind: AccessKind
    person: str
    verb: Verb
    subjects: list[str]
    count: int
    purpose: str
    recipient: str
